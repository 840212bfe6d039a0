//! At which port of a pod a component serves its metrics, and whether it wants a token.
//!
//! * KubeVirt: https on 8443 in every version, without a token. The port is named `metrics` on the pod;
//!   virt-handler has no host network, so a node's own address does not do.
//! * CDI's operator and controller: http on 8080 up to v1.62, https on 8443 from v1.63 on, and from v1.66 on with a
//!   token that may `get` the path `/metrics` (`WithAuthenticationAndAuthorization` of controller-runtime).
//! * CDI's API server and upload proxy, and KubeVirt's export servers, serve none.
//!
//! (`cmd/virt-handler/virt-handler.go`, `pkg/virt-operator/resource/generate/components/{deployments,prometheus}.go` of
//! KubeVirt; `cmd/cdi-controller/controller.go` and `pkg/operator/resources/namespaced/controller.go` of CDI.)

use std::net::IpAddr;

use crate::cluster::ComponentPod;
use crate::kubevirt::version::Version;

/// Components of KubeVirt that serve metrics.
pub const KUBEVIRT: [&str; 6] = [
    "virt-handler",
    "virt-controller",
    "virt-api",
    "virt-operator",
    "virt-exportproxy",
    "virt-synchronization-controller",
];

/// Components of CDI that do.
pub const CDI: [&str; 2] = ["cdi-operator", "cdi-controller"];

const CDI_HTTPS: Version = Version::new(1, 63, 0);
const CDI_TOKEN: Version = Version::new(1, 66, 0);

/// Where a pod's metrics are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The pod's address.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
    /// Whether it is https.
    pub tls: bool,
    /// Whether it wants a bearer token.
    pub token: bool,
}

/// Where the metrics of a pod are; nothing where it has none, or does not run.
pub fn of_pod(pod: &ComponentPod) -> Option<Place> {
    let ip: IpAddr = pod.ip.as_deref().filter(|_| pod.running)?.parse().ok()?;
    let component = pod.component.as_str();
    if KUBEVIRT.contains(&component) {
        return Some(Place { ip, port: pod.port.unwrap_or(8443), tls: true, token: false });
    }
    if !CDI.contains(&component) {
        return None;
    }
    // A candidate has what its release has.
    let version = pod.version.as_deref().and_then(Version::parse);
    let version = version.map(|version| Version { before_release: false, ..version });
    let since = |first: Version| version.map(|version| version >= first);
    let tls = since(CDI_HTTPS).unwrap_or(pod.port != Some(8080));
    let token = tls && since(CDI_TOKEN).unwrap_or(true);
    Some(Place { ip, port: pod.port.unwrap_or(if tls { 8443 } else { 8080 }), tls, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(component: &str, version: Option<&str>, port: Option<u16>) -> ComponentPod {
        ComponentPod {
            component: component.into(),
            ip: Some("10.42.0.17".into()),
            version: version.map(str::to_owned),
            port,
            running: true,
            ..ComponentPod::default()
        }
    }

    fn place(component: &str, version: Option<&str>, port: Option<u16>) -> Option<(u16, bool, bool)> {
        of_pod(&pod(component, version, port)).map(|place| (place.port, place.tls, place.token))
    }

    #[test]
    fn kubevirts_components_serve_https_without_a_token() {
        for component in KUBEVIRT {
            for version in ["v0.49.0", "v1.2.2", "v1.9.0"] {
                assert_eq!(place(component, Some(version), Some(8443)), Some((8443, true, false)));
            }
        }
        assert_eq!(place("virt-handler", None, None), Some((8443, true, false)));
        assert_eq!(place("virt-handler", None, Some(9443)), Some((9443, true, false)), "the pod's word wins");
    }

    #[test]
    fn cdis_port_and_scheme_follow_from_its_version() {
        for (version, expected) in [
            ("v1.44.0", (8080, false, false)),
            ("v1.62.2", (8080, false, false)),
            ("v1.63.0-rc.1", (8443, true, false)),
            ("v1.65.0", (8443, true, false)),
            ("v1.66.0", (8443, true, true)),
        ] {
            for component in CDI {
                assert_eq!(place(component, Some(version), None), Some(expected), "{component} {version}");
            }
        }
        assert_eq!(place("cdi-operator", None, None), Some((8443, true, true)), "today's");
        assert_eq!(place("cdi-operator", None, Some(8080)), Some((8080, false, false)));
        assert_eq!(place("cdi-operator", Some("v1.60.0"), Some(9090)), Some((9090, false, false)));
    }

    #[test]
    fn who_serves_none_and_who_does_not_run_is_not_asked() {
        for component in ["cdi-apiserver", "cdi-uploadproxy", "virt-launcher", "virt-exporter", ""] {
            assert_eq!(place(component, None, Some(8443)), None, "{component}");
        }
        let ends = ComponentPod { running: false, ..pod("virt-handler", None, None) };
        let starts = ComponentPod { ip: None, ..pod("virt-handler", None, None) };
        assert_eq!((of_pod(&ends), of_pod(&starts)), (None, None));
    }
}
