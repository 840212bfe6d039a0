//! Which ports of a VM are asked, and at which address.
//!
//! The VMI's annotation `edgebench.io/guest-targets` names them, with or without a port, each kind once:
//!
//! ```yaml
//! metadata:
//!   annotations:
//!     edgebench.io/guest-targets: node_exporter=9100,edgeAgent=9601,edgeHub=9602
//! ```
//!
//! Without a port it is the one above. An empty annotation asks for nothing. `--guest.targets` says the same for all
//! VMs of the node (`node_exporter,edgeAgent`) or for one (`default/edge-vm=node_exporter=9100`), also where there is
//! no API server to ask for its address (`default/edge-vm@10.42.0.23=node_exporter`). What a flag says of one VM counts
//! before its annotation, and the annotation before what a flag says of all.
//!
//! The address is that of the VM's running virt-launcher pod, and no other: the addresses in the VMI's status are the
//! guest agent's word, which could lead anywhere. A VM's owner chooses the port, so the exporter can be made to
//! `GET /metrics` from any port of that pod; the answer goes nowhere but into the figures below.

use std::net::IpAddr;
use std::str::FromStr;

use crate::cluster::{Cluster, LauncherPod, Vmi};

/// What answers at a port of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The guest's kernel.
    NodeExporter,
    /// IoT Edge's modules.
    EdgeAgent,
    /// IoT Edge's messages: of use is that it answers.
    EdgeHub,
}

/// A kind and a port.
pub type Port = (Kind, u16);

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 3] = [Kind::NodeExporter, Kind::EdgeAgent, Kind::EdgeHub];

    /// As in an annotation.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NodeExporter => "node_exporter",
            Kind::EdgeAgent => "edgeAgent",
            Kind::EdgeHub => "edgeHub",
        }
    }

    /// node_exporter's own, and those that Microsoft's documentation maps IoT Edge's 9600 to.
    pub fn default_port(self) -> u16 {
        match self {
            Kind::NodeExporter => 9100,
            Kind::EdgeAgent => 9601,
            Kind::EdgeHub => 9602,
        }
    }
}

/// Reads `node_exporter=9100,edgeAgent`. What can be used is used; the rest is the mistake.
pub fn ports(text: &str) -> (Vec<Port>, Option<String>) {
    let mut ports: Vec<Port> = Vec::new();
    let mut mistake = None;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match port(word) {
            Ok((kind, _)) if ports.iter().any(|(other, _)| *other == kind) => {
                mistake.get_or_insert_with(|| format!("{} is there twice", kind.name()));
            }
            Ok(port) => ports.push(port),
            Err(what) => {
                mistake.get_or_insert(what);
            }
        }
    }
    (ports, mistake)
}

fn port(word: &str) -> Result<Port, String> {
    let (name, number) = word.split_once('=').map_or((word, None), |(name, number)| (name, Some(number)));
    // Whose word it is must not fill the log.
    let shown: String = word.chars().take(40).collect();
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name.trim());
    let kind = kind.ok_or_else(|| format!("`{shown}` is none of node_exporter, edgeAgent, edgeHub"))?;
    let number = match number {
        None => kind.default_port(),
        Some(number) => number
            .trim()
            .parse()
            .ok()
            .filter(|number| *number != 0)
            .ok_or_else(|| format!("`{shown}` has a port that is none"))?,
    };
    Ok((kind, number))
}

/// `--guest.targets`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Of which VM; of all of the node where there is none.
    pub vm: Option<FlagVm>,
    /// What to ask.
    pub ports: Vec<Port>,
}

/// A VM that a flag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagVm {
    /// metadata.namespace
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// Where it is, where no API server says it.
    pub address: Option<IpAddr>,
}

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Flag, String> {
        let head = text.split('=').next().unwrap_or_default();
        let (vm, list) = match head.split_once('/') {
            None => (None, text),
            Some((namespace, name)) => {
                let list =
                    text[head.len()..].strip_prefix('=').ok_or("must be NAMESPACE/NAME=TARGET[=PORT],…")?;
                let (name, address) = match name.split_once('@') {
                    None => (name, None),
                    Some((name, address)) => {
                        let address = address.parse().map_err(|_| format!("`{address}` is no IP address"))?;
                        (name, Some(address))
                    }
                };
                if namespace.is_empty() || name.is_empty() {
                    return Err("must be NAMESPACE/NAME=TARGET[=PORT],…".to_owned());
                }
                (Some(FlagVm { namespace: namespace.to_owned(), name: name.to_owned(), address }), list)
            }
        };
        match ports(list) {
            (_, Some(mistake)) => Err(mistake),
            (ports, None) if ports.is_empty() => {
                Err("names no target: node_exporter, edgeAgent, edgeHub".to_owned())
            }
            (ports, None) => Ok(Flag { vm, ports }),
        }
    }
}

