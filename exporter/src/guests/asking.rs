//! Asks the guests every so often, and keeps what they last said: as the endpoints are asked.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, JoinSet};

use super::targets::{Flag, Kind, Wish, wishes};
use super::{Guest, GuestTarget, edge_agent, node_exporter};
use crate::cluster::Cluster;
use crate::scrape_text::{Objection, Sample, Wants};
use crate::scraper::rounds::{self, Cadence};
use crate::scraper::{Address, Failure, Inquiry, Limits, Outcome, lock, note, scrape, unix_time};

/// Ports that are asked at most: three of each VM that a node of Kubernetes has by default (110 pods).
pub const MOST_TARGETS: usize = 330;

/// How the guests are asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Between two scrapes of a port.
    pub interval: Duration,
    /// For one scrape.
    pub limits: Limits,
    /// How long an answer is served when no other follows.
    pub keep: Duration,
    /// Name of this node.
    pub node: String,
}

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The VMs with something to ask.
    pub wishes: Vec<Wish>,
}

impl Found {
    /// From the flags, and what the API server said of the VMs of this node.
    pub fn of(flags: &[Flag], cluster: &Cluster, node: &str) -> Found {
        Found { wishes: wishes(flags, cluster, node) }
    }
}

/// The guests that are being asked.
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
    pub fn with<R>(&self, read: impl FnOnce(&[Guest]) -> R) -> R {
        let mut board = lock(&self.board);
        board.forget(Instant::now());
        read(&board.guests)
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
    let board = Arc::new(Mutex::new(Board { keep: settings.keep, ..Board::default() }));
    let cadence = Cadence {
        interval: settings.interval,
        look: Duration::from_secs(5).min(settings.interval),
        seed: rounds::seed(&settings.node),
    };
    let targets = {
        let board = board.clone();
        move || lock(&board).follow(&found())
    };
    let limits = settings.limits;
    let scrape = move |target: &Target| ask(limits, target.clone());
    let answered = {
        let board = board.clone();
        move |target: &Target, answer| lock(&board).answered(target, answer, Instant::now())
    };
    let task = tokio::spawn(rounds::run(cadence, targets, scrape, answered)).abort_handle();
    Handle { board, task: Some(task) }
}

/// Asks everybody once, at the same time.
pub async fn once(settings: &Settings, found: &Found) -> Vec<Guest> {
    let mut board = Board { keep: settings.keep, ..Board::default() };
    let mut asked = JoinSet::new();
    for target in board.follow(found) {
        let answer = ask(settings.limits, target.clone());
        asked.spawn(async move { (target, answer.await) });
    }
    while let Some(ended) = asked.join_next().await {
        if let Ok((target, answer)) = ended {
            board.answered(&target, answer, Instant::now());
        }
    }
    board.guests
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    namespace: String,
    name: String,
    kind: Kind,
    ip: IpAddr,
    port: u16,
}

enum Answer {
    NodeExporter(Outcome<node_exporter::Hearing>),
    EdgeAgent(Outcome<edge_agent::Hearing>),
    EdgeHub(Outcome<Nothing>),
}

/// Wants nothing but a text that is one.
#[derive(Debug, Default)]
struct Nothing;

impl Wants for Nothing {
    fn wants(&self, _: &str) -> bool {
        false
    }

    fn take(&mut self, _: &Sample<'_>) -> Result<(), Objection> {
        Ok(())
    }
}

async fn ask(limits: Limits, target: Target) -> Answer {
    let address = Address::of_pod(false, target.ip, target.port);
    let inquiry = Inquiry { address, tls: None, token: None, limits };
    match target.kind {
        Kind::NodeExporter => Answer::NodeExporter(scrape(&inquiry).await),
        Kind::EdgeAgent => Answer::EdgeAgent(scrape(&inquiry).await),
        Kind::EdgeHub => Answer::EdgeHub(scrape(&inquiry).await),
    }
}

/// What is known of the guests, beside when it was read.
#[derive(Debug, Default)]
struct Board {
    keep: Duration,
    guests: Vec<Guest>,
    /// Of each guest, when its node_exporter and its edgeAgent last said something.
    said: Vec<[Option<Instant>; 2]>,
}

