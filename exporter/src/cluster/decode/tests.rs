//! Specs made by hand; the answers of a real API server are read in the workspace's `tests/cluster_api`.

use edgebench_sampler::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::kubevirt::overhead::{CpuTopology, VmSpec};

const MIB: u64 = 1 << 20;

fn vmi(spec: Value, status: Value) -> Vmi {
    let text =
        json!({ "metadata": { "namespace": "n", "name": "v" }, "spec": spec, "status": status }).to_string();
    match object(Kind::Vmis, &text).unwrap() {
        (_, Object::Vmi(vmi)) => *vmi,
        other => panic!("{other:?}"),
    }
}

fn spec(spec: Value) -> VmSpec {
    vmi(spec, json!({})).spec
}

fn domain(domain: Value) -> VmSpec {
    spec(json!({ "domain": domain }))
}

fn devices(devices: Value) -> VmSpec {
    domain(json!({ "devices": devices }))
}

fn interface(interface: Value) -> VmSpec {
    devices(json!({ "interfaces": [{ "name": "other", "masquerade": {} }, interface] }))
}

#[test]
fn an_empty_spec_has_a_graphics_device_and_nothing_else() {
    assert_eq!(spec(json!({})), VmSpec { graphics: true, ..VmSpec::default() });
}

#[test]
fn a_request_that_is_not_written_is_not_made_up_from_the_guests_memory() {
    let read = domain(json!({ "memory": { "guest": "512Mi" }, "resources": {} }));
    assert_eq!((read.request, read.guest), (None, Some(Bytes(512 * MIB))));
    let read = domain(json!({ "memory": null, "resources": { "requests": { "memory": "64M" } } }));
    assert_eq!((read.request, read.guest), (Some(Bytes(64_000_000)), None));
    let read = domain(json!({ "resources": { "requests": { "memory": 1073741824 } } }));
    assert_eq!(read.request, Some(Bytes(1 << 30)), "a bare number");
}

#[test]
fn cpus_are_the_topology_else_the_limit_else_the_request_in_whole_cpus() {
    let read = domain(json!({ "cpu": { "sockets": 2, "cores": 3, "threads": 1, "model": "host-model" } }));
    assert_eq!(read.cpu, Some(CpuTopology { sockets: 2, cores: 3, threads: 1 }));
    assert_eq!(domain(json!({ "cpu": {} })).cpu, Some(CpuTopology::default()));
    assert_eq!(domain(json!({ "cpu": null })).cpu, None);
    let cpus = |resources: Value| domain(json!({ "resources": resources })).cpus;
    assert_eq!(cpus(json!({ "requests": { "cpu": "1500m" } })), Some(2));
    assert_eq!(cpus(json!({ "requests": { "cpu": "1" }, "limits": { "cpu": 4 } })), Some(4));
    assert_eq!(cpus(json!({})), None);
}

#[test]
fn a_graphics_device_is_there_unless_it_is_switched_off() {
    assert!(devices(json!({ "autoattachGraphicsDevice": true })).graphics);
    assert!(devices(json!({ "autoattachGraphicsDevice": null })).graphics);
    assert!(!devices(json!({ "autoattachGraphicsDevice": false })).graphics);
}

#[test]
fn the_architecture_decides() {
    assert!(spec(json!({ "architecture": "arm64" })).arm64);
    assert!(!spec(json!({ "architecture": "amd64" })).arm64);
}

#[test]
fn gpus_host_devices_and_sriov_interfaces_are_vfio() {
    assert!(devices(json!({ "gpus": [{ "name": "g", "deviceName": "nvidia.com/A10" }] })).vfio);
    assert!(devices(json!({ "hostDevices": [{ "name": "h", "deviceName": "intel.com/qat" }] })).vfio);
    assert!(interface(json!({ "name": "s", "sriov": {} })).vfio);
    assert!(!interface(json!({ "name": "b", "bridge": {} })).vfio);
    assert!(!devices(json!({ "gpus": [], "hostDevices": null })).vfio);
}