/// A VM with something to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// metadata.namespace
    pub namespace: String,
    /// metadata.name
    pub name: String,
    /// Where it is; nothing while that is not known, or nobody would answer.
    pub address: Option<IpAddr>,
    /// What to ask.
    pub ports: Vec<Port>,
    /// What of its annotation can't be used.
    pub mistake: Option<String>,
}

/// What to ask of the VMs on a node.
pub fn wishes(flags: &[Flag], cluster: &Cluster, node: &str) -> Vec<Wish> {
    let here = cluster.vmis.iter().filter(|vmi| vmi.node.as_deref() == Some(node) && vmi.phase == "Running");
    let mut wishes: Vec<Wish> = here.filter_map(|vmi| wish(flags, cluster, vmi, node)).collect();
    for flag in flags {
        let Some(vm) = &flag.vm else { continue };
        let is_it = |namespace: &str, name: &str| namespace == vm.namespace && name == vm.name;
        // One that the API server knows is where it says.
        let known = cluster.vmis.iter().any(|vmi| is_it(&vmi.namespace, &vmi.name))
            || wishes.iter().any(|wish| is_it(&wish.namespace, &wish.name));
        if let (Some(address), false) = (vm.address, known) {
            wishes.push(Wish {
                namespace: vm.namespace.clone(),
                name: vm.name.clone(),
                address: Some(address),
                ports: flag.ports.clone(),
                mistake: None,
            });
        }
    }
    wishes
}

fn wish(flags: &[Flag], cluster: &Cluster, vmi: &Vmi, node: &str) -> Option<Wish> {
    let of_it = flags
        .iter()
        .find(|flag| flag.vm.as_ref().is_some_and(|vm| vm.namespace == vmi.namespace && vm.name == vmi.name));
    let of_all = flags.iter().find(|flag| flag.vm.is_none());
    let (ports, mistake) = match (of_it, &vmi.guest_targets, of_all) {
        (Some(flag), _, _) | (None, None, Some(flag)) => (flag.ports.clone(), None),
        (None, Some(annotation), _) => ports(annotation),
        (None, None, None) => return None,
    };
    if ports.is_empty() && mistake.is_none() {
        return None;
    }
    let given = of_it.and_then(|flag| flag.vm.as_ref()?.address);
    // Nobody answers in a VM that is paused.
    let address = given.or_else(|| address(cluster, vmi, node)).filter(|_| !vmi.paused);
    Some(Wish { namespace: vmi.namespace.clone(), name: vmi.name.clone(), address, ports, mistake })
}

