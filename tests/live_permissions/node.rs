//! A node with KubeVirt in pods, whose processes belong to the users that they have in KubeVirt: virt-handler is root,
//! the rest of the control plane 1001, what runs a VM 107 (`pkg/util/util.go`: NonRootUID).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use edgebench_tests::StandIn;
use edgebench_tests::pod::{Container, Pod};
use edgebench_tests::stand_in::Plan;
use tempfile::TempDir;

const GUEST_KIB: u64 = 16 << 10;
const VMI: &str = "74c04618-401d-4506-8aea-0abc58623d1a";

/// The processes and their users.
pub(crate) const PROCESSES: [(&str, u32); 5] = [
    ("virt-handler", 0),
    ("virt-api", 1001),
    ("virt-launcher-monitor", 107),
    ("virt-launcher", 107),
    ("qemu-kvm", 107),
];

/// It ends when this is dropped: processes first, then their cgroups.
pub(crate) struct Node {
    _processes: Vec<StandIn>,
    _containers: Vec<Container>,
    pods: Vec<Pod>,
    _dir: TempDir,
}

impl Node {
    pub(crate) fn start() -> Node {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let start = |name: &str, kib: u64, with: &dyn Fn(Plan) -> Plan| {
            let (_, user) = PROCESSES.iter().find(|(process, _)| *process == name).unwrap();
            with(Plan::new(name, kib).user(*user)).start(dir.path())
        };
        let identity = ["--name", "edge-vm", "--uid", VMI, "--namespace", "iot"];
        let backend = format!(
            "{{\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":{}}}",
            GUEST_KIB * 1024
        );
        let qemu = ["-name", "guest=iot_edge-vm,debug-threads=on", "-accel", "kvm", "-object", &backend];
        let of_pods = [
            vec![start("virt-handler", 20_000, &|plan| plan)],
            vec![start("virt-api", 18_000, &|plan| plan)],
            vec![
                start("virt-launcher-monitor", 8_000, &|plan| plan.args(identity)),
                start("virt-launcher", 24_000, &|plan| plan.args(identity)),
                start("qemu-kvm", GUEST_KIB + 20_000, &|plan| plan.guest_kib(GUEST_KIB).args(qemu)),
            ],
        ];
        let mut node = Node { _processes: Vec::new(), _containers: Vec::new(), pods: Vec::new(), _dir: dir };
        for (number, processes) in (0..).zip(of_pods) {
            let pod = Pod::new(&format!("61355769-1c23-4f3c-bea5-71339a2b00d{number}"));
            let container = pod.container(1);
            container.limit_memory(512 << 20);
            processes.iter().for_each(|process| container.add(process.pid()));
            node._processes.extend(processes);
            node._containers.push(container);
            node.pods.push(pod);
        }
        node
    }

    /// What is mounted at `/sys/fs/cgroup` on the node.
    pub(crate) fn cgroups(&self) -> PathBuf {
        self.pods[0].sysfs().join("fs/cgroup")
    }
}
