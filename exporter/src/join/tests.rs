use edgebench_sampler::{Bytes, Nanos};

use super::*;
use crate::cluster::{Deployment, Installation};
use crate::endpoints::{Said, SaidProcess, Trouble};
use crate::guests::{GuestTarget, IotEdge, Module, System};
use crate::kubevirt::overhead::VmSpec;
use crate::view::joined::{Reserved, ReservedSource};

const MIB: u64 = 1 << 20;
const NOW: f64 = 1000.0;

/// A cluster with one VM, `default/edge-vm` on edge-node, and what everybody says of it.
#[derive(Clone)]
struct World {
    cluster: Cluster,
    endpoints: Vec<Endpoint>,
    guests: Vec<Guest>,
}

impl World {
    fn new() -> World {
        let cluster = Cluster {
            kubernetes: Some("v1.36.2".into()),
            vmis: vec![vmi("default", "edge-vm", "vmi-1")],
            launchers: vec![pod("default", "edge-vm", "vmi-1", "pod-1")],
            kubevirt: Some(Installation {
                namespace: "kubevirt".into(),
                phase: "Deployed".into(),
                version: Some("v1.9.0".into()),
                ..Installation::default()
            }),
            deployments: vec![Deployment {
                component: "virt-api".into(),
                wanted: 2,
                ready: 1,
                ..Deployment::default()
            }],
            ..Cluster::default()
        };
        let handler = Endpoint {
            component: "virt-handler".into(),
            pod: "virt-handler-x".into(),
            said: Some(Said {
                process: SaidProcess { resident: Some(Bytes(81 * MIB)), ..SaidProcess::default() },
                kubevirt_version: Some("v1.9.0".into()),
                vmis: vec![said("default", "edge-vm", "edge-node")],
            }),
            read_at: Some(990.0),
            failures: vec![(Trouble::Timeout, 2)],
            ..Endpoint::default()
        };
        let controller = Endpoint {
            component: "virt-controller".into(),
            said: Some(Said {
                vmis: vec![SaidVmi {
                    node: None,
                    overhead: Some(Bytes(288 * MIB)),
                    ..said("default", "edge-vm", "")
                }],
                ..Said::default()
            }),
            read_at: Some(995.0),
            ..Endpoint::default()
        };
        World { cluster, endpoints: vec![handler, controller], guests: Vec::new() }
    }

    fn joined(&self, of: &Identity<'_>) -> JoinedVm {
        let World { cluster, endpoints, guests } = self;
        vm(of, &Tables { cluster, endpoints, guests, now: NOW })
    }
}

/// As `/proc` knows it.
const EDGE_VM: Identity<'static> = Identity {
    node: "edge-node",
    namespace: "default",
    name: "edge-vm",
    uid: Some("vmi-1"),
    pod_uid: Some("pod-1"),
};

fn vmi(namespace: &str, name: &str, uid: &str) -> Vmi {
    Vmi {
        namespace: namespace.into(),
        name: name.into(),
        uid: uid.into(),
        node: Some("edge-node".into()),
        phase: "Running".into(),
        overhead: Some(Bytes(288 * MIB)),
        launcher_image: Some("quay.io/kubevirt/virt-launcher:v1.9.0".into()),
        spec: VmSpec { guest: Some(Bytes(512 * MIB)), graphics: true, ..VmSpec::default() },
        ..Vmi::default()
    }
}

fn pod(namespace: &str, name: &str, vmi_uid: &str, uid: &str) -> LauncherPod {
    LauncherPod {
        namespace: namespace.into(),
        name: format!("virt-launcher-{name}-{uid}"),
        uid: uid.into(),
        vmi_uid: Some(vmi_uid.into()),
        vmi_name: Some(name.into()),
        node: Some("edge-node".into()),
        phase: "Running".into(),
        request: Some(Bytes(800 * MIB)),
        overhead: Some(Bytes(288 * MIB)),
        ..LauncherPod::default()
    }
}

fn said(namespace: &str, name: &str, node: &str) -> SaidVmi {
    SaidVmi {
        namespace: namespace.into(),
        name: name.into(),
        node: Some(node.into()),
        resident: Some(Bytes(700 * MIB)),
        available: Some(Bytes(480 * MIB)),
        usable: Some(Bytes(300 * MIB)),
        cpu: Some(Nanos(460_000_000)),
        ..SaidVmi::default()
    }
}

