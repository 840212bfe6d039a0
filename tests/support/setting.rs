//! Settings of the machine that a test changes, and puts back.

use std::fs;
use std::path::{Path, PathBuf};

/// A setting in a file of `/proc/sys` or `/sys`. When this is dropped, also by a panic, it is as it was.
#[derive(Debug)]
pub struct Setting {
    path: PathBuf,
    before: String,
}

impl Setting {
    /// Changes it.
    ///
    /// # Panics
    /// If it can't be read or written.
    pub fn change(path: &str, value: impl ToString) -> Setting {
        let setting = Setting { path: path.into(), before: read(Path::new(path)) };
        setting.write(&value.to_string());
        setting
    }

    /// What it is now, as a number.
    ///
    /// # Panics
    /// If it can't be read or is none.
    pub fn number(path: &str) -> u64 {
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
