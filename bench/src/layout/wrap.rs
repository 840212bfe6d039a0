//! Measuring, cutting and wrapping by what a terminal shows.
//!
//! A width is in terminal columns: 虚 takes two, a combining accent none. Expects cleaned text.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` if it fits into `limit` columns, or as much of it as fits before a `…`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    if limit == 0 {
        return String::new();
    }
    let (head, _) = text.split_at(fitting(text, limit - 1));
    format!("{}…", head.trim_end())
}

/// Bytes of the longest start of `text` that fits into `limit` columns, without splitting a character from
/// the marks that combine with it.
fn fitting(text: &str, limit: usize) -> usize {
    let mut end = 0;
    for next in boundaries(text) {
        // The start is measured as a whole, because some neighbours share a cell (an emoji and its skin tone).
        if width(&text[..next]) > limit {
            break;
        }
        end = next;
    }
    end
}

/// Where `text` may be split: the byte offset after each character and its combining marks.
fn boundaries(text: &str) -> impl Iterator<Item = usize> {
    let joins = |c: char| c.width() == Some(0) || matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    text.char_indices()
        .skip(1)
        .filter(move |&(_, c)| !joins(c))
        .map(|(offset, _)| offset)
        .chain(std::iter::once(text.len()))
}

/// What a line may begin with that the lines below it keep clear of: of notes, and of checks.
const MARKS: [&str; 6] = ["! ", "ok    ", "warn  ", "FAIL  ", "lost: ", "fix:  "];

/// `text` in lines of at most `limit` columns. The first keeps its leading spaces, the others are indented to
/// stand below the first word. Runs of spaces inside a line are kept.
pub(super) fn wrap(text: &str, limit: usize) -> Vec<String> {
    let words = text.trim_start_matches(' ');
    // A line must have room for words, whatever its indent.
    let lead = (text.len() - words.len()).min(limit / 2);
    let mark = MARKS.into_iter().find(|mark| words.starts_with(mark)).unwrap_or_default();
    let words = words.strip_prefix(mark).unwrap_or(words);
    let hang = (lead + mark.len()).min(limit / 2);

    let mut lines = Vec::new();
    let mut line = " ".repeat(lead) + mark;
    let mut is_begun = false;
    for (gap, word) in gaps_and_words(words) {
        if is_begun && width(&line) + gap + width(word) > limit {
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
            is_begun = false;
        }
        if is_begun {
            line.push_str(&" ".repeat(gap));
        }
        is_begun = true;

        let mut rest = word;
        while width(&line) + width(rest) > limit {
            // A word wider than a line. At least one character is taken, or this would not end.
            let room = limit.saturating_sub(width(&line));
            let end = fitting(rest, room).max(boundaries(rest).next().unwrap_or(rest.len()));
            line.push_str(&rest[..end]);
            rest = &rest[end..];
            if rest.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
        }
        line.push_str(rest);
    }
    lines.push(line);

    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// The words of `text`, each with the number of spaces before it. A number and its unit are one word.
fn gaps_and_words(text: &str) -> Vec<(usize, &str)> {
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut start = 0;
    let mut gap = 0;
    for word in text.split(' ') {
        let end = start + word.len();
        if word.is_empty() {
            gap += 1;
        } else {
            match words.last_mut() {
                Some((_, before))
                    if gap == 1 && before.ends_with(|c: char| c.is_ascii_digit()) && is_unit(word) =>
                {
                    *before = &text[start - 1 - before.len()..end];
                }
                _ => words.push((gap, word)),
            }
            gap = 1;
        }
        start = end + 1;
    }
    words
}

fn is_unit(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
    matches!(word, "%" | "pt" | "KiB" | "MiB" | "GiB" | "s" | "ms" | "min" | "MiB/min")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_is_marked_and_fits() {
        assert_eq!(cut("metrics-server", 14), "metrics-server");
        assert_eq!(cut("metrics-server", 11), "metrics-se…");
        assert_eq!(cut("metrics server", 9), "metrics…");
        assert_eq!(cut("metrics", 1), "…");
        assert_eq!(cut("metrics", 0), "");
    }

    #[test]
    fn a_cut_splits_no_character() {
        // Two columns each: three do not fit into five with the mark, and half of one is not shown.
        assert_eq!(cut("虚拟机虚拟机", 6), "虚拟…");
        assert_eq!(cut("虚拟机虚拟机", 5), "虚拟…");
        // The accent goes with its letter.
        assert_eq!(cut("cafe\u{301}-vm", 5), "cafe\u{301}…");
        assert_eq!(cut("cafe\u{301}-vm", 4), "caf…");
        assert_eq!(cut("👍🏽👍🏽👍🏽", 5), "👍🏽👍🏽…");
    }

    #[test]
    fn a_line_wraps_below_its_first_word() {
        assert_eq!(wrap("short", 20), ["short"]);
        assert_eq!(wrap("", 20), [""]);
        assert_eq!(wrap("one two three four five", 13), ["one two three", "four five"]);
        assert_eq!(wrap("  one two three four", 11), ["  one two", "  three", "  four"]);
        assert_eq!(wrap("! the RAM still rose", 12), ["! the RAM", "  still rose"]);
        assert_eq!(wrap("fix:  root, or so", 13), ["fix:  root,", "      or so"]);
        assert_eq!(wrap("a   b   c", 7), ["a   b", "c"]);
        assert_eq!(wrap("trailing   ", 20), ["trailing"]);
    }

    #[test]
    fn a_number_stays_with_its_unit() {
        assert_eq!(wrap("it rose by 3.1 MiB, and so on", 15), ["it rose by", "3.1 MiB, and so", "on"]);
    }

    #[test]
    fn a_word_wider_than_a_line_is_split() {
        assert_eq!(wrap("see aaaaaaaaaaaaaaa", 10), ["see", "aaaaaaaaaa", "aaaaa"]);
        assert_eq!(wrap("! 虚拟机虚拟机", 10), ["! 虚拟机虚", "  拟机"]);
    }

    proptest! {
        #[test]
        fn lines_fit_and_lose_no_word(text in "[ !a-z0-9%虚é]{0,80}", limit in 10usize..60) {
            let lines = wrap(&text, limit);
            for line in &lines {
                prop_assert!(width(line) <= limit);
                prop_assert_eq!(line.trim_end(), line);
            }
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
