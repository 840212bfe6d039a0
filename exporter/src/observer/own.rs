//! This process, under the names and with the meaning that every Prometheus client library gives them
//! (prometheus.io/docs/instrumenting/writing_clientlibs, "Standard and runtime collectors").

use edgebench_sampler::parse::{pid_stat, pid_statm};
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, KeptFdDirectory, KeptFile, ProcFs, ProcessFile};
use edgebench_sampler::{Bytes, Pages, ReadError, StartTicks};
use rustix::process::{Resource, getrlimit};

use super::counters::nanos;
use super::inventory::Row;
use super::kept::Kept;
use crate::view::OwnFigures;

/// Our own files: always those of the `/proc` we live in, also where another one is measured.
#[derive(Debug)]
pub(super) struct Own {
    procfs: ProcFs,
    stat: KeptFile,
    statm: KeptFile,
    fds: Option<KeptFdDirectory>,
    start: StartTicks,
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
        let start = match pid_stat::parse(dir.read(ProcessFile::Stat, buffer)?) {
            Ok(stat) => stat.start,
            Err(_) => StartTicks(0),
        };
        drop(dir);
        let boot = super::node::boot_time(&procfs, buffer).unwrap_or_default();
        let start_time = boot + start.0 as f64 / procfs.clock().ticks_per_second as f64;
        Ok(Own { procfs, stat, statm, fds, start, start_time })
    }

    /// This process in the procfs that is measured, where it is in it.
    pub(super) fn id_in(&self, procfs: &ProcFs) -> Option<ProcessId> {
        Some(ProcessId { pid: procfs.own_pid()?, start: self.start })
    }

    /// What this process uses; `kept` is what this reading found of it among all others.
    pub(super) fn figures(&self, kept: Option<(&Row, &Kept)>, buffer: &mut Buffer) -> OwnFigures {
        let mut own =
            kept.and_then(|(row, kept)| self.as_kept(row, kept)).unwrap_or_else(|| self.read(buffer));
        own.start_time = self.start_time;
        own.max_fds = getrlimit(Resource::Nofile).current;
        own
    }

    /// It was just read like any other process.
    fn as_kept(&self, row: &Row, kept: &Kept) -> Option<OwnFigures> {
        let clock = self.procfs.clock();
        let stat = pid_stat::parse(kept.seen()).ok()?;
        Some(OwnFigures {
            cpu: nanos(stat.user + stat.system, clock),
            threads: u64::from(stat.threads),
            virtual_memory: address_space(kept.seen())?,
            resident: row.held.resident,
            open_fds: Some(kept.open_fds?),
            ..OwnFigures::default()
        })
    }

    fn read(&self, buffer: &mut Buffer) -> OwnFigures {
        let clock = self.procfs.clock();
        let mut own = OwnFigures::default();
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
        own
    }
}

/// `vsize`, in bytes: field 23 of `stat`, the same as the first of `statm`. Nobody else needs it.
fn address_space(stat: &[u8]) -> Option<Bytes> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let field = stat[end..].split(|byte| *byte == b' ').nth(23 - 2)?;
    std::str::from_utf8(field).ok()?.parse().ok().map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_space_is_field_23_whatever_the_name() {
        let fields: Vec<_> = (4..=52).map(|field| field.to_string()).collect();
        for comm in ["a", "a) b (c", ""] {
            let stat = format!("7 ({comm}) S {}\n", fields.join(" "));
            assert_eq!(address_space(stat.as_bytes()), Some(Bytes(23)), "{comm}");
        }
        assert_eq!(address_space(b"7 (a) S 1 2"), None);
    }
}
