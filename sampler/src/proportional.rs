//! Proportional memory: what `smaps_rollup` says, for the processes where it is worth its cost.
//!
//! The kernel walks the page tables of the target for it: 0.1 ms for a small process, 7 to 15 ms for a
//! guest of 1 GiB in 4 KiB pages (measured), seconds for 200 GB on old kernels (process-exporter#246). So
//! it is read once, for the processes that matter, and never inside a sampling loop.
//!
//! Pss leaves hugetlb pages out. A process' share of them is Private_Hugetlb, and Shared_Hugetlb divided by
//! how many processes map the same file (`fs/proc/task_mmu.c`, `smaps_hugetlb_range`).

use std::collections::BTreeMap;

use crate::error::{ReadError, Reason};
use crate::parse::{pid_smaps, pid_smaps_rollup};
use crate::process::{Denied, ProcessId, ProcessSample, Proportional, malformed};
use crate::procfs::{Buffer, ProcFs, ProcessFile};
use crate::units::Bytes;

/// A process with less anonymous memory than this is not worth the walk, unless it is KubeVirt's.
pub const SMALL: Bytes = Bytes::from_kib(1024);

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
    let mut shared = SharedHugetlb::default();
    for (index, process) in processes.iter_mut().enumerate() {
        if process.memory.is_none() || !wanted(index, process) {
            continue;
        }
        let proportional = match read_one(procfs, process.id, &mut shared, buffer) {
            Ok(read) => read,
            Err(error) if error.is_vanished() => Proportional::NotRead,
            Err(error) if error.is_denied() => {
                *denied.entry("smaps_rollup".into()).or_default() += 1;
                Proportional::Denied
            }
            Err(error) => return Err(error),
        };
        if let Some(memory) = &mut process.memory {
            memory.proportional = proportional;
        }
    }
    for process in processes {
        if let Some(memory) = &mut process.memory
            && let Proportional::Read { hugetlb, .. } = &mut memory.proportional
        {
            *hugetlb += shared.share_of(process.id);
        }
    }
    Ok(())
}

fn read_one(
    procfs: &ProcFs,
    id: ProcessId,
    shared: &mut SharedHugetlb,
    buffer: &mut Buffer,
) -> Result<Proportional, ReadError> {
    let dir = procfs.process_that_is(id, buffer)?;
    let rollup = pid_smaps_rollup::parse(dir.read(ProcessFile::SmapsRollup, buffer)?)
        .map_err(|error| malformed(&dir, ProcessFile::SmapsRollup, error))?;
    if rollup.shared_hugetlb != Bytes::ZERO {
        let smaps = dir.read(ProcessFile::Smaps, buffer)?;
        if smaps.is_empty() {
            // A process that ended since its directory was opened has no mappings, and no error either.
            return Err(ReadError::new(dir.path(ProcessFile::Smaps.name()), Reason::Vanished));
        }
        for mapping in pid_smaps::mappings(smaps) {
            let mapping = mapping.map_err(|error| malformed(&dir, ProcessFile::Smaps, error))?;
            if mapping.shared_hugetlb != Bytes::ZERO {
                shared.add(id, (mapping.device, mapping.inode), mapping.shared_hugetlb);
            }
        }
    }
    Ok(Proportional::Read { hugetlb: rollup.private_hugetlb, rollup })
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
