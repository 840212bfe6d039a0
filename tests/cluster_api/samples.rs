//! The answers of a real API server (Kubernetes 1.36, KubeVirt 1.9, CDI 1.66), decoded.

use std::fs;

use edgebench_exporter::cluster::decode::{self, Object};
use edgebench_exporter::cluster::{ComponentPod, Deployment, Installation, Kind, LauncherPod, Vmi};
use edgebench_exporter::kubevirt::overhead::{CpuTopology, VmSpec};
use edgebench_sampler::Bytes;
use edgebench_tests::host::fixture;
use edgebench_tests::scripted_api::{answer_text, events};
use serde_json::Value;

const MIB: u64 = 1 << 20;

fn items(text: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(text).unwrap()["items"].as_array().unwrap().clone()
}

fn decoded(kind: Kind, item: &Value) -> Object {
    decode::object(kind, &item.to_string()).unwrap().1
}

fn of_the_node(name: &str) -> Vec<Value> {
    items(&fs::read_to_string(fixture("node-kubevirt-1.9/4-vm").join(name)).unwrap())
}

#[test]
fn the_running_vmi_of_the_real_node() {
    let [item] = &of_the_node("api-virtualmachineinstances.json")[..] else { panic!() };
    let Object::Vmi(vmi) = decoded(Kind::Vmis, item) else { panic!() };
    let wanted = Vmi {
        namespace: "default".into(),
        name: "edge-vm".into(),
        uid: "7764d18d-957a-4449-b066-00d4e14c9721".into(),
        node: Some("edge-node".into()),
        phase: "Running".into(),
        active_pods: vec![("f626cce2-29b3-48e8-aa19-090cad4e2bf3".into(), "edge-node".into())],
        guest_current: Some(Bytes(512 * MIB)),
        overhead: Some(Bytes(288 * MIB)),
        launcher_image: Some("quay.io/kubevirt/virt-launcher:v1.9.0-rc.2".into()),
        spec: VmSpec {
            guest: Some(Bytes(512 * MIB)),
            cpu: Some(CpuTopology { sockets: 0, cores: 1, threads: 0 }),
            graphics: true,
            ..VmSpec::default()
        },
        ..Vmi::default()
    };
    assert_eq!(*vmi, wanted, "no request is written: only the guest's memory");
}

#[test]
fn the_launcher_pod_of_the_real_node() {
    let [item] = &of_the_node("api-pods.json")[..] else { panic!() };
    let Object::Launcher(pod) = decoded(Kind::LauncherPods, item) else { panic!() };
    let wanted = LauncherPod {
        namespace: "default".into(),
        name: "virt-launcher-edge-vm-4kfzr".into(),
        uid: "f626cce2-29b3-48e8-aa19-090cad4e2bf3".into(),
        vmi_uid: Some("7764d18d-957a-4449-b066-00d4e14c9721".into()),
        vmi_name: Some("edge-vm".into()),
        node: Some("edge-node".into()),
        phase: "Running".into(),
        ip: Some("10.244.0.22".into()),
        request: Some(Bytes(800 * MIB)),
        limit: None,
        overhead: Some(Bytes(301_989_888)),
    };
    assert_eq!(*pod, wanted);
}

#[test]
fn the_real_crs() {
    let cr = |name: &str, kind| match decoded(kind, &items(&answer_text(name))[0]) {
        Object::Installation(cr) => *cr,
        other => panic!("{other:?}"),
    };
    let wanted = Installation {
        namespace: "kubevirt".into(),
        phase: "Deployed".into(),
        version: Some("v1.9.0-rc.2".into()),
        ..Installation::default()
    };
    assert_eq!(cr("kubevirts.json", Kind::Kubevirts), wanted);
    let wanted =
        Installation { phase: "Deployed".into(), version: Some("v1.66.0".into()), ..Installation::default() };
    assert_eq!(cr("cdis.json", Kind::Cdis), wanted);
    assert_eq!(decode::kubernetes_version(&answer_text("version.json")).as_deref(), Some("v1.36.2"));
}

#[test]
fn the_real_control_plane() {
    let pods = items(&answer_text("pods-kubevirt.json"));
    let handler = pods.iter().find(|pod| pod["metadata"]["labels"]["kubevirt.io"] == "virt-handler").unwrap();
    let Object::Component(pod) = decoded(Kind::KubevirtPods, handler) else { panic!() };
    let wanted = ComponentPod {
        namespace: "kubevirt".into(),
        name: "virt-handler-d0499062a0-0".into(),
        uid: handler["metadata"]["uid"].as_str().unwrap().into(),
        component: "virt-handler".into(),
        node: Some("shadow-node".into()),
        ip: None,
        version: Some("v1.9.0-rc.2".into()),
        port: pod.port,
        running: true,
    };
    assert_eq!(*pod, wanted);

    let deployments = items(&answer_text("deployments-cdi.json"));
    let deployment = deployments.iter().find(|item| item["metadata"]["name"] == "cdi-deployment").unwrap();
    let Object::Deployment(deployment) = decoded(Kind::CdiDeployments, deployment) else { panic!() };
    let wanted = Deployment {
        namespace: "cdi".into(),
        name: "cdi-deployment".into(),
        component: "cdi-controller".into(),
        wanted: 1,
        ready: 1,
    };
    assert_eq!(*deployment, wanted);
}

#[test]
fn every_event_of_the_real_watches_is_read() {
    let mut phases = Vec::new();
    for event in events("watch-vmis.ndjson") {
        let text = event["object"].to_string();
        assert!(!decode::identity(&text).unwrap().version.is_empty());
        if event["type"] == "BOOKMARK" {
            continue;
        }
        let Object::Vmi(vmi) = decoded(Kind::Vmis, &event["object"]) else { panic!() };
        phases.push(vmi.phase.clone());
        assert_eq!(vmi.spec.guest, Some(Bytes(512 * MIB)));
    }
    phases.dedup();
    assert_eq!(phases, ["Running", "Succeeded", "Pending", "Scheduling", "Scheduled", "Running"]);

    for event in events("watch-virt-launcher-pods.ndjson") {
        if event["type"] != "BOOKMARK" {
            let Object::Launcher(pod) = decoded(Kind::LauncherPods, &event["object"]) else { panic!() };
            assert_eq!((pod.request, pod.overhead), (Some(Bytes(800 * MIB)), Some(Bytes(301_989_888))));
        }
    }
}
