//! A view in which everything is known: for tests, benchmarks and whoever wants to see an exposition
//! without a node.

use edgebench_sampler::component::Stack;
use edgebench_sampler::explain::KernelPart;
use edgebench_sampler::{Bytes, BytesDelta, Nanos};

use super::joined::{
    DeploymentFigures, EndpointFigures, GuestMemory, GuestTargetFigures, InstallationFigures, JoinedVm,
    ModuleFigures, Reported, Reserved, ReservedSource,
};
use super::{
    CollectorHealth, ComponentFigures, ComponentNow, CpuByMode, Discovery, GuestFigures, NodeCpu, NodeMemory,
    OwnFigures, PressureTotals, Proportional, PssCost, VcpuThread, View, VmComponent, VmCpu, VmFigures,
};
use crate::families::collectors::COLLECTORS;

const MIB: u64 = 1 << 20;

/// A node that runs KubeVirt, CDI and `vms` VMs of two vCPUs, every third one under emulation.
pub fn node(vms: usize) -> View {
    View {
        taken: 1_767_312_000.75,
        node_cpu: Some(node_cpu()),
        node_memory: Some(node_memory()),
        pressure: ["cpu", "memory", "io"].map(pressure).to_vec(),
        components: components(),
        vms: (0..vms).map(vm).collect(),
        installations: ["kubernetes", "kubevirt", "cdi"].map(installation).to_vec(),
        deployments: ["virt-operator", "virt-api", "virt-controller", "cdi-operator"]
            .map(deployment)
            .to_vec(),
        endpoints: ["virt-handler", "virt-api", "virt-controller"].map(endpoint).to_vec(),
        guest_targets: (0..vms).flat_map(guest_targets).collect(),
        discovery: Discovery {
            mode: "list",
            processes: 312,
            listings: 1_440,
            looks: 2_071,
            names_outside_pods: 0,
        },
        pss: Some(PssCost {
            budget: 0.001,
            cpu: Nanos(750_000_000),
            reads: vec![("smaps_rollup", 420), ("smaps", 96)],
            skips: vec![("budget", 12), ("size", 3), ("denied", 1)],
        }),
        collectors: COLLECTORS.iter().map(|collector| health(collector.name)).collect(),
        own: OwnFigures {
            cpu: Nanos(1_870_000_000),
            resident: Bytes(3 * MIB),
            virtual_memory: Bytes(9 * MIB),
            open_fds: Some(61),
            max_fds: Some(1_048_576),
            start_time: 1_767_225_600.25,
            threads: 2,
        },
    }
}

fn node_cpu() -> NodeCpu {
    let seconds = |seconds: u64| Nanos(seconds * 1_000_000_000);
    NodeCpu {
        user: seconds(8_120),
        nice: seconds(14),
        system: seconds(3_961),
        iowait: Nanos(120_430_000_000),
        steal: seconds(7),
        irq: seconds(0),
        softirq: Nanos(310_550_000_000),
        guest: seconds(2_204),
        guest_nice: seconds(0),
        idle: seconds(331_007),
    }
}

fn node_memory() -> NodeMemory {
    let mib = |mib: i64| BytesDelta(mib * MIB as i64);
    let kernel = vec![
        (KernelPart::KernelStack, mib(12)),
        (KernelPart::HugetlbFree, mib(64)),
        (KernelPart::SwapCache, mib(1)),
        (KernelPart::Bounce, mib(0)),
        (KernelPart::WritebackTmp, mib(0)),
        (KernelPart::SecPageTables, mib(3)),
        (KernelPart::Percpu, mib(5)),
        (KernelPart::Zswap, mib(0)),
        (KernelPart::Balloon, mib(0)),
        (KernelPart::PerCpuFree, mib(23)),
        (KernelPart::Reclaimable, mib(2)),
    ];
    let (anonymous, hugetlb_used, page_tables) = (Bytes(2_310 * MIB), Bytes(128 * MIB), Bytes(21 * MIB));
    let unexplained = mib(-4);
    let named = anonymous.signed() + hugetlb_used.signed() + page_tables.signed();
    NodeMemory {
        total: Bytes(8_192 * MIB),
        used: kernel.iter().map(|(_, bytes)| *bytes).sum::<BytesDelta>() + named + unexplained,
        unavailable: Some(mib(3_055)),
        anonymous,
        hugetlb_used,
        page_tables,
        kernel,
        unexplained,
    }
}

fn pressure(resource: &'static str) -> PressureTotals {
    PressureTotals { resource, waiting: Nanos(52_103_771_000), stalled: Some(Nanos(9_000_517_000)) }
}

fn components() -> Vec<ComponentFigures> {
    let rows = [
        ("qemu-kvm", Stack::VmPod),
        ("virt-handler", Stack::Kubevirt),
        ("virt-controller", Stack::Kubevirt),
        ("virt-api", Stack::Kubevirt),
        ("virt-operator", Stack::Kubevirt),
        ("virt-launcher", Stack::VmPod),
        ("libvirtd", Stack::VmPod),
        ("cdi-operator", Stack::Cdi),
        ("cdi-controller", Stack::Cdi),
        ("k3s-server", Stack::Kubernetes),
        ("containerd-shim", Stack::Kubernetes),
        ("edgebench", Stack::Edgebench),
        ("other", Stack::Other),
    ];
    let mut components: Vec<_> = rows.into_iter().map(|(name, stack)| component(name, stack, true)).collect();
    components.push(component("exited", Stack::VmPod, false));
    components.push(component("exited", Stack::Other, false));
    components
}

