//! The one table of what processes are for.
//!
//! A row is a component: its name in every output, the stack it belongs to, what it is paid once for, the
//! base names of its binaries, and the fact that makes the row true. The rows stand in the order in which
//! tables show them: first those of the source document's process table, in its order.
//!
//! `comm` holds 15 bytes (`TASK_COMM_LEN`), so a longer name is also known by its first 15. Paths of the
//! KubeVirt sources are those of v1.9.0 unless a version is given, CDI's those of v1.66.0.

use serde::{Deserialize, Serialize};

/// The group of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stack {
    /// KubeVirt's control plane and its agent on the node.
    Kubevirt,
    /// The Containerized Data Importer.
    Cdi,
    /// The processes of virt-launcher pods: what runs a VM.
    VmPod,
    /// Kubernetes and the container runtime.
    Kubernetes,
    /// This program and the exporter.
    Edgebench,
    /// Everything else.
    Other,
}

impl Stack {
    /// Its name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Stack::Kubevirt => "kubevirt",
            Stack::Cdi => "cdi",
            Stack::VmPod => "vm-pod",
            Stack::Kubernetes => "kubernetes",
            Stack::Edgebench => "edgebench",
            Stack::Other => "other",
        }
    }

    /// Whether it is there because of KubeVirt.
    pub const fn is_tracked(self) -> bool {
        matches!(self, Stack::Kubevirt | Stack::Cdi | Stack::VmPod)
    }
}

/// How often a component is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OncePer {
    /// Operators, API servers, controllers: once, wherever they run.
    Cluster,
    /// On every node.
    Node,
    /// For every VM.
    Vm,
}

/// A row of the table.
#[derive(Debug)]
pub struct Component {
    /// Its name in every output.
    pub name: &'static str,
    /// Its group, outside of a pod that says otherwise.
    pub stack: Stack,
    /// What it is paid once for.
    pub once_per: OncePer,
    /// Base names of its binaries. One that ends in `*` is a prefix.
    pub binaries: &'static [&'static str],
    /// What makes this row true.
    pub source: &'static str,
}

impl PartialEq for Component {
    fn eq(&self, other: &Component) -> bool {
        self.name == other.name
    }
}
impl Eq for Component {}

/// Position of a component in every table: its row number here.
pub fn order(component: &Component) -> usize {
    TABLE.iter().position(|row| row == component).unwrap_or(TABLE.len())
}

/// The component whose binary has this base name.
pub fn by_binary(name: &[u8]) -> Option<&'static Component> {
    let name = std::str::from_utf8(name).ok()?;
    TABLE.iter().find(|row| {
        row.binaries.iter().any(|binary| match binary.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *binary,
        })
    })
}

/// The component whose binary's base name the kernel cuts to this `comm`.
pub fn by_comm(comm: &[u8]) -> Option<&'static Component> {
    /// `TASK_COMM_LEN` without its NUL.
    const CUT: usize = 15;
    let comm = std::str::from_utf8(comm).ok()?;
    TABLE.iter().find(|row| {
        row.binaries.iter().any(|binary| match binary.strip_suffix('*') {
            Some(prefix) => comm.starts_with(prefix),
            None => binary.get(..CUT).unwrap_or(binary) == comm,
        })
    })
}

/// The component of this name.
pub fn by_name(name: &str) -> Option<&'static Component> {
    TABLE.iter().chain([&OTHER, &SIDECAR, &KERNEL_THREADS]).find(|row| row.name == name)
}

const fn row(
    name: &'static str,
    stack: Stack,
    once_per: OncePer,
    binaries: &'static [&'static str],
    source: &'static str,
) -> Component {
    Component { name, stack, once_per, binaries, source }
}

use OncePer::{Cluster, Node, Vm};
use Stack::{Cdi, Edgebench, Kubernetes, Kubevirt, Other, VmPod};

/// How many rows stand in the source document's process table.
pub const OF_THE_SOURCE_DOCUMENT: usize = 11;

/// A process that no row knows.
pub static OTHER: Component = row("other", Other, Node, &[], "no row of the table knows it");

/// A process in a virt-launcher pod that no row knows.
pub static SIDECAR: Component = row(
    "sidecar",
    VmPod,
    Vm,
    &[],
    "hook sidecars run images of the user: pkg/virt-controller/services/template.go",
);

/// A thread of the kernel.
pub static KERNEL_THREADS: Component =
    row("kernel threads", Other, Node, &[], "PF_KTHREAD in field 9 of /proc/PID/stat: include/linux/sched.h");

