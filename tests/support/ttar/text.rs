//! The text form of an [`Archive`]: writing and reading it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, PathBuf};

use thiserror::Error;

use super::{Archive, Entry};

/// An archive that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Archive {
    /// Reads the text form.
    ///
    /// # Errors
    /// On the first line that the format does not allow.
    pub fn parse(text: &str) -> Result<Archive, Malformed> {
        let mut archive = Archive::new();
        let mut lines = Lines { rest: text.strip_suffix('\n').unwrap_or(text).split('\n'), number: 0 };
        while let Some(line) = lines.next() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let path = line.strip_prefix("Path: ").ok_or_else(|| lines.malformed("expected `Path: …`"))?;
            let path = PathBuf::from(OsString::from_vec(lines.decoded(path)?.into_owned()));
            if path.as_os_str().is_empty() || !path.components().all(|c| matches!(c, Component::Normal(_))) {
                return Err(lines.malformed("the path leads out of the host"));
            }
            let entry = lines.entry()?;
            if archive.entries.insert(path, entry).is_some() {
                return Err(lines.malformed("this path is there twice"));
            }
        }
        Ok(archive)
    }
}

impl fmt::Display for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# A host in plain text; the format is described in tests/support/ttar.rs.")?;
        for (path, entry) in &self.entries {
            writeln!(f, "\nPath: {}", encoded(path.as_os_str().as_bytes()))?;
            match entry {
                Entry::File(content) => {
                    let mut lines: Vec<&[u8]> = content.split(|&byte| byte == b'\n').collect();
                    let last = lines.pop().unwrap_or_default();
                    writeln!(f, "Lines: {}", lines.len() + usize::from(!last.is_empty()))?;
                    for line in lines {
                        writeln!(f, "{}", encoded(line))?;
                    }
                    if !last.is_empty() {
                        writeln!(f, "{}\\EOF", encoded(last))?;
                    }
                }
                Entry::Symlink(target) => writeln!(f, "SymlinkTo: {}", encoded(target.as_bytes()))?,
                Entry::Directory => writeln!(f, "Directory")?,
                Entry::Descriptors(count) => writeln!(f, "Descriptors: {count}")?,
            }
        }
        Ok(())
    }
}

/// What stands for a NUL.
const NUL: char = '␀';

/// One line of bytes as visible text.
fn encoded(bytes: &[u8]) -> Cow<'_, str> {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t') && *byte != b'\\';
    if bytes.iter().all(plain) && !matches!(bytes.last(), Some(b' ' | b'\t')) {
        return String::from_utf8_lossy(bytes);
    }
    let body = bytes.len() - usize::from(matches!(bytes.last(), Some(b' ' | b'\t')));
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes[..body].utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\0' => text.push(NUL),
                '\\' => text.push_str("\\\\"),
                ' '..='~' | '\t' => text.push(c),
                c if c.is_alphanumeric() => text.push(c),
                c => escape(c.encode_utf8(&mut [0; 4]).as_bytes(), &mut text),
            }
        }
        escape(chunk.invalid(), &mut text);
    }
    escape(&bytes[body..], &mut text);
    text.into()
}

fn escape(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// The bytes that `encoded` made `text` of, or what is wrong with it.
fn decoded(text: &str) -> Result<Cow<'_, [u8]>, String> {
    if !text.contains(['\\', NUL]) {
        return Ok(text.as_bytes().into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            NUL => bytes.push(0),
            '\\' => match rest.next() {
                Some('\\') => bytes.push(b'\\'),
                Some('x') => {
                    let digits = rest.as_str().get(..2).ok_or("`\\x` needs two digits")?;
                    bytes.push(
                        u8::from_str_radix(digits, 16).map_err(|_| format!("`\\x{digits}` is no byte"))?,
                    );
                    rest = rest.as_str()[2..].chars();
                }
                other => {
                    return Err(format!(
                        "unknown escape `\\{}`",
                        other.map(String::from).unwrap_or_default()
                    ));
                }
            },
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(bytes.into())
}

/// The lines of an archive with the number of the last one taken.
struct Lines<'t> {
    rest: std::str::Split<'t, char>,
    number: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<&'t str> {
        self.number += 1;
        self.rest.next()
    }

    fn malformed(&self, what: impl Into<String>) -> Malformed {
        Malformed { line: self.number, what: what.into() }
    }

    fn decoded<'a>(&self, text: &'a str) -> Result<Cow<'a, [u8]>, Malformed> {
        decoded(text).map_err(|what| self.malformed(what))
    }

    fn count(&self, text: &str) -> Result<usize, Malformed> {
        text.parse().map_err(|_| self.malformed(format!("`{text}` is no number")))
    }

    /// What follows a path.
    fn entry(&mut self) -> Result<Entry, Malformed> {
        let head = self.next().unwrap_or_default();
        if head == "Directory" {
            Ok(Entry::Directory)
        } else if let Some(target) = head.strip_prefix("SymlinkTo: ") {
            Ok(Entry::Symlink(OsString::from_vec(self.decoded(target)?.into_owned())))
        } else if let Some(count) = head.strip_prefix("Descriptors: ") {
            Ok(Entry::Descriptors(self.count(count)?))
        } else if let Some(count) = head.strip_prefix("Lines: ") {
            let count = self.count(count)?;
            self.content(count)
        } else {
            Err(self.malformed("expected `Lines: …`, `SymlinkTo: …`, `Descriptors: …` or `Directory`"))
        }
    }

    fn content(&mut self, count: usize) -> Result<Entry, Malformed> {
        let mut content = Vec::new();
        for number in 1..=count {
            let line = self
                .next()
                .ok_or_else(|| self.malformed(format!("the file ends, {count} lines were announced")))?;
            let (line, newline) = match line.strip_suffix("\\EOF") {
                // `\\EOF` is a backslash and the letters.
                Some(body) if number == count && trailing_backslashes(body).is_multiple_of(2) => {
                    (body, false)
                }
                _ => (line, true),
            };
            content.extend_from_slice(&self.decoded(line)?);
            if newline {
                content.push(b'\n');
            }
        }
        Ok(Entry::File(content))
    }
}

