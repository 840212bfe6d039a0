//! The join: what `/proc`, the API server, KubeVirt's components and the guests say of one VM, brought together.
//!
//! The key is the pod's UID, which is in the path of its cgroup and in the API; a qemu outside of any pod is known by
//! (namespace, name) alone, which is the key of KubeVirt's own metrics (`kubevirt_vmi_*` have neither the VMI's UID nor
//! the pod's name). A VMI of the same name but another UID is another VMI: it is not joined.
//!
//! Pure functions of the tables: no clock, no file, no socket.

mod reserved;

use crate::cluster::{Cluster, LauncherPod, Vmi};
use crate::endpoints::{Endpoint, SaidVmi};
use crate::guests::Guest;
use crate::kubevirt::overhead::Overhead;
use crate::view::joined::{
    DeploymentFigures, EndpointFigures, GuestMemory, GuestTargetFigures, InstallationFigures, JoinedVm,
    ModuleFigures, Reported,
};
use crate::view::{View, VmFigures};

/// The tables beside `/proc`, at one moment. Each may be empty.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// The API server's.
    pub cluster: &'a Cluster,
    /// The components'.
    pub endpoints: &'a [Endpoint],
    /// The guests'.
    pub guests: &'a [Guest],
    /// Unix time, in seconds: ages are up to then.
    pub now: f64,
}

/// How `/proc` knows a VM.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// The node's name.
    pub node: &'a str,
    /// Namespace of the VMI.
    pub namespace: &'a str,
    /// Name of the VMI.
    pub name: &'a str,
    /// UID of the VMI, where a command line says it.
    pub uid: Option<&'a str>,
    /// UID of its pod, where it is in one.
    pub pod_uid: Option<&'a str>,
}

impl<'a> From<&'a VmFigures> for Identity<'a> {
    fn from(vm: &'a VmFigures) -> Identity<'a> {
        Identity {
            node: &vm.node,
            namespace: &vm.namespace,
            name: &vm.name,
            uid: vm.uid.as_deref(),
            pod_uid: vm.pod_uid.as_deref(),
        }
    }
}

impl Identity<'_> {
    fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}

/// Adds to a view what the tables know.
pub fn join(view: &mut View, tables: &Tables<'_>) {
    for vm in &mut view.vms {
        vm.joined = self::vm(&Identity::from(&*vm), tables);
    }
    view.installations = installations(tables);
    view.deployments = tables.cluster.deployments.iter().map(deployment).collect();
    view.endpoints = tables.endpoints.iter().map(|endpoint| self::endpoint(endpoint, tables.now)).collect();
    // A target is shown with its VM: one that is gone ends its series.
    let targets = |vm: &VmFigures| -> Vec<GuestTargetFigures> {
        let of = Identity::from(vm);
        let Some(guest) = guest(&of, tables) else { return Vec::new() };
        let figure = |target: &crate::guests::GuestTarget| GuestTargetFigures {
            node: vm.node.clone(),
            namespace: vm.namespace.clone(),
            name: vm.name.clone(),
            kind: target.kind,
            up: target.trouble.is_none() && target.read_at.is_some(),
        };
        guest.targets.iter().map(figure).collect()
    };
    view.guest_targets = view.vms.iter().flat_map(targets).collect();
}

/// What the tables know of one VM.
pub fn vm(of: &Identity<'_>, tables: &Tables<'_>) -> JoinedVm {
    // A libvirt domain that is none of KubeVirt's has no namespace.
    if of.namespace.is_empty() {
        return JoinedVm::default();
    }
    let launcher = launcher(of, tables.cluster);
    let vmi = vmi(of, launcher, tables.cluster);
    let said = said(of, launcher, tables);
    let guest = guest(of, tables);
    JoinedVm {
        pod: launcher.map(|pod| pod.name.clone()),
        phase: vmi.map(|vmi| vmi.phase.clone()),
        launcher_version: vmi.and_then(|vmi| vmi.launcher_image.as_deref()).and_then(tag).map(str::to_owned),
        paused: vmi.is_some_and(|vmi| vmi.paused),
        request: launcher.and_then(|pod| pod.request),
        reserved: reserved::reserved(of, vmi, launcher, tables),
        reported: said.map(|(said, at)| Reported {
            resident: said.resident,
            domain: said.domain,
            cpu: said.cpu,
            age: age(tables.now, at),
        }),
        guest: guest_memory(said, guest, tables.now),
        guest_cpu: guest.and_then(|guest| guest.system?.cpu_busy),
        modules: guest.map(|guest| modules(guest, tables.now)).unwrap_or_default(),
    }
}

/// The VMI that the API server has under this identity.
pub fn vmi_of<'a>(of: &Identity<'_>, tables: &Tables<'a>) -> Option<&'a Vmi> {
    vmi(of, launcher(of, tables.cluster), tables.cluster)
}

/// What the formula of the version that rendered the VM's pod reserves, term by term.
pub fn formula_of(of: &Identity<'_>, tables: &Tables<'_>) -> Option<Overhead> {
    reserved::formula(vmi_of(of, tables)?, tables)
}

/// Its pod: by UID, or, of a qemu outside of any pod, by name if there is but one.
fn launcher<'a>(of: &Identity<'_>, cluster: &'a Cluster) -> Option<&'a LauncherPod> {
    if let Some(uid) = of.pod_uid {
        return cluster.launchers.iter().find(|pod| pod.uid == uid);
    }
    let is_its = |pod: &&LauncherPod| {
        pod.namespace == of.namespace
            && pod.vmi_name.as_deref() == Some(of.name)
            && of.uid.is_none_or(|uid| pod.vmi_uid.as_deref().is_none_or(|vmi| vmi == uid))
            && !matches!(pod.phase.as_str(), "Succeeded" | "Failed")
    };
    let mut pods = cluster.launchers.iter().filter(is_its);
    pods.next().filter(|_| pods.next().is_none())
}