#[test]
fn downward_metrics_are_a_volume() {
    assert!(spec(json!({ "volumes": [{ "name": "m", "downwardMetrics": {} }] })).downward_metrics);
    assert!(
        !spec(json!({ "volumes": [{ "name": "d", "containerDisk": { "image": "i" } }] })).downward_metrics
    );
}

#[test]
fn only_probes_that_run_a_command_count() {
    let read = spec(json!({ "livenessProbe": { "exec": { "command": ["true"] } },
                            "readinessProbe": { "tcpSocket": { "port": 22 } } }));
    assert!(read.liveness_exec && !read.readiness_exec);
    let read = spec(json!({ "readinessProbe": { "exec": { "command": ["true"] } } }));
    assert!(!read.liveness_exec && read.readiness_exec);
}

#[test]
fn launch_security_is_given_by_an_empty_object_too() {
    let read = domain(json!({ "launchSecurity": { "sev": {} } }));
    assert!(read.sev && !read.sev_snp);
    let read = domain(json!({ "launchSecurity": { "snp": {} } }));
    assert!(!read.sev && read.sev_snp);
    let read = domain(json!({ "launchSecurity": { "sev": null } }));
    assert!(!read.sev);
}

#[test]
fn a_tpm_is_there_unless_it_is_disabled() {
    assert!(devices(json!({ "tpm": {} })).tpm);
    assert!(devices(json!({ "tpm": { "enabled": true, "persistent": true } })).tpm);
    assert!(!devices(json!({ "tpm": { "enabled": false } })).tpm);
    assert!(!devices(json!({ "tpm": null })).tpm && !devices(json!({})).tpm);
}

#[test]
fn dedicated_cpus_are_asked_for_by_name() {
    assert!(domain(json!({ "cpu": { "cores": 2, "dedicatedCpuPlacement": true } })).dedicated_cpu);
    assert!(!domain(json!({ "cpu": { "cores": 2 } })).dedicated_cpu);
}

#[test]
fn guaranteed_is_who_requests_memory_and_cpu_and_has_them_as_limits() {
    let guaranteed = |requests: Value, limits: Value| {
        domain(json!({ "resources": { "requests": requests, "limits": limits } })).guaranteed
    };
    let both = json!({ "memory": "1Gi", "cpu": "1" });
    assert!(
        guaranteed(both.clone(), json!({ "memory": "1024Mi", "cpu": "1000m" })),
        "equal, written otherwise"
    );
    assert!(!guaranteed(both.clone(), json!({ "memory": "2Gi", "cpu": "1" })));
    assert!(!guaranteed(both.clone(), json!({ "memory": "1Gi" })));
    assert!(!guaranteed(json!({}), both), "limits alone");
    let zero = json!({ "memory": "0", "cpu": "0" });
    assert!(!guaranteed(zero.clone(), zero));
}

#[test]
fn passt_has_had_three_names_and_may_list_ports() {
    for passt in [
        json!({ "name": "p", "passt": {} }),
        json!({ "name": "p", "passtBinding": {} }),
        json!({ "name": "p", "binding": { "name": "passt" } }),
    ] {
        let read = interface(passt.clone());
        assert!(read.passt && read.passt_without_ports, "{passt}");
        let mut with_ports = passt;
        with_ports["ports"] = json!([{ "port": 80 }]);
        let read = interface(with_ports);
        assert!(read.passt && !read.passt_without_ports);
    }
    let read = interface(json!({ "name": "b", "binding": { "name": "macvtap" } }));
    assert!(!read.passt && !read.passt_without_ports);
}

#[test]
fn binding_plugins_are_named_once_each() {
    let plugin = |name: &str| json!({ "name": "i", "binding": { "name": name } });
    let read = devices(json!({ "interfaces": [plugin("b"), plugin("a"), plugin("b"), { "name": "m" }] }));
    assert_eq!(read.bindings, ["b", "a"]);
}

#[test]
fn what_else_memory_and_resources_say() {
    let read = domain(json!({
        "memory": { "guest": "1Gi", "hugepages": { "pageSize": "2Mi" },
                    "reservedOverhead": { "addedOverhead": "100Mi", "memLock": "NotRequired" } },
        "resources": { "overcommitGuestOverhead": true },
    }));
    assert_eq!(read.added, Some(Bytes(100 * MIB)));
    assert!(read.hugepages && read.overcommits_overhead);
}

