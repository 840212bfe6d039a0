//! The mean of a series, the difference of two, and the verdict.

use super::autocorrelation::{NEGLIGIBLE, Posterior, Sums};
use super::student::{NORMAL_975, StudentT, quantile_975, student_t_975};
use super::{Difference, Mean, Series, Verdict};

/// Fewest effective samples on each side for which an interval is claimed.
const FEWEST: f64 = 8.0;

/// How sure it must be that the effective size is not smaller than the one told.
const SURE: f64 = 0.95;

/// Least autocorrelation the width of an interval reckons with.
const LOWEST: f64 = -0.4;

/// Widening of an interval of [`FEWEST`] effective samples; falls with the cube of their number.
const EDGE: f64 = 0.45;

/// Fewest values of which anything but their mean is said.
const SHORTEST: usize = 3;

/// Mean of one series, its standard error and the number of independent samples it is worth.
pub fn mean(series: &Series) -> Mean {
    let sums = Sums::of(series);
    // Two values do not tell noise from drift: an honest error would be unbounded.
    let standard_error =
        if sums.n < SHORTEST { f64::INFINITY } else { sums.variance_of_mean(middle(&sums).max(0.0)).sqrt() };
    Mean { mean: sums.mean, standard_error, effective: effective(&[&sums]), n: sums.n }
}

/// The 95 % interval of one series' mean; `None` when its effective size is below 8.
pub fn interval(series: &Series) -> Option<(f64, f64)> {
    let sums = Sums::of(series);
    claim(sums.mean, &[&sums], effective(&[&sums]))
}

/// `b` minus `a`, one capture each.
pub fn difference(a: &Series, b: &Series) -> Difference {
    let (a, b) = (Sums::of(a), Sums::of(b));
    let point = b.mean - a.mean;
    let effective = effective(&[&a, &b]);
    let interval = claim(point, &[&a, &b], effective);
    let verdict = match interval {
        Some(interval) => verdict(interval),
        None if far_apart(&a, &b) => Verdict::Real,
        None => Verdict::TooFewSamples,
    };
    Difference { point, interval, verdict, effective, covers_runs: false }
}

/// `b` minus `a`, each value being the mean of one of several captures.
///
/// Welch's interval. The degrees of freedom are those of the side with fewer captures, the lower bound of
/// Welch's approximation, because two or three captures say too little about their own scatter. Captures
/// are minutes or days apart, so no autocorrelation is reckoned with. Less than two on a side are too few.
pub fn difference_of_runs(a: &[f64], b: &[f64], resolution: f64) -> Difference {
    let sides = [a, b].map(|values| Sums::of(&Series { values, resolution }));
    let point = sides[1].mean - sides[0].mean;
    let effective = sides[0].n.min(sides[1].n) as f64;
    let interval = (effective >= 2.0).then(|| {
        let variance: f64 = sides.iter().map(|side| side.variance_of_mean(0.0)).sum();
        around(point, variance.sqrt() * student_t_975(effective - 1.0))
    });
    let verdict = interval.map_or(Verdict::TooFewSamples, verdict);
    Difference { point, interval, verdict, effective, covers_runs: true }
}

fn around(middle: f64, half: f64) -> (f64, f64) {
    (middle - half, middle + half)
}

fn verdict((low, high): (f64, f64)) -> Verdict {
    if low > 0.0 || high < 0.0 { Verdict::Real } else { Verdict::WithinNoise }
}

/// Whether the means are further apart than autocorrelation explains: more than k times the two ranges.
///
/// k is 3 from ten samples on and 30/n below: the fewer samples, the less of a slow wave their range shows.
/// Of equal pairs with ρ = 0.95 this takes 0.03 % of ten samples and 0.35 % of three for different.
fn far_apart(a: &Sums, b: &Sums) -> bool {
    let n = a.n.min(b.n);
    let k = (30.0 / n as f64).max(3.0);
    n >= SHORTEST && (b.mean - a.mean).abs() > k * (a.range + b.range)
}

