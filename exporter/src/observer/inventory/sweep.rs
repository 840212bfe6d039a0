//! Sweeping: those that are not read every time have their turn within the cadence.

use std::collections::BTreeSet;

use edgebench_sampler::parse::{pid_statm, pid_status};
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, Listed, ProcFs, ProcessFile};
use edgebench_sampler::{Nanos, Pid, ReadError, Reason};

use super::Inventory;
use super::row::{Tier, stat_of};
use crate::observer::classes::Held;
use crate::observer::kept::held;

impl Inventory {
    /// Reads a few of those that are not read every time, so that each has its turn within the cadence.
    pub(super) fn sweep(&mut self, procfs: &ProcFs, now: Nanos, buffer: &mut Buffer) {
        let elapsed = now.0.saturating_sub(self.swept_at.0);
        let idle = self.rows.len() - self.kept.len();
        let due = (idle as u128 * u128::from(elapsed)).div_ceil(u128::from(self.rules.recheck.0.max(1)));
        self.swept_at = now;
        if !self.complete {
            return;
        }
        let mut changed = Vec::new();
        for _ in 0..due.min(idle as u128) {
            let after = |pid| (std::ops::Bound::Excluded(pid), std::ops::Bound::Unbounded);
            let next = self.rows.range(after(self.cursor)).find(|(_, row)| row.tier != Tier::Kept);
            let next = next.or_else(|| self.rows.iter().find(|(_, row)| row.tier != Tier::Kept));
            let Some((&pid, row)) = next else { break };
            self.cursor = pid;
            if row.read_at == now && row.tier != Tier::Watched {
                continue;
            }
            if let Err(error) = self.sweep_one(procfs, now, pid, &mut changed, buffer) {
                self.trouble.failed(pid, error);
            }
        }
        self.look_at(procfs, now, Vec::new(), changed, buffer);
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
        if row.tier == Tier::KernelThread || (read.resident == row.held.resident && row.tier == Tier::Swept) {
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
                Ok(())
            }
            Err(error) if error.is_vanished() || error.is_denied() => Ok(()),
            Err(error) => Err(error),
        }
    }
}
