//! `tls_server_config` as a configuration of rustls.
//!
//! rustls serves TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only. What the toolkit (Go's
//! `crypto/tls`) can do beyond that is refused by name, never silently left out: TLS 1.0 and 1.1, suites with
//! CBC or RSA key exchange, P-521. As in Go, `cipher_suites` is about TLS 1.2; the suites of 1.3 are all on.
//! Sessions are not resumed: a scraper keeps its connection, and Prometheus has no session cache.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{NamedGroup, RootCertStore, ServerConfig, SupportedCipherSuite};

use super::client_certificates;
use super::files::Files;
use super::settings::{ClientAuth, TlsSettings, TlsVersion};
use crate::web::error::ConfigError;

/// Go's names of the suites of TLS 1.3. They may be listed and are on in any case.
const TLS13_SUITES: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/// Builds the configuration, reading the files that it names.
pub(super) fn server_config(settings: &TlsSettings, files: &mut Files) -> Result<ServerConfig, ConfigError> {
    let provider = Arc::new(provider(settings, files)?);
    let versions = versions(settings, &provider, files)?;
    let chain = certificates(
        files,
        ("tls_server_config.cert", settings.cert.as_deref()),
        ("tls_server_config.cert_file", settings.cert_file.as_deref()),
    )?;
    let Some((chain_source, chain)) = chain else {
        return Err(files.invalid(
            "tls_server_config",
            "neither cert_file nor cert is set, so TLS can't be served; \
            set cert_file and key_file, or remove tls_server_config to serve without TLS",
        ));
    };
    let key = pem(
        files,
        ("tls_server_config.key", settings.key.as_ref().map(|key| key.0.as_str())),
        ("tls_server_config.key_file", settings.key_file.as_deref()),
    )?;
    let Some(Pem { source, text, .. }) = key else {
        return Err(files.invalid("tls_server_config", "neither key_file nor key is set; set one of them"));
    };
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        files.invalid(
            &source,
            format!("no private key in PEM (PKCS#8, PKCS#1 or SEC1, not encrypted): {error}"),
        )
    })?;
    let verifier = client_verifier(settings, &provider, files)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| files.invalid("tls_server_config", error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| {
            files.invalid(
                &format!("{chain_source} and {source}"),
                format!("certificate and key can't be used: {error}; they must belong together"),
            )
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ignore_client_order = settings.prefer_server_cipher_suites.unwrap_or(true);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn provider(settings: &TlsSettings, files: &Files) -> Result<CryptoProvider, ConfigError> {
    let mut provider = ring::default_provider();
    if let Some(wanted) = settings.cipher_suites.as_deref().filter(|wanted| !wanted.is_empty()) {
        let known = |name: &str| -> bool {
            TLS13_SUITES.contains(&name) || provider.cipher_suites.iter().any(|suite| is_tls12(suite, name))
        };
        if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
            let all = provider.cipher_suites.iter().filter(|suite| suite.tls13().is_none());
            let all: Vec<_> = all.filter_map(|suite| suite.suite().as_str()).collect();
            return Err(files.invalid(
                "tls_server_config.cipher_suites",
                format!("{unknown:?} is not served; remove it, or choose from {}", all.join(", ")),
            ));
        }
        provider
            .cipher_suites
            .retain(|suite| suite.tls13().is_some() || wanted.iter().any(|name| is_tls12(suite, name)));
    }
    if let Some(wanted) = settings.curve_preferences.as_deref().filter(|wanted| !wanted.is_empty()) {
        provider.kx_groups = wanted.iter().map(|name| curve(name, files)).collect::<Result<_, _>>()?;
    }
    Ok(provider)
}

fn is_tls12(suite: &SupportedCipherSuite, name: &str) -> bool {
    suite.tls13().is_none() && suite.suite().as_str() == Some(name)
}

fn curve(name: &str, files: &Files) -> Result<&'static dyn SupportedKxGroup, ConfigError> {
    let group = match name {
        "X25519" => NamedGroup::X25519,
        "CurveP256" => NamedGroup::secp256r1,
        "CurveP384" => NamedGroup::secp384r1,
        _ => {
            return Err(files.invalid(
                "tls_server_config.curve_preferences",
                format!("{name:?} is not served; remove it, or choose from X25519, CurveP256, CurveP384"),
            ));
        }
    };
    ring::ALL_KX_GROUPS.iter().copied().find(|candidate| candidate.name() == group).ok_or_else(|| {
        files.invalid("tls_server_config.curve_preferences", format!("{name:?} is not served; remove it"))
    })
}