/// Logarithm of the likelihood of a ρ that the sides share.
///
/// Two captures of one node share the rhythm of its samples: together they tell ρ better than each alone.
/// But the interval is made by the noisier side, and where the noise differs the rhythm may differ too; so a
/// side whose variance is less than half of the other's has proportionally less say, and a flat one none.
fn ln_likelihood(sides: &[&Sums]) -> impl Fn(f64) -> f64 {
    let variance = |side: &&Sums| if side.flat() { 0.0 } else { side.variance_of_mean(0.0) };
    let variances: Vec<f64> = sides.iter().map(variance).collect();
    let total: f64 = variances.iter().sum();
    let weight = |own: f64| if total > own { (2.0 * own / (total - own)).min(1.0) } else { 1.0 };
    let weights: Vec<f64> = variances.iter().map(|&own| weight(own)).collect();
    move |rho| sides.iter().zip(&weights).map(|(side, weight)| weight * side.ln_likelihood(rho)).sum()
}

/// The flat prior's posterior: its quantiles are, to the digits that matter here, confidence bounds of ρ.
fn flat_prior(sides: &[&Sums]) -> Posterior {
    Posterior::new(-1.0, ln_likelihood(sides))
}

/// Middle estimate of a series' autocorrelation.
fn middle(side: &Sums) -> f64 {
    flat_prior(&[side]).quantile(0.5)
}

/// The effective size of the smaller side that can be vouched for.
fn effective(sides: &[&Sums]) -> f64 {
    if let Some(short) = sides.iter().find(|side| side.n < SHORTEST) {
        return short.n.min(1) as f64;
    }
    let shared = flat_prior(sides).quantile(SURE);
    let sizes = sides.iter().map(|side| {
        let vouched = side.effective(shared);
        // The sides need not share it: neither may look too correlated by itself.
        if sides.len() > 1 { vouched.min(side.effective(middle(side))) } else { vouched }
    });
    sizes.fold(f64::INFINITY, f64::min)
}

/// The 95 % interval around `point`, the sum or difference of the sides' means, if it may be claimed.
fn claim(point: f64, sides: &[&Sums], effective: f64) -> Option<(f64, f64)> {
    let widened = 1.0 + EDGE * (FEWEST / effective).powi(3);
    (effective >= FEWEST).then(|| around(point, widened * half_width(sides)))
}

