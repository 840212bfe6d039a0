//! The checks of `cluster_api` that hold for any cluster, on a real one: kind, k3d, k3s, envtest's API server.
//!
//! `KUBECONFIG` names it; the user may list and watch nodes, pods, deployments, ConfigMaps and KubeVirt's objects, and
//! change deployments in the namespace `default`. Run these with `KUBECONFIG=… tests/run live`, or alone:
//! `KUBECONFIG=… cargo test -p edgebench-tests --test live_cluster -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

#[path = "cluster_api/live_checks.rs"]
mod live_checks;

use std::env;
use std::path::PathBuf;

fn kubeconfig() -> PathBuf {
    let paths = env::var_os("KUBECONFIG").expect("KUBECONFIG names the kubeconfig of a cluster to test with");
    env::split_paths(&paths).next().expect("KUBECONFIG names a file")
}

#[test]
#[ignore = "live: needs a cluster, which KUBECONFIG names"]
fn what_is_known_is_what_is_listed() {
    live_checks::what_is_known_is_what_is_listed(&kubeconfig());
}

#[test]
#[ignore = "live: needs a cluster, which KUBECONFIG names"]
fn a_deployment_is_heard_of() {
    live_checks::a_deployment_is_heard_of(&kubeconfig());
}

#[test]
#[ignore = "live: needs a cluster, which KUBECONFIG names"]
fn a_node_that_is_not_there_has_nothing() {
    live_checks::a_node_that_is_not_there_has_nothing(&kubeconfig());
}
