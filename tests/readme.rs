//! Every command that README.md shows is run, or it is said here who runs it.
//!
//! The convention of README.md:
//!
//! * a block marked `console` holds commands, one to a line that begins with `$ `, and what they print below
//!   them. They are run here, by bash, in the order of the file, in one directory that has all that the
//!   repository's root has; files that they write stay for the commands after them. A line that ends in `\`
//!   goes on in the next. Each command ends with exit code 0, or with the one that a comment at its end says:
//!   `$ edgebench doctor  # exit 1`;
//! * a block marked `sh` holds commands, one to a line, that are not run here, since they take root, a cluster
//!   or minutes. Each is listed in [`RUN_ELSEWHERE`] with the reason and the test or script that runs it;
//! * any other block is marked as what it is (`text`, `json`, `markdown`, `yaml`, `rust`, …), never as another
//!   name of a shell, and never as nothing.
//!
//! What is printed below a command is compared where it does not depend on the machine ([`is_same_anywhere`]).
//! There a line `…` stands for any number of lines.
//!
//! In these commands `cargo run --release --` is the program under test, as `edgebench` is, samples are taken
//! every 10 ms unless the command says how often, and `sudo` runs its command as whoever runs the test.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgebench_tests::workdir::{Outcome, outcome};
use edgebench_tests::{Workdir, binaries};

/// Commands in `sh` blocks: the command, why it is not run here, and the file that runs it.
const RUN_ELSEWHERE: &[(&str, &str, &str)] = &[
    ("edgebench doctor", "ends with 0 or 1, as the machine is", "tests/command_line/doctor.rs"),
    ("sudo bench/scripts/source-document", "takes 2.3 GiB", "tests/live_source_document.rs"),
    ("bench/scripts/cost", "takes minutes of a quiet machine", "bench/scripts/cost"),
    (
        "edgebench-exporter --web.listen-address=:9971",
        "serves until it is told to end",
        "tests/live_prometheus/minute.rs",
    ),
    ("curl http://localhost:9971/metrics", "needs the server", "tests/live_prometheus/minute.rs"),
    (
        "edgebench footprint --samples 10 --exporter http://localhost:9971",
        "needs the server",
        "tests/live_through_exporter.rs",
    ),
    ("exporter/benches/peers --memory", "takes minutes of a quiet machine", "exporter/benches/peers"),
    ("exporter/benches/peers", "takes minutes of a quiet machine", "exporter/benches/peers"),
    (
        "edgebench footprint --kubeconfig ~/.kube/config --guest-targets node_exporter,edgeAgent",
        "needs a cluster",
        "tests/live_vm_cost.rs",
    ),
    ("kubectl create namespace edgebench", "needs a cluster", "tests/live_exporter_chart/commands.rs"),
    (
        "kubectl label namespace edgebench pod-security.kubernetes.io/enforce=privileged",
        "needs a cluster",
        "tests/live_exporter_chart/commands.rs",
    ),
    (
        "helm install edgebench deploy/charts/edgebench --namespace edgebench --set image.repository=registry.example.com/edgebench --set prometheus.podMonitor.enabled=true",
        "needs a cluster, and Helm",
        "tests/live_exporter_chart/commands.rs",
    ),
    (
        "kubectl --namespace edgebench exec daemonset/edgebench -- edgebench doctor --procfs /host/proc",
        "needs a cluster",
        "tests/live_exporter_chart/commands.rs",
    ),
    ("tests/run", "runs this test, and takes minutes", ".ci/run"),
];

/// Whether a command prints the same on every machine: what is read is in the repository.
fn is_same_anywhere(command: &str) -> bool {
    let reads_examples = command.contains("compare bench/examples/") && !command.contains(" --save");
    reads_examples || command.ends_with(" --version") || command.ends_with(" --help")
}

/// A fenced block.
#[derive(Debug, PartialEq)]
struct Block<'a> {
    /// Number of its first line in the file, from 1.
    line: usize,
    /// What it is marked as.
    mark: &'a str,
    /// The lines between the fences.
    lines: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.trim_start().strip_prefix("```"), is_open) {
            (Some(mark), false) => {
                blocks.push(Block { line: number, mark: mark.trim(), lines: Vec::new() });
                is_open = true;
            }
            (Some(_), true) => is_open = false,
            (None, true) => blocks.last_mut().unwrap().lines.push(line),
            (None, false) => {}
        }
    }
    assert!(!is_open, "the block in line {} is not closed", blocks.last().unwrap().line);
    blocks
}

