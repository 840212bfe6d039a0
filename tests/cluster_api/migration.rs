//! A VMI that migrates: its label names the source until it has switched over.

use edgebench_exporter::cluster::health::Subject;
use edgebench_exporter::cluster::{Cluster, State};
use edgebench_tests::scripted_api::{Fault, PODS, ScriptedApi, VMIS};
use serde_json::{Value, json};

use crate::rig::{Rig, eventually};

fn vmi(label: &str, node: &str, migration: Value) -> Value {
    json!({
        "metadata": { "namespace": "n", "name": "v", "uid": "u", "labels": { "kubevirt.io/nodeName": label } },
        "status": { "phase": "Running", "nodeName": node, "migrationState": migration,
                    "activePods": { "here": "edge-node", "there": "other" } },
    })
}

fn launcher(phase: &str) -> Value {
    json!({
        "metadata": { "namespace": "n", "name": "virt-launcher-v-abcde", "uid": "here",
                      "labels": { "kubevirt.io": "virt-launcher" }, "annotations": { "kubevirt.io/domain": "v" } },
        "spec": { "nodeName": "edge-node" }, "status": { "phase": phase },
    })
}

fn knows(rig: &Rig, what: &str, is: impl Fn(&Cluster) -> bool) {
    eventually(what, || rig.handle.with(&is));
}

#[test]
fn one_that_comes_here_is_known_by_its_pod_until_its_label_says_so() {
    let api = ScriptedApi::new();
    let coming = json!({ "sourceNode": "other", "targetNode": "edge-node" });
    api.put(VMIS, vmi("other", "other", coming.clone()));
    let rig = Rig::start(&api);
    rig.converges(&api, "nothing of it is here yet");

    api.put(PODS, launcher("Running"));
    knows(&rig, "the one that comes", |cluster| {
        cluster.vmis.first().is_some_and(|vmi| vmi.migrates_to.as_deref() == Some("edge-node"))
    });
    rig.becomes(Subject::MigratingVmis, State::Synced);

    let mut done = coming;
    done["completed"] = json!(true);
    api.put(VMIS, vmi("edge-node", "edge-node", done));
    rig.converges(&api, "once it has switched over");
    rig.handle.with(|cluster| assert_eq!(cluster.vmis[0].node.as_deref(), Some("edge-node")));
    // It is asked for by name no more.
    let by_name = || api.requests().iter().filter(|url| url.ends_with("virtualmachineinstances/v")).count();
    let before = by_name();
    api.bookmark();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(by_name() <= before + 1);
}

#[test]
fn one_that_leaves_is_known_until_its_pod_has_ended() {
    let api = ScriptedApi::new();
    api.put(VMIS, vmi("edge-node", "edge-node", json!({ "sourceNode": "edge-node", "targetNode": "other" })));
    api.put(PODS, launcher("Running"));
    let rig = Rig::start(&api);
    rig.converges(&api, "before it leaves");
    api.put(VMIS, vmi("other", "other", json!({ "targetNode": "other", "completed": true })));
    knows(&rig, "where it is now", |cluster| {
        cluster.vmis.first().is_some_and(|vmi| vmi.node.as_deref() == Some("other"))
    });
    api.put(PODS, launcher("Succeeded"));
    rig.converges(&api, "once its pod has ended");
    rig.handle.with(|cluster| assert_eq!((cluster.vmis.len(), cluster.launchers.len()), (0, 1)));
}

#[test]
fn a_pod_of_a_vmi_that_is_gone_or_elsewhere_makes_no_vmi() {
    let api = ScriptedApi::new();
    api.put(PODS, launcher("Running"));
    let rig = Rig::start(&api);
    rig.converges(&api, "there is no such VMI");
    rig.becomes(Subject::MigratingVmis, State::Synced);
    let elsewhere = json!({
        "metadata": { "namespace": "n", "name": "v", "uid": "another" },
        "status": { "nodeName": "other", "activePods": { "there": "other" } },
    });
    api.put(VMIS, elsewhere);
    api.bookmark();
    std::thread::sleep(std::time::Duration::from_millis(300));
    rig.handle.with(|cluster| assert_eq!(cluster.vmis.len(), 0));
}

#[test]
fn an_agent_that_may_not_ask_by_name_says_so() {
    let api = ScriptedApi::new();
    api.put(PODS, launcher("Running"));
    api.fail("virtualmachineinstances/v", Fault::Status(403, "{}".into()), usize::MAX);
    let rig = Rig::start(&api);
    rig.becomes(Subject::MigratingVmis, State::Denied);
    rig.converges(&api, "the rest is known");
}
