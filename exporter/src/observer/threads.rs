//! The threads of a tracked process: how long they waited for a CPU, how often they got one, which run vCPUs.
//!
//! `/proc/PID/schedstat` and the context switches in `/proc/PID/status` are the main thread's alone, so a process
//! is the sum over `/proc/PID/task/*/schedstat`: time on a CPU, time in a run queue, times it was given a CPU. Each
//! of these files stays open. A thread that ended answers `ESRCH`, and one that came makes field 20 of `stat`
//! differ from what is kept: only then is `task` listed again. A process that has used less than a clock tick since is
//! idle: its threads are read once a minute. What a thread used between the last reading and its
//! end is lost to these three counters (not to CPU time, which `stat` keeps).

use edgebench_sampler::parse::pid_schedstat::{self, SchedStat};
use edgebench_sampler::procfs::{Buffer, KeptFile, ProcFs, ProcessDir, ThreadFile};
use edgebench_sampler::thread::vcpu;
use edgebench_sampler::{Nanos, Pid, ReadError, Reason, Ticks};

use crate::view::VcpuThread;

#[derive(Debug)]
struct Thread {
    id: Pid,
    vcpu: Option<u32>,
    schedstat: KeptFile,
    last: SchedStat,
}

/// What threads used since they were read last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadsUsed {
    /// Time in run queues.
    pub(super) run_queue_wait: u64,
    /// Times that one was given a CPU.
    pub(super) timeslices: u64,
}

/// The threads of one process.
#[derive(Debug, Default)]
pub(super) struct Threads {
    threads: Vec<Thread>,
    /// Whether `task` is to be listed at the next reading.
    stale: bool,
    /// vCPU threads that should be there; their names come a moment after the threads.
    expected_vcpus: usize,
    /// What the process had used when they were read, and when that was.
    read_at: Option<(Ticks, Nanos)>,
}

/// How long the threads of an idle process are left alone.
const IDLE: u64 = 60_000_000_000;

/// What is known of a process whose threads are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    /// How many threads it has.
    pub(super) threads: u64,
    /// CPU time that it has used.
    pub(super) used: Ticks,
    pub(super) now: Nanos,
}

impl Threads {
    /// The threads of a process, of which so many should run vCPUs.
    pub(super) fn new(expected_vcpus: Option<u32>) -> Threads {
        Threads { stale: true, expected_vcpus: expected_vcpus.unwrap_or(0) as usize, ..Threads::default() }
    }

    /// How many descriptors it keeps.
    pub(super) fn descriptors(&self) -> usize {
        self.threads.len()
    }

    /// Reads all of them, unless the process was idle. What they used goes into `used`, also of those that were read
    /// before one failed. `from_birth`: what threads that are seen first have used so far counts.
    pub(super) fn read(
        &mut self,
        procfs: &ProcFs,
        process: Process,
        from_birth: bool,
        used: &mut ThreadsUsed,
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        let Process { pid, threads: count, used: cpu, now } = process;
        let mut stale = self.stale || count != self.threads.len() as u64;
        let was_idle = |(then, at): (Ticks, Nanos)| then == cpu && now.0.saturating_sub(at.0) < IDLE;
        if !stale && self.read_at.is_some_and(was_idle) {
            return Ok(());
        }
        // Until all of them are read it is not known that they were idle.
        self.read_at = None;
        for thread in &mut self.threads {
            match thread.schedstat.read(buffer) {
                Ok(text) => thread.advance(parse(pid, thread.id, text)?, used),
                Err(Reason::Vanished) => stale = true,
                Err(reason) => return Err(ReadError::new(path(pid, thread.id), reason)),
            }
        }
        let vcpus = self.threads.iter().filter(|thread| thread.vcpu.is_some()).count();
        if stale || vcpus < self.expected_vcpus {
            self.list(&procfs.process(pid)?, from_birth, used, buffer)?;
        }
        self.read_at = Some((cpu, now));
        Ok(())
    }

    fn list(
        &mut self,
        process: &ProcessDir<'_>,
        from_birth: bool,
        used: &mut ThreadsUsed,
        buffer: &mut Buffer,
    ) -> Result<(), ReadError> {
        let there = process.threads()?;
        self.threads.retain(|thread| there.binary_search(&thread.id).is_ok());
        // After the first time, a thread that was not there before is new.
        let from_birth = from_birth || !self.threads.is_empty();
        for id in there {
            let known = self.threads.iter_mut().find(|thread| thread.id == id);
            let name = |buffer: &mut Buffer| -> Result<Option<u32>, ReadError> {
                if self.expected_vcpus == 0 {
                    return Ok(None);
                }
                let name = process.read_thread(id, ThreadFile::Comm, buffer)?;
                Ok(vcpu(String::from_utf8_lossy(name).trim_end()))
            };
            let thread = match known {
                Some(thread) => name(buffer).map(|vcpu| thread.vcpu = vcpu),
                None => name(buffer).and_then(|vcpu| {
                    let schedstat = process.keep_thread(id, ThreadFile::SchedStat)?;
                    let text = schedstat
                        .read(buffer)
                        .map_err(|reason| ReadError::new(path(process.pid(), id), reason))?;
                    let now = parse(process.pid(), id, text)?;
                    let last = if from_birth { SchedStat::default() } else { now };
                    let mut thread = Thread { id, vcpu, schedstat, last };
                    thread.advance(now, used);
                    self.threads.push(thread);
                    Ok(())
                }),
            };
            match thread {
                Err(error) if error.is_vanished() => {}
                other => other?,
            }
        }
        self.stale = false;
        Ok(())
    }

    /// The threads that run vCPUs, by number.
    pub(super) fn vcpus(&self) -> Vec<VcpuThread> {
        let mut vcpus: Vec<_> = self
            .threads
            .iter()
            .filter_map(|thread| {
                let (cpu, wait) = (thread.last.on_cpu, thread.last.run_queue_wait);
                Some(VcpuThread { vcpu: thread.vcpu?, cpu, run_queue_wait: Some(wait) })
            })
            .collect();
        vcpus.sort_unstable_by_key(|thread| thread.vcpu);
        vcpus.dedup_by_key(|thread| thread.vcpu);
        vcpus
    }
}

impl Thread {
    fn advance(&mut self, now: SchedStat, used: &mut ThreadsUsed) {
        used.run_queue_wait += now.run_queue_wait.0.saturating_sub(self.last.run_queue_wait.0);
        used.timeslices += now.timeslices.saturating_sub(self.last.timeslices);
        self.last = SchedStat {
            on_cpu: Nanos(self.last.on_cpu.0.max(now.on_cpu.0)),
            run_queue_wait: Nanos(self.last.run_queue_wait.0.max(now.run_queue_wait.0)),
            timeslices: self.last.timeslices.max(now.timeslices),
        };
    }
}

fn path(pid: Pid, thread: Pid) -> std::path::PathBuf {
    format!("{pid}/task/{thread}/schedstat").into()
}

fn parse(pid: Pid, thread: Pid, text: &[u8]) -> Result<SchedStat, ReadError> {
    pid_schedstat::parse(text).map_err(|error| ReadError::new(path(pid, thread), Reason::Malformed(error)))
}
