//! Keeps a kind up to date: a list, then watches from the version that it had, until one of them says that this
//! version is too old, or breaks.
//!
//! A watch that the API server ends is taken up where it was. After anything else there is another list, which costs
//! little for what a node asks for, and which is right whatever was missed: a server that was restored from a backup
//! says nothing at all to a watch from a version that it has yet to reach.

use std::collections::BTreeSet;

use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::asker::{Asker, Waits, spread, unix_now};
use super::failure::Failure;
use super::items::{Items, Part};
use super::lines::{Event, Lines, TooLong, What};
use crate::cluster::health::Subject;
use crate::cluster::index::{Key, Teller};
use crate::cluster::{Kind, State, decode};

/// Which version of a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Any that the API server has at hand.
    #[default]
    Any,
    /// None older than this.
    NotBefore(String),
    /// The latest.
    Latest,
}

impl Wanted {
    fn parameter(&self) -> String {
        match self {
            Wanted::Any => "resourceVersion=0".to_owned(),
            Wanted::NotBefore(version) => format!("resourceVersion={version}"),
            Wanted::Latest => String::new(),
        }
    }
}

/// Why there are no more watches.
struct Lost {
    failure: Failure,
    /// The last version that was seen.
    version: String,
    /// Watches that have told something break now and then: that is no trouble unless the next list fails.
    ordinary: bool,
}

/// Keeps one kind up to date, for good.
pub(super) async fn follow(asker: &Asker, kind: Kind) {
    let subject = Subject::Kind(kind);
    let (mut wanted, mut waits, mut refusals) = (Wanted::default(), Waits::default(), 0);
    loop {
        let Some(path) = path(asker, kind) else {
            sleep(asker.pace.migrating).await;
            continue;
        };
        let failure = match list(asker, kind, &path, &wanted).await {
            Ok(version) => {
                refusals = 0;
                // Whether it may be watched too is not known yet.
                asker.handle.lock().ledger.heard(subject, unix_now());
                let lost = watches(asker, kind, &path, version, &mut waits).await;
                let Lost { failure, version, ordinary } = lost;
                wanted = if failure.is_expired() { Wanted::Latest } else { Wanted::NotBefore(version) };
                if ordinary {
                    asker.handle.lock().ledger.count(subject, failure.reason());
                    let detail = failure.to_string();
                    tracing::debug!(what = subject.name(), detail, "a watch broke; listing anew");
                    asker.pause(&failure, &mut waits).await;
                    continue;
                }
                failure
            }
            Err(failure) => {
                // Also of a version that the API server has not seen yet: an older state was restored.
                if matches!(failure, Failure::Refused { .. }) {
                    wanted = Wanted::Latest;
                }
                failure
            }
        };
        asker.bad(subject, &failure);
        refusals = if failure.is_final() { refusals + 1 } else { 0 };
        // Once it may be a server that has just started and knows neither roles nor CRDs yet.
        if refusals == 2 {
            asker.handle.lock().index.forget(Teller::Kind(kind));
        }
        asker.pause(&failure, &mut waits).await;
    }
}

/// Where to ask, or nothing where KubeVirt's namespace is not known (yet).
pub(super) fn path(asker: &Asker, kind: Kind) -> Option<String> {
    let mut shared = asker.handle.lock();
    let namespace = match kind {
        Kind::Authority => shared.index.kubevirt_namespace().map(str::to_owned),
        _ => Some(String::new()),
    };
    let Some(namespace) = namespace else {
        let health = shared.ledger.health();
        let settled = |kind| health.of(Subject::Kind(kind)).is_none_or(|kind| kind.state != State::Starting);
        if settled(Kind::Kubevirts) && settled(Kind::KubevirtPods) {
            shared.ledger.absent(Subject::Kind(kind));
        }
        return None;
    };
    Some(format!("{}?{}", kind.path(&namespace), kind.query(&asker.node, asker.scope)))
}