#[test]
fn a_field_of_another_shape_is_as_good_as_missing() {
    let read = domain(json!({ "cpu": "two", "memory": { "guest": ["1Gi"], "hugepages": {} },
                              "resources": { "requests": 7 }, "devices": { "gpus": {}, "tpm": {} } }));
    assert_eq!(read, VmSpec { graphics: true, hugepages: true, tpm: true, ..VmSpec::default() });
    let read = vmi(json!(null), json!({ "phase": "Running", "activePods": [], "conditions": [7] }));
    assert_eq!((read.phase.as_str(), read.active_pods.len()), ("Running", 0));
}

#[test]
fn what_has_no_name_is_no_object() {
    for text in ["", "7", "[]", "{}", r#"{"metadata":{}}"#, r#"{"metadata":{"name":""}}"#] {
        for kind in Kind::ALL {
            assert!(object(kind, text).is_err(), "{kind:?} {text}");
        }
    }
}

#[test]
fn a_paused_vmi_and_one_that_migrates() {
    let migration =
        |state: Value| vmi(json!({}), json!({ "nodeName": "a", "migrationState": state })).migrates_to;
    assert_eq!(migration(json!({ "targetNode": "b", "startTimestamp": "t" })).as_deref(), Some("b"));
    assert_eq!(migration(json!({ "targetNode": "b", "completed": true, "endTimestamp": "t" })), None);
    assert_eq!(migration(json!({ "targetNode": "b", "failed": true })), None);
    assert_eq!(migration(json!({ "startTimestamp": "t" })), None, "no target yet");

    let paused = |status: &str| {
        vmi(json!({}), json!({ "conditions": [{ "type": "Ready", "status": "True" }, { "type": "Paused", "status": status }] }))
            .paused
    };
    assert!(paused("True") && !paused("False"));
}

#[test]
fn what_a_guest_with_an_agent_says() {
    let read = vmi(json!({}), json!({ "guestOSInfo": { "prettyName": "Debian GNU/Linux 13" } }));
    assert_eq!(read.guest_os.as_deref(), Some("Debian GNU/Linux 13"));
}

#[test]
fn what_a_vmi_boots_is_behind_its_first_disk() {
    let image = |disks: Value, volume: Value| {
        let other = json!({ "name": "other", "containerDisk": { "image": "other" } });
        let domain = json!({ "devices": { "disks": disks } });
        vmi(json!({ "domain": domain, "volumes": [other, volume] }), json!({})).image
    };
    let disks = json!([{ "name": "root" }, { "name": "other" }]);
    for (volume, name) in [
        (
            json!({ "name": "root", "containerDisk": { "image": "quay.io/containerdisks/debian:13" } }),
            "quay.io/containerdisks/debian:13",
        ),
        (json!({ "name": "root", "dataVolume": { "name": "dv" } }), "dv"),
        (json!({ "name": "root", "persistentVolumeClaim": { "claimName": "pvc" } }), "pvc"),
        (json!({ "name": "root", "ephemeral": { "persistentVolumeClaim": { "claimName": "pvc" } } }), "pvc"),
    ] {
        assert_eq!(image(disks.clone(), volume).as_deref(), Some(name));
    }
    assert_eq!(image(disks, json!({ "name": "root", "emptyDisk": { "capacity": "64Mi" } })), None);
    let ordered = json!([{ "name": "root", "bootOrder": 2 }, { "name": "other", "bootOrder": 1 }]);
    assert_eq!(image(ordered, json!({ "name": "root" })).as_deref(), Some("other"));
}

#[test]
fn the_targets_of_a_guest_are_an_annotation() {
    let text = r#"{"metadata":{"name":"v","annotations":{"edgebench.io/guest-targets":"9100"}}}"#;
    let (_, Object::Vmi(read)) = object(Kind::Vmis, text).unwrap() else { panic!() };
    assert_eq!(read.guest_targets.as_deref(), Some("9100"));
}

