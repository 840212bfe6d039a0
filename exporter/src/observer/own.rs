//! This process, under the names and with the meaning that every Prometheus client library gives them
//! (prometheus.io/docs/instrumenting/writing_clientlibs, "Standard and runtime collectors").

use edgebench_sampler::parse::{pid_stat, pid_statm};
use edgebench_sampler::procfs::{Buffer, KeptFdDirectory, KeptFile, ProcFs, ProcessFile};
use edgebench_sampler::{Bytes, Pages, ReadError};
use rustix::process::{Resource, getrlimit};

use super::counters::nanos;
use crate::view::OwnFigures;

/// Our own files: always those of the `/proc` we live in, also where another one is measured.
#[derive(Debug)]
pub(super) struct Own {
    procfs: ProcFs,
    stat: KeptFile,
    statm: KeptFile,
    fds: Option<KeptFdDirectory>,
    start_time: f64,
}

impl Own {
    /// Opens them.
    pub(super) fn open(buffer: &mut Buffer) -> Result<Own, ReadError> {
        let procfs = ProcFs::open(edgebench_sampler::Roots::of_this_machine())?;
        let pid = edgebench_sampler::Pid(std::process::id());
        let dir = procfs.process(pid)?;
        let (stat, statm, fds) =
            (dir.keep(ProcessFile::Stat)?, dir.keep(ProcessFile::Statm)?, dir.keep_fd_directory().ok());
        let ticks = match pid_stat::parse(dir.read(ProcessFile::Stat, buffer)?) {
            Ok(stat) => stat.start.0,
            Err(_) => 0,
        };
        drop(dir);
        let boot = super::node::boot_time(&procfs, buffer).unwrap_or_default();
        let start_time = boot + ticks as f64 / procfs.clock().ticks_per_second as f64;
        Ok(Own { procfs, stat, statm, fds, start_time })
    }

    /// What this process uses.
    pub(super) fn figures(&self, buffer: &mut Buffer) -> OwnFigures {
        let clock = self.procfs.clock();
        let mut own = OwnFigures { start_time: self.start_time, ..OwnFigures::default() };
        if let Ok(stat) = self.stat.read(buffer).map(pid_stat::parse)
            && let Ok(stat) = stat
        {
            own.cpu = nanos(stat.user + stat.system, clock);
            own.threads = u64::from(stat.threads);
        }
        if let Ok(text) = self.statm.read(buffer) {
            // The first column is the size, which nobody else needs.
            let size =
                text.split(|byte| *byte == b' ').next().and_then(|word| std::str::from_utf8(word).ok());
            let size = size.and_then(|word| word.parse().ok()).unwrap_or_default();
            own.virtual_memory = Bytes::from_pages(Pages(size), clock.page_size);
            if let Ok(statm) = pid_statm::parse(text) {
                own.resident = Bytes::from_pages(statm.resident, clock.page_size);
            }
        }
        own.open_fds = self.fds.as_ref().and_then(|fds| fds.count().ok());
        own.max_fds = getrlimit(Resource::Nofile).current;
        own
    }
}
