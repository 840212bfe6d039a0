//! TLS and users, by the web configuration that the exporter toolkit has.

use std::fs;
use std::path::Path;

use edgebench_tests::exporter::Exporter;
use edgebench_tests::prometheus::{Job, Prometheus};
use rcgen::{CertificateParams, KeyPair};

/// The name in the certificate.
const SERVER: &str = "edge-node.example";

/// A certificate that signs itself, and a configuration that demands a password.
fn write_config(dir: &Path) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([SERVER.to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(dir.join("tls.crt"), certificate.pem()).unwrap();
    fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
    let hash = bcrypt::hash("wide open", 5).unwrap();
    let config = format!(
        "tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\nbasic_auth_users:\n  prometheus: {hash}\n"
    );
    fs::write(dir.join("web.yml"), config).unwrap();
}

#[test]
#[ignore = "live: runs Prometheus"]
fn prometheus_comes_in_by_tls_with_a_password_and_not_without() {
    let dir = tempfile::tempdir().unwrap();
    write_config(dir.path());
    let config = dir.path().join("web.yml");
    let exporter = Exporter::start(&["--web.config.file", config.to_str().unwrap()]);
    let authority = dir.path().join("tls.crt");
    let job = |name: &str| Job::new(name, exporter.address).tls(&authority, SERVER);
    let jobs = [
        job("right").basic_auth("prometheus", "wide open"),
        job("wrong").basic_auth("prometheus", "shut"),
        job("nobody"),
        Job::new("other-name", exporter.address).tls(&authority, "other.example"),
        Job::new("plain", exporter.address),
    ];
    let mut prometheus = Prometheus::start(&jobs);
    prometheus.wait_for_scrapes(5);

    let up = |job: &str| {
        let samples = prometheus.samples(&format!("up{{job='{job}'}}"));
        samples.iter().map(|sample| sample.value as u64).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(up("right"), [1].into());
    for job in ["wrong", "nobody", "other-name", "plain"] {
        assert_eq!(up(job), [0].into(), "{job}");
    }
    let errors = prometheus.target_errors();
    assert_eq!(errors["right"], "");
    for job in ["wrong", "nobody"] {
        assert!(errors[job].contains("401"), "{errors:?}");
    }
    assert!(errors["other-name"].contains("certificate is valid for"), "{errors:?}");
    assert!(prometheus.value("edgebench_build_info{job='right'}") == 1.0);
}
