//! Rounding that keeps sums.
//!
//! A reader adds up the column that is printed. If each value is rounded on its own, 33.33 + 33.33 + 33.33
//! prints as 99.99 under a total of 100.00, and the table looks wrong although no figure is. So the parts of a
//! sum are rounded together, by the largest-remainder method: all are rounded down, and the units that are
//! missing go to those that lost most.

/// Rounds to `decimals` as C's `printf` does, and so `sar` and `top`: the exact binary value, ties to even;
/// never to −0. Every printed figure is rounded by this function, or a total could round the other way than
/// the parts were made to add up to.
pub fn rounded(value: f64, decimals: u32) -> f64 {
    let precision = decimals as usize;
    // Scaling would round too, before: 1.115 is less than it says, 111.5 is a tie.
    format!("{value:.precision$}").parse().map_or(value, |rounded: f64| rounded + 0.0)
}

/// Rounds each value to `decimals` so that, in units of 10^-decimals, the rounded values add up exactly to
/// the rounded sum: `rounded(values.iter().sum(), decimals)` is the total to print below them.
///
/// Each value moves by less than one unit, up or down; of equal remainders the earlier is rounded up. A value
/// that is no finite number stays and takes no part.
pub fn apportion(values: &[f64], decimals: u32) -> Vec<f64> {
    let total = values.iter().filter(|value| value.is_finite()).sum();
    apportion_to(values, total, decimals)
}

/// [`apportion`] for a total that is already printed elsewhere, such as a difference of two printed figures.
///
/// Each value moves by less than one unit as long as the total is a rounding of the sum. What the total
/// differs by beyond that is spread evenly, for the sum is kept in any case; a caller whose parts don't
/// explain its total has a part for the rest ("unexplained") and no need of this.
pub fn apportion_to(values: &[f64], total: f64, decimals: u32) -> Vec<f64> {
    let scale = scale(decimals);
    let takes_part = |value: f64| (value * scale).is_finite();

    let floors: Vec<f64> = values.iter().map(|value| (value * scale).floor()).collect();
    let mut by_remainder: Vec<usize> = (0..values.len()).filter(|&i| takes_part(values[i])).collect();
    let target = (rounded(total, decimals) * scale).round();
    if by_remainder.is_empty() || !target.is_finite() {
        return values.iter().map(|&value| rounded(value, decimals)).collect();
    }

    // In millionths of a unit: 10.6 and -0.4 leave equal remainders on paper, but not in binary.
    let remainder = |i: usize| ((values[i] * scale - floors[i]) * 1e6).round();
    // The sort is stable: of equal remainders, the earlier comes first.
    by_remainder.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));

    let missing = target - by_remainder.iter().map(|&i| floors[i]).sum::<f64>();
    let count = by_remainder.len() as f64;
    let (each, mut left) = (missing.div_euclid(count), missing.rem_euclid(count));

    let mut apportioned = values.to_vec();
    for i in by_remainder {
        let extra = if left >= 1.0 { 1.0 } else { 0.0 };
        left -= extra;
        apportioned[i] = from_units(floors[i] + each + extra, scale);
    }
    apportioned
}

fn scale(decimals: u32) -> f64 {
    10f64.powi(decimals.min(15) as i32)
}

