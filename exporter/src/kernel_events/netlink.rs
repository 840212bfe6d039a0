//! The framing of netlink: messages in a datagram, attributes in a message.
//!
//! A datagram holds messages, each with a header of 16 bytes (length, kind, flags, sequence, port) in the
//! byte order of the machine; a message of generic netlink goes on with 4 bytes (command, version) and then
//! holds attributes of 4 bytes (length, type) and a value. All of them start at a multiple of 4
//! (`include/uapi/linux/netlink.h`, `genetlink.h`). A length that leads out of the bytes at hand ends the
//! reading.

/// `NLMSG_ERROR`: an answer with an error number, 0 for "done".
const ERROR: u16 = 2;
/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
/// `NLM_F_ACK`
const ACKNOWLEDGE: u16 = 4;
/// Length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// Length of `struct genlmsghdr`.
const GENERIC_HEADER: usize = 4;
/// Length of `struct nlattr`.
const ATTRIBUTE_HEADER: usize = 4;
/// `NLA_TYPE_MASK`: the two highest bits are flags.
const ATTRIBUTE_TYPE: u16 = 0x3fff;

/// One message, without its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// What it is: below 16 the business of netlink, else a family.
    pub(super) kind: u16,
    /// What it holds.
    pub(super) payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The error number of an answer: 0 where all went well. Absent in any other message.
    pub(super) fn answer(&self) -> Option<i32> {
        let code = u32_at(self.payload, 0).filter(|_| self.kind == ERROR)?;
        Some((code as i32).saturating_neg())
    }

    /// The attributes of a message of generic netlink.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.payload.get(GENERIC_HEADER..).unwrap_or_default() }
    }
}

/// The messages of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages<'a> {
    rest: &'a [u8],
}

/// The messages of a datagram.
pub(super) fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: datagram }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let length = u32_at(self.rest, 0)? as usize;
        let kind = u16_at(self.rest, 4)?;
        let payload = self.rest.get(HEADER..length)?;
        self.rest = after(self.rest, length);
        Some(Message { kind, payload })
    }
}

/// Attributes: pairs of a type and a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// The attributes inside the value of another.
    pub(super) fn of(value: &'a [u8]) -> Attributes<'a> {
        Attributes { rest: value }
    }

    /// The value of the first attribute of this type.
    pub(super) fn value(mut self, wanted: u16) -> Option<&'a [u8]> {
        self.find(|&(kind, _)| kind == wanted).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let length = usize::from(u16_at(self.rest, 0)?);
        let kind = u16_at(self.rest, 2)? & ATTRIBUTE_TYPE;
        let value = self.rest.get(ATTRIBUTE_HEADER..length)?;
        self.rest = after(self.rest, length);
        Some((kind, value))
    }
}

/// What follows a piece of `length` bytes: the next multiple of 4 begins it.
fn after(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length.next_multiple_of(4)..).unwrap_or_default()
}

/// A message to the kernel.
pub(super) fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    framed(kind, REQUEST, payload)
}

/// A message of generic netlink with one attribute. `acknowledged`: the kernel is to answer in any case.
pub(super) fn generic(family: u16, command: u8, attribute: (u16, &[u8]), acknowledged: bool) -> Vec<u8> {
    let mut payload = vec![command, 1, 0, 0];
    payload.extend(self::attribute(attribute.0, attribute.1));
    framed(family, if acknowledged { REQUEST | ACKNOWLEDGE } else { REQUEST }, &payload)
}

/// An attribute with what fills it up to the next one.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = ((ATTRIBUTE_HEADER + value.len()) as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn framed(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut message = ((HEADER + payload.len()) as u32).to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    // Sequence and port: there is one request at a time, and the kernel fills in the port.
    message.extend([0; 8]);
    message.extend(payload);
    message
}

/// The number at `offset`, if the bytes reach that far.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

/// The number at `offset`, if the bytes reach that far.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

/// The number at `offset`, if the bytes reach that far.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().copied().map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(code: i32) -> Vec<u8> {
        framed(ERROR, 0, &code.to_ne_bytes())
    }

    #[test]
    fn a_datagram_may_hold_several_messages() {
        let mut datagram = message(3, b"one!");
        datagram.extend(message(4, b""));
        let read: Vec<_> = messages(&datagram).collect();
        assert_eq!(read, [Message { kind: 3, payload: b"one!" }, Message { kind: 4, payload: b"" }]);
    }

    #[test]
    fn an_answer_holds_an_error_number() {
        let answer = |datagram: &[u8]| messages(datagram).next().unwrap().answer();
        assert_eq!(answer(&error(0)), Some(0));
        assert_eq!(answer(&error(-1)), Some(1));
        assert_eq!(answer(&error(i32::MIN)), Some(i32::MAX));
        assert_eq!(answer(&message(16, &[0; 4])), None);
    }

    #[test]
    fn an_attribute_is_found_behind_one_of_odd_length() {
        let mut bytes = attribute(2, b"odd");
        bytes.extend(attribute(7 | 0x8000, b"x"));
        let attributes = Attributes::of(&bytes);
        assert_eq!(attributes.value(2), Some(&b"odd"[..]));
        assert_eq!(attributes.value(7), Some(&b"x"[..]), "the highest bits of a type are flags");
        assert_eq!(attributes.value(3), None);
    }

    #[test]
    fn a_length_that_leads_nowhere_ends_the_reading() {
        for length in [0u32, 1, 15, 21, u32::MAX] {
            let mut datagram = message(3, b"four");
            datagram[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&datagram).next(), None, "length {length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            for message in messages(&bytes) {
                let _ = message.answer();
                message.attributes().for_each(drop);
            }
            Attributes::of(&bytes).for_each(drop);
        }

        #[test]
        fn what_is_framed_is_read_back(kind: u16, family: u16, value in prop::collection::vec(any::<u8>(), 0..200)) {
            let kind = kind & ATTRIBUTE_TYPE;
            let datagram = generic(family, 3, (kind, &value), true);
            let mut read = messages(&datagram);
            let message = read.next().unwrap();
            prop_assert_eq!(message.kind, family);
            prop_assert_eq!(message.attributes().value(kind), Some(&value[..]));
            prop_assert_eq!(read.next(), None);
        }
    }
}
