//! A number as it stands in a text.
//!
//! It is read as Go's `ParseFloat` reads it, but for hexadecimal floats, which no exporter writes. A client
//! that counts in whole units (ticks, bytes) writes decimals that a binary float can't hold; so the digits
//! are kept, and who needs an exact amount takes it from them.

/// A number and its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number<'a> {
    text: &'a str,
    real: f64,
}

impl<'a> Number<'a> {
    /// From a token.
    pub fn parse(text: &'a str) -> Option<Number<'a>> {
        text.parse().ok().map(|real| Number { text, real })
    }

    /// As it is written.
    pub fn text(self) -> &'a str {
        self.text
    }

    /// As a binary float.
    pub fn real(self) -> f64 {
        self.real
    }

    /// The number times 10^`decimals`, exact from its digits; digits beyond are cut off. Nothing where it is
    /// no finite number, or too large.
    pub fn scaled(self, decimals: u32) -> Option<i128> {
        let (negative, text) = match self.text.as_bytes() {
            [b'-', ..] => (true, &self.text[1..]),
            [b'+', ..] => (false, &self.text[1..]),
            _ => (false, self.text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut shift = i64::from(decimals).checked_add(exponent)?;
        let mut amount: i128 = 0;
        let mut push = |digit: u8| -> Option<()> {
            let digit = i128::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
            amount = amount.checked_mul(10)?.checked_add(digit)?;
            Some(())
        };
        whole.bytes().try_for_each(&mut push)?;
        for digit in fraction.bytes() {
            if shift <= 0 {
                // It is cut off, but has to be a digit.
                digit.is_ascii_digit().then_some(())?;
                continue;
            }
            push(digit)?;
            shift -= 1;
        }
        if amount == 0 {
            return Some(0);
        }
        let power = 10i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?);
        let amount = match (power, shift < 0) {
            (Some(power), false) => amount.checked_mul(power)?,
            (Some(power), true) => amount / power,
            (None, false) => return None,
            (None, true) => 0,
        };
        Some(if negative { -amount } else { amount })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scaled(text: &str, decimals: u32) -> Option<i128> {
        Number::parse(text).unwrap().scaled(decimals)
    }

    #[test]
    fn an_amount_is_exact_where_a_float_is_not() {
        assert_eq!(scaled("90071992547409.93", 2), Some(9_007_199_254_740_993));
        assert_eq!(scaled("0.07", 9), Some(70_000_000));
        assert_eq!(scaled("1.79533884314159e+09", 9), Some(1_795_338_843_141_590_000));
        assert_eq!(scaled("8.34310144e+09", 0), Some(8_343_101_440));
        assert_eq!(scaled("-12.5", 1), Some(-125));
        assert_eq!(scaled("+3", 0), Some(3));
        assert_eq!(scaled("1.", 1), Some(10));
        assert_eq!(scaled(".5", 1), Some(5));
    }

    #[test]
    fn digits_beyond_are_cut_off() {
        assert_eq!(scaled("1.999", 2), Some(199));
        assert_eq!(scaled("1.5e-3", 3), Some(1));
        assert_eq!(scaled("1e-300", 9), Some(0));
    }

    #[test]
    fn what_is_no_amount_has_none() {
        for text in ["NaN", "+Inf", "-Inf", "inf", "1e300", "123456789012345678901234567890123456789012"] {
            assert_eq!(scaled(text, 9), None, "{text}");
        }
    }

    #[test]
    fn only_numbers_are_numbers() {
        for text in ["", "+", ".", "1_000", "0x1p4", "1 ", "e5", "--1", "one"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn hundredths_come_back(amount in any::<i64>()) {
            let (sign, size) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
            let text = format!("{sign}{}.{:02}", size / 100, size % 100);
            prop_assert_eq!(scaled(&text, 2), Some(i128::from(amount)));
        }

        #[test]
        fn whatever_a_number_looks_like_it_is_near_its_float(text in "[+-]?[0-9]{0,12}(\\.[0-9]{0,12})?(e[+-]?[0-9]{1,2})?") {
            if let Some(number) = Number::parse(&text)
                && let Some(amount) = number.scaled(9)
            {
                let expected = number.real() * 1e9;
                prop_assert!((amount as f64 - expected).abs() <= 1.0 + expected.abs() * 1e-9, "{text}: {amount}");
            }
        }
    }
}
