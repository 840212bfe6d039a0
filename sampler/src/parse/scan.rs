//! Lines, words and numbers of kernel text, as borrowed slices: nothing here allocates but an error.
//!
//! The kernel writes ASCII with `\n` between lines and blanks between words (`fs/seq_file.c`). Only a name
//! that a user chose (comm, path) can hold other bytes, so everything is bytes, not `str`.

use std::io::BufRead;

use crate::error::Malformed;
use crate::units::Bytes;

/// The lines of a text, numbered from 1, without their newline.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

/// One line and its number.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a [u8],
}

impl<'a> Lines<'a> {
    /// The lines of `text`.
    pub(super) fn of(text: &'a [u8]) -> Lines<'a> {
        Lines { rest: text, number: 0 }
    }

    /// The lines of `text`, unless it is empty.
    pub(super) fn of_some(text: &'a [u8]) -> Result<Lines<'a>, Malformed> {
        if text.is_empty() { Err(Malformed::new(1, "the file is empty")) } else { Ok(Lines::of(text)) }
    }

    /// The lines of `text`, unless it is empty or ends in the middle of a line: a number there may be cut
    /// too.
    pub(super) fn of_whole(text: &'a [u8]) -> Result<Lines<'a>, Malformed> {
        if text.last().is_some_and(|&last| last != b'\n') {
            return Err(Malformed::new(Lines::of(text).count(), "cut short: the last line has no newline"));
        }
        Lines::of_some(text)
    }

    /// The error of a text that was read to its end without a line that has to be there.
    pub(super) fn missing(&self, key: &str) -> Malformed {
        Malformed::new(self.number.max(1), format!("no line `{key}` up to the end"))
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        // On a slice this is the C library's memchr: it matters for the `intr` line, which has kilobytes. It
        // cannot fail there.
        let mut after = self.rest;
        let length = after.skip_until(b'\n').unwrap_or(0).max(1);
        let (line, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.number += 1;
        Some(Line { number: self.number, text: line.strip_suffix(b"\n").unwrap_or(line) })
    }
}

impl<'a> Line<'a> {
    /// The words of the line.
    pub(super) fn words(self) -> Words<'a> {
        Words { line: self.number, rest: self.text }
    }

    /// The line as `key`, `separator`, `value`; absent when it does not hold the separator.
    pub(super) fn entry(self, separator: u8) -> Option<Entry<'a>> {
        let (key, value) = halves(self.text, separator)?;
        Some(Entry { line: self.number, key, value: value.trim_ascii() })
    }
}

/// A line of the form `key: value` or `key value`.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) line: usize,
    pub(super) key: &'a [u8],
    /// Without blanks around it.
    pub(super) value: &'a [u8],
}

impl Entry<'_> {
    /// The value as a number.
    pub(super) fn number<T: TryFrom<u64>>(self) -> Result<T, Malformed> {
        decimal(self.value).and_then(narrow).map_err(|wrong| self.malformed(wrong))
    }

    /// The value as a hexadecimal number without `0x`.
    pub(super) fn hexadecimal(self) -> Result<u64, Malformed> {
        hexadecimal_digits(self.value).map_err(|wrong| self.malformed(wrong))
    }

    /// The value as an amount of memory, "123 kB".
    pub(super) fn kib(self) -> Result<Bytes, Malformed> {
        let number = self.value.strip_suffix(b"kB").map(<[u8]>::trim_ascii_end).ok_or(Wrong::NotKib);
        let kib = number.and_then(decimal).map_err(|wrong| self.malformed(wrong))?;
        let bytes = kib.checked_mul(1024).ok_or_else(|| self.malformed(Wrong::TooLarge))?;
        Ok(Bytes(bytes))
    }

    fn malformed(self, wrong: Wrong) -> Malformed {
        wrong.in_field(self.line, &self.key.escape_ascii().to_string(), self.value)
    }
}

