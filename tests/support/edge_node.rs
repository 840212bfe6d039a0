//! A node with KubeVirt: stand-ins for its control plane, and for a VM in the cgroup of a pod; the API server that
//! knows the VM, what a real node's components said of one of its name, and what answers inside of it.

use std::path::PathBuf;

use crate::StandIn;
use crate::fake_endpoint::{Behaviour, FakeEndpoint};
use crate::libvirt::{self, EdgeVm};
use crate::pod::{Container, Pod};
use crate::scripted_api::ScriptedApi;
use crate::stand_in::Plan;
use tempfile::TempDir;

/// As in `fixtures/api-kubernetes-1.36-kubevirt-1.9`.
pub const NODE: &str = "edge-node";
/// Of its VM.
pub const NAMESPACE: &str = "default";
/// Its VM.
pub const VM: &str = "edge-vm";
const UID: &str = "74c04618-401d-4506-8aea-0abc58623d1a";
const POD: &str = "61355769-1c23-4f3c-bea5-71339a2b00d3";

/// RAM of a guest that is stood in for, where nothing else is said.
pub const GUEST_KIB: u64 = 64 << 10;
/// Memory limit of the VM's container `compute`, where nothing else is said.
pub const LIMIT: u64 = 512 << 20;
/// `status.memory.memoryOverhead` of the VMI.
pub const RESERVED: u64 = 288 << 20;
/// `resources.requests.memory` of its pod.
pub const REQUEST: u64 = 800 << 20;

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

/// KubeVirt's and CDI's processes, small: names and KiB.
pub const CONTROL_PLANE: &[(&str, u64)] = &[
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
#[derive(Clone, Copy, Debug)]
pub enum Emulator {
    /// A stand-in that holds a guest of so many KiB under KVM, and uses so many percent of a core.
    StandIn(u64, f64),
    /// libvirtd with a domain that is emulated: a guest, and threads of vCPUs.
    Libvirt,
}

/// It ends when this is dropped: processes first, then their cgroups.
pub struct Node {
    vm: Option<EdgeVm>,
    processes: Vec<StandIn>,
    compute: Container,
    pod: Pod,
    dir: TempDir,
    /// Knows KubeVirt, CDI, and the VM.
    pub api: ScriptedApi,
    components: Vec<FakeEndpoint>,
    inside: Vec<FakeEndpoint>,
}

impl Node {
    /// One on which nothing runs. The VM may have so many bytes.
    ///
    /// # Panics
    /// If the cgroups of the VM's pod can't be made.
    pub fn empty(limit: u64) -> Node {
        let dir = tempfile::tempdir().unwrap();
        let pod = Pod::new(POD);
        let compute = pod.container(1);
        compute.limit_memory(limit);
        let (components, inside) = (serving(COMPONENTS), serving(INSIDE));
        let api = ScriptedApi::real();
        Node { vm: None, processes: Vec::new(), compute, pod, dir, api, components, inside }
    }

    /// Starts a stand-in outside of pods, which holds so many KiB and uses so many percent of a core.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn start(&mut self, name: &str, kib: u64, cpu_percent: f64) {
        self.processes.push(StandIn::start(self.dir.path(), name, kib, cpu_percent, &[]));
    }

    /// Starts the processes of the VM's pod.
    ///
    /// # Panics
    /// If they can't be started.
    pub fn start_vm(&mut self, emulator: Emulator) {
        let identity = ["--name", VM, "--uid", UID, "--namespace", NAMESPACE];
        let start = |plan: Plan| plan.in_container(&self.compute).start(self.dir.path());
        self.processes.push(start(Plan::new("virt-launcher", 40_000).args(identity).cpu_percent(1.0)));
        match emulator {
            Emulator::StandIn(guest_kib, cpu) => {
                self.processes.extend(of_pod(identity, guest_kib, cpu).map(start));
            }
            Emulator::Libvirt => self.vm = Some(libvirt::Plan::new().in_container(&self.compute).start()),
        }
    }

    /// Has the guest of the libvirt domain fill so many more MiB.
    ///
    /// # Panics
    /// If there is none, or it can't.
    pub fn fill(&mut self, mib: u64) {
        self.vm.as_mut().expect("a libvirt domain").fill(mib);
    }

    /// What node_exporter and edgeAgent in the VM say from now on.
    pub fn says_inside(&self, node_exporter: String, edge_agent: String) {
        for (endpoint, text) in self.inside.iter().zip([node_exporter, edge_agent]) {
            endpoint.becomes(Behaviour::Text(text));
        }
    }

    /// What edgeAgent says where nothing else is set.
    pub fn edge_agent() -> &'static str {
        INSIDE[1].1
    }

    /// How an exporter is started on it.
    ///
    /// # Panics
    /// If the kubeconfig can't be written.
    pub fn flags(&self) -> Vec<String> {
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

/// The control plane and the VM, all small.
///
/// # Panics
/// If something can't be started.
pub fn start(emulator: Emulator) -> Node {
    let mut node = Node::empty(LIMIT);
    for (name, kib) in CONTROL_PLANE {
        node.start(name, *kib, 1.0);
    }
    node.start_vm(emulator);
    node
}

/// What runs in the VM's pod beside virt-launcher.
fn of_pod(identity: [&str; 6], guest_kib: u64, cpu: f64) -> [Plan; 3] {
    let backend =
        format!("{{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":{}}}", guest_kib * 1024);
    let name = format!("guest={NAMESPACE}_{VM},debug-threads=on");
    let size = format!("size={guest_kib}k");
    let qemu = ["-name", &name, "-accel", "kvm", "-m", &size, "-object", &backend, "-smp", "2,sockets=1"];
    let emulator = Plan::new("qemu-kvm", guest_kib + 40_000).guest_kib(guest_kib).cpu_percent(cpu);
    [
        Plan::new("virt-launcher-monitor", 8_000).args(identity),
        Plan::new("virtqemud", 20_000),
        emulator.args(qemu),
    ]
}
