//! A swap file, and its guard.

use std::process::Command;

use tempfile::TempDir;

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
