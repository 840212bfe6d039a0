//! The threads of a process: which of qemu's is a vCPU, and how long each waited for a CPU.
//!
//! libvirt starts qemu with `debug-threads=on`, so a vCPU thread is called `CPU n/KVM` (or `/TCG`, `/MSHV`);
//! KubeVirt itself relies on it (`pkg/hypervisor/kvm/realtime.go`). `/proc/PID/schedstat` is the main
//! thread's alone, so what a process waited is the sum over its threads (`fs/proc/base.c`,
//! `proc_pid_schedstat`).

use crate::error::{Malformed, ReadError, Reason};
use crate::parse::{pid_schedstat, pid_stat};
use crate::process::ProcessCpu;
use crate::procfs::{Buffer, ProcessDir, ThreadFile};
use crate::units::{Nanos, Pid};

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSample {
    /// Its number.
    pub id: Pid,
    /// Its name; bytes that are no UTF-8 are replaced.
    pub name: String,
    /// Its CPU time so far.
    pub cpu: ProcessCpu,
    /// Time it was ready to run but had no CPU; absent where the kernel does not count it.
    pub run_queue_wait: Option<Nanos>,
}

impl ThreadSample {
    /// The number of the vCPU that it runs, if it runs one.
    pub fn vcpu(&self) -> Option<u32> {
        vcpu(&self.name)
    }
}

/// The number of the vCPU that a thread of this name runs.
pub fn vcpu(name: &str) -> Option<u32> {
    let (number, accelerator) = name.strip_prefix("CPU ")?.split_once('/')?;
    matches!(accelerator, "KVM" | "TCG" | "MSHV").then_some(())?;
    number.parse().ok()
}

/// Reads the threads of a process, in the order of their numbers.
///
/// # Errors
/// Where the process ended, or a file is malformed. Threads that end meanwhile are left out.
pub fn read(process: &ProcessDir<'_>, buffer: &mut Buffer) -> Result<Vec<ThreadSample>, ReadError> {
    let mut threads = Vec::new();
    for id in process.threads()? {
        let malformed = |file: ThreadFile, error: Malformed| {
            ReadError::new(process.thread_path(id, file), Reason::Malformed(error))
        };
        let stat = match process.read_thread(id, ThreadFile::Stat, buffer) {
            Err(error) if error.is_vanished() => continue,
            other => pid_stat::parse(other?).map_err(|error| malformed(ThreadFile::Stat, error))?,
        };
        let (name, cpu) = (String::from_utf8_lossy(stat.comm).into_owned(), ProcessCpu::of(&stat));
        let run_queue_wait = match process.read_thread(id, ThreadFile::SchedStat, buffer) {
            Err(error) if error.is_vanished() || error.is_denied() => None,
            other => {
                let parsed = pid_schedstat::parse(other?);
                Some(parsed.map_err(|error| malformed(ThreadFile::SchedStat, error))?.run_queue_wait)
            }
        };
        threads.push(ThreadSample { id, name, cpu, run_queue_wait });
    }
    Ok(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vcpu_is_known_by_its_name() {
        let vcpu = |name: &str| {
            let name = name.to_owned();
            ThreadSample { id: Pid(1), name, cpu: ProcessCpu::default(), run_queue_wait: None }.vcpu()
        };
        assert_eq!(vcpu("CPU 0/KVM"), Some(0));
        assert_eq!(vcpu("CPU 12/TCG"), Some(12));
        for other in ["qemu-kvm", "IO mon_iothread", "CPU 0/OTHER", "CPU /KVM", "CPU x/KVM", "worker"] {
            assert_eq!(vcpu(other), None, "{other}");
        }
    }
}
