//! What could not be read, so that it is counted, logged and tried again in measure.
//!
//! `smaps` and `smaps_rollup` need `PTRACE_MODE_READ` (`proc_mem_open` in `fs/proc/base.c`), which depends on
//! the credentials of both sides: it rarely changes, and where a security module keeps an audit log each
//! refusal is a line in it. So what was denied is tried again only after [`RETRY`].

use std::collections::{BTreeMap, BTreeSet};

use edgebench_sampler::Nanos;
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::ProcessFile;

/// How long a file that was denied is left alone.
const RETRY: Nanos = Nanos(600_000_000_000);

/// Files that were denied or could not be understood, as long as their processes are targets.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// When each was denied last; nothing where it has been read since.
    denied: BTreeMap<(ProcessId, ProcessFile), Option<Nanos>>,
    failed: BTreeSet<(ProcessId, ProcessFile)>,
}

impl Trouble {
    /// Whether a file was not denied, or long ago, or before the process became another program.
    pub(crate) fn may_try(&self, id: ProcessId, file: ProcessFile, changed: Nanos, at: Nanos) -> bool {
        let denied = self.denied.get(&(id, file)).copied().flatten();
        denied.is_none_or(|tried| tried < changed || at.0.saturating_sub(tried.0) >= RETRY.0)
    }

    /// A file was denied. Says whether for the first time.
    pub(crate) fn denied(&mut self, id: ProcessId, file: ProcessFile, at: Nanos) -> bool {
        self.denied.insert((id, file), Some(at)).is_none()
    }

    /// A file could not be read or understood. Says whether for the first time since it last could.
    pub(crate) fn failed(&mut self, id: ProcessId, file: ProcessFile) -> bool {
        self.failed.insert((id, file))
    }

    /// A file was read. That it once was denied is remembered: it counts once.
    pub(crate) fn over(&mut self, id: ProcessId, file: ProcessFile) {
        self.failed.remove(&(id, file));
        if let Some(tried) = self.denied.get_mut(&(id, file)) {
            *tried = None;
        }
    }

    /// Forgets processes that are not `wanted` any more.
    pub(crate) fn retain(&mut self, wanted: impl Fn(ProcessId) -> bool) {
        self.denied.retain(|(id, _), _| wanted(*id));
        self.failed.retain(|(id, _)| wanted(*id));
    }
}

#[cfg(test)]
mod tests {
    use edgebench_sampler::{Pid, StartTicks};

    use super::*;

    const FILE: ProcessFile = ProcessFile::SmapsRollup;
    const NEVER: Nanos = Nanos(0);

    fn id(pid: u32) -> ProcessId {
        ProcessId { pid: Pid(pid), start: StartTicks(1) }
    }

    #[test]
    fn a_denied_file_counts_once_and_is_tried_again_after_a_while() {
        let mut trouble = Trouble::default();
        let at = |seconds: u64| Nanos((1000 + seconds) * 1_000_000_000);
        assert!(trouble.may_try(id(1), FILE, NEVER, at(0)));
        assert!(trouble.denied(id(1), FILE, at(0)));
        assert!(!trouble.may_try(id(1), FILE, NEVER, at(599)));
        assert!(trouble.may_try(id(2), FILE, NEVER, at(1)), "another process");
        assert!(trouble.may_try(id(1), ProcessFile::Smaps, NEVER, at(1)), "another file");
        assert!(trouble.may_try(id(1), FILE, NEVER, at(600)));
        assert!(!trouble.denied(id(1), FILE, at(600)), "it counted before");
        trouble.over(id(1), FILE);
        assert!(trouble.may_try(id(1), FILE, NEVER, at(601)));
        assert!(!trouble.denied(id(1), FILE, at(602)), "it counted before");
        trouble.retain(|other| other != id(1));
        assert!(trouble.may_try(id(1), FILE, NEVER, at(603)));
    }

    #[test]
    fn what_was_denied_is_tried_again_once_the_process_is_another_program() {
        let mut trouble = Trouble::default();
        trouble.denied(id(1), FILE, Nanos(100));
        assert!(!trouble.may_try(id(1), FILE, Nanos(99), Nanos(200)));
        assert!(trouble.may_try(id(1), FILE, Nanos(101), Nanos(200)));
    }

    #[test]
    fn a_file_that_can_not_be_understood_is_said_once_until_it_can() {
        let mut trouble = Trouble::default();
        assert_eq!([1, 2, 3].map(|_| trouble.failed(id(1), FILE)), [true, false, false]);
        trouble.over(id(1), FILE);
        assert!(trouble.failed(id(1), FILE));
    }
}
