//! `/proc/PID/io`: what a process made the disks do.
//!
//! `key: value` lines in bytes (`do_io_accounting` in `fs/proc/base.c`; CONFIG_TASK_IO_ACCOUNTING, described
//! in Documentation/filesystems/proc.rst). `rchar` and `wchar` count what passed through system calls, cache
//! and pipes too, and are not used; `read_bytes` and `write_bytes` count what the block layer was asked for.
//! Reading it takes the rights of a debugger (`PTRACE_MODE_READ`).

use serde::{Deserialize, Serialize};

use super::scan::Lines;
use crate::error::Malformed;
use crate::units::Bytes;

/// What is used of `/proc/PID/io`: totals since the process started, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PidIo {
    /// `read_bytes`: fetched from storage.
    pub read: Bytes,
    /// `write_bytes`: dirtied in the page cache, so to be written to storage.
    pub written: Bytes,
    /// `cancelled_write_bytes`: counted in `written`, but truncated before it got to storage.
    pub cancelled: Bytes,
}

/// Reads the text of `/proc/PID/io`.
pub fn parse(text: &[u8]) -> Result<PidIo, Malformed> {
    let (mut read, mut written, mut cancelled) = (None, None, None);
    let mut lines = Lines::of_some(text)?;
    for entry in lines.by_ref().filter_map(|line| line.entry(b':')) {
        match entry.key {
            b"read_bytes" => read = Some(Bytes(entry.number()?)),
            b"write_bytes" => written = Some(Bytes(entry.number()?)),
            b"cancelled_write_bytes" => cancelled = Some(Bytes(entry.number()?)),
            _ => {}
        }
    }
    Ok(PidIo {
        read: read.ok_or_else(|| lines.missing("read_bytes"))?,
        written: written.ok_or_else(|| lines.missing("write_bytes"))?,
        cancelled: cancelled.ok_or_else(|| lines.missing("cancelled_write_bytes"))?,
    })
}

#[cfg(test)]
mod tests {
    use procfs_core::FromRead;
    use proptest::prelude::*;

    use super::*;

    /// libvirtd 9.0, Linux 6.18.
    const LIBVIRTD: &str = "\
rchar: 967940
wchar: 396719
syscr: 4640
syscw: 6388
read_bytes: 27705344
write_bytes: 552960
cancelled_write_bytes: 4096
";

    #[test]
    fn a_real_libvirtd_is_read() {
        let expected = PidIo { read: Bytes(27_705_344), written: Bytes(552_960), cancelled: Bytes(4096) };
        assert_eq!(parse(LIBVIRTD.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_line_that_is_missing_is_named() {
        let text = LIBVIRTD.replace("read_bytes: 27705344\n", "");
        assert_eq!(
            parse(text.as_bytes()).unwrap_err().to_string(),
            "line 6: no line `read_bytes` up to the end"
        );
        assert_eq!(parse(b"").unwrap_err().to_string(), "line 1: the file is empty");
    }

    #[test]
    fn the_procfs_crate_reads_the_same() {
        let ours = parse(LIBVIRTD.as_bytes()).unwrap();
        let theirs = procfs_core::process::Io::from_read(LIBVIRTD.as_bytes()).unwrap();
        assert_eq!(ours.read.0, theirs.read_bytes);
        assert_eq!(ours.written.0, theirs.write_bytes);
        assert_eq!(ours.cancelled.0, theirs.cancelled_write_bytes);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn what_a_kernel_prints_is_read_back(read: u64, written: u64, cancelled: u64) {
            let text = format!(
                "rchar: 1\nread_bytes: {read}\nwrite_bytes: {written}\ncancelled_write_bytes: {cancelled}\n"
            );
            let expected = PidIo { read: Bytes(read), written: Bytes(written), cancelled: Bytes(cancelled) };
            prop_assert_eq!(parse(text.as_bytes()), Ok(expected));
        }
    }
}
