//! The captures in `bench/examples` are what the fixtures say, and compare as a newcomer is told to.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::path::Path;
use std::process::Command;

use edgebench::capture::{self, CaptureError, Record, Sink};
use edgebench_tests::{binaries, examples};
use serde_json::Value;

/// All records but the version of the program that wrote them, which may be an older one.
#[derive(Default)]
struct Content(Vec<Value>);

impl Sink for Content {
    fn record(&mut self, mut record: Record) -> Result<(), CaptureError> {
        if let Record::Header(header) = &mut record {
            header.version.clear();
        }
        self.0.push(serde_json::to_value(record).unwrap());
        Ok(())
    }
}

fn content(path: &Path) -> Vec<Value> {
    let mut content = Content::default();
    capture::read(path, &mut content).unwrap();
    content.0
}

#[test]
fn they_are_made_of_the_fixtures() {
    let directory = tempfile::tempdir().unwrap();
    for (name, phase) in examples::EXAMPLES {
        let made = directory.path().join(name);
        examples::write(phase, &made).unwrap();
        let kept = content(&examples::directory().join(name));
        assert!(
            content(&made) == kept,
            "{name} is not what the fixtures say: cargo run -p edgebench-tests --bin make-examples"
        );
        assert_eq!(kept[0]["header"]["started"].as_str().unwrap().split('T').next(), Some("2026-11-22"));
    }
}

#[test]
fn making_them_twice_makes_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let (name, phase) = examples::EXAMPLES[0];
    let made = [1, 2].map(|time| {
        let path = directory.path().join(format!("{time}-{name}"));
        examples::write(phase, &path).unwrap();
        std::fs::read(path).unwrap()
    });
    assert!(made[0] == made[1]);
}

#[test]
fn a_newcomers_first_comparison_works() {
    let output = Command::new(binaries::edgebench())
        .args(["compare", "no-kubevirt.json.gz", "kubevirt.json.gz"])
        .current_dir(examples::directory())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}", output = output.stderr);
    assert!(text.contains("No KubeVirt: measured, no-kubevirt.json.gz (2026-11-22 07:26, same machine"));
    assert!(text.contains("1 VM: default/edge-vm, 1 vCPU, 512.0 MiB"), "{text}");
    assert!(text.contains("KubeVirt takes 809.4 MiB (3.4 %) of this node:"), "{text}");
}
