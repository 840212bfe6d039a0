//! shellcheck passes every script of the repository, whoever runs it: people, the image, a guest, a test.
//!
//! `cargo test -p edgebench-tests --test live_scripts -- --ignored`, with Debian's `shellcheck`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is not ours or holds no script.
const LEFT_OUT: [&str; 4] = [".git", "target", "fixtures", "corpus"];

/// Files whose first line names a shell, below a directory.
fn scripts(dir: &Path, into: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let is_left_out = LEFT_OUT.iter().any(|name| path.ends_with(name));
        if kind.is_dir() && !is_left_out {
            scripts(&path, into);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(&path)
            && text.lines().next().is_some_and(|line| line.starts_with("#!") && line.ends_with("sh"))
        {
            into.push((path, text));
        }
    }
}

fn shellcheck(text: &str) -> (bool, String) {
    // It knows no busybox, whose shell is dash's kin.
    let text = text.replacen("#!/bin/busybox sh", "#!/bin/dash", 1);
    let mut child = Command::new("shellcheck")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("shellcheck is installed");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[ignore = "live: needs shellcheck"]
fn shellcheck_passes_every_script() {
    let mut all = Vec::new();
    scripts(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &mut all);
    let names: Vec<_> = all.iter().filter_map(|(path, _)| path.file_name()?.to_str()).collect();
    for name in ["run", "chart-tools", "static-binaries", "image-layer", "iot-edge-vm-install", "world"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for (path, text) in &all {
        let (passes, said) = shellcheck(text);
        assert!(passes && said.is_empty(), "{}: {said}", path.display());
    }
    assert!(!shellcheck("#!/bin/bash\nrm -rf $1/*\n").0, "it would speak");
}