fn address(cluster: &Cluster, vmi: &Vmi, node: &str) -> Option<IpAddr> {
    let is_its = |pod: &&LauncherPod| {
        let by_name = || pod.namespace == vmi.namespace && pod.vmi_name.as_deref() == Some(vmi.name.as_str());
        pod.node.as_deref() == Some(node)
            && pod.phase == "Running"
            && pod.vmi_uid.as_ref().map_or_else(by_name, |uid| *uid == vmi.uid)
    };
    let is_active =
        |pod: &&LauncherPod| vmi.active_pods.iter().any(|(uid, at)| *uid == pod.uid && at == node);
    let mut pods = cluster.launchers.iter().filter(is_its);
    // Two while it migrates within the node's view; the active one first.
    let pod = pods.clone().find(is_active).or_else(|| pods.next());
    pod?.ip.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Port> {
        let (ports, mistake) = ports(text);
        assert_eq!(mistake, None, "{text}");
        ports
    }

    #[test]
    fn an_annotation_names_kinds_and_ports() {
        assert_eq!(
            list("node_exporter=9100,edgeAgent=9601,edgeHub=9602"),
            [(Kind::NodeExporter, 9100), (Kind::EdgeAgent, 9601), (Kind::EdgeHub, 9602)]
        );
        assert_eq!(
            list(" edgeAgent , node_exporter = 19100,"),
            [(Kind::EdgeAgent, 9601), (Kind::NodeExporter, 19100)]
        );
        assert_eq!(list(""), []);
    }

    #[test]
    fn what_of_it_can_not_be_used_is_named_and_the_rest_is_used() {
        for (text, what) in [
            ("node_exporter,telegraf=9273", "`telegraf=9273` is none of node_exporter, edgeAgent, edgeHub"),
            ("node_exporter,edgeHub=0", "`edgeHub=0` has a port that is none"),
            ("node_exporter,edgeHub=70000", "`edgeHub=70000` has a port that is none"),
            ("node_exporter,node_exporter=9101", "node_exporter is there twice"),
        ] {
            assert_eq!(ports(text), (vec![(Kind::NodeExporter, 9100)], Some(what.to_owned())));
        }
        let long = ports(&"x".repeat(1000)).1.unwrap();
        assert!(long.len() < 120, "{long}");
    }

    #[test]
    fn a_flag_is_for_all_vms_or_for_one() {
        let flag = |text: &str| text.parse::<Flag>();
        assert_eq!(
            flag("node_exporter").unwrap(),
            Flag { vm: None, ports: vec![(Kind::NodeExporter, 9100)] }
        );
        let one = flag("default/edge-vm=edgeAgent=9601,edgeHub").unwrap();
        assert_eq!(one.ports, [(Kind::EdgeAgent, 9601), (Kind::EdgeHub, 9602)]);
        assert_eq!(
            one.vm,
            Some(FlagVm { namespace: "default".into(), name: "edge-vm".into(), address: None })
        );
        let placed = flag("default/edge-vm@fd00::9=node_exporter").unwrap();
        assert_eq!(placed.vm.unwrap().address, Some("fd00::9".parse().unwrap()));
        for text in
            ["", "9100", "default/edge-vm", "/a=edgeHub", "a/=edgeHub", "a/b@c=edgeHub", "a/b=", "edgeHub=x"]
        {
            assert!(flag(text).is_err(), "{text}");
        }
    }

    fn vmi(name: &str) -> Vmi {
        Vmi {
            namespace: "default".into(),
            name: name.into(),
            uid: format!("uid-{name}"),
            node: Some("here".into()),
            phase: "Running".into(),
            ..Vmi::default()
        }
    }

    fn pod(name: &str, uid: &str, ip: &str) -> LauncherPod {
        LauncherPod {
            namespace: "default".into(),
            uid: uid.into(),
            vmi_uid: Some(format!("uid-{name}")),
            node: Some("here".into()),
            phase: "Running".into(),
            ip: Some(ip.into()),
            ..LauncherPod::default()
        }
    }

    fn flags(texts: &[&str]) -> Vec<Flag> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_flag_for_one_vm_counts_before_its_annotation_and_that_before_a_flag_for_all() {
        let annotated = Vmi { guest_targets: Some("edgeAgent".into()), ..vmi("a") };
        let silent = Vmi { guest_targets: Some(String::new()), ..vmi("c") };
        let cluster = Cluster { vmis: vec![annotated, vmi("b"), silent], ..Cluster::default() };
        let asked = |texts: &[&str]| {
            let wishes = wishes(&flags(texts), &cluster, "here");
            wishes.into_iter().map(|wish| (wish.name, wish.ports[0].0)).collect::<Vec<_>>()
        };
        assert_eq!(asked(&[]), [("a".to_owned(), Kind::EdgeAgent)]);
        assert_eq!(asked(&["edgeHub"]), [("a".to_owned(), Kind::EdgeAgent), ("b".to_owned(), Kind::EdgeHub)]);
        assert_eq!(
            asked(&["edgeHub", "default/a=node_exporter"]),
            [("a".to_owned(), Kind::NodeExporter), ("b".to_owned(), Kind::EdgeHub)]
        );
    }

    #[test]
    fn a_vm_is_asked_at_its_running_pod() {
        let migrating = Vmi {
            active_pods: vec![("new".into(), "here".into()), ("old".into(), "there".into())],
            ..vmi("a")
        };
        let ended = LauncherPod { phase: "Succeeded".into(), ..pod("a", "ended", "10.0.0.1") };
        let other = LauncherPod {
            namespace: "other".into(),
            vmi_uid: Some("uid-other".into()),
            ..pod("a", "x", "10.0.0.2")
        };
        let launchers = vec![ended, other, pod("a", "first", "10.0.0.3"), pod("a", "new", "10.0.0.4")];
        let cluster = Cluster { vmis: vec![migrating], launchers, ..Cluster::default() };
        let at = |cluster: &Cluster| {
            wishes(&flags(&["edgeHub"]), cluster, "here")[0].address.map(|ip| ip.to_string())
        };
        assert_eq!(at(&cluster).as_deref(), Some("10.0.0.4"));
        let without_pods = Cluster { vmis: vec![vmi("a")], ..Cluster::default() };
        assert_eq!(at(&without_pods), None);
        let paused = Cluster {
            vmis: vec![Vmi { paused: true, ..vmi("a") }],
            launchers: vec![pod("a", "first", "10.0.0.3")],
            ..Cluster::default()
        };
        assert_eq!(at(&paused), None);
    }

    #[test]
    fn a_vm_elsewhere_or_not_running_is_not_asked() {
        let elsewhere = Vmi { node: Some("there".into()), ..vmi("a") };
        let starting = Vmi { phase: "Scheduled".into(), ..vmi("b") };
        let cluster = Cluster { vmis: vec![elsewhere, starting], ..Cluster::default() };
        assert_eq!(wishes(&flags(&["edgeHub", "default/a@10.0.0.9=edgeHub"]), &cluster, "here"), []);
    }

    #[test]
    fn without_an_api_server_a_flag_says_where_a_vm_is() {
        let wishes =
            wishes(&flags(&["default/a@10.0.0.9=edgeHub", "default/b=edgeHub"]), &Cluster::default(), "here");
        assert_eq!(wishes.len(), 1);
        assert_eq!((wishes[0].name.as_str(), wishes[0].address), ("a", Some("10.0.0.9".parse().unwrap())));
    }
}
