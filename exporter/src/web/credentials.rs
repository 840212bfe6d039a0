//! What an `Authorization` header says: `Basic`, then base64 of `name:password` (RFC 7617).

use std::fmt;

/// A name and a password, as sent. Nothing says that they are text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    /// The name: all before the first colon.
    pub name: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl Credentials {
    /// Reads the value of the header.
    pub(super) fn parse(header: &[u8]) -> Option<Credentials> {
        let (scheme, rest) = header.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let mut name = base64(rest.trim_ascii())?;
        let colon = name.iter().position(|&byte| byte == b':')?;
        let password = name.split_off(colon + 1);
        name.truncate(colon);
        Some(Credentials { name, password })
    }
}

/// Base64 with or without padding (RFC 4648, 4).
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padded = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    if padded > 2 || (padded > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for &character in &text[..text.len() - padded] {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // A single character left over, or bits that belong to no byte.
    (count < 6 && bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> Option<(String, String)> {
        let Credentials { name, password } = Credentials::parse(header.as_bytes())?;
        Some((String::from_utf8(name).unwrap(), String::from_utf8(password).unwrap()))
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        let aladdin = Some(("Aladdin".to_owned(), "open sesame".to_owned()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
        assert_eq!(read("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ"), aladdin);
    }

    #[test]
    fn a_password_may_hold_a_colon_and_be_empty() {
        assert_eq!(read("Basic YTpiOmM="), Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(read("Basic YTo="), Some(("a".to_owned(), String::new())));
        assert_eq!(read("Basic Og=="), Some((String::new(), String::new())));
    }

    #[test]
    fn what_is_none_is_refused() {
        for header in [
            "",
            "Basic",
            "Basic ",
            "Bearer YTpi",
            "BasicYTpi",
            "Basic YWJj",
            "Basic Y:pi",
            "Basic YTpi=",
            "Basic YTo==",
            "Basic Y",
            "Basic YTpiOmN=",
            "Basic ====",
            "Basic YT pi",
        ] {
            assert_eq!(read(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(header: Vec<u8>) {
            let _ = Credentials::parse(&header);
            let _ = Credentials::parse(&[b"Basic ", header.as_slice()].concat());
        }

        #[test]
        fn base64_is_read_back(bytes: Vec<u8>) {
            const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let mut text = Vec::new();
            for group in bytes.chunks(3) {
                let bits = group.iter().chain([0, 0].iter()).take(3).fold(0, |bits, &byte| bits << 8 | u32::from(byte));
                for place in 0..4 {
                    let character = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
                    text.push(if place <= group.len() { character } else { b'=' });
                }
            }
            prop_assert_eq!(base64(&text), Some(bytes));
        }
    }
}