/// Asks for what there is. Says which version that was.
pub(super) async fn list(asker: &Asker, kind: Kind, path: &str, wanted: &Wanted) -> Result<String, Failure> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(default)]
        resource_version: String,
        #[serde(default, rename = "continue")]
        next: Option<String>,
    }
    let deadline = Instant::now() + asker.pace.list;
    let mut keys: BTreeSet<Key> = BTreeSet::new();
    let mut next = String::new();
    loop {
        // No page is asked for, but a proxy may think otherwise.
        let parameter = if next.is_empty() { wanted.parameter() } else { format!("continue={next}") };
        let mut answer = asker.connection.get(&format!("{path}&{parameter}")).await?;
        let (mut items, mut metadata) = (Items::default(), Metadata::default());
        loop {
            let piece =
                timeout_at(deadline, answer.piece()).await.map_err(|_| Failure::Timeout("a list"))??;
            let Some(piece) = piece else { break };
            let fed = items.feed(&piece, |part| match part {
                Part::Item(text) => keys.extend(put(asker, kind, text)),
                Part::Metadata(text) => metadata = serde_json::from_str(text).unwrap_or_default(),
            });
            fed.map_err(|error| Failure::Malformed(error.to_string()))?;
        }
        items.finish().map_err(|error| Failure::Malformed(error.to_string()))?;
        match metadata.next.filter(|next| !next.is_empty()) {
            Some(token) => next = token,
            None if metadata.resource_version.is_empty() => {
                return Err(Failure::Malformed("the list has no version".to_owned()));
            }
            None => {
                asker.handle.lock().index.keep_only(Teller::Kind(kind), &keys);
                return Ok(metadata.resource_version);
            }
        }
    }
}

/// Watches from `version` on, watch after watch.
async fn watches(asker: &Asker, kind: Kind, path: &str, mut version: String, waits: &mut Waits) -> Lost {
    loop {
        let (began, mut heard) = (Instant::now(), false);
        let result = watch(asker, kind, path, &mut version, &mut heard).await;
        // Not at the first word: what breaks each time after it would be asked in a circle.
        if began.elapsed() > asker.pace.longest {
            waits.reset();
        }
        if let Err(failure) = result {
            let ordinary = failure.is_expired() || heard && matches!(failure, Failure::Connection(_));
            return Lost { failure, version, ordinary };
        }
        asker.good(Subject::Kind(kind));
        // A server that ends each watch at once is not asked in a circle.
        if began.elapsed() < asker.pace.shortest {
            sleep(spread(asker.pace.shortest)).await;
        }
        if self::path(asker, kind).as_deref() != Some(path) {
            let failure = Failure::Refused { code: 410, message: "it is somewhere else now".to_owned() };
            return Lost { failure, version, ordinary: true };
        }
    }
}

/// Watches until the API server ends it.
async fn watch(
    asker: &Asker,
    kind: Kind,
    path: &str,
    version: &mut String,
    heard: &mut bool,
) -> Result<(), Failure> {
    let limit = spread(asker.pace.watch);
    let url = format!(
        "{path}&watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={}",
        limit.as_secs().max(1)
    );
    let mut answer = asker.connection.get(&url).await?;
    asker.good(Subject::Kind(kind));
    // By then the API server should have ended it.
    let deadline = Instant::now() + limit + asker.pace.answer;
    let mut lines = Lines::default();
    loop {
        let piece = timeout_at(deadline, answer.piece()).await.map_err(|_| Failure::Timeout("a watch"))??;
        let Some(piece) = piece else { return Ok(()) };
        lines.feed(&piece, |line| take(asker, kind, line, version))?;
        *heard = true;
        asker.good(Subject::Kind(kind));
    }
}

impl From<TooLong> for Failure {
    fn from(_: TooLong) -> Failure {
        Failure::Malformed("an event without end".to_owned())
    }
}

/// Takes one event in.
fn take(asker: &Asker, kind: Kind, line: &[u8], version: &mut String) -> Result<(), Failure> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let malformed = |error: &dyn std::fmt::Display| Failure::Malformed(format!("an event: {error}"));
    let line = std::str::from_utf8(line).map_err(|error| malformed(&error))?;
    let event: Event<'_> = serde_json::from_str(line).map_err(|error| malformed(&error))?;
    let text = event.object.get();
    if event.what == What::Error {
        return Err(Failure::told(text));
    }
    let identity = decode::identity(text).map_err(|error| malformed(&error))?;
    if identity.version.is_empty() {
        return Err(malformed(&"it has no version"));
    }
    version.clone_from(&identity.version);
    match event.what {
        What::Added | What::Modified => {
            put(asker, kind, text);
        }
        What::Deleted => {
            asker.handle.lock().index.remove(Teller::Kind(kind), &(identity.namespace, identity.name));
        }
        What::Bookmark | What::Error => {}
    }
    Ok(())
}

/// Takes one object in. One that can't be read is counted, and leaves what was known of it.
fn put(asker: &Asker, kind: Kind, text: &str) -> Option<Key> {
    match decode::object(kind, text) {
        Ok((identity, object)) => {
            let key = (identity.namespace.clone(), identity.name.clone());
            asker.handle.lock().index.put(Teller::Kind(kind), identity, object);
            Some(key)
        }
        Err(error) => {
            asker.handle.lock().ledger.count(Subject::Kind(kind), "malformed");
            tracing::debug!(what = kind.name(), detail = error.to_string(), "an object can't be read");
            None
        }
    }
}
