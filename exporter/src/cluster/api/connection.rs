//! One client for all, and another one when its credentials or its connections are of no more use.
//!
//! `kube` reads a token's file again about once a minute, and a CA's never: with a kubeconfig that was rewritten, a CA
//! or a client certificate that was rotated, only a new client helps. Its default stack logs every failed request as
//! an error, and a connection to a machine that is gone would hang for as long as a watch may last; so the stack is
//! put together here, with TCP's own keep-alive.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response, header};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::time::{Instant, timeout};
use tower::util::MapErr;
use tower::{BoxError, Layer};

use super::answer::Answer;
use super::failure::Failure;
use crate::cluster::{Mode, Pace, Settings, StartError};

const USER_AGENT: &str = concat!("edgebench-exporter/", env!("CARGO_PKG_VERSION"));

/// A refusal's text is read up to here.
const REFUSAL_BYTES: usize = 16 << 10;

/// Where the configuration comes from.
#[derive(Clone, Debug)]
enum Source {
    ServiceAccount,
    File(PathBuf),
    /// `$KUBECONFIG`, `~/.kube/config`
    Environment,
}

/// The way to the API server.
pub(super) struct Connection {
    source: Source,
    pace: Pace,
    held: Mutex<Held>,
}

struct Held {
    client: Client,
    made: Instant,
}

impl Connection {
    /// Finds the configuration; nothing where there is none and none is needed. Nobody is connected to yet.
    pub(super) async fn find(settings: &Settings) -> Result<Option<Connection>, StartError> {
        let found = match (settings.mode, &settings.kubeconfig) {
            (Mode::Off, _) => return Ok(None),
            (_, Some(path)) => {
                let source = Source::File(path.clone());
                let unusable = |reason| StartError::Kubeconfig { path: path.clone(), reason };
                (source.config().await.map_err(unusable)?, source)
            }
            (mode, None) => match (Source::ServiceAccount.config().await, mode) {
                (Ok(config), _) => (config, Source::ServiceAccount),
                (Err(reason), Mode::Auto) => {
                    tracing::debug!(reason, "no service account is mounted; the API server is not asked");
                    return Ok(None);
                }
                (Err(in_cluster), _) => match Source::Environment.config().await {
                    Ok(config) => (config, Source::Environment),
                    Err(kubeconfig) => return Err(StartError::NoConfiguration { in_cluster, kubeconfig }),
                },
            },
        };
        let (config, source) = found;
        let url = config.cluster_url.to_string();
        let client = client(config).map_err(StartError::Client)?;
        tracing::info!(url, node = settings.node, "asking the API server");
        let held = Mutex::new(Held { client, made: Instant::now() });
        Ok(Some(Connection { source, pace: settings.pace, held }))
    }

    /// Asks for a path with its query.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        let request = Request::get(path)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, USER_AGENT)
            .body(Body::empty())
            .map_err(|error| Failure::Malformed(error.to_string()))?;
        let client = self.held().client.clone();
        let response = timeout(self.pace.answer, client.send(request))
            .await
            .map_err(|_| Failure::Timeout("an answer"))?
            .map_err(|error| Failure::connection(&error))?;
        let status = response.status();
        let mut answer = Answer::new(Response::into_body(response));
        if status.is_success() {
            return Ok(answer);
        }
        let text = timeout(self.pace.answer, answer.beginning(REFUSAL_BYTES)).await.unwrap_or_default();
        Err(Failure::refused(status.as_u16(), &text))
    }

    /// Makes another client, unless this one is new.
    pub(super) async fn renew(&self) {
        if self.held().made.elapsed() < self.pace.shortest {
            return;
        }
        let renewed = match self.source.config().await {
            Ok(config) => client(config),
            Err(error) => Err(error),
        };
        // What is wrong with it shows in the next answer.
        let mut held = self.held();
        held.made = Instant::now();
        if let Ok(client) = renewed {
            held.client = client;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    async fn config(&self) -> Result<Config, String> {
        let options = KubeConfigOptions::default();
        match self {
            Source::ServiceAccount => Config::incluster().map_err(|error| text(&error)),
            Source::Environment => Config::from_kubeconfig(&options).await.map_err(|error| text(&error)),
            Source::File(path) => {
                let file = Kubeconfig::read_from(path).map_err(|error| text(&error))?;
                Config::from_custom_kubeconfig(file, &options).await.map_err(|error| text(&error))
            }
        }
    }
}

fn text(error: &(dyn std::error::Error + 'static)) -> String {
    Failure::connection(error).to_string()
}

fn client(config: Config) -> Result<Client, String> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(10)));
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector.set_keepalive_interval(Some(Duration::from_secs(10)));
    connector.set_keepalive_retries(Some(3));
    let connector = config.rustls_https_connector_with_connector(connector).map_err(|error| text(&error))?;
    // Watches hold their connections; one more waits for the next list.
    let http: HttpClient<_, Body> =
        HttpClient::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(connector);
    let http = MapErr::new(http, BoxError::from);
    let base = config.base_uri_layer();
    let namespace = config.default_namespace.clone();
    Ok(match config.auth_layer().map_err(|error| text(&error))? {
        Some(auth) => Client::new(base.layer(auth.layer(http)), namespace),
        None => Client::new(base.layer(http), namespace),
    })
}
