//! Proportional memory: what `smaps_rollup` says, for the processes where it is worth its cost.
//!
//! The kernel walks the page tables of the target for it: 0.1 ms for a small process, 7 to 15 ms for a
//! guest of 1 GiB in 4 KiB pages (measured), seconds for 200 GB on old kernels (process-exporter#246). So
//! it is read once, for the processes that matter, and never inside a sampling loop; who reads it again and
//! again does so within a budget.
//!
//! Pss leaves hugetlb pages out. A process' share of them is Private_Hugetlb, and Shared_Hugetlb divided by
//! how many processes map the same file (`fs/proc/task_mmu.c`, `smaps_hugetlb_range`).

use std::collections::BTreeMap;

use crate::error::ReadError;
use crate::mappings;
use crate::parse::pid_smaps_rollup;
use crate::parse::pid_smaps_rollup::SmapsRollup;
use crate::process::{Denied, ProcessId, ProcessSample, Proportional, malformed};
use crate::procfs::{Buffer, ProcFs, ProcessFile};
use crate::units::Bytes;

/// A process with less anonymous memory than this is not worth the walk, unless it is KubeVirt's.
pub const SMALL: Bytes = Bytes::from_kib(1024);

/// What `smaps_rollup` says of a process, and its share of hugetlb pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The file.
    pub rollup: SmapsRollup,
    /// Private_Hugetlb + Shared_Hugetlb / mappers.
    pub hugetlb: Bytes,
}

impl Reading {
    /// PSS with the share of hugetlb pages.
    pub fn pss(&self) -> Bytes {
        self.rollup.pss + self.hugetlb
    }

    /// Whether `smaps` was read too, for what it shares of hugetlb pages.
    pub fn took_smaps(&self) -> bool {
        self.rollup.shared_hugetlb != Bytes::ZERO
    }
}

/// Reads `smaps_rollup` of the processes for which `wanted` holds, into their samples.
///
/// # Errors
/// Where a file is malformed. A process that ended keeps what was read before; a denial is counted.
pub fn read(
    procfs: &ProcFs,
    processes: &mut [ProcessSample],
    wanted: impl Fn(usize, &ProcessSample) -> bool,
    denied: &mut Denied,
    buffer: &mut Buffer,
) -> Result<(), ReadError> {
    let is_wanted =
        |(index, process): &(usize, &ProcessSample)| process.memory.is_some() && wanted(*index, process);
    let indices: Vec<usize> =
        processes.iter().enumerate().filter(is_wanted).map(|(index, _)| index).collect();
    let ids: Vec<ProcessId> = indices.iter().map(|&index| processes[index].id).collect();
    for (index, reading) in indices.into_iter().zip(read_together(procfs, &ids, buffer)) {
        let proportional = match reading {
            Ok(Reading { rollup, hugetlb }) => Proportional::Read { rollup, hugetlb },
            Err(error) if error.is_vanished() => Proportional::NotRead,
            Err(error) if error.is_denied() => {
                *denied.entry("smaps_rollup".into()).or_default() += 1;
                Proportional::Denied
            }
            Err(error) => return Err(error),
        };
        if let Some(memory) = &mut processes[index].memory {
            memory.proportional = proportional;
        }
    }
    Ok(())
}

/// Reads `smaps_rollup` of these processes, one after the other. Hugetlb pages that several of them map are
/// divided among those; whoever else maps them is not known here.
pub fn read_together(
    procfs: &ProcFs,
    processes: &[ProcessId],
    buffer: &mut Buffer,
) -> Vec<Result<Reading, ReadError>> {
    let mut shared = SharedHugetlb::default();
    let mut readings: Vec<_> =
        processes.iter().map(|&process| read_one(procfs, process, &mut shared, buffer)).collect();
    for (process, reading) in processes.iter().zip(&mut readings) {
        if let Ok(reading) = reading {
            reading.hugetlb += shared.share_of(*process);
        }
    }
    readings
}

fn read_one(
    procfs: &ProcFs,
    id: ProcessId,
    shared: &mut SharedHugetlb,
    buffer: &mut Buffer,
) -> Result<Reading, ReadError> {
    let dir = procfs.process_that_is(id, buffer)?;
    let rollup = pid_smaps_rollup::parse(dir.read(ProcessFile::SmapsRollup, buffer)?)
        .map_err(|error| malformed(&dir, ProcessFile::SmapsRollup, error))?;
    let reading = Reading { rollup, hugetlb: rollup.private_hugetlb };
    if reading.took_smaps() {
        mappings::read(&dir, buffer, |mapping| {
            if mapping.shared_hugetlb != Bytes::ZERO {
                shared.add(id, (mapping.device, mapping.inode), mapping.shared_hugetlb);
            }
        })?;
    }
    Ok(reading)
}

/// Device and inode: what two mappings of the same file have in common.
type File = ((u32, u32), u64);

/// Who maps how much of which hugetlb file together with others.
#[derive(Debug, Default)]
struct SharedHugetlb {
    files: BTreeMap<File, BTreeMap<ProcessId, Bytes>>,
}

impl SharedHugetlb {
    fn add(&mut self, process: ProcessId, file: File, bytes: Bytes) {
        *self.files.entry(file).or_default().entry(process).or_default() += bytes;
    }

    fn share_of(&self, process: ProcessId) -> Bytes {
        self.files
            .values()
            .filter_map(|mappers| mappers.get(&process).map(|bytes| Bytes(bytes.0 / mappers.len() as u64)))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Pid, StartTicks};

    #[test]
    fn two_processes_that_map_one_hugetlb_file_pay_half_each() {
        let id = |pid| ProcessId { pid: Pid(pid), start: StartTicks(1) };
        let mut shared = SharedHugetlb::default();
        shared.add(id(1), ((0, 15), 7), Bytes::from_kib(65_536));
        shared.add(id(2), ((0, 15), 7), Bytes::from_kib(65_536));
        shared.add(id(2), ((0, 15), 8), Bytes::from_kib(2048));
        assert_eq!(shared.share_of(id(1)), Bytes::from_kib(32_768));
        assert_eq!(shared.share_of(id(2)), Bytes::from_kib(32_768 + 2048));
        assert_eq!(shared.share_of(id(3)), Bytes::ZERO);
    }
}