fn versions(
    settings: &TlsSettings,
    provider: &CryptoProvider,
    files: &Files,
) -> Result<Vec<&'static tokio_rustls::rustls::SupportedProtocolVersion>, ConfigError> {
    let lowest = settings.min_version.unwrap_or(TlsVersion::Tls12);
    let highest = settings.max_version.unwrap_or(TlsVersion::Tls13);
    for (key, version) in
        [("tls_server_config.min_version", lowest), ("tls_server_config.max_version", highest)]
    {
        if version < TlsVersion::Tls12 {
            return Err(files.invalid(key, "TLS 1.0 and 1.1 are not served; set TLS12 or TLS13"));
        }
    }
    if lowest > highest {
        return Err(files.invalid("tls_server_config.min_version", "it is higher than max_version"));
    }
    let mut versions = Vec::new();
    if highest == TlsVersion::Tls13 {
        versions.push(&TLS13);
    }
    if lowest == TlsVersion::Tls12 && provider.cipher_suites.iter().any(|suite| suite.tls13().is_none()) {
        versions.push(&TLS12);
    }
    if versions.is_empty() {
        return Err(files.invalid(
            "tls_server_config.cipher_suites",
            "none of them is of TLS 1.2, the only version allowed",
        ));
    }
    Ok(versions)
}

fn client_verifier(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
    files: &mut Files,
) -> Result<Arc<dyn tokio_rustls::rustls::server::danger::ClientCertVerifier>, ConfigError> {
    const KIND: &str = "tls_server_config.client_auth_type";
    let kind = settings.client_auth_type.unwrap_or_default();
    let authorities = certificates(
        files,
        ("tls_server_config.client_ca", settings.client_ca.as_deref()),
        ("tls_server_config.client_ca_file", settings.client_ca_file.as_deref()),
    )?;
    let allowed = settings.client_allowed_sans.clone().unwrap_or_default();
    let verifies =
        matches!(kind, ClientAuth::VerifyClientCertIfGiven | ClientAuth::RequireAndVerifyClientCert);
    for (set, what) in
        [(authorities.is_some(), "client_ca_file or client_ca"), (!allowed.is_empty(), "client_allowed_sans")]
    {
        if set && !verifies {
            // Go accepts both where nothing is verified, and ignores the one and is fooled by the other.
            return Err(files.invalid(
                KIND,
                format!(
                    "{what} is set, but {kind:?} does not verify certificates; \
                set RequireAndVerifyClientCert, or remove {what}"
                ),
            ));
        }
    }
    if verifies && authorities.is_none() {
        return Err(files.invalid(KIND, "it needs a client CA to verify with; set client_ca_file"));
    }
    let mut roots = RootCertStore::empty();
    if let Some((source, certificates)) = authorities {
        for certificate in certificates {
            roots
                .add(certificate)
                .map_err(|error| files.invalid(&source, format!("a certificate that is none: {error}")))?;
        }
    }
    client_certificates::verifier(kind, roots, allowed, provider).map_err(|error| files.invalid(KIND, error))
}

/// PEM text and where it is from, for an error.
struct Pem {
    source: String,
    text: Vec<u8>,
}

/// The text of a key that is given in place or as a file; none if neither is set.
fn pem(
    files: &mut Files,
    (text_key, text): (&str, Option<&str>),
    (file_key, file): (&str, Option<&str>),
) -> Result<Option<Pem>, ConfigError> {
    let set = |value: Option<&'_ str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    match (set(text), set(file)) {
        (Some(_), Some(_)) => {
            Err(files.invalid(text_key, format!("{file_key} is set too; keep one of them")))
        }
        (Some(text), None) => Ok(Some(Pem { source: text_key.to_owned(), text: text.into_bytes() })),
        (None, Some(file)) => {
            let path = files.resolve(&PathBuf::from(file));
            let text = files.read(&path)?;
            Ok(Some(Pem { source: format!("{file_key} ({})", path.display()), text }))
        }
        (None, None) => Ok(None),
    }
}

/// The certificates of such a key, and where they are from.
fn certificates(
    files: &mut Files,
    text: (&str, Option<&str>),
    file: (&str, Option<&str>),
) -> Result<Option<(String, Vec<CertificateDer<'static>>)>, ConfigError> {
    let Some(Pem { source, text }) = pem(files, text, file)? else { return Ok(None) };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| files.invalid(&source, format!("no certificate in PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(files.invalid(&source, "there is no certificate in PEM in it"));
    }
    Ok(Some((source, certificates)))
}
