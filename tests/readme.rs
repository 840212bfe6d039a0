//! Every command of the README is run.
//!
//! A ```` ```console ```` block holds commands behind `$ `, and what they print below them. The commands run one
//! after the other in a directory of their own that has `bench/examples` in it, with the built `edgebench` for
//! `edgebench` and for `cargo run --release --`. A `#` starts a comment; `exit 1` in it allows that exit code. What
//! a block shows is compared where nothing measured is in it: `compare` of the examples. A ```` ```sh ```` block is
//! not run here; it must be listed below with what runs it.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::path::Path;
use std::process::Command;

use edgebench_tests::binaries;

/// Commands that are not run here, and what runs them.
const ELSEWHERE: [(&str, &str); 2] = [
    ("tests/run", "it runs this test"),
    ("cargo build --release && bench/scripts/cost", "minutes of measuring: run by hand, its output is below it"),
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The blocks of one kind, as their lines.
fn blocks(kind: &str) -> Vec<Vec<String>> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if let Some(found) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
            if found == kind {
                blocks.push(block);
            }
        }
    }
    blocks
}

struct Step {
    arguments: Vec<String>,
    may_exit_1: bool,
    shown: Vec<String>,
}

fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in blocks("console").into_iter().flatten() {
        let Some(command) = line.strip_prefix("$ ") else {
            steps.last_mut().expect("a command before its output").shown.push(line);
            continue;
        };
        let (command, comment) = command.split_once('#').unwrap_or((command, ""));
        let command = command.trim().replacen("cargo run --release --", "edgebench", 1);
        let mut words = command.split_whitespace().map(str::to_owned);
        assert_eq!(words.next().as_deref(), Some("edgebench"), "no command of this test's: {command}");
        let may_exit_1 = comment.contains("exit 1");
        steps.push(Step { arguments: words.collect(), may_exit_1, shown: Vec::new() });
    }
    steps
}

#[test]
fn every_command_of_the_readme_does_what_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("bench")).unwrap();
    std::os::unix::fs::symlink(root().join("bench/examples").canonicalize().unwrap(), dir.path().join("bench/examples"))
        .unwrap();
    let steps = steps();
    assert!(steps.len() > 8, "the README has commands");
    let mut compared = 0;
    for step in steps {
        let output =
            Command::new(binaries::edgebench()).args(&step.arguments).current_dir(dir.path()).output().unwrap();
        let code = output.status.code();
        let allowed = code == Some(0) || (step.may_exit_1 && code == Some(1));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(allowed, "edgebench {}: {code:?}\n{stderr}", step.arguments.join(" "));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(!printed.is_empty(), "edgebench {} prints something", step.arguments.join(" "));
        let deterministic = step.arguments.iter().all(|word| !word.ends_with(".gz") || word.starts_with("bench/examples/"))
            && step.arguments[0] == "compare";
        if deterministic && !step.shown.is_empty() {
            assert_eq!(step.shown.join("\n"), printed.trim_end(), "edgebench {}", step.arguments.join(" "));
            compared += 1;
        }
    }
    assert!(compared > 0, "the output of the examples is shown and compared");
}

#[test]
fn a_command_that_is_not_run_here_says_where_it_is() {
    let listed: Vec<_> = ELSEWHERE.iter().map(|(command, _)| *command).collect();
    for line in blocks("sh").into_iter().flatten() {
        let command = line.split('#').next().unwrap_or_default().trim();
        assert!(command.is_empty() || listed.contains(&command), "nothing runs: {command}");
    }
}