fn sources(joined: &JoinedVm) -> Vec<(ReservedSource, u64)> {
    joined.reserved.iter().map(|Reserved { source, bytes }| (*source, bytes.0 / MIB)).collect()
}

#[test]
fn a_vm_of_which_everybody_speaks() {
    let joined = World::new().joined(&EDGE_VM);
    assert_eq!(joined.pod.as_deref(), Some("virt-launcher-edge-vm-pod-1"));
    assert_eq!(joined.phase.as_deref(), Some("Running"));
    assert_eq!(joined.launcher_version.as_deref(), Some("v1.9.0"));
    assert_eq!(joined.request, Some(Bytes(800 * MIB)));
    let reported = joined.reported.unwrap();
    assert_eq!((reported.resident, reported.cpu), (Some(Bytes(700 * MIB)), Some(Nanos(460_000_000))));
    assert_eq!(reported.age, 10.0);
    let balloon = GuestMemory {
        source: "balloon",
        total: Some(Bytes(480 * MIB)),
        used: Some(Bytes(180 * MIB)),
        age: 10.0,
    };
    assert_eq!(joined.guest, [balloon]);
}

#[test]
fn every_source_of_what_is_reserved_is_shown_the_best_first() {
    use ReservedSource::{Annotation, Formula, Metric, Status};
    let mut world = World::new();
    let all = [(Status, 288), (Annotation, 288), (Metric, 288), (Formula, 268)];
    assert_eq!(sources(&world.joined(&EDGE_VM)), all, "a version that lies is seen");
    world.cluster.vmis[0].overhead = None;
    world.cluster.launchers[0].overhead = None;
    assert_eq!(sources(&world.joined(&EDGE_VM)), [(Metric, 288), (Formula, 268)], "KubeVirt before 1.8");
    world.endpoints.clear();
    assert_eq!(sources(&world.joined(&EDGE_VM)), [(Formula, 268)]);
}

#[test]
fn the_formula_is_of_the_version_that_rendered_the_pod() {
    let mut world = World::new();
    let formula = |world: &World| {
        let joined = world.joined(&EDGE_VM);
        sources(&joined)
            .into_iter()
            .find(|(source, _)| *source == ReservedSource::Formula)
            .map(|(_, mib)| mib)
    };
    world.cluster.vmis[0].launcher_image = Some("localhost:5000/virt-launcher:v1.5.1".into());
    assert_eq!(formula(&world), Some(220 + 16 + 16), "not restarted since the upgrade");
    world.cluster.vmis[0].launcher_image = Some("localhost:5000/virt-launcher@sha256:0123".into());
    assert_eq!(formula(&world), Some(268), "a digest: the CR's version counts");
    world.cluster.kubevirt = None;
    world.endpoints[0].said.as_mut().unwrap().kubevirt_version = Some("v1.2.2".into());
    assert_eq!(formula(&world), Some(210 + 16 + 16), "virt-handler's");
    world.endpoints.clear();
    assert_eq!(formula(&world), None);
}

#[test]
fn the_formula_takes_ratio_and_network_bindings_from_the_cr() {
    let mut world = World::new();
    let kubevirt = world.cluster.kubevirt.as_mut().unwrap();
    kubevirt.overhead_ratio = Some("2.0".into());
    kubevirt.bindings = vec![("slirp".into(), Bytes(30 * MIB))];
    world.cluster.vmis[0].spec.bindings = vec!["slirp".into()];
    let formula = world.joined(&EDGE_VM).reserved.last().unwrap().bytes;
    // 268 Mi = 281,018,368: 281,019 kB more.
    assert_eq!(formula.0, 268 * MIB + 281_019_000 + 30 * MIB);
}

#[test]
fn a_vmi_on_another_node_is_not_joined_to_a_pod_here_that_is_another() {
    let mut world = World::new();
    world.cluster.vmis[0].uid = "vmi-2".into();
    let joined = world.joined(&EDGE_VM);
    assert_eq!(joined.phase, None, "made anew under the same name");
    assert_eq!(joined.pod.as_deref(), Some("virt-launcher-edge-vm-pod-1"), "its pod is still there");
}

#[test]
fn what_another_nodes_virt_handler_says_is_of_another_qemu() {
    let mut world = World::new();
    world.endpoints[0].said.as_mut().unwrap().vmis = vec![said("default", "edge-vm", "other-node")];
    let joined = world.joined(&EDGE_VM);
    assert_eq!((joined.reported, joined.guest.len()), (None, 0));
}

