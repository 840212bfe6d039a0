//! Asking an exporter for its exposition.
//!
//! Every attempt has a time and a size: what answers may be anything. Redirects are not followed, since
//! credentials go where they were meant to go (RFC 9110, 15.4 leaves it to the client), and no proxy is used:
//! an exporter is on the node's own network. No URL that is shown has more than its scheme, host, port and
//! path.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use edgebench_exporter::scrape_text::Format;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use ureq::Agent;
use ureq::http::{Uri, header::HeaderValue, uri::Scheme};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::RemoteError;

/// More than any node's exposition has: 10,000 series of 200 bytes are 2 MB.
const LARGEST: u64 = 64 << 20;

/// Where an exporter is, and how it wants to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Its URL.
    pub url: String,
    /// CAs to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Certificate to show, and its key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Whether any certificate of the server will do.
    pub skip_verify: bool,
    /// User name, and a file with the password.
    pub basic: Option<(String, PathBuf)>,
    /// A file with a token.
    pub bearer_token_file: Option<PathBuf>,
    /// What one scrape may take.
    pub timeout: Duration,
}

/// An exporter that can be asked.
pub struct Client {
    agent: Agent,
    uri: Uri,
    name: String,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

/// What an exporter answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub body: Vec<u8>,
    /// Its format.
    pub format: Format,
}

impl Client {
    /// Reads the files that `access` names. Nothing is sent yet.
    ///
    /// # Errors
    /// Where the URL is none, or a file can't be read or holds nothing of its kind.
    pub fn new(access: &Access) -> Result<Client, RemoteError> {
        let (uri, name) = address(&access.url)
            .map_err(|what| RemoteError { exporter: "--exporter".into(), what: what.into() })?;
        let authorization = authorization(access)?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .no_delay(true)
            .timeout_global(Some(access.timeout))
            .accept(Format::ACCEPT)
            .user_agent(concat!("edgebench/", env!("CARGO_PKG_VERSION")));
        if uri.scheme() == Some(&Scheme::HTTPS) {
            config = config.tls_config(tls(access)?);
        }
        let agent = Agent::new_with_config(config.build());
        Ok(Client { agent, uri, name, authorization, timeout: access.timeout })
    }

    /// Its URL, without credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What one scrape may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Asks for the exposition.
    ///
    /// # Errors
    /// Where there is no answer, or none that is an exposition.
    pub fn ask(&self) -> Result<Answer, RemoteError> {
        let mut request = self.agent.get(&self.uri);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut response = request.call().map_err(|error| self.error(self.unreachable(&error)))?;
        let status = response.status();
        if status != 200 {
            return Err(self.error(refused(status.as_u16())));
        }
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let format = Format::of_content_type(content_type).ok_or_else(|| {
            let kind = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
            self.error(format!("it answered with {kind}, which is no exposition: is the path right?"))
        })?;
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        let body = body.map_err(|error| self.error(self.unreachable(&error)))?;
        Ok(Answer { body, format })
    }

    /// An error of this exporter.
    pub fn error(&self, what: impl Into<String>) -> RemoteError {
        RemoteError { exporter: self.name.clone(), what: what.into() }
    }

    fn unreachable(&self, error: &ureq::Error) -> String {
        use std::io::ErrorKind;
        match error {
            ureq::Error::Rustls(error) => tls_failure(error),
            ureq::Error::Io(io) => match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => tls_failure(error),
                None if io.kind() == ErrorKind::ConnectionRefused => {
                    "connection refused: is the exporter running, and is the port right (its default is 9971)?"
                        .into()
                }
                None => format!("it can't be reached: {io}"),
            },
            ureq::Error::HostNotFound => "there is no host of this name".into(),
            ureq::Error::Timeout(_) => {
                format!("no whole answer within {:?}: see --exporter-timeout", self.timeout)
            }
            ureq::Error::BodyExceedsLimit(_) => {
                format!("its answer is larger than {} MiB, which is no node's exposition", LARGEST >> 20)
            }
            ureq::Error::Protocol(error) => {
                let hint = if self.uri.scheme() == Some(&Scheme::HTTP) { "; or is it https?" } else { "" };
                format!("it does not answer in HTTP: {error}{hint}")
            }
            ureq::Error::Decompress(_, error) => format!("its answer is damaged: {error}"),
            other => format!("it can't be asked: {other}"),
        }
    }
}

/// The URL to ask, and the name to show.
fn address(text: &str) -> Result<(Uri, String), &'static str> {
    const NONE: &str = "this is no URL of an exporter: give http://NODE:9971 or https://NODE:9971";
    let uri: Uri = text.parse().map_err(|_| NONE)?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(NONE);
    };
    if authority.as_str().contains('@') {
        return Err(
            "credentials do not belong in the URL, where every user of this machine sees them: give \
                    --exporter-username with --exporter-password-file, or --exporter-bearer-token-file",
        );
    }
    if authority.host().is_empty() {
        return Err(NONE);
    }
    let path = match uri.path() {
        "" | "/" => "/metrics",
        path => path,
    };
    let name = format!("{scheme}://{authority}{path}");
    // A query may hold a token: it is sent, never shown.
    let whole = match uri.query() {
        Some(query) => format!("{name}?{query}"),
        None => name.clone(),
    };
    Ok((whole.parse().map_err(|_| NONE)?, name))
}

