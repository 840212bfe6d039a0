//! Numbers as the text formats write them, without allocation and, for seconds, without floating point.
//!
//! Both formats take what Go's `strconv.ParseFloat` takes, and write the special values `+Inf`, `-Inf` and
//! `NaN`. Nanoseconds become a decimal with at most nine places, so that a total of years loses nothing on
//! its way out; what reads it rounds once.

use std::io::Write;

use crate::families::Value;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Up to here every whole number is a float of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Digits of `u64::MAX`.
const LONGEST: usize = 20;

/// A whole number as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits {
    text: [u8; LONGEST],
    start: usize,
}

impl Digits {
    pub(crate) fn of(mut number: u64) -> Digits {
        let mut digits = Digits { text: [b'0'; LONGEST], start: LONGEST };
        loop {
            digits.start -= 1;
            digits.text[digits.start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return digits;
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[self.start..]
    }

    pub(crate) fn as_str(&self) -> &str {
        // Digits are UTF-8.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Appends a short text. A call of `memcpy` for a few bytes costs more than they do: musl's begins with an instruction
/// (`rep movs`) that takes dozens of cycles to start, and an exposition has thousands of such pieces.
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, text: &[u8]) {
    const LONG: usize = 96;
    if text.len() > LONG {
        out.extend_from_slice(text);
        return;
    }
    let (pieces, rest) = text.as_chunks::<16>();
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    let (piece, rest) = rest.as_chunks::<8>();
    piece.iter().for_each(|piece| out.extend_from_slice(piece));
    let (piece, rest) = rest.as_chunks::<4>();
    piece.iter().for_each(|piece| out.extend_from_slice(piece));
    let (piece, rest) = rest.as_chunks::<2>();
    piece.iter().for_each(|piece| out.extend_from_slice(piece));
    if let [byte] = rest {
        out.push(*byte);
    }
}

/// Appends a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: Value) {
    match value {
        Value::Count(count) => count_to(out, count),
        Value::Signed(amount) => {
            if amount < 0 {
                out.push(b'-');
            }
            count_to(out, amount.unsigned_abs());
        }
        Value::Seconds(time) => seconds_to(out, time.0),
        Value::Real(number) => real_to(out, number),
    }
}

fn count_to(out: &mut Vec<u8>, count: u64) {
    put(out, Digits::of(count).as_bytes());
}

fn seconds_to(out: &mut Vec<u8>, nanos: u64) {
    count_to(out, nanos / NANOS_PER_SECOND);
    let fraction = nanos % NANOS_PER_SECOND;
    if fraction != 0 {
        // The leading 1 keeps the zeros before the first digit; its place becomes the point.
        let mut digits = Digits::of(NANOS_PER_SECOND + fraction);
        digits.text[digits.start] = b'.';
        let decimals = digits.as_bytes();
        let end = decimals.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        put(out, &decimals[..end]);
    }
}

fn real_to(out: &mut Vec<u8>, number: f64) {
    // Whole numbers are many: counters of a registry, ages of what was read just now.
    if number.fract() == 0.0 && number.abs() < EXACT && (number != 0.0 || number.is_sign_positive()) {
        if number < 0.0 {
            out.push(b'-');
        }
        count_to(out, number.abs() as u64);
    } else if number == f64::INFINITY {
        out.extend_from_slice(b"+Inf");
    } else if number == f64::NEG_INFINITY {
        out.extend_from_slice(b"-Inf");
    } else {
        // Writing to a Vec does not fail. `Display` gives `NaN`, and else the shortest decimal that reads back.
        let _ = write!(out, "{number}");
    }
}

#[cfg(test)]
mod tests {
    use edgebench_sampler::Nanos;
    use proptest::prelude::*;

    use super::*;

    fn text(value: Value) -> String {
        let mut out = Vec::new();
        write_value(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn seconds_are_exact_decimals() {
        let seconds = |nanos| text(Value::Seconds(Nanos(nanos)));
        assert_eq!(seconds(0), "0");
        assert_eq!(seconds(1), "0.000000001");
        assert_eq!(seconds(12_340_000_000), "12.34");
        assert_eq!(seconds(5_000_000_000), "5");
        assert_eq!(seconds(100_050_000_000), "100.05");
        assert_eq!(seconds(u64::MAX), "18446744073.709551615");
    }

    #[test]
    fn whole_numbers_have_no_point() {
        assert_eq!(text(Value::Count(0)), "0");
        assert_eq!(text(Value::Count(u64::MAX)), "18446744073709551615");
        assert_eq!(text(Value::Signed(-1)), "-1");
        assert_eq!(text(Value::Signed(i64::MIN)), "-9223372036854775808");
    }

    #[test]
    fn special_values_are_written_as_both_formats_want_them() {
        assert_eq!(text(Value::Real(f64::INFINITY)), "+Inf");
        assert_eq!(text(Value::Real(f64::NEG_INFINITY)), "-Inf");
        assert_eq!(text(Value::Real(f64::NAN)), "NaN");
        assert_eq!(text(Value::Real(0.001)), "0.001");
        assert_eq!(text(Value::Real(3.0)), "3");
        assert_eq!(text(Value::Real(-3.0)), "-3");
        assert_eq!(text(Value::Real(-0.0)), "-0");
        assert_eq!(text(Value::Real(1e15)), "1000000000000000");
    }

    proptest! {
        #[test]
        fn what_is_put_is_there(before: Vec<u8>, text in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut out = before.clone();
            put(&mut out, &text);
            prop_assert_eq!(out, [before, text].concat());
        }

        #[test]
        fn whole_floats_are_written_as_display_has_them(number: i64) {
            prop_assert_eq!(text(Value::Real(number as f64)), (number as f64).to_string());
        }

        #[test]
        fn counts_read_back(count: u64) {
            prop_assert_eq!(text(Value::Count(count)), count.to_string());
        }

        #[test]
        fn amounts_read_back(amount: i64) {
            prop_assert_eq!(text(Value::Signed(amount)), amount.to_string());
        }

        #[test]
        fn seconds_read_back_to_the_nanosecond(nanos: u64) {
            let text = text(Value::Seconds(Nanos(nanos)));
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            prop_assert!(!text.ends_with('.') && !fraction.ends_with('0'));
            let read = whole.parse::<u64>().unwrap() * 1_000_000_000 + format!("{fraction:0<9}").parse::<u64>().unwrap();
            prop_assert_eq!(read, nanos);
        }

        #[test]
        fn floats_read_back_to_the_bit(number: f64) {
            prop_assume!(!number.is_nan());
            let text = text(Value::Real(number));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