fn component(component: &'static str, stack: Stack, is_running: bool) -> ComponentFigures {
    let now = ComponentNow {
        processes: 2,
        threads: 31,
        open_fds: Some(74),
        oldest_start: Some(1_767_225_612.5),
        resident: Bytes(137 * MIB),
        anonymous: Bytes(41 * MIB),
        swap: Bytes(MIB),
        page_tables: Bytes(MIB / 2),
        proportional: Some(Proportional {
            pss: Bytes(96 * MIB),
            anonymous: Some(Bytes(40 * MIB)),
            age: 12.5,
        }),
        age: 0.0,
        major_faults: 17,
        run_queue_wait: Some(Nanos(4_012_345_678)),
        context_switches: Some(918_273),
        read: Some(Bytes(310 * MIB)),
        written: Some(Bytes(22 * MIB)),
    };
    ComponentFigures {
        component,
        stack,
        cpu: CpuByMode { user: Nanos(61_230_000_000), system: Nanos(18_400_000_000), guest: Nanos(0) },
        now: is_running.then_some(now),
    }
}

fn vm(number: usize) -> VmFigures {
    let part = |component, mib| VmComponent {
        component,
        resident: Bytes(mib * MIB),
        anonymous: Bytes(mib * MIB / 2),
        proportional: Some(Bytes(mib * MIB * 3 / 4)),
    };
    let thread =
        |vcpu| VcpuThread { vcpu, cpu: Nanos(1_102_000_000_000), run_queue_wait: Some(Nanos(2_500_000_000)) };
    let uid = |of| format!("{of:08x}-9f1c-4a52-8d5e-{number:012x}");
    VmFigures {
        node: "edge-node-1".to_owned(),
        namespace: "default".to_owned(),
        name: format!("edge-vm-{number}"),
        uid: Some(uid(0x1d1f_9f6e)),
        pod_uid: Some(uid(0x7a0c_33b8)),
        pods: 1,
        vcpus: Some(2),
        guest_size: Some(Bytes(1_024 * MIB)),
        guest: Some(GuestFigures { resident: Bytes(611 * MIB), proportional: Bytes(608 * MIB), age: 31.0 }),
        pod_proportional: Some(Bytes(801 * MIB)),
        overhead: Some(BytesDelta(196 * MIB as i64)),
        working_set: Some(Bytes(790 * MIB)),
        limit: Some(Bytes(1_400 * MIB)),
        oom_kills: Some(0),
        components: vec![part("qemu-kvm", 702), part("virt-launcher", 61), part("libvirtd", 28)],
        cpu: match number % 3 {
            2 => VmCpu::Whole(Nanos(2_480_000_000_000)),
            _ => VmCpu::Split { guest: Nanos(2_204_000_000_000), overhead: Nanos(276_000_000_000) },
        },
        vcpu_threads: vec![thread(0), thread(1)],
        joined: joined(number),
    }
}

/// What others say of a VM.
fn joined(number: usize) -> JoinedVm {
    let reserved = |source| Reserved { source, bytes: Bytes(288 * MIB) };
    let memory = |source, mib| GuestMemory {
        source,
        total: Some(Bytes(985 * MIB)),
        used: Some(Bytes(mib * MIB)),
        age: 12.5,
    };
    let module = |name: &str, mib| ModuleFigures {
        module: name.to_owned(),
        memory: Some(Bytes(mib * MIB)),
        cpu: Some(0.0125),
        age: 12.5,
    };
    JoinedVm {
        pod: Some(format!("virt-launcher-edge-vm-{number}-4kfzr")),
        phase: Some("Running".to_owned()),
        launcher_version: Some("v1.9.0".to_owned()),
        paused: false,
        request: Some(Bytes(1_312 * MIB)),
        reserved: vec![
            reserved(ReservedSource::Status),
            reserved(ReservedSource::Annotation),
            reserved(ReservedSource::Metric),
            Reserved { source: ReservedSource::Formula, bytes: Bytes(268 * MIB) },
        ],
        reported: Some(Reported {
            resident: Some(Bytes(702 * MIB)),
            domain: Some(Bytes(1_024 * MIB)),
            cpu: Some(Nanos(2_479_000_000_000)),
            age: 12.5,
        }),
        guest: vec![memory("balloon", 410), memory("node_exporter", 412), memory("iot_edge", 409)],
        guest_cpu: Some(Nanos(2_150_000_000_000)),
        modules: vec![module("edgeAgent", 89), module("edgeHub", 151)],
    }
}

fn installation(product: &'static str) -> InstallationFigures {
    InstallationFigures { product, version: "v1.9.0".to_owned(), phase: "Deployed".to_owned() }
}

fn deployment(component: &str) -> DeploymentFigures {
    DeploymentFigures { component: component.to_owned(), wanted: 1, ready: 1 }
}

fn endpoint(component: &str) -> EndpointFigures {
    EndpointFigures {
        component: component.to_owned(),
        pod: format!("{component}-7d4b9c6f5-x2x7k"),
        up: true,
        duration: Nanos(38_000_000),
        bytes: 113_091,
        series: 1_204,
        failures: vec![("timeout", 1)],
        age: Some(12.5),
        resident: Some(Bytes(81 * MIB)),
        cpu: Some(Nanos(93_000_000_000)),
        open_fds: Some(37),
        start_time: Some(1_767_225_612.5),
    }
}

fn guest_targets(number: usize) -> [GuestTargetFigures; 2] {
    ["node_exporter", "edgeAgent"].map(|kind| GuestTargetFigures {
        node: "edge-node-1".to_owned(),
        namespace: "default".to_owned(),
        name: format!("edge-vm-{number}"),
        kind,
        up: true,
    })
}

fn health(collector: &'static str) -> CollectorHealth {
    CollectorHealth {
        collector,
        success: true,
        duration: Some(Nanos(81_250)),
        errors: vec![("denied", 2), ("malformed", 0)],
        last_success: Some(1_767_312_000.75),
    }
}