fn trailing_backslashes(text: &str) -> usize {
    text.len() - text.trim_end_matches('\\').len()
}
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(path: &str, entry: Entry) -> Archive {
        let mut archive = Archive::new();
        archive.insert(path, entry);
        archive
    }

    fn written(content: &[u8]) -> String {
        let text = one("f", Entry::File(content.into())).to_string();
        text.split_once("Path: f\n").unwrap().1.to_owned()
    }

    #[test]
    fn a_command_line_is_one_readable_line() {
        assert_eq!(written(b"qemu-kvm\0-m\x00512\0"), "Lines: 1\nqemu-kvm␀-m␀512␀\\EOF\n");
    }

    #[test]
    fn lines_are_the_files_own() {
        assert_eq!(written(b""), "Lines: 0\n");
        assert_eq!(written(b"\n"), "Lines: 1\n\n");
        assert_eq!(written(b"a\n\nb\n"), "Lines: 3\na\n\nb\n");
        assert_eq!(written(b"a\nb"), "Lines: 2\na\nb\\EOF\n");
    }

    #[test]
    fn what_would_get_lost_on_the_way_is_escaped() {
        assert_eq!(written(b"Groups:\t0 \n"), "Lines: 1\nGroups:\t0\\x20\n");
        assert_eq!(written(b"\x1b[31m\r\xff\n"), "Lines: 1\n\\x1b[31m\\x0d\\xff\n");
        assert_eq!(written("virt␀\u{202e}é\n".as_bytes()), "Lines: 1\nvirt\\xe2\\x90\\x80\\xe2\\x80\\xaeé\n");
        assert_eq!(written(b"\\EOF\n"), "Lines: 1\n\\\\EOF\n");
    }

    #[test]
    fn what_looks_like_the_format_is_content() {
        let file = Entry::File(b"Path: x\nLines: 7\n# no comment\n\\EOF\nDirectory\n".to_vec());
        let archive = one("f", file);
        assert_eq!(Archive::parse(&archive.to_string()), Ok(archive));
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, line) in [
            ("Paht: x\n", 1),
            ("# c\n\nPath: x\nLinse: 1\n", 4),
            ("Path: x\nLines: 2\na\n", 4),
            ("Path: x\nLines: 1\na\\q\n", 3),
            ("Path: x\nLines: 1\na\\x1\n", 3),
            ("Path: ../x\nLines: 0\n", 1),
            ("Path: /etc/x\nLines: 0\n", 1),
            ("Path: x\nLines: 0\nPath: x\nLines: 0\n", 4),
        ] {
            assert_eq!(Archive::parse(text).unwrap_err().line, line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let archive = one("f", Entry::File(content));
            prop_assert_eq!(Archive::parse(&archive.to_string()), Ok(archive));
        }

        #[test]
        fn the_bytes_the_format_itself_uses_come_back(
            content in proptest::collection::vec(proptest::sample::select(b"\\EOFx0a \t\n\0#\xe2\x90\x80".to_vec()), 0..40),
        ) {
            let archive = one("f", Entry::File(content));
            prop_assert_eq!(Archive::parse(&archive.to_string()), Ok(archive));
        }

        #[test]
        fn any_name_and_target_come_back(
            name in proptest::collection::vec(1u8..=255, 1..40),
            target in proptest::collection::vec(1u8..=255, 0..40),
        ) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let mut archive = Archive::new();
            archive.insert(OsString::from_vec(name), Entry::Symlink(OsString::from_vec(target)));
            prop_assert_eq!(Archive::parse(&archive.to_string()), Ok(archive));
        }
    }
}
