//! Text from outside, made safe to show.
//!
//! A process names itself (`prctl(PR_SET_NAME)`, `argv[0]`), and a capture file may come from anyone. Such a
//! name must not move the cursor, forge a row with a newline, turn the reading order round (CVE-2021-42574,
//! "Trojan Source") or look like another name by holding characters that cannot be seen.

/// The longest cell, heading or name. A comm has at most 15 bytes and a VM's `namespace/name` at most 317; what
/// is longer than this bound is no name that anybody reads.
pub(super) const NAME_LIMIT: usize = 256;

/// The longest line of prose. Generous, as it is mostly our own text, which explains itself.
pub(super) const PROSE_LIMIT: usize = 4096;

/// Replaces what cannot be seen or would act on a terminal by a visible escape (`\n`, `\x1b`, `\u{202e}`), and
/// ends a text of more than 256 characters with `…`. A backslash stays as it is: names with a backslash are
/// commoner than names that imitate an escape.
pub fn clean(text: &str) -> String {
    clean_within(text, NAME_LIMIT)
}

/// [`clean`] for a whole line of prose, such as an error message.
pub fn clean_line(text: &str) -> String {
    clean_within(text, PROSE_LIMIT)
}

/// [`clean`] with another bound on the characters of the result, `…` not counted.
pub(super) fn clean_within(text: &str, limit: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(limit));
    let mut length = 0;
    for character in text.chars() {
        let escape = escape(character);
        length += escape.as_ref().map_or(1, String::len);
        if length > limit {
            cleaned.push('…');
            break;
        }
        match escape {
            Some(escape) => cleaned.push_str(&escape),
            None => cleaned.push(character),
        }
    }
    cleaned
}

/// Whether a terminal shows a character, and does nothing else with it.
pub fn is_shown(character: char) -> bool {
    escape(character).is_none()
}

/// The visible form of a character that has none, in ASCII.
fn escape(character: char) -> Option<String> {
    match character {
        '\n' => Some("\\n".to_owned()),
        '\r' => Some("\\r".to_owned()),
        '\t' => Some("\\t".to_owned()),
        '\0'..='\x1f' | '\x7f' => Some(format!("\\x{:02x}", u32::from(character))),
        _ if is_invisible(character) => Some(format!("\\u{{{:x}}}", u32::from(character))),
        _ => None,
    }
}

/// Controls of C1, and Unicode's `Default_Ignorable_Code_Point` with the separators and annotation marks that
/// terminals treat in their own ways.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}'         // C1: U+009B is a one-character "escape ["
        | '\u{ad}'                  // soft hyphen
        | '\u{34f}'                 // combining grapheme joiner
        | '\u{61c}'                 // Arabic letter mark
        | '\u{115f}' | '\u{1160}'   // Hangul fillers
        | '\u{17b4}' | '\u{17b5}'   // Khmer inherent vowels
        | '\u{180b}'..='\u{180f}'   // Mongolian selectors and vowel separator
        | '\u{200b}'..='\u{200f}'   // zero-width space and joiners, marks of direction
        | '\u{2028}'..='\u{202e}'   // line and paragraph separator, embeddings and overrides
        | '\u{2060}'..='\u{206f}'   // word joiner, invisible operators, isolates
        | '\u{3164}' | '\u{ffa0}'   // Hangul fillers
        | '\u{fe00}'..='\u{fe0f}'   // variation selectors
        | '\u{feff}'                // byte order mark
        | '\u{fff0}'..='\u{fffb}'   // unassigned ignorables, interlinear annotation
        | '\u{1bca0}'..='\u{1bca3}' // shorthand format controls
        | '\u{1d173}'..='\u{1d17a}' // musical format controls
        | '\u{e0000}'..='\u{e0fff}' // tags, more variation selectors
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_on_a_terminal_becomes_visible() {
        for (text, expected) in [
            ("virt-handler", "virt-handler"),
            ("two\nrows\r\tx", r"two\nrows\r\tx"),
            ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
            ("\u{9b}2Jgone", r"\u{9b}2Jgone"),
            ("nul\0 bell\x07 del\x7f", r"nul\x00 bell\x07 del\x7f"),
            ("evil\u{202e}txt.exe\u{202c}", r"evil\u{202e}txt.exe\u{202c}"),
            ("\u{2066}isolate\u{2069}", r"\u{2066}isolate\u{2069}"),
            ("qemu\u{200b}-kvm", r"qemu\u{200b}-kvm"),
            ("\u{feff}bom", r"\u{feff}bom"),
            (r"C:\new", r"C:\new"),
            ("édge-vm 虚拟机", "édge-vm 虚拟机"),
            ("e\u{301}dge", "e\u{301}dge"),
            ("not UTF-8 \u{fffd}", "not UTF-8 \u{fffd}"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn a_name_is_bounded() {
        assert_eq!(clean(&"a".repeat(256)), "a".repeat(256));
        assert_eq!(clean(&"a".repeat(257)), "a".repeat(256) + "…");
        assert_eq!(clean(&"虚".repeat(300)), "虚".repeat(256) + "…");
        // An escape is whole or absent.
        assert_eq!(clean(&("a".repeat(253) + "\x1b")), "a".repeat(253) + "…");
    }

    proptest! {
        #[test]
        fn no_text_gets_through_as_a_control(text in any::<String>()) {
            let cleaned = clean(&text);
            prop_assert!(cleaned.chars().all(|c| !c.is_control() && escape(c).is_none()));
            prop_assert!(cleaned.chars().count() <= NAME_LIMIT + 1);
            prop_assert_eq!(clean(&cleaned), cleaned.clone());
        }
    }
}
