//! What the exporter knows of a cluster is what the API server says, whatever happens on the way.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod absent;
mod broken;
mod changes;
mod credentials;
mod live_checks;
mod migration;
mod rig;
mod samples;
mod soak;
mod watched;

/// The checks of a real cluster, on the scripted one.
mod any_cluster {
    use edgebench_tests::scripted_api::ScriptedApi;

    use crate::live_checks;

    fn with_kubeconfig(check: fn(&std::path::Path)) {
        let api = ScriptedApi::real();
        api.put("/api/v1/nodes", serde_json::json!({ "metadata": { "name": "edge-node" } }));
        let dir = tempfile::tempdir().unwrap();
        check(&api.kubeconfig(dir.path(), "", ""));
    }

    #[test]
    fn what_is_known_is_what_is_listed() {
        with_kubeconfig(live_checks::what_is_known_is_what_is_listed);
    }

    #[test]
    fn a_deployment_is_heard_of() {
        with_kubeconfig(live_checks::a_deployment_is_heard_of);
    }

    #[test]
    fn a_node_that_is_not_there_has_nothing() {
        with_kubeconfig(live_checks::a_node_that_is_not_there_has_nothing);
    }
}