fn authorization(access: &Access) -> Result<Option<HeaderValue>, RemoteError> {
    let secret = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        // Editors end a file with a line feed, secrets do not.
        Ok::<_, RemoteError>(text.trim_end_matches(['\r', '\n']).to_owned())
    };
    let (path, value) = match (&access.basic, &access.bearer_token_file) {
        (Some((name, path)), _) => {
            (path, format!("Basic {}", BASE64.encode(format!("{name}:{}", secret(path)?))))
        }
        (None, Some(path)) => (path, format!("Bearer {}", secret(path)?)),
        (None, None) => return Ok(None),
    };
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| unreadable(path, "it holds characters that no header may hold"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn tls(access: &Access) -> Result<TlsConfig, RemoteError> {
    let provider = Arc::new(ring::default_provider());
    let roots = match &access.ca_file {
        Some(path) => certificates(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let roots: Vec<_> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let client = match &access.client_certificate {
        Some((chain, key)) => Some(client_certificate(chain, key, &provider)?),
        None => None,
    };
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(client)
        .disable_verification(access.skip_verify)
        .build())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, RemoteError> {
    let none = "it holds no certificate in PEM";
    let pem = fs::read(path).map_err(|error| unreadable(path, error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    certificates.ok().filter(|found| !found.is_empty()).ok_or_else(|| unreadable(path, none))
}

/// A key that is none, or another's, would end the program inside of the client.
fn client_certificate(
    chain: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<ClientCert, RemoteError> {
    let certificates = certificates(chain)?;
    let pem = fs::read(key).map_err(|error| unreadable(key, error))?;
    let der =
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unreadable(key, "it holds no private key in PEM"))?;
    CertifiedKey::from_der(certificates.clone(), der, provider)
        .map_err(|error| unreadable(key, format!("it is no key of {}: {error}", chain.display())))?;
    let private =
        PrivateKey::from_pem(&pem).map_err(|_| unreadable(key, "it holds no private key in PEM"))?;
    let chain: Vec<_> = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(ClientCert::new_with_certs(&chain, private))
}

fn unreadable(path: &Path, what: impl std::fmt::Display) -> RemoteError {
    RemoteError { exporter: path.display().to_string(), what: format!("can't be used: {what}") }
}

fn tls_failure(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Bad, Error};
    let mut text = String::from("TLS failed: ");
    let _ = match error {
        Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => write!(
            text,
            "the server's certificate is of a CA that is not known here: give --exporter-ca-file"
        ),
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => write!(
            text,
            "the server's certificate is for another name than that in the URL: use a name that is in it"
        ),
        // What webpki says of it has no variant of its own.
        Error::InvalidCertificate(Bad::Other(other))
            if format!("{other:?}").contains("CaUsedAsEndEntity") =>
        {
            write!(
                text,
                "the server shows a CA's certificate as its own, as `openssl req -x509` makes it: make it with -addext \
                 basicConstraints=critical,CA:FALSE, or one that a CA signed"
            )
        }
        Error::InvalidCertificate(bad) => write!(text, "the server's certificate is not valid: {bad}"),
        Error::AlertReceived(alert) => {
            write!(text, "the server refused: {alert:?}; it may want --exporter-cert-file")
        }
        Error::InvalidMessage(_) => write!(text, "it does not speak TLS: is it http?"),
        other => write!(text, "{other}"),
    };
    text
}

fn refused(status: u16) -> String {
    let why = match status {
        401 => {
            "it wants credentials, or others: give --exporter-username with --exporter-password-file, or \
             --exporter-bearer-token-file"
        }
        403 => "these credentials may not read it",
        404 => "there is nothing: is the path right (--web.telemetry-path of the exporter)?",
        503 => "it has no reading to give now: see its log",
        300..=399 => "it redirects, which is not followed: give the URL that it redirects to",
        _ => "see its log",
    };
    format!("it answered with status {status}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_be_short() {
        for (text, whole) in [
            ("http://node:9971", "http://node:9971/metrics"),
            ("http://node:9971/", "http://node:9971/metrics"),
            ("https://[fd00::1]:9971/edge/metrics", "https://[fd00::1]:9971/edge/metrics"),
            ("HTTP://node", "http://node/metrics"),
        ] {
            let (uri, name) = address(text).unwrap();
            assert_eq!((uri.to_string().as_str(), name.as_str()), (whole, whole), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in
            ["", "node", "node:9971", "/metrics", "ftp://node", "http://", "http://no de", "http:///x"]
        {
            assert!(address(text).is_err_and(|what| what.contains("http://NODE:9971")), "{text}");
        }
    }

    #[test]
    fn no_secret_is_in_a_name_or_an_error() {
        let (uri, name) = address("http://node/metrics?token=s3cret").unwrap();
        assert!(uri.to_string().ends_with("?token=s3cret") && !name.contains("s3cret"));
        assert!(address("http://me:s3cret@node").is_err_and(|what| !what.contains("s3cret")));
    }
}
