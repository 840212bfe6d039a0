//! Commands in pages of `deploy/`: the blocks marked `sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A page and the commands on it.
#[derive(Debug)]
pub struct Page {
    /// Its path in the repository.
    pub path: PathBuf,
    /// Of each block the number of its first line, and its text.
    pub blocks: Vec<(usize, String)>,
}

/// All pages below `deploy/`.
///
/// # Panics
/// If they can't be read, or a block is marked as another kind of shell or as nothing.
pub fn pages() -> Vec<Page> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut found = Vec::new();
    find(&root.join("deploy"), &mut found);
    found.sort_unstable();
    let page = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a page");
        let path = path.strip_prefix(root).expect("below it").to_owned();
        Page { blocks: blocks(&text, &path), path }
    };
    found.into_iter().map(page).collect()
}

fn find(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

fn blocks(text: &str, path: &Path) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, &str, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix("```"), open.take()) {
            (Some(mark), None) => {
                let shells = ["", "bash", "shell", "console", "zsh"];
                assert!(!shells.contains(&mark), "{}:{number}: mark commands as sh", path.display());
                open = Some((number + 1, mark, String::new()));
            }
            (Some(_), Some((first, "sh", text))) => blocks.push((first, text)),
            (None, Some((first, mark, text))) => open = Some((first, mark, text + line + "\n")),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", path.display());
    blocks
}

impl Page {
    /// The arguments with which it runs a program, as bash reads them: patterns stay as they are, variables that the page
    /// does not set are empty, `$(…)` is `output`.
    ///
    /// # Panics
    /// If bash can't read it.
    pub fn arguments_of(&self, program: &str) -> Vec<Vec<String>> {
        // Every other command becomes nothing; what a function prints is what is wanted.
        let script: String = self.blocks.iter().map(|(_, text)| text.as_str()).collect();
        let joined = script.replace("\\\n", " ");
        let lines = joined.lines().map(str::trim).filter(|line| {
            let first = line.split_whitespace().next().unwrap_or_default();
            first == program
                || line.split_whitespace().all(|word| word.contains('=') && !word.starts_with('-'))
        });
        let lines: Vec<String> = lines.map(replace_substitutions).collect();
        let script = format!(
            "set -f\n{program}() {{ printf '%s\\0' \"$@\"; printf '\\1\\0'; }}\n{}\n",
            lines.join("\n")
        );
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}: {}\n{script}",
            self.path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let mut commands = vec![Vec::new()];
        for word in said.split_terminator('\0') {
            match word {
                "\u{1}" => commands.push(Vec::new()),
                word => commands.last_mut().expect("one").push(word.to_owned()),
            }
        }
        commands.pop();
        commands
    }
}

/// `$(cat ~/.ssh/id_rsa.pub)` is not run.
fn replace_substitutions(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("$(") {
        let Some(length) = rest[at..].find(')') else { break };
        result.push_str(&rest[..at]);
        result.push_str("output");
        rest = &rest[at + length + 1..];
    }
    result + rest
}
