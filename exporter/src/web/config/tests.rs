//! Web configurations, good and bad.

use std::fs;
use std::path::PathBuf;

use rcgen::{CertificateParams, CertifiedIssuer, Issuer, KeyPair};
use tempfile::TempDir;

use super::*;

/// The hash of `secret`, cost 4.
const HASH: &str = "$2y$04$abcdefghijklmnopqrstueML8TI3mKg6nYe6ji84YNEQ6czfZcOFC";

struct Folder(TempDir);

impl Folder {
    /// With `tls.crt`, `tls.key`, `other.key` (of another pair) and `ca.crt`.
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let authority_key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(CertificateParams::default(), authority_key).unwrap();
        let issuer: &Issuer<'_, KeyPair> = &authority;
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
        folder.write("tls.crt", &certificate.pem());
        folder.write("tls.key", &key.serialize_pem());
        folder.write("other.key", &KeyPair::generate().unwrap().serialize_pem());
        folder.write("ca.crt", &authority.pem());
        folder.write("empty", "");
        folder.write("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn load(&self, text: &str) -> Result<WebConfig, String> {
        self.write("web.yml", text);
        let path = self.path("web.yml");
        load(&path, &mut Files::of(&path)).map_err(|error| {
            // Without the name of the folder, which is another in each run.
            error.to_string().replace(&format!("{}/", self.0.path().display()), "")
        })
    }
}

/// `tls_server_config` with certificate and key, and more keys.
fn tls(more: &str) -> String {
    let more = more.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!("tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n{more}")
}

#[test]
fn good_configurations_are_taken() {
    let folder = Folder::new();
    for text in [
        String::new(),
        tls(""),
        tls("client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: ca.crt"),
        tls("client_auth_type: VerifyClientCertIfGiven\nclient_ca_file: ca.crt\nclient_allowed_sans: [a, b]"),
        tls("client_auth_type: RequireAnyClientCert"),
        tls("client_auth_type: RequestClientCert"),
        tls("client_auth_type: NoClientCert"),
        tls("min_version: TLS13"),
        tls("max_version: TLS12"),
        tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]"),
        tls("cipher_suites: [TLS_AES_128_GCM_SHA256]"),
        tls("cipher_suites: []"),
        tls("curve_preferences: [X25519, CurveP256, CurveP384]"),
        tls("prefer_server_cipher_suites: false"),
        "http_server_config:\n  http2: true\n".to_owned(),
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Content-Security-Policy: default-src 'self'\n"
            .to_owned(),
        format!("basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"),
        "rate_limit:\n  interval: 1s\n  burst: 5\n".to_owned(),
        "rate_limit:\n  interval: 0\n".to_owned(),
    ] {
        if let Err(error) = folder.load(&text) {
            panic!("{text}: {error}");
        }
    }
}

#[test]
fn certificate_and_key_may_stand_in_the_file() {
    let folder = Folder::new();
    let indented = |name| fs::read_to_string(folder.path(name)).unwrap().replace('\n', "\n    ");
    let text = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n",
        indented("tls.crt"),
        indented("tls.key")
    );
    assert!(folder.load(&text).unwrap().tls.is_some());
}

