//! From figures to places: a scale that begins or ends at zero, and ticks at round numbers.
//!
//! Bars and areas are read by their length, so a scale without zero would lie.

/// Figures from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The smallest figure; 0 or less.
    pub low: f64,
    /// The largest; 0 or more.
    pub high: f64,
    /// Between two ticks.
    pub step: f64,
}

impl Scale {
    /// A scale that holds zero and every finite one of `values`, with about `ticks` ticks.
    pub fn of(values: impl IntoIterator<Item = f64>, ticks: u32) -> Scale {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = if high > low { (low, high) } else { (0.0, 1.0) };
        let step = round_step((high - low) / f64::from(ticks.max(1)));
        Scale { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// The same, but ending where the figures end: for plots without ticks.
    pub fn tight(values: impl IntoIterator<Item = f64>) -> Scale {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) =
            finite.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        let high = if high > low { high } else { low + 1.0 };
        Scale { low, high, step: high - low }
    }

    /// Where a figure stands, from 0 at `low` to 1 at `high`.
    pub fn share(&self, value: f64) -> f64 {
        if value.is_finite() { (value - self.low) / (self.high - self.low) } else { 0.0 }
    }

    /// The same in percent.
    pub fn percent(&self, value: f64) -> f64 {
        self.share(value) * 100.0
    }

    /// Round numbers from `low` to `high`.
    pub fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as i32;
        (0..=count).map(|tick| self.low + f64::from(tick) * self.step + 0.0).collect()
    }

    /// Digits that tell one tick from the next.
    pub fn decimals(&self) -> u32 {
        // 2.5 has a digit more than its magnitude says.
        let digits = -self.step.log10().floor();
        let exact = |decimals: f64| {
            let scaled = self.step * 10f64.powf(decimals);
            (scaled - scaled.round()).abs() < 1e-6
        };
        (if exact(digits) { digits } else { digits + 1.0 }).clamp(0.0, 9.0) as u32
    }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let magnitude = 10f64.powf(step.log10().floor());
    let rounds = [1.0, 2.0, 2.5, 5.0, 10.0].map(|round| round * magnitude);
    rounds.into_iter().find(|round| *round >= step * (1.0 - 1e-9)).unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all() {
        let scale = Scale::of([2.81, 6.16], 4);
        assert_eq!(scale.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!((scale.percent(4.0), scale.decimals()), (50.0, 0));
        let scale = Scale::of([-6.81, 1.44], 4);
        assert_eq!(scale.ticks(), [-7.5, -5.0, -2.5, 0.0, 2.5]);
        assert_eq!(scale.decimals(), 1);
        assert_eq!(Scale::of([0.04], 4).ticks(), [0.0, 0.01, 0.02, 0.03, 0.04]);
    }

    #[test]
    fn a_plot_of_nothing_has_a_scale() {
        for values in [vec![], vec![0.0, 0.0], vec![f64::NAN, f64::INFINITY]] {
            let scale = Scale::of(values.clone(), 4);
            assert_eq!((scale.low, scale.high), (0.0, 1.0));
            assert_eq!(scale.share(f64::NAN), 0.0);
            assert_eq!(Scale::tight(values).high, 1.0);
        }
        assert_eq!(Scale::tight([-3.0]).share(0.0), 1.0);
    }

    proptest! {
        #[test]
        fn every_figure_is_on_the_scale(values in prop::collection::vec(-1e9..1e9f64, 1..20), ticks in 1u32..8) {
            let scale = Scale::of(values.clone(), ticks);
            for value in values {
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&scale.share(value)));
            }
            prop_assert!(scale.ticks().len() <= ticks as usize + 3, "{:?}", scale);
        }
    }
}
