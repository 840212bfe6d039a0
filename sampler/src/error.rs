//! Errors that a caller can act on.
//!
//! Three things go wrong under `/proc`, and each wants another answer: a process ends between two reads
//! (`ENOENT`, `ESRCH`: normal), a file is not ours to read (`EACCES`, `EPERM`: a partial result, counted),
//! or the kernel says something unknown (an error that names path, line and field).

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

/// Text that is not what the kernel documents.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// Line number, from 1.
    pub line: usize,
    /// What was expected there, or what was found.
    pub what: String,
}

impl Malformed {
    /// At line `line` (from 1), `what` is wrong.
    pub fn new(line: usize, what: impl Into<String>) -> Malformed {
        Malformed { line, what: what.into() }
    }
}

/// Why a file could not be read.
#[derive(Debug, Error)]
pub enum Reason {
    /// The process or the file is gone: `ENOENT`, `ESRCH`, `ENODEV`.
    #[error("it is not there")]
    Vanished,
    /// `EACCES` or `EPERM`.
    #[error("permission denied")]
    Denied,
    /// The content is not what the kernel documents.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Any other failure of the operating system.
    #[error(transparent)]
    Io(io::Error),
}

impl Reason {
    /// From what the operating system answered.
    pub(crate) fn of(errno: Errno) -> Reason {
        match errno {
            Errno::NOENT | Errno::SRCH | Errno::NODEV => Reason::Vanished,
            Errno::ACCESS | Errno::PERM => Reason::Denied,
            other => Reason::Io(other.into()),
        }
    }
}

/// A file that could not be read, and why.
#[derive(Debug, Error)]
#[error("{}: {reason}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: Reason,
}

impl ReadError {
    /// `path` could not be read because of `reason`.
    pub fn new(path: impl Into<PathBuf>, reason: Reason) -> ReadError {
        ReadError { path: path.into(), reason }
    }

    /// From an error of the operating system.
    pub fn io(path: &Path, error: io::Error) -> ReadError {
        let reason = match error.raw_os_error() {
            Some(errno) => Reason::of(rustix::io::Errno::from_raw_os_error(errno)),
            None => Reason::Io(error),
        };
        ReadError::new(path, reason)
    }

    /// Whether what was to be read is gone.
    pub fn is_vanished(&self) -> bool {
        matches!(self.reason, Reason::Vanished)
    }

    /// Whether reading was not allowed.
    pub fn is_denied(&self) -> bool {
        matches!(self.reason, Reason::Denied)
    }
}
