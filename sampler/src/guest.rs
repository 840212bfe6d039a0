//! The part of a VM's processes that is guest RAM, found in `smaps`.
//!
//! qemu maps each memory backend as one region of exactly the backend's size, readable and writable, never
//! executable (`system/physmem.c`; TCG's code buffer, which comes near the size of a 1 GiB guest, is
//! executable). The kernel may show a region as several mappings next to each other once parts of it got
//! other flags (`madvise`, NUMA policy), so neighbours are added up. Where the backend is shared memory
//! (memfd for virtiofsd, passt, vhost-user; a hugetlbfs file) every process of the pod may map it: those
//! mappings are known by device and inode.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::mappings;
use crate::parse::pid_smaps::Mapping;
use crate::process::ProcessId;
use crate::procfs::{Buffer, ProcFs};
use crate::units::Bytes;

/// Guest RAM of one VM as the node holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestMemory {
    /// Resident, hugetlb pages included; pages that several processes map count once.
    pub resident: Bytes,
    /// Proportional, hugetlb pages included, over all processes of the pod.
    pub proportional: Bytes,
    /// Of the proportional part: private memory, which `AnonPages` holds.
    pub anonymous: Bytes,
    /// Of the proportional part: hugetlb pages.
    pub hugetlb: Bytes,
    /// In swap; what several processes map counts once.
    pub swap: Bytes,
    /// Of `swap`: shared memory, which is in no process' VmSwap.
    #[serde(default)]
    pub shared_swap: Bytes,
}

impl GuestMemory {
    /// Of the proportional part: shared memory (memfd), which lies in `Cached` and so outside of RAM used
    /// by sar's formula.
    pub fn shared_memory(&self) -> Bytes {
        self.proportional.saturating_sub(self.anonymous).saturating_sub(self.hugetlb)
    }
}

/// What is kept of a mapping that could be guest RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    start: u64,
    end: u64,
    file: ((u32, u32), u64),
    shared: bool,
    resident: Bytes,
    proportional: Bytes,
    anonymous: Bytes,
    hugetlb_private: Bytes,
    hugetlb_shared: Bytes,
    swap: Bytes,
}

impl Region {
    fn of(mapping: &Mapping<'_>) -> Option<Region> {
        (mapping.readable && mapping.writable && !mapping.executable).then_some(Region {
            start: mapping.start,
            end: mapping.end,
            file: (mapping.device, mapping.inode),
            shared: mapping.shared,
            resident: mapping.rss,
            proportional: mapping.pss,
            anonymous: mapping.anonymous,
            hugetlb_private: mapping.private_hugetlb,
            hugetlb_shared: mapping.shared_hugetlb,
            swap: mapping.swap,
        })
    }

    fn size(&self) -> u64 {
        self.end - self.start
    }

    fn is_private(&self) -> bool {
        self.file.1 == 0
    }
}

/// Reads the guest RAM of a VM: `emulator` is its qemu, `pod` all its processes.
///
/// Nothing where a backend is not found among the mappings: then no figure that needs it is given.
///
/// # Errors
/// Where `smaps` of the emulator can't be read. Other processes of the pod are read only if the RAM is
/// shared; one that ended meanwhile is left out.
pub fn read(
    procfs: &ProcFs,
    emulator: ProcessId,
    pod: &[ProcessId],
    backends: &[Bytes],
    buffer: &mut Buffer,
) -> Result<Option<GuestMemory>, ReadError> {
    read_counting(procfs, emulator, pod, backends, buffer, &mut 0)
}