#[test]
fn a_kubevirt_cr_has_a_ratio_and_bindings_with_their_overhead() {
    let text = json!({
        "metadata": { "namespace": "kubevirt", "name": "kubevirt" },
        "spec": { "configuration": {
            "additionalGuestMemoryOverheadRatio": "1.5",
            "network": { "binding": {
                "passt": { "computeResourceOverhead": { "requests": { "memory": "500Mi" } } },
                "macvtap": { "domainAttachmentType": "tap" },
            } },
        } },
        "status": { "phase": "Deployed", "observedKubeVirtVersion": "v1.9.0" },
    });
    let (_, Object::Installation(read)) = object(Kind::Kubevirts, &text.to_string()).unwrap() else {
        panic!()
    };
    assert_eq!(read.overhead_ratio.as_deref(), Some("1.5"));
    assert_eq!(read.bindings, [("passt".to_owned(), Bytes(500 * MIB))]);
    assert_eq!(read.version.as_deref(), Some("v1.9.0"));
}

#[test]
fn a_launcher_pods_vmi_is_its_owner_else_an_annotation_else_a_label() {
    let names = |metadata: Value| {
        let mut metadata = metadata;
        metadata["name"] = json!("p");
        match object(Kind::LauncherPods, &json!({ "metadata": metadata }).to_string()).unwrap() {
            (_, Object::Launcher(pod)) => (pod.vmi_name.unwrap_or_default(), pod.vmi_uid.unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    };
    let owner = json!([{ "kind": "VirtualMachineInstance", "name": "long", "uid": "u" }]);
    let labels = json!({ "vm.kubevirt.io/name": "cut", "kubevirt.io/created-by": "l" });
    let annotations = json!({ "kubevirt.io/domain": "d" });
    let found = names(json!({ "ownerReferences": owner, "labels": labels, "annotations": annotations }));
    assert_eq!(found, ("long".to_owned(), "u".to_owned()));
    assert_eq!(
        names(json!({ "labels": labels, "annotations": annotations })),
        ("d".to_owned(), "l".to_owned())
    );
    assert_eq!(names(json!({ "labels": labels })), ("cut".to_owned(), "l".to_owned()));
}

#[test]
fn of_a_pods_containers_compute_counts() {
    let text = json!({
        "metadata": { "name": "p" },
        "spec": { "containers": [
            { "name": "volumedisk", "resources": { "limits": { "memory": "40M" } } },
            { "name": "compute", "resources": { "requests": { "memory": "800Mi" }, "limits": { "memory": "1Gi" } } },
        ] },
    });
    let (_, Object::Launcher(pod)) = object(Kind::LauncherPods, &text.to_string()).unwrap() else { panic!() };
    assert_eq!((pod.request, pod.limit), (Some(Bytes(800 * MIB)), Some(Bytes(1 << 30))));
}

#[test]
fn a_component_has_the_name_of_its_process() {
    assert_eq!(component_of_label("cdi-deployment"), "cdi-controller");
    assert_eq!(component_of_label("virt-handler"), "virt-handler");
    for value in ["cdi-deployment", "cdi-clone-source", "cdi-upload-server", "importer", "virt-exporter"] {
        let component = component_of_label(value);
        assert!(edgebench_sampler::component::by_name(component).is_some(), "{component}");
    }
}

#[test]
fn an_image_has_a_tag_beside_its_registrys_port_and_its_digest() {
    assert_eq!(tag("quay.io:443/kubevirt/virt-api:v1.9.0@sha256:0123"), Some("v1.9.0"));
    assert_eq!(tag("virt-api:v1"), Some("v1"));
    assert_eq!(tag("quay.io:443/kubevirt/virt-api"), None);
    assert_eq!(tag("quay.io/kubevirt/virt-api@sha256:0123"), None);
    assert_eq!(tag(""), None);
}

#[test]
fn a_deployment_that_says_nothing_wants_one_replica_of_which_none_is_ready() {
    let text = r#"{"metadata":{"namespace":"cdi","name":"cdi-operator"},"status":{}}"#;
    let (_, Object::Deployment(read)) = object(Kind::CdiDeployments, text).unwrap() else { panic!() };
    assert_eq!((read.component.as_str(), read.wanted, read.ready), ("cdi-operator", 1, 0));
}
