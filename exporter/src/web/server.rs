//! The accept loop, and what happens to one connection.
//!
//! `axum::serve` has neither limits nor TLS, so connections are hyper's (`server::conn::http1`) and what is
//! served on them is the router. Everything runs on one thread: a task per listener and one per connection.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use super::auth::{Authenticator, Verdict};
use super::cache::{Cache, Source};
use super::config::WebConfig;
use super::connection::{Connection, Reason};
use super::connections::{Connections, Entry};
use super::error::WebError;
use super::landing::Product;
use super::limits::Limits;
use super::listen::ListenAddress;
use super::metrics::WebMetrics;
use super::rate_limit::Bucket;
use super::reload::Reloading;
use super::routes::{self, Shared, TelemetryPath, refusal};
use super::stream::{Stream, Watched};

/// What the server is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: Vec<ListenAddress>,
    /// Where the scrape is.
    pub telemetry_path: TelemetryPath,
    /// The web configuration.
    pub config_file: Option<PathBuf>,
    /// How long a reading is served.
    pub max_age: Duration,
    /// What a peer may take.
    pub limits: Limits,
    /// What the landing page says.
    pub product: Product,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    site: Arc<Site>,
}

/// What all connections share.
#[derive(Debug)]
struct Site {
    router: TowerToHyperService<Router>,
    /// What is behind the telemetry path, where the router leads too.
    cache: Shared,
    telemetry_path: TelemetryPath,
    config: Reloading,
    authenticator: Authenticator,
    bucket: Mutex<Bucket>,
    connections: Arc<Connections>,
    limits: Limits,
    metrics: WebMetrics,
}

impl Server {
    /// Reads the web configuration and listens. Nothing is answered before [`Server::serve`]. To be called
    /// inside of a runtime.
    pub fn bind(
        options: &Options,
        source: Box<dyn Source>,
        metrics: &WebMetrics,
    ) -> Result<Server, WebError> {
        let config = Reloading::start(options.config_file.as_deref(), metrics.clone())?;
        let tls = config.current().tls.is_some();
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for address in &options.listen {
            let listener = address.listen()?;
            let bound = listener.local_addr().map_err(|reason| address.failed(reason))?;
            tracing::info!(address = %bound, tls, "listening");
            listeners.push(listener);
            addresses.push(bound);
        }
        let cache = Cache::new(source, options.max_age, Box::new(std::time::Instant::now));
        let cache = Arc::new(Mutex::new(cache));
        let router = routes::router(&options.telemetry_path, &options.product, cache.clone());
        let site = Site {
            cache,
            router: TowerToHyperService::new(router),
            telemetry_path: options.telemetry_path.clone(),
            config,
            authenticator: Authenticator::default(),
            bucket: Mutex::default(),
            connections: Arc::new(Connections::new(options.limits.clone(), metrics.clone())),
            limits: options.limits.clone(),
            metrics: metrics.clone(),
        };
        Ok(Server { listeners, addresses, site: Arc::new(site) })
    }

    /// Where it listens, in the order of the options, with the ports that the kernel chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `shutdown` is ready. Then no connection is accepted any more, and answers in progress have
    /// [`Limits::drain`] to end.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let mut loops = JoinSet::new();
        for listener in self.listeners {
            loops.spawn(accept(listener, self.site.clone()));
        }
        shutdown.await;
        // Dropping a listener refuses those that wait in its queue.
        loops.shutdown().await;
        self.site.connections.drain().await;
    }
}

/// Accepts connections for ever.
async fn accept(listener: TcpListener, site: Arc<Site>) {
    /// After an error that lasts, such as EMFILE: `accept` would fail at once again.
    const PAUSE: Duration = Duration::from_millis(100);
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                failing = false;
                // It can wait for a place: the others then wait in the kernel's queue.
                let entry = site.connections.enter().await;
                tokio::spawn(converse(stream, peer.ip(), entry, site.clone()));
            }
            // The peer has gone already. (accept(2): such errors are the connection's, not the listener's.)
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                site.metrics.accept_errors.inc();
                if !failing {
                    tracing::warn!(%error, "connections can't be accepted");
                    failing = true;
                }
                site.connections.evict();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// All that happens on one connection.