/// The words of one line, or of a file that is one line.
pub(super) struct Words<'a> {
    line: usize,
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    /// The words of `text`, all counted as line `line`.
    pub(super) fn of(line: usize, text: &'a [u8]) -> Words<'a> {
        Words { line, rest: text }
    }

    /// The next word, which has to be there.
    pub(super) fn word(&mut self, what: &str) -> Result<&'a [u8], Malformed> {
        let line = self.line;
        self.next().ok_or_else(|| Malformed::new(line, format!("{what} is missing")))
    }

    /// The next word, which has to be there and be a number.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, what: &str) -> Result<T, Malformed> {
        let word = self.word(what)?;
        number(self.line, what, word)
    }

    /// The next word as a number; 0 where the line ends before it.
    pub(super) fn number_or_zero(&mut self, what: &str) -> Result<u64, Malformed> {
        self.next().map_or(Ok(0), |word| number(self.line, what, word))
    }

    /// The next word, which has to be there and be two parts with `separator` between them.
    pub(super) fn pair(&mut self, what: &str, separator: u8) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let word = self.word(what)?;
        let no_pair = || Malformed::new(self.line, format!("{what} has no `{}`", char::from(separator)));
        halves(word, separator).ok_or_else(no_pair)
    }

    /// Leaves out `count` words, which have to be there.
    pub(super) fn skip_words(&mut self, count: usize, what: &str) -> Result<(), Malformed> {
        for _ in 0..count {
            self.word(what)?;
        }
        Ok(())
    }

    /// What is left, without the blanks before it.
    pub(super) fn rest(self) -> &'a [u8] {
        self.rest.trim_ascii_start()
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.trim_ascii_start();
        let length = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(length)?;
        self.rest = rest;
        if word.is_empty() { None } else { Some(word) }
    }
}

