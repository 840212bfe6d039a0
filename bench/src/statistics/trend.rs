//! Drift inside a run.

use super::Series;
use super::autocorrelation::{Posterior, Sums};
use super::student::NORMAL_975;

/// Longest series whose every pair is looked at; longer ones are averaged down.
const LONGEST: usize = 500;

/// Quantile of ρ the test reckons with: above the middle, since the fitted slope takes correlation with it.
const CAUTIOUS: f64 = 0.8;

/// Drift per sample, or `None` when it is no more than noise.
///
/// The slope is Theil's and Sen's, the median over all pairs, which a few spikes do not move. It is told when
/// Kendall's S (Mann 1945, with the correction for ties) is significant at 5 %, its variance multiplied by
/// (1 + ρ) / (1 − ρ), which is n over the effective size (Yue and Wang 2004). ρ is that of the residuals.
/// False alarms in simulated runs of 10 to 60 samples: at most 5 % up to ρ = 0.6, 9 % at ρ = 0.95.
pub fn trend_per_sample(series: &Series) -> Option<f64> {
    let together = series.values.len().div_ceil(LONGEST).max(1);
    let averaged: Vec<f64>;
    let values = if together > 1 {
        averaged =
            series.values.chunks_exact(together).map(|c| c.iter().sum::<f64>() / c.len() as f64).collect();
        &averaged
    } else {
        series.values
    };
    let slope = theil_sen(values)?;
    let residuals: Vec<f64> = values.iter().enumerate().map(|(i, x)| x - slope * i as f64).collect();
    let score = score(values) / inflation(&residuals, series.resolution).sqrt();
    (score > NORMAL_975 && slope != 0.0).then_some(slope / together as f64)
}

/// Median slope of all pairs.
fn theil_sen(values: &[f64]) -> Option<f64> {
    let mut slopes: Vec<f64> = pairs(values).map(|(steps, rise)| rise / steps).collect();
    slopes.sort_by(f64::total_cmp);
    let upper = slopes.get(slopes.len() / 2)?;
    let lower = slopes.get((slopes.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

/// Kendall's |S| over its standard deviation for independent samples, with the continuity correction.
fn score(values: &[f64]) -> f64 {
    let s: i64 = pairs(values).map(|(_, rise)| i64::from(rise > 0.0) - i64::from(rise < 0.0)).sum();
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let part = |n: usize| (n * (n - 1) * (2 * n + 5)) as f64;
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|tied| part(tied.len())).sum();
    let variance = (part(values.len()) - ties) / 18.0;
    if variance > 0.0 { (s.abs() - 1) as f64 / variance.sqrt() } else { 0.0 }
}

/// Number of samples over the number of independent samples they are worth.
fn inflation(residuals: &[f64], resolution: f64) -> f64 {
    let sums = Sums::of(&Series { values: residuals, resolution });
    if sums.flat() {
        return 1.0;
    }
    let rho = Posterior::new(-1.0, |rho| sums.ln_likelihood(rho)).quantile(CAUTIOUS).max(0.0);
    (1.0 + rho) / (1.0 - rho)
}

/// Steps between and rise over each pair.
fn pairs(values: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    values.iter().enumerate().flat_map(move |(i, from)| {
        values[i + 1..].iter().enumerate().map(move |(steps, to)| ((steps + 1) as f64, to - from))
    })
}

#[cfg(test)]
mod tests {
    use super::super::simulation::Random;
    use super::*;

    fn trend(values: &[f64]) -> Option<f64> {
        trend_per_sample(&Series { values, resolution: 0.0 })
    }

    /// Share of runs with a drift told, of `sds` standard deviations over the whole run.
    fn told(rho: f64, n: usize, sds: f64, runs: u32) -> f64 {
        let mut random = Random::new(21);
        let found = (0..runs).filter(|_| {
            let noise = random.ar1(rho, n, 1.0);
            let drifting: Vec<f64> =
                noise.iter().enumerate().map(|(i, x)| x + sds * i as f64 / n as f64).collect();
            trend(&drifting).is_some()
        });
        found.count() as f64 / f64::from(runs)
    }

    #[test]
    fn a_line_has_its_slope() {
        for n in [10, 30, 1234] {
            let line: Vec<f64> = (0..n).map(|i| 7.0 - 0.25 * f64::from(i)).collect();
            let slope = trend(&line).unwrap();
            assert!((slope + 0.25).abs() < 1e-9, "{n} samples: {slope}");
        }
    }

    #[test]
    fn short_constant_and_spiky_series_have_none() {
        assert_eq!(trend(&[]), None);
        assert_eq!(trend(&[1.0]), None);
        assert_eq!(trend(&[1.0, 2.0]), None);
        assert_eq!(trend(&[1.0, 2.0, 3.0]), None);
        assert_eq!(trend(&[4.0; 60]), None);
        let mut spike = [1.0, 1.5, 0.5, 1.0, 1.5, 1.0, 0.5, 1.5, 1.0, 0.5].repeat(3);
        spike[29] = 100.0;
        assert_eq!(trend(&spike), None);
    }

    #[test]
    fn false_alarms_are_rare() {
        for n in [10, 30, 60] {
            // Of many more runs it was 1.6 to 2.7 % and 6 to 9 %; three binomial errors are 2 % and 5 %.
            let white = told(0.0, n, 0.0, 600);
            assert!(white <= 0.05, "white noise of {n} samples: {white}");
            let slow = told(0.95, n, 0.0, 300);
            assert!(slow <= 0.15, "slow noise of {n} samples: {slow}");
        }
    }

    #[test]
    fn a_strong_drift_is_told() {
        assert!(told(0.0, 10, 10.0, 300) > 0.6);
        assert!(told(0.0, 30, 3.0, 300) > 0.8);
        assert!(told(0.4, 60, 3.0, 100) > 0.8);
    }
}
