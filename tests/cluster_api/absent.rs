//! A cluster without KubeVirt, and an agent that may not know everything.

use edgebench_exporter::cluster::health::Subject;
use edgebench_exporter::cluster::{Kind, State};
use edgebench_tests::scripted_api::{CDIS, CONFIGMAPS, Fault, KUBEVIRTS, PODS, ScriptedApi, VMIS};

use crate::rig::{Rig, eventually};

const FORBIDDEN: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"forbidden","reason":"Forbidden","code":403}"#;

fn denied() -> Fault {
    Fault::Status(403, FORBIDDEN.into())
}

#[test]
fn a_cluster_without_kubevirt_is_known_as_one_and_watched_for_it() {
    let api = ScriptedApi::new();
    for collection in [VMIS, KUBEVIRTS, CDIS] {
        api.remove_collection(collection);
    }
    let rig = Rig::start(&api);
    for kind in [Kind::Vmis, Kind::Kubevirts, Kind::Cdis, Kind::Authority] {
        rig.becomes(Subject::Kind(kind), State::Absent);
    }
    rig.becomes(Subject::Kind(Kind::LauncherPods), State::Synced);
    eventually("health", || rig.handle.health().success());
    rig.handle.with(|cluster| {
        assert_eq!(cluster.kubernetes.as_deref(), Some("v1.36.2"));
        assert_eq!((cluster.kubevirt.is_some(), cluster.vmis.len()), (false, 0));
    });
    // It is installed.
    for collection in [VMIS, KUBEVIRTS, CDIS] {
        api.add_collection(collection);
    }
    api.load_real();
    rig.converges(&api, "with KubeVirt");
    eventually("the CA", || rig.state(Subject::Kind(Kind::Authority)) == State::Synced);
}

#[test]
fn kubevirt_is_uninstalled() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    for pod in ["virt-api-1019d696f9-0", "virt-controller-8347ff306e-0", "virt-handler-d0499062a0-0"] {
        api.delete(PODS, "kubevirt", pod);
    }
    api.delete(CONFIGMAPS, "kubevirt", "kubevirt-ca");
    for collection in [VMIS, KUBEVIRTS, CDIS] {
        api.remove_collection(collection);
    }
    rig.converges(&api, "without KubeVirt");
    rig.becomes(Subject::Kind(Kind::Vmis), State::Absent);
}

#[test]
fn each_kind_that_is_denied_hides_nothing_of_the_others() {
    for kind in Kind::ALL {
        let api = ScriptedApi::real();
        let path = kind.path("kubevirt");
        let query = kind.query("edge-node", edgebench_exporter::cluster::Scope::Cluster);
        api.fail(&format!("{path}?{query}&"), denied(), usize::MAX);
        let rig = Rig::start(&api);
        rig.becomes(Subject::Kind(kind), State::Denied);
        for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
            rig.becomes(Subject::Kind(other), State::Synced);
        }
        assert!(!rig.handle.health().success(), "{kind:?}");
        assert!(rig.handle.health().settled());
        // It is allowed.
        api.heal();
        rig.converges(&api, kind.name());
        eventually("health", || rig.handle.health().success());
    }
}

#[test]
fn what_is_denied_later_on_is_forgotten_but_not_at_the_first_word() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    // A server that has just started refuses everything for a moment.
    api.fail("virtualmachineinstances?", denied(), 1);
    api.break_connections();
    rig.fails("denied");
    rig.handle.with(|cluster| assert_eq!(cluster.vmis.len(), 1));
    rig.becomes(Subject::Kind(Kind::Vmis), State::Synced);

    api.fail("virtualmachineinstances", denied(), usize::MAX);
    api.break_connections();
    eventually("forgotten", || rig.handle.with(|cluster| cluster.vmis.is_empty()));
    rig.handle.with(|cluster| assert_eq!(cluster.launchers.len(), 1));
}

#[test]
fn a_kind_that_may_be_listed_but_not_watched_is_listed_now_and_then() {
    let api = ScriptedApi::real();
    api.fail("kubevirts?&watch=true", denied(), usize::MAX);
    let rig = Rig::start(&api);
    rig.becomes(Subject::Kind(Kind::Kubevirts), State::Denied);
    rig.converges(&api, "from lists");
    api.edit(KUBEVIRTS, "kubevirt", "kubevirt", |kubevirt| {
        kubevirt["status"]["phase"] = serde_json::json!("Deleting");
    });
    rig.converges(&api, "from a later list");
    assert_eq!(rig.state(Subject::Kind(Kind::Kubevirts)), State::Denied, "it says so once, not at each list");
}
