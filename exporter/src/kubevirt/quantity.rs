//! Amounts as Kubernetes writes them: `512Mi`, `64M`, `100m`, `1e3`, `1.5Gi`.
//!
//! A decimal number and a suffix: binary (`Ki` … `Ei`), decimal (`n`, `u`, `m`, none, `k` … `E`) or an exponent
//! (k8s.io/apimachinery/pkg/api/resource). Whoever wants whole units gets them rounded up, as `Quantity.Value` does.

use std::cmp::Ordering;

use edgebench_sampler::Bytes;

/// An exact, non-negative amount.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    numerator: u128,
    denominator: u128,
}

impl Quantity {
    /// Reads an amount; nothing where it is none, is negative, or is larger than 2^63.
    pub fn parse(text: &str) -> Option<Quantity> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // 18 digits behind the point and 20 before it fit u128 with every suffix.
        if whole.len() + fraction.len() == 0
            || whole.len() > 20
            || fraction.len() > 9
            || fraction.contains('.')
        {
            return None;
        }
        let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
        let scale = 10_u128.pow(fraction.len() as u32);
        let (times, over) = suffix_factor(suffix)?;
        let numerator = (digits(whole)? * scale + digits(fraction)?).checked_mul(times)?;
        let quantity = Quantity { numerator, denominator: scale * over };
        (numerator / quantity.denominator <= i64::MAX as u128).then_some(quantity)
    }

    /// Whole units, rounded up.
    pub fn whole(self) -> u64 {
        self.numerator.div_ceil(self.denominator) as u64
    }

    /// As an amount of memory.
    pub fn bytes(self) -> Bytes {
        Bytes(self.whole())
    }

    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        let parts = |q: &Quantity| (q.numerator / q.denominator, q.numerator % q.denominator);
        let ((whole, rest), (other_whole, other_rest)) = (parts(self), parts(other));
        // Remainders are below their denominators, which are at most 10^18.
        whole.cmp(&other_whole).then((rest * other.denominator).cmp(&(other_rest * self.denominator)))
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn suffix_factor(suffix: &str) -> Option<(u128, u128)> {
    const K: u128 = 1000;
    Some(match suffix {
        "" => (1, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        "n" => (1, K * K * K),
        "u" => (1, K * K),
        "m" => (1, K),
        "k" => (K, 1),
        "M" => (K.pow(2), 1),
        "G" => (K.pow(3), 1),
        "T" => (K.pow(4), 1),
        "P" => (K.pow(5), 1),
        "E" => (K.pow(6), 1),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            match exponent {
                0..=18 => (10_u128.pow(exponent.unsigned_abs()), 1),
                -9..0 => (1, 10_u128.pow(exponent.unsigned_abs())),
                _ => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Option<u64> {
        Quantity::parse(text).map(Quantity::whole)
    }

    #[test]
    fn amounts_as_manifests_have_them() {
        assert_eq!(whole("512Mi"), Some(512 << 20));
        assert_eq!(whole("64M"), Some(64_000_000));
        assert_eq!(whole("301989888"), Some(301_989_888));
        assert_eq!(whole("1.5Gi"), Some(1_610_612_736));
        assert_eq!(whole("1e3"), Some(1000));
        assert_eq!(whole("1E3"), Some(1000));
        assert_eq!(whole("2E"), Some(2_000_000_000_000_000_000));
        assert_eq!(whole("0"), Some(0));
        assert_eq!(
            whole("9007199254740988Ki"),
            Some(9_223_372_036_854_771_712),
            "a kubelet's word for no limit"
        );
        assert_eq!(whole("8Ei"), None, "more than an int64 holds");
    }

    #[test]
    fn whole_units_are_rounded_up() {
        assert_eq!(whole("100m"), Some(1));
        assert_eq!(whole("1001m"), Some(2));
        assert_eq!(whole("0.1Gi"), Some(107_374_183));
        assert_eq!(whole("1e-3"), Some(1));
    }

    #[test]
    fn what_is_no_amount() {
        for text in ["", ".", "Mi", "-1", "1.2.3", "1MiB", "1 Mi", "0x10", "1e", "1e99", "NaN", "1mi"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn the_same_amount_written_otherwise_is_equal() {
        assert_eq!(Quantity::parse("1Gi"), Quantity::parse("1024Mi"));
        assert_eq!(Quantity::parse("0.5"), Quantity::parse("500m"));
        assert!(Quantity::parse("1Mi") > Quantity::parse("1M"));
        assert!(Quantity::parse("1500m") < Quantity::parse("2"));
    }
}
