//! Numbers written out.
//!
//! One unit system: MiB and GiB are 2^20 and 2^30 bytes (IEC). What is no number is written `-`, as everything
//! that could not be read. All rounding is [`rounded`], so that printed parts and printed totals agree.

use super::rounding::rounded;

const KIB: f64 = 1024.0;
const UNKNOWN: &str = "-";

/// A plain number: "1113.3".
pub fn fixed(value: f64, decimals: u32) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let precision = decimals as usize;
    format!("{:.precision$}", rounded(value, decimals))
}

/// A difference, always with its sign: "+2.04", "-0.10". What rounds to zero is "+0.00", never "-0.00".
pub fn signed(value: f64, decimals: u32) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let precision = decimals as usize;
    format!("{:+.precision$}", rounded(value, decimals))
}

/// A count in groups of three digits: "2,289,719".
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A difference in KiB, for ledgers that must add up to the last KiB: "+2,289,719".
pub fn kib_signed(kib: i64) -> String {
    let sign = if kib < 0 { '-' } else { '+' };
    format!("{sign}{}", grouped(kib.unsigned_abs()))
}

/// MiB as GiB: "2.18 GiB" for 2236.1.
pub fn gib(mib: f64) -> String {
    with_unit(fixed(mib / KIB, 2), "GiB")
}

/// A share in percent: "38.70 %".
pub fn percent(value: f64, decimals: u32) -> String {
    with_unit(fixed(value, decimals), "%")
}

/// A difference of two percentages: "+28.13 pt".
pub fn points(value: f64, decimals: u32) -> String {
    with_unit(signed(value, decimals), "pt")
}

/// An amount of memory in a sentence: "412.6 MiB", "2.18 GiB".
pub fn size(bytes: u64) -> String {
    let mib = bytes as f64 / (KIB * KIB);
    if is_gib(mib) { gib(mib) } else { with_unit(fixed(mib, 1), "MiB") }
}

/// A difference of memory in a sentence: "+2.18 GiB", "-61.6 MiB".
pub fn size_with_sign(bytes: i64) -> String {
    let mib = bytes as f64 / (KIB * KIB);
    if is_gib(mib) { with_unit(signed(mib / KIB, 2), "GiB") } else { with_unit(signed(mib, 1), "MiB") }
}

/// A share from 0 to 1 as a bar of `#`; `width` is the length of a full one. A share that would be less than
/// half a `#` is an empty string, and so is a negative one: a bar has no sign, the number beside it has.
pub fn bar(share: f64, width: usize) -> String {
    // NaN becomes 0 in the conversion.
    let length = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    "#".repeat(length)
}

/// Asks the rounded value, so that 1023.97 MiB is "1.00 GiB" and never "1024.0 MiB".
fn is_gib(mib: f64) -> bool {
    rounded(mib, 1).abs() >= KIB
}

fn with_unit(number: String, unit: &str) -> String {
    if number == UNKNOWN { number } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    #[test]
    fn plain_numbers() {
        assert_eq!(fixed(1113.3125, 1), "1113.3");
        assert_eq!(fixed(0.125, 2), "0.12");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(fixed(14.0, 0), "14");
        assert_eq!(fixed(f64::NAN, 1), "-");
        assert_eq!(fixed(f64::NEG_INFINITY, 1), "-");
    }

    #[test]
    fn differences_have_a_sign() {
        assert_eq!(signed(2.04, 2), "+2.04");
        assert_eq!(signed(-0.1, 2), "-0.10");
        assert_eq!(signed(-0.004, 2), "+0.00");
        assert_eq!(signed(-0.0, 2), "+0.00");
        assert_eq!(signed(0.0, 2), "+0.00");
        assert_eq!(signed(-0.125, 2), "-0.12");
        assert_eq!(signed(f64::NAN, 2), "-");
    }

    #[test]
    fn kib_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(kib_signed(2_289_719), "+2,289,719");
        assert_eq!(kib_signed(-10_240), "-10,240");
        assert_eq!(kib_signed(0), "+0");
        assert_eq!(kib_signed(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn units_follow_the_number() {
        assert_eq!(gib(2236.1), "2.18 GiB");
        assert_eq!(percent(38.7, 2), "38.70 %");
        assert_eq!(percent(f64::NAN, 2), "-");
        assert_eq!(points(28.13, 2), "+28.13 pt");
    }

    #[test]
    fn sizes_choose_their_unit() {
        assert_eq!(size(0), "0.0 MiB");
        assert_eq!(size(412 * MIB + 600 * 1024), "412.6 MiB");
        assert_eq!(size(GIB - 1), "1.00 GiB");
        assert_eq!(size(GIB), "1.00 GiB");
        assert_eq!(size(2_289_719 * 1024), "2.18 GiB");
        assert_eq!(size(64 * GIB), "64.00 GiB");
        assert_eq!(size_with_sign(2_289_719 * 1024), "+2.18 GiB");
        assert_eq!(size_with_sign(-64_592_282), "-61.6 MiB");
        assert_eq!(size_with_sign(-1), "+0.0 MiB");
        assert_eq!(size_with_sign(-(2 * GIB as i64)), "-2.00 GiB");
    }

    #[test]
    fn bars_are_in_proportion() {
        assert_eq!(bar(0.457, 40), "##################");
        assert_eq!(bar(0.007, 40), "");
        assert_eq!(bar(0.0125, 40), "#");
        assert_eq!(bar(1.0, 5), "#####");
        assert_eq!(bar(7.0, 5), "#####");
        assert_eq!(bar(-0.5, 5), "");
        assert_eq!(bar(f64::NAN, 5), "");
    }
}
