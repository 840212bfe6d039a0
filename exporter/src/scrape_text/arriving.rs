//! A text that is read as it arrives, and of which only some names are wanted.
//!
//! virt-controller answers with 450 KB, of which two lines are of use, and a peer may answer with anything. So no more
//! than one line is held, and of a line that is not wanted not even that: its name decides. Such a line counts as a
//! series and is looked at no further than to tell a text of Prometheus' from an error page.
//!
//! Neither are `# HELP` and `# TYPE` looked at: who wants a name knows what it is, and prometheus-net 3 (IoT Edge)
//! writes them for families that have no sample.

use std::fmt;

use edgebench_sampler::Malformed;

use super::line::{self, Line};
use super::{Format, Sample};

/// How much is read of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes in all.
    pub bytes: u64,
    /// Series in all, wanted or not.
    pub series: u64,
    /// Bytes of a line that is wanted. 70 labels of the longest kind that Kubernetes allows fit 32 KiB.
    pub line: usize,
}

/// Who takes the samples.
pub trait Wants {
    /// Whether samples of this name are wanted.
    fn wants(&self, name: &str) -> bool;

    /// Takes one.
    ///
    /// # Errors
    /// Where it can't be there.
    fn take(&mut self, sample: &Sample<'_>) -> Result<(), Objection>;
}

/// What is wrong about a sample that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Its series was there before.
    Duplicate,
    /// There are more of its kind than are kept.
    TooMany,
    /// It says what can't be.
    Malformed(String),
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Bytes so far.
    pub bytes: u64,
    /// Series so far, wanted or not.
    pub series: u64,
}

/// Why a text is read no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is none.
    Malformed(Malformed),
    /// More bytes than are read.
    TooLarge,
    /// More series than are read, or than are kept.
    TooMany,
    /// A series that is wanted is there twice.
    Duplicate(Malformed),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(what) | Refusal::Duplicate(what) => {
                write!(f, "line {}: {}", what.line, what.what)
            }
            Refusal::TooLarge => f.write_str("more bytes than are read"),
            Refusal::TooMany => f.write_str("more series than are read"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A text in pieces.
#[derive(Debug)]
pub struct Arriving {
    format: Format,
    bounds: Bounds,
    read: Read,
    /// Lines that have ended.
    lines: usize,
    /// The beginning of a line, unless it is passed over.
    partial: Vec<u8>,
    passing: bool,
    /// `# EOF` was there.
    ended: bool,
}

/// What the beginning of a line says of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Not yet known.
    Open,
    /// A sample that is wanted.
    Wanted,
    /// A sample that is not.
    Unwanted,
    /// No sample.
    Remark,
}

impl Arriving {
    /// A text of which nothing has come yet.
    pub fn new(format: Format, bounds: Bounds) -> Arriving {
        Arriving {
            format,
            bounds,
            read: Read::default(),
            lines: 0,
            partial: Vec::new(),
            passing: false,
            ended: false,
        }
    }

    /// How much was read so far.
    pub fn read(&self) -> Read {
        self.read
    }

