//! Asks the components every so often, and keeps what they last said.
//!
//! What an endpoint said is kept through its troubles until it is older than [`Settings::keep`]; then its families are
//! absent, while those of the others go on. Each trouble is counted, and is logged when it begins, when it becomes
//! another one, and when it ends.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::rustls::ClientConfig;

use super::said::Hearing;
use super::{Endpoint, Said, places};
use crate::cluster::{Cluster, ComponentPod};
use crate::kubevirt::version::Version;
use crate::scraper::rounds::{self, Cadence};
use crate::scraper::{Address, Failure, Inquiry, Limits, Outcome, Token, lock, note, scrape, tls, unix_time};

/// Endpoints that are asked at most: those of a control plane are a dozen.
pub const MOST_ENDPOINTS: usize = 64;

/// A token's file is read up to this. Kubernetes' tokens have 1 to 2 KB.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Whom to ask, how often, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--kubevirt.endpoint`
    pub fixed: Vec<Fixed>,
    /// Between two scrapes of an endpoint.
    pub interval: Duration,
    /// For one scrape.
    pub limits: Limits,
    /// How long an answer is served when no other follows.
    pub keep: Duration,
    /// Certificates to verify against instead of `kubevirt-ca`'s, read anew each time.
    pub ca_file: Option<PathBuf>,
    /// A bearer token for who wants one, read anew each time: the kubelet renews it.
    pub token_file: Option<PathBuf>,
    /// Whose certificate is not verified.
    pub skip_verify: SkipVerify,
    /// Name of this node: spreads the nodes' scrapes over time.
    pub node: String,
}

/// An endpoint that was given by flag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fixed {
    /// `virt-handler`
    pub component: String,
    /// Where it is.
    pub address: Address,
}

impl std::str::FromStr for Fixed {
    type Err = String;

    fn from_str(text: &str) -> Result<Fixed, String> {
        let (component, address) = text.split_once('=').ok_or("must be COMPONENT=URL")?;
        let is_known = places::KUBEVIRT.contains(&component) || places::CDI.contains(&component);
        if !is_known {
            let known = [places::KUBEVIRT.as_slice(), &places::CDI].concat().join(", ");
            return Err(format!("`{component}` serves no metrics; these do: {known}"));
        }
        Ok(Fixed { component: component.to_owned(), address: address.parse()? })
    }
}

/// Whose certificate is not verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SkipVerify {
    /// Everybody's is.
    #[default]
    None,
    /// CDI's, which can't be.
    Cdi,
    /// Nobody's is.
    All,
}

/// What is known of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The pods of KubeVirt and CDI.
    pub pods: Vec<ComponentPod>,
    /// `ca-bundle` of `kubevirt-ca`.
    pub ca: Option<String>,
    /// The version of the KubeVirt CR.
    pub kubevirt: Option<Version>,
}

impl Found {
    /// From what the API server said.
    pub fn of(cluster: &Cluster) -> Found {
        let version = cluster.kubevirt.as_ref().and_then(|cr| cr.version.as_deref());
        Found {
            pods: cluster.components.clone(),
            ca: cluster.kubevirt_ca.clone(),
            kubevirt: version.and_then(Version::parse),
        }
    }
}

/// The endpoints that are being asked.
#[derive(Debug)]
pub struct Handle {
    board: Arc<Mutex<Board>>,
    task: Option<AbortHandle>,
}

impl Handle {
    /// None at all.
    pub fn idle() -> Handle {
        Handle { board: Arc::default(), task: None }
    }

