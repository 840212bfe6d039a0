//! On a real terminal: one line of progress, tables that fit its width, colours that can be switched off.
//!
//! tmux is the terminal. It wraps a line that is wider than its pane, and `capture-pane` gives the screen as
//! a person sees it, so a screen that has the same lines as what was written has not been wrapped. How wide a
//! character is tmux decides by its own tables, not by ours.
//!
//! Run with `tests/run`, or alone:
//! `cargo test -p edgebench-tests --test live_terminal -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use edgebench_tests::captures::{Run, of_the_real_node};
use edgebench_tests::workdir::wait_for;
use edgebench_tests::{Host, Terminal, Workdir, binaries};
use tempfile::TempDir;

/// A terminal of 40 rows with a shell in it.
struct Tmux {
    /// With its socket in it, so that no other server is met.
    home: TempDir,
}

impl Tmux {
    fn new(columns: u16, dir: &Path) -> Tmux {
        let tmux = Tmux { home: tempfile::tempdir().unwrap() };
        let (columns, shell) = (columns.to_string(), "exec env PS1= PATH=\"$EDGEBENCH_PATH\" sh");
        // In one call, as a server without a session ends; with enough history for every table.
        let options = ["start-server", ";", "set-option", "-g", "history-limit", "5000", ";"];
        let session = ["new-session", "-d", "-x", &columns, "-y", "40", shell];
        tmux.run([&["-f", "/dev/null"], &options[..], &session[..]].concat(), dir);
        tmux
    }

    fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, dir: &Path) -> String {
        let program = binaries::edgebench();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("tmux")
            .args(["-u".as_ref(), "-S".as_ref(), self.home.path().join("socket").as_os_str()])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env("EDGEBENCH_PATH", format!("{}:{path}", program.parent().unwrap().display()))
            .env_remove("TMUX")
            .env_remove("NO_COLOR")
            .current_dir(dir)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Types a line; what it says starts on an empty screen.
    fn types(&self, line: &str) {
        self.run(["send-keys", "-R", ";", "clear-history"], Path::new("/"));
        self.run(["send-keys", "-l", &format!("clear; {line}\n")], Path::new("/"));
    }

    /// All lines there are, those that scrolled away too.
    fn screen(&self, more: &[&str]) -> Vec<String> {
        let text = self.run([&["capture-pane", "-p", "-S", "-5000"], more].concat(), Path::new("/"));
        let mut lines: Vec<_> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.truncate(lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
        lines
    }

    /// Runs a command to its end; all lines it wrote, as they are on the screen.
    fn shows(&self, line: &str, more: &[&str]) -> Vec<String> {
        self.types(&format!("{line}; echo \"ended with $?\""));
        wait_for(line, || has_ended(&self.screen(&[])));
        let mut lines = self.screen(more);
        assert_eq!(lines.pop().as_deref(), Some("ended with 0"), "{lines:?}");
        // What was typed may still be there.
        let first = |line: &String| line.starts_with("edgebench 0") || line.contains(" sides, differences");
        lines.split_off(lines.iter().position(first).unwrap())
    }
}

/// Whether the last line is the exit code, and not what was typed to have it, as the terminal wraps that.
fn has_ended(screen: &[String]) -> bool {
    let code = screen.last().and_then(|line| line.strip_prefix("ended with "));
    code.is_some_and(|code| code.parse::<i32>().is_ok())
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let socket = self.home.path().join("socket");
        let _ = Command::new("tmux").arg("-S").arg(socket).arg("kill-server").output();
    }
}

/// What `edgebench` writes to a terminal of this width, line by line, without colours.
fn rendered(dir: &Workdir, columns: u16, arguments: &[&str]) -> Vec<String> {
    let terminal = Terminal::new(columns, 40);
    let mut command = dir.command(arguments);
    let child = command.stdout(terminal.end()).env("NO_COLOR", "1").spawn().unwrap();
    terminal.written(command, child).lines().map(|line| line.trim_end().to_owned()).collect()
}

/// Captures of the real node, and of one whose names have every width.
fn with_captures() -> Workdir {
    let dir = Workdir::new();
    for (phase, name) in [("1-kubernetes", "a.json"), ("3-cdi", "b.json"), ("4-vm", "c.json")] {
        of_the_real_node(phase, &dir.path().join(name));
    }
    let long = "long-".repeat(60);
    let vms = ["虚拟机-测试", "👍-vm", "e\u{301}dge", &long, "ﾊﾝｶｸ"];
    let host = Host::new().file("proc/sys/kernel/hostname", format!("节点-{long}\n"));
    let host = (300..).zip(vms).fold(host, |host, (pid, name)| {
        let guest = format!("guest=default_{name}");
        host.process(pid, |p| {
            p.exe("/usr/libexec/qemu-kvm").cmdline(["qemu-kvm", "-name", &guest, "-accel", "kvm", "-m", "8"])
        })
    });
    let comms = ["虚拟机测试", "👍👍", "é", "plain", "fifteen-letters", "ﾊﾝｶｸ", "한국어"];
    let host = (100..).zip(comms).fold(host, |host, (pid, name)| {
        host.process(pid, |p| p.comm(name).anon_kib(u64::from(20_000 + pid)))
    });
    Run { label: Some(&long), ..Run::default() }.save(&host, &dir.path().join("wide.json"), |_, _| {});
    dir
}

/// Every kind of result, of the real node and of the one with wide names.
const RESULTS: [&[&str]; 6] = [
    &["compare", "a.json", "c.json"],
    &["compare", "a.json", "c.json", "--all"],
    &["compare", "a.json", "--with", "b.json", "c.json"],
    &["compare", "wide.json", "wide.json", "--all"],
    &["compare", "a.json", "wide.json"],
    &["compare", "wide.json", "--with", "a.json", "wide.json"],
];

