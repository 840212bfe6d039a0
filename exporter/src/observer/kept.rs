//! A process that is read at every scrape through descriptors that stay open.
//!
//! Which file gives what: `stat` identity, comm, CPU time, faults and threads; `statm` RES; `status` anonymous
//! memory, swap and page tables; `io` storage traffic; the directory `fd` the open files; `task/*/schedstat` the
//! threads' waiting. All of them answer `ESRCH` once the process is reaped.
//!
//! A process whose `stat` reads the same to the last byte has used less than a clock tick, faulted no page, and has
//! the same resident size, address space and threads: it is idle, and its other files are left alone for a minute.

use edgebench_sampler::parse::{pid_io, pid_statm, pid_status};
use edgebench_sampler::procfs::{Buffer, KeptFdDirectory, KeptFile, ProcFs, ProcessDir, ProcessFile};
use edgebench_sampler::{Bytes, Nanos, Pid, ReadError, Reason};

use super::classes::Held;
use super::threads::Threads;

/// What of a process is read beside `stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// `io` and `fd`.
    pub(super) io: bool,
    /// The threads.
    pub(super) threads: bool,
}

/// Storage traffic in bytes, each total the highest seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Io {
    pub(super) read: u64,
    pub(super) written: u64,
}

/// The open files of one process.
#[derive(Debug)]
pub(super) struct Kept {
    pid: Pid,
    pub(super) stat: KeptFile,
    statm: KeptFile,
    status: KeptFile,
    io: Option<KeptFile>,
    fds: Option<KeptFdDirectory>,
    /// What was last read of `io`.
    pub(super) traffic: Option<Io>,
    /// What was last counted of `fd`.
    pub(super) open_fds: Option<u64>,
    pub(super) threads: Option<Threads>,
    /// What of it was denied, by file, not yet told.
    pub(super) denied: Vec<&'static str>,
    /// `stat` as it was when all files were read last.
    seen: Vec<u8>,
    /// When that was.
    pub(super) seen_at: Option<Nanos>,
}

/// How long an idle process is left alone.
const IDLE: u64 = 60_000_000_000;

impl Kept {
    /// Opens the files of a process.
    pub(super) fn open(dir: &ProcessDir<'_>, wanted: Wanted, vcpus: Option<u32>) -> Result<Kept, ReadError> {
        let mut denied = Vec::new();
        let mut io = None;
        let mut fds = None;
        if wanted.io {
            io = optional(dir.keep(ProcessFile::Io), "io", &mut denied)?;
            fds = optional(dir.keep_fd_directory(), "fd", &mut denied)?;
        }
        Ok(Kept {
            pid: dir.pid(),
            stat: dir.keep(ProcessFile::Stat)?,
            statm: dir.keep(ProcessFile::Statm)?,
            status: dir.keep(ProcessFile::Status)?,
            io,
            fds,
            traffic: None,
            open_fds: None,
            threads: wanted.threads.then(|| Threads::new(vcpus)),
            denied,
            seen: Vec::new(),
            seen_at: None,
        })
    }

    /// Reads `stat`; says whether the process did nothing since all of its files were read.
    pub(super) fn is_idle(&mut self, now: Nanos, buffer: &mut Buffer) -> Result<bool, ReadError> {
        let text = match self.stat.read(buffer) {
            Ok(text) => text,
            Err(reason) => return Err(self.failed("stat", reason)),
        };
        if self.seen_at.is_some_and(|at| now.0.saturating_sub(at.0) < IDLE) && text == self.seen {
            return Ok(true);
        }
        self.seen.clear();
        self.seen.extend_from_slice(text);
        self.seen_at = Some(now);
        Ok(false)
    }

    /// `stat` as it was read last.
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// A file could not be read: the next reading reads all of them, whatever `stat` says.
    pub(super) fn look_again(&mut self) {
        self.seen_at = None;
    }

    /// How many descriptors it keeps.
    pub(super) fn descriptors(&self) -> usize {
        3 + usize::from(self.io.is_some())
            + usize::from(self.fds.is_some())
            + self.threads.as_ref().map_or(0, Threads::descriptors)
    }

    /// Its memory; `threads` is what `stat` said.
    pub(super) fn memory(
        &self,
        procfs: &ProcFs,
        threads: u64,
        buffer: &mut Buffer,
    ) -> Result<Held, ReadError> {
        let text = self.statm.read(buffer).map_err(|reason| self.failed("statm", reason))?;
        let statm = pid_statm::parse(text).map_err(|error| self.failed("statm", error.into()))?;
        let text = self.status.read(buffer).map_err(|reason| self.failed("status", reason))?;
        let status = pid_status::parse(text).map_err(|error| self.failed("status", error.into()))?;
        Ok(held(procfs, threads, &statm, &status))
    }

    /// Reads `io` and `fd` again; says what went through since the last time. What was before the first time
    /// counts where `from_birth`.
    pub(super) fn read_io(&mut self, from_birth: bool, buffer: &mut Buffer) -> Result<Io, ReadError> {
        let mut new = Io::default();
        if let Some(io) = &self.io {
            match io.read(buffer) {
                Ok(text) => {
                    let now = pid_io::parse(text).map_err(|error| self.failed("io", error.into()))?;
                    let now = Io { read: now.read.0, written: now.written.0 };
                    let then = self.traffic.unwrap_or(if from_birth { Io::default() } else { now });
                    new = Io {
                        read: now.read.saturating_sub(then.read),
                        written: now.written.saturating_sub(then.written),
                    };
                    self.traffic =
                        Some(Io { read: now.read.max(then.read), written: now.written.max(then.written) });
                }
                // The kernel asks at each read whether it is allowed.
                Err(Reason::Denied) => {
                    self.denied.push("io");
                    (self.io, self.traffic) = (None, None);
                }
                Err(reason) => return Err(self.failed("io", reason)),
            }
        }
        if let Some(fds) = &self.fds {
            self.open_fds = match fds.count() {
                Ok(count) => Some(count),
                Err(Reason::Denied) => {
                    self.denied.push("fd");
                    self.fds = None;
                    None
                }
                Err(reason) => return Err(self.failed("fd", reason)),
            };
        }
        Ok(new)
    }

    fn failed(&self, file: &str, reason: Reason) -> ReadError {
        ReadError::new(format!("{}/{file}", self.pid), reason)
    }
}

fn optional<T>(
    file: Result<T, ReadError>,
    name: &'static str,
    denied: &mut Vec<&'static str>,
) -> Result<Option<T>, ReadError> {
    match file {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.is_denied() => {
            denied.push(name);
            Ok(None)
        }
        // A kernel without task I/O accounting has no `io`.
        Err(error) if error.is_vanished() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a process holds by `statm` and `status`. A zombie and a thread of the kernel hold nothing.
pub(super) fn held(
    procfs: &ProcFs,
    threads: u64,
    statm: &pid_statm::Statm,
    status: &pid_status::PidStatus,
) -> Held {
    let page = procfs.clock().page_size;
    let resident = Bytes::from_pages(statm.resident, page);
    Held {
        threads,
        resident,
        // Kernels before 4.5 do not split what is resident: what is not file-backed is anonymous.
        anonymous: status
            .rss_anon
            .unwrap_or_else(|| resident.saturating_sub(Bytes::from_pages(statm.shared, page))),
        swap: status.swap.unwrap_or_default(),
        page_tables: status.page_tables.unwrap_or_default(),
    }
}
