//! Student's t distribution.

use std::f64::consts::PI;

/// The 97.5 % quantile of Student's t with `df` degrees of freedom: the factor of a two-sided 95 % interval.
///
/// `df` may be any real number; below 1 it counts as 1. Newton's method on the incomplete beta function.
pub fn student_t_975(df: f64) -> f64 {
    // From 1 on: below, the quantile explodes and no caller has a use for it. `max` also turns NaN into 1.
    let t = StudentT::new(df.max(1.0));
    quantile_975(NORMAL_975, |x| (t.cdf(x), t.density(x)))
}

/// The 97.5 % quantile of the normal distribution.
pub(super) const NORMAL_975: f64 = 1.959_963_984_540_054;

/// Where a distribution function that is concave right of 0 reaches 97.5 %.
///
/// `at` gives the distribution function and its density; `start` is a positive guess. Newton's steps cannot
/// overshoot on a concave function when they come from the left; from the right they may fall short, and the
/// quarter keeps such a step positive.
pub(super) fn quantile_975(start: f64, at: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut x = start;
    for _ in 0..100 {
        let (probability, density) = at(x);
        let next = (x + (0.975 - probability) / density).max(x / 4.0);
        if !next.is_finite() || (next - x).abs() <= 1e-7 * x {
            return x;
        }
        x = next;
    }
    x
}

/// One t distribution, with the constant of its density worked out once.
pub(super) struct StudentT {
    df: f64,
    /// Logarithm of Γ((df + 1) / 2) / (Γ(df / 2) √π).
    ln_constant: f64,
}

impl StudentT {
    pub(super) fn new(df: f64) -> Self {
        // Beyond a million nothing changes in the digits used, and the continued fraction stays short.
        let df = df.min(1e6);
        Self { df, ln_constant: ln_gamma((df + 1.0) / 2.0) - ln_gamma(df / 2.0) - PI.ln() / 2.0 }
    }

    pub(super) fn density(&self, x: f64) -> f64 {
        let df = self.df;
        (self.ln_constant - df.ln() / 2.0 - (df + 1.0) / 2.0 * (x * x / df).ln_1p()).exp()
    }

    /// P(T ≤ x); for x ≥ 0 it is 1 − I(df / (df + x²); df/2, 1/2) / 2, I being the regularised incomplete
    /// beta function.
    pub(super) fn cdf(&self, x: f64) -> f64 {
        let df = self.df;
        let upper = self.upper_tail(df / (df + x * x), x * x / (df + x * x));
        if x < 0.0 { upper } else { 1.0 - upper }
    }

    /// Half of I(p; df/2, 1/2), where q = 1 − p.
    fn upper_tail(&self, p: f64, q: f64) -> f64 {
        if q <= 0.0 {
            return 0.5;
        }
        let (a, b) = (self.df / 2.0, 0.5);
        let factor = (self.ln_constant + a * p.ln() + b * q.ln()).exp();
        // The fraction converges fast on one side of the mean of the beta distribution only.
        if p < (a + 1.0) / (a + b + 2.0) {
            factor * beta_fraction(p, a, b) / a / 2.0
        } else {
            (1.0 - factor * beta_fraction(q, b, a) / b) / 2.0
        }
    }
}

/// Continued fraction of the incomplete beta function (DLMF 8.17.22) by the modified Lentz method.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let tiny = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < tiny { tiny } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..=300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            step = c * d;
            h *= step;
        }
        if (step - 1.0).abs() < 1e-12 {
            break;
        }
    }
    h
}

/// ln Γ(x) for x > 0: Stirling's series, with small arguments lifted to where it is exact to 1e-12.
fn ln_gamma(mut x: f64) -> f64 {
    let mut lifted = 1.0;
    while x < 10.0 {
        lifted *= x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r / 1188.0)))) / x;
    (x - 0.5) * x.ln() - x + (2.0 * PI).ln() / 2.0 + series - lifted.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 97.5 % quantiles as every table has them, with more digits, and some between whole numbers.
    const TABLE: [(f64, f64); 20] = [
        (1.0, 12.706_205),
        (1.5, 6.016_663),
        (2.0, 4.302_653),
        (2.5, 3.574_655),
        (3.0, 3.182_446),
        (4.0, 2.776_445),
        (5.0, 2.570_582),
        (6.0, 2.446_912),
        (7.0, 2.364_624),
        (7.3, 2.345_067),
        (8.0, 2.306_004),
        (9.0, 2.262_157),
        (10.0, 2.228_139),
        (16.4, 2.115_711),
        (18.0, 2.100_922),
        (30.0, 2.042_272),
        (60.0, 2.000_298),
        (120.0, 1.979_930),
        (100_000.0, 1.959_988),
        (f64::INFINITY, 1.959_964),
    ];

    #[test]
    fn the_quantile_agrees_with_the_table() {
        for (df, expected) in TABLE {
            let got = student_t_975(df);
            assert!((got - expected).abs() < 5e-6, "df {df}: {got}, the table says {expected}");
        }
    }

    #[test]
    fn below_one_degree_of_freedom_counts_as_one() {
        for df in [0.5, 0.0, -3.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(student_t_975(df), student_t_975(1.0));
        }
    }

    #[test]
    fn the_distribution_agrees_with_its_closed_forms() {
        let (one, two) = (StudentT::new(1.0), StudentT::new(2.0));
        for x in [-40.0, -3.0, -0.2, 0.0, 1e-6, 0.5, 1.0, 1.7, 12.0, 1e5] {
            let cauchy = 0.5 + f64::atan(x) / PI;
            assert!((one.cdf(x) - cauchy).abs() < 1e-10, "df 1 at {x}");
            let second = 0.5 + x / (2.0 * (2.0 + x * x).sqrt());
            assert!((two.cdf(x) - second).abs() < 1e-10, "df 2 at {x}");
            assert!((one.density(x) - 1.0 / (PI * (1.0 + x * x))).abs() < 1e-10);
        }
    }

    #[test]
    fn the_density_is_the_slope_of_the_distribution() {
        for df in [1.0, 4.5, 29.0, 500.0] {
            let t = StudentT::new(df);
            for x in [0.1, 1.0, 2.0, 3.5] {
                let slope = (t.cdf(x + 1e-4) - t.cdf(x - 1e-4)) / 2e-4;
                assert!((slope - t.density(x)).abs() < 1e-7, "df {df} at {x}");
            }
        }
    }
}