#[test]
fn a_node_may_have_another_name_than_its_host() {
    let here = Identity { node: "ip-10-0-0-7", ..EDGE_VM };
    assert!(World::new().joined(&here).reported.is_some(), "the pod says where it is");
}

#[test]
fn a_migrating_vmi_is_joined_on_both_nodes_each_with_its_pod() {
    let mut world = World::new();
    world.cluster.vmis[0].node = Some("other-node".into());
    world.cluster.vmis[0].migrates_to = Some("edge-node".into());
    world.cluster.launchers = vec![pod("default", "edge-vm", "vmi-1", "pod-2")];
    let target = Identity { pod_uid: Some("pod-2"), ..EDGE_VM };
    let joined = world.joined(&target);
    assert_eq!(joined.phase.as_deref(), Some("Running"));
    assert_eq!(joined.pod.as_deref(), Some("virt-launcher-edge-vm-pod-2"));
    assert_eq!(world.joined(&EDGE_VM).pod, None, "no pod of that UID here");
}

#[test]
fn two_vms_of_one_name_in_two_namespaces_are_two() {
    let mut world = World::new();
    let mut other = vmi("line-2", "edge-vm", "vmi-2");
    other.phase = "Scheduled".into();
    world.cluster.vmis.insert(0, other);
    world.cluster.launchers.insert(0, pod("line-2", "edge-vm", "vmi-2", "pod-2"));
    let mut others = said("line-2", "edge-vm", "edge-node");
    others.resident = Some(Bytes(MIB));
    world.endpoints[0].said.as_mut().unwrap().vmis.insert(0, others);
    let second = Identity { namespace: "line-2", uid: Some("vmi-2"), pod_uid: Some("pod-2"), ..EDGE_VM };
    let (one, two) = (world.joined(&EDGE_VM), world.joined(&second));
    assert_eq!((one.phase.as_deref(), two.phase.as_deref()), (Some("Running"), Some("Scheduled")));
    assert_eq!(one.reported.unwrap().resident, Some(Bytes(700 * MIB)));
    assert_eq!(two.reported.unwrap().resident, Some(Bytes(MIB)));
}

#[test]
fn a_name_as_long_as_kubernetes_allows() {
    let name = "a".repeat(63);
    let mut world = World::new();
    world.cluster.vmis = vec![vmi("default", &name, "vmi-1")];
    world.cluster.launchers = vec![pod("default", &name, "vmi-1", "pod-1")];
    let joined = world.joined(&Identity { name: &name, ..EDGE_VM });
    assert_eq!(joined.phase.as_deref(), Some("Running"));
}

#[test]
fn without_a_balloon_driver_the_guest_says_nothing() {
    let mut world = World::new();
    let said = &mut world.endpoints[0].said.as_mut().unwrap().vmis[0];
    (said.available, said.usable) = (None, None);
    let joined = world.joined(&EDGE_VM);
    assert!(joined.guest.is_empty() && joined.reported.is_some());
}

#[test]
fn a_paused_vm_says_so() {
    let mut world = World::new();
    world.cluster.vmis[0].paused = true;
    assert!(world.joined(&EDGE_VM).paused);
}

#[test]
fn a_pod_without_a_vmi_has_its_requests_and_no_phase() {
    let mut world = World::new();
    world.cluster.vmis.clear();
    let joined = world.joined(&EDGE_VM);
    assert_eq!((joined.phase, joined.request), (None, Some(Bytes(800 * MIB))));
}

#[test]
fn a_qemu_outside_of_any_pod_is_joined_by_name_if_that_tells_one_pod() {
    let bare = Identity { uid: None, pod_uid: None, ..EDGE_VM };
    let mut world = World::new();
    assert_eq!(world.joined(&bare).request, Some(Bytes(800 * MIB)));
    world.cluster.launchers.push(pod("default", "edge-vm", "vmi-1", "pod-2"));
    assert_eq!(world.joined(&bare).request, None, "two pods: neither");
    world.cluster.launchers[0].phase = "Succeeded".into();
    assert_eq!(
        world.joined(&bare).pod.as_deref(),
        Some("virt-launcher-edge-vm-pod-2"),
        "one of them has ended"
    );
}

#[test]
fn a_libvirt_domain_without_namespace_is_nobodys() {
    let mut world = World::new();
    world.cluster.vmis = vec![vmi("", "edge-vm", "vmi-1")];
    assert_eq!(world.joined(&Identity { namespace: "", ..EDGE_VM }), JoinedVm::default());
}