/// The value of a whole number of units. Adding 0 turns −0 into 0.
fn from_units(units: f64, scale: f64) -> f64 {
    units / scale + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_add_up_to_their_total() {
        assert_eq!(apportion(&[33.33333, 33.33333, 33.33333], 2), [33.34, 33.33, 33.33]);
        assert_eq!(apportion(&[0.4, 0.4, 0.4], 0), [1.0, 0.0, 0.0]);
        assert_eq!(apportion(&[1.26, 1.26, 1.28], 1), [1.3, 1.2, 1.3]);
        assert_eq!(apportion(&[], 1), [0.0; 0]);
    }

    #[test]
    fn parts_may_be_negative() {
        assert_eq!(apportion(&[10.6, -0.3, -0.4], 0), [11.0, 0.0, -1.0]);
        assert_eq!(apportion(&[-0.04, -0.04], 1), [0.0, -0.1]);
        assert!(apportion(&[-0.04, 0.04], 1).iter().all(|value| value.is_sign_positive()));
    }

    #[test]
    fn of_equal_parts_the_earlier_is_rounded_up() {
        assert_eq!(apportion(&[0.5, 0.5, 0.5, 0.5], 0), [1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_total_from_elsewhere_is_met() {
        // 38.70 - 10.57, both rounded before: the parts follow the printed difference.
        assert_eq!(apportion_to(&[20.121, 8.004], 28.13, 2), [20.12, 8.01]);
        assert_eq!(apportion_to(&[20.129, 8.004], 28.12, 2), [20.12, 8.00]);
        // Further off than a rounding: still met, evenly.
        assert_eq!(apportion_to(&[1.0, 1.0, 1.0], 10.0, 0), [4.0, 3.0, 3.0]);
        assert_eq!(apportion_to(&[1.0, 1.0], -1.0, 0), [0.0, -1.0]);
    }

    #[test]
    fn what_is_no_number_takes_no_part() {
        let apportioned = apportion(&[0.5, f64::NAN, 0.5, f64::INFINITY], 0);
        assert_eq!((apportioned[0], apportioned[2]), (1.0, 0.0));
        assert!(apportioned[1].is_nan() && apportioned[3].is_infinite());
        assert_eq!(apportion_to(&[0.4, 0.6], f64::NAN, 0), [0.0, 1.0]);
    }

    #[test]
    fn halves_go_to_the_even_digit_as_in_c() {
        for (value, decimals, printed) in
            [(0.125, 2, 0.12), (0.375, 2, 0.38), (-0.125, 2, -0.12), (100.25, 1, 100.2), (1.115, 2, 1.11)]
        {
            assert_eq!(rounded(value, decimals), printed);
        }
        assert!(rounded(-0.001, 2).is_sign_positive());
        assert_eq!(rounded(1e300, 12), 1e300);
    }

    fn units(value: f64, decimals: u32) -> i64 {
        (value * scale(decimals)).round() as i64
    }

    proptest! {
        #[test]
        fn the_sum_is_exact_and_no_value_moves_by_a_unit(
            values in prop::collection::vec(-1e6..1e6f64, 0..40),
            decimals in 0u32..4,
        ) {
            let apportioned = apportion(&values, decimals);
            let total: f64 = values.iter().sum();
            let sum: i64 = apportioned.iter().map(|&value| units(value, decimals)).sum();
            prop_assert_eq!(sum, units(rounded(total, decimals), decimals));
            for (before, after) in values.iter().zip(&apportioned) {
                prop_assert!((before - after).abs() * scale(decimals) < 1.0 + 1e-6);
                prop_assert_eq!(*after, rounded(*after, decimals));
            }
        }

        #[test]
        fn any_total_is_met(
            values in prop::collection::vec(-1e6..1e6f64, 1..20),
            total in -1e6..1e6f64,
            decimals in 0u32..4,
        ) {
            let sum: i64 = apportion_to(&values, total, decimals).iter().map(|&v| units(v, decimals)).sum();
            prop_assert_eq!(sum, units(rounded(total, decimals), decimals));
        }

        /// In another order the same values get the same figures, but for who of equal ones comes first.
        /// Quarters are exact, so the sum doesn't depend on the order either.
        #[test]
        fn order_decides_only_between_equal_remainders(
            quarters in prop::collection::vec(-4000i32..4000, 1..20),
        ) {
            let values: Vec<f64> = quarters.iter().map(|&q| f64::from(q) / 4.0).collect();
            let backwards: Vec<f64> = values.iter().rev().copied().collect();
            let moves = |values: &[f64]| {
                let mut moves: Vec<(i64, i64)> = values
                    .iter()
                    .zip(apportion(values, 0))
                    .map(|(before, after)| {
                        let remainder = before - before.floor();
                        ((remainder * 4.0) as i64, (after - before.floor()) as i64)
                    })
                    .collect();
                moves.sort_unstable();
                moves
            };
            prop_assert_eq!(moves(&values), moves(&backwards));
        }
    }
}