    /// What they said last, as far as it is not too old.
    pub fn with<R>(&self, read: impl FnOnce(&[Endpoint]) -> R) -> R {
        let mut board = lock(&self.board);
        board.forget(Instant::now());
        read(&board.endpoints)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Starts to ask; to be called on the event loop, which `found` must not hold up. It is called every few seconds.
pub fn start(settings: Settings, mut found: impl FnMut() -> Found + Send + 'static) -> Handle {
    let settings = Arc::new(settings);
    let board = Arc::new(Mutex::new(Board { keep: settings.keep, ..Board::default() }));
    let trust = Arc::new(Mutex::new(Trust::default()));
    let cadence = Cadence {
        interval: settings.interval,
        look: Duration::from_secs(5).min(settings.interval),
        seed: rounds::seed(&settings.node),
    };
    let targets = {
        let (settings, board, trust) = (settings.clone(), board.clone(), trust.clone());
        move || {
            let found = found();
            let targets = targets(&settings.fixed, &found);
            lock(&trust).ca = found.ca;
            lock(&board).keep_only(&targets);
            targets
        }
    };
    let scrape = move |target: &Target| ask(settings.clone(), trust.clone(), target.clone());
    let answered = {
        let board = board.clone();
        move |target: &Target, outcome| lock(&board).answered(target, outcome, Instant::now())
    };
    let task = tokio::spawn(rounds::run(cadence, targets, scrape, answered)).abort_handle();
    Handle { board, task: Some(task) }
}

/// Asks everybody once, at the same time.
pub async fn once(settings: Settings, found: Found) -> Vec<Endpoint> {
    let targets = targets(&settings.fixed, &found);
    let mut board = Board { keep: settings.keep, ..Board::default() };
    board.keep_only(&targets);
    let settings = Arc::new(settings);
    let trust = Arc::new(Mutex::new(Trust { ca: found.ca, ..Trust::default() }));
    let mut asked = JoinSet::new();
    for target in targets {
        let answer = ask(settings.clone(), trust.clone(), target.clone());
        asked.spawn(async move { (target, answer.await) });
    }
    while let Some(ended) = asked.join_next().await {
        if let Ok((target, outcome)) = ended {
            board.answered(&target, outcome, Instant::now());
        }
    }
    board.endpoints
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    component: String,
    pod: String,
    pod_uid: Option<String>,
    address: Address,
    /// Whether it is known to want a token.
    token: bool,
    /// Where its answer does not say it: of its pod, or of the KubeVirt CR.
    version: Option<Version>,
}

impl Target {
    fn is_cdis(&self) -> bool {
        places::CDI.contains(&self.component.as_str())
    }

    fn is(&self, endpoint: &Endpoint) -> bool {
        self.component == endpoint.component && self.pod == endpoint.pod && self.pod_uid == endpoint.pod_uid
    }
}

fn targets(fixed: &[Fixed], found: &Found) -> Vec<Target> {
    let fixed = fixed.iter().map(|fixed| Target {
        component: fixed.component.clone(),
        pod: fixed.address.authority(),
        pod_uid: None,
        address: fixed.address.clone(),
        token: false,
        version: found.kubevirt,
    });
    let pods = found.pods.iter().filter_map(|pod| {
        let place = places::of_pod(pod)?;
        Some(Target {
            component: pod.component.clone(),
            pod: pod.name.clone(),
            pod_uid: Some(pod.uid.clone()),
            address: Address::of_pod(place.tls, place.ip, place.port),
            token: place.token,
            version: pod.version.as_deref().and_then(Version::parse).or(found.kubevirt),
        })
    });
    let mut targets: Vec<Target> = Vec::new();
    for target in pods.chain(fixed) {
        // One that was both found and given by flag is asked once.
        if targets.len() < MOST_ENDPOINTS && targets.iter().all(|other| other.address != target.address) {
            targets.push(target);
        }
    }
    targets
}

/// TLS as it was last set up.
#[derive(Debug, Default)]
struct Trust {
    /// From the API server.
    ca: Option<String>,
    /// What was verified against, and how.
    verified: Option<(String, Arc<ClientConfig>)>,
    unverified: Option<Arc<ClientConfig>>,
}

impl Trust {
    fn of(&mut self, settings: &Settings, target: &Target) -> Result<Arc<ClientConfig>, String> {
        let skips = match settings.skip_verify {
            SkipVerify::None => false,
            SkipVerify::Cdi => target.is_cdis(),
            SkipVerify::All => true,
        };
        if skips {
            let config = self.unverified.take().map_or_else(tls::unverified, Ok)?;
            return Ok(self.unverified.insert(config).clone());
        }
        let pem = match (&settings.ca_file, &self.ca) {
            (Some(path), _) => {
                fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?
            }
            (None, Some(ca)) => ca.clone(),
            (None, None) => {
                return Err(
                    "no CA is known: the ConfigMap kubevirt-ca was not read, and neither --kubevirt.ca-file \
                            nor --kubevirt.insecure-skip-verify is given"
                        .to_owned(),
                );
            }
        };
        if let Some((_, config)) = self.verified.as_ref().filter(|(former, _)| *former == pem) {
            return Ok(config.clone());
        }
        let config = tls::verified(&pem)?;
        self.verified = Some((pem, config.clone()));
        Ok(config)
    }
}

async fn ask(settings: Arc<Settings>, trust: Arc<Mutex<Trust>>, target: Target) -> Outcome<Hearing> {
    let prepared = prepare(&settings, &trust, &target);
    match prepared {
        Ok(inquiry) => scrape(&inquiry).await,
        Err(failure) => Outcome::failed(failure),
    }
}

fn prepare(settings: &Settings, trust: &Mutex<Trust>, target: &Target) -> Result<Inquiry, Failure> {
    let tls = match target.address.tls {
        true => {
            Some(lock(trust).of(settings, target).map_err(|what| Failure::new(super::Trouble::Tls, what))?)
        }
        false => None,
    };
    let token = match (&settings.token_file, target.address.tls) {
        (Some(path), true) => {
            let text = fs::read_to_string(path).map_err(|error| {
                Failure::new(super::Trouble::Unauthorized, format!("{}: {error}", path.display()))
            });
            let token = text.map(|text| text.trim().to_owned());
            match token {
                Ok(text) if !text.is_empty() && text.len() <= LONGEST_TOKEN => {
                    Some(Token { text, at_once: target.token })
                }
                Err(failure) if target.token => return Err(failure),
                // Most want none.
                _ => None,
            }
        }
        _ => None,
    };
    Ok(Inquiry { address: target.address.clone(), tls, token, limits: settings.limits })
}

/// What is known of the endpoints, beside when it was read.
#[derive(Debug, Default)]
struct Board {
    keep: Duration,
    endpoints: Vec<Endpoint>,
    /// Of each endpoint, when it last said something.
    said: Vec<Option<Instant>>,
}

impl Board {
    /// Takes up who is new, and drops who is gone.
    fn keep_only(&mut self, targets: &[Target]) {
        let mut at = 0;
        while let Some(endpoint) = self.endpoints.get(at) {
            if targets.iter().any(|target| target.is(endpoint)) {
                at += 1;
            } else {
                self.endpoints.remove(at);
                self.said.remove(at);
            }
        }
        for target in targets {
            if !self.endpoints.iter().any(|endpoint| target.is(endpoint)) {
                self.endpoints.push(Endpoint {
                    component: target.component.clone(),
                    pod: target.pod.clone(),
                    pod_uid: target.pod_uid.clone(),
                    ..Endpoint::default()
                });
                self.said.push(None);
            }
        }
    }

    fn answered(&mut self, target: &Target, outcome: Outcome<Hearing>, now: Instant) {
        let Some(at) = self.endpoints.iter().position(|endpoint| target.is(endpoint)) else { return };
        let endpoint = &mut self.endpoints[at];
        endpoint.duration = outcome.duration;
        endpoint.bytes = outcome.read.bytes;
        endpoint.series = outcome.read.series;
        let (component, pod) = (endpoint.component.as_str(), endpoint.pod.as_str());
        match outcome.result {
            Ok(heard) => {
                if note(&mut endpoint.trouble, &mut endpoint.failures, None) {
                    tracing::info!(component, pod, "the endpoint answers again");
                }
                endpoint.said = Some(heard.finish(target.version));
                endpoint.read_at = unix_time();
                self.said[at] = Some(now);
            }
            Err(Failure { trouble, reason }) => {
                if note(&mut endpoint.trouble, &mut endpoint.failures, Some(trouble)) {
                    let address = target.address.to_string();
                    tracing::warn!(
                        component,
                        pod,
                        address,
                        trouble = trouble.name(),
                        reason,
                        "no figures of the endpoint"
                    );
                }
            }
        }
    }

    /// Forgets what is too old to be served.
    fn forget(&mut self, now: Instant) {
        for (endpoint, said) in self.endpoints.iter_mut().zip(&self.said) {
            if said.is_some_and(|said| now.duration_since(said) > self.keep) {
                endpoint.said = None::<Said>;
            }
        }
    }
}
