//! `/proc/PID/statm`: the size of a process in pages.
//!
//! `size resident shared text lib data dt` (`proc_pid_statm` in `fs/proc/array.c`). `shared` is file pages
//! and shared memory together (`task_statm` in `fs/proc/task_mmu.c`). All zero for a kernel thread and a
//! zombie.

use serde::{Deserialize, Serialize};

use super::scan::Words;
use crate::error::Malformed;
use crate::units::Pages;

/// What is used of `/proc/PID/statm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statm {
    /// Pages of address space.
    pub size: Pages,
    /// Pages in memory: `top`'s RES. Huge pages of hugetlbfs are not in it.
    pub resident: Pages,
    /// The resident pages of files and shared memory, shared or not.
    pub shared: Pages,
}

/// Reads the text of `/proc/PID/statm`.
pub fn parse(text: &[u8]) -> Result<Statm, Malformed> {
    let mut words = Words::of(1, text);
    Ok(Statm {
        size: Pages(words.number("size")?),
        resident: Pages(words.number("resident")?),
        shared: Pages(words.number("shared")?),
    })
}

#[cfg(test)]
mod tests {
    use procfs_core::FromRead;
    use proptest::prelude::*;

    use super::*;

    /// qemu-kvm with a 512 MiB guest, Linux 6.18.
    const QEMU: &str = "511951 13406 5716 1431 0 422063 0\n";

    #[test]
    fn a_real_qemu_is_read() {
        let expected = Statm { size: Pages(511951), resident: Pages(13406), shared: Pages(5716) };
        assert_eq!(parse(QEMU.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_kernel_thread_has_no_memory() {
        assert_eq!(parse(b"0 0 0 0 0 0 0\n"), Ok(Statm::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parse(b"").unwrap_err().to_string(), "line 1: size is missing");
        assert_eq!(parse(b"1 2\n").unwrap_err().to_string(), "line 1: shared is missing");
        assert_eq!(parse(b"1 -2 3\n").unwrap_err().to_string(), "line 1: resident is not a number: `-2`");
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        let ours = parse(QEMU.as_bytes()).unwrap();
        let theirs = procfs_core::process::StatM::from_read(QEMU.as_bytes()).unwrap();
        assert_eq!(
            (ours.size.0, ours.resident.0, ours.shared.0),
            (theirs.size, theirs.resident, theirs.shared)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(size: u64, resident: u64, shared: u64) {
            let expected = Statm { size: Pages(size), resident: Pages(resident), shared: Pages(shared) };
            prop_assert_eq!(parse(format!("{size} {resident} {shared} 1 0 2 0\n").as_bytes()), Ok(expected));
        }
    }
}
