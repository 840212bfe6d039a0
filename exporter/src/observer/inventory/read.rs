//! Reading again what is known: the kept, the watched, and the young among the swept.

use std::collections::BTreeSet;

use edgebench_sampler::procfs::{Buffer, Listed, ProcFs};
use edgebench_sampler::{Bytes, Nanos, Pid, ReadError};

use super::row::{Row, Tier, parse_stat, read_stat, stat_of};
use super::{Inventory, Trouble};
use crate::observer::classes::Classes;
use crate::observer::counters::add;
use crate::observer::kept::Kept;
use crate::observer::threads::{Process, ThreadsUsed};

impl Inventory {
    pub(super) fn read_kept(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        changed: &mut Vec<Listed>,
        gone: &mut BTreeSet<Pid>,
        buffer: &mut Buffer,
    ) {
        let Inventory { rows, kept, classes, unsettled, trouble, .. } = self;
        for (&pid, kept) in kept.iter_mut() {
            let Some(row) = rows.get_mut(&pid) else { continue };
            match kept.is_idle(now, buffer) {
                Ok(true) => {
                    row.read_at = now;
                    continue;
                }
                Ok(false) => {}
                Err(error) if error.is_vanished() => {
                    gone.insert(pid);
                    continue;
                }
                Err(error) => {
                    trouble.failed(pid, error);
                    continue;
                }
            }
            let read = match parse_stat(procfs, pid, kept.seen(), row, classes, now) {
                Ok(read) => read,
                Err(error) => {
                    kept.look_again();
                    trouble.failed(pid, error);
                    continue;
                }
            };
            if read.changed {
                changed.push(Listed { pid, inode: row.inode });
            }
            if read.reaped {
                unsettled.push(pid);
            }
            // Of each process apart: what failed of one says nothing of the next.
            let told = (trouble.io.take(), trouble.threads.take());
            match read_rest(procfs, pid, kept, row, classes, read.threads, false, trouble, buffer) {
                Ok(()) if trouble.io.is_none() && trouble.threads.is_none() => {}
                Ok(()) => kept.look_again(),
                Err(error) if error.is_vanished() => {
                    gone.insert(pid);
                }
                Err(error) => {
                    kept.look_again();
                    trouble.failed(pid, error);
                }
            }
            trouble.io = told.0.or_else(|| trouble.io.take());
            trouble.threads = told.1.or_else(|| trouble.threads.take());
        }
    }

    pub(super) fn read_watched(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        changed: &mut Vec<Listed>,
        gone: &mut BTreeSet<Pid>,
        buffer: &mut Buffer,
    ) {
        let Inventory { rows, watched, classes, unsettled, trouble, .. } = self;
        for (&pid, stat) in watched.iter() {
            let Some(row) = rows.get_mut(&pid) else { continue };
            match read_stat(procfs, pid, stat, row, classes, now, buffer) {
                Ok(read) => {
                    if read.changed {
                        changed.push(Listed { pid, inode: row.inode });
                    }
                    if read.reaped {
                        unsettled.push(pid);
                    }
                }
                Err(error) if error.is_vanished() => {
                    gone.insert(pid);
                }
                Err(error) => trouble.failed(pid, error),
            }
        }
    }

    /// Swept processes in their first two readings: a runtime's child becomes what it is for by exec.
    pub(super) fn read_young(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        changed: &mut Vec<Listed>,
        gone: &mut BTreeSet<Pid>,
        buffer: &mut Buffer,
    ) {
        let Inventory { rows, young, classes, unsettled, reading, trouble, .. } = self;
        young.retain(|&pid| {
            let Some(row) = rows.get_mut(&pid).filter(|row| row.tier == Tier::Swept) else { return false };
            match stat_of(procfs, pid, row, classes, now, buffer) {
                Ok(Some(read)) => {
                    if read.changed {
                        changed.push(Listed { pid, inode: row.inode });
                    }
                    if read.reaped {
                        unsettled.push(pid);
                    }
                    row.looked + 2 > *reading
                }
                Ok(None) => {
                    gone.insert(pid);
                    false
                }
                Err(error) => {
                    trouble.failed(pid, error);
                    true
                }
            }
        });
    }
}

/// Everything of a kept process but its `stat`.
#[expect(clippy::too_many_arguments, reason = "the parts of the table that one process touches")]
pub(super) fn read_rest(
    procfs: &ProcFs,
    pid: Pid,
    kept: &mut Kept,
    row: &mut Row,
    classes: &mut Classes,
    threads: u64,
    from_birth: bool,
    trouble: &mut Trouble,
    buffer: &mut Buffer,
) -> Result<(), ReadError> {
    let held = kept.memory(procfs, threads, buffer)?;
    let Some(class) = row.class else { return Ok(()) };
    classes[class].change(&row.held, &held);
    row.held = held;
    match kept.read_io(from_birth, buffer) {
        Ok(new) => {
            let totals = &mut classes[class].totals;
            totals.read += Bytes(new.read);
            totals.written += Bytes(new.written);
        }
        Err(error) if error.is_vanished() => return Err(error),
        Err(error) => trouble.io = Some(error),
    }
    for file in kept.denied.drain(..) {
        *trouble.denied.entry(file.into()).or_default() += 1;
    }
    if let Some(all) = &mut kept.threads {
        let process = Process { pid, threads, used: row.cpu.total(), now: row.read_at };
        let mut used = ThreadsUsed::default();
        let read = all.read(procfs, process, from_birth, &mut used, buffer);
        let totals = &mut classes[class].totals;
        totals.run_queue_wait = add(totals.run_queue_wait, Nanos(used.run_queue_wait));
        totals.context_switches += used.timeslices;
        match read {
            Err(error) if !error.is_vanished() => trouble.threads = Some(error),
            _ => {}
        }
    }
    Ok(())
}
