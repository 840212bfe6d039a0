//! The mean of a series, the difference of two, and the verdict.

use super::autocorrelation::{Posterior, Sums};
use super::student::{NORMAL_975, StudentT, quantile_975, student_t_975};
use super::{Difference, Mean, Series, Verdict};

/// Fewest effective samples on each side for which an interval is claimed.
pub(super) const FEWEST: f64 = 8.0;

/// Probability with which the effective size must reach [`FEWEST`].
const SURE: f64 = 0.95;

/// Least autocorrelation an interval's width reckons with.
pub(super) const LOWEST: f64 = -0.15;

/// Without an interval, a difference this many times the two ranges together is real.
const FAR: f64 = 10.0;

/// Fewest values of which anything but their mean is said.
const SHORTEST: usize = 3;

/// Mean of one series, its standard error and how many independent samples it is worth.
pub fn mean(series: &Series) -> Mean {
    let sums = Sums::of(series);
    if sums.n < SHORTEST {
        let effective = sums.n.min(1) as f64;
        return Mean { mean: sums.mean, standard_error: f64::INFINITY, effective, n: sums.n };
    }
    let middle = Posterior::new(LOWEST, |rho| sums.ln_likelihood(rho)).quantile(0.5);
    let standard_error = sums.variance_of_mean(middle).sqrt();
    Mean { mean: sums.mean, standard_error, effective: effective(&[&sums]), n: sums.n }
}

/// The 95 % interval of one series' mean, or `None` when its effective size is below 8.
pub fn interval(series: &Series) -> Option<(f64, f64)> {
    let sums = Sums::of(series);
    claims(&[&sums]).then(|| around(sums.mean, half_width(&[&sums])))
}

/// `b` minus `a`, one capture each.
pub fn difference(a: &Series, b: &Series) -> Difference {
    let (a, b) = (Sums::of(a), Sums::of(b));
    let point = b.mean - a.mean;
    let sides = [&a, &b];
    let interval = claims(&sides).then(|| around(point, half_width(&sides)));
    let far = a.n.min(b.n) >= SHORTEST && point.abs() > FAR * (a.range + b.range);
    let verdict = match interval {
        Some(interval) => verdict(interval),
        None if far => Verdict::Real,
        None => Verdict::TooFewSamples,
    };
    Difference { point, interval, verdict, effective: effective(&sides), covers_runs: false }
}

/// `b` minus `a`, each value being the mean of one of several captures.
pub fn difference_of_runs(a: &[f64], b: &[f64], resolution: f64) -> Difference {
    let sides = [a, b].map(|values| Sums::of(&Series { values, resolution }));
    let point = sides[1].mean - sides[0].mean;
    let fewest = sides[0].n.min(sides[1].n);
    let effective = fewest as f64;
    if fewest < 2 {
        let verdict = Verdict::TooFewSamples;
        return Difference { point, interval: None, verdict, effective, covers_runs: true };
    }
    // Captures are apart in time: no autocorrelation between them. The smaller side's degrees of freedom are
    // the lower bound of Welch's, so that the interval is never too narrow.
    let variance: f64 = sides.iter().map(|side| side.variance_of_mean(0.0)).sum();
    let interval = around(point, variance.sqrt() * student_t_975(effective - 1.0));
    Difference { point, interval: Some(interval), verdict: verdict(interval), effective, covers_runs: true }
}

fn around(middle: f64, half: f64) -> (f64, f64) {
    (middle - half, middle + half)
}

fn verdict((low, high): (f64, f64)) -> Verdict {
    if low > 0.0 || high < 0.0 { Verdict::Real } else { Verdict::WithinNoise }
}

fn claims(sides: &[&Sums]) -> bool {
    sides.iter().all(|side| side.n >= SHORTEST) && effective(sides) >= FEWEST
}

/// The effective size vouched for on the smaller side.
fn effective(sides: &[&Sums]) -> f64 {
    if let Some(short) = sides.iter().find(|side| side.n < SHORTEST) {
        return short.n.min(1) as f64;
    }
    let smallest = |of: &dyn Fn(&Sums) -> f64| sides.iter().map(|s| of(s)).fold(f64::INFINITY, f64::min);
    let highest = Posterior::new(-1.0, |rho| sides.iter().map(|s| s.ln_likelihood(rho)).sum()).quantile(SURE);
    let together = smallest(&|side| side.effective(highest));
    if sides.len() == 1 {
        return together;
    }
    // The two sides need not be alike: neither may look too correlated by itself.
    let alone =
        smallest(&|side| side.effective(Posterior::new(-1.0, |rho| side.ln_likelihood(rho)).quantile(0.5)));
    together.min(alone)
}

/// Half the width of the 95 % interval around the sum or difference of the sides' means.
fn half_width(sides: &[&Sums]) -> f64 {
    let g = std::env::var("G").ok().and_then(|v| v.parse().ok()).unwrap_or(0.0);
    let lo = std::env::var("LO").ok().and_then(|v| v.parse().ok()).unwrap_or(-1.0);
    let posterior = Posterior::new(lo, |rho| {
        g * f64::ln_1p(rho)
            - std::env::var("B").ok().and_then(|v| v.parse().ok()).unwrap_or(0.0) * f64::ln_1p(-rho)
            + std::env::var("C").ok().and_then(|v| v.parse().ok()).unwrap_or(0.0) * rho
            + sides.iter().map(|s| s.ln_likelihood(rho)).sum::<f64>()
    });
    let mut usual = 0.0;
    let parts: Vec<(f64, f64, StudentT)> = posterior
        .cells
        .iter()
        .filter(|cell| cell.1 > 1e-7)
        .map(|&(rho, probability)| {
            let variances = sides.iter().map(|side| (side.variance_of_mean(rho), (side.n - 1) as f64));
            let variance: f64 = variances.clone().map(|v| v.0).sum();
            // Welch–Satterthwaite.
            let df = variance * variance / variances.map(|(v, df)| v * v / df).sum::<f64>();
            usual += probability * variance.sqrt();
            (probability, variance.sqrt(), StudentT::new(df))
        })
        .collect();
    if usual <= 0.0 {
        return 0.0;
    }
    quantile_975(NORMAL_975 * usual, |half| {
        parts.iter().fold((0.0, 0.0), |(below, density), (probability, error, t)| {
            let x = half / error;
            (below + probability * t.cdf(x), density + probability * t.density(x) / error)
        })
    })
}
