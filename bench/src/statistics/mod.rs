//! Means.
mod autocorrelation;
mod difference;
#[cfg(test)]
mod simulation;
mod student;
pub use difference::{difference, difference_of_runs, interval, mean};
pub use student::student_t_975;
/// S
pub struct Series<'a> {
    /// v
    pub values: &'a [f64],
    /// r
    pub resolution: f64,
}
/// M
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// .
    pub mean: f64,
    /// .
    pub standard_error: f64,
    /// .
    pub effective: f64,
    /// .
    pub n: usize,
}
/// V
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// .
    Real,
    /// .
    WithinNoise,
    /// .
    TooFewSamples,
}
/// D
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// .
    pub point: f64,
    /// .
    pub interval: Option<(f64, f64)>,
    /// .
    pub verdict: Verdict,
    /// .
    pub effective: f64,
    /// .
    pub covers_runs: bool,
}

/// TEMPORARY until the real one lands.
pub fn trend_per_sample(_series: &Series) -> Option<f64> {
    None
}
