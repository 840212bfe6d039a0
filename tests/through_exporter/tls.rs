//! TLS, certificates and credentials: what is wrong is said, and no secret is.

use std::sync::Arc;

use edgebench_tests::Workdir;
use edgebench_tests::fake_exporter::{Answer, FakeExporter};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{footprint, of_the_real_node, saying};

/// A CA, and a server's certificate for `localhost` alone.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate and its key, in PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A server's configuration that wants a certificate of this authority's if `wants_one`.
    fn server(&self, wants_one: bool) -> ServerConfig {
        let (certificate, key) = self.issue("localhost");
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match wants_one {
            false => builder.with_no_client_auth(),
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_slice(self.pem().as_bytes()).unwrap()).unwrap();
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
    }
}

fn answers() -> [Answer; 2] {
    of_the_real_node("4-vm").each_ref().map(Answer::from)
}

#[test]
fn a_ca_of_ones_own_is_trusted_where_it_is_given() {
    let authority = Authority::new();
    let dir = Workdir::new();
    dir.write("ca.pem", authority.pem());
    let exporter = FakeExporter::with_tls(answers(), authority.server(false));
    let url = exporter.url_by_name();
    let text = dir.shows(footprint(&url, &["--exporter-ca-file", "ca.pem"]));
    assert!(text.contains(&format!("{url}/metrics")));
}

#[test]
fn an_unknown_ca_and_a_wrong_name_are_told_apart() {
    let (authority, other) = (Authority::new(), Authority::new());
    let dir = Workdir::new();
    dir.write("ca.pem", authority.pem());
    dir.write("other.pem", other.pem());
    let exporter = FakeExporter::with_tls(answers(), authority.server(false));
    let url = exporter.url_by_name();
    dir.refuses(footprint(&url, &[]), &["TLS failed", "a CA that is not known", "--exporter-ca-file"]);
    let arguments = footprint(&url, &["--exporter-ca-file", "other.pem"]);
    dir.refuses(arguments, &["TLS failed", "a CA that is not known"]);
    let by_address = exporter.url();
    let arguments = footprint(&by_address, &["--exporter-ca-file", "ca.pem"]);
    dir.refuses(arguments, &["TLS failed", "for another name"]);
    let text = dir.shows(footprint(&by_address, &["--exporter-insecure-skip-verify"]));
    assert!(text.contains("virt-handler"));
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_where_it_is_given() {
    let dir = Workdir::new();
    let serve = |is_ca: IsCa| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let certificate = params.self_signed(&key).unwrap();
        dir.write("own.pem", certificate.pem());
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth();
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        FakeExporter::with_tls(
            answers(),
            builder.with_single_cert(vec![certificate.der().clone()], key).unwrap(),
        )
    };
    let arguments = ["--exporter-ca-file", "own.pem"];
    let exporter = serve(IsCa::ExplicitNoCa);
    assert!(dir.shows(footprint(&exporter.url_by_name(), &arguments)).contains("virt-handler"));
    // What `openssl req -x509` makes by default.
    let exporter = serve(IsCa::Ca(BasicConstraints::Unconstrained));
    let words = ["TLS failed", "a CA's certificate as its own", "CA:FALSE"];
    dir.refuses(footprint(&exporter.url_by_name(), &arguments), &words);
}

#[test]
fn http_and_https_are_not_confused() {
    let plain = saying(&of_the_real_node("4-vm"));
    let https = plain.url().replace("http:", "https:");
    Workdir::new().refuses(footprint(&https, &[]), &["TLS failed", "is it http?"]);
    let authority = Authority::new();
    let with_tls = FakeExporter::with_tls(answers(), authority.server(false));
    let http = with_tls.url().replace("https:", "http:");
    Workdir::new().refuses(footprint(&http, &[]), &[&http]);
}

#[test]
fn a_client_certificate_is_shown_where_one_is_wanted() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("a client");
    let dir = Workdir::new();
    dir.write("ca.pem", authority.pem());
    dir.write("client.pem", certificate);
    dir.write("client.key", &key);
    dir.write("another.key", authority.issue("another").1);
    let exporter = FakeExporter::with_tls(answers(), authority.server(true));
    let url = exporter.url_by_name();
    let with = |more: &[&'static str]| [&["--exporter-ca-file", "ca.pem"], more].concat();
    let shown = with(&["--exporter-cert-file", "client.pem", "--exporter-key-file", "client.key"]);
    assert!(dir.shows(footprint(&url, &shown)).contains("virt-handler"));
    dir.refuses(footprint(&url, &with(&[])), &["TLS failed", "--exporter-cert-file"]);
    let wrong = with(&["--exporter-cert-file", "client.pem", "--exporter-key-file", "another.key"]);
    dir.refuses(footprint(&url, &wrong), &["another.key: can't be used: it is no key of client.pem"]);
    let swapped = with(&["--exporter-cert-file", "client.key", "--exporter-key-file", "client.pem"]);
    let message =
        dir.refuses(footprint(&url, &swapped), &["client.key: can't be used: it holds no certificate"]);
    assert!(!message.contains(key.lines().nth(1).unwrap()));
}

#[test]
fn files_that_are_not_there_are_named_before_anybody_is_asked() {
    let dir = Workdir::new();
    dir.write("empty", "");
    for (flag, file, what) in [
        ("--exporter-ca-file", "nowhere.pem", "No such file"),
        ("--exporter-ca-file", "empty", "no certificate in PEM"),
        ("--exporter-bearer-token-file", "nowhere", "No such file"),
    ] {
        dir.refuses(footprint("https://localhost:1", &[flag, file]), &[file, "can't be used", what]);
    }
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let dir = Workdir::new();
    dir.write("password", "s3cret:word\n");
    dir.write("token", "t0ken\n");
    dir.write("odd", "t0ken\0\n");
    // RFC 7617: user-id, a colon, the password, in base64.
    let basic = "Basic bWU6czNjcmV0OndvcmQ=";
    for (arguments, sent) in [
        (&["--exporter-username", "me", "--exporter-password-file", "password"][..], basic),
        (&["--exporter-bearer-token-file", "token"], "Bearer t0ken"),
    ] {
        let exporter = saying(&of_the_real_node("4-vm"));
        let url = format!("{}/metrics?key=qu3ry", exporter.url());
        let more = [arguments, &["--save", "capture.json"]].concat();
        let text = dir.shows(footprint(&url, &more)) + &String::from_utf8(dir.read("capture.json")).unwrap();
        for request in exporter.requests() {
            assert!(request.starts_with("GET /metrics?key=qu3ry "), "{request}");
            assert!(
                request
                    .to_ascii_lowercase()
                    .contains(&format!("authorization: {sent}\r\n").to_ascii_lowercase()),
                "{request}"
            );
        }
        for secret in ["s3cret", "t0ken", "bWU6", "qu3ry"] {
            assert!(!text.contains(secret), "{secret} is shown");
        }
    }
    let refusing = FakeExporter::new([Answer::status("401 Unauthorized")]);
    let url = format!("{}/?key=qu3ry", refusing.url());
    let message = dir.refuses(footprint(&url, &["--exporter-bearer-token-file", "token"]), &["status 401"]);
    assert!(!message.contains("t0ken") && !message.contains("qu3ry"));
    let message =
        dir.refuses(footprint(&url, &["--exporter-bearer-token-file", "odd"]), &["odd: can't be used"]);
    assert!(!message.contains("t0ken"));
}
