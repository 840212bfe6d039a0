//! The table of processes: what each is for, and what it has used.
//!
//! Nothing is scanned. A reading costs a listing of `/proc` (and none at all while the kernel counts no new fork,
//! `processes` in `/proc/stat`) and the files of the processes that matter:
//!
//! | tier | who | read |
//! |---|---|---|
//! | kept | tracked stacks, edgebench | at every reading, through descriptors that stay open |
//! | watched | everything else in a pod | its `stat` at every reading, the rest on the slow cadence |
//! | swept | everything else | on the slow cadence (`--discovery.recheck`), a few at each reading |
//!
//! A process is looked at when it is new, when its comm changed (an exec or a rename), and when its pid came back
//! with another inode. A swept process is watched for a change during its first two readings. Changes of an older
//! one are seen within the slow cadence.

mod assign;
mod ended;
mod heard;
mod listing;
mod look;
mod read;
mod row;
mod sweep;
mod vms;

use std::collections::{BTreeMap, BTreeSet};

use edgebench_sampler::classify::{Class, Trust};
use edgebench_sampler::process::{Denied, ProcessId, ProcessSample};
use edgebench_sampler::procfs::{Buffer, KeptFile, Listed, PidPositions, ProcFs};
use edgebench_sampler::{Nanos, Pid, ReadError, StartTicks};
use rustix::io::Errno;

use self::heard::Heard;
pub(super) use self::row::Row;
use self::row::Tier;
use self::sweep::Resting;
pub(super) use self::vms::VmRow;
use super::classes::{ClassIndex, Classes};
use super::kept::{Kept, Wanted};
use super::pods::Pods;
use crate::kernel_events::Source;

/// How processes are found and read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Which names are believed.
    pub(super) trust: Trust,
    /// Within which time every process is looked at again.
    pub(super) recheck: Nanos,
    /// What of a kept process is read.
    pub(super) wanted: Wanted,
    /// How many descriptors may be kept.
    pub(super) descriptors: usize,
    /// Whether the kernel tells of births and deaths.
    pub(super) events: bool,
}

impl Rules {
    /// After how many nanoseconds `/proc` is listed again as a whole. Where the kernel tells of births and deaths it also
    /// tells when it could not: what is left are its own slips.
    fn relist(&self) -> u64 {
        if self.events { self.recheck.0.saturating_mul(30) } else { self.recheck.0 }
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Inventory {
    rules: Rules,
    rows: BTreeMap<Pid, Row>,
    kept: BTreeMap<Pid, Kept>,
    watched: BTreeMap<Pid, KeptFile>,
    pub(super) classes: Classes,
    pub(super) pods: Pods,
    /// Tracked processes outside of pods.
    loose: BTreeMap<Pid, (ProcessSample, Class)>,
    vms: Vec<VmRow>,
    vms_stale: bool,
    listing: Vec<Listed>,
    /// Who had a child, by the last listing and the looks since.
    parents: BTreeSet<Pid>,
    /// Processes whose `stat` may not be read.
    refused: BTreeSet<Listed>,
    /// Processes to look at again, since a file was malformed.
    again: Vec<Listed>,
    /// Somebody who is listed could not be looked at.
    relist: bool,
    listed_at: Option<Nanos>,
    /// How positions in `/proc` follow from pids.
    positions: Option<PidPositions>,
    /// The process that was born last, as far as is known, and `forks` before it was.
    last_born: Option<(Pid, u64)>,
    /// Where the kernel begins again with pids.
    pid_max: u32,
    forks: u64,
    /// The latest start of a process that was there at the reading before; 0 until one has found everybody.
    newest: StartTicks,
    /// The same, with those of this reading.
    newest_now: StartTicks,
    names_outside_pods: u64,
    reading: u64,
    /// Whether a reading has listed everybody.
    complete: bool,
    /// Swept processes in their first readings.
    young: Vec<Pid>,
    unsettled: Vec<Pid>,
    cursor: Pid,
    swept_at: Nanos,
    resting: Resting,
    pub(super) listings: u64,
    pub(super) looks: u64,
    /// Whether the set of kept processes changed since it was asked for last.
    membership: u64,
    pub(super) trouble: Trouble,
    heard: Heard,
    /// Times that exit records were lost.
    pub(super) records_lost: u64,
}

/// What went wrong in a reading.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// The first file that every process has and that was malformed, or could not be read for another reason.
    error: Option<ReadError>,
    /// Processes whose figures are not those of this reading.
    broken: Vec<Pid>,
    /// Files that were denied, by name, of processes that were looked at.
    pub(super) denied: Denied,
    /// Why the threads could not be read.
    pub(super) threads: Option<ReadError>,
    /// Why `io` or `fd` could not be read.
    pub(super) io: Option<ReadError>,
    /// Processes that are not kept open because there are too few descriptors.
    pub(super) too_many_files: u64,
    /// Why the kernel's events could not be heard.
    pub(super) events: Option<Errno>,
}

impl Trouble {
    fn failed(&mut self, pid: Pid, error: ReadError) {
        self.broken.push(pid);
        self.error.get_or_insert(error);
    }