async fn converse(stream: TcpStream, peer: IpAddr, entry: Entry, site: Arc<Site>) {
    // A failure costs a delay, no more.
    let _ = stream.set_nodelay(true);
    let connection = entry.connection.clone();
    let mut timer = pin!(tokio::time::sleep(site.limits.handshake));
    let stream = match &site.config.current().tls {
        None => Stream::Plain(stream),
        Some(tls) => {
            let mut handshake = pin!(TlsAcceptor::from(tls.clone()).accept(stream));
            let agreed = poll_fn(|cx| {
                if let Poll::Ready(agreed) = handshake.as_mut().poll(cx) {
                    return Poll::Ready(agreed.map_err(|error| {
                        tracing::debug!(%peer, ?error, "TLS handshake failed");
                        Reason::HandshakeFailed
                    }));
                }
                connection.poll_limit(&site.limits, timer.as_mut(), cx).map(Err)
            });
            match agreed.await {
                Ok(stream) => Stream::Tls(Box::new(stream)),
                Err(reason) => return site.metrics.closed(reason),
            }
        }
    };
    connection.established();
    let io = TokioIo::new(Watched::new(stream, connection.clone()));
    let service = Answering { site: site.clone(), connection: connection.clone(), peer };
    let conversation = http1::Builder::new()
        // Our own limits know an idle connection from a slow request (`limits.rs`).
        .header_read_timeout(None)
        .max_buf_size(site.limits.header_bytes.max(8 * 1024))
        .serve_connection(io, service);
    // What hyper says of a connection that broke helps nobody: the peer left, or sent no HTTP.
    if let Some(reason) = watch(pin!(conversation), &connection, timer, &site.limits).await {
        tracing::debug!(%peer, reason = reason.name(), "connection closed");
        site.metrics.closed(reason);
    }
}

/// Runs hyper's connection to its end, or to a limit, which is returned.
async fn watch(
    mut conversation: Pin<&mut http1::Connection<TokioIo<Watched>, Answering>>,
    connection: &Connection,
    mut timer: Pin<&mut Sleep>,
    limits: &Limits,
) -> Option<Reason> {
    let mut draining = false;
    poll_fn(move |cx: &mut Context<'_>| {
        if connection.draining() && !draining {
            draining = true;
            conversation.as_mut().graceful_shutdown();
        }
        if conversation.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        connection.poll_limit(limits, timer.as_mut(), cx).map(Some)
    })
    .await
}

/// What hyper calls for each request of a connection.
struct Answering {
    site: Arc<Site>,
    connection: Arc<Connection>,
    peer: IpAddr,
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Self::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.connection.answering();
        let (site, connection, peer) = (self.site.clone(), self.connection.clone(), self.peer);
        Box::pin(async move {
            let handler = site.telemetry_path.handler(request.uri().path());
            let config = site.config.current();
            let has_body = !request.body().is_end_stream();
            let refusal = site.gate(&config, &request, peer).await;
            let granted = refusal.is_none();
            let mut response = match refusal {
                Some(refusal) => refusal,
                // Finding the way through the router costs a tenth of a scrape.
                None if handler == "metrics" && request.method() == Method::GET => {
                    routes::scrape(&site.cache, request.headers())
                }
                None => {
                    let Ok(response) = site.router.call(request).await;
                    response
                }
            };
            if has_body {
                // No handler takes a body, and what is not read can't be endless.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            for (name, value) in &config.headers {
                response.headers_mut().insert(name, value.clone());
            }
            site.metrics.answered(response.status().as_u16(), handler);
            connection.answered(granted);
            Ok(response)
        })
    }
}

impl Site {
    /// What a request is refused with, before anything is read for it. The order is the toolkit's: the rate
    /// limit, then the password.
    async fn gate(
        &self,
        config: &WebConfig,
        request: &Request<Incoming>,
        peer: IpAddr,
    ) -> Option<Response<Body>> {
        if let Some(limit) = config.rate_limit {
            let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            if !bucket.allow(limit, std::time::Instant::now()) {
                return Some(refusal(StatusCode::TOO_MANY_REQUESTS));
            }
        }
        let header = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
        match self.authenticator.check(&config.users, header, peer).await {
            Verdict::Granted => {}
            Verdict::Refused => {
                self.metrics.authentication_failures.inc();
                let mut response = refusal(StatusCode::UNAUTHORIZED);
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
                return Some(response);
            }
            Verdict::Busy => {
                let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                return Some(response);
            }
        }
        let has_body = !request.body().is_end_stream();
        // Other methods are refused by the router.
        (has_body && matches!(*request.method(), Method::GET | Method::HEAD))
            .then(|| refusal(StatusCode::PAYLOAD_TOO_LARGE))
    }
}