#[test]
#[ignore = "live: needs tmux"]
fn no_line_is_wider_than_the_terminal() {
    let dir = with_captures();
    for columns in [100, 80, 60] {
        let tmux = Tmux::new(columns, dir.path());
        for arguments in RESULTS {
            let line = format!("NO_COLOR=1 edgebench {}", arguments.join(" "));
            let (shown, written) = (tmux.shows(&line, &[]), rendered(&dir, columns, arguments));
            assert_eq!(shown, written, "{columns} columns: {line}");
        }
    }
}

#[test]
#[ignore = "live: needs tmux"]
fn names_of_any_width_leave_the_columns_where_they_are() {
    let dir = with_captures();
    let tmux = Tmux::new(100, dir.path());
    let text = dir.shows(["compare", "wide.json", "wide.json", "--all"]);
    let rows = |heading: &str, end: &str| -> Vec<String> {
        let block = text.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
        block.take_while(|line| !line.trim_start().starts_with(end)).map(str::to_owned).collect()
    };
    for (heading, end) in [("Processes", "RES counts"), ("Virtual machines", "OVERHEAD")] {
        let rows = rows(heading, end);
        assert!(rows.len() >= 5, "{text}");
        for row in rows.iter().filter(|row| !row.trim_start().starts_with("---")) {
            // All end with the same right edge, so the cursor stands at the same column behind each.
            let at = |row: &str| {
                dir.write("row", row);
                tmux.types("printf '%s' \"$(cat row)\"; read _");
                let name: String = row.trim_start().chars().take(4).collect();
                wait_for("the row", || {
                    tmux.screen(&[]).last().is_some_and(|line| line.trim_start().starts_with(&name))
                });
                let column = tmux.run(["display-message", "-p", "#{cursor_x}"], Path::new("/"));
                tmux.run(["send-keys", "Enter"], Path::new("/"));
                column
            };
            assert_eq!(at(row), at(&rows[0]), "{row}\n{}", rows[0]);
        }
    }
}

#[test]
#[ignore = "live: needs tmux"]
fn colours_are_there_and_can_be_switched_off() {
    let dir = with_captures();
    let tmux = Tmux::new(100, dir.path());
    let coloured = tmux.shows("edgebench compare a.json c.json", &["-e"]);
    // Bold headings and yellow notes.
    let bold = |line: &String| line.starts_with("\u{1b}[1m") && line.ends_with("Summary");
    assert!(coloured.iter().any(bold), "{coloured:?}");
    assert!(coloured.iter().any(|line| line.contains("\u{1b}[33m! ")), "{coloured:?}");
    for off in ["NO_COLOR=1", "TERM=dumb"] {
        let plain = tmux.shows(&format!("{off} edgebench compare a.json c.json"), &["-e"]);
        assert!(!plain.iter().any(|line| line.contains('\u{1b}')), "{off}: {plain:?}");
    }
}

#[test]
#[ignore = "live: needs tmux, runs for some seconds"]
fn one_line_of_progress_says_what_is_left_and_goes_away() {
    let dir = Workdir::new();
    let host = Host::new().file("proc/sys/kernel/hostname", "edge-0417\n");
    for columns in [100, 80] {
        let tmux = Tmux::new(columns, dir.path());
        let procfs = host.proc.display();
        let run = format!("edgebench footprint --samples 12 --interval 400ms --procfs {procfs}");
        tmux.types(&format!("{run}; echo \"ended with $?\""));
        let progress = || -> Vec<String> {
            tmux.screen(&[]).into_iter().filter(|line| line.starts_with("Sampling edge-0417  [")).collect()
        };
        wait_for("the progress line", || progress().iter().any(|line| line.contains(" s left   cpu ")));
        wait_for("the last second", || progress().iter().any(|line| line.contains("1 s left")));
        assert_eq!(progress().len(), 1, "redrawn, not written again: {:?}", tmux.screen(&[]));
        assert!(progress()[0].contains("/12  ") && progress()[0].contains('#'), "{:?}", progress());
        wait_for("the result", || tmux.screen(&[]).last().is_some_and(|line| line == "ended with 0"));
        assert!(progress().is_empty(), "{:?}", tmux.screen(&[]));
        assert!(tmux.screen(&[]).iter().any(|line| line == "Summary"));
    }
}

#[test]
#[ignore = "live: needs tmux"]
fn ctrl_c_prints_what_was_measured_on_the_terminal_too() {
    let dir = Workdir::new();
    let host = Host::new();
    for columns in [100, 80, 60] {
        let tmux = Tmux::new(columns, dir.path());
        let procfs = host.proc.display();
        let long = format!("edgebench footprint --samples 100 --interval 250ms --procfs {procfs}");
        tmux.types(&format!("{long}; echo \"ended with $?\""));
        wait_for("two samples", || tmux.screen(&[]).iter().any(|line| line.contains("  2/100  ")));
        tmux.run(["send-keys", "C-c"], Path::new("/"));
        let end = || has_ended(&tmux.screen(&[]));
        wait_for(&format!("the end at {columns} columns of {:?}", tmux.screen(&[])), end);
        let screen = tmux.screen(&[]);
        assert_eq!(screen.last().unwrap(), "ended with 130");
        assert!(screen.iter().any(|line| line.contains("! Stopped after ")), "{screen:?}");
        assert!(!screen.iter().any(|line| line.contains("Sampling")), "{screen:?}");
    }
}
