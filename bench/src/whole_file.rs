//! A file that is complete or absent.
//!
//! It is written beside its target and gets its name when the last byte is on the disk (`rename` replaces
//! atomically within a file system, rename(2)). A symbolic link is followed: what it points to is replaced,
//! not the link. A target that is no regular file (`/dev/null`, `/dev/stdout`, a FIFO) is written to as it
//! is: a rename would put a file in the place of the device.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Who may read a new file; the umask takes its share.
const NEW: u32 = 0o644;

/// A file that is being written.
#[derive(Debug)]
pub struct WholeFile(Target);

#[derive(Debug)]
enum Target {
    Regular { path: PathBuf, beside: NamedTempFile },
    Special(File),
}

impl WholeFile {
    /// Opens a file beside `path`, so that a directory that can't be written is known at once.
    ///
    /// # Errors
    /// Where the directory is missing or not ours to write, or `path` is a directory or not ours to replace.
    pub fn create(path: &Path) -> io::Result<WholeFile> {
        let (path, mode) = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => {
                return Ok(WholeFile(Target::Special(OpenOptions::new().write(true).open(path)?)));
            }
            Ok(metadata) => {
                // Whoever took away the right to write it did not mean it to be replaced.
                OpenOptions::new().write(true).open(path)?;
                (fs::canonicalize(path)?, metadata.permissions().mode() & 0o777)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_path_buf(), NEW),
            Err(error) => return Err(error),
        };
        let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = tempfile::Builder::new()
            .prefix(".edgebench-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory)
            // The name of the temporary file, which the error carries, says nothing to anybody.
            .map_err(|error| io::Error::from(error.kind()))?;
        Ok(WholeFile(Target::Regular { path, beside }))
    }

    /// Whether [`create`](WholeFile::create) is going to work, without touching what is no regular file: a
    /// FIFO that is opened and closed is at its end for its reader.
    ///
    /// # Errors
    /// As `create`.
    pub fn check(path: &Path) -> io::Result<()> {
        let special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        if special { Ok(()) } else { WholeFile::create(path).map(drop) }
    }

    /// What is written to.
    pub fn file(&self) -> &File {
        match &self.0 {
            Target::Regular { beside, .. } => beside.as_file(),
            Target::Special(file) => file,
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where not all of it reached the disk; the target is then as it was.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Target::Regular { path, beside } => {
                beside.as_file().sync_all()?;
                beside.persist(path).map(drop).map_err(|error| error.error)
            }
            Target::Special(_) => Ok(()),
        }
    }
}
