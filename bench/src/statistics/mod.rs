//! Means of short, autocorrelated series, their differences, and honest verdicts.
//!
//! A capture is 10, 30 or 60 samples, one a second. Neighbours resemble each other: a busy second follows a
//! busy second, and memory hardly moves at all. Ten such samples may be worth one, and the textbook t
//! interval, which takes them for ten, calls two captures of the same thing different in up to 79 of 100
//! cases. This module says *real* only when it is, and *too few samples* when nothing can be said.
//!
//! # What is promised
//!
//! For pairs of Gaussian series with the same first-order autocorrelation ρ, from 0 to 0.95:
//!
//! * of two captures of the same thing at most 10 % are called real (measured: 5 %);
//! * a 95 % interval, where one is claimed, holds the true difference in 93 to 97 % of the cases: for each N
//!   and each ρ of the tests where at least 5 % of the pairs get one, and for each N over all these ρ
//!   together;
//! * series worth fewer than eight independent samples get an interval in at most 5 % of the cases.
//!
//! The second promise needs the third, and the third is why ten samples rarely get an interval: ten samples
//! do not show that ρ is near enough to 0, save by luck. Take 30 or 60, or several captures per side
//! ([`difference_of_runs`]); only these cover what differs from run to run.
//!
//! # Method
//!
//! 1. *How likely is each ρ?* The restricted likelihood: that of the series with its unknown level and
//!    variance integrated out (Patterson and Thompson 1971; Harville 1974). Unlike the sample
//!    autocorrelation, whose expectation is about (1 + 4ρ) / n too low (Kendall 1954), it is hardly biased
//!    (Cheang and Reinsel 2000). The likelihoods of the two captures are multiplied, for they are of one
//!    node; but a side with less than half the variance of the other has proportionally less weight, because
//!    the noisier side makes the interval.
//! 2. *Is there enough?* The effective size n (1 − ρ) / (1 + ρ) (Bayley and Hammersley 1946) at the upper
//!    95 % bound of ρ, the posterior's under a flat prior on (−1, 1). Below 8 nothing is claimed. Neither
//!    may the middle estimate of a side by itself be below 8.
//! 3. *How wide?* Were ρ known, the mean had the variance s²/n Σ (1 − |k|/n) ρ^|k|, s² being the generalised
//!    residual variance, and the difference Welch's t (Welch 1947, Satterthwaite 1946). As it is not, the t
//!    distributions are averaged over the posterior of ρ (Zellner and Tiao 1964), with the prior 1/√(1 − ρ)
//!    on (−0.4, 1): consecutive seconds of load do not alternate. The point in the middle is the plain
//!    difference of the means.
//! 4. *Luck.* Many of the series that just pass the gate look less correlated than they are. The width is
//!    therefore multiplied by 1 + 0.45 (8 / effective)³: 1.45 at the gate, 1.06 at 16, nothing at 60.
//! 5. *Far apart.* Without an interval a difference is still real if it exceeds k times the sum of both
//!    ranges, with k = 3, or 30/n below ten samples. Memory that goes from 10 % to 38 % needs no statistics.
//! 6. *Rounding.* The variance of a sample is never taken below resolution² / 12. Where nothing but rounding
//!    is seen, the series is silent about ρ, and its standard error is resolution / √12: the same error in
//!    each sample does not average out.
//!
//! Likelihood, gate and averaging follow from the model. The prior of step 3, the weight in step 1 and the
//! factor of step 4 were chosen by simulation, so that the second promise holds at all three N. A gate at
//! the middle estimate of ρ claims more (*plug-in* below) and breaks it.
//!
//! # Measured
//!
//! 20,000 pairs each, in percent; – below 100 cases. *Worth* is the true effective size, *holds* the share
//! of claimed intervals that hold the true difference, ± their mean half width in standard deviations of a
//! sample. For comparison the textbook t interval, and the *plug-in*: ρ estimated, corrected for its bias
//! and taken for known.
//!
//! | N | ρ | worth | claims | holds | ± | false real | textbook false real | plug-in claims | holds |
//! |---|---|---|---|---|---|---|---|---|---|
//! | 10 | 0 | 10.0 | 6.7 | 96.7 | 1.06 | 0.2 | 5.1 | 63.8 | 95.3 |
//! | 10 | 0.2 | 6.7 | 1.4 | 92.4 | 0.96 | 0.1 | 10.2 | 37.2 | 89.6 |
//! | 10 | 0.4 | 4.3 | 0.4 | – | – | 0.1 | 19.3 | 17.4 | 76.5 |
//! | 10 | 0.5 | 3.3 | 0.2 | – | – | 0.0 | 26.1 | 11.2 | 69.5 |
//! | 10 | 0.55 | 2.9 | 0.1 | – | – | 0.1 | 29.8 | 8.8 | 63.4 |
//! | 10 | 0.6 | 2.5 | 0.1 | – | – | 0.1 | 33.2 | 7.2 | 58.6 |
//! | 10 | 0.7 | 1.8 | 0.0 | – | – | 0.0 | 42.4 | 4.2 | 45.0 |
//! | 10 | 0.75 | 1.4 | 0.0 | – | – | 0.0 | 47.9 | 3.7 | 41.5 |
//! | 10 | 0.8 | 1.1 | 0.0 | – | – | 0.0 | 54.1 | 2.8 | 37.4 |
//! | 10 | 0.9 | 1.0 | 0.0 | – | – | 0.0 | 68.5 | 1.9 | 22.7 |
//! | 10 | 0.95 | 1.0 | 0.0 | – | – | 0.1 | 77.9 | 1.4 | 13.4 |
//! | 10 | the seven |  | 1.2 | 94.8 |  |  |  |  |  |
//! | 30 | 0 | 30.0 | 99.4 | 96.2 | 0.59 | 3.7 | 5.1 | 100.0 | 95.7 |
//! | 30 | 0.2 | 20.0 | 86.9 | 96.7 | 0.78 | 2.8 | 10.8 | 99.8 | 94.5 |
//! | 30 | 0.4 | 12.9 | 36.2 | 95.3 | 0.88 | 1.8 | 19.8 | 90.9 | 93.5 |
//! | 30 | 0.5 | 10.0 | 13.6 | 93.5 | 0.86 | 1.0 | 25.5 | 71.0 | 92.0 |
//! | 30 | 0.55 | 8.7 | 7.5 | 91.1 | 0.83 | 0.6 | 29.6 | 56.5 | 90.4 |
//! | 30 | 0.6 | 7.5 | 3.5 | 89.0 | 0.81 | 0.4 | 33.0 | 41.5 | 88.5 |
//! | 30 | 0.7 | 5.3 | 0.7 | 75.8 | 0.69 | 0.2 | 42.2 | 17.6 | 78.0 |
//! | 30 | 0.75 | 4.3 | 0.3 | – | – | 0.1 | 47.4 | 9.8 | 72.7 |
//! | 30 | 0.8 | 3.3 | 0.1 | – | – | 0.0 | 53.9 | 5.7 | 62.1 |
//! | 30 | 0.9 | 1.6 | 0.0 | – | – | 0.0 | 69.1 | 1.5 | 35.4 |
//! | 30 | 0.95 | 1.0 | 0.0 | – | – | 0.0 | 78.6 | 0.6 | 21.6 |
//! | 30 | the seven |  | 32.3 | 96.1 |  |  |  |  |  |
//! | 60 | 0 | 60.0 | 100.0 | 95.2 | 0.37 | 4.6 | 4.8 | 100.0 | 95.5 |
//! | 60 | 0.2 | 40.0 | 100.0 | 95.7 | 0.47 | 4.6 | 11.1 | 100.0 | 94.8 |
//! | 60 | 0.4 | 25.7 | 99.9 | 96.3 | 0.63 | 4.1 | 20.3 | 100.0 | 94.8 |
//! | 60 | 0.5 | 20.0 | 96.2 | 96.7 | 0.76 | 3.4 | 26.3 | 100.0 | 94.4 |
//! | 60 | 0.55 | 17.4 | 88.0 | 96.8 | 0.83 | 2.8 | 29.8 | 99.8 | 94.6 |
//! | 60 | 0.6 | 15.0 | 69.7 | 96.8 | 0.88 | 2.2 | 33.0 | 98.8 | 94.3 |
//! | 60 | 0.7 | 10.6 | 21.5 | 94.3 | 0.88 | 1.1 | 41.8 | 80.3 | 93.1 |
//! | 60 | 0.75 | 8.6 | 8.0 | 91.3 | 0.84 | 0.6 | 47.1 | 56.7 | 90.1 |
//! | 60 | 0.8 | 6.7 | 2.2 | 85.0 | 0.77 | 0.2 | 52.3 | 30.8 | 84.7 |
//! | 60 | 0.9 | 3.2 | 0.1 | – | – | 0.0 | 67.7 | 3.9 | 60.5 |
//! | 60 | 0.95 | 1.5 | 0.0 | – | – | 0.0 | 78.2 | 1.1 | 43.6 |
//! | 60 | the seven |  | 53.1 | 95.9 |  |  |  |  |  |
//!
//! *The seven* are the ρ of the tests together: 0, 0.2, 0.4, 0.6, 0.8, 0.9 and 0.95. Where few pairs get an
//! interval it holds less often than it says, because those few passed by luck: in 91 % at ρ = 0.55 (N = 30)
//! and 0.75 (N = 60), where 8 % get one. What that costs in wrong verdicts is the column *false real*.
//!
//! Two captures need not be alike. For those that differ in noise or ρ only the first promise was tested:
//!
//! | N | ρ of a | ρ of b | sd of b / sd of a | claims | holds | false real |
//! |---|---|---|---|---|---|---|
//! | 10 | 0 | 0 | 5 | 2.6 | 97.9 | 0.1 |
//! | 10 | 0 | 0.4 | 1 | 1.6 | 87.5 | 0.2 |
//! | 10 | 0 | 0.6 | 1 | 0.7 | 82.9 | 0.1 |
//! | 10 | 0 | 0.6 | 2 | 0.7 | 69.5 | 0.2 |
//! | 10 | 0 | 0.8 | 2 | 0.4 | – | 0.2 |
//! | 10 | 0 | 0.8 | 5 | 0.2 | – | 0.1 |
//! | 10 | 0.8 | 0 | 5 | 0.3 | – | 0.0 |
//! | 30 | 0 | 0 | 5 | 92.0 | 97.0 | 2.8 |
//! | 30 | 0 | 0.4 | 1 | 79.4 | 95.9 | 3.2 |
//! | 30 | 0 | 0.6 | 1 | 41.4 | 93.4 | 2.7 |
//! | 30 | 0 | 0.6 | 2 | 28.4 | 86.2 | 3.9 |
//! | 30 | 0 | 0.8 | 2 | 10.2 | 66.4 | 3.4 |
//! | 30 | 0 | 0.8 | 5 | 1.8 | 50.3 | 0.9 |
//! | 30 | 0.8 | 0 | 5 | 12.6 | 97.2 | 0.3 |
//! | 60 | 0 | 0 | 5 | 100.0 | 95.8 | 4.2 |
//! | 60 | 0 | 0.4 | 1 | 100.0 | 95.0 | 5.0 |
//! | 60 | 0 | 0.6 | 1 | 97.0 | 95.2 | 4.7 |
//! | 60 | 0 | 0.6 | 2 | 87.4 | 92.5 | 6.5 |
//! | 60 | 0 | 0.8 | 2 | 36.2 | 83.2 | 6.1 |
//! | 60 | 0 | 0.8 | 5 | 7.4 | 78.9 | 1.6 |
//! | 60 | 0.8 | 0 | 5 | 40.6 | 96.7 | 1.3 |
//!
//! One mean, whose ρ its own samples must tell, and [`trend_per_sample`] on series without drift:
//!
//! | N | ρ | claims for one mean | holds | false drift |
//! |---|---|---|---|---|
//! | 10 | 0 | 4.0 | 99.0 | 1.6 |
//! | 10 | 0.2 | 1.5 | 95.9 | 2.4 |
//! | 10 | 0.4 | 0.6 | – | 3.2 |
//! | 10 | 0.6 | 0.2 | – | 4.3 |
//! | 10 | 0.8 | 0.1 | – | 6.3 |
//! | 10 | 0.9 | 0.1 | – | 7.8 |
//! | 10 | 0.95 | 0.1 | – | 8.8 |
//!
//! The tables are printed by `cargo test --release -p edgebench statistics -- --ignored --nocapture`; the
//! promises are tested with fewer pairs by each `cargo test`, and so is that the two other methods break
//! them.
//!
//! # Not promised
//!
//! Anything about noise that is not first-order, such as a job each 30 s. For load that jumps and decays the
//! tests ask only that at most 10 % of equal pairs are called real. What differs from run to run is covered
//! by several captures per side alone. A drift inside a run looks like high ρ: it ends in *too few samples*,
//! and [`trend_per_sample`] says why.
//!
//! # Sources
//!
//! * Bayley, Hammersley: The "effective" number of independent observations in an autocorrelated time
//!   series. Suppl. J. R. Stat. Soc. 8 (1946) 184.
//! * Cheang, Reinsel: Bias reduction of autoregressive estimates in time series regression model through
//!   restricted maximum likelihood. J. Am. Stat. Assoc. 95 (2000) 1173.
//! * Harville: Bayesian inference for variance components using only error contrasts. Biometrika 61 (1974)
//!   383.
//! * Kendall: Note on bias in the estimation of autocorrelation. Biometrika 41 (1954) 403.
//! * Mann: Nonparametric tests against trend. Econometrica 13 (1945) 245.
//! * Patterson, Thompson: Recovery of inter-block information when block sizes are unequal. Biometrika 58
//!   (1971) 545.
//! * Satterthwaite: An approximate distribution of estimates of variance components. Biometrics Bull. 2
//!   (1946) 110.
//! * Sen: Estimates of the regression coefficient based on Kendall's tau. J. Am. Stat. Assoc. 63 (1968)
//!   1379.
//! * Welch: The generalization of "Student's" problem when several different population variances are
//!   involved. Biometrika 34 (1947) 28.
//! * Yue, Wang: The Mann-Kendall test modified by effective sample size to detect trend in serially
//!   correlated hydrological series. Water Resour. Manag. 18 (2004) 201.
//! * Zellner, Tiao: Bayesian analysis of the regression model with autocorrelated errors. J. Am. Stat.
//!   Assoc. 59 (1964) 763.

