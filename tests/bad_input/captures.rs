//! What is no capture, or none that can be compared, is refused.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use edgebench_tests::captures::Run;
use edgebench_tests::{Host, Workdir};

use super::footprint;

fn with_a_capture() -> Workdir {
    let dir = Workdir::new();
    Run::default().save(&Host::new(), &dir.path().join("good.json"), |_, _| {});
    dir
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    // One stored block (RFC 1951, 3.2.4) between the header and the trailer of RFC 1952.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_is_no_capture_is_refused_on_either_side() {
    let dir = with_a_capture();
    let noise: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let no_capture =
        "line 1: this is no capture of edgebench: make one with `edgebench footprint --save FILE`";
    let report = r#"{"schema": "edgebench.report.v1", "version": "0.1.0"}"#;
    for (name, content, words) in [
        ("noise", noise.as_slice(), no_capture),
        ("report.json", report.as_bytes(), no_capture),
        ("list.json", b"[1, 2, 3]\n", no_capture),
        ("kubectl.json", b"{\n  \"apiVersion\": \"v1\",\n  \"items\": []\n}\n", no_capture),
        ("text", b"just some words\n", no_capture),
        ("newline", b"\n", no_capture),
        ("no-utf-8", b"{\"header\":\"\xff\xfe\"}\n", no_capture),
        ("gzipped.gz", &gzipped(b"just some words\n"), no_capture),
        ("half-a-gzip.gz", b"\x1f\x8bjust some words\n", "line 1: "),
        ("empty", b"", "line 1: the capture is cut short"),
        ("empty.gz", &gzipped(b""), "line 1: the capture is cut short"),
    ] {
        dir.write(name, content);
        dir.refuses(["compare", name, "good.json"], &[name, words]);
        dir.refuses(["compare", "good.json", name], &[name, words]);
        dir.refuses(["compare", "good.json", "--with", "good.json", name], &[name, words]);
    }
    std::fs::create_dir(dir.path().join("directory")).unwrap();
    dir.refuses(["compare", "good.json", "directory"], &["directory: can't be read: Is a directory"]);
    dir.refuses(["compare", "good.json", "missing"], &["missing: can't be read: No such file"]);
}

#[test]
fn a_baseline_that_can_not_be_read_is_known_before_measuring() {
    let dir = with_a_capture();
    dir.write("text", "just some words\n");
    let host = Host::new();
    let procfs = host.proc.to_str().unwrap();
    let hours = ["footprint", "--samples", "10", "--interval", "1h", "--procfs", procfs];
    for baseline in [&["text"][..], &["good.json", "text"]] {
        let arguments = [&hours[..], &["--save", "new.json", "--baseline"], baseline].concat();
        dir.refuses(arguments, &["text, line 1: this is no capture"]);
    }
}

#[test]
fn a_file_without_a_line_end_is_not_read_into_memory() {
    let dir = with_a_capture();
    // A gigabyte of zeros that takes no disk.
    File::create(dir.path().join("zeros")).unwrap().set_len(1 << 30).unwrap();
    let arguments = ["-c", "ulimit -v 150000; exec \"$0\" compare zeros good.json"];
    let output = std::process::Command::new("sh")
        .args(arguments)
        .arg(edgebench_tests::binaries::edgebench())
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("edgebench: zeros, line 1: this is no capture"), "{stderr}");
}

#[test]
fn a_newer_schema_is_named() {
    let dir = with_a_capture();
    let text = String::from_utf8(dir.read("good.json")).unwrap();
    let newer = "line 1: the capture has schema 4, this edgebench reads up to 3";
    dir.write("newer.json", text.replacen("\"edgebench_capture\":1", "\"edgebench_capture\":4", 1));
    dir.refuses(["compare", "good.json", "newer.json"], &["newer.json", newer, "newer one"]);
    // Whatever else a newer one says.
    dir.write("other.json", "{\"header\":{\"edgebench_capture\":4,\"machines\":[{}]}}\n{\"new\":1}\n");
    dir.refuses(["compare", "other.json", "good.json"], &["other.json", newer]);
}

#[test]
fn a_capture_of_no_sample_is_none() {
    let dir = with_a_capture();
    Run { samples: 0, ..Run::default() }.save(&Host::new(), &dir.path().join("short.json"), |_, _| {});
    dir.refuses(["compare", "good.json", "short.json"], &["short.json", "no sample", "two readings"]);
}

/// The same node, an hour later, as another machine would have it.
fn another_machine() -> Host {
    Host::new()
        .memory(&[("MemTotal", 16_147_448), ("MemFree", 13_626_448)])
        .file("proc/sys/kernel/hostname", "other\n")
        .file("proc/sys/kernel/osrelease", "5.4.0-1109-azure\n")
}

#[test]
fn another_machine_is_said_and_refused_where_it_has_to_be_the_same() {
    let dir = Workdir::new();
    let run = Run { interval: Duration::from_secs(1), ..Run::default() };
    let here = Host::new()
        .file("proc/sys/kernel/hostname", "edge-0417\n")
        .file("proc/sys/kernel/osrelease", "6.18.44\n");
    run.save(&here, &dir.path().join("here.json"), |_, _| {});
    run.save(&another_machine(), &dir.path().join("there.json"), |_, _| {});

    let differences = [
        "node name: edge-0417 before, other now",
        "memory: 8147448 KiB before, 16147448 KiB now",
        "kernel: 6.18.44 before, 5.4.0-1109-azure now",
    ];
    let compare = ["compare", "here.json", "there.json"];
    let told = dir.shows(compare);
    for difference in differences {
        assert!(told.contains(&format!("! {difference}")), "{told}");
    }
    assert!(told.contains("not the same set-up: see Notes"), "{told}");
    let files = "--same-machine: here.json and there.json differ in";
    let refused = [&compare[..], &["--same-machine"]].concat();
    dir.refuses(&refused, &[&[files][..], &differences[..]].concat());
    for format in ["markdown", "json", "csv", "sar", "html"] {
        let output = ["--format", format, "--output", "result"];
        dir.refuses([&refused[..], &output[..]].concat(), &[files]);
    }

    // One of several repeats is enough.
    let several = ["compare", "here.json", "there.json", "--with", "here.json"];
    let told = dir.shows(several);
    assert!(told.contains("The captures of the baseline are taken as repeats of each other, but differ in"));
    let refused = [&several[..], &["--same-machine"]].concat();
    dir.refuses(refused, &["--same-machine: ", "here.json", "there.json", "differ in"]);

    // A run that is measured is not lost.
    let baseline = ["--baseline", "there.json", "--same-machine", "--save", "now.json"];
    let outcome = dir.run(footprint(&here, &baseline));
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("there.json and this run differ in"), "{}", outcome.stderr);
    dir.shows(["compare", "here.json", "now.json"]);
}

#[test]
fn the_same_machine_is_taken_as_it() {
    let dir = with_a_capture();
    let told = dir.shows(["compare", "good.json", "good.json", "--same-machine"]);
    assert!(told.contains("same machine"), "{told}");
}
