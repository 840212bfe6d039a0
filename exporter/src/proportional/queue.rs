//! Whose turn it is.
//!
//! A target's turn comes one cadence after it was read. Whoever waits longest is first, so that under a tight
//! budget all are read equally often. A new target comes at once and before the others, but not before those
//! that have waited for [`HEAD_START`]: a node where processes come and go all the time must not keep the
//! others from being read. Of those that came together the cheapest are first.
//!
//! The price of a target is what it cost the last time, and for what it has grown since, or before the first
//! reading, an estimate: 12 ms for each GiB in 4 KiB pages and each file (7 to 15 ms were measured; memory in
//! huge pages costs a hundredth of it, which the first reading shows).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use edgebench_sampler::process::ProcessId;
use edgebench_sampler::{Bytes, Nanos};

use super::Target;

/// So much longer must a target have waited to be read before a new one.
const HEAD_START: Nanos = Nanos(600_000_000_000);

/// What a walk of 1 GiB in 4 KiB pages takes.
const PER_GIB: Nanos = Nanos(12_000_000);

/// What opening and reading the files of a small process takes.
const PER_PROCESS: Nanos = Nanos(50_000);

/// Targets in the order of their turns.
#[derive(Debug)]
pub(crate) struct Queue {
    cadence: Nanos,
    largest: Bytes,
    entries: BTreeMap<ProcessId, Entry>,
    /// In the order of turns, for each [`Size`].
    order: [BTreeSet<Place>; 2],
}

/// Whether a target is above the size limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// It is not.
    Normal,
    /// It is.
    Large,
}

#[derive(Clone, Debug)]
struct Entry {
    target: Arc<Target>,
    /// When its turn comes.
    due: Nanos,
    last: Option<Last>,
}

/// The last reading of a target.
#[derive(Clone, Copy, Debug)]
struct Last {
    began: Nanos,
    cost: Nanos,
    resident: Bytes,
}

/// A place in the order of turns: before the time of the turn comes the head start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    rank: i64,
    price: Nanos,
    key: ProcessId,
}

/// The target whose turn is next.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub(crate) target: Arc<Target>,
    /// When its turn comes, or came.
    pub(crate) due: Nanos,
    /// What it is expected to cost.
    pub(crate) price: Nanos,
}

impl Queue {
    pub(crate) fn new(cadence: Nanos, largest: Bytes) -> Queue {
        Queue { cadence, largest, entries: BTreeMap::new(), order: Default::default() }
    }

    /// From now on these are the targets. What is known of those that stay is kept.
    pub(crate) fn retarget(&mut self, targets: Vec<Target>, now: Nanos) {
        let mut known = std::mem::take(&mut self.entries);
        for order in &mut self.order {
            order.clear();
        }
        for target in targets {
            let Some(key) = target.key() else { continue };
            let entry = match known.remove(&key) {
                Some(entry) if entry.last.is_none_or(|last| last.began >= target.changed_at(key)) => {
                    Entry { target: Arc::new(target), ..entry }
                }
                _ => Entry { target: Arc::new(target), due: now, last: None },
            };
            self.insert(key, entry);
        }
    }

    /// The target of this size whose turn is next; its turn may not have come yet.
    pub(crate) fn next(&self, size: Size) -> Option<Next> {
        let place = self.order[size as usize].first()?;
        let entry = self.entries.get(&place.key)?;
        Some(Next { target: entry.target.clone(), due: entry.due, price: place.price })
    }

    /// The target was read: it took from `began` to `ended` and cost so much.
    pub(crate) fn done(&mut self, target: &Target, began: Nanos, ended: Nanos, cost: Nanos) {
        let Some(key) = target.key() else { return };
        let Some(mut entry) = self.remove(key) else { return };
        entry.last = Some(Last { began, cost, resident: entry.target.resident });
        entry.due = Nanos(ended.0 + self.cadence.0);
        self.insert(key, entry);
    }

    /// Whether it is above the size limit.
    pub(crate) fn size(&self, target: &Target) -> Size {
        if target.resident > self.largest { Size::Large } else { Size::Normal }
    }

    /// How many targets of this size have their turn at `now`.
    pub(crate) fn waiting(&self, size: Size, now: Nanos) -> u64 {
        // In the order of ranks: all with a head start, then the others by their turns.
        let order = self.order[size as usize].iter();
        order.take_while(|place| place.rank <= now.0 as i64).count() as u64
    }

    fn insert(&mut self, key: ProcessId, entry: Entry) {
        // Two targets of one process: the last one counts.
        self.remove(key);
        let size = self.size(&entry.target);
        self.order[size as usize].insert(entry.place(key));
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: ProcessId) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        let size = self.size(&entry.target);
        self.order[size as usize].remove(&entry.place(key));
        Some(entry)
    }
}

impl Entry {
    fn place(&self, key: ProcessId) -> Place {
        let head_start = if self.last.is_none() { HEAD_START.0 as i64 } else { 0 };
        Place { rank: self.due.0 as i64 - head_start, price: self.price(), key }
    }

    /// What reading it is expected to cost.
    fn price(&self) -> Nanos {
        let files = 1 + u64::from(self.target.guest.is_some());
        let walks = |bytes: Bytes| ((u128::from(bytes.0) * u128::from(PER_GIB.0 * files)) >> 30) as u64;
        Nanos(match self.last {
            Some(last) => {
                last.cost.0.saturating_add(walks(self.target.resident.saturating_sub(last.resident)))
            }
            None => (PER_PROCESS.0 * self.target.processes.len() as u64)
                .saturating_add(walks(self.target.resident)),
        })
    }
}