mod autocorrelation;
mod difference;
#[cfg(test)]
mod simulation;
mod student;
mod trend;

pub use difference::{difference, difference_of_runs, interval, mean};
pub use student::student_t_975;
pub use trend::trend_per_sample;

/// Equally spaced samples of one figure in one capture; the values must be finite.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// The samples in the order of time.
    pub values: &'a [f64],
    /// Smallest step between two different values, in their unit: a clock tick as CPU %, a KiB as RAM %. The
    /// variance of a sample is never taken below that of rounding to it, resolution² / 12. 0 if none.
    pub resolution: f64,
}

/// What one series says about its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Arithmetic mean; 0 for an empty series.
    pub mean: f64,
    /// Standard error of `mean` at the middle estimate of the autocorrelation; infinite below three samples.
    pub standard_error: f64,
    /// How many independent samples the series is worth *at least*, with 95 % certainty: 1 to `n`, 0 if
    /// empty. Below 8 there is no interval.
    pub effective: f64,
    /// Number of samples.
    pub n: usize,
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The interval does not hold 0; or there is none, but the means are further apart than noise explains.
    Real,
    /// The interval holds 0.
    WithinNoise,
    /// No interval can be claimed and the means are not far apart: nothing is known.
    TooFewSamples,
}

/// Difference of two means and what may be said of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Mean of b less mean of a.
    pub point: f64,
    /// 95 % interval around `point`, when it may be claimed.
    pub interval: Option<(f64, f64)>,
    /// Whether the difference is real.
    pub verdict: Verdict,
    /// How many independent samples the smaller side is worth *at least*, with 95 % certainty; below 8 there
    /// is no interval. Of several captures per side it is the smaller number of captures.
    pub effective: f64,
    /// Whether the interval covers the noise from run to run. With one capture per side it covers only that
    /// inside the runs, and whoever shows it must say so.
    pub covers_runs: bool,
}