#[test]
fn what_is_asked_for_is_what_is_served() {
    let folder = Folder::new();
    let suites = |text: &str| -> Vec<String> {
        let config = folder.load(&tls(text)).unwrap().tls.unwrap();
        let suites = config.crypto_provider().cipher_suites.iter().filter(|suite| suite.tls13().is_none());
        suites.map(|suite| suite.suite().as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(suites("").len(), 6);
    let one = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    assert_eq!(suites(&format!("cipher_suites: [{one}]")), [one]);

    let config = folder.load(&tls("curve_preferences: [CurveP384, X25519]")).unwrap().tls.unwrap();
    let groups: Vec<_> =
        config.crypto_provider().kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
    assert_eq!(groups, ["secp384r1", "X25519"]);

    let config = folder.load("rate_limit: {interval: 500ms, burst: 3}").unwrap();
    assert_eq!(config.rate_limit, Some(RateLimit { interval: Duration::from_millis(500), burst: 3 }));
    let config = folder.load("http_server_config: {headers: {X-Content-Type-Options: nosniff}}").unwrap();
    assert_eq!(
        config.headers,
        [(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"))]
    );
}

#[test]
fn bad_configurations_are_refused_by_file_and_key_with_what_to_do() {
    let folder = Folder::new();
    for (text, expected) in [
        (
            "tls_server_config: {}".to_owned(),
            "web.yml: tls_server_config: neither cert_file nor cert is set, so TLS can't be served; set cert_file and \
             key_file, or remove tls_server_config to serve without TLS",
        ),
        (
            "tls_server_config: {cert_file: tls.crt}".to_owned(),
            "web.yml: tls_server_config: neither key_file nor key is set; set one of them",
        ),
        (
            "tls_server_config: {cert_file: absent.crt, key_file: tls.key}".to_owned(),
            "absent.crt: No such file or directory (os error 2)",
        ),
        (
            "tls_server_config: {cert_file: tls.crt, key_file: absent.key}".to_owned(),
            "absent.key: No such file or directory (os error 2)",
        ),
        (
            "tls_server_config: {cert_file: empty, key_file: tls.key}".to_owned(),
            "web.yml: tls_server_config.cert_file (empty): there is no certificate in PEM in it",
        ),
        (
            "tls_server_config: {cert_file: broken, key_file: tls.key}".to_owned(),
            "web.yml: tls_server_config.cert_file (broken) and tls_server_config.key_file (tls.key): certificate and key \
             can't be used: invalid peer certificate: BadEncoding; they must belong together",
        ),
        (
            "tls_server_config: {cert_file: tls.crt, key_file: empty}".to_owned(),
            "web.yml: tls_server_config.key_file (empty): no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted): \
             no items found",
        ),
        (
            "tls_server_config: {cert_file: tls.crt, key_file: other.key}".to_owned(),
            "web.yml: tls_server_config.cert_file (tls.crt) and tls_server_config.key_file (other.key): certificate and \
             key can't be used: keys may not be consistent: KeyMismatch; they must belong together",
        ),
        (
            tls("cert: x"),
            "web.yml: tls_server_config.cert: tls_server_config.cert_file is set too; keep one of them",
        ),
        (
            tls("min_version: TLS10"),
            "web.yml: tls_server_config.min_version: TLS 1.0 and 1.1 are not served; set TLS12 or TLS13",
        ),
        (
            tls("max_version: TLS11"),
            "web.yml: tls_server_config.max_version: TLS 1.0 and 1.1 are not served; set TLS12 or TLS13",
        ),
        (
            tls("min_version: TLS13\nmax_version: TLS12"),
            "web.yml: tls_server_config.min_version: it is higher than max_version",
        ),
        (
            tls("cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
            "web.yml: tls_server_config.cipher_suites: \"TLS_RSA_WITH_AES_128_CBC_SHA\" is not served; remove it, or choose \
             from TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, \
             TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, \
             TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ),
        (
            tls("max_version: TLS12\ncipher_suites: [TLS_AES_128_GCM_SHA256]"),
            "web.yml: tls_server_config.cipher_suites: none of them is of TLS 1.2, the only version allowed",
        ),
        (
            tls("curve_preferences: [CurveP521]"),
            "web.yml: tls_server_config.curve_preferences: \"CurveP521\" is not served; remove it, or choose from X25519, \
             CurveP256, CurveP384",
        ),
        (
            tls("client_ca_file: ca.crt"),
            "web.yml: tls_server_config.client_auth_type: client_ca_file or client_ca is set, but NoClientCert does not verify \
             certificates; set RequireAndVerifyClientCert, or remove client_ca_file or client_ca",
        ),
        (
            tls("client_auth_type: RequireAnyClientCert\nclient_allowed_sans: [prometheus]"),
            "web.yml: tls_server_config.client_auth_type: client_allowed_sans is set, but RequireAnyClientCert does not \
             verify certificates; set RequireAndVerifyClientCert, or remove client_allowed_sans",
        ),
        (
            tls("client_auth_type: RequireAndVerifyClientCert"),
            "web.yml: tls_server_config.client_auth_type: it needs a client CA to verify with; set client_ca_file",
        ),
        (
            tls("client_auth_type: RequireAndVerifyClientCert\nclient_ca_file: broken"),
            "web.yml: tls_server_config.client_ca_file (broken): a certificate that is none: invalid peer certificate: \
             BadEncoding",
        ),
        (
            "basic_auth_users: {alice: secret}".to_owned(),
            "web.yml: basic_auth_users.alice: not a bcrypt hash; `htpasswd -nBC 10 NAME` makes one",
        ),
        (
            format!("basic_auth_users: {{'a:b': {HASH}}}"),
            "web.yml: basic_auth_users.a:b: a name with a colon can't be sent by basic authentication",
        ),
        (
            "http_server_config: {headers: {Server: mine}}".to_owned(),
            "web.yml: http_server_config.headers.Server: this header can't be set; those that can are \
             Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}".to_owned(),
            "web.yml: http_server_config.headers.X-Frame-Options: \"allow\" is not one of its values: deny, sameorigin",
        ),
        (
            "http_server_config: {headers: {X-XSS-Protection: \"1\\nSet-Cookie: a\"}}".to_owned(),
            "web.yml: http_server_config.headers.X-XSS-Protection: a header can't have this value",
        ),
        (
            "rate_limit: {interval: 1s}".to_owned(),
            "web.yml: rate_limit.burst: without a burst of 1 or more no request would be answered",
        ),
        (
            "tls_server_confg: {}".to_owned(),
            "web.yml:1: unknown field `tls_server_confg`, expected one of \
             tls_server_config, http_server_config, basic_auth_users, rate_limit",
        ),
    ] {
        assert_eq!(folder.load(&text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_by_line() {
    let folder = Folder::new();
    let path = folder.path("web.yml");
    fs::write(&path, b"# fine\n\xff\xfe\n").unwrap();
    let error = load(&path, &mut Files::of(&path)).unwrap_err().to_string();
    assert_eq!(error, format!("{}:2: it is not UTF-8", path.display()));
}

#[test]
fn hashes_and_keys_are_not_printed() {
    let folder = Folder::new();
    let config = folder.load(&format!("basic_auth_users: {{alice: {HASH}}}")).unwrap();
    let printed = format!("{config:?}");
    assert!(printed.contains("alice") && !printed.contains("$2y"), "{printed}");
}

#[test]
fn the_example_is_a_good_configuration_with_every_key_but_those_given_in_place() {
    let folder = Folder::new();
    fs::copy(folder.path("ca.crt"), folder.path("client-ca.crt")).unwrap();
    let text = include_str!("../../../examples/web-config.yml");
    let config = folder.load(text).unwrap();
    assert!(bcrypt::verify("change-me", &config.users["prometheus"]).unwrap());
    // Which keys there are is told by the error about one that is not.
    let mut known = Vec::new();
    for wrong in ["x: 1", "tls_server_config: {x: 1}", "http_server_config: {x: 1}", "rate_limit: {x: 1}"] {
        let error = folder.load(wrong).unwrap_err();
        known.extend(error.rsplit_once("expected one of ").unwrap().1.split(", ").map(str::to_owned));
    }
    for key in known.iter().filter(|key| !["cert", "key", "client_ca"].contains(&key.as_str())) {
        assert!(text.contains(&format!("{key}:\n")) || text.contains(&format!("{key}: ")), "{key}");
    }
}
