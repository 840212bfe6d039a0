//! Help, completions and the man page know every command and every option, as all come from one place.

use std::io::Write;
use std::process::{Command, Stdio};

use edgebench_tests::Workdir;

const COMMANDS: [&str; 5] = ["footprint", "compare", "doctor", "completions", "man"];

/// The long options that the help of a command names.
fn options(dir: &Workdir, command: &str) -> Vec<String> {
    let help = dir.shows([command, "--help"]);
    let words =
        help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    let options: Vec<_> = words.filter(|word| word.starts_with("--")).map(str::to_owned).collect();
    assert!(options.contains(&"--help".to_owned()), "{help}");
    options
}

/// Whether a program is installed.
fn is_there(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program} >/dev/null")]).status().unwrap().success()
}

/// Runs a program with `text` on its stdin; what it wrote to stdout and stderr.
fn fed(program: &str, arguments: &[&str], text: &str) -> (String, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{program}: {stderr}");
    (stdout, stderr)
}

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let dir = Workdir::new();
    for flag in ["--help", "-h"] {
        let help = dir.shows([flag]);
        for command in COMMANDS {
            assert!(help.contains(&format!("\n  {command}")), "{command} in {help}");
        }
        let codes = help.split("Exit codes: ").nth(1).unwrap();
        for code in ["0 done", "1 (doctor)", "2 an error", "130 stopped by Ctrl-C"] {
            assert!(
                codes.split_whitespace().collect::<Vec<_>>().join(" ").contains(code),
                "{code} in {codes}"
            );
        }
    }
    for command in COMMANDS {
        assert!(dir.shows([command, "--help"]).contains(&format!("Usage: edgebench {command}")));
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let dir = Workdir::new();
    let version = format!("edgebench {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(dir.shows(["--version"]), version);
    assert_eq!(dir.shows(["-V"]), version);
}

#[test]
fn every_shell_gets_a_script_that_knows_every_option() {
    let dir = Workdir::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = dir.shows(["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{command} for {shell}");
            for option in options(&dir, command) {
                // fish writes them without the dashes.
                let name = option.trim_start_matches('-');
                assert!(
                    script.contains(&option) || script.contains(&format!("-l {name}")),
                    "{option} for {shell}"
                );
            }
        }
    }
}

#[test]
fn the_scripts_are_scripts() {
    let dir = Workdir::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        if !is_there(shell) {
            continue;
        }
        let script = dir.shows(["completions", shell]);
        dir.write("script", &script);
        let path = dir.path().join("script");
        let (stdout, stderr) = fed(shell, &[check, path.to_str().unwrap()], "");
        assert_eq!((stdout.as_str(), stderr.as_str()), ("", ""), "{shell}");
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    if !is_there("bash") {
        return;
    }
    let dir = Workdir::new();
    let script = dir.shows(["completions", "bash"]);
    for (line, expected) in [
        ("edgebench foot", "footprint"),
        ("edgebench footprint --sam", "--samples --same-machine"),
        ("edgebench compare --format ", "table markdown json csv sar html"),
        ("edgebench completions z", "zsh"),
    ] {
        let words: Vec<_> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let (last, before) = (words.len() - 1, words.len() - 2);
        let asked = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={last}; COMPREPLY=()
             _edgebench edgebench {} {}; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
            words[last],
            words[before],
        );
        let (reply, stderr) = fed("bash", &["--norc", "-s"], &asked);
        assert_eq!((reply.trim(), stderr.as_str()), (expected, ""), "{line}");
    }
}

/// The macros of man(7), and the requests of groff(7), that a page may use.
const MACROS: [&str; 12] =
    [".TH", ".SH", ".SS", ".TP", ".PP", ".IP", ".RS", ".RE", ".br", ".ie", ".el", ".ds"];

#[test]
fn the_man_page_is_one_page_that_knows_every_option() {
    let dir = Workdir::new();
    let page = dir.shows(["man"]);
    assert_eq!(page.matches("\n.TH ").count() + usize::from(page.starts_with(".TH ")), 1, "one title");
    for line in page.lines().filter(|line| line.starts_with('.')) {
        let name = line.split_whitespace().next().unwrap();
        assert!(MACROS.contains(&name), "{line}");
    }
    let text = page.replace("\\-", "-");
    for command in COMMANDS {
        assert!(text.contains(&format!(".SH \"{}\"\n", command.to_uppercase())), "{command}");
        for option in options(&dir, command) {
            // Every program has these two.
            assert!(
                ["--help", "--version"].contains(&&*option) || text.contains(&option),
                "{command} {option}"
            );
        }
    }
    assert!(text.contains("Exit codes: 0 done"));
    // There are no other pages to refer to.
    assert!(!text.contains("edgebench-footprint(1)"));
}

#[test]
fn man_renders_the_page() {
    if !is_there("man") {
        return;
    }
    let dir = Workdir::new();
    let page = dir.shows(["man"]);
    let (shown, stderr) = fed("man", &["--warnings", "-l", "-"], &page);
    assert_eq!(stderr, "", "groff finds nothing to warn of");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["NAME", "SYNOPSIS", "FOOTPRINT", "--samples", "COMPARE", "DOCTOR", "Exit codes: 0 done"] {
        assert!(shown.contains(words), "no {words} in {shown}");
    }
}
