//! `/proc/PID/smaps_rollup`: what a process' memory comes to, shared pages by their share.
//!
//! A head line with `[rollup]`, then the sums of what `smaps` says of each mapping (Linux 4.14;
//! `show_smaps_rollup` in `fs/proc/task_mmu.c`, Documentation/ABI/testing/procfs-smaps_rollup). Pss_Anon,
//! Pss_File and Pss_Shmem came with Linux 5.3 (commit ee2ad71b0756), KSM with 6.6 (commit 8b47933544a6). Rss
//! and Pss leave huge pages of hugetlbfs out: those are in Shared_Hugetlb and Private_Hugetlb. A process
//! without memory of its own (kernel thread, zombie) has no such text: the read fails with ESRCH.

use serde::{Deserialize, Serialize};

use super::scan::Lines;
use crate::error::Malformed;
use crate::units::Bytes;

/// What is used of `/proc/PID/smaps_rollup`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmapsRollup {
    /// `Rss`: pages in memory.
    pub rss: Bytes,
    /// `Pss`: pages in memory, each divided by the number of mappings it has.
    pub pss: Bytes,
    /// `Pss_Anon`: the part of `pss` that no file backs; absent before Linux 5.3.
    pub pss_anon: Option<Bytes>,
    /// `Pss_File`: the part of `pss` of files; absent before Linux 5.3.
    pub pss_file: Option<Bytes>,
    /// `Pss_Shmem`: the part of `pss` in shared memory; absent before Linux 5.3.
    pub pss_shmem: Option<Bytes>,
    /// `Anonymous`: the part of `rss` that no file backs, copies of file pages too.
    pub anonymous: Bytes,
    /// `Shared_Hugetlb`: huge pages that others have mapped too, undivided.
    pub shared_hugetlb: Bytes,
    /// `Private_Hugetlb`: huge pages that nobody else has mapped.
    pub private_hugetlb: Bytes,
    /// `Swap`: pages in swap, those of shared memory too.
    pub swap: Bytes,
    /// `SwapPss`: pages in swap, each divided by the number of its users.
    pub swap_pss: Bytes,
    /// `KSM`: the part of `anonymous` that the kernel merged with equal pages; absent before Linux 6.6.
    pub ksm: Option<Bytes>,
}

/// Reads the text of `/proc/PID/smaps_rollup`.
pub fn parse(text: &[u8]) -> Result<SmapsRollup, Malformed> {
    let (mut rss, mut pss, mut anonymous) = (None, None, None);
    let (mut shared_hugetlb, mut private_hugetlb, mut swap, mut swap_pss) = (None, None, None, None);
    let mut rollup = SmapsRollup::default();
    let mut lines = Lines::of_whole(text)?;
    for entry in lines.by_ref().filter_map(|line| line.entry(b':')) {
        match entry.key {
            b"Rss" => rss = Some(entry.kib()?),
            b"Pss" => pss = Some(entry.kib()?),
            b"Pss_Anon" => rollup.pss_anon = Some(entry.kib()?),
            b"Pss_File" => rollup.pss_file = Some(entry.kib()?),
            b"Pss_Shmem" => rollup.pss_shmem = Some(entry.kib()?),
            b"Anonymous" => anonymous = Some(entry.kib()?),
            b"KSM" => rollup.ksm = Some(entry.kib()?),
            b"Shared_Hugetlb" => shared_hugetlb = Some(entry.kib()?),
            b"Private_Hugetlb" => private_hugetlb = Some(entry.kib()?),
            b"Swap" => swap = Some(entry.kib()?),
            b"SwapPss" => swap_pss = Some(entry.kib()?),
            _ => {}
        }
    }
    rollup.rss = rss.ok_or_else(|| lines.missing("Rss"))?;
    rollup.pss = pss.ok_or_else(|| lines.missing("Pss"))?;
    rollup.anonymous = anonymous.ok_or_else(|| lines.missing("Anonymous"))?;
    rollup.shared_hugetlb = shared_hugetlb.ok_or_else(|| lines.missing("Shared_Hugetlb"))?;
    rollup.private_hugetlb = private_hugetlb.ok_or_else(|| lines.missing("Private_Hugetlb"))?;
    rollup.swap = swap.ok_or_else(|| lines.missing("Swap"))?;
    rollup.swap_pss = swap_pss.ok_or_else(|| lines.missing("SwapPss"))?;
    Ok(rollup)
}

#[cfg(test)]
mod tests {
    use procfs_core::FromRead;
    use proptest::prelude::*;

    use super::*;

    /// qemu-kvm with a 512 MiB guest, Linux 6.18.
    const QEMU: &str = "\
55e295005000-7ffc509ef000 ---p 00000000 00:00 0                          [rollup]
Rss:               53624 kB
Pss:               47981 kB
Pss_Dirty:         30760 kB
Pss_Anon:          30760 kB
Pss_File:          17221 kB
Pss_Shmem:             0 kB
Shared_Clean:       7664 kB
Shared_Dirty:          0 kB
Private_Clean:     15200 kB
Private_Dirty:     30760 kB
Referenced:        53624 kB
Anonymous:         30760 kB
KSM:                   0 kB
LazyFree:              0 kB
AnonHugePages:     12288 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:         0 kB
Shared_Hugetlb:        0 kB
Private_Hugetlb:       0 kB
Swap:                  0 kB
SwapPss:               0 kB
Locked:                0 kB
";

