//! The events of a watch: a JSON object a line, of which the last one may be cut.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::items::LARGEST_OBJECT;

/// One event.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type")]
    pub(super) what: What,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum What {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// Takes the bytes of a watch.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Vec<u8>,
}

/// A line is longer than any object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    /// Takes the next bytes, and gives the lines that they complete. Ends early where `line` says so.
    pub(super) fn feed<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut line: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.kept.is_empty() {
                line(head)?;
            } else {
                self.kept.extend_from_slice(head);
                let kept = std::mem::take(&mut self.kept);
                line(&kept)?;
            }
        }
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > LARGEST_OBJECT { Err(TooLong.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&str]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            let fed: Result<(), TooLong> = lines.feed(piece.as_bytes(), |line| {
                found.push(String::from_utf8(line.to_vec()).unwrap());
                Ok(())
            });
            fed.unwrap();
        }
        found
    }

    #[test]
    fn a_line_may_come_in_pieces_and_a_piece_may_hold_lines() {
        assert_eq!(lines(&["a", "b\nc", "\nd\ne\nf"]), ["ab", "c", "d", "e"]);
    }

    #[test]
    fn what_is_cut_is_no_line() {
        assert_eq!(lines(&["{\"type\":\"ADD"]), Vec::<String>::new());
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut lines = Lines::default();
        let more = vec![b'x'; LARGEST_OBJECT + 1];
        assert_eq!(lines.feed(&more, |_| Ok::<(), TooLong>(())), Err(TooLong));
    }

    #[test]
    fn an_event_has_a_type_and_an_object_in_any_order() {
        let text = r#"{"object":{"kind":"Pod"},"type":"BOOKMARK"}"#;
        let event: Event<'_> = serde_json::from_str(text).unwrap();
        assert_eq!((event.what, event.object.get()), (What::Bookmark, r#"{"kind":"Pod"}"#));
    }
}