/// The table.
#[rustfmt::skip]
pub static TABLE: &[Component] = &[
    row("qemu-kvm", VmPod, Vm, &["qemu-kvm", "qemu-system-*"],
        "/usr/libexec/qemu-kvm in KubeVirt's images, /usr/bin/qemu-system-ARCH elsewhere; a VM only with `guest=` or in a launcher pod"),
    row("virt-operator", Kubevirt, Cluster, &["virt-operator"],
        "Deployment virt-operator: components/deployments.go"),
    row("virt-handler", Kubevirt, Node, &["virt-handler"],
        "DaemonSet virt-handler: components/daemonsets.go"),
    row("virt-controller", Kubevirt, Cluster, &["virt-controller"],
        "Deployment virt-controller: components/deployments.go"),
    row("virt-api", Kubevirt, Cluster, &["virt-api"],
        "Deployment virt-api: components/deployments.go"),
    row("virt-launcher", VmPod, Vm, &["virt-launcher"],
        "/usr/bin/virt-launcher, twice up to v0.52 (it forked itself): cmd/virt-launcher"),
    row("cdi-operator", Cdi, Cluster, &["cdi-operator", "virt-cdi-operator"],
        "Deployment cdi-operator; vendor builds prefix virt-: cdi pkg/operator/resources"),
    row("cdi-controller", Cdi, Cluster, &["cdi-controller", "virt-cdi-controller"],
        "Deployment cdi-deployment: cdi pkg/operator/resources/namespaced/controller.go"),
    row("cdi-apiserver", Cdi, Cluster, &["cdi-apiserver", "virt-cdi-apiserver"],
        "Deployment cdi-apiserver: cdi pkg/operator/resources/namespaced/apiserver.go"),
    row("cdi-uploadproxy", Cdi, Cluster, &["cdi-uploadproxy", "virt-cdi-uploadproxy"],
        "Deployment cdi-uploadproxy: cdi pkg/operator/resources/namespaced/uploadproxy.go"),
    row("libvirtd", VmPod, Vm, &["libvirtd"],
        "/usr/sbin/libvirtd in the launcher pod up to v0.58"),

    row("virt-launcher-monitor", VmPod, Vm, &["virt-launcher-monitor"],
        "PID 1 of the compute container since v0.53: cmd/virt-launcher-monitor"),
    row("virtqemud", VmPod, Vm, &["virtqemud"],
        "/usr/sbin/virtqemud instead of libvirtd since v0.59 (kubevirt#8619)"),
    row("virtlogd", VmPod, Vm, &["virtlogd"],
        "/usr/sbin/virtlogd: pkg/virt-launcher/virtwrap/util/libvirt_helper.go"),
    row("virt-tail", VmPod, Vm, &["virt-tail"],
        "container guest-console-log since v1.1: pkg/virt-controller/services/serialconsolelog.go"),
    row("virtiofsd", VmPod, Vm, &["virtiofsd"],
        "container virtiofs-VOLUME: pkg/virt-controller/services/virtiofs.go"),
    row("container-disk", VmPod, Vm, &["container-disk"],
        "container volumeDISK: pkg/container-disk/container-disk.go"),
    row("swtpm", VmPod, Vm, &["swtpm"],
        "beside qemu in compute when the VM has a TPM"),
    row("passt", VmPod, Vm, &["passt", "passt.avx2"],
        "network binding passt, in compute"),
    row("virt-probe", VmPod, Vm, &["virt-probe", "virt-freezer"],
        "run in compute for exec probes and freezes: cmd/virt-probe, cmd/virt-freezer"),

    row("virt-exportproxy", Kubevirt, Cluster, &["virt-exportproxy"],
        "Deployment virt-exportproxy since v0.55: components/deployments.go"),
    row("virt-exportserver", Kubevirt, Cluster, &["virt-exportserver"],
        "pod virt-export-NAME, on demand: cmd/virt-exportserver"),
    row("virt-synchronization-controller", Kubevirt, Cluster, &["virt-synchronization-controller"],
        "Deployment since v1.6 with gate DecentralizedLiveMigration: components/deployments.go"),
    row("virt-chroot", Kubevirt, Node, &["virt-chroot"],
        "run by virt-handler: cmd/virt-chroot"),
    row("qemu-pr-helper", Kubevirt, Node, &["qemu-pr-helper"],
        "container pr-helper of virt-handler with gate PersistentReservation: components/daemonsets.go"),

    row("cdi-importer", Cdi, Cluster, &["cdi-importer", "virt-cdi-importer"],
        "pod importer-PVC: cdi pkg/common/common.go"),
    row("cdi-cloner", Cdi, Cluster, &["cdi-cloner", "virt-cdi-cloner", "cloner_startup.sh"],
        "pod UID-source-pod, started by cloner_startup.sh: cdi cmd/cdi-cloner"),
    row("cdi-uploadserver", Cdi, Cluster, &["cdi-uploadserver", "virt-cdi-uploadserver"],
        "pod cdi-upload-PVC: cdi pkg/common/common.go"),
    row("cdi-populator", Cdi, Cluster, &["openstack-populator", "ovirt-populator"],
        "volume populators of the importer image: cdi cmd/*-populator"),

    row("k3s-server", Kubernetes, Node, &["k3s-server"],
        "K3s' whole control plane in one process: its binary is k3s, its comm k3s-server"),
    row("k3s-agent", Kubernetes, Node, &["k3s-agent"],
        "kubelet, kube-proxy and flannel of a K3s node in one process"),
    row("kube-apiserver", Kubernetes, Cluster, &["kube-apiserver"], "Kubernetes"),
    row("etcd", Kubernetes, Cluster, &["etcd"], "Kubernetes"),
    row("kube-controller-manager", Kubernetes, Cluster, &["kube-controller-manager"], "Kubernetes"),
    row("kube-scheduler", Kubernetes, Cluster, &["kube-scheduler"], "Kubernetes"),
    row("kubelet", Kubernetes, Node, &["kubelet"], "Kubernetes"),
    row("kube-proxy", Kubernetes, Node, &["kube-proxy"], "Kubernetes"),
    row("kubelite", Kubernetes, Node, &["kubelite"], "MicroK8s' control plane and kubelet in one process"),
    row("microshift", Kubernetes, Node, &["microshift"], "MicroShift's control plane and kubelet in one process"),
    row("containerd", Kubernetes, Node, &["containerd"], "container runtime"),
    row("containerd-shim", Kubernetes, Node, &["containerd-shim-runc-v2", "containerd-shim-runc-v1", "containerd-shim"],
        "one for each pod, beside the pods in the runtime's cgroup"),
    row("crio", Kubernetes, Node, &["crio"], "container runtime"),
    row("conmon", Kubernetes, Node, &["conmon", "conmonrs"], "CRI-O's monitor, one for each container"),
    row("dockerd", Kubernetes, Node, &["dockerd", "cri-dockerd"], "container runtime"),
    row("runc", Kubernetes, Node, &["runc", "crun"], "starts a container, then becomes it or ends"),
    row("pause", Kubernetes, Node, &["pause"], "holds the namespaces of a pod"),

    row("edgebench", Edgebench, Node, &["edgebench", "edgebench-exporter"], "this project"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_documents_rows_come_first_in_its_order() {
        let names: Vec<_> = TABLE[..OF_THE_SOURCE_DOCUMENT].iter().map(|row| row.name).collect();
        assert_eq!(
            names,
            [
                "qemu-kvm",
                "virt-operator",
                "virt-handler",
                "virt-controller",
                "virt-api",
                "virt-launcher",
                "cdi-operator",
                "cdi-controller",
                "cdi-apiserver",
                "cdi-uploadproxy",
                "libvirtd",
            ]
        );
    }

    #[test]
    fn every_component_is_known_by_its_cut_comm_too() {
        for (comm, component) in [
            ("virt-launcher-m", "virt-launcher-monitor"),
            ("virt-launcher", "virt-launcher"),
            ("virt-controller", "virt-controller"),
            ("virt-exportprox", "virt-exportproxy"),
            ("virt-exportserv", "virt-exportserver"),
            ("virt-synchroniz", "virt-synchronization-controller"),
            ("virt-cdi-contro", "cdi-controller"),
            ("cdi-uploadserve", "cdi-uploadserver"),
            ("cdi-uploadproxy", "cdi-uploadproxy"),
            ("cloner_startup.", "cdi-cloner"),
            ("qemu-system-aar", "qemu-kvm"),
            ("kube-controller", "kube-controller-manager"),
            ("containerd-shim", "containerd-shim"),
        ] {
            assert_eq!(by_comm(comm.as_bytes()).map(|c| c.name), Some(component), "{comm}");
        }
    }

    #[test]
    fn a_name_that_only_begins_like_one_is_another() {
        for name in ["qemu-img", "qemu-nbd", "virt-apiserver", "containerd-stress", "etcdctl", "kubeletx", ""]
        {
            assert_eq!(by_binary(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn no_two_rows_share_a_name_or_a_binary() {
        let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        let mut binaries: Vec<_> = TABLE.iter().flat_map(|row| row.binaries).collect();
        for list in [names.len(), binaries.len()] {
            assert!(list > 0);
        }
        names.sort_unstable();
        binaries.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(binaries.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
