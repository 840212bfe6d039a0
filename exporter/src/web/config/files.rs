//! The files of a web configuration, and whether one of them has changed since it was read.
//!
//! The toolkit reads them at every handshake. A look at size, times and inode costs a microsecond a file, so
//! they are read again only when one differs. Kubernetes replaces a mounted secret by turning the symbolic link
//! `..data` (`pkg/volume/util/atomic_writer.go`), which changes the inode that `stat(2)` sees. A file written
//! twice within one tick of the kernel's clock (4 ms at 250 Hz) keeps its times, so a file that was that young
//! when it was looked at is not believed to be unchanged.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::web::error::ConfigError;

/// A certificate chain or a configuration is some KiB. More is a mistake.
const MAX_BYTES: u64 = 1024 * 1024;

/// How old a change must be to be certain that no other has the same times.
const SETTLED: Duration = Duration::from_secs(2);

/// What `stat(2)` says of a file. None: it is not there or can't be looked at.
type Stamp = Option<(u64, u64, u64, i64, i64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let seen = std::fs::metadata(path).ok()?;
    Some((
        seen.dev(),
        seen.ino(),
        seen.size(),
        seen.mtime(),
        seen.mtime_nsec(),
        seen.ctime(),
        seen.ctime_nsec(),
    ))
}

/// Files that were read, as they were just before.
#[derive(Debug, Default)]
pub struct Files {
    main: PathBuf,
    seen: Vec<(PathBuf, Stamp)>,
    settled: bool,
    contents: DefaultHasher,
}

impl Files {
    /// The files of the configuration at `main`, none of which is read yet.
    pub fn of(main: &Path) -> Files {
        Files { main: main.to_owned(), seen: Vec::new(), settled: true, contents: DefaultHasher::new() }
    }

    /// A path in the configuration: relative to its directory, as in the toolkit.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.main.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Reads a regular file and remembers how it looked.
    pub fn read(&mut self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        let stamp = stamp(path);
        self.settled &= stamp.is_none_or(is_settled);
        self.seen.push((path.to_owned(), stamp));
        let text = read(path).map_err(|reason| {
            // It may be for want of file descriptors, which no stamp shows.
            self.settled = false;
            ConfigError::Unreadable { path: path.to_owned(), reason }
        })?;
        (path, &text).hash(&mut self.contents);
        Ok(text)
    }

    /// Equal for equal files: whether what was read is what was read before.
    pub fn digest(&self) -> u64 {
        self.contents.finish()
    }

    /// Whether a file that was read is not the same any more, or one could not be read.
    pub fn changed(&self) -> bool {
        !self.settled || self.seen.iter().any(|(path, seen)| stamp(path) != *seen)
    }

    /// The configuration asks for what can't be done.
    pub fn invalid(&self, key: &str, what: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { path: self.main.clone(), key: key.to_owned(), what: what.into() }
    }
}

fn is_settled((_, _, _, mtime, mtime_nsec, ..): (u64, u64, u64, i64, i64, i64, i64)) -> bool {
    let Ok(since_epoch) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) else { return true };
    let changed = Duration::new(mtime.try_into().unwrap_or(0), mtime_nsec.try_into().unwrap_or(0));
    since_epoch.abs_diff(changed) > SETTLED
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: to open a named pipe waits for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old(path: &Path) {
        File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn a_file_is_unchanged_until_it_is_written_replaced_or_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.yml");
        let look = || {
            let mut files = Files::of(&path);
            let _ = files.read(&path);
            files
        };
        std::fs::write(&path, "a: 1").unwrap();
        old(&path);
        let files = look();
        assert!(!files.changed());
        std::fs::write(&path, "a: 2").unwrap();
        assert!(files.changed());

        old(&path);
        let files = look();
        assert!(!files.changed());
        let other = directory.path().join("other");
        std::fs::write(&other, "a: 3").unwrap();
        old(&other);
        std::fs::rename(&other, &path).unwrap();
        assert!(files.changed());

        let files = look();
        assert!(!files.changed());
        std::fs::remove_file(&path).unwrap();
        assert!(files.changed());
        assert!(look().changed(), "what could not be read is tried again");
    }

    #[test]
    fn a_file_that_was_just_written_is_looked_at_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.yml");
        std::fs::write(&path, "a: 1").unwrap();
        let mut files = Files::of(&path);
        files.read(&path).unwrap();
        assert!(files.changed());
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Files::of(directory.path());
        let error = files.read(directory.path()).unwrap_err().to_string();
        assert_eq!(error, format!("{}: it is not a regular file", directory.path().display()));
        let absent = directory.path().join("absent");
        assert!(files.read(&absent).unwrap_err().to_string().contains("absent: No such file"));
    }

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("web.yml");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = Files::of(&path).read(&path).unwrap_err().to_string();
        assert!(error.ends_with("it is larger than 1 MiB"), "{error}");
    }

    #[test]
    fn names_are_relative_to_the_directory_of_the_configuration() {
        let files = Files::of(Path::new("/etc/edgebench/web.yml"));
        assert_eq!(files.resolve(Path::new("tls.crt")), Path::new("/etc/edgebench/tls.crt"));
        assert_eq!(files.resolve(Path::new("/run/tls.crt")), Path::new("/run/tls.crt"));
        assert_eq!(Files::of(Path::new("web.yml")).resolve(Path::new("tls.crt")), Path::new("tls.crt"));
    }
}
