//! Files that are written are complete or absent, and take nothing away that was there.
//!
//! `rename` replaces whatever has the name, a device included, so only regular files are replaced. `/dev/full`
//! answers every write with ENOSPC (full(4)): a full disk at hand; `live_full_disk` fills a real one.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use edgebench_tests::{Host, Workdir};

use super::footprint;

/// A measurement that nobody waits for: what is wrong with its files must be known before it.
fn hours(host: &Host) -> Vec<&str> {
    let procfs = host.proc.to_str().unwrap();
    vec!["footprint", "--samples", "10", "--interval", "1h", "--procfs", procfs]
}

#[test]
fn a_file_that_can_not_be_written_is_known_before_measuring() {
    let host = Host::new();
    let dir = Workdir::new();
    dir.write("file", "content");
    fs::create_dir(dir.path().join("directory")).unwrap();
    for (path, words) in [
        ("missing/capture.json", "missing/capture.json: can't be written: "),
        ("missing/capture.json.gz", "missing/capture.json.gz: can't be written: "),
        ("file/capture.json", "file/capture.json: can't be written: "),
        ("directory", "directory: can't be written: "),
        (".", ".: can't be written: "),
    ] {
        for option in ["--save", "--output"] {
            dir.refuses([&hours(&host)[..], &[option, path]].concat(), &[words]);
        }
    }
}

#[test]
fn a_result_of_captures_is_whole_or_absent() {
    let host = Host::new();
    let dir = Workdir::new();
    dir.run(footprint(&host, &["--save", "a.json"]));
    for path in ["missing/result", "a.json/result", "."] {
        let arguments = ["compare", "a.json", "a.json", "--output", path];
        dir.refuses(arguments, &[path, "can't be written; nothing was written"]);
    }
}

#[test]
fn no_file_is_written_over_one_that_is_read_or_written() {
    let host = Host::new();
    let dir = Workdir::new();
    let other = dir.path().join("elsewhere");
    fs::create_dir(&other).unwrap();
    for name in ["a.json", "b.json"] {
        dir.run(footprint(&host, &["--save", name]));
    }
    symlink("a.json", dir.path().join("link.json")).unwrap();
    let lost = "can't be written: this command reads it, or writes it twice";
    for output in ["a.json", "./a.json", "elsewhere/../b.json", "link.json"] {
        dir.refuses(["compare", "a.json", "--with", "b.json", "--output", output], &[output, lost]);
    }
    for more in [
        ["--save", "new", "--output", "new"],
        ["--save", "new", "--output", "./new"],
        ["--save", "a.json", "--baseline", "a.json"],
        ["--output", "link.json", "--baseline", "a.json"],
    ] {
        dir.refuses([&hours(&host)[..], &more].concat(), &[lost]);
    }
}

#[test]
fn a_file_that_was_there_is_replaced_as_a_whole_and_keeps_its_mode() {
    let host = Host::new();
    let dir = Workdir::new();
    for (option, name) in [("--save", "capture.json"), ("--output", "result")] {
        let path = dir.path().join(name);
        dir.write(name, "x".repeat(1 << 20));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let outcome = dir.run(footprint(&host, &[option, name]));
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert!(!dir.read(name).contains(&b'x') || dir.read(name).len() < 1 << 20);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let new = dir.run(footprint(&host, &["--save", "new.json"]));
    assert_eq!(new.code, 0);
    assert_eq!(fs::metadata(dir.path().join("new.json")).unwrap().permissions().mode() & 0o600, 0o600);
    dir.shows(["compare", "capture.json", "new.json"]);
}

#[test]
fn a_link_is_followed() {
    let host = Host::new();
    let dir = Workdir::new();
    dir.write("real.json", "old");
    symlink("real.json", dir.path().join("link.json")).unwrap();
    dir.run(footprint(&host, &["--save", "link.json"]));
    assert!(dir.path().join("link.json").is_symlink());
    dir.shows(["compare", "link.json", "real.json"]);
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_is_no_regular_file_is_written_to_and_stays() {
    let host = Host::new();
    let dir = Workdir::new();
    let path = dir.path().join("fifo");
    fifo(&path);
    for (arguments, start) in [
        (footprint(&host, &["--save", "fifo"]), "{\"header\":"),
        (footprint(&host, &["--output", "fifo", "--format", "csv"]), "side,section,name"),
    ] {
        // Opened for both, neither side waits for the other (fifo(7)).
        let mut reader = fs::File::options().read(true).write(true).open(&path).unwrap();
        let outcome = dir.run(arguments);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo(), "it is still a FIFO");
        let mut first = vec![0; start.len()];
        reader.read_exact(&mut first).unwrap();
        assert_eq!(String::from_utf8(first).unwrap(), start);
    }
}

#[test]
fn stdout_has_a_name_too() {
    let host = Host::new();
    let dir = Workdir::new();
    // Through a link, so that a program that replaces what it should write to replaces the link.
    symlink("/dev/stdout", dir.path().join("stdout")).unwrap();
    let arguments = footprint(&host, &["--output", "stdout", "--format", "sar"]);
    assert!(dir.shows(&arguments).contains("Average:"));
    // A file that it goes to is found by its own name.
    let file = fs::File::create(dir.path().join("file")).unwrap();
    assert!(dir.command(&arguments).stdout(file).status().unwrap().success());
    assert!(String::from_utf8(dir.read("file")).unwrap().contains("Average:"));
    assert_eq!(fs::read_link(dir.path().join("stdout")).unwrap(), Path::new("/dev/stdout"));
}

#[test]
fn a_disk_without_room_costs_the_file_and_not_the_figures() {
    let host = Host::new();
    let dir = Workdir::new();
    // Through a link, so that a program that replaces what it should write to replaces the link.
    symlink("/dev/full", dir.path().join("full")).unwrap();
    let outcome = dir.run(footprint(&host, &["--save", "full"]));
    assert_eq!(outcome.code, 2);
    assert_eq!(
        outcome.stderr,
        "edgebench: full: can't be saved: No space left on device (os error 28); nothing was saved\n"
    );
    assert!(outcome.stdout.contains("RAM used (sar)") && !outcome.stdout.contains("Saved to"));
    let full = "full: can't be written; nothing was written: No space left on device";
    for format in ["table", "markdown", "json", "csv", "sar", "html"] {
        dir.refuses(footprint(&host, &["--output", "full", "--format", format]), &[full]);
    }
    assert_eq!(fs::read_link(dir.path().join("full")).unwrap(), Path::new("/dev/full"));
}

#[test]
fn a_full_stdout_is_an_error() {
    let host = Host::new();
    let dir = Workdir::new();
    dir.run(footprint(&host, &["--save", "a.json"]));
    for arguments in [
        footprint(&host, &["--format", "json"]),
        vec!["compare", "a.json", "a.json"],
        vec!["doctor", "--procfs", host.proc.to_str().unwrap()],
        vec!["completions", "bash"],
        vec!["man"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = dir.command(&arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert_eq!(
            stderr, "edgebench: can't write the result to stdout: No space left on device (os error 28)\n",
            "{arguments:?}"
        );
    }
}
