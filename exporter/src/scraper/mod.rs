//! Asks an endpoint for its metrics, and gives it no more than it is worth: a time, a number of bytes, a number of
//! series, and one line of memory.
//!
//! Asked is for text 0.0.4, uncompressed: all components of KubeVirt speak it, and client_golang adds `_total` to the
//! names of counters that lack it when it speaks OpenMetrics. A redirect is not followed: no component answers with
//! one, and it could lead anywhere. Each scrape has a connection of its own: one a minute costs less than keeping it.

mod address;
pub(crate) mod rounds;
pub(crate) mod tls;

pub use address::{Address, Host};

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use edgebench_sampler::Nanos;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig};

use crate::endpoints::Trouble;
use crate::scrape_text::{Arriving, Bounds, Format, Read, Refusal, Wants};
use crate::version::VERSION;

/// How much one scrape may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the connection to the last byte.
    pub time: Duration,
    /// Of the answer's text.
    pub text: Bounds,
}

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub(crate) struct Inquiry {
    pub(crate) address: Address,
    /// For https.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// Sent over TLS only.
    pub(crate) token: Option<Token>,
    pub(crate) limits: Limits,
}

/// A bearer token, and when it is shown.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// At once; else only to who answers that it wants one.
    pub(crate) at_once: bool,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome<W> {
    pub(crate) duration: Nanos,
    pub(crate) read: Read,
    pub(crate) result: Result<W, Failure>,
}

/// Why it gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) trouble: Trouble,
    /// For the log.
    pub(crate) reason: String,
}

/// The most of a reason that is logged: it may quote the peer.
const LONGEST_REASON: usize = 200;

/// hyper's buffer for one connection; its least is 8 KiB.
const BUFFER: usize = 16 * 1024;

/// The largest head of an answer that is of any use has some 300 bytes.
const MOST_HEADERS: usize = 64;

impl<W> Outcome<W> {
    /// Nobody was asked.
    pub(crate) fn failed(failure: Failure) -> Outcome<W> {
        Outcome { duration: Nanos(0), read: Read::default(), result: Err(failure) }
    }
}

impl Failure {
    pub(crate) fn new(trouble: Trouble, reason: impl Into<String>) -> Failure {
        let mut reason = reason.into();
        if let Some((end, _)) = reason.char_indices().nth(LONGEST_REASON) {
            reason.truncate(end);
            reason.push('…');
        }
        Failure { trouble, reason }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let trouble = match &refusal {
            Refusal::Malformed(_) => Trouble::Malformed,
            Refusal::TooLarge => Trouble::TooLarge,
            Refusal::TooMany => Trouble::TooMany,
            Refusal::Duplicate(_) => Trouble::Duplicate,
        };
        Failure::new(trouble, refusal.to_string())
    }
}

/// Asks once.
pub(crate) async fn scrape<W: Wants + Default>(inquiry: &Inquiry) -> Outcome<W> {
    let started = Instant::now();
    let mut read = Read::default();
    let mut wants = W::default();
    let asked = tokio::time::timeout(inquiry.limits.time, ask(inquiry, &mut wants, &mut read)).await;
    let result = match asked {
        Ok(result) => result.map(|()| wants),
        Err(_) => {
            let seconds = inquiry.limits.time.as_secs_f64();
            Err(Failure::new(Trouble::Timeout, format!("no whole answer within {seconds} s")))
        }
    };
    let duration = Nanos(started.elapsed().as_nanos().try_into().unwrap_or(u64::MAX));
    Outcome { duration, read, result }
}

async fn ask<W: Wants + Default>(inquiry: &Inquiry, wants: &mut W, read: &mut Read) -> Result<(), Failure> {
    let token = inquiry.token.as_ref().filter(|_| inquiry.address.tls);
    let at_once = token.filter(|token| token.at_once);
    let first = exchange(inquiry, at_once, wants, read).await;
    match (first, token) {
        // A proxy before the component, such as kube-rbac-proxy.
        (Err(failure), Some(token)) if failure.trouble == Trouble::Unauthorized && at_once.is_none() => {
            *wants = W::default();
            exchange(inquiry, Some(token), wants, read).await
        }
        (result, _) => result,
    }
}