/// [`read`], which also adds to `files` how often it walked the mappings of a process.
///
/// # Errors
/// As [`read`].
pub fn read_counting(
    procfs: &ProcFs,
    emulator: ProcessId,
    pod: &[ProcessId],
    backends: &[Bytes],
    buffer: &mut Buffer,
    files: &mut u64,
) -> Result<Option<GuestMemory>, ReadError> {
    *files += 1;
    let regions = regions(procfs, emulator, |_| true, buffer)?;
    let Some(found) = match_backends(&regions, backends) else { return Ok(None) };
    let mut shared: BTreeMap<_, Vec<Vec<Region>>> = BTreeMap::new();
    let mut guest = GuestMemory::default();
    for index in found {
        let region = regions[index];
        if region.is_private() {
            guest.resident += region.resident + region.hugetlb_private + region.hugetlb_shared;
            guest.proportional += region.proportional + region.hugetlb_private + region.hugetlb_shared;
            guest.anonymous += region.proportional;
            guest.hugetlb += region.hugetlb_private + region.hugetlb_shared;
            guest.swap += region.swap;
        } else {
            let mappers = shared.entry(region.file).or_insert_with(|| vec![Vec::new()]);
            mappers[0].push(region);
        }
    }
    if !shared.is_empty() {
        for &process in pod.iter().filter(|process| **process != emulator) {
            *files += 1;
            let others = match self::regions(procfs, process, |file| shared.contains_key(file), buffer) {
                Ok(regions) => regions,
                Err(error) if error.is_vanished() => continue,
                Err(error) => return Err(error),
            };
            for (file, mappers) in &mut shared {
                let own: Vec<_> = others.iter().filter(|region| region.file == *file).copied().collect();
                if !own.is_empty() {
                    mappers.push(own);
                }
            }
        }
    }
    for mappers in shared.values() {
        add_shared(&mut guest, mappers);
    }
    Ok(Some(guest))
}

/// Adds a file that several processes map. A page that two of them have touched is resident once, so the
/// process that has touched most stands for what is resident; Pss is made to be added.
fn add_shared(guest: &mut GuestMemory, mappers: &[Vec<Region>]) {
    let sum = |regions: &[Region], part: fn(&Region) -> Bytes| regions.iter().map(part).sum::<Bytes>();
    let hugetlb =
        |regions: &[Region]| sum(regions, |r| r.hugetlb_private) + sum(regions, |r| r.hugetlb_shared);
    let most_huge = mappers.iter().map(|regions| hugetlb(regions)).max().unwrap_or_default();
    let most = mappers.iter().map(|regions| sum(regions, |r| r.resident)).max().unwrap_or_default();
    guest.resident += most + most_huge;
    guest.proportional +=
        mappers.iter().map(|regions| sum(regions, |r| r.proportional)).sum::<Bytes>() + most_huge;
    guest.hugetlb += most_huge;
    // A private mapping of a file (`share=off`) holds copies of what was written: anonymous memory.
    guest.anonymous += mappers.iter().map(|regions| sum(regions, |r| r.anonymous.min(r.proportional))).sum();
    let most_of = |part: fn(&Region) -> Bytes| mappers.iter().map(|regions| sum(regions, part)).max();
    guest.swap += most_of(|r| r.swap).unwrap_or_default();
    guest.shared_swap += most_of(|r| if r.shared { r.swap } else { Bytes::ZERO }).unwrap_or_default();
}

fn regions(
    procfs: &ProcFs,
    process: ProcessId,
    wanted: impl Fn(&((u32, u32), u64)) -> bool,
    buffer: &mut Buffer,
) -> Result<Vec<Region>, ReadError> {
    let dir = procfs.process_that_is(process, buffer)?;
    let mut regions = Vec::new();
    mappings::read(&dir, buffer, |mapping| {
        regions.extend(Region::of(mapping).filter(|region| wanted(&region.file)));
    })?;
    Ok(regions)
}

/// The regions that make up the backends, each used once; nothing if one of them is not found.
fn match_backends(regions: &[Region], backends: &[Bytes]) -> Option<Vec<usize>> {
    if backends.is_empty() {
        return None;
    }
    let mut used = vec![false; regions.len()];
    for backend in backends {
        let found = whole(regions, &used, backend.0)
            .or_else(|| neighbours(regions, &used, backend.0))
            .or_else(|| one_file(regions, &used, backend.0))?;
        for index in found {
            used[index] = true;
        }
    }
    Some((0..regions.len()).filter(|&index| used[index]).collect())
}

/// One mapping of exactly this size; of several the one that holds most.
fn whole(regions: &[Region], used: &[bool], size: u64) -> Option<Vec<usize>> {
    (0..regions.len())
        .filter(|&index| !used[index] && regions[index].size() == size)
        .max_by_key(|&index| {
            regions[index].resident + regions[index].hugetlb_private + regions[index].hugetlb_shared
        })
        .map(|index| vec![index])
}

