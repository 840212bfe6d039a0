//! How asking the API server goes, kind by kind: one that is denied hides nothing of the others.

use std::collections::BTreeMap;

use super::Kind;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// `/version`
    Version,
    /// The objects of a kind.
    Kind(Kind),
    /// VMIs that migrate to this node, by their names.
    MigratingVmis,
}

impl Subject {
    /// As logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Version => "version",
            Subject::Kind(kind) => kind.name(),
            Subject::MigratingVmis => "migrating virtualmachineinstances",
        }
    }
}

/// Where one stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing was answered yet.
    #[default]
    Starting,
    /// All of it is known, and its changes are heard.
    Synced,
    /// The API server does not have it: a cluster without KubeVirt.
    Absent,
    /// The API server refuses it: 403.
    Denied,
    /// It was asked for in vain.
    Failing,
}

/// One subject's health.
#[derive(Clone, Debug, PartialEq)]
pub struct KindHealth {
    /// What is asked for.
    pub subject: Subject,
    /// Where it stands.
    pub state: State,
    /// Answers that were none, by reason.
    pub errors: Vec<(&'static str, u64)>,
    /// Unix time of the last answer that was one, in seconds.
    pub last_success: Option<f64>,
}

/// The health of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// In the order of [`Subject`].
    pub kinds: Vec<KindHealth>,
}

impl Health {
    /// Whether everything that the API server has is known.
    pub fn success(&self) -> bool {
        self.kinds.iter().all(|kind| matches!(kind.state, State::Synced | State::Absent))
    }

    /// Whether each was answered, even if by a refusal.
    pub fn settled(&self) -> bool {
        self.kinds.iter().all(|kind| kind.state != State::Starting)
    }

    /// Answers that were none, by reason, of all.
    pub fn errors(&self) -> BTreeMap<&'static str, u64> {
        let mut errors = BTreeMap::new();
        for (reason, count) in self.kinds.iter().flat_map(|kind| &kind.errors) {
            *errors.entry(*reason).or_insert(0) += count;
        }
        errors
    }

    /// The last answer of the kind that has gone without for the longest: what is known is at least as young. An API
    /// server speaks up about once a minute where nothing changes (bookmarks).
    pub fn last_success(&self) -> Option<f64> {
        let known = |kind: &&KindHealth| {
            matches!(kind.subject, Subject::Kind(_)) && matches!(kind.state, State::Synced | State::Failing)
        };
        self.kinds.iter().filter(known).filter_map(|kind| kind.last_success).min_by(f64::total_cmp)
    }

    /// Where a kind stands.
    pub fn of(&self, subject: Subject) -> Option<&KindHealth> {
        self.kinds.iter().find(|kind| kind.subject == subject)
    }
}

#[derive(Debug, Default)]
struct Record {
    state: State,
    errors: BTreeMap<&'static str, u64>,
    last_success: Option<f64>,
}

/// Keeps the health, and says what is worth a line in the log.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    records: BTreeMap<Subject, Record>,
}

#[cfg_attr(not(feature = "kube"), allow(dead_code, reason = "nobody asks without the feature `kube`"))]
impl Ledger {
    pub(super) fn expect(&mut self, subject: Subject) {
        self.records.entry(subject).or_default();
    }

    /// It was answered. Says the state that this ends, if it ends one.
    pub(super) fn good(&mut self, subject: Subject, unix: f64) -> Option<State> {
        let record = self.records.entry(subject).or_default();
        record.last_success = Some(unix);
        let before = std::mem::replace(&mut record.state, State::Synced);
        (before != State::Synced).then_some(before)
    }

    /// It was not. Says whether the state is another than before.
    pub(super) fn bad(&mut self, subject: Subject, state: State, reason: &'static str) -> bool {
        let record = self.records.entry(subject).or_default();
        *record.errors.entry(reason).or_default() += 1;
        std::mem::replace(&mut record.state, state) != state
    }

    /// It was answered in part.
    pub(super) fn heard(&mut self, subject: Subject, unix: f64) {
        self.records.entry(subject).or_default().last_success = Some(unix);
    }

    /// There is nothing to ask for.
    pub(super) fn absent(&mut self, subject: Subject) {
        self.records.entry(subject).or_default().state = State::Absent;
    }

    /// An answer that broke off or held nonsense, without consequence for what is known.
    pub(super) fn count(&mut self, subject: Subject, reason: &'static str) {
        *self.records.entry(subject).or_default().errors.entry(reason).or_default() += 1;
    }

    pub(super) fn health(&self) -> Health {
        let kind = |(subject, record): (&Subject, &Record)| KindHealth {
            subject: *subject,
            state: record.state,
            errors: record.errors.iter().map(|(reason, count)| (*reason, *count)).collect(),
            last_success: record.last_success,
        };
        Health { kinds: self.records.iter().map(kind).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VMIS: Subject = Subject::Kind(Kind::Vmis);

    #[test]
    fn a_change_of_state_is_told_once() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.good(VMIS, 1.0), Some(State::Starting));
        assert_eq!(ledger.good(VMIS, 2.0), None);
        assert!(ledger.bad(VMIS, State::Denied, "denied"));
        assert!(!ledger.bad(VMIS, State::Denied, "denied"));
        assert!(ledger.bad(VMIS, State::Failing, "connection"));
        assert_eq!(ledger.good(VMIS, 9.0), Some(State::Failing));
        assert_eq!(ledger.health().errors(), BTreeMap::from([("connection", 1), ("denied", 2)]));
    }

    #[test]
    fn a_cluster_without_kubevirt_is_no_failure_and_a_denied_kind_is_one() {
        let mut ledger = Ledger::default();
        ledger.expect(Subject::Version);
        assert!(!ledger.health().success() && !ledger.health().settled());
        ledger.good(Subject::Version, 9.0);
        ledger.good(Subject::Kind(Kind::Cdis), 5.0);
        ledger.bad(VMIS, State::Absent, "missing");
        assert!(ledger.health().success());
        assert_eq!(ledger.health().last_success(), Some(5.0));
        ledger.bad(VMIS, State::Denied, "denied");
        assert!(!ledger.health().success() && ledger.health().settled());
    }
}