async fn exchange(
    inquiry: &Inquiry,
    token: Option<&Token>,
    wants: &mut impl Wants,
    read: &mut Read,
) -> Result<(), Failure> {
    let address = &inquiry.address;
    let stream = connect(address).await?;
    if !address.tls {
        return over(stream, address, token, inquiry.limits, wants, read).await;
    }
    let config =
        inquiry.tls.clone().ok_or_else(|| Failure::new(Trouble::Tls, "no certificate of a CA is known"))?;
    let name = match &address.host {
        Host::Ip(ip) => ServerName::IpAddress((*ip).into()),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| Failure::new(Trouble::Tls, "no certificate can be for this name"))?,
    };
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        // Whoever ends the connection here has no TLS, or none that we speak.
        let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        let trouble = if is_tls { Trouble::Tls } else { Trouble::Connection };
        Failure::new(trouble, format!("TLS: {error}"))
    })?;
    over(stream, address, token, inquiry.limits, wants, read).await
}

async fn connect(address: &Address) -> Result<TcpStream, Failure> {
    let failed = |error: std::io::Error| Failure::new(Trouble::Connection, error.to_string());
    let stream = match &address.host {
        Host::Ip(ip) => TcpStream::connect(SocketAddr::new(*ip, address.port)).await,
        // The resolver works on a thread of its own, which ends after some idle seconds.
        Host::Name(name) => TcpStream::connect((name.as_str(), address.port)).await,
    };
    let stream = stream.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    address: &Address,
    token: Option<&Token>,
    limits: Limits,
    wants: &mut impl Wants,
    read: &mut Read,
) -> Result<(), Failure> {
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(BUFFER)
        .max_headers(MOST_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let request = request(address, token)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        body(response, limits.text, wants, read).await
    };
    let (mut answered, mut connection) = (pin!(answered), pin!(connection));
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            result = &mut answered => return result,
            // What it read before it ended is still to be taken.
            _ = &mut connection, if open => open = false,
        }
    }
}

fn request(address: &Address, token: Option<&Token>) -> Result<Request<String>, Failure> {
    let request = Request::get(address.path.as_str())
        .header(header::HOST, address.authority())
        .header(header::USER_AGENT, format!("edgebench-exporter/{VERSION}"))
        .header(header::ACCEPT, "text/plain;version=0.0.4,*/*;q=0.1")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close");
    let request = match token {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {}", token.text)),
        None => request,
    };
    // The error is not shown: it could hold the token.
    request
        .body(String::new())
        .map_err(|_| Failure::new(Trouble::Connection, "no request can be made of this"))
}

fn broken(error: hyper::Error) -> Failure {
    use std::error::Error as _;
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let trouble = if error.is_parse() { Trouble::Malformed } else { Trouble::Connection };
    Failure::new(trouble, format!("{error}{cause}"))
}

async fn body(
    response: Response<Incoming>,
    bounds: Bounds,
    wants: &mut impl Wants,
    read: &mut Read,
) -> Result<(), Failure> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::SERVICE_UNAVAILABLE => return Err(Failure::new(Trouble::Busy, "status 503")),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(Failure::new(Trouble::Unauthorized, format!("status {}", status.as_u16())));
        }
        status => return Err(Failure::new(Trouble::Status, format!("status {}", status.as_u16()))),
    }
    let format = format(response.headers())?;
    let mut body = response.into_body();
    if body.size_hint().lower() > bounds.bytes {
        return Err(Refusal::TooLarge.into());
    }
    let before = *read;
    let mut text = Arriving::new(format, bounds);
    let mut note = |text: &Arriving| {
        read.bytes = before.bytes + text.read().bytes;
        read.series = before.series + text.read().series;
    };
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(piece) = frame.map_err(broken)?.into_data() else { continue };
        let pushed = text.push(&piece, wants);
        note(&text);
        pushed?;
    }
    text.finish()?;
    Ok(())
}

fn format(headers: &HeaderMap) -> Result<Format, Failure> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(Failure::new(Trouble::Malformed, "it is encoded, which was not asked for"));
    }
    let kind = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    Format::of_content_type(kind).ok_or_else(|| {
        Failure::new(Trouble::Malformed, format!("its type is `{}`", kind.unwrap_or_default()))
    })
}

/// Notes how a scrape ended; says whether that is news.
pub(crate) fn note(
    state: &mut Option<Trouble>,
    failures: &mut Vec<(Trouble, u64)>,
    now: Option<Trouble>,
) -> bool {
    if let Some(trouble) = now {
        match failures.iter_mut().find(|(other, _)| *other == trouble) {
            Some((_, count)) => *count += 1,
            None => failures.push((trouble, 1)),
        }
    }
    std::mem::replace(state, now) != now
}

pub(crate) fn unix_time() -> Option<f64> {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|time| time.as_secs_f64())
}

pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held: a release build would have ended.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