    /// Whether what is known of a process is not of this reading.
    pub(super) fn has_broken(&self, pid: Pid) -> bool {
        self.broken.contains(&pid)
    }
}

impl Inventory {
    pub(super) fn new(rules: Rules) -> Inventory {
        Inventory {
            rules,
            rows: BTreeMap::new(),
            kept: BTreeMap::new(),
            watched: BTreeMap::new(),
            classes: Classes::default(),
            pods: Pods::default(),
            loose: BTreeMap::new(),
            vms: Vec::new(),
            vms_stale: true,
            listing: Vec::new(),
            parents: BTreeSet::new(),
            refused: BTreeSet::new(),
            again: Vec::new(),
            relist: false,
            listed_at: None,
            positions: None,
            last_born: None,
            pid_max: 0,
            forks: 0,
            newest: StartTicks(0),
            newest_now: StartTicks(0),
            names_outside_pods: 0,
            reading: 0,
            complete: false,
            young: Vec::new(),
            unsettled: Vec::new(),
            cursor: Pid(0),
            swept_at: Nanos(0),
            resting: Resting::default(),
            listings: 0,
            looks: 0,
            membership: 0,
            trouble: Trouble::default(),
            heard: Heard::default(),
            records_lost: 0,
        }
    }

    /// Takes a reading. `forks` is `processes` of `/proc/stat`, read before.
    ///
    /// # Errors
    /// Where `/proc` can't be listed, or a file that every process has is malformed. All that can be read is read
    /// nevertheless.
    pub(super) fn observe(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        forks: u64,
        events: Option<&mut dyn Source>,
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        self.reading += 1;
        self.trouble = Trouble { events: self.trouble.events.take(), ..Trouble::default() };
        let mut changed = std::mem::take(&mut self.again);
        let mut gone = BTreeSet::new();
        let overdue = self.listed_at.is_none_or(|then| now.0.saturating_sub(then.0) >= self.rules.relist());
        let retry = std::mem::take(&mut self.relist) || !self.complete;
        // What pods used comes first: what runs meanwhile is then counted by the processes, never twice.
        self.pods.read_usage(procfs, buffer);
        self.read_kept(procfs, now, &mut changed, &mut gone, buffer);
        self.read_watched(procfs, now, &mut changed, &mut gone, buffer);
        // Its number may be another's by now, also where somebody turned the kernel's counter back.
        let lost = !gone.is_empty();
        let mut fresh = Vec::new();
        let mut listing = Ok(());
        let wanted = if let Some(kernel) = events {
            // Whoever was reaped before its parent was read is heard of after that.
            self.read_parents(procfs, now, &mut changed, buffer);
            self.listen(kernel);
            self.follow_up(procfs, now, &mut fresh, &mut changed, &mut gone, buffer)
        } else {
            self.read_young(procfs, now, &mut changed, &mut gone, buffer);
            forks != self.forks || !gone.is_empty() || !self.unsettled.is_empty() || forks == 0
        };
        let urgent = overdue || retry || lost || forks == 0 || self.rules.events || self.has_urgent_debts();
        let new = if wanted && !urgent { self.list_new(procfs, forks) } else { None };
        let mut settles = true;
        let found = match new {
            Some(new) => {
                settles = false;
                new
            }
            None if overdue || retry || wanted => {
                fresh.clear();
                self.list(procfs, now, forks, &mut gone, buffer)
            }
            None => Ok(Vec::new()),
        };
        let forks_before = self.forks;
        match found {
            Ok(new) => {
                self.forks = forks;
                fresh.extend(new);
            }
            Err(error) => {
                self.relist = true;
                listing = Err(error);
            }
        }
        self.end(procfs, &gone, buffer);
        if listing.is_ok() && settles {
            self.settle(procfs);
        }
        let looked = self.look_at(procfs, now, fresh, changed, buffer);
        if let Some(pid) = looked.filter(|_| self.complete) {
            self.last_born = Some((pid, forks_before));
        }
        self.sweep(procfs, now, buffer);
        self.pods.take_unseen(procfs, now, self.rules, &self.rows, &mut self.classes, buffer);
        self.find_vms();
        self.complete |= listing.is_ok();
        let result = listing.and_then(|()| self.trouble.error.take().map_or(Ok(()), Err));
        if result.is_ok() {
            self.newest = self.newest_now;
        }
        result
    }

