//! What is served where.
//!
//! `/-/healthy` and `/-/ready` are Prometheus' own paths (`web/web.go`), `/healthz` is Kubernetes' habit. axum
//! answers `HEAD` like `GET` without the body, and other methods with 405 and `Allow`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::routing::get;

use super::cache::{Cache, ScrapeError};
use super::error::WebError;
use super::landing::{self, Product};
use super::negotiate::{self, Encoding};

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The paths besides the telemetry path, and the handlers' names in metrics.
const PATHS: [(&str, &str); 4] =
    [("/", "landing"), ("/-/healthy", "healthy"), ("/healthz", "healthy"), ("/-/ready", "ready")];

/// Where the scrape is: `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetryPath(String);

impl std::str::FromStr for TelemetryPath {
    type Err = WebError;

    fn from_str(given: &str) -> Result<TelemetryPath, WebError> {
        let wrong = |reason| Err(WebError::TelemetryPath { reason });
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if !given.starts_with('/') {
            wrong("it does not begin with a slash")
        } else if !given.bytes().all(plain) {
            wrong("it has other characters than letters, digits, `/`, `-`, `.`, `_` and `~`")
        } else if given != "/" && PATHS.iter().any(|&(path, _)| path == given) {
            wrong("another page is served there")
        } else {
            Ok(TelemetryPath(given.to_owned()))
        }
    }
}

impl Default for TelemetryPath {
    fn default() -> TelemetryPath {
        TelemetryPath("/metrics".to_owned())
    }
}

impl TelemetryPath {
    /// As it is requested.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the handler of a path, for metrics.
    pub fn handler(&self, path: &str) -> &'static str {
        if path == self.0 {
            return "metrics";
        }
        PATHS.iter().find(|&&(known, _)| known == path).map_or("other", |&(_, name)| name)
    }
}

/// The cache, for handlers that run on one thread but have to be `Send`.
pub(super) type Shared = Arc<Mutex<Cache>>;

/// All routes over `cache`.
pub(super) fn router(telemetry_path: &TelemetryPath, product: &Product, cache: Shared) -> Router {
    let mut router = Router::new()
        .route(telemetry_path.as_str(), get(metrics))
        .route("/-/healthy", get(healthy))
        .route("/healthz", get(healthy))
        .route("/-/ready", get(ready));
    if telemetry_path.as_str() != "/" {
        let page = landing::page(product, telemetry_path.as_str());
        router =
            router.route("/", get(move || std::future::ready(answer(StatusCode::OK, HTML, page.clone()))));
    }
    router
        .fallback(|| std::future::ready(answer(StatusCode::NOT_FOUND, PLAIN, "Not found\n")))
        .with_state(cache)
}

async fn metrics(State(cache): State<Shared>, headers: HeaderMap) -> Response<Body> {
    scrape(&cache, &headers)
}

/// The answer to a scrape.
pub(super) fn scrape(cache: &Mutex<Cache>, headers: &HeaderMap) -> Response<Body> {
    let format = negotiate::format(values(headers, ACCEPT));
    let encoding = negotiate::encoding(values(headers, ACCEPT_ENCODING));
    let scraped = cache.lock().unwrap_or_else(PoisonError::into_inner).scrape(format, encoding);
    let mut response = match scraped {
        Ok(body) => answer(StatusCode::OK, HeaderValue::from_static(format.content_type()), body),
        Err(error) => return unavailable(&error),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if encoding == Encoding::Gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

async fn healthy() -> Response<Body> {
    answer(StatusCode::OK, PLAIN, "Healthy\n")
}

async fn ready(State(cache): State<Shared>) -> Response<Body> {
    let ready = cache.lock().unwrap_or_else(PoisonError::into_inner).ready();
    match ready {
        Ok(()) => answer(StatusCode::OK, PLAIN, "Ready\n"),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &ScrapeError) -> Response<Body> {
    answer(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("No reading could be taken: {error}\n"))
}

/// A short text that says why there is no answer.
pub(super) fn refusal(status: StatusCode) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or_default();
    answer(status, PLAIN, format!("{reason}\n"))
}

fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn values(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telemetry_path_that_can_not_be_served_is_refused() {
        for (given, reason) in [
            ("metrics", "it does not begin with a slash"),
            ("", "it does not begin with a slash"),
            ("/metrics?a", "it has other characters than letters, digits, `/`, `-`, `.`, `_` and `~`"),
            ("/{metrics}", "it has other characters than letters, digits, `/`, `-`, `.`, `_` and `~`"),
            ("/-/ready", "another page is served there"),
            ("/healthz", "another page is served there"),
        ] {
            let expected = format!("{reason}; the usual path is `/metrics`");
            assert_eq!(given.parse::<TelemetryPath>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_path_that_a_client_invents_is_no_label() {
        let path: TelemetryPath = "/probe/metrics".parse().unwrap();
        for (requested, handler) in [
            ("/probe/metrics", "metrics"),
            ("/metrics", "other"),
            ("/", "landing"),
            ("/-/ready", "ready"),
            ("/healthz", "healthy"),
            ("/wp-login.php", "other"),
        ] {
            assert_eq!(path.handler(requested), handler, "{requested}");
        }
        assert_eq!("/".parse::<TelemetryPath>().unwrap().handler("/"), "metrics");
    }
}
