//! Files of `/proc` and of cgroups that stay open.
//!
//! A read at offset 0 makes a `seq_file` anew (`fs/seq_file.c`, `seq_read_iter`), so a kept descriptor gives
//! fresh content each time, for a third of what open, read and close cost (measured: 17.6 instead of 41 µs for
//! `stat` and `statm` of 12 processes). It pins the kernel's `struct pid`: once the process is reaped it answers
//! `ESRCH`, also when its number is in use again. A removed cgroup answers `ENODEV`.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::Buffer;
use crate::error::Reason;

/// A file that stays open.
#[derive(Debug)]
pub struct KeptFile {
    fd: OwnedFd,
    /// Whether one `read` gives it whole (`single_open`). Others come a page at a time.
    in_one_read: bool,
}

impl KeptFile {
    pub(super) fn new(fd: OwnedFd, in_one_read: bool) -> KeptFile {
        KeptFile { fd, in_one_read }
    }

    /// Reads it anew, whole.
    ///
    /// # Errors
    /// `Vanished` where the process or the cgroup is gone.
    pub fn read<'b>(&self, buffer: &'b mut Buffer) -> Result<&'b [u8], Reason> {
        let bytes = &mut buffer.bytes;
        bytes.clear();
        bytes.reserve(4096);
        loop {
            let offset = bytes.len() as u64;
            let room = bytes.capacity() - bytes.len();
            let got = match rustix::io::pread(&self.fd, rustix::buffer::spare_capacity(bytes), offset) {
                Err(Errno::INTR) => continue,
                other => other.map_err(Reason::of)?,
            };
            if got == 0 || (self.in_one_read && got < room) || bytes.len() >= super::LARGEST {
                return Ok(bytes);
            }
            if bytes.len() == bytes.capacity() {
                bytes.reserve(bytes.capacity());
            }
        }
    }
}

/// The directory `fd` of a process, kept to count its entries.
#[derive(Debug)]
pub struct KeptFdDirectory {
    pub(super) fd: OwnedFd,
}

impl KeptFdDirectory {
    /// How many files the process has open: the directory's size since Linux 6.2 (`fs/proc/fd.c`,
    /// `proc_fd_getattr`), its entries before.
    ///
    /// # Errors
    /// `Vanished` where the process is gone, `Denied` where the entries may not be listed.
    pub fn count(&self) -> Result<u64, Reason> {
        let stat = rustix::fs::fstat(&self.fd).map_err(Reason::of)?;
        if stat.st_size > 0 {
            return Ok(stat.st_size as u64);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&self.fd, c".", flags, Mode::empty()).map_err(Reason::of)?;
        let mut space = [MaybeUninit::uninit(); 8 << 10];
        let mut entries = RawDir::new(dir, &mut space);
        let mut count = 0;
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(Reason::of)?;
            count += u64::from(!entry.file_name().to_bytes().starts_with(b"."));
        }
        Ok(count)
    }
}
