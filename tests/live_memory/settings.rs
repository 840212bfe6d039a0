//! Settings of the machine that a test changes, and their guards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A setting in a file of `/proc/sys` or `/sys`. When this is dropped, also by a panic, it is as it was.
pub(crate) struct Setting {
    path: PathBuf,
    before: String,
}

impl Setting {
    /// Changes it.
    pub(crate) fn change(path: &str, value: impl ToString) -> Setting {
        let setting = Setting { path: path.into(), before: read(Path::new(path)) };
        setting.write(&value.to_string());
        setting
    }

    /// What it was before, as a number.
    pub(crate) fn number(path: &str) -> u64 {
        read(Path::new(path)).parse().unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn write(&self, value: &str) {
        fs::write(&self.path, value).unwrap_or_else(|e| panic!("{} = {value}: {e}", self.path.display()));
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = fs::write(&self.path, &self.before);
    }
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.trim().to_owned()
}

/// A swap file that is in use until this is dropped.
pub(crate) struct SwapFile {
    /// Holds the file.
    dir: TempDir,
}

impl SwapFile {
    /// Swaps to a new file of so many MiB, on the file system that cargo builds on: a swap file can't lie in
    /// memory.
    pub(crate) fn start(mib: u64) -> SwapFile {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = SwapFile { dir };
        let path = file.path();
        run("fallocate", &["--length", &format!("{mib}MiB"), &path]);
        run("chmod", &["600", &path]);
        run("mkswap", &[&path]);
        run("swapon", &[&path]);
        file
    }

    fn path(&self) -> String {
        self.dir.path().join("swap").to_str().unwrap().to_owned()
    }
}

impl Drop for SwapFile {
    fn drop(&mut self) {
        let _ = Command::new("swapoff").arg(self.path()).status();
    }
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