    fn without(keys: &[&str]) -> String {
        let is_kept = |line: &&str| !keys.iter().any(|key| line.starts_with(&format!("{key}:")));
        QEMU.split_inclusive('\n').filter(is_kept).collect()
    }

    #[test]
    fn a_real_qemu_is_read() {
        let expected = SmapsRollup {
            rss: Bytes::from_kib(53624),
            pss: Bytes::from_kib(47981),
            pss_anon: Some(Bytes::from_kib(30760)),
            pss_file: Some(Bytes::from_kib(17221)),
            pss_shmem: Some(Bytes::ZERO),
            anonymous: Bytes::from_kib(30760),
            shared_hugetlb: Bytes::ZERO,
            private_hugetlb: Bytes::ZERO,
            swap: Bytes::ZERO,
            swap_pss: Bytes::ZERO,
            ksm: Some(Bytes::ZERO),
        };
        assert_eq!(parse(QEMU.as_bytes()), Ok(expected));
    }

    #[test]
    fn an_older_kernel_does_not_split_pss() {
        let text = without(&["Pss_Dirty", "Pss_Anon", "Pss_File", "Pss_Shmem", "KSM"]);
        let rollup = parse(text.as_bytes()).unwrap();
        assert_eq!([rollup.pss_anon, rollup.pss_file, rollup.pss_shmem, rollup.ksm], [None; 4]);
        assert_eq!(rollup.pss, Bytes::from_kib(47981));
    }

    #[test]
    fn huge_pages_and_swap_have_fields_of_their_own() {
        let text = QEMU
            .replace("Shared_Hugetlb:        0", "Shared_Hugetlb:     2048")
            .replace("Private_Hugetlb:       0", "Private_Hugetlb:  524288")
            .replace("Swap:                  0", "Swap:                300")
            .replace("SwapPss:               0", "SwapPss:             150");
        let rollup = parse(text.as_bytes()).unwrap();
        assert_eq!(rollup.shared_hugetlb, Bytes::from_kib(2048));
        assert_eq!(rollup.private_hugetlb, Bytes::from_kib(524_288));
        assert_eq!((rollup.swap, rollup.swap_pss), (Bytes::from_kib(300), Bytes::from_kib(150)));
    }

    #[test]
    fn a_sum_without_one_of_its_parts_is_refused_by_name() {
        for key in ["Rss", "Pss", "Anonymous", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss"] {
            let wrong = parse(without(&[key]).as_bytes()).unwrap_err();
            assert_eq!(wrong.to_string(), format!("line 22: no line `{key}` up to the end"));
        }
    }

    #[test]
    fn a_text_cut_short_is_refused_wherever_it_was_cut() {
        // Without its last line, Locked, it has all that is used.
        let whole = QEMU.find("Locked").unwrap();
        for end in 0..whole {
            assert!(parse(&QEMU.as_bytes()[..end]).is_err(), "cut at {end}");
        }
        let wrong = parse(&QEMU.as_bytes()[..QEMU.len() - 1]).unwrap_err();
        assert_eq!(wrong.to_string(), "line 23: cut short: the last line has no newline");
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        let ours = parse(QEMU.as_bytes()).unwrap();
        let theirs = procfs_core::process::SmapsRollup::from_read(QEMU.as_bytes()).unwrap();
        let sums = &theirs.memory_map_rollup.0[0].extension.map;
        for (key, bytes) in [
            ("Rss", ours.rss),
            ("Pss", ours.pss),
            ("Pss_Anon", ours.pss_anon.unwrap()),
            ("Pss_File", ours.pss_file.unwrap()),
            ("Pss_Shmem", ours.pss_shmem.unwrap()),
            ("Anonymous", ours.anonymous),
            ("KSM", ours.ksm.unwrap()),
            ("Shared_Hugetlb", ours.shared_hugetlb),
            ("Private_Hugetlb", ours.private_hugetlb),
            ("Swap", ours.swap),
            ("SwapPss", ours.swap_pss),
        ] {
            assert_eq!(bytes, Bytes(sums[key]), "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn text_like_it_does_not_panic(
            text in "(Rss|Pss|Pss_Anon|Anonymous|Swap|SwapPss|:| kB|[0-9]{1,21}|\n| ){0,80}",
        ) {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(kib in prop::collection::vec(0..1u64 << 54, 11)) {
            let keys = [
                "Rss", "Pss", "Pss_Anon", "Pss_File", "Pss_Shmem", "Anonymous", "KSM", "Shared_Hugetlb",
                "Private_Hugetlb", "Swap", "SwapPss",
            ];
            let mut text = String::from("55e295005000-7ffc509ef000 ---p 00000000 00:00 0    [rollup]\n");
            for (key, kib) in keys.iter().zip(&kib) {
                text += &format!("{:<16}{kib:8} kB\n", format!("{key}:"));
            }
            let rollup = parse(text.as_bytes()).unwrap();
            let read = [
                rollup.rss,
                rollup.pss,
                rollup.pss_anon.unwrap(),
                rollup.pss_file.unwrap(),
                rollup.pss_shmem.unwrap(),
                rollup.anonymous,
                rollup.ksm.unwrap(),
                rollup.shared_hugetlb,
                rollup.private_hugetlb,
                rollup.swap,
                rollup.swap_pss,
            ];
            prop_assert_eq!(read.map(Bytes::kib).to_vec(), kib);
        }
    }
}