/// Mappings of one kind next to each other that add up to this size.
fn neighbours(regions: &[Region], used: &[bool], size: u64) -> Option<Vec<usize>> {
    (0..regions.len()).find_map(|first| {
        let mut sum = 0;
        for last in first..regions.len() {
            let region = &regions[last];
            let continues = last == first
                || (regions[last - 1].end == region.start && regions[first].file == region.file);
            if used[last] || !continues {
                return None;
            }
            sum += region.size();
            if sum >= size {
                return (sum == size).then(|| (first..=last).collect());
            }
        }
        None
    })
}

/// All mappings of one file that add up to this size, wherever they lie.
fn one_file(regions: &[Region], used: &[bool], size: u64) -> Option<Vec<usize>> {
    (0..regions.len()).filter(|&index| !used[index] && !regions[index].is_private()).find_map(|first| {
        let of_file: Vec<_> =
            (0..regions.len()).filter(|&i| !used[i] && regions[i].file == regions[first].file).collect();
        let sum: u64 = of_file.iter().map(|&index| regions[index].size()).sum();
        (sum == size).then_some(of_file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn region(start: u64, size: u64, inode: u64, resident: u64) -> Region {
        Region {
            start,
            end: start + size,
            file: ((0, u32::from(inode != 0)), inode),
            shared: inode != 0,
            resident: Bytes(resident),
            proportional: Bytes(resident),
            anonymous: Bytes::ZERO,
            hugetlb_private: Bytes::ZERO,
            hugetlb_shared: Bytes::ZERO,
            swap: Bytes::ZERO,
        }
    }

    #[test]
    fn a_backend_is_the_mapping_of_its_exact_size() {
        let regions =
            [region(0, MIB, 0, 5), region(4 * MIB, 512 * MIB, 0, 7), region(600 * MIB, 513 * MIB, 0, 9)];
        assert_eq!(match_backends(&regions, &[Bytes(512 * MIB)]), Some(vec![1]));
        assert_eq!(match_backends(&regions, &[Bytes(511 * MIB)]), None);
        assert_eq!(match_backends(&regions, &[]), None);
    }

    #[test]
    fn a_backend_that_was_split_is_its_neighbours() {
        let regions = [
            region(0, 2 * MIB, 0, 1),
            region(2 * MIB, 100 * MIB, 0, 2),
            region(102 * MIB, 156 * MIB, 0, 3),
            region(400 * MIB, 10 * MIB, 0, 4),
        ];
        assert_eq!(match_backends(&regions, &[Bytes(256 * MIB)]), Some(vec![1, 2]));
    }

    #[test]
    fn two_backends_of_one_size_are_two_mappings() {
        let regions = [region(0, 64 * MIB, 0, 1), region(100 * MIB, 64 * MIB, 0, 2)];
        assert_eq!(match_backends(&regions, &[Bytes(64 * MIB); 2]), Some(vec![0, 1]));
        assert_eq!(match_backends(&regions, &[Bytes(64 * MIB); 3]), None);
    }

    #[test]
    fn a_shared_file_mapped_in_pieces_is_found_by_its_inode() {
        let regions =
            [region(0, 32 * MIB, 9, 1), region(90 * MIB, 32 * MIB, 9, 2), region(200 * MIB, MIB, 8, 3)];
        assert_eq!(match_backends(&regions, &[Bytes(64 * MIB)]), Some(vec![0, 1]));
    }

    #[test]
    fn shared_ram_is_resident_once_and_proportional_in_sum() {
        let half =
            |resident: u64| Region { proportional: Bytes(resident / 2), ..region(0, MIB, 9, resident) };
        let mut guest = GuestMemory::default();
        add_shared(&mut guest, &[vec![half(1000)], vec![half(800)]]);
        assert_eq!((guest.resident, guest.proportional), (Bytes(1000), Bytes(900)));
        assert_eq!(guest.shared_memory(), Bytes(900));
    }
}
