//! Outputs that are kept in files and compared line by line.
//!
//! A change of the output shows as a change of these files, where a reviewer sees it as people will.
//! `UPDATE_GOLDEN=1 cargo test` rewrites them.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Lines around a difference that are shown with it.
const CONTEXT: usize = 2;

/// Holds `text` against `tests/golden/NAME`, or writes it there where `UPDATE_GOLDEN` is set.
///
/// # Panics
/// If they differ, with the lines that do.
pub fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| !value.is_empty() && value != "0") {
        fs::create_dir_all(path.parent().expect("a directory of golden files")).expect("that directory");
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_else(|e| {
        panic!("{}: {e}\n`UPDATE_GOLDEN=1 cargo test -p edgebench-tests` writes it", path.display())
    });
    if golden != text {
        panic!(
            "tests/golden/{name} is not what is printed now (- golden, + now):\n{}\n\
             If that is meant: UPDATE_GOLDEN=1 cargo test -p edgebench-tests, and look at `git diff`.",
            difference(&golden, text)
        );
    }
}

/// The lines that differ, marked `-` and `+`, each with some lines around it and the number it had.
pub fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let lines = edits(&old, &new);
    let is_near = |at: usize| {
        let around = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(lines.len());
        lines[around].iter().any(|line| line.mark != ' ')
    };
    let (mut text, mut left_out) = (String::new(), false);
    for (at, line) in lines.iter().enumerate() {
        if !is_near(at) {
            left_out = true;
            continue;
        }
        if left_out {
            text.push_str("       …\n");
        }
        left_out = false;
        let _ = writeln!(text, "{:>5} {} {}", line.number, line.mark, line.text);
    }
    text
}

struct Line<'a> {
    mark: char,
    number: usize,
    text: &'a str,
}

/// The longest common subsequence, walked from the start.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let mut common = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line { mark: ' ', number: i + 1, text: old[i] });
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            lines.push(Line { mark: '-', number: i + 1, text: old[i] });
            i += 1;
        } else {
            lines.push(Line { mark: '+', number: j + 1, text: new[j] });
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changed_and_where() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nd\ne\nF\ng\nh\n";
        assert_eq!(
            difference(old, new),
            "       …\n    4   d\n    5   e\n    6 - f\n    6 + F\n    7   g\n    8   h\n"
        );
        assert_eq!(difference("a\n", "a\nb\n"), "    1   a\n    2 + b\n    2   \n");
        assert_eq!(difference("same", "same"), "");
    }
}
