//! The program's own code, and how little of it has to be in its memory.
//!
//! A page of the program that is touched is mapped together with its neighbours, 64 KiB at a time, if the page cache
//! has them (`do_fault_around`, mm/memory.c), and stays mapped. Reading flags, setting up TLS and the first lists of
//! the API server touch two thirds of the windows of the text; a scrape touches a tenth of its pages. What only the
//! start needed would be most of what this process weighs, for good.
//!
//! `MADV_DONTNEED` takes pages of a private mapping of a file out of this process; the next access brings them back
//! from the page cache, or from the file, with what the file holds (madvise(2)). Measured with musl, a minute after the
//! start (`exporter/benches/peers --memory`): 3.9 MB are resident where 7.3 MB were before this and before dependencies
//! were compiled for size. The pages that are needed again cost about thirty minor faults.

#![expect(unsafe_code, reason = "there is no safe call that takes clean pages out of a process")]

use std::ffi::c_void;
use std::ops::Range;
use std::time::Duration;

use edgebench_sampler::parse::pid_smaps::{Mapping, mappings};
use edgebench_sampler::units::Bytes;
use rustix::mm::{Advice, madvise};

/// How long to wait before each of the first two times: the first scrapes and the lists of the API server are over,
/// and every source has been asked.
pub(crate) const FIRST: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];

/// How long to wait from then on: what is seldom used does not stay.
pub(crate) const EVERY: Duration = Duration::from_secs(600);

/// Takes the program's clean pages out of this process. Without a `/proc` of its own it does nothing.
pub(crate) fn give_back() {
    let Ok(smaps) = std::fs::read("/proc/self/smaps") else { return };
    let here = give_back as *const () as u64;
    for range in clean_mappings(&smaps, here) {
        let start = std::ptr::with_exposed_provenance_mut::<c_void>(range.start);
        // SAFETY: the range is a private mapping of the program's file which this process can't write and which held
        // no page of its own, in memory or in swap: what is read there later comes from the file again, and is the
        // same. It is still that mapping: the program's file is mapped, relocated and protected before `main`, and
        // nothing in this program changes mappings or protection of its own code.
        if let Err(error) = unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) } {
            tracing::debug!(%error, "can't give back pages of the program");
        }
    }
}

/// Where, in the text of `smaps`, the file is mapped from which the code at the address `here` runs, as far as its
/// pages hold what the file holds.
fn clean_mappings(smaps: &[u8], here: u64) -> Vec<Range<usize>> {
    let all: Vec<Mapping<'_>> = mappings(smaps).map_while(Result::ok).collect();
    let Some(own) = all.iter().find(|mapping| (mapping.start..mapping.end).contains(&here)) else {
        return Vec::new();
    };
    let clean = |mapping: &&Mapping<'_>| {
        let of_the_program = (mapping.device, mapping.inode) == (own.device, own.inode) && mapping.inode != 0;
        let unchanged = mapping.anonymous == Bytes(0) && mapping.swap == Bytes(0);
        of_the_program && !mapping.shared && !mapping.writable && unchanged
    };
    let range = |mapping: &Mapping<'_>| {
        Some(usize::try_from(mapping.start).ok()?..usize::try_from(mapping.end).ok()?)
    };
    all.iter().filter(clean).filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(head: &str, anonymous: u64, swap: u64) -> String {
        format!(
            "{head}\nRss: 64 kB\nPss: 64 kB\nShared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\nAnonymous: {anonymous} kB\n\
             Swap: {swap} kB\n"
        )
    }

    #[test]
    fn only_what_the_programs_file_holds_too_is_given_back() {
        let smaps = [
            mapping("1000-2000 r--p 00000000 fe:01 7 /exporter", 0, 0),
            mapping("2000-5000 r-xp 00001000 fe:01 7 /exporter", 0, 0),
            // Relocated, then protected.
            mapping("5000-6000 r--p 00004000 fe:01 7 /exporter", 4, 0),
            mapping("6000-7000 r--p 00005000 fe:01 7 /exporter", 0, 4),
            mapping("7000-8000 rw-p 00006000 fe:01 7 /exporter", 0, 0),
            mapping("8000-9000 r--s 00007000 fe:01 7 /exporter", 0, 0),
            // A library may be in the middle of being loaded.
            mapping("a000-b000 r-xp 00000000 fe:01 8 /lib/libc.so", 0, 0),
            mapping("c000-d000 r-xp 00000000 00:00 0 [vdso]", 0, 0),
        ]
        .concat();

        assert_eq!(clean_mappings(smaps.as_bytes(), 0x2abc), [0x1000..0x2000, 0x2000..0x5000]);
        assert!(clean_mappings(smaps.as_bytes(), 0x9000).is_empty());
        assert!(clean_mappings(smaps.as_bytes(), 0xcabc).is_empty());
    }

    #[test]
    fn what_was_given_back_comes_again_when_it_is_used() {
        let before = resident_text();
        give_back();
        let after = resident_text();

        assert!(after < before, "{after} of {before} bytes are left");
        // Code that ran before runs again.
        assert_eq!(format!("{:.3}", std::hint::black_box(2.0_f64).sqrt()), "1.414");
    }

    /// Of the file that this test runs from.
    fn resident_text() -> u64 {
        let smaps = std::fs::read("/proc/self/smaps").unwrap();
        let here = give_back as *const () as u64;
        let clean = clean_mappings(&smaps, here);
        mappings(&smaps)
            .map(Result::unwrap)
            .filter(|mapping| clean.iter().any(|range| range.start as u64 == mapping.start))
            .map(|mapping| mapping.rss.0)
            .sum()
    }
}