/// A command and what README.md says of it.
#[derive(Debug, PartialEq)]
struct Shown {
    line: usize,
    command: String,
    code: i32,
    output: Vec<String>,
}

/// The commands of a block marked `console`.
fn session(block: &Block<'_>) -> Vec<Shown> {
    let mut session: Vec<Shown> = Vec::new();
    let mut goes_on = false;
    for (line, text) in (block.line + 1..).zip(&block.lines) {
        let (text, starts) = match text.strip_prefix("$ ") {
            Some(command) if !goes_on => (command, true),
            _ => (*text, false),
        };
        let is_command = starts || goes_on;
        let continued = text.strip_suffix('\\').filter(|_| is_command);
        let part = continued.unwrap_or(text).trim_end();
        match (starts, goes_on) {
            (true, _) => {
                session.push(Shown { line, command: part.to_owned(), code: 0, output: Vec::new() });
            }
            (false, true) => {
                write!(session.last_mut().unwrap().command, " {}", part.trim_start()).unwrap();
            }
            (false, false) => {
                assert!(!session.is_empty(), "line {line}: no command before {text:?}");
                session.last_mut().unwrap().output.push(text.into());
            }
        }
        goes_on = continued.is_some();
    }
    for shown in &mut session {
        if let Some((command, code)) = shown.command.rsplit_once("# exit ") {
            let code = code.trim().parse();
            assert!(code.is_ok(), "line {}: no exit code: {code:?}", shown.line);
            shown.code = code.unwrap();
            shown.command = command.trim_end().to_owned();
        }
    }
    session
}

/// The commands of a block marked `sh`.
fn listed(block: &Block<'_>) -> Vec<String> {
    let joined = block.lines.join("\n").replace("\\\n", " ");
    let commands = joined.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let commands = commands.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    commands.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// A directory that has all that the repository's root has, and programs of their own in `$PATH`.
struct Place {
    dir: Workdir,
    programs: Workdir,
}

impl Place {
    fn new(root: &Path) -> Place {
        let place = Place { dir: Workdir::new(), programs: Workdir::new() };
        for entry in fs::read_dir(root).unwrap() {
            let entry = entry.unwrap();
            symlink(entry.path(), place.dir.path().join(entry.file_name())).unwrap();
        }
        let edgebench = binaries::edgebench();
        let edgebench = edgebench.display();
        place.program(
            "edgebench",
            &format!(
                "case \"$1 $*\" in
                 'footprint '*' --interval'* | 'footprint '*' -i'*) exec '{edgebench}' \"$@\" ;;
                 'footprint '*) exec '{edgebench}' \"$@\" --interval 10ms ;;
                 *) exec '{edgebench}' \"$@\" ;;
                 esac"
            ),
        );
        place.program(
            "cargo",
            "case \"$*\" in
             'run --release -- '*) shift 3; exec edgebench \"$@\" ;;
             'run --release -p edgebench-exporter -- '*) shift 5; exec edgebench-exporter \"$@\" ;;
             *) echo \"cargo $*: list this command in tests/readme.rs\" >&2; exit 97 ;;
             esac",
        );
        place.program("edgebench-exporter", &format!("exec '{}' \"$@\"", binaries::exporter().display()));
        place.program("sudo", "exec \"$@\"");
        place
    }

    fn program(&self, name: &str, script: &str) {
        self.programs.write(name, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.programs.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, command: &str) -> Outcome {
        let path = format!("{}:{}", self.programs.path().display(), std::env::var("PATH").unwrap());
        let child = Command::new("bash")
            .args(["-o", "pipefail", "-c", command])
            .current_dir(self.dir.path())
            .env("PATH", path)
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        outcome(child)
    }
}

/// Whether the lines printed are those shown; `…` is any number of lines.
fn is_as_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=printed.len()).any(|from| is_as_shown(rest, &printed[from..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, others)| line.trim_end() == first.trim_end() && is_as_shown(rest, others)),
    }
}

