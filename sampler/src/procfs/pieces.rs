//! Files too large to be held whole: `smaps` of a qemu has hundreds of KiB to megabytes, and whoever reads it
//! again and again would keep that much memory for good.
//!
//! The kernel gives such a file a page at a time anyway (`fs/seq_file.c`), whole records in each.

use rustix::fs::{Mode, OFlags};

use super::{Buffer, LARGEST, ProcessDir, ProcessFile};
use crate::error::ReadError;

/// How much is read before it is handed on: far more than one record.
const PIECE: usize = 64 << 10;

impl ProcessDir<'_> {
    /// Reads one of its files piece by piece. `take` gets the text that it has not taken yet, and whether that
    /// is all that is left of the file; it answers how many bytes it has taken.
    ///
    /// # Errors
    /// Where the file can't be read, or `take` fails.
    pub fn read_in_pieces(
        &self,
        file: ProcessFile,
        buffer: &mut Buffer,
        mut take: impl FnMut(&[u8], bool) -> Result<usize, ReadError>,
    ) -> Result<(), ReadError> {
        let failed = |errno| self.failed(file.name(), errno);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.dir, file.name(), flags, Mode::empty()).map_err(failed)?;
        let bytes = &mut buffer.bytes;
        bytes.clear();
        let mut read = 0;
        loop {
            // A record longer than a piece makes room for itself.
            bytes.reserve(PIECE.saturating_sub(bytes.len()).max(4096));
            while bytes.len() < bytes.capacity() {
                let got = match rustix::io::read(&fd, rustix::buffer::spare_capacity(bytes)) {
                    Err(rustix::io::Errno::INTR) => continue,
                    other => other.map_err(failed)?,
                };
                read += got;
                if got == 0 || read >= LARGEST {
                    return take(bytes, true).map(drop);
                }
            }
            let taken = take(bytes, false)?;
            bytes.drain(..taken.min(bytes.len()));
        }
    }
}