impl Board {
    /// Takes up who is new, drops who is gone, and says whom to ask.
    fn follow(&mut self, found: &Found) -> Vec<Target> {
        let is = |guest: &Guest, wish: &Wish| guest.namespace == wish.namespace && guest.name == wish.name;
        let mut at = 0;
        while let Some(guest) = self.guests.get(at) {
            if found.wishes.iter().any(|wish| is(guest, wish)) {
                at += 1;
            } else {
                self.guests.remove(at);
                self.said.remove(at);
            }
        }
        let mut targets = Vec::new();
        for wish in &found.wishes {
            let at = self.guests.iter().position(|guest| is(guest, wish)).unwrap_or_else(|| {
                let (namespace, name) = (wish.namespace.clone(), wish.name.clone());
                self.guests.push(Guest { namespace, name, ..Guest::default() });
                self.said.push([None; 2]);
                self.guests.len() - 1
            });
            let guest = &mut self.guests[at];
            if wish.mistake != guest.mistake {
                guest.mistake.clone_from(&wish.mistake);
                if let Some(mistake) = &wish.mistake {
                    let (namespace, vm) = (&wish.namespace, &wish.name);
                    tracing::warn!(
                        namespace,
                        vm,
                        mistake,
                        "a part of edgebench.io/guest-targets is not used"
                    );
                }
            }
            guest.targets.retain(|target| wish.ports.iter().any(|(kind, _)| kind.name() == target.kind));
            for &(kind, port) in &wish.ports {
                let address =
                    wish.address.map(|ip| Address::of_pod(false, ip, port).authority()).unwrap_or_default();
                match guest.targets.iter_mut().find(|target| target.kind == kind.name()) {
                    Some(target) => target.address = address,
                    None => guest.targets.push(GuestTarget {
                        kind: kind.name(),
                        address,
                        ..GuestTarget::default()
                    }),
                }
                if let Some(ip) = wish.address
                    && targets.len() < MOST_TARGETS
                {
                    let (namespace, name) = (wish.namespace.clone(), wish.name.clone());
                    targets.push(Target { namespace, name, kind, ip, port });
                }
            }
        }
        targets
    }

    fn answered(&mut self, target: &Target, answer: Answer, now: Instant) {
        let is = |guest: &Guest| guest.namespace == target.namespace && guest.name == target.name;
        let Some(at) = self.guests.iter().position(is) else { return };
        let (guest, said) = (&mut self.guests[at], &mut self.said[at]);
        let Some(place) = guest.targets.iter().position(|asked| asked.kind == target.kind.name()) else {
            return;
        };
        let asked = &mut guest.targets[place];
        let read_at = unix_time();
        match answer {
            Answer::NodeExporter(outcome) => {
                if let (Some(heard), Some(read_at)) = (take(asked, target, outcome, read_at), read_at) {
                    guest.system = heard.finish(read_at);
                    said[0] = Some(now);
                }
            }
            Answer::EdgeAgent(outcome) => {
                if let (Some(heard), Some(read_at)) = (take(asked, target, outcome, read_at), read_at) {
                    guest.iot_edge = Some(heard.finish(read_at, guest.iot_edge.as_ref()));
                    said[1] = Some(now);
                }
            }
            Answer::EdgeHub(outcome) => {
                take(asked, target, outcome, read_at);
            }
        }
    }

    /// Forgets what is too old to be served.
    fn forget(&mut self, now: Instant) {
        for (guest, said) in self.guests.iter_mut().zip(&self.said) {
            let is_old =
                |said: Option<Instant>| said.is_some_and(|said| now.duration_since(said) > self.keep);
            if is_old(said[0]) {
                guest.system = None;
            }
            if is_old(said[1]) {
                guest.iot_edge = None;
            }
        }
    }
}

/// Notes how a scrape ended, and gives what it gave.
fn take<W>(asked: &mut GuestTarget, target: &Target, outcome: Outcome<W>, read_at: Option<f64>) -> Option<W> {
    asked.duration = outcome.duration;
    asked.bytes = outcome.read.bytes;
    asked.series = outcome.read.series;
    let (namespace, vm, kind, address) =
        (&target.namespace, &target.name, asked.kind, asked.address.as_str());
    match outcome.result {
        Ok(heard) => {
            asked.read_at = read_at;
            if note(&mut asked.trouble, &mut asked.failures, None) {
                tracing::info!(namespace, vm, kind, "the guest's target answers again");
            }
            Some(heard)
        }
        Err(Failure { trouble, reason }) => {
            if note(&mut asked.trouble, &mut asked.failures, Some(trouble)) {
                tracing::warn!(
                    namespace,
                    vm,
                    kind,
                    address,
                    trouble = trouble.name(),
                    reason,
                    "no figures of the guest"
                );
            }
            None
        }
    }
}
