//! Whose Kubernetes it is, by what its version says.
//!
//! A distribution appends its name to `gitVersion`: `v1.23.2+k3s1`, `v1.30.4+rke2r1`, `v1.29.1-eks-…`,
//! `v1.29.1-gke.…` (k3s-io/k3s `scripts/version.sh`, the providers' release notes). AKS and kubeadm do not.

/// The distribution that a version names; nothing where it names none.
pub fn of_version(version: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 5] =
        [("+k3s", "K3s"), ("+rke2", "RKE2"), ("-eks-", "EKS"), ("-gke.", "GKE"), ("+k0s", "k0s")];
    MARKS.iter().find(|(mark, _)| version.contains(mark)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::of_version;

    #[test]
    fn a_distribution_names_itself_in_its_version() {
        assert_eq!(of_version("v1.23.2+k3s1"), Some("K3s"));
        assert_eq!(of_version("v1.30.4+rke2r1"), Some("RKE2"));
        assert_eq!(of_version("v1.29.1-eks-508b6b3"), Some("EKS"));
        assert_eq!(of_version("v1.36.2"), None);
    }
}
