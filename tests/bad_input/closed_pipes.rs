//! A reader that goes early (`| head -1`) has what it wants: a quiet end, no message, exit code 0.
//!
//! A pipe holds 64 KiB (pipe(7)), so most output is gone before its reader can be; each is tried with a
//! reader that is gone from the start, and with one that takes the first line.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

use edgebench_tests::binaries;
use edgebench_tests::{Host, Workdir};

use super::{SHORT, footprint};

/// Everything that edgebench can be asked to write.
fn all(host: &Host) -> Vec<Vec<&str>> {
    let formats = ["table", "markdown", "json", "csv", "sar", "html"];
    let mut all: Vec<_> = formats.iter().map(|format| footprint(host, &["--format", format])).collect();
    all.extend(formats.map(|format| vec!["compare", "long.json", "long.json", "--format", format]));
    all.extend(["bash", "zsh", "fish", "elvish", "powershell"].map(|shell| vec!["completions", shell]));
    all.push(vec!["doctor"]);
    all.extend([vec!["man"], vec!["--help"], vec!["footprint", "--help"], vec!["--version"]]);
    all
}

/// With a capture of a node whose report is longer than a pipe.
fn with_a_long_capture(host: &Host) -> Workdir {
    let dir = Workdir::new();
    let run = edgebench_tests::captures::Run { samples: 1000, ..Default::default() };
    run.save(host, &dir.path().join("long.json"), |_, _| {});
    dir
}

fn assert_quiet(mut child: Child, arguments: &[&str]) {
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let code = child.wait().unwrap().code().unwrap();
    // Of `doctor`, 1 says that some figures are missing here.
    assert!(code == 0 || (arguments == ["doctor"] && code == 1), "{arguments:?}: exit code {code}");
    assert_eq!(stderr, "", "{arguments:?}");
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    let host = Host::new();
    let dir = with_a_long_capture(&host);
    for arguments in all(&host) {
        let mut child = dir.command(&arguments).spawn().unwrap();
        drop(child.stdout.take());
        assert_quiet(child, &arguments);
    }
}

#[test]
fn a_reader_of_the_first_line_is_enough() {
    let host = Host::new();
    let dir = with_a_long_capture(&host);
    for arguments in all(&host) {
        let mut child = dir.command(&arguments).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "{arguments:?}");
        drop(reader);
        assert_quiet(child, &arguments);
    }
}

#[test]
fn what_was_to_be_saved_is_saved_without_a_reader_too() {
    let host = Host::new();
    let dir = Workdir::new();
    let mut child = dir.command(footprint(&host, &["--save", "capture.json"])).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    dir.shows(["compare", "capture.json", "capture.json"]);
}

#[test]
fn a_closed_stdout_or_stderr_is_no_error() {
    let host = Host::new();
    let dir = Workdir::new();
    for (closed, code) in [(">&-", 0), ("2>&-", 0), (">&- 2>&- <&-", 0)] {
        let output = Command::new("sh")
            .args(["-c", &format!("exec \"$0\" \"$@\" {closed}")])
            .arg(binaries::edgebench())
            .args(footprint(&host, &["--save", "capture.json"]))
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{closed}");
        assert!(output.stderr.is_empty(), "{closed}");
        dir.shows(["compare", "capture.json", "capture.json"]);
    }
    // An error without anybody to tell it to is one all the same.
    let refused = Command::new("sh")
        .args(["-c", "exec \"$0\" \"$@\" 2>&-"])
        .arg(binaries::edgebench())
        .args([&SHORT[..], &["--procfs", "missing"]].concat())
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(2), &b""[..]));
}
