//! Changes arrive: those of a real VM that is deleted and created anew.

use edgebench_tests::scripted_api::{CONFIGMAPS, DEPLOYMENTS, KUBEVIRTS, PODS, ScriptedApi, VMIS, events};
use serde_json::{Value, json};

use crate::rig::{Rig, eventually};

/// Plays a real watch back.
fn replay(api: &ScriptedApi, collection: &str, name: &str, mut after_each: impl FnMut()) {
    for event in events(name) {
        let object = &event["object"];
        match event["type"].as_str().unwrap() {
            "ADDED" | "MODIFIED" => api.put(collection, object.clone()),
            "DELETED" => {
                let name = object["metadata"]["name"].as_str().unwrap();
                api.delete(collection, "default", name);
            }
            "BOOKMARK" => api.bookmark(),
            other => panic!("{other}"),
        }
        after_each();
    }
}

#[test]
fn a_vm_is_deleted_and_created_anew() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    replay(&api, VMIS, "watch-vmis.ndjson", || rig.converges(&api, "VMIs, event by event"));
    replay(&api, PODS, "watch-virt-launcher-pods.ndjson", || rig.converges(&api, "pods, event by event"));
    rig.handle.with(|cluster| {
        assert_eq!(cluster.vmis[0].phase, "Running");
        assert_eq!(cluster.launchers[0].name, "virt-launcher-edge-vm-g5cwz");
    });
    assert_eq!(rig.errors("connection"), 0);
}

#[test]
fn events_in_a_burst_leave_the_same_as_one_by_one() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    for _ in 0..20 {
        replay(&api, VMIS, "watch-vmis.ndjson", || ());
        replay(&api, PODS, "watch-virt-launcher-pods.ndjson", || ());
    }
    rig.converges(&api, "after all");
}

#[test]
fn every_other_kind_changes_too() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    eventually("the watches", || api.watches() == 9);
    api.edit(KUBEVIRTS, "kubevirt", "kubevirt", |kubevirt| {
        kubevirt["status"]["observedKubeVirtVersion"] = json!("v1.9.1");
        kubevirt["spec"]["configuration"]["additionalGuestMemoryOverheadRatio"] = json!("1.5");
    });
    api.edit(DEPLOYMENTS, "kubevirt", "virt-api", |deployment| deployment["spec"]["replicas"] = json!(3));
    api.edit(CONFIGMAPS, "kubevirt", "kubevirt-ca", |map| map["data"]["ca-bundle"] = json!("another"));
    api.put(
        PODS,
        json!({ "metadata": { "namespace": "cdi", "name": "cdi-operator-x", "uid": "o",
                              "labels": { "cdi.kubevirt.io": "cdi-operator", "prometheus.cdi.kubevirt.io": "" } },
                "spec": { "nodeName": "edge-node" }, "status": { "phase": "Running", "podIP": "10.0.0.9" } }),
    );
    rig.converges(&api, "after changes");
    rig.handle.with(|cluster| {
        assert_eq!(cluster.kubevirt.as_ref().unwrap().overhead_ratio.as_deref(), Some("1.5"));
        assert_eq!(cluster.kubevirt_ca.as_deref(), Some("another"));
        assert!(cluster.components.iter().any(|pod| pod.component == "cdi-operator"));
    });
}

#[test]
fn a_pod_that_loses_its_label_is_gone() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    api.edit(PODS, "kubevirt", "virt-handler-d0499062a0-0", |pod| pod["metadata"]["labels"] = Value::Null);
    rig.converges(&api, "the server says DELETED of what a selector no longer selects");
    rig.handle.with(|cluster| assert_eq!(cluster.components.len(), 3));
}

#[test]
fn the_ca_is_looked_for_where_kubevirt_is_installed() {
    let api = ScriptedApi::new();
    let rig = Rig::start(&api);
    rig.converges(&api, "nothing there");
    for (namespace, pem) in [("kubevirt", "wrong"), ("virt", "right")] {
        let metadata = json!({ "namespace": namespace, "name": "kubevirt-ca" });
        api.put(CONFIGMAPS, json!({ "metadata": metadata, "data": { "ca-bundle": pem } }));
    }
    api.put(KUBEVIRTS, json!({ "metadata": { "namespace": "virt", "name": "kubevirt" } }));
    eventually("the CA", || rig.handle.with(|cluster| cluster.kubevirt_ca.as_deref() == Some("right")));
}
