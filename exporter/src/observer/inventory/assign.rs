//! Putting a process where it belongs: its component, and the tier in which it is read.

use edgebench_sampler::classify::Class;
use edgebench_sampler::component::{KERNEL_THREADS, Stack};
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, ProcFs, ProcessFile};
use edgebench_sampler::{Pid, ReadError, Reason};

use super::Inventory;
use super::read::read_rest;
use super::row::Tier;
use crate::observer::kept::Kept;

impl Inventory {
    /// Puts a process where it belongs: its component, and the tier in which it is read.
    pub(super) fn assign(
        &mut self,
        procfs: &ProcFs,
        pid: Pid,
        class: &Class,
        from_birth: bool,
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        let Some(row) = self.rows.get_mut(&pid) else { return Ok(()) };
        let index = self.classes.of(class);
        let same = row.class == Some(index);
        match row.class {
            Some(_) if same => {}
            old => {
                if let Some(old) = old {
                    self.classes[old].leave(row.start, &row.held);
                }
                self.classes[index].join(row.start, &row.held);
                row.class = Some(index);
            }
        }
        let in_pod = self.pods.has(pid);
        self.names_outside_pods += u64::from(class.outside_pods);
        self.names_outside_pods -= u64::from(row.outside_pods);
        row.outside_pods = class.outside_pods;
        row.supervisor = is_supervisor(class.component.name);
        row.takes_orphans = takes_orphans(class.component.name);
        let tier = match (is_kept(class), in_pod) {
            (true, _) => Tier::Kept,
            _ if class.component == &KERNEL_THREADS => Tier::KernelThread,
            (false, true) => Tier::Watched,
            (false, false) => Tier::Swept,
        };
        let settled = same && tier == row.tier;
        row.not_kept &= settled;
        if settled {
            return Ok(());
        }
        self.close(pid);
        let Some(row) = self.rows.get_mut(&pid) else { return Ok(()) };
        row.tier = tier;
        if matches!(tier, Tier::Kept | Tier::Watched)
            && let Err(error) = self.keep(procfs, pid, tier, from_birth, buffer)
        {
            let Some(row) = self.rows.get_mut(&pid) else { return Ok(()) };
            row.tier = Tier::Swept;
            match &error.reason {
                Reason::Vanished => {}
                Reason::Denied => *self.trouble.denied.entry("stat".into()).or_default() += 1,
                Reason::Io(io) if is_out_of_files(io) => {
                    row.not_kept = true;
                    self.trouble.too_many_files += 1;
                }
                _ => return Err(error),
            }
        }
        // At the first reading nearly all are long past their beginning.
        if self.complete && self.rows.get(&pid).is_some_and(|row| row.tier == Tier::Swept) {
            self.young.push(pid);
        }
        Ok(())
    }

    /// Closes what is kept open of a process.
    pub(super) fn close(&mut self, pid: Pid) {
        if self.kept.remove(&pid).is_some() {
            self.membership += 1;
        }
        self.watched.remove(&pid);
    }

    fn keep(
        &mut self,
        procfs: &ProcFs,
        pid: Pid,
        tier: Tier,
        from_birth: bool,
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        let Some(row) = self.rows.get_mut(&pid) else { return Ok(()) };
        let kept: usize = self.kept.values().map(Kept::descriptors).sum();
        if kept + self.watched.len() >= self.rules.descriptors {
            return Err(ReadError::io(&procfs.roots().proc, std::io::Error::from_raw_os_error(EMFILE)));
        }
        let dir = procfs.process_that_is(ProcessId { pid, start: row.start }, buffer)?;
        if tier == Tier::Watched {
            self.watched.insert(pid, dir.keep(ProcessFile::Stat)?);
            return Ok(());
        }
        let vcpus = self.loose.get(&pid).map(|(sample, _)| sample).or_else(|| self.pods.sample(pid));
        let vcpus = vcpus.and_then(|sample| sample.vm.as_ref()?.machine.as_ref()?.vcpus);
        let mut kept = Kept::open(&dir, self.rules.wanted, vcpus)?;
        let threads = row.held.threads;
        let (classes, trouble) = (&mut self.classes, &mut self.trouble);
        read_rest(procfs, pid, &mut kept, row, classes, threads, from_birth, trouble, buffer)?;
        self.kept.insert(pid, kept);
        self.membership += 1;
        Ok(())
    }
}

const EMFILE: i32 = 24;

fn is_out_of_files(error: &std::io::Error) -> bool {
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}

pub(super) fn is_kept(class: &Class) -> bool {
    class.stack.is_tracked() || class.stack == Stack::Edgebench
}

/// Whoever reaps containers: their time is counted by the containers' pods.
fn is_supervisor(component: &str) -> bool {
    matches!(component, "containerd-shim" | "conmon" | "containerd" | "crio" | "dockerd" | "runc")
}

/// Whoever asks for orphans (PR_SET_CHILD_SUBREAPER): containerd's shim (`pkg/shim/shim_linux.go`, `SetSubreaper`) and
/// `conmon.c`. `runc`, `dockerd` and `crio` do not.
fn takes_orphans(component: &str) -> bool {
    matches!(component, "containerd-shim" | "conmon")
}