/// What is wrong with a README, in a line for each fault.
fn faults(text: &str, root: &Path, elsewhere: &[(&str, &str, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    let place = Place::new(root);
    let mut not_run = Vec::new();
    for block in blocks(text) {
        match block.mark {
            "console" => {
                for shown in session(&block) {
                    let outcome = place.run(&shown.command);
                    let where_ = format!("line {}: {}", shown.line, shown.command);
                    if outcome.code != shown.code {
                        let (code, stderr) = (outcome.code, outcome.stderr.trim());
                        faults.push(format!("{where_}: exit code {code}, not {}: {stderr}", shown.code));
                    } else if is_same_anywhere(&shown.command) && !shown.output.is_empty() {
                        let printed: Vec<_> = outcome.stdout.lines().chain(outcome.stderr.lines()).collect();
                        let blank = shown.output.iter().rposition(|line| !line.trim().is_empty());
                        let output = &shown.output[..blank.map_or(0, |last| last + 1)];
                        if !is_as_shown(output, &printed) {
                            faults.push(format!("{where_}: it prints\n{}", outcome.stdout));
                        }
                    }
                }
            }
            "sh" => {
                for command in listed(&block) {
                    if !elsewhere.iter().any(|(listed, _, _)| *listed == command) {
                        faults.push(format!("line {}: {command}: who runs it?", block.line));
                    }
                    not_run.push(command);
                }
            }
            "" => faults.push(format!("line {}: a block that says not what it is", block.line)),
            "bash" | "shell" | "zsh" | "shell-session" | "sh-session" | "terminal" => faults.push(format!(
                "line {}: {}: commands are in blocks marked console or sh",
                block.line, block.mark
            )),
            _ => {}
        }
    }
    for (command, _, file) in elsewhere.iter().filter(|(command, _, _)| not_run.iter().any(|c| c == command))
    {
        if !root.join(file).exists() {
            faults.push(format!("{command}: {file}, which runs it, is not there"));
        }
    }
    faults
}

fn root() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap()
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let faults = faults(&text, &root(), RUN_ELSEWHERE);
    assert!(faults.is_empty(), "README.md\n{}", faults.join("\n"));
}

#[test]
fn a_session_is_read_command_by_command() {
    let text = "Words\n```console\n$ edgebench --version\nedgebench 0.1.0\n$ edgebench doctor \\\n    --procfs x  \
                # exit 2\n```\nmore\n```text\n$ no command\n```\n";
    let blocks = blocks(text);
    assert_eq!(
        blocks.iter().map(|block| (block.line, block.mark)).collect::<Vec<_>>(),
        [(2, "console"), (9, "text")]
    );
    let shown = |line, command: &str, code, output: &[&str]| Shown {
        line,
        command: command.to_owned(),
        code,
        output: output.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(
        session(&blocks[0]),
        [
            shown(3, "edgebench --version", 0, &["edgebench 0.1.0"]),
            shown(5, "edgebench doctor --procfs x", 2, &[]),
        ]
    );
}

#[test]
fn what_a_readme_says_wrongly_is_found() {
    let version = format!("edgebench {}", env!("CARGO_PKG_VERSION"));
    for (text, expected) in [
        (format!("```console\n$ edgebench --version\n{version}\n\n```\n"), &[][..]),
        ("```console\n$ edgebench --version\nedgebench 99\n```\n".into(), &["it prints"]),
        ("```console\n$ edgebench --help\n…\nCommands:\n…\n```\n".into(), &[]),
        ("```console\n$ edgebench --help\n…\nNo such line\n…\n```\n".into(), &["it prints"]),
        ("```console\n$ edgebench nonsense\n```\n".into(), &["exit code 2, not 0"]),
        ("```console\n$ edgebench nonsense  # exit 2\n```\n".into(), &[]),
        ("```console\n$ cargo run --release -- --version | grep edgebench\n```\n".into(), &[]),
        ("```console\n$ cargo build\n```\n".into(), &["exit code 97, not 0: cargo build: list this command"]),
        ("```console\n$ touch made\n$ test -e made && test -e tests/readme.rs\n```\n".into(), &[]),
        ("```console\n$ sudo edgebench footprint --samples 2 --save a.json\n$ edgebench compare a.json a.json\n```\n".into(), &[]),
        ("```sh\nlisted now   # a comment\n\n# another\n```\n".into(), &[]),
        ("```sh\nkubectl apply \\\n  -f x.yaml\n```\n".into(), &["kubectl apply -f x.yaml: who runs it?"]),
        ("```sh\ngone\n```\n".into(), &["gone: missing/script, which runs it, is not there"]),
        ("```bash\nls\n```\n".into(), &["commands are in blocks marked console or sh"]),
        ("```\nls\n```\n".into(), &["a block that says not what it is"]),
        ("```json\n{}\n```\n".into(), &[]),
    ] {
        let elsewhere = [("listed now", "takes minutes", "tests/run"), ("gone", "takes root", "missing/script")];
        let found = faults(&text, &root(), &elsewhere);
        assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
        for (fault, words) in found.iter().zip(expected) {
            assert!(fault.contains(words), "{text}: {fault}");
        }
    }
    assert!(!root().join("made").exists(), "nothing is written into the repository");
}