#[test]
fn without_any_table_nothing_is_joined_and_nothing_is_zero() {
    let world = World { cluster: Cluster::default(), endpoints: Vec::new(), guests: Vec::new() };
    assert_eq!(world.joined(&EDGE_VM), JoinedVm::default());
}

#[test]
fn a_guest_speaks_for_itself_and_for_its_modules() {
    let module = |name: &str, mib, percent| Module {
        name: name.into(),
        memory: Some(Bytes(mib * MIB)),
        cpu_percent: Some(percent),
        ..Module::default()
    };
    let mut world = World::new();
    world.guests = vec![Guest {
        namespace: "default".into(),
        name: "edge-vm".into(),
        targets: vec![
            GuestTarget { kind: "node_exporter", read_at: Some(998.0), ..GuestTarget::default() },
            GuestTarget { kind: "edgeHub", trouble: Some(Trouble::Connection), ..GuestTarget::default() },
        ],
        system: Some(System {
            total: Some(Bytes(480 * MIB)),
            used_available: Some(Bytes(182 * MIB)),
            cpu_busy: Some(Nanos(7)),
            read_at: 998.0,
            ..System::default()
        }),
        iot_edge: Some(IotEdge {
            modules: vec![module("host", 181, 9.0), module("edgeHub", 151, 1.5)],
            read_at: 940.0,
            ..IotEdge::default()
        }),
        ..Guest::default()
    }];
    let joined = world.joined(&EDGE_VM);
    let guest: Vec<_> =
        joined.guest.iter().map(|memory| (memory.source, memory.used.unwrap().0 / MIB, memory.age)).collect();
    assert_eq!(guest, [("balloon", 180, 10.0), ("node_exporter", 182, 2.0), ("iot_edge", 181, 60.0)]);
    let edge_hub = ModuleFigures {
        module: "edgeHub".into(),
        memory: Some(Bytes(151 * MIB)),
        cpu: Some(0.015),
        age: 60.0,
    };
    assert_eq!(joined.modules, [edge_hub], "host is no module");
    assert_eq!(joined.guest_cpu, Some(Nanos(7)));
    let mut view = View {
        vms: vec![VmFigures {
            node: "edge-node".into(),
            namespace: "default".into(),
            name: "edge-vm".into(),
            ..VmFigures::default()
        }],
        ..View::default()
    };
    let World { cluster, endpoints, guests } = &world;
    join(&mut view, &Tables { cluster, endpoints, guests, now: NOW });
    let up: Vec<_> = view.guest_targets.iter().map(|target| (target.kind, target.up)).collect();
    assert_eq!(up, [("node_exporter", true), ("edgeHub", false)]);
}

#[test]
fn what_runs_on_the_cluster_and_what_became_of_each_endpoint() {
    let world = World::new();
    let World { cluster, endpoints, guests } = &world;
    let mut view = View::default();
    join(&mut view, &Tables { cluster, endpoints, guests, now: NOW });
    let versions: Vec<_> =
        view.installations.iter().map(|i| (i.product, i.version.as_str(), i.phase.as_str())).collect();
    assert_eq!(versions, [("kubernetes", "v1.36.2", ""), ("kubevirt", "v1.9.0", "Deployed")]);
    assert_eq!((view.deployments[0].wanted, view.deployments[0].ready), (2, 1));
    let handler = &view.endpoints[0];
    assert_eq!((handler.up, handler.age, handler.resident), (true, Some(10.0), Some(Bytes(81 * MIB))));
    assert_eq!(handler.failures, [("timeout", 2)]);
}

#[test]
fn an_endpoint_that_never_answered_is_down_and_says_nothing_of_its_age() {
    let endpoint = Endpoint { component: "virt-api".into(), ..Endpoint::default() };
    let figures = super::endpoint(&endpoint, NOW);
    assert_eq!((figures.up, figures.age), (false, None));
}

#[test]
fn the_tag_of_an_image_is_behind_its_last_colon() {
    assert_eq!(tag("quay.io/kubevirt/virt-launcher:v1.9.0-rc.2"), Some("v1.9.0-rc.2"));
    assert_eq!(tag("localhost:5000/virt-launcher:v1"), Some("v1"));
    assert_eq!(tag("localhost:5000/virt-launcher"), None);
    assert_eq!(tag("virt-launcher@sha256:0123"), None);
    assert_eq!(tag("virt-launcher:v1.2.0@sha256:0123"), Some("v1.2.0"));
}
