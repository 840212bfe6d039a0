//! TLS, tokens, and both anew.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use edgebench_exporter::cluster::health::Subject;
use edgebench_exporter::cluster::{self, Kind, State};
use edgebench_tests::scripted_api::ScriptedApi;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::rig::{Rig, eventually, settings};

fn server(certified: &CertifiedKey<rcgen::KeyPair>) -> ServerConfig {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap()
}

fn certified() -> CertifiedKey<rcgen::KeyPair> {
    generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()
}

fn kubeconfig(api: &ScriptedApi, dir: &Path) -> std::path::PathBuf {
    let cluster = format!(", certificate-authority: {}", dir.join("ca.pem").display());
    let user = format!("tokenFile: {}", dir.join("token").display());
    api.kubeconfig(dir, &cluster, &user)
}

#[test]
fn a_server_with_tls_is_asked_with_a_token_that_changes() {
    let certified = certified();
    let api = ScriptedApi::with_tls(server(&certified));
    api.load_real();
    api.demand_token("first");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), certified.cert.pem()).unwrap();
    fs::write(dir.path().join("token"), "first").unwrap();
    let rig = Rig::with(settings(&kubeconfig(&api, dir.path())));
    rig.converges(&api, "with the first token");

    api.demand_token("second");
    rig.fails("unauthorized");
    rig.becomes(Subject::Kind(Kind::Vmis), State::Failing);
    fs::write(dir.path().join("token"), "second").unwrap();
    eventually("the second token", || rig.handle.health().success());
    api.delete(edgebench_tests::scripted_api::VMIS, "default", "edge-vm");
    rig.converges(&api, "with the second token");
}

#[test]
fn a_server_of_another_authority_is_not_told_the_token() {
    let api = ScriptedApi::with_tls(server(&certified()));
    api.load_real();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), certified().cert.pem()).unwrap();
    fs::write(dir.path().join("token"), "secret").unwrap();
    let rig = Rig::with(settings(&kubeconfig(&api, dir.path())));
    rig.becomes(Subject::Kind(Kind::Vmis), State::Failing);
    rig.fails("connection");
    assert_eq!(api.requests(), [] as [String; 0]);
}

#[test]
fn an_authority_that_was_replaced_is_read_again() {
    let (old, new) = (certified(), certified());
    let api = ScriptedApi::with_tls(server(&new));
    api.load_real();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("ca.pem"), old.cert.pem()).unwrap();
    fs::write(dir.path().join("token"), "any").unwrap();
    let rig = Rig::with(settings(&kubeconfig(&api, dir.path())));
    rig.becomes(Subject::Kind(Kind::Vmis), State::Failing);
    fs::write(dir.path().join("ca.pem"), new.cert.pem()).unwrap();
    rig.converges(&api, "with the new authority");
}

#[test]
fn a_single_reading_is_a_list_of_each() {
    let api = ScriptedApi::real();
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&api.kubeconfig(dir.path(), "", ""));
    let handle = cluster::read_once(&settings, std::time::Duration::from_secs(60)).unwrap().unwrap();
    assert!(handle.health().success(), "{:?}", handle.health());
    let truth = crate::rig::truth(&api, settings.scope);
    handle.with(|cluster| assert_eq!(*cluster, truth));
    assert_eq!(api.watches(), 0);
    assert!(!api.requests().iter().any(|url| url.contains("watch=true")));
}