fn vmi<'a>(of: &Identity<'_>, launcher: Option<&LauncherPod>, cluster: &'a Cluster) -> Option<&'a Vmi> {
    let uid = of.uid.or_else(|| launcher?.vmi_uid.as_deref());
    let vmi = cluster.vmis.iter().find(|vmi| of.is(&vmi.namespace, &vmi.name))?;
    if uid.is_some_and(|uid| uid != vmi.uid) {
        return None;
    }
    // Its qemu runs here. Where the API places it elsewhere this is the pod that it leaves, or goes to.
    Some(vmi)
}

/// What the virt-handler of this node says, and when it was asked.
fn said<'a>(
    of: &Identity<'_>,
    launcher: Option<&LauncherPod>,
    tables: &Tables<'a>,
) -> Option<(&'a SaidVmi, f64)> {
    let here = |node: &str| node == of.node || launcher.is_some_and(|pod| pod.node.as_deref() == Some(node));
    // virt-controller names no node: what it says is no reading of qemu.
    let mut all = tables.endpoints.iter().filter_map(|endpoint| {
        let vmi = endpoint
            .said
            .as_ref()?
            .vmis
            .iter()
            .find(|vmi| of.is(&vmi.namespace, &vmi.name) && vmi.node.as_deref().is_some_and(here))?;
        Some((vmi, endpoint.read_at?))
    });
    all.next()
}

fn guest<'a>(of: &Identity<'_>, tables: &Tables<'a>) -> Option<&'a Guest> {
    tables.guests.iter().find(|guest| of.is(&guest.namespace, &guest.name))
}

fn guest_memory(said: Option<(&SaidVmi, f64)>, guest: Option<&Guest>, now: f64) -> Vec<GuestMemory> {
    let balloon = said.and_then(|(said, at)| {
        // Without a balloon driver the guest says nothing, and absent is not zero.
        let (available, usable) = (said.available?, said.usable?);
        Some(GuestMemory {
            source: "balloon",
            total: Some(available),
            used: Some(available.saturating_sub(usable)),
            age: age(now, at),
        })
    });
    let node_exporter = guest.and_then(|guest| guest.system).map(|system| GuestMemory {
        source: "node_exporter",
        total: system.total,
        used: system.used_available,
        age: age(now, system.read_at),
    });
    let iot_edge = guest.and_then(|guest| guest.iot_edge.as_ref()).and_then(|edge| {
        let host = edge.modules.iter().find(|module| module.name == HOST)?;
        Some(GuestMemory {
            source: "iot_edge",
            total: host.total,
            used: host.memory,
            age: age(now, edge.read_at),
        })
    });
    [balloon, node_exporter, iot_edge].into_iter().flatten().collect()
}

/// The module that stands for the guest itself.
const HOST: &str = "host";

fn modules(guest: &Guest, now: f64) -> Vec<ModuleFigures> {
    let Some(edge) = &guest.iot_edge else { return Vec::new() };
    let modules = edge.modules.iter().filter(|module| module.name != HOST);
    let figures = modules.map(|module| ModuleFigures {
        module: module.name.clone(),
        memory: module.memory,
        cpu: module.cpu_percent.map(|percent| percent / 100.0),
        age: age(now, edge.read_at),
    });
    figures.collect()
}

fn installations(tables: &Tables<'_>) -> Vec<InstallationFigures> {
    let cluster = tables.cluster;
    let kubernetes = cluster.kubernetes.as_ref().map(|version| InstallationFigures {
        product: "kubernetes",
        version: version.clone(),
        phase: String::new(),
    });
    let of = |product, installation: &Option<crate::cluster::Installation>| {
        installation.as_ref().map(|installation| InstallationFigures {
            product,
            version: installation.version.clone().unwrap_or_default(),
            phase: installation.phase.clone(),
        })
    };
    [kubernetes, of("kubevirt", &cluster.kubevirt), of("cdi", &cluster.cdi)].into_iter().flatten().collect()
}

fn deployment(deployment: &crate::cluster::Deployment) -> DeploymentFigures {
    DeploymentFigures {
        component: deployment.component.clone(),
        wanted: deployment.wanted,
        ready: deployment.ready,
    }
}

fn endpoint(endpoint: &Endpoint, now: f64) -> EndpointFigures {
    let process = endpoint.said.as_ref().map(|said| said.process).unwrap_or_default();
    EndpointFigures {
        component: endpoint.component.clone(),
        pod: endpoint.pod.clone(),
        up: endpoint.trouble.is_none() && endpoint.read_at.is_some(),
        duration: endpoint.duration,
        bytes: endpoint.bytes,
        series: endpoint.series,
        failures: endpoint.failures.iter().map(|(trouble, count)| (trouble.name(), *count)).collect(),
        age: endpoint.read_at.map(|at| age(now, at)),
        resident: process.resident,
        cpu: process.cpu,
        open_fds: process.open_fds,
        start_time: process.start_time,
    }
}

/// Seconds since then; a clock that was set back makes nothing negative.
fn age(now: f64, then: f64) -> f64 {
    (now - then).max(0.0)
}

/// `v1.9.0` of `quay.io/kubevirt/virt-launcher:v1.9.0`. A digest is no version.
fn tag(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit_once(':')?;
    (!tag.contains('/')).then_some(tag)
}

#[cfg(test)]
mod tests;