/// What is before and after the first `separator`.
pub(super) fn halves(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `word` as a number; `what` names it in the error.
pub(super) fn number<T: TryFrom<u64>>(line: usize, what: &str, word: &[u8]) -> Result<T, Malformed> {
    decimal(word).and_then(narrow).map_err(|wrong| wrong.in_field(line, what, word))
}

/// `word` as an amount that the kernel prints with a sign: below zero there is nothing, so that is 0.
pub(super) fn not_below_zero(line: usize, what: &str, word: &[u8]) -> Result<u64, Malformed> {
    match word.strip_prefix(b"-") {
        Some(magnitude) => number::<u64>(line, what, magnitude).map(|_| 0),
        None => number(line, what, word),
    }
}

/// `word` as a hexadecimal number without `0x`; `what` names it in the error.
pub(super) fn hexadecimal<T: TryFrom<u64>>(line: usize, what: &str, word: &[u8]) -> Result<T, Malformed> {
    hexadecimal_digits(word).and_then(narrow).map_err(|wrong| wrong.in_field(line, what, word))
}

/// `word` as a number with a fraction, as the kernel prints averages (`%lu.%02lu`): neither sign nor
/// exponent, and none of the words that Rust takes for a float.
pub(super) fn fraction(line: usize, what: &str, word: &[u8]) -> Result<f64, Malformed> {
    let plain = word.first().is_some_and(u8::is_ascii_digit)
        && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    str::from_utf8(word)
        .ok()
        .filter(|_| plain)
        .and_then(|word| word.parse::<f64>().ok())
        .filter(|number| number.is_finite())
        .ok_or_else(|| Wrong::NotDigits.in_field(line, what, word))
}

/// Why a word is not the number it should be.
#[derive(Clone, Copy)]
enum Wrong {
    NotDigits,
    TooLarge,
    NotKib,
}

impl Wrong {
    fn in_field(self, line: usize, what: &str, found: &[u8]) -> Malformed {
        // An error message is read by people: it shows the start of what may be a file of any size.
        let found = found.get(..40).unwrap_or(found).escape_ascii();
        let wrong = match self {
            Wrong::NotDigits => "is not a number",
            Wrong::TooLarge => "is too large a number",
            Wrong::NotKib => "is not a number of kB",
        };
        Malformed::new(line, format!("{what} {wrong}: `{found}`"))
    }
}

fn narrow<T: TryFrom<u64>>(number: u64) -> Result<T, Wrong> {
    T::try_from(number).map_err(|_| Wrong::TooLarge)
}

/// Decimal digits only: no sign, no blank, no prefix. `str::parse` would take "+1", and wants UTF-8 first.
fn decimal(word: &[u8]) -> Result<u64, Wrong> {
    if word.is_empty() || !word.iter().all(u8::is_ascii_digit) {
        return Err(Wrong::NotDigits);
    }
    word.iter()
        .try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .ok_or(Wrong::TooLarge)
}

/// Hexadecimal digits only, of either case.
fn hexadecimal_digits(word: &[u8]) -> Result<u64, Wrong> {
    if word.is_empty() || !word.iter().all(u8::is_ascii_hexdigit) {
        return Err(Wrong::NotDigits);
    }
    word.iter()
        .try_fold(0u64, |number, &digit| {
            number.checked_mul(16)?.checked_add(u64::from(char::from(digit).to_digit(16)?))
        })
        .ok_or(Wrong::TooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number_in(word: &[u8]) -> Result<u64, Malformed> {
        number(7, "the field", word)
    }

    #[test]
    fn a_number_is_digits_and_nothing_else() {
        assert_eq!(number_in(b"0"), Ok(0));
        assert_eq!(number_in(b"007"), Ok(7));
        assert_eq!(number_in(b"18446744073709551615"), Ok(u64::MAX));
        for word in [b"".as_slice(), b"+1", b"-1", b"1.5", b"0x10", b"1 2", b"1_000", b"\xff"] {
            let wrong = number_in(word).unwrap_err();
            assert!(wrong.what.contains("the field is not a number"), "{wrong}");
        }
    }

    #[test]
    fn a_number_too_large_for_its_type_is_refused_not_wrapped() {
        let wrong = number_in(b"18446744073709551616").unwrap_err();
        assert_eq!(wrong.to_string(), "line 7: the field is too large a number: `18446744073709551616`");
        assert!(number::<u32>(1, "pid", b"4294967296").is_err());
        assert_eq!(number::<u32>(1, "pid", b"4294967295"), Ok(u32::MAX));
    }

    #[test]
    fn an_amount_below_zero_is_nothing() {
        assert_eq!(not_below_zero(1, "cutime", b"-5"), Ok(0));
        assert_eq!(not_below_zero(1, "cutime", b"5"), Ok(5));
        for word in [b"".as_slice(), b"-", b"--5", b"-x"] {
            assert!(not_below_zero(1, "cutime", word).is_err(), "{}", word.escape_ascii());
        }
    }

    #[test]
    fn an_error_shows_only_the_start_of_what_was_found() {
        let wrong = number_in(&[b'x'; 10_000]).unwrap_err();
        assert!(wrong.what.len() < 100, "{wrong}");
    }

    #[test]
    fn kernel_kb_need_their_unit_and_fit_in_bytes() {
        let kib = |text: &'static str| Lines::of(text.as_bytes()).next().unwrap().entry(b':').unwrap().kib();
        assert_eq!(kib("MemFree:   3 kB"), Ok(Bytes(3072)));
        assert_eq!(
            kib("MemFree:   3").unwrap_err().to_string(),
            "line 1: MemFree is not a number of kB: `3`"
        );
        assert!(kib("MemFree: 18446744073709551615 kB").is_err(), "2^64 KiB are no number of bytes");
    }

    #[test]
    fn a_fraction_is_what_the_kernel_prints() {
        assert_eq!(fraction(1, "avg10", b"7.99"), Ok(7.99));
        assert_eq!(fraction(1, "avg10", b"0.00"), Ok(0.0));
        for word in [b"".as_slice(), b".5", b"nan", b"inf", b"-1.0", b"1e3", b"1.2.3", b"\xff"] {
            assert!(fraction(1, "avg10", word).is_err(), "{}", word.escape_ascii());
        }
    }

    #[test]
    fn lines_are_numbered_and_lose_their_newline() {
        let lines: Vec<_> = Lines::of(b"a\n\nb").map(|line| (line.number, line.text)).collect();
        assert_eq!(lines, [(1, b"a".as_slice()), (2, b""), (3, b"b")]);
    }

    #[test]
    fn a_text_that_must_be_whole_ends_in_a_newline() {
        assert_eq!(Lines::of_whole(b"").err().unwrap().to_string(), "line 1: the file is empty");
        let wrong = Lines::of_whole(b"a 1\nb 2").err().unwrap();
        assert_eq!(wrong.to_string(), "line 2: cut short: the last line has no newline");
        assert_eq!(Lines::of_whole(b"a 1\n").unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn every_number_is_read_as_it_was_printed(number: u64) {
            prop_assert_eq!(number_in(number.to_string().as_bytes()), Ok(number));
            prop_assert_eq!(hexadecimal::<u64>(1, "x", format!("{number:x}").as_bytes()), Ok(number));
        }

        #[test]
        fn lines_are_those_of_the_standard_library(text: Vec<u8>) {
            let lines: Vec<_> = Lines::of(&text).map(|line| line.text).collect();
            let mut expected: Vec<_> = text.split(|&byte| byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            prop_assert_eq!(lines, expected);
        }

        #[test]
        fn words_are_those_of_the_standard_library(text in "[ a-z\t0-9]{0,60}") {
            let words: Vec<_> = Words::of(1, text.as_bytes()).collect();
            let expected: Vec<_> = text.split_ascii_whitespace().map(str::as_bytes).collect();
            prop_assert_eq!(words, expected);
        }
    }
}
