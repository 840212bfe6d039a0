//! Host captures as plain text: a tree of files, links and directories in one file that a reviewer can read.
//!
//! In the spirit of ttar, the archive format of the procfs library that node_exporter rests on. It is
//! needed because a fixture of `/proc` can't lie in a repository as files: command lines hold NULs, `exe`
//! is a symlink to a path that does not exist here, and a process name may hold a newline.
//!
//! ```text
//! # What follows a hash between two entries is a comment.
//!
//! Path: proc/7/cmdline
//! Lines: 1
//! /usr/bin/etcd␀--name␀s1␀\EOF
//!
//! Path: proc/7/exe
//! SymlinkTo: /usr/bin/etcd
//!
//! Path: proc/7/fd
//! Descriptors: 130
//!
//! Path: proc/8
//! Directory
//! ```
//!
//! Every byte comes back as it was. A NUL is `␀`, a backslash `\\`, a file that ends without a newline ends
//! in `\EOF`, and what an editor, a terminal or git would change or hide (control characters, bytes that
//! are no UTF-8, a blank at the end of a line) is `\xHH`.
//!
//! `fd` of a process is kept as the number of its entries: nothing here reads where they point to, and it
//! is nobody's business.

mod text;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use text::Malformed;

/// A host in memory: paths relative to its root, and what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    entries: BTreeMap<PathBuf, Entry>,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file with its content.
    File(Vec<u8>),
    /// A symbolic link with its target, which need not exist.
    Symlink(OsString),
    /// A directory; those that hold something need no entry of their own.
    Directory,
    /// `fd` of a process: so many entries.
    Descriptors(usize),
}

/// Packs all that lies below `dir`.
///
/// # Panics
/// If something there can't be read.
pub fn pack(dir: &Path) -> String {
    Archive::read(dir).unwrap_or_else(|e| panic!("packing {}: {e}", dir.display())).to_string()
}

/// Unpacks `text` below `dir`, over what is there.
///
/// # Panics
/// If `text` is no archive, or `dir` can't be written.
pub fn unpack(text: &str, dir: &Path) {
    let archive = Archive::parse(text).unwrap_or_else(|e| panic!("unpacking into {}: {e}", dir.display()));
    archive.write(dir).unwrap_or_else(|e| panic!("unpacking into {}: {e}", dir.display()));
}

impl Archive {
    /// Nothing yet.
    pub fn new() -> Archive {
        Archive::default()
    }

    /// Puts `entry` at `path`, in the place of what was there.
    pub fn insert(&mut self, path: impl Into<PathBuf>, entry: Entry) {
        self.entries.insert(path.into(), entry);
    }

    /// What is at `path`.
    pub fn get(&self, path: impl AsRef<Path>) -> Option<&Entry> {
        self.entries.get(path.as_ref())
    }

    /// All entries, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_path(), entry))
    }

    /// Reads what lies below `dir`. Symlinks are kept as such and never followed.
    ///
    /// # Errors
    /// If something there can't be read, or is neither file, link nor directory.
    pub fn read(dir: &Path) -> io::Result<Archive> {
        let mut archive = Archive::new();
        archive.read_below(dir, Path::new(""))?;
        Ok(archive)
    }

    fn read_below(&mut self, root: &Path, path: &Path) -> io::Result<()> {
        let mut names = fs::read_dir(root.join(path))?
            .map(|entry| entry.map(|e| e.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        if is_descriptors(path) && names.iter().all(|name| number(name).is_some()) {
            self.insert(path, Entry::Descriptors(names.len()));
        } else if names.is_empty() && path != Path::new("") {
            self.insert(path, Entry::Directory);
        } else {
            for name in names {
                let path = path.join(name);
                if fs::symlink_metadata(root.join(&path))?.is_dir() {
                    self.read_below(root, &path)?;
                } else {
                    self.insert(&path, Entry::read(&root.join(&path))?);
                }
            }
        }
        Ok(())
    }

    /// Writes everything below `dir`.
    ///
    /// Links come last, so that no file is ever written through one of them.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let (links, others): (Vec<_>, Vec<_>) =
            self.iter().partition(|(_, entry)| matches!(entry, Entry::Symlink(_)));
        for (path, entry) in others.into_iter().chain(links) {
            let path = dir.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            match entry {
                Entry::File(content) => replace(&path, content)?,
                Entry::Symlink(target) => link(target, &path)?,
                Entry::Directory => fs::create_dir_all(&path)?,
                Entry::Descriptors(count) => {
                    fs::create_dir_all(&path)?;
                    for number in 0..*count {
                        fs::write(path.join(number.to_string()), "")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Entry {
    /// Reads what is at `path`: the target of a link, not what it points to.
    ///
    /// # Errors
    /// If it can't be read, or is a device, a pipe or a socket (reading those may block or never end).
    pub fn read(path: &Path) -> io::Result<Entry> {
        let kind = fs::symlink_metadata(path)?.file_type();
        if kind.is_symlink() {
            Ok(Entry::Symlink(fs::read_link(path)?.into_os_string()))
        } else if kind.is_dir() {
            Ok(Entry::Directory)
        } else if kind.is_file() {
            Ok(Entry::File(fs::read(path)?))
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{}: no file, link or directory", path.display()),
            ))
        }
    }
}

/// Gives `path` the content without a moment at which it is empty, and in place: a reader that keeps it
/// open, or has it bind-mounted, sees the new content.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)
}

/// Makes `path` a link to `target`, whatever it was.
pub(crate) fn link(target: &OsStr, path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    std::os::unix::fs::symlink(target, path)
}

/// Whether `path` is `…/proc/PID/fd`.
fn is_descriptors(path: &Path) -> bool {
    let mut names = path.iter().rev();
    names.next() == Some(OsStr::new("fd"))
        && names.next().is_some_and(|pid| number(pid).is_some())
        && names.next() == Some(OsStr::new("proc"))
}

fn number(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn one(path: &str, entry: Entry) -> Archive {
        let mut archive = Archive::new();
        archive.insert(path, entry);
        archive
    }

    #[test]
    fn every_kind_of_entry_survives_the_disk() {
        let mut archive = one("proc/7/exe", Entry::Symlink("/usr/bin/gone (deleted)".into()));
        archive.insert("proc/7/fd", Entry::Descriptors(12));
        archive.insert("proc/8/fd", Entry::Descriptors(0));
        archive.insert("proc/7/task", Entry::Directory);
        archive.insert(OsString::from_vec(b"odd\n name\xff".to_vec()), Entry::File(b"x".to_vec()));
        let dir = tempfile::tempdir().unwrap();
        archive.write(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("proc/7/fd")).unwrap().count(), 12);
        assert_eq!(pack(dir.path()), archive.to_string());
    }

    #[test]
    fn a_file_is_replaced_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let inode = || fs::metadata(dir.path().join("f")).unwrap().ino();
        one("f", Entry::File(b"a long first content".to_vec())).write(dir.path()).unwrap();
        let first = inode();
        one("f", Entry::File(b"short".to_vec())).write(dir.path()).unwrap();
        assert_eq!((inode(), fs::read(dir.path().join("f")).unwrap()), (first, b"short".to_vec()));
    }
}
