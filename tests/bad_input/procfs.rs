//! What is no procfs, or none that makes sense, is refused with the path and the line.
//!
//! `stat` and `meminfo` have to be there; what else the node has may be missing (a container, an old
//! kernel) but not malformed.

use std::fs;

use edgebench_tests::workdir::{outcome, wait_for};
use edgebench_tests::{Host, Workdir};

use super::{SHORT, footprint};

#[test]
fn a_path_that_is_no_procfs_is_named() {
    let dir = Workdir::new();
    dir.write("file", "cpu 1 2 3\n");
    fs::create_dir(dir.path().join("empty")).unwrap();
    for (procfs, words) in [
        ("missing", ["missing is no procfs", "missing: it is not there"]),
        ("file", ["file is no procfs", "file: Not a directory"]),
        ("empty", ["empty is no procfs", "empty/stat: it is not there"]),
    ] {
        let more = ["--save", "capture.json", "--output", "result.txt", "--procfs", procfs];
        dir.refuses([&SHORT[..], &more[..]].concat(), &words);
        dir.refuses(["doctor", "--procfs", procfs], &words);
    }
}

#[test]
fn a_procfs_without_meminfo_is_none() {
    let host = Host::new().without("proc/meminfo");
    Workdir::new().refuses(footprint(&host, &[]), &["is no procfs", "proc/meminfo: it is not there"]);
}

#[test]
fn a_truncated_stat_is_named_with_its_line() {
    let host = Host::new();
    let stat = host.read("proc/stat");
    let dir = Workdir::new();
    let cuts: Vec<_> = (0..stat.len()).filter(|&at| at == 0 || stat.as_bytes()[at - 1] != b'\n').collect();
    // Some thirty of them, the first and the last included.
    for &at in cuts.iter().step_by(cuts.len() / 30).chain(cuts.last()) {
        host.step(|h| h.stat(&stat[..at]));
        let line = format!("proc/stat: line {}: ", stat[..at].lines().count().max(1));
        dir.refuses(footprint(&host, &["--save", "capture.json"]), &[&line]);
        dir.refuses(["doctor", "--procfs", host.proc.to_str().unwrap()], &[&line]);
    }
}

#[test]
fn a_malformed_file_of_the_node_is_named_with_its_line() {
    let host = Host::new();
    for (file, line, from, to) in [
        ("stat", 1, "cpu ", "gpu "),
        ("stat", 2, "cpu0 ", "cpu0 x"),
        ("stat", 3, "cpu1 ", "cpu0 "),
        ("stat", 3, "cpu1 ", "cpu1 18446744073709551616 "),
        ("meminfo", 1, "MemTotal:  ", "MemTotal: x"),
        ("meminfo", 1, "kB\nMemFree", "MB\nMemFree"),
        ("meminfo", 2, "MemFree:  ", "MemFree: -"),
    ] {
        let text = host.read(&format!("proc/{file}"));
        assert!(text.contains(from), "{file} has {from:?}");
        host.step(|h| h.file(&format!("proc/{file}"), text.replacen(from, to, 1)));
        // A line that is missing is known at the end.
        let at = if to == "gpu " { text.lines().count() } else { line };
        let words = format!("proc/{file}: line {at}: ");
        Workdir::new().refuses(footprint(&host, &["--save", "capture.json"]), &[&words]);
        host.step(|h| h.file(&format!("proc/{file}"), &text));
    }
    for (file, text, line) in [
        ("meminfo", "", 1),
        ("vmstat", "pgpgin 1\npgpgout much\n", 2),
        ("zoneinfo", "Node 0, zone Normal\n  pagesets\n    cpu: 0\n              count:    many\n", 4),
        ("loadavg", "0.1 0.2\n", 1),
        ("pressure/memory", "some avg10=x avg60=0.00 avg300=0.00 total=0\n", 1),
    ] {
        let host = Host::new().file(&format!("proc/{file}"), text);
        let words = format!("proc/{file}: line {line}: ");
        Workdir::new().refuses(footprint(&host, &["--output", "result.txt"]), &[&words]);
    }
}

#[test]
fn a_file_that_is_malformed_only_later_leaves_nothing_behind() {
    let host = Host::new();
    let dir = Workdir::new();
    let procfs = host.proc.to_str().unwrap();
    let long = ["footprint", "--interval", "10ms", "--samples", "100000", "--procfs", procfs];
    let child =
        dir.command([&long[..], &["--save", "a.json.gz", "--output", "a.txt"]].concat()).spawn().unwrap();
    wait_for("the file beside the capture", || !dir.contents().is_empty());
    host.step(|h| h.stat("cpu  1 2 3\n"));
    let outcome = outcome(child);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.contains("proc/stat: line 1: "), "{}", outcome.stderr);
    assert!(dir.contents().is_empty());
}

#[test]
fn a_malformed_file_of_a_process_is_named_with_its_line() {
    for (file, text, words) in [
        ("stat", "7 (a", "proc/7/stat: line 1: "),
        ("stat", "7 (a) S 1\n", "proc/7/stat: line 1: "),
        ("statm", "1 2\n", "proc/7/statm: line 1: "),
        ("status", "Name:\ta\nRssAnon:\tlots kB\n", "proc/7/status: line 2: "),
    ] {
        let host = Host::new().process(7, |p| p.anon_kib(4000).file(file, text));
        let dir = Workdir::new();
        dir.refuses(footprint(&host, &["--save", "capture.json"]), &[words]);
    }
}

#[test]
fn the_name_of_a_path_is_shown_and_not_obeyed() {
    let dir = Workdir::new();
    for (name, shown) in [
        ("two\nlines", "two\\nlines"),
        ("\u{1b}[31mred", "\\x1b[31mred"),
        ("\u{9b}2Jgone", "\\u{9b}2Jgone"),
        ("evil\u{202e}txt.exe", "evil\\u{202e}txt.exe"),
    ] {
        dir.refuses(["doctor", "--procfs", name], &[shown]);
        dir.refuses(["compare", name, name], &[shown]);
        fs::create_dir(dir.path().join(name)).unwrap();
        let inside = format!("{name}/capture.json/x");
        dir.refuses([&SHORT[..], &["--save", &inside]].concat(), &[shown]);
    }
}