    /// The next piece, cut anywhere.
    ///
    /// # Errors
    /// Where the text can't be read, or not any further.
    pub fn push(&mut self, piece: &[u8], wants: &mut impl Wants) -> Result<(), Refusal> {
        self.read.bytes += piece.len() as u64;
        if self.read.bytes > self.bounds.bytes {
            return Err(Refusal::TooLarge);
        }
        let mut rest = piece;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            let line = &rest[..at];
            rest = &rest[at + 1..];
            if self.passing {
                self.passing = false;
            } else if self.partial.is_empty() {
                self.line(line, wants)?;
            } else {
                self.hold(line);
                let mut held = std::mem::take(&mut self.partial);
                self.line(&held, wants)?;
                held.clear();
                self.partial = held;
            }
            self.lines += 1;
        }
        if !self.passing && !rest.is_empty() {
            self.begin(rest, wants)?;
        }
        Ok(())
    }

    /// There is no more.
    ///
    /// # Errors
    /// Where the text was cut short.
    pub fn finish(mut self) -> Result<Read, Refusal> {
        let openmetrics = self.format == Format::OpenMetrics;
        if openmetrics && !self.ended && !self.passing && self.partial == b"# EOF" {
            self.ended = true;
            self.partial.clear();
        }
        if self.passing || !self.partial.is_empty() {
            return Err(self.malformed("the text is cut short: no line feed at its end"));
        }
        if openmetrics && !self.ended {
            return Err(self.malformed("the text is cut short: no # EOF"));
        }
        Ok(self.read)
    }

    /// Holds the beginning of a line, unless it can be passed over.
    fn begin(&mut self, piece: &[u8], wants: &impl Wants) -> Result<(), Refusal> {
        if self.ended {
            return Err(self.malformed("there is more behind # EOF"));
        }
        self.hold(piece);
        match self.verdict(&self.partial, wants)? {
            Verdict::Open | Verdict::Wanted if self.partial.len() > self.bounds.line => {
                Err(self.malformed(format!("a line of more than {} bytes", self.bounds.line)))
            }
            Verdict::Open | Verdict::Wanted => Ok(()),
            passed => {
                self.partial.clear();
                self.passing = true;
                self.count(passed)
            }
        }
    }

    /// Adds to what is held, a byte beyond the bound at most.
    fn hold(&mut self, piece: &[u8]) {
        let room = (self.bounds.line + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn line(&mut self, line: &[u8], wants: &mut impl Wants) -> Result<(), Refusal> {
        if self.ended {
            return Err(self.malformed("there is more behind # EOF"));
        }
        if line.is_empty() {
            return match self.format {
                Format::Text => Ok(()),
                Format::OpenMetrics => Err(self.malformed("an empty line")),
            };
        }
        if self.format == Format::OpenMetrics && line == b"# EOF" {
            self.ended = true;
            return Ok(());
        }
        match self.verdict(line, wants)? {
            Verdict::Wanted | Verdict::Open if line.len() > self.bounds.line => {
                Err(self.malformed(format!("a line of more than {} bytes", self.bounds.line)))
            }
            Verdict::Wanted => {
                self.count(Verdict::Wanted)?;
                self.sample(line, wants)
            }
            // A line of blanks alone.
            Verdict::Open if line.iter().all(|byte| matches!(byte, b' ' | b'\t')) => Ok(()),
            Verdict::Open => Err(self.malformed("a sample without a value")),
            passed => self.count(passed),
        }
    }

    fn sample(&mut self, line: &[u8], wants: &mut impl Wants) -> Result<(), Refusal> {
        let text = str::from_utf8(line).map_err(|_| self.malformed("bytes that are no UTF-8"))?;
        let sample = match line::parse(text, self.format) {
            Ok(Some(Line::Sample(sample))) => sample,
            Ok(_) => return Ok(()),
            Err(what) => return Err(self.malformed(what)),
        };
        wants.take(&sample).map_err(|objection| match objection {
            Objection::TooMany => Refusal::TooMany,
            Objection::Malformed(what) => self.malformed(format!("{}: {what}", sample.name)),
            Objection::Duplicate => {
                Refusal::Duplicate(Malformed::new(self.lines + 1, format!("{} is there twice", sample.name)))
            }
        })
    }

    fn count(&mut self, verdict: Verdict) -> Result<(), Refusal> {
        if verdict != Verdict::Remark {
            self.read.series += 1;
        }
        if self.read.series > self.bounds.series { Err(Refusal::TooMany) } else { Ok(()) }
    }

    /// Looks no further than to the first byte behind the name and the blanks there.
    fn verdict(&self, line: &[u8], wants: &impl Wants) -> Result<Verdict, Refusal> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let line = match self.format {
            Format::Text => &line[line.iter().take_while(|byte| is_blank(byte)).count()..],
            Format::OpenMetrics => line,
        };
        match line.first() {
            None => return Ok(Verdict::Open),
            // It may still become `# EOF`.
            Some(b'#') if self.format == Format::OpenMetrics && b"# EOF".starts_with(line) => {
                return Ok(Verdict::Open);
            }
            Some(b'#') => return Ok(Verdict::Remark),
            Some(byte) if !byte.is_ascii_alphabetic() && !matches!(byte, b'_' | b':') => {
                return Err(self.malformed("a sample without a name, or with one that is none"));
            }
            Some(_) => {}
        }
        let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
        let Some(end) = line.iter().position(|byte| !is_name_byte(byte)) else { return Ok(Verdict::Open) };
        let (name, rest) = line.split_at(end);
        let value = &rest[rest.iter().take_while(|byte| is_blank(byte)).count()..];
        match value.first() {
            None => return Ok(Verdict::Open),
            Some(b'{') => {}
            // A number, and a blank before it.
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') if is_blank(&rest[0]) => {}
            Some(b'N' | b'n' | b'I' | b'i') if is_blank(&rest[0]) => {
                let word = &value[..value.len().min(3)];
                if word.len() < 3 {
                    return Ok(Verdict::Open);
                }
                if !word.eq_ignore_ascii_case(b"nan") && !word.eq_ignore_ascii_case(b"inf") {
                    return Err(self.malformed("a sample without a value"));
                }
            }
            Some(_) => return Err(self.malformed("a sample without a value")),
        }
        let name = str::from_utf8(name).unwrap_or_default();
        Ok(if wants.wants(name) { Verdict::Wanted } else { Verdict::Unwanted })
    }

    fn malformed(&self, what: impl Into<String>) -> Refusal {
        Refusal::Malformed(Malformed::new(self.lines + 1, what))
    }
}

#[cfg(test)]
mod tests;
