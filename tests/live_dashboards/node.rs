//! A node with KubeVirt: stand-ins for its control plane, and for a VM in the cgroup of a pod; the API server that
//! knows the VM, what a real node's components said of one of its name, and what answers inside of it.

use std::path::{Path, PathBuf};

use edgebench_tests::StandIn;
use edgebench_tests::fake_endpoint::{Behaviour, FakeEndpoint};
use edgebench_tests::libvirt::{self, EdgeVm};
use edgebench_tests::pod::{Container, Pod};
use edgebench_tests::scripted_api::ScriptedApi;
use edgebench_tests::stand_in::Plan;
use tempfile::TempDir;

/// As in `fixtures/api-kubernetes-1.36-kubevirt-1.9`.
pub(crate) const NODE: &str = "edge-node";
pub(crate) const NAMESPACE: &str = "default";
pub(crate) const VM: &str = "edge-vm";
const UID: &str = "74c04618-401d-4506-8aea-0abc58623d1a";
const POD: &str = "61355769-1c23-4f3c-bea5-71339a2b00d3";

pub(crate) const GUEST_KIB: u64 = 64 << 10;
pub(crate) const LIMIT: u64 = 512 << 20;
/// `status.memory.memoryOverhead` of the VMI, and `resources.requests.memory` of its pod.
pub(crate) const RESERVED: u64 = 288 << 20;
pub(crate) const REQUEST: u64 = 800 << 20;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $name))
    };
}

const COMPONENTS: &[(&str, &str)] = &[
    ("virt-handler", fixture!("kubevirt-metrics/virt-handler-1.9.prom")),
    ("virt-controller", fixture!("kubevirt-metrics/virt-controller-1.9.prom")),
    ("virt-api", fixture!("kubevirt-metrics/virt-api-1.9.prom")),
];

const INSIDE: &[(&str, &str)] = &[
    (
        "node_exporter",
        "\
node_memory_MemTotal_bytes 6.2e+07
node_memory_MemAvailable_bytes 2e+07
node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 8000.5
node_cpu_seconds_total{cpu=\"0\",mode=\"iowait\"} 12
node_cpu_seconds_total{cpu=\"0\",mode=\"irq\"} 1
node_cpu_seconds_total{cpu=\"0\",mode=\"nice\"} 2
node_cpu_seconds_total{cpu=\"0\",mode=\"softirq\"} 3.25
node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 40
node_cpu_seconds_total{cpu=\"0\",mode=\"system\"} 5
node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 6
",
    ),
    ("edgeAgent", fixture!("iotedge/edgeagent.prom")),
];

const CONTROL_PLANE: &[(&str, u64)] = &[
    ("virt-operator", 30_000),
    ("virt-handler", 28_000),
    ("virt-controller", 26_000),
    ("virt-api", 24_000),
    ("cdi-operator", 16_000),
    ("cdi-controller", 15_000),
    ("cdi-apiserver", 14_000),
    ("cdi-uploadproxy", 13_000),
];

/// What runs as the VM.
pub(crate) enum Emulator {
    /// A stand-in that holds a guest under KVM.
    StandIn,
    /// libvirtd with a domain that is emulated: a guest, and threads of vCPUs.
    Libvirt,
}

/// It ends when this is dropped: processes first, then their cgroups.
pub(crate) struct Node {
    _vm: Option<EdgeVm>,
    _processes: Vec<StandIn>,
    _compute: Container,
    pod: Pod,
    dir: TempDir,
    api: ScriptedApi,
    components: Vec<FakeEndpoint>,
    inside: Vec<FakeEndpoint>,
}

impl Node {
    /// How an exporter is started on it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let kubeconfig: PathBuf = self.api.kubeconfig(self.dir.path(), "", "");
        let mut flags = vec!["--kube=on".to_owned(), format!("--kube.kubeconfig={}", kubeconfig.display())];
        flags.push(format!("--path.sysfs={}", self.pod.sysfs().display()));
        for flag in ["--pss.interval=5s", "--pss.budget=5%", "--kubevirt.interval=2s", "--guest.interval=2s"]
        {
            flags.push(flag.to_owned());
        }
        flags.push(format!("--node-name={NODE}"));
        for ((component, _), endpoint) in COMPONENTS.iter().zip(&self.components) {
            flags.push(format!("--kubevirt.endpoint={component}={}/metrics", endpoint.url()));
        }
        let inside = INSIDE.iter().zip(&self.inside);
        let inside = inside.map(|((kind, _), endpoint)| format!("{kind}={}", endpoint.address().port()));
        let inside: Vec<_> = inside.collect();
        flags.push(format!("--guest.targets={NAMESPACE}/{VM}@127.0.0.1={}", inside.join(",")));
        flags
    }
}

fn serving(texts: &[(&str, &str)]) -> Vec<FakeEndpoint> {
    texts.iter().map(|(_, text)| FakeEndpoint::new(Behaviour::Text((*text).to_owned()))).collect()
}

pub(crate) fn start(emulator: &Emulator) -> Node {
    let dir = tempfile::tempdir().unwrap();
    let pod = Pod::new(POD);
    let compute = pod.container(1);
    compute.limit_memory(LIMIT);
    let mut processes: Vec<_> =
        CONTROL_PLANE.iter().map(|(name, kib)| StandIn::start(dir.path(), name, *kib, 1.0, &[])).collect();
    let identity = ["--name", VM, "--uid", UID, "--namespace", NAMESPACE];
    let launcher = Plan::new("virt-launcher", 40_000).args(identity).cpu_percent(1.0);
    let mut of_pod = vec![launcher.start(dir.path())];
    let vm = match emulator {
        Emulator::StandIn => {
            of_pod.extend(stand_ins(dir.path(), identity));
            None
        }
        Emulator::Libvirt => Some(libvirt::Plan::new().in_container(&compute).start()),
    };
    of_pod.iter().for_each(|process| compute.add(process.pid()));
    processes.extend(of_pod);
    let (components, inside) = (serving(COMPONENTS), serving(INSIDE));
    let api = ScriptedApi::real();
    Node { _vm: vm, _processes: processes, _compute: compute, pod, dir, api, components, inside }
}

fn stand_ins(dir: &Path, identity: [&str; 6]) -> [StandIn; 3] {
    let backend =
        format!("{{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":{}}}", GUEST_KIB * 1024);
    let name = format!("guest={NAMESPACE}_{VM},debug-threads=on");
    let size = format!("size={GUEST_KIB}k");
    let qemu = ["-name", &name, "-accel", "kvm", "-m", &size, "-object", &backend, "-smp", "2,sockets=1"];
    let emulator = Plan::new("qemu-kvm", GUEST_KIB + 40_000).guest_kib(GUEST_KIB).cpu_percent(3.0);
    [
        Plan::new("virt-launcher-monitor", 8_000).args(identity).start(dir),
        Plan::new("virtqemud", 20_000).start(dir),
        emulator.args(qemu).start(dir),
    ]
}