    /// Whether a process that is read every time has reaped children that only a whole listing can account for.
    fn has_urgent_debts(&self) -> bool {
        self.unsettled.iter().any(|pid| self.kept.contains_key(pid) && !self.pods.counts(*pid))
    }

    /// A process that is read every time.
    pub(super) fn kept(&self, id: ProcessId) -> Option<(&Row, &Kept)> {
        Some((self.row(id)?, self.kept.get(&id.pid)?))
    }

    /// All processes that are read every time, with their component.
    pub(super) fn all_kept(&self) -> impl Iterator<Item = (ProcessId, ClassIndex, &Row, &Kept)> {
        self.kept.iter().filter_map(|(pid, kept)| {
            let row = self.rows.get(pid)?;
            Some((ProcessId { pid: *pid, start: row.start }, row.class?, row, kept))
        })
    }

    /// A process.
    pub(super) fn row(&self, id: ProcessId) -> Option<&Row> {
        self.rows.get(&id.pid).filter(|row| row.start == id.start)
    }

    /// The component of a process.
    pub(super) fn component(&self, id: ProcessId) -> Option<&'static str> {
        Some(self.classes[self.row(id)?.class?].component)
    }

    /// Processes there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A number that changes whenever a process that is read every time comes, goes, or becomes another.
    pub(super) fn membership(&self) -> u64 {
        self.membership
    }

    /// Processes with a name of KubeVirt's or CDI's outside of any pod.
    pub(super) fn names_outside_pods(&self) -> u64 {
        self.names_outside_pods
    }

    /// When the process was read whose figures are oldest, of those that are not read every time.
    pub(super) fn oldest_reading(&self) -> Option<Nanos> {
        // They are read in turn: the next one has waited longest.
        let after = (std::ops::Bound::Excluded(self.cursor), std::ops::Bound::Unbounded);
        let mut turn = self.rows.range(after).chain(self.rows.iter());
        turn.find(|(_, row)| row.tier != Tier::Kept).map(|(_, row)| row.read_at.min(self.resting.oldest()))
    }

    /// The start of the oldest process of each component that lost its oldest one, found anew.
    pub(super) fn mend_oldest(&mut self) {
        let missing = |row: &super::classes::ClassRow| row.oldest.is_none() && row.processes > 0;
        if !self.classes.rows().iter().any(missing) {
            return;
        }
        for row in self.rows.values() {
            if let Some(class) = row.class {
                let class = &mut self.classes[class];
                class.oldest = Some(class.oldest.map_or(row.start, |oldest| oldest.min(row.start)));
            }
        }
    }
}
