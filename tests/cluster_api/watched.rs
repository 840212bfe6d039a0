//! What is asked for, and how.

use edgebench_exporter::cluster::Scope;
use edgebench_tests::scripted_api::ScriptedApi;

use crate::rig::{Rig, eventually};

#[test]
fn the_real_cluster_is_known() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    eventually("health", || rig.handle.health().success());
    rig.handle.with(|cluster| {
        assert_eq!(cluster.kubernetes.as_deref(), Some("v1.36.2"));
        assert_eq!((cluster.vmis.len(), cluster.launchers.len()), (1, 1));
        assert_eq!((cluster.components.len(), cluster.deployments.len()), (4, 9));
        assert!(cluster.kubevirt.is_some() && cluster.cdi.is_some() && cluster.kubevirt_ca.is_some());
    });
    assert_eq!(rig.handle.health().errors().into_iter().collect::<Vec<_>>(), []);
}

#[test]
fn nothing_is_asked_for_twice_or_as_a_whole() {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    eventually("the watches", || api.watches() == 9);
    let requests = api.requests();
    let lists: Vec<&String> = requests.iter().filter(|url| !url.contains("watch=true")).collect();
    for url in &lists {
        assert!(lists.iter().filter(|other| other == &url).count() == 1, "{url}");
        let narrow = url.contains("Selector=")
            || ["/kubevirts?", "/cdis?", "/version"].iter().any(|p| url.contains(p));
        assert!(narrow, "{url} asks for all");
        assert!(url.starts_with("/version") || url.ends_with("resourceVersion=0"), "{url}: from the cache");
    }
    let watches = requests.iter().filter(|url| url.contains("watch=true"));
    for url in watches {
        assert!(url.contains("allowWatchBookmarks=true") && url.contains("timeoutSeconds="), "{url}");
        assert!(!url.contains("resourceVersion=0&"), "{url}: from the list's version");
    }
}

#[test]
fn only_this_nodes_control_plane_is_known_unless_the_clusters_is_wanted() {
    let api = ScriptedApi::real();
    let rig = Rig::adjusted(&api, |settings| {
        settings.scope = Scope::Node;
    });
    rig.converges(&api, "at first");
    rig.handle.with(|cluster| {
        // In the real capture the control plane runs on another node.
        assert_eq!((cluster.components.len(), cluster.launchers.len(), cluster.deployments.len()), (0, 1, 9));
    });
    assert!(
        !api.requests()
            .iter()
            .any(|url| url.contains("/pods?") && !url.contains("spec.nodeName%3Dedge-node"))
    );
}