/// Half the width within which the difference lies with 95 % probability: for each ρ Student's t with
/// Welch's degrees of freedom, averaged over the posterior of ρ.
fn half_width(sides: &[&Sums]) -> f64 {
    let ln_likelihood = ln_likelihood(sides);
    // The prior 1/√(1 − ρ).
    let posterior = Posterior::new(LOWEST, |rho| ln_likelihood(rho) - 0.5 * (1.0 - rho).ln());
    let mut usual = 0.0;
    let mut parts = Vec::with_capacity(posterior.cells.len());
    for &(rho, probability) in posterior.cells.iter().filter(|cell| cell.1 > NEGLIGIBLE) {
        let (mut variance, mut welch) = (0.0, 0.0);
        for side in sides {
            let one = side.variance_of_mean(rho);
            variance += one;
            welch += one * one / (side.n - 1) as f64;
        }
        if variance <= 0.0 {
            return 0.0;
        }
        usual += probability * variance.sqrt();
        parts.push((probability, variance.sqrt(), StudentT::new(variance * variance / welch)));
    }
    quantile_975(NORMAL_975 * usual, |half| {
        parts.iter().fold((0.0, 0.0), |(below, density), (probability, error, t)| {
            let x = half / error;
            (below + probability * t.cdf(x), density + probability * t.density(x) / error)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::simulation::Random;
    use super::*;

    fn series(values: &[f64], resolution: f64) -> Series<'_> {
        Series { values, resolution }
    }

    fn around_level(level: f64, sd: f64, n: usize, seed: u64) -> Vec<f64> {
        Random::new(seed).ar1(0.0, n, sd).iter().map(|x| level + x).collect()
    }

    #[test]
    fn the_point_is_the_difference_of_the_means() {
        let d = difference(&series(&[1.0, 2.0, 3.0], 0.0), &series(&[5.0, 7.0], 0.0));
        assert_eq!((d.point, d.covers_runs), (4.0, false));
        assert_eq!(difference_of_runs(&[1.0, 2.0], &[8.0], 0.0).point, 6.5);
    }

    #[test]
    fn a_leap_of_memory_is_real_in_few_samples() {
        // RAM % of a node that wanders by a few hundredths, as it does, from 10 % to 38 %.
        let walk = |from: f64, n: usize| -> Vec<f64> { (0..n).map(|i| from + 0.01 * i as f64).collect() };
        for n in [3, 5, 10] {
            let d = difference(&series(&walk(10.0, n), 1e-5), &series(&walk(38.0, n), 1e-5));
            assert_eq!((d.verdict, d.interval), (Verdict::Real, None), "{n} samples");
        }
        let d = difference(&series(&walk(10.0, 2), 1e-5), &series(&walk(38.0, 10), 1e-5));
        assert_eq!(d.verdict, Verdict::TooFewSamples, "two samples show no noise to compare with");
        let d = difference(&series(&walk(10.0, 10), 1e-5), &series(&walk(10.3, 10), 1e-5));
        assert_eq!(d.verdict, Verdict::TooFewSamples, "not far apart");
    }

    #[test]
    fn constant_series_have_the_interval_of_their_rounding() {
        let rounding = 0.5 / 12f64.sqrt();
        let constant = [2.0; 10];
        let m = mean(&series(&constant, 0.5));
        assert!((m.standard_error - rounding).abs() < 1e-12);
        assert_eq!((m.mean, m.effective, m.n), (2.0, 10.0, 10));
        let (low, high) = interval(&series(&constant, 0.5)).unwrap();
        assert!(low < 2.0 - rounding && high > 2.0 + rounding && high - low < 4.0 * 0.5);

        let same = difference(&series(&constant, 0.5), &series(&constant, 0.5));
        assert_eq!((same.point, same.verdict), (0.0, Verdict::WithinNoise));
        let (low, high) = same.interval.unwrap();
        assert!(low < -0.4 && high > 0.4);
        // One step apart may be a hair apart; ten steps are not.
        let next = difference(&series(&constant, 0.5), &series(&[2.5; 10], 0.5));
        assert_eq!(next.verdict, Verdict::WithinNoise);
        let far = difference(&series(&constant, 0.5), &series(&[7.0; 10], 0.5));
        assert_eq!(far.verdict, Verdict::Real);
        assert!(far.interval.is_some());
        assert_eq!(
            difference(&series(&[2.0; 5], 0.5), &series(&[2.5; 5], 0.5)).verdict,
            Verdict::TooFewSamples
        );
    }

    #[test]
    fn one_constant_side_leaves_the_judgement_to_the_other() {
        let noisy = around_level(5.0, 1.0, 60, 3);
        let d = difference(&series(&[5.0; 60], 0.01), &series(&noisy, 0.01));
        let (low, high) = d.interval.unwrap();
        let (alone_low, alone_high) = interval(&series(&noisy, 0.01)).unwrap();
        assert!(((high - low) / (alone_high - alone_low) - 1.0).abs() < 0.02);
        // Also where the noise is hardly more than the rounding.
        let ticks: Vec<f64> = noisy.iter().map(|x| if *x > 6.0 { 5.5 } else { 5.0 }).collect();
        let d = difference(&series(&[5.0; 60], 0.5), &series(&ticks, 0.5));
        assert!((d.effective - mean(&series(&ticks, 0.5)).effective).abs() < 1e-9);
    }

    #[test]
    fn nothing_breaks_on_what_a_capture_can_hold() {
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let falling: Vec<f64> = (0..30).map(|i| 1e13 - f64::from(i)).collect();
        let alternating: Vec<f64> = (0..30).map(|i| f64::from(i % 2)).collect();
        let mut spike = vec![0.0; 60];
        spike[59] = 100.0;
        let decay: Vec<f64> = (0..12).map(|i| 0.5f64.powi(i)).collect();
        let samples: [&[f64]; 11] = [
            &[],
            &[1.0],
            &[1.0, 1.0],
            &[1.0, 2.0, 1.0],
            &[0.0; 10],
            &[1e-300; 10],
            &rising,
            &falling,
            &alternating,
            &spike,
            &decay,
        ];
        for resolution in [0.0, 1e-9, 0.5] {
            for a in samples {
                let m = mean(&series(a, resolution));
                assert!(m.mean.is_finite() && m.standard_error >= 0.0, "{a:?}");
                assert!(m.effective <= a.len() as f64 && m.effective >= a.len().min(1) as f64, "{a:?}");
                assert_eq!(m.standard_error.is_infinite(), a.len() < 3, "{a:?}");
                for b in samples {
                    let d = difference(&series(a, resolution), &series(b, resolution));
                    assert!(d.point.is_finite() && d.effective.is_finite(), "{a:?} {b:?}");
                    if let Some((low, high)) = d.interval {
                        assert!(low <= d.point && d.point <= high, "{a:?} {b:?}");
                    }
                    assert_eq!(d.interval.is_some(), d.effective >= 8.0, "{a:?} {b:?}");
                    if a.len().min(b.len()) < 3 {
                        assert_eq!(d.verdict, Verdict::TooFewSamples);
                    }
                    let runs = difference_of_runs(a, b, resolution);
                    assert!(runs.point.is_finite());
                    assert_eq!(runs.interval.is_some(), a.len().min(b.len()) >= 2);
                    assert!(runs.interval.is_none_or(|(low, high)| low <= high));
                }
            }
        }
    }

    #[test]
    fn the_unit_and_the_zero_do_not_matter_and_swapping_mirrors() {
        let (a, b) = (around_level(0.0, 1.0, 30, 5), around_level(0.5, 1.0, 30, 6));
        let d = difference(&series(&a, 0.0), &series(&b, 0.0));
        let (low, high) = d.interval.unwrap();
        let scale = |v: &[f64]| v.iter().map(|x| 1024.0 * x + 4096.0).collect::<Vec<_>>();
        let (a2, b2) = (scale(&a), scale(&b));
        let scaled = difference(&series(&a2, 0.0), &series(&b2, 0.0)).interval.unwrap();
        assert!((scaled.0 - 1024.0 * low).abs() < 1e-6 && (scaled.1 - 1024.0 * high).abs() < 1e-6);
        let mirrored = difference(&series(&b, 0.0), &series(&a, 0.0));
        let (l, h) = mirrored.interval.unwrap();
        assert!(
            (mirrored.point + d.point).abs() < 1e-12 && (l + high).abs() < 1e-9 && (h + low).abs() < 1e-9
        );
    }

    #[test]
    fn runs_follow_welch_with_the_smaller_sides_degrees_of_freedom() {
        let d = difference_of_runs(&[1.0, 2.0, 3.0], &[11.0, 13.0, 15.0, 17.0], 0.0);
        // Variances 1 and 20/3 over 3 and 4 runs; two degrees of freedom.
        let half = 4.302_653 * (1.0 / 3.0 + 20.0 / 12.0_f64).sqrt();
        let (low, high) = d.interval.unwrap();
        assert!((low - (12.0 - half)).abs() < 1e-5 && (high - (12.0 + half)).abs() < 1e-5);
        assert_eq!((d.point, d.verdict, d.effective), (12.0, Verdict::Real, 3.0));
        assert!(d.covers_runs);

        let one = difference_of_runs(&[1.0], &[100.0, 101.0], 0.0);
        assert_eq!((one.interval, one.verdict), (None, Verdict::TooFewSamples));
        let equal = difference_of_runs(&[1.0, 1.0], &[1.0, 1.0], 0.5).interval.unwrap();
        assert!(equal.0 < 0.0 && equal.1 > 0.0, "equal runs still have their rounding");
    }

    #[test]
    fn the_interval_of_runs_covers_at_least_as_often_as_it_says() {
        let mut random = Random::new(11);
        for (k, l, sd) in [(2, 2, 1.0), (3, 3, 1.0), (3, 6, 4.0), (6, 3, 4.0), (10, 10, 0.2)] {
            let covered = (0..4000).filter(|_| {
                let (a, b) = (random.ar1(0.0, k, 1.0), random.ar1(0.0, l, sd));
                difference_of_runs(&a, &b, 0.0).verdict == Verdict::WithinNoise
            });
            let covered = covered.count() as f64 / 4000.0;
            // 95 % less three binomial errors of 0.34 %.
            assert!(covered > 0.9397, "{k} and {l} runs: {covered}");
        }
    }
}
