//! Sweeping: those that are not read every time have their turn within the cadence.
//!
//! Where the kernel tells of births, execs, renames and ends, a turn is for figures alone, and most processes of a node
//! sleep: who did nothing since its last turn rests for twice as long, up to sixteen times the cadence, and no more than
//! so many a second are read. What a process used is not lost, it is seen later: `age` says how late.

use std::collections::BTreeSet;

use edgebench_sampler::parse::{pid_statm, pid_status};
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, Listed, ProcFs, ProcessFile};
use edgebench_sampler::{Nanos, Pid, ReadError, Reason};

use super::Inventory;
use super::row::{Tier, stat_of};
use crate::observer::classes::Held;
use crate::observer::kept::held;

/// The most processes that are read in a second, where the kernel tells of changes.
const MOST: u128 = 16;

/// Who has done nothing so many times in a row has its longest rest.
const LONGEST: u8 = 4;

/// The oldest figures of those who rest.
#[derive(Debug)]
pub(super) struct Resting {
    /// In this round.
    oldest: Nanos,
    /// In the round before.
    before: Nanos,
}

impl Default for Resting {
    fn default() -> Resting {
        Resting { oldest: Nanos(u64::MAX), before: Nanos(u64::MAX) }
    }
}

impl Resting {
    /// When the oldest of their figures was read, at the earliest.
    pub(super) fn oldest(&self) -> Nanos {
        self.oldest.min(self.before)
    }

    fn next_round(&mut self) {
        self.before = std::mem::replace(&mut self.oldest, Nanos(u64::MAX));
    }
}

impl Inventory {
    /// Reads a few of those that are not read every time, so that each has its turn within the cadence.
    pub(super) fn sweep(&mut self, procfs: &ProcFs, now: Nanos, buffer: &mut Buffer) {
        let elapsed = u128::from(now.0.saturating_sub(self.swept_at.0));
        let idle = self.rows.len() - self.kept.len();
        let cadence = u128::from(self.rules.recheck.0.max(1));
        let due = idle as u128 * elapsed / cadence;
        let most = if self.rules.events { (elapsed * MOST).div_ceil(1_000_000_000) } else { due };
        // What is left of the time until the next one's turn is not lost.
        let rest = (idle as u128 * elapsed % cadence) / (idle as u128).max(1);
        self.swept_at = Nanos(now.0.saturating_sub(rest as u64));
        if !self.complete {
            return;
        }
        let mut changed = Vec::new();
        for pid in self.have_their_turn(now, due.min(idle as u128), most) {
            if let Err(error) = self.sweep_one(procfs, now, pid, &mut changed, buffer) {
                self.trouble.failed(pid, error);
            }
        }
        self.look_at(procfs, now, Vec::new(), changed, buffer);
    }

    /// The next `due` of them, at most `most` without those who rest.
    fn have_their_turn(&mut self, now: Nanos, due: u128, most: u128) -> Vec<Pid> {
        let Inventory { rows, rules, cursor, resting, .. } = self;
        let ahead = rows.range((std::ops::Bound::Excluded(*cursor), std::ops::Bound::Unbounded));
        let turns = ahead.map(|entry| (1, entry)).chain(rows.iter().map(|entry| (2, entry)));
        let (mut chosen, mut seen, mut round) = (Vec::new(), 0, 1);
        for (its_round, (&pid, row)) in turns.filter(|(_, (_, row))| row.tier != Tier::Kept) {
            if seen == due || chosen.len() as u128 == most {
                break;
            }
            if its_round != round {
                round = its_round;
                resting.next_round();
            }
            seen += 1;
            *cursor = pid;
            if row.read_at == now && row.tier != Tier::Watched {
                continue;
            }
            match rules.events
                && row.tier != Tier::Watched
                && rests(row.rest, Nanos(now.0.saturating_sub(row.read_at.0)), rules.recheck)
            {
                true => resting.oldest = resting.oldest.min(row.read_at),
                false => chosen.push(pid),
            }
        }
        chosen
    }

    fn sweep_one(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        pid: Pid,
        changed: &mut Vec<Listed>,
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        let Some(row) = self.rows.get_mut(&pid) else { return Ok(()) };
        let Some(read) = stat_of(procfs, pid, row, &mut self.classes, now, buffer)? else {
            self.end(procfs, &BTreeSet::from([pid]), buffer);
            return Ok(());
        };
        if read.changed || row.not_kept {
            changed.push(Listed { pid, inode: row.inode });
        }
        if read.reaped {
            self.unsettled.push(pid);
        }
        let same = read.idle && !row.memory_stale;
        row.rest = if same { (row.rest + 1).min(LONGEST) } else { 0 };
        if row.tier == Tier::KernelThread || (same && row.tier == Tier::Swept) {
            return Ok(());
        }
        let memory = |buffer: &mut Buffer| -> Result<Held, ReadError> {
            let dir = procfs.process_that_is(ProcessId { pid, start: row.start }, buffer)?;
            let malformed = |name, error| ReadError::new(dir.path(name), Reason::Malformed(error));
            let statm = pid_statm::parse(dir.read(ProcessFile::Statm, buffer)?)
                .map_err(|error| malformed(c"statm", error))?;
            let status = pid_status::parse(dir.read(ProcessFile::Status, buffer)?)
                .map_err(|error| malformed(c"status", error))?;
            Ok(held(procfs, read.threads, &statm, &status))
        };
        match memory(buffer) {
            Ok(held) => {
                if let Some(class) = row.class {
                    self.classes[class].change(&row.held, &held);
                }
                row.held = held;
                row.memory_stale = false;
                Ok(())
            }
            Err(error) if error.is_vanished() || error.is_denied() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a process that did nothing so many times in a row, and was read so long ago, is left out in its turn, which
/// comes about once in `cadence`.
fn rests(times: u8, since: Nanos, cadence: Nanos) -> bool {
    times > 0 && since.0 < cadence.0.saturating_mul(1 << times).saturating_sub(cadence.0 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CADENCE: Nanos = Nanos(60);

    /// In which of its turns a process is read that never does anything.
    fn turns_read(turns: u64) -> Vec<u64> {
        let (mut read, mut times, mut at) = (Vec::new(), 0, 0);
        for turn in 1..=turns {
            // Turns do not come to the second.
            let now = turn * CADENCE.0 + turn % 7;
            if !rests(times, Nanos(now - at), CADENCE) {
                read.push(turn);
                (times, at) = ((times + 1).min(LONGEST), now);
            }
        }
        read
    }

    #[test]
    fn who_does_nothing_rests_twice_as_long_each_time_up_to_sixteen_turns() {
        assert_eq!(turns_read(70), [1, 3, 7, 15, 31, 47, 63]);
    }

    #[test]
    fn who_did_something_is_read_in_its_next_turn() {
        assert!(!rests(0, Nanos(0), CADENCE));
    }

    #[test]
    fn the_oldest_figures_are_known_for_two_rounds() {
        let mut resting = Resting::default();
        assert_eq!(resting.oldest(), Nanos(u64::MAX));
        resting.oldest = Nanos(5);
        resting.next_round();
        resting.oldest = resting.oldest.min(Nanos(9));
        assert_eq!(resting.oldest(), Nanos(5));
        resting.next_round();
        assert_eq!(resting.oldest(), Nanos(9));
    }
}
