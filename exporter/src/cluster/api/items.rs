//! The items of a list, one by one, as its bytes come.
//!
//! A list is `{"kind": …, "metadata": {…}, "items": [{…}, …]}`, its fields in any order: JSON has none, and real servers
//! put `metadata` before and behind. Only brackets, strings and their escapes are looked at here; what is inside an
//! item is for who decodes it. No more is kept than the item that has begun.

/// An object is no larger than this: etcd takes 1.5 MiB by default, an API server requests of 3 MiB.
pub(super) const LARGEST_OBJECT: usize = 4 << 20;

/// A part of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// The list's own metadata.
    Metadata(&'a str),
    /// An item.
    Item(&'a str),
}

/// Why a text is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoList {
    /// It is no object, or its brackets do not match.
    #[error("the list is no JSON object")]
    Malformed,
    /// An object has more than [`LARGEST_OBJECT`] bytes.
    #[error("an object has more than {LARGEST_OBJECT} bytes")]
    TooLarge,
    /// It ends before it is complete.
    #[error("the list ends before it is complete")]
    Incomplete,
}

/// Where the reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the list.
    #[default]
    Before,
    /// Before a key of the list.
    Key,
    /// Behind a key of the list.
    Colon,
    /// In a value of the list.
    Value(Field),
    /// In `items`, between two of them.
    Items,
    /// Behind the list.
    Behind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Metadata,
    Items,
    Other,
}

/// Takes the bytes of a list.
#[derive(Debug, Default)]
pub(super) struct Items {
    place: Place,
    /// Open brackets.
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The key, metadata or item that has begun.
    kept: Vec<u8>,
    field: Option<Field>,
}

impl Items {
    /// Takes the next bytes, and gives the parts that they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut part: impl FnMut(Part<'_>)) -> Result<(), NoList> {
        for byte in bytes {
            self.take(*byte, &mut part)?;
        }
        Ok(())
    }

    /// Ends the list.
    pub(super) fn finish(&self) -> Result<(), NoList> {
        if self.place == Place::Behind { Ok(()) } else { Err(NoList::Incomplete) }
    }

    fn take(&mut self, byte: u8, part: &mut impl FnMut(Part<'_>)) -> Result<(), NoList> {
        if self.in_string {
            return self.take_in_string(byte);
        }
        let at_item = self.place == Place::Items && self.depth == 2;
        if self.keeps() && !(at_item && (byte == b',' || byte == b']' || byte.is_ascii_whitespace())) {
            self.keep(byte)?;
        }
        match byte {
            b'"' => {
                match self.place {
                    Place::Key => self.kept.clear(),
                    Place::Value(_) | Place::Items => {}
                    Place::Before | Place::Colon | Place::Behind => return Err(NoList::Malformed),
                }
                self.in_string = true;
            }
            b'{' | b'[' => self.open(byte)?,
            b'}' | b']' => self.close(byte, part)?,
            b':' if self.place == Place::Colon => {
                self.kept.clear();
                self.place = Place::Value(self.field.unwrap_or(Field::Other));
            }
            b',' if self.depth == 1 => match self.place {
                Place::Value(_) => {
                    self.end_value(part)?;
                    self.place = Place::Key;
                }
                _ => return Err(NoList::Malformed),
            },
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                if matches!(self.place, Place::Before | Place::Key | Place::Colon | Place::Behind) {
                    return Err(NoList::Malformed);
                }
            }
        }
        Ok(())
    }

    fn take_in_string(&mut self, byte: u8) -> Result<(), NoList> {
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.in_string = false;
            if self.place == Place::Key {
                self.field = Some(match self.kept.as_slice() {
                    b"metadata" => Field::Metadata,
                    b"items" => Field::Items,
                    _ => Field::Other,
                });
                self.place = Place::Colon;
                return Ok(());
            }
        }
        if self.place == Place::Key || self.keeps() { self.keep(byte) } else { Ok(()) }
    }

    /// Whether bytes are part of something that is given.
    fn keeps(&self) -> bool {
        match self.place {
            Place::Value(Field::Metadata) => true,
            Place::Items => self.depth >= 2,
            _ => false,
        }
    }

    fn keep(&mut self, byte: u8) -> Result<(), NoList> {
        if self.kept.len() >= LARGEST_OBJECT {
            return Err(NoList::TooLarge);
        }
        self.kept.push(byte);
        Ok(())
    }

    fn open(&mut self, byte: u8) -> Result<(), NoList> {
        match self.place {
            Place::Before if byte == b'{' => self.place = Place::Key,
            Place::Value(Field::Items) if self.depth == 1 && byte == b'[' => {
                self.kept.clear();
                self.place = Place::Items;
            }
            Place::Value(_) | Place::Items => {}
            Place::Before | Place::Key | Place::Colon | Place::Behind => return Err(NoList::Malformed),
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self, byte: u8, part: &mut impl FnMut(Part<'_>)) -> Result<(), NoList> {
        self.depth = self.depth.checked_sub(1).ok_or(NoList::Malformed)?;
        match (self.place, self.depth, byte) {
            (Place::Value(_), 0, b'}') => {
                // Metadata that is no object ends with the list's own bracket.
                if self.keeps() {
                    self.kept.pop();
                }
                self.end_value(part)?;
                self.place = Place::Behind;
            }
            (Place::Key, 0, b'}') => self.place = Place::Behind,
            (Place::Items, 1, b']') => {
                self.kept.clear();
                self.place = Place::Value(Field::Other);
            }
            (Place::Items, 2, _) => {
                let text = std::str::from_utf8(&self.kept).map_err(|_| NoList::Malformed)?;
                part(Part::Item(text));
                self.kept.clear();
            }
            (Place::Value(_) | Place::Items, 1.., _) => {}
            _ => return Err(NoList::Malformed),
        }
        Ok(())
    }

    fn end_value(&mut self, part: &mut impl FnMut(Part<'_>)) -> Result<(), NoList> {
        if self.place == Place::Value(Field::Metadata) {
            let text = std::str::from_utf8(&self.kept).map_err(|_| NoList::Malformed)?;
            part(Part::Metadata(text.trim_end_matches(',').trim()));
        }
        self.kept.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
