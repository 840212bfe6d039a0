//! TLS, and certificates that are replaced while it serves.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use edgebench_exporter::web::{Limits, Options};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::client::Client;
use crate::rig::{HANG, Rig, with_config};

type Secure = Client<StreamOwned<ClientConnection, TcpStream>>;
type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn identity(&self, name: &str) -> Identity {
        let (certificate, key) = self.sign(name);
        (certificate.der().clone(), PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
    }
}

/// A folder with certificate, key, client CA and a configuration.
struct Folder {
    folder: TempDir,
    authority: Authority,
}

impl Folder {
    /// `more`: further keys of `tls_server_config`, each on a line.
    fn new(more: &str) -> Folder {
        let folder = Folder { folder: tempfile::tempdir().unwrap(), authority: Authority::new() };
        folder.renew();
        folder.write("client-ca.crt", &folder.authority.0.pem());
        let more: String = more.lines().map(|line| format!("  {line}\n")).collect();
        folder.write(
            "web.yml",
            &format!("tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n{more}"),
        );
        folder
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("web.yml")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Replaces certificate and key, and tells the new certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let (certificate, key) = self.authority.sign("localhost");
        self.write("tls.crt", &certificate.pem());
        self.write("tls.key", &key.serialize_pem());
        certificate.der().clone()
    }

    fn connect(&self, rig: &Rig) -> Secure {
        self.connect_as(rig, None, &[&TLS13, &TLS12])
    }

    fn connect_as(
        &self,
        rig: &Rig,
        identity: Option<Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Secure {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        Client::new(StreamOwned::new(connection, rig.connect().stream))
    }
}

fn shown(client: &Secure) -> CertificateDer<'static> {
    client.stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The status of a scrape, or that the handshake failed.
fn status(mut client: Secure) -> io::Result<u16> {
    client.try_get("/metrics", "").map(|response| response.status)
}

#[test]
fn a_scrape_in_tls_is_a_scrape() {
    let folder = Folder::new("");
    let rig = Rig::start(with_config(&folder.config()));
    rig.behind.padding.store(1_000_000, std::sync::atomic::Ordering::Relaxed);
    for version in [&TLS13, &TLS12] {
        let mut client = folder.connect_as(&rig, None, &[version]);
        for _ in 0..3 {
            let response = client.get("/metrics", "");
            assert_eq!((response.status, response.body.len()), (200, 1_000_024));
        }
    }
    assert_eq!(rig.closed("handshake_failed"), 0.0);
}

#[test]
fn a_version_that_is_not_allowed_is_not_agreed_on() {
    let folder = Folder::new("min_version: TLS13");
    let rig = Rig::start(with_config(&folder.config()));
    assert!(status(folder.connect_as(&rig, None, &[&TLS12])).is_err());
    assert_eq!(status(folder.connect_as(&rig, None, &[&TLS13])).unwrap(), 200);
}

#[test]
fn plain_text_ends_its_connection_alone() {
    let folder = Folder::new("");
    let rig = Rig::start(with_config(&folder.config()));
    let mut plain = rig.connect();
    plain.request("GET", "/metrics", "").unwrap();
    assert!(!plain.until_closed().starts_with(b"HTTP"));
    rig.expect_closed("handshake_failed", 1.0);
    assert_eq!(status(folder.connect(&rig)).unwrap(), 200);
    assert_eq!(rig.readings(), 1);
}

#[test]
fn a_peer_that_does_not_shake_hands_is_cut_off() {
    let folder = Folder::new("");
    let limits = Limits { handshake: Duration::from_millis(200), ..Limits::default() };
    let rig = Rig::start(Options { limits, ..with_config(&folder.config()) });
    let mut silent = rig.connect();
    assert_eq!(silent.until_closed(), b"");
    rig.expect_closed("handshake_timeout", 1.0);
}

#[test]
fn peers_that_do_not_shake_hands_do_not_keep_a_scraper_out() {
    let folder = Folder::new("");
    let limits = Limits { connections: 4, handshake: HANG * 2, ..Limits::default() };
    let rig = Rig::start(Options { limits, ..with_config(&folder.config()) });
    let silent: Vec<_> = (0..20).map(|_| rig.connect()).collect();
    assert_eq!(status(folder.connect(&rig)).unwrap(), 200);
    assert!(rig.closed("evicted") >= 17.0);
    drop(silent);
}

#[test]
fn a_certificate_that_is_replaced_is_shown_to_new_connections() {
    let folder = Folder::new("");
    let rig = Rig::start(with_config(&folder.config()));
    let mut old = folder.connect(&rig);
    assert_eq!(old.get("/metrics", "").status, 200);
    let new = folder.renew();
    assert_ne!(shown(&old), new);
    let mut client = folder.connect(&rig);
    assert_eq!(client.get("/metrics", "").status, 200);
    assert_eq!(shown(&client), new);
    assert_eq!(old.get("/metrics", "").status, 200, "the old connection goes on");
    assert_eq!(rig.metric("edgebench_web_config_last_reload_successful"), 1.0);
}

#[test]
fn a_broken_certificate_leaves_the_former_one_until_it_is_mended() {
    let folder = Folder::new("");
    let rig = Rig::start(with_config(&folder.config()));
    let before = {
        let mut client = folder.connect(&rig);
        assert_eq!(client.get("/metrics", "").status, 200);
        shown(&client)
    };
    let successful = || rig.metric("edgebench_web_config_last_reload_successful");
    let (certificate, key) = folder.authority.sign("localhost");
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &certificate.pem()] {
        // The last is good, but of another key.
        folder.write("tls.crt", text);
        let mut client = folder.connect(&rig);
        assert_eq!(client.get("/metrics", "").status, 200);
        assert_eq!((shown(&client), successful()), (before.clone(), 0.0), "{text}");
    }
    folder.write("tls.key", &key.serialize_pem());
    let mut client = folder.connect(&rig);
    assert_eq!(client.get("/metrics", "").status, 200);
    assert_eq!((&shown(&client), successful()), (certificate.der(), 1.0));
}

