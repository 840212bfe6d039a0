//! Objects of prometheus-operator and of Flux, through types that are generated from their CRDs.
//!
//! `tests/typed-objects` reads each one as its type and writes it again. A field that the CRD does not have does
//! not come back; a value of another type is refused.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What of the objects of `monitoring.coreos.com` and `*.toolkit.fluxcd.io` a typed reading loses or refuses, a line
/// each. Other objects are none of its business.
///
/// # Panics
/// If the program that knows the types is not there.
pub fn lost<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let theirs: Vec<&Value> = objects
        .filter(|object| {
            object["apiVersion"].as_str().and_then(|version| version.split_once('/')).is_some_and(
                |(group, _)| group == "monitoring.coreos.com" || group.ends_with(".toolkit.fluxcd.io"),
            )
        })
        .collect();
    if theirs.is_empty() {
        return Vec::new();
    }
    let mut program = Command::new(super::tools().join("bin/typed-objects"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests/chart-tools makes it");
    let mut stdin = program.stdin.take().expect("a pipe");
    stdin.write_all(&serde_json::to_vec(&theirs).expect("JSON")).expect("it reads all before it writes");
    drop(stdin);
    let output = program.wait_with_output().expect("it ends");
    assert!(output.status.success(), "typed-objects: {}", output.status);
    let lost: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).expect("lists of lines");
    assert_eq!(lost.len(), theirs.len());
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]).replace('"', "");
    let lines = theirs.iter().zip(lost);
    lines
        .flat_map(|(object, lost)| lost.into_iter().map(move |line| format!("{}: {line}", name(object))))
        .collect()
}
