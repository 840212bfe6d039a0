//! Asking the cluster, once, at the end of a run.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use edgebench_exporter::cluster::{self, Cluster, Health, State};
use edgebench_exporter::endpoints::{Endpoint, EndpointFlags};
use edgebench_exporter::guests::{Guest, GuestFlags};
use edgebench_exporter::join::Tables;
use edgebench_exporter::sources::{self, Wanted};

/// What the API server may take, all kinds together.
const LIMIT: Duration = Duration::from_secs(20);

/// Whom to ask.
pub trait Ask {
    /// Asks everybody that there is; who does not answer is named in [`Asked::unknown`].
    fn ask(&self) -> Asked;
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The node's name in the cluster, where it is known.
    pub node: Option<String>,
    /// By the API server.
    pub cluster: Cluster,
    /// By KubeVirt's and CDI's components.
    pub endpoints: Vec<Endpoint>,
    /// By the guests.
    pub guests: Vec<Guest>,
    /// Unix time at which the last of them answered, in seconds.
    pub at: f64,
    /// What could not be learnt, and why.
    pub unknown: Vec<String>,
}

impl Asked {
    /// As tables to join.
    pub fn tables(&self) -> Tables<'_> {
        Tables { cluster: &self.cluster, endpoints: &self.endpoints, guests: &self.guests, now: self.at }
    }
}

/// The cluster, as the command line names it.
#[derive(Debug)]
pub struct Asker {
    wanted: Wanted,
}

impl Asker {
    /// Looks at the configuration, without connecting to anybody.
    ///
    /// # Errors
    /// Where the kubeconfig can't be used.
    pub fn new(
        kubeconfig: Option<PathBuf>,
        node: String,
        endpoints: &EndpointFlags,
        guests: &GuestFlags,
    ) -> Result<Asker, cluster::StartError> {
        let settings = cluster::Settings {
            mode: cluster::Mode::Auto,
            kubeconfig,
            node: node.clone(),
            // A report names the replicas of the whole control plane.
            scope: cluster::Scope::Cluster,
            pace: cluster::Pace::default(),
        };
        cluster::read_once(&settings, Duration::ZERO)?;
        let wanted = Wanted {
            cluster: Some(settings),
            endpoints: Some(endpoints.settings(&node)),
            guests: Some(guests.settings(&node)),
            guest_flags: guests.targets.clone(),
            node,
        };
        Ok(Asker { wanted })
    }
}

impl Ask for Asker {
    fn ask(&self) -> Asked {
        let node = Some(self.wanted.node.clone());
        let answers = match sources::ask_once(&self.wanted, LIMIT) {
            Ok(answers) => answers,
            Err(error) => return Asked { node, unknown: vec![error.to_string()], ..Asked::default() },
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut unknown = match &answers.health {
            Some(health) => unanswered(health),
            None => vec!["versions, replicas and requests: no API server is named (--kubeconfig)".to_owned()],
        };
        unknown.extend(answers.endpoints.iter().filter_map(troubled));
        unknown.extend(answers.guests.iter().flat_map(troubled_guest));
        Asked {
            node,
            cluster: answers.cluster,
            endpoints: answers.endpoints,
            guests: answers.guests,
            at: now.as_secs_f64(),
            unknown,
        }
    }
}

fn unanswered(health: &Health) -> Vec<String> {
    let named = health.kinds.iter().filter_map(|kind| {
        let why = match kind.state {
            State::Synced => return None,
            State::Absent => "this cluster has none",
            State::Denied => "the API server refuses it (RBAC)",
            State::Starting => "no answer within 20 s",
            State::Failing => "asked for in vain",
        };
        let reasons: Vec<_> = kind.errors.iter().map(|(reason, _)| *reason).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        Some(format!("{}: {why}{reasons}", kind.subject.name()))
    });
    named.collect()
}

fn troubled(endpoint: &Endpoint) -> Option<String> {
    let trouble = endpoint.trouble?;
    Some(format!("{} ({}): {}", endpoint.component, endpoint.pod, trouble.name()))
}

fn troubled_guest(guest: &Guest) -> Vec<String> {
    let vm = format!("{}/{}", guest.namespace, guest.name);
    let targets = guest.targets.iter().filter_map(|target| {
        let trouble = target.trouble?;
        Some(format!("{} inside of {vm} ({}): {}", target.kind, target.address, trouble.name()))
    });
    guest.mistake.iter().map(|mistake| format!("{vm}: {mistake}")).chain(targets).collect()
}
