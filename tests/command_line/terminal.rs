//! On a terminal there are colours, a progress line and its width; anywhere else there are none.
//!
//! `NO_COLOR` with any value but an empty one means none (<https://no-color.org>).

use std::process::Command;

use edgebench_tests::workdir::wait_for;
use edgebench_tests::{Terminal, Workdir};

use super::{footprint, kubevirt};

/// `edgebench` with its stdout on a terminal of this many columns; what the terminal got.
fn on_a_terminal(columns: u16, change: impl FnOnce(&mut Command)) -> String {
    let host = kubevirt(100_000);
    let dir = Workdir::new();
    let terminal = Terminal::new(columns, 40);
    let mut command = dir.command(footprint(&host, &[]));
    command.stdout(terminal.end()).env("TERM", "xterm");
    change(&mut command);
    let child = command.spawn().unwrap();
    terminal.written(command, child)
}

#[test]
fn a_terminal_gets_colours() {
    let text = on_a_terminal(100, |_| {});
    assert!(text.contains("\u{1b}[1mSummary\u{1b}[0m"), "{text}");
    // The sixteen that every terminal has, and nothing that moves the cursor.
    for sequence in text.split('\u{1b}').skip(1) {
        let (code, _) = sequence.split_once('m').unwrap();
        assert!(["[0", "[1", "[2", "[32", "[33"].contains(&code), "{code:?}");
    }
}

#[test]
fn no_color_means_none() {
    for (name, value) in [("NO_COLOR", "1"), ("NO_COLOR", "false"), ("TERM", "dumb")] {
        let text = on_a_terminal(100, |command| _ = command.env(name, value));
        assert!(!text.contains('\u{1b}') && text.contains("Summary"), "{name}={value}");
    }
    assert!(on_a_terminal(100, |command| _ = command.env("NO_COLOR", "")).contains('\u{1b}'));
}

#[test]
fn a_file_gets_none_from_a_terminal_either() {
    let host = kubevirt(100_000);
    let dir = Workdir::new();
    let terminal = Terminal::new(60, 40);
    let mut command = dir.command(footprint(&host, &["--output", "result"]));
    let child = command.stdout(terminal.end()).spawn().unwrap();
    assert_eq!(terminal.written(command, child), "");
    let text = String::from_utf8(dir.read("result")).unwrap();
    assert!(!text.contains('\u{1b}') && text.lines().any(|line| line.chars().count() > 60));
}

#[test]
fn tables_are_as_wide_as_the_terminal_and_at_most_100() {
    for (columns, widest) in [(200, 100), (100, 100), (80, 80), (60, 60), (40, 40)] {
        let text = on_a_terminal(columns, |command| _ = command.env("NO_COLOR", "1"));
        let width = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= widest, "{width} of {columns} columns: {text}");
    }
}

/// `edgebench` with its stderr on a terminal; what the terminal got.
fn progress(stdout_too: bool) -> String {
    let host = kubevirt(100_000);
    let dir = Workdir::new();
    let terminal = Terminal::new(100, 40);
    let procfs = host.proc.to_str().unwrap();
    let slow = ["footprint", "--samples", "4", "--interval", "200ms", "--procfs", procfs];
    let mut command = dir.command(slow);
    command.stderr(terminal.end()).env("TERM", "xterm");
    if stdout_too {
        command.stdout(terminal.end());
    }
    let child = command.spawn().unwrap();
    terminal.written(command, child)
}

#[test]
fn a_progress_line_is_redrawn_and_taken_away() {
    let text = progress(false);
    assert!(text.contains("Sampling edge-0417  ["), "{text:?}");
    assert!(text.contains("2/4") && text.contains(" s left   cpu "), "{text:?}");
    assert!(!text.contains('\n'), "it is one line: {text:?}");
    // The line is erased (ECMA-48, EL) after the last time it was drawn.
    let (_, after) = text.rsplit_once("Sampling").unwrap();
    assert!(after.contains("\u{1b}[2K"), "{after:?}");
}

#[test]
fn the_result_follows_the_progress_line() {
    let text = progress(true);
    let (before, after) = text.rsplit_once("\u{1b}[2K").unwrap();
    assert!(before.contains("Sampling") && after.starts_with("edgebench "), "{text:?}");
}

#[test]
fn an_error_follows_it_as_well() {
    let host = kubevirt(100_000);
    let dir = Workdir::new();
    let terminal = Terminal::new(100, 40);
    let procfs = host.proc.to_str().unwrap();
    let slow = ["footprint", "--samples", "100", "--interval", "200ms", "--save", "a", "--procfs", procfs];
    let mut command = dir.command(slow);
    let child = command.stderr(terminal.end()).env("TERM", "xterm").spawn().unwrap();
    wait_for("the file beside the capture", || !dir.contents().is_empty());
    std::thread::sleep(std::time::Duration::from_millis(300));
    host.step(|h| h.stat(""));
    let text = terminal.written(command, child);
    let (before, after) = text.rsplit_once("\u{1b}[2K").unwrap();
    assert!(before.contains("Sampling") && after.starts_with("edgebench: "), "{text:?}");
    assert!(after.contains("proc/stat: line 1: the file is empty"), "{text:?}");
}
