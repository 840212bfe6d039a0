//! The YAML of `--web.config.file`, as the exporter toolkit defines it.
//!
//! Keys and defaults: `web/tls_config.go` and `docs/web-configuration.md` of prometheus/exporter-toolkit.
//! An unknown key is an error there (`yaml.UnmarshalStrict`) and here: a misspelt `client_ca_file` would
//! otherwise leave the door open.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::web::error::ConfigError;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// TLS, if there is any.
    pub tls_server_config: Option<TlsSettings>,
    /// HTTP.
    pub http_server_config: Option<HttpSettings>,
    /// Names and bcrypt hashes. Nobody is asked for a password if there are none.
    pub basic_auth_users: Option<BTreeMap<String, Secret>>,
    /// Requests that are answered in a time.
    pub rate_limit: Option<RateLimitSettings>,
}

/// The key `tls_server_config`. Each of certificate, key and client CA is given as a file or in place.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate chain, PEM.
    pub cert: Option<String>,
    /// A file with it.
    pub cert_file: Option<String>,
    /// The private key, PEM.
    pub key: Option<Secret>,
    /// A file with it.
    pub key_file: Option<String>,
    /// The authorities that sign clients' certificates, PEM.
    pub client_ca: Option<String>,
    /// A file with them.
    pub client_ca_file: Option<String>,
    /// What is asked of a client.
    pub client_auth_type: Option<ClientAuth>,
    /// Names of which a client's certificate must bear one.
    pub client_allowed_sans: Option<Vec<String>>,
    /// The lowest version of TLS, 1.2 if not given.
    pub min_version: Option<TlsVersion>,
    /// The highest version of TLS, 1.3 if not given.
    pub max_version: Option<TlsVersion>,
    /// The cipher suites of TLS 1.2, by Go's names.
    pub cipher_suites: Option<Vec<String>>,
    /// The key exchange groups by Go's names, the preferred first.
    pub curve_preferences: Option<Vec<String>>,
    /// Whether our order of cipher suites counts, not the client's. True if not given.
    pub prefer_server_cipher_suites: Option<bool>,
}

/// Go's names for what is asked of a client (`crypto/tls.ClientAuthType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ClientAuth {
    /// No certificate is asked for.
    #[default]
    NoClientCert,
    /// A certificate may be shown. It is not verified.
    RequestClientCert,
    /// A certificate must be shown. It is not verified.
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    /// A certificate that is shown must be signed by a client CA.
    VerifyClientCertIfGiven,
    /// A certificate that a client CA has signed must be shown.
    RequireAndVerifyClientCert,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum TlsVersion {
    /// 1.0: known, never served.
    #[serde(rename = "TLS10")]
    Tls10,
    /// 1.1: known, never served.
    #[serde(rename = "TLS11")]
    Tls11,
    /// 1.2.
    #[serde(rename = "TLS12")]
    Tls12,
    /// 1.3.
    #[serde(rename = "TLS13")]
    Tls13,
}

/// The key `http_server_config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Whether HTTP/2 may be served. Accepted either way: HTTP/1.1 is what is served, and a client that
    /// could do both agrees on it in the handshake.
    pub http2: Option<bool>,
    /// Headers of every answer.
    pub headers: Option<BTreeMap<String, String>>,
}

/// The key `rate_limit`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitSettings {
    /// One request per interval; no limit if it is 0.
    pub interval: Option<GoDuration>,
    /// Requests that may come at once.
    pub burst: Option<u32>,
}

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// A duration as Go writes it (`time.ParseDuration`): `1m30s`, `1.5s`, `500ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct GoDuration(pub Duration);

impl TryFrom<String> for GoDuration {
    type Error = String;

    fn try_from(text: String) -> Result<GoDuration, String> {
        let wrong = || format!("{text:?} is not a duration such as `1s`, `500ms` or `1m30s`");
        let mut nanoseconds = 0_f64;
        let mut rest = text.as_str();
        if rest == "0" {
            return Ok(GoDuration::default());
        }
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let unit = match unit {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 6e10,
                "h" => 3.6e12,
                _ => return Err(wrong()),
            };
            nanoseconds += number.parse::<f64>().map_err(|_| wrong())? * unit;
            rest = tail;
        }
        let duration = Duration::try_from_secs_f64(nanoseconds / 1e9).map_err(|_| wrong())?;
        Ok(GoDuration(duration))
    }
}

