//! What `--web.config.file` asks for, checked and ready to serve.
//!
//! The toolkit validates at start (`web.Validate` in `web/tls_config.go`): TLS can be built, every hash is a
//! bcrypt hash, only five headers may be set and three of them have fixed values. So does this, and each
//! refusal names file and key.

mod client_certificates;
pub mod files;
mod san;
pub mod settings;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use tokio_rustls::rustls::ServerConfig;

use self::files::Files;
use self::settings::{HttpSettings, RateLimitSettings, Secret, Settings};
use super::error::ConfigError;

/// The headers that may be set, with the values that they may have (none: any).
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// A web configuration.
#[derive(Default)]
pub struct WebConfig {
    /// How TLS is served; plain HTTP if absent.
    pub tls: Option<Arc<ServerConfig>>,
    /// Bcrypt hashes by name. Empty: everybody may read.
    pub users: BTreeMap<String, Arc<str>>,
    /// Headers of every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The limit of requests in a time.
    pub rate_limit: Option<RateLimit>,
}

/// One request per interval, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The time in which one request more is allowed.
    pub interval: Duration,
    /// How many may be saved up.
    pub burst: u32,
}

impl fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebConfig")
            .field("tls", &self.tls.is_some())
            .field("users", &self.users.keys())
            .field("headers", &self.headers)
            .field("rate_limit", &self.rate_limit)
            .finish()
    }
}

/// Reads the configuration at `path` and the files that it names; `files` remembers them.
pub fn load(path: &Path, files: &mut Files) -> Result<WebConfig, ConfigError> {
    let text = files.read(path)?;
    let text = String::from_utf8(text).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count() as u64;
        ConfigError::Malformed { path: path.to_owned(), line, what: "it is not UTF-8".to_owned() }
    })?;
    let Settings { tls_server_config, http_server_config, basic_auth_users, rate_limit } =
        settings::parse(path, &text)?;
    Ok(WebConfig {
        tls: tls_server_config
            .map(|settings| tls::server_config(&settings, files).map(Arc::new))
            .transpose()?,
        users: users(basic_auth_users.unwrap_or_default(), files)?,
        headers: headers(http_server_config.unwrap_or_default(), files)?,
        rate_limit: limit(rate_limit.unwrap_or_default(), files)?,
    })
}

fn users(given: BTreeMap<String, Secret>, files: &Files) -> Result<BTreeMap<String, Arc<str>>, ConfigError> {
    let checked = given.into_iter().map(|(name, Secret(hash))| {
        let key = format!("basic_auth_users.{name}");
        if name.contains(':') {
            return Err(files.invalid(&key, "a name with a colon can't be sent by basic authentication"));
        }
        match hash.parse::<bcrypt::HashParts>() {
            Ok(_) => Ok((name, Arc::from(hash))),
            Err(_) => Err(files.invalid(&key, "not a bcrypt hash; `htpasswd -nBC 10 NAME` makes one")),
        }
    });
    checked.collect()
}

fn headers(given: HttpSettings, files: &Files) -> Result<Vec<(HeaderName, HeaderValue)>, ConfigError> {
    let checked = given.headers.unwrap_or_default().into_iter().map(|(name, value)| {
        let key = format!("http_server_config.headers.{name}");
        let Some((_, allowed)) = HEADERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) else {
            let known = HEADERS.map(|(known, _)| known).join(", ");
            return Err(files.invalid(&key, format!("this header can't be set; those that can are {known}")));
        };
        if !allowed.is_empty() && !allowed.contains(&value.as_str()) {
            return Err(
                files.invalid(&key, format!("{value:?} is not one of its values: {}", allowed.join(", ")))
            );
        }
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(files.invalid(&key, "a header can't have this value")),
        }
    });
    checked.collect()
}

fn limit(given: RateLimitSettings, files: &Files) -> Result<Option<RateLimit>, ConfigError> {
    let interval = given.interval.unwrap_or_default().0;
    match given.burst {
        _ if interval.is_zero() => Ok(None),
        Some(burst) if burst > 0 => Ok(Some(RateLimit { interval, burst })),
        _ => {
            Err(files
                .invalid("rate_limit.burst", "without a burst of 1 or more no request would be answered"))
        }
    }
}

#[cfg(test)]
mod tests;
