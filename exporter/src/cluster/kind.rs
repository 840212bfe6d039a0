//! The kinds of objects that are asked for, and how to ask for no more of them than is used.
//!
//! Labels, from `pkg/virt-operator/resource/generate/components` and `pkg/virt-controller/services/template.go` of
//! KubeVirt and `pkg/common/common.go` of CDI: every launcher pod has `kubevirt.io=virt-launcher`; a VMI has
//! `kubevirt.io/nodeName` since it was scheduled, which names a migration's source until it switches over; what serves
//! metrics has `prometheus.kubevirt.io` or `prometheus.cdi.kubevirt.io`, of which older releases leave the value
//! empty. No kind is asked for as metadata alone: each one says what is needed in its spec or status, and since
//! answers are decoded object by object, a body costs a moment's memory.

use std::fmt;

/// A kind of objects that is listed and watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// virt-launcher pods of this node.
    LauncherPods,
    /// KubeVirt's pods that serve metrics.
    KubevirtPods,
    /// CDI's pods that serve metrics.
    CdiPods,
    /// VMIs of this node.
    Vmis,
    /// The CR of KubeVirt.
    Kubevirts,
    /// The CR of CDI.
    Cdis,
    /// KubeVirt's deployments.
    KubevirtDeployments,
    /// CDI's deployments.
    CdiDeployments,
    /// The ConfigMap `kubevirt-ca`.
    Authority,
}

/// Whose control plane is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// What runs on this node.
    #[default]
    Node,
    /// All of the cluster's.
    Cluster,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::LauncherPods,
        Kind::KubevirtPods,
        Kind::CdiPods,
        Kind::Vmis,
        Kind::Kubevirts,
        Kind::Cdis,
        Kind::KubevirtDeployments,
        Kind::CdiDeployments,
        Kind::Authority,
    ];

    /// As logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::LauncherPods => "pods of virt-launcher",
            Kind::KubevirtPods => "pods of KubeVirt",
            Kind::CdiPods => "pods of CDI",
            Kind::Vmis => "virtualmachineinstances",
            Kind::Kubevirts => "kubevirts",
            Kind::Cdis => "cdis",
            Kind::KubevirtDeployments => "deployments of KubeVirt",
            Kind::CdiDeployments => "deployments of CDI",
            Kind::Authority => "configmap kubevirt-ca",
        }
    }

    /// The path to ask at. `namespace` is KubeVirt's: a ConfigMap is asked for nowhere else, so that no more than that
    /// need be allowed.
    pub fn path(self, namespace: &str) -> String {
        match self {
            Kind::LauncherPods | Kind::KubevirtPods | Kind::CdiPods => "/api/v1/pods".to_owned(),
            Kind::Vmis => "/apis/kubevirt.io/v1/virtualmachineinstances".to_owned(),
            Kind::Kubevirts => "/apis/kubevirt.io/v1/kubevirts".to_owned(),
            Kind::Cdis => "/apis/cdi.kubevirt.io/v1beta1/cdis".to_owned(),
            Kind::KubevirtDeployments | Kind::CdiDeployments => "/apis/apps/v1/deployments".to_owned(),
            Kind::Authority => format!("/api/v1/namespaces/{namespace}/configmaps"),
        }
    }

    /// The query that leaves out what is not used.
    pub fn query(self, node: &str, scope: Scope) -> String {
        let (label, field) = match self {
            Kind::LauncherPods => {
                ("kubevirt.io=virt-launcher".to_owned(), Some(format!("spec.nodeName={node}")))
            }
            Kind::KubevirtPods | Kind::CdiPods => {
                let label = match self {
                    Kind::KubevirtPods => "prometheus.kubevirt.io",
                    _ => "prometheus.cdi.kubevirt.io",
                };
                let field = (scope == Scope::Node).then(|| format!("spec.nodeName={node}"));
                (label.to_owned(), field)
            }
            Kind::Vmis => (format!("kubevirt.io/nodeName={node}"), None),
            Kind::Kubevirts | Kind::Cdis => (String::new(), None),
            Kind::KubevirtDeployments => ("kubevirt.io".to_owned(), None),
            Kind::CdiDeployments => ("cdi.kubevirt.io".to_owned(), None),
            Kind::Authority => (String::new(), Some("metadata.name=kubevirt-ca".to_owned())),
        };
        let mut query = String::new();
        let pairs =
            [("labelSelector", Some(label).filter(|label| !label.is_empty())), ("fieldSelector", field)];
        for (name, value) in pairs {
            if let Some(value) = value {
                let separator = if query.is_empty() { "" } else { "&" };
                query.push_str(&format!("{separator}{name}={}", Escaped(&value)));
            }
        }
        query
    }
}

/// A value of a query.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                write!(f, "{}", byte as char)?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launcher_pods_are_asked_for_by_node_and_label() {
        assert_eq!(
            Kind::LauncherPods.query("edge-node", Scope::Cluster),
            "labelSelector=kubevirt.io%3Dvirt-launcher&fieldSelector=spec.nodeName%3Dedge-node",
            "whatever the scope: only this node's VMs can be measured here"
        );
        assert_eq!(
            Kind::Vmis.query("edge-node", Scope::Node),
            "labelSelector=kubevirt.io%2FnodeName%3Dedge-node"
        );
    }

    #[test]
    fn the_control_plane_is_this_nodes_or_all() {
        assert_eq!(
            Kind::CdiPods.query("n", Scope::Node),
            "labelSelector=prometheus.cdi.kubevirt.io&fieldSelector=spec.nodeName%3Dn"
        );
        assert_eq!(Kind::KubevirtPods.query("n", Scope::Cluster), "labelSelector=prometheus.kubevirt.io");
    }

    #[test]
    fn one_configmap_of_one_namespace_is_asked_for() {
        assert_eq!(Kind::Authority.path("kubevirt"), "/api/v1/namespaces/kubevirt/configmaps");
        assert_eq!(Kind::Authority.query("n", Scope::Node), "fieldSelector=metadata.name%3Dkubevirt-ca");
        assert_eq!(Kind::Kubevirts.query("n", Scope::Node), "");
    }
}