/// Reads the text of a web configuration; `path` is for the error.
pub fn parse(path: &Path, text: &str) -> Result<Settings, ConfigError> {
    // An error must not quote the file: keys and hashes may be in it.
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options::<Option<Settings>>(text, options)
        .map(Option::unwrap_or_default)
        .map_err(|error| {
            let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            // The line stands before the message already.
            let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what).to_owned();
            let line = error.location().map_or(1, |at| at.line());
            ConfigError::Malformed { path: path.to_owned(), line, what }
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> String {
        parse(Path::new("web.yml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_file_without_a_key_asks_for_nothing() {
        for text in ["", "# nothing\n", "---\n", "tls_server_config:\nbasic_auth_users:\n", "{}"] {
            let settings = parse(Path::new("web.yml"), text).unwrap();
            assert!(settings.tls_server_config.is_none() && settings.basic_auth_users.is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_file_line_and_key() {
        for (text, expected) in [
            (
                "tls_server:\n  cert_file: a\n",
                "web.yml:1: unknown field `tls_server`, expected one of tls_server_config, http_server_config, \
                 basic_auth_users, rate_limit",
            ),
            (
                "http_server_config:\n  http2: true\n  header: {}\n",
                "web.yml:3: unknown field `header`, expected one of http2, headers",
            ),
            (
                "tls_server_config:\n  min_version: TLS14\n",
                "web.yml:2: unknown variant `TLS14`, expected one of TLS10, TLS11, TLS12, TLS13",
            ),
            ("tls_server_config:\n  cert_file: [a]\n", "web.yml:2: expected string scalar"),
            (
                "basic_auth_users:\n  alice: x\n  alice: y\n",
                "web.yml:3: duplicate mapping key `alice` is not allowed here",
            ),
            (
                "rate_limit:\n  interval: 1 fortnight\n",
                "web.yml:2: \"1 fortnight\" is not a duration such as `1s`, `500ms` or `1m30s`",
            ),
            ("rate_limit:\n  burst: -1\n", "web.yml:2: invalid u32"),
            ("http_server_config:\n  http2: maybe\n", "web.yml:2: invalid boolean"),
            ("just text", "web.yml:1: expected mapping start"),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
        assert!(
            refused("tls_server_config:\n  key_fil: b\n").starts_with("web.yml:2: unknown field `key_fil`")
        );
    }

    #[test]
    fn an_error_does_not_quote_a_key_or_a_hash() {
        let hidden = "hunter2hunter2";
        for text in [
            format!("basic_auth_users:\n  alice: {hidden}\n  bob: [\n"),
            format!("tls_server_config:\n  key: {hidden}\n  kay: x\n"),
            format!("basic_auth_users:\n  alice: [{hidden}]\n"),
            format!("basic_auth_users: {hidden}\n"),
        ] {
            assert!(!refused(&text).contains(hidden), "{}", refused(&text));
        }
        assert_eq!(format!("{:?}", Secret(hidden.to_owned())), "<secret>");
    }

    #[test]
    fn durations_are_written_as_in_go() {
        for (text, milliseconds) in [
            ("0", 0),
            ("1s", 1000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1.5s", 1500),
            ("1h", 3_600_000),
            ("2us", 0),
        ] {
            let expected =
                if text == "2us" { Duration::from_micros(2) } else { Duration::from_millis(milliseconds) };
            assert_eq!(GoDuration::try_from(text.to_owned()), Ok(GoDuration(expected)), "{text}");
        }
        for text in ["", "1", "s", "-1s", "1 s", "1d", "..s", "1e400s", "nans"] {
            assert!(GoDuration::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = parse(Path::new("web.yml"), &text);
            let _ = GoDuration::try_from(text);
        }
    }
}
