//! The sources beside `/proc`, as they run: the API server, the components' endpoints, the guests.
//!
//! Each is asked at its own pace by tasks of the event loop; a scrape takes what they know by then and waits for none.
//! What the API server says tells whom to ask of the other two.

use std::time::Duration;

use edgebench_sampler::Nanos;

use crate::cluster::{self, Cluster, StartError};
use crate::endpoints::{self, Endpoint, Trouble};
use crate::guests::{self, Guest};
use crate::join::{Tables, join};
use crate::view::{CollectorHealth, View};

/// Whom to ask, and how. What is not wanted is not asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The API server.
    pub cluster: Option<cluster::Settings>,
    /// The components.
    pub endpoints: Option<endpoints::Settings>,
    /// The guests.
    pub guests: Option<guests::Settings>,
    /// Which guests, beside those that say so themselves.
    pub guest_flags: Vec<guests::targets::Flag>,
    /// Name of this node.
    pub node: String,
}

/// The sources, being asked.
#[derive(Debug)]
pub struct Sources {
    cluster: Option<cluster::Handle>,
    endpoints: Option<endpoints::Handle>,
    guests: Option<guests::Handle>,
}

impl Sources {
    /// Starts to ask, on the event loop that this is called on.
    ///
    /// # Errors
    /// Where the API server's configuration can't be used, or there is none and there should be.
    pub async fn start(wanted: Wanted) -> Result<Sources, StartError> {
        let Wanted { cluster, endpoints, guests, guest_flags, node } = wanted;
        let cluster = match &cluster {
            Some(settings) => cluster::start(settings).await?,
            None => None,
        };
        // Without the API server only what was given by flag can be asked.
        let endpoints = endpoints.filter(|settings| cluster.is_some() || !settings.fixed.is_empty());
        let guests = guests.filter(|_| cluster.is_some() || !guest_flags.is_empty());
        let known = cluster.clone();
        let endpoints = endpoints.map(|settings| {
            let known = known.clone();
            endpoints::start(settings, move || read(known.as_ref(), endpoints::Found::of))
        });
        let guests = guests.map(|settings| {
            guests::start(settings, move || {
                read(known.as_ref(), |cluster| guests::Found::of(&guest_flags, cluster, &node))
            })
        });
        Ok(Sources { cluster, endpoints, guests })
    }

    /// Adds to a view what they know, and how asking them goes.
    pub fn join(&self, view: &mut View) {
        let now = view.taken;
        let Sources { cluster, endpoints, guests } = self;
        if let Some(cluster) = cluster {
            view.collectors.push(kubernetes_health(&cluster.health()));
        }
        with(endpoints.as_ref(), endpoints::Handle::with, |endpoints: &[Endpoint]| {
            with(guests.as_ref(), guests::Handle::with, |guests: &[Guest]| {
                read(cluster.as_ref(), |cluster| join(view, &Tables { cluster, endpoints, guests, now }));
                if self.endpoints.is_some() {
                    view.collectors.push(endpoint_health(endpoints));
                }
                if self.guests.is_some() {
                    view.collectors.push(guest_health(guests));
                }
            });
        });
    }
}

/// What was answered by those who were asked once.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// By the API server.
    pub cluster: Cluster,
    /// How asking it went; nothing where there is none.
    pub health: Option<cluster::Health>,
    /// By the components.
    pub endpoints: Vec<Endpoint>,
    /// By the guests.
    pub guests: Vec<Guest>,
}

/// Asks everybody once, and waits for the answers; the API server for at most `limit`.
///
/// # Errors
/// Where the API server's configuration can't be used, or there is none and there should be.
pub fn ask_once(wanted: &Wanted, limit: Duration) -> Result<Answers, StartError> {
    let cluster = match &wanted.cluster {
        Some(settings) => cluster::read_once(settings, limit)?,
        None => None,
    };
    let mut answers = Answers { health: cluster.as_ref().map(cluster::Handle::health), ..Answers::default() };
    answers.cluster = read(cluster.as_ref(), Cluster::clone);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Client(error.to_string()))?;
    runtime.block_on(async {
        let known = &answers.cluster;
        let endpoints = async {
            match &wanted.endpoints {
                Some(settings) => endpoints::once(settings.clone(), endpoints::Found::of(known)).await,
                None => Vec::new(),
            }
        };
        let guests = async {
            let found = guests::Found::of(&wanted.guest_flags, known, &wanted.node);
            match &wanted.guests {
                Some(settings) => guests::once(settings, &found).await,
                None => Vec::new(),
            }
        };
        (answers.endpoints, answers.guests) = tokio::join!(endpoints, guests);
    });
    Ok(answers)
}

/// Adds to a view what was answered.
pub fn join_once(view: &mut View, answers: &Answers) {
    let Answers { cluster, health, endpoints, guests } = answers;
    view.collectors.extend(health.as_ref().map(kubernetes_health));
    if !endpoints.is_empty() {
        view.collectors.push(endpoint_health(endpoints));
    }
    if !guests.is_empty() {
        view.collectors.push(guest_health(guests));
    }
    let now = view.taken;
    join(view, &Tables { cluster, endpoints, guests, now });
}

fn read<R>(cluster: Option<&cluster::Handle>, read: impl FnOnce(&Cluster) -> R) -> R {
    match cluster {
        Some(cluster) => cluster.with(read),
        None => read(&Cluster::default()),
    }
}

/// Calls `use_it` with what a handle has; with nothing where there is no handle.
fn with<H, T, R, U: FnOnce(&[T]) -> R>(handle: Option<&H>, of: impl FnOnce(&H, U) -> R, use_it: U) -> R {
    match handle {
        Some(handle) => of(handle, use_it),
        None => use_it(&[]),
    }
}

fn kubernetes_health(health: &cluster::Health) -> CollectorHealth {
    CollectorHealth {
        collector: "kubernetes",
        success: health.success(),
        // It is told of changes; there is nothing that takes a time.
        duration: None,
        errors: health.errors().into_iter().collect(),
        last_success: health.last_success(),
    }
}

fn endpoint_health(endpoints: &[Endpoint]) -> CollectorHealth {
    let failures = endpoints.iter().flat_map(|endpoint| &endpoint.failures);
    CollectorHealth {
        collector: "endpoint",
        success: endpoints.iter().all(|endpoint| endpoint.trouble.is_none()),
        duration: endpoints.iter().map(|endpoint| endpoint.duration).max(),
        errors: by_reason(failures),
        last_success: endpoints.iter().filter_map(|endpoint| endpoint.read_at).reduce(f64::max),
    }
}

fn guest_health(guests: &[Guest]) -> CollectorHealth {
    let targets = || guests.iter().flat_map(|guest| &guest.targets);
    CollectorHealth {
        collector: "guest",
        success: targets().all(|target| target.trouble.is_none())
            && guests.iter().all(|guest| guest.mistake.is_none()),
        duration: targets().map(|target| target.duration).max().or(Some(Nanos(0))),
        errors: by_reason(targets().flat_map(|target| &target.failures)),
        last_success: targets().filter_map(|target| target.read_at).reduce(f64::max),
    }
}

fn by_reason<'a>(failures: impl Iterator<Item = &'a (Trouble, u64)>) -> Vec<(&'static str, u64)> {
    let mut reasons: Vec<(&'static str, u64)> = Vec::new();
    for (trouble, count) in failures {
        match reasons.iter_mut().find(|(reason, _)| *reason == trouble.name()) {
            Some((_, sum)) => *sum += count,
            None => reasons.push((trouble.name(), *count)),
        }
    }
    reasons.sort_unstable();
    reasons
}
