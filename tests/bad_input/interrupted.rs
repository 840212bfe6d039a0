//! A signal ends the measurement, not the program: what was measured is printed and saved.
//!
//! Exit code 130 is 128 + SIGINT, as shells say it. From the moment that the file beside the capture is
//! there signals are caught.

use std::time::{Duration, Instant};

use edgebench_tests::workdir::{Outcome, outcome, send, wait_for};
use edgebench_tests::{Host, Workdir};
use rustix::process::Signal;

/// Starts a long measurement of `host`, sends `signal` after `wait`, and tells how it ended.
fn stopped(dir: &Workdir, host: &Host, interval: &str, wait: Duration, signal: Signal) -> Outcome {
    let procfs = host.proc.to_str().unwrap();
    let arguments = ["--samples", "100", "--interval", interval, "--save", "part.json", "--procfs", procfs];
    let child = dir.command([&["footprint"], &arguments[..]].concat()).spawn().unwrap();
    wait_for("the file beside the capture", || dir.contents().len() == 1);
    std::thread::sleep(wait);
    let since = Instant::now();
    send(signal, &child);
    let outcome = outcome(child);
    assert!(since.elapsed() < Duration::from_secs(30), "it ends at once");
    outcome
}

/// The number of samples that it says it took.
fn samples(outcome: &Outcome) -> u64 {
    let note = outcome.stdout.split("Stopped after ").nth(1).unwrap();
    let (taken, rest) = note.split_once(' ').unwrap();
    assert!(rest.starts_with("of 100 samples"), "{rest}");
    taken.parse().unwrap()
}

/// The capture is whole, says what it is, and can be compared.
fn assert_saved(dir: &Workdir, samples: u64) {
    let names: Vec<_> = dir.contents().into_keys().collect();
    assert_eq!(names, [dir.path().join("part.json")]);
    let text = String::from_utf8(dir.read("part.json")).unwrap();
    let end: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(end["end"]["interrupted"], true);
    assert_eq!(end["end"]["readings"], samples + 1);
    let compared = dir.shows(["compare", "part.json", "part.json"]);
    assert!(compared.contains(&format!("Stopped after {samples} of 100 samples")), "{compared}");
}

#[test]
fn ctrl_c_prints_and_saves_what_was_measured() {
    let dir = Workdir::new();
    let outcome = stopped(&dir, &Host::new(), "100ms", Duration::from_millis(300), Signal::INT);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (130, ""));
    let samples = samples(&outcome);
    assert!((1..100).contains(&samples));
    assert!(outcome.stdout.starts_with("edgebench "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(&format!("{samples} sample")), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Saved to part.json"), "{}", outcome.stdout);
    assert_saved(&dir, samples);
}

#[test]
fn before_the_first_sample_is_done_it_is_taken_at_once() {
    let dir = Workdir::new();
    let outcome = stopped(&dir, &Host::new(), "1h", Duration::ZERO, Signal::INT);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (130, ""));
    assert_eq!(samples(&outcome), 1);
    assert!(outcome.stdout.contains("RAM used (sar)"));
    assert_saved(&dir, 1);
}

#[test]
fn other_polite_signals_do_the_same() {
    for signal in [Signal::TERM, Signal::HUP] {
        let dir = Workdir::new();
        let outcome = stopped(&dir, &Host::new(), "1h", Duration::ZERO, signal);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (130, ""), "{signal:?}");
        assert_saved(&dir, samples(&outcome));
    }
}

#[test]
fn every_format_says_it_in_its_way() {
    let host = Host::new();
    let procfs = host.proc.to_str().unwrap();
    for (format, words) in [
        ("markdown", "Stopped after 1 of 100 samples"),
        ("json", "\"interrupted\": true"),
        ("csv", "CPU used"),
        ("sar", "Average:"),
        ("html", "Stopped after 1 of 100 samples"),
    ] {
        let dir = Workdir::new();
        let long = ["footprint", "--samples", "100", "--interval", "1h", "--procfs", procfs];
        let more = ["--format", format, "--save", "part.json.gz", "--output", "result"];
        let child = dir.command([&long[..], &more].concat()).spawn().unwrap();
        wait_for("the file beside the capture", || dir.contents().len() == 1);
        send(Signal::INT, &child);
        let outcome = outcome(child);
        assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (130, "", ""));
        let result = String::from_utf8(dir.read("result")).unwrap();
        assert!(result.contains(words), "{format}: {result}");
        assert_eq!(dir.contents().len(), 2, "the capture and the result");
        dir.shows(["compare", "part.json.gz", "part.json.gz"]);
    }
}