#[test]
fn only_clients_with_a_certificate_of_the_authority_are_let_in() {
    let folder = Folder::new("client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: client-ca.crt");
    let rig = Rig::start(with_config(&folder.config()));
    for version in [&TLS13, &TLS12] {
        assert!(status(folder.connect(&rig)).is_err());
        let other = Authority::new().identity("prometheus");
        assert!(status(folder.connect_as(&rig, Some(other), &[version])).is_err());
        let ours = folder.authority.identity("prometheus");
        assert_eq!(status(folder.connect_as(&rig, Some(ours), &[version])).unwrap(), 200);
    }
    rig.expect_closed("handshake_failed", 4.0);
}

#[test]
fn a_certificate_that_is_not_mandatory_is_still_verified() {
    let folder = Folder::new("client_auth_type: VerifyClientCertIfGiven\nclient_ca_file: client-ca.crt");
    let rig = Rig::start(with_config(&folder.config()));
    assert_eq!(status(folder.connect(&rig)).unwrap(), 200);
    let other = Authority::new().identity("prometheus");
    assert!(status(folder.connect_as(&rig, Some(other), &[&TLS13])).is_err());
    let ours = folder.authority.identity("prometheus");
    assert_eq!(status(folder.connect_as(&rig, Some(ours), &[&TLS13])).unwrap(), 200);
}

#[test]
fn any_certificate_will_do_where_it_is_not_verified_but_one_must_be_shown() {
    let folder = Folder::new("client_auth_type: RequireAnyClientCert");
    let rig = Rig::start(with_config(&folder.config()));
    assert!(status(folder.connect(&rig)).is_err());
    for version in [&TLS13, &TLS12] {
        let other = Authority::new().identity("prometheus");
        assert_eq!(status(folder.connect_as(&rig, Some(other), &[version])).unwrap(), 200);
    }
}

#[test]
fn a_certificate_must_bear_a_name_that_is_allowed() {
    let folder = Folder::new(
        "client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: client-ca.crt\n\
         client_allowed_sans: [prometheus.example, 192.0.2.7]",
    );
    let rig = Rig::start(with_config(&folder.config()));
    for (name, allowed) in [
        ("prometheus.example", true),
        ("192.0.2.7", true),
        ("grafana.example", false),
        ("*.example", false),
        ("192.0.2.8", false),
    ] {
        let identity = folder.authority.identity(name);
        assert_eq!(status(folder.connect_as(&rig, Some(identity), &[&TLS13])).is_ok(), allowed, "{name}");
    }
}

#[test]
fn a_key_that_is_missing_is_an_error_at_start() {
    let folder = Folder::new("");
    let key = folder.folder.path().join("tls.key");
    fs::remove_file(&key).unwrap();
    let error = Rig::try_start(with_config(&folder.config())).map(|_| ()).unwrap_err();
    assert!(std::error::Error::source(&error).is_none(), "who prints the causes too would print it twice");
    assert_eq!(
        error.to_string(),
        format!("--web.config.file: {}: No such file or directory (os error 2)", key.display())
    );
}
