//! A capture holds what was measured: read back, it says the same again.

use std::time::{Duration, SystemTime};

use edgebench_tests::Workdir;
use edgebench_tests::captures::Run;
use serde_json::Value;

use super::{FORMATS, footprint, kubevirt};

const GZIP: &[u8] = b"\x1f\x8b";

#[test]
fn the_name_decides_on_compression_and_the_content_on_reading() {
    let dir = Workdir::new();
    let host = kubevirt(102_400);
    for name in ["plain.json", "compres.gz"] {
        Run::default().save(&host, &dir.path().join(name), |_, _| {});
    }
    assert!(dir.read("plain.json").starts_with(b"{\"header\":"));
    assert!(dir.read("compres.gz").starts_with(GZIP));
    let all = dir.read("plain.json").len();
    assert!(dir.read("compres.gz").len() < all / 2);
    // Under other names (of one length, as a table is laid out by it) they are what they are.
    dir.write("renamed.gz", dir.read("plain.json"));
    dir.write("renamed.js", dir.read("compres.gz"));
    for format in FORMATS {
        let of = |name: &str| dir.shows(["compare", name, name, "--format", format]).replace(name, "NAME");
        let expected = of("plain.json");
        for name in ["compres.gz", "renamed.gz", "renamed.js"] {
            assert!(of(name) == expected, "{name} as {format}");
        }
    }
}

#[test]
fn what_was_measured_is_what_is_read_back() {
    let dir = Workdir::new();
    let host = kubevirt(102_400);
    for name in ["capture.json", "capture.json.gz"] {
        let saved = ["--save", name, "--format", "json", "--label", "now"];
        let measured: Value = serde_json::from_str(&dir.shows(footprint(&host, &saved))).unwrap();
        let again: Value =
            serde_json::from_str(&dir.shows(["compare", name, name, "--format", "json"])).unwrap();
        let side = |report: &Value| {
            let mut capture = report["capture"]["captures"][0].clone();
            // Only a capture that was read has a file.
            capture["capture"]["file"] = Value::Null;
            capture
        };
        assert_eq!(side(&measured), side(&again), "{name}");
    }
}

#[test]
fn where_it_was_saved_is_said_last() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubevirt(102_400), &["--save", "capture.json"]));
    let last = text.lines().last().unwrap();
    assert_eq!(last, "  Saved to capture.json; pass it to `edgebench compare`, or as --baseline.");
}

#[test]
fn a_capture_says_how_it_was_taken() {
    let dir = Workdir::new();
    let before = SystemTime::now() - Duration::from_secs(1);
    dir.shows(footprint(&kubevirt(102_400), &["--save", "capture.json", "--label", "with", "--no-pss"]));
    let text = String::from_utf8(dir.read("capture.json")).unwrap();
    let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let header = &header["header"];
    assert_eq!(header["edgebench_capture"], 1);
    assert_eq!(header["label"], "with");
    assert_eq!((&header["samples"], &header["interval_ms"]), (&3.into(), &10.into()));
    assert_eq!(header["proportional"], false);
    assert_eq!(header["host"]["hostname"], "edge-0417");
    let started = humantime::parse_rfc3339(header["started"].as_str().unwrap()).unwrap();
    assert!(started >= before && started <= SystemTime::now());
    assert_eq!(text.lines().filter(|line| line.starts_with("{\"reading\":")).count(), 4);
}

#[test]
fn without_pss_there_is_none_and_a_note() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubevirt(102_400), &["--no-pss"]));
    assert!(text.contains("PSS was not read (--no-pss)"), "{text}");
    let row = text.lines().find(|line| line.trim_start().starts_with("virt-handler")).unwrap();
    let words: Vec<_> = row.split_whitespace().collect();
    assert_eq!(words[words.len() - 2], "-", "{row}");
}
