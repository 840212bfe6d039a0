//! Listing `/proc`: who came and who went.
//!
//! A whole listing costs about a microsecond for each process there is. Between two of them (`--discovery.recheck`) it
//! is enough to begin after the newest process: numbers ascend until they begin again, and how many were given out since
//! is known by `processes` of `/proc/stat`.

use std::collections::BTreeSet;

use edgebench_sampler::procfs::{Buffer, Listed, PidPositions, ProcFs};
use edgebench_sampler::{Nanos, Pid, ReadError};

use super::Inventory;
use super::row::peek;

/// The least that a kernel begins again at, unless somebody set less (`PID_MAX_DEFAULT`).
const LEAST: u32 = 32_768;

impl Inventory {
    /// Lists `/proc`: who is gone goes into `gone`, and who is new is returned.
    ///
    /// The table is what the listing is compared with, so whoever could not be looked at the last time is new again.
    pub(super) fn list(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        forks: u64,
        gone: &mut BTreeSet<Pid>,
        buffer: &mut Buffer,
    ) -> Result<Vec<Listed>, ReadError> {
        self.positions = procfs.listing(&mut self.listing)?;
        self.listings += 1;
        self.listed_at = Some(now);
        if self.pid_max == 0 {
            let text = procfs.file(c"sys/kernel/pid_max", buffer).ok();
            let number = text.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
            self.pid_max = number.unwrap_or(LEAST);
            // Of those who were there before, only of ourselves is it known when we were born: just now.
            self.last_born = procfs.own_pid().map(|own| (own, forks));
        }
        let Inventory { listing, rows, refused, .. } = self;
        if !refused.is_empty() {
            refused.retain(|entry| listing.binary_search(entry).is_ok());
        }
        let mut fresh = Vec::new();
        let mut known = rows.iter_mut().peekable();
        for entry in listing.iter() {
            while let Some((pid, _)) = known.next_if(|(pid, _)| **pid < entry.pid) {
                gone.insert(*pid);
            }
            let Some((&pid, row)) = known.next_if(|(pid, _)| **pid == entry.pid) else {
                if !refused.contains(entry) {
                    fresh.push(*entry);
                }
                continue;
            };
            if row.inode == entry.inode && !gone.contains(&pid) {
                continue;
            }
            // The kernel forgets inode numbers under memory pressure: it may be the same process.
            match peek(procfs, pid, row, buffer) {
                Ok(Some(now)) if !gone.contains(&pid) => {
                    row.inode = entry.inode;
                    if now.changed {
                        fresh.push(*entry);
                    }
                }
                Ok(_) => {
                    gone.insert(pid);
                    fresh.push(*entry);
                }
                // It is looked at with those that are new, and says again what is wrong.
                Err(_) => fresh.push(*entry),
            }
        }
        gone.extend(known.map(|(pid, _)| *pid));
        self.parents = self.rows.values().map(|row| row.parent).collect();
        Ok(fresh)
    }

    /// Whether whoever is new since the last listing has a number above those that were there: the kernel gives numbers
    /// out in a circle (`kernel/pid.c`, `idr_alloc_cyclic`), and each fork, of a thread too, takes one.
    fn numbers_ascend(&self, forks: u64) -> Option<(PidPositions, Pid, Pid)> {
        /// Numbers that may be taken already are skipped: threads, sessions and process groups have some as well.
        const TAKEN: u64 = 4096;
        let positions = self.positions?;
        let (newest, before) = self.last_born?;
        let until = u64::from(newest.0) + forks.saturating_sub(before) + TAKEN;
        // `pid_max` is of the reader's own namespace since Linux 6.14: where no number was above the least, it counts.
        let largest = self.rows.last_key_value().map_or(0, |(pid, _)| pid.0);
        let end = if largest < LEAST { self.pid_max.min(LEAST) } else { self.pid_max };
        let until = u32::try_from(until).ok().filter(|until| *until < end)?;
        Some((positions, newest, Pid(until)))
    }

    /// Lists only who was born since the last listing; nothing where that can't be told by their numbers.
    ///
    /// Who is gone is not seen here, unless a descriptor of it is kept: the slow cadence finds the others.
    pub(super) fn list_new(&mut self, procfs: &ProcFs, forks: u64) -> Option<Result<Vec<Listed>, ReadError>> {
        let (positions, newest, until) = self.numbers_ascend(forks)?;
        if let Err(error) = procfs.listing_after(newest, until, positions, &mut self.listing) {
            return Some(Err(error));
        }
        let Inventory { listing, rows, refused, .. } = self;
        let is_new = |entry: &&Listed| !rows.contains_key(&entry.pid) && !refused.contains(*entry);
        Some(Ok(listing.iter().filter(is_new).copied().collect()))
    }
}
