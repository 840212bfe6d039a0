//! What a series says about its own autocorrelation ρ: the restricted likelihood and the posterior it gives.

use super::Series;

/// The few sums of a series from which everything else follows.
pub(super) struct Sums {
    pub(super) n: usize,
    pub(super) mean: f64,
    /// Largest minus smallest value, not below the resolution.
    pub(super) range: f64,
    /// Least variance of one sample: rounding to a multiple of the resolution alone gives resolution² / 12.
    floor: f64,
    /// Of the values less their mean: the sum of squares, the same without the two ends, the sum of products
    /// of neighbours, and the first plus the last.
    squares: f64,
    inner: f64,
    lagged: f64,
    ends: f64,
}

impl Sums {
    pub(super) fn of(series: &Series) -> Self {
        let values = series.values;
        let n = values.len();
        let mean = if n == 0 { 0.0 } else { values.iter().sum::<f64>() / n as f64 };
        let largest = values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        // Equal values leave a rest in the last digits of their mean, which is no noise of the node.
        let resolution = series.resolution.abs().max(largest * 8.0 * f64::EPSILON);
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &x| (l.min(x), h.max(x)));
        let [first, last] = match (values.first(), values.last()) {
            (Some(first), Some(last)) => [first - mean, last - mean],
            _ => [0.0; 2],
        };
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        Self {
            n,
            mean,
            range: (high - low).max(resolution),
            floor: resolution * resolution / 12.0,
            squares,
            inner: squares - first * first - last * last,
            lagged: values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum(),
            ends: first + last,
        }
    }

    /// Whether nothing but rounding is seen, so that the series is silent about autocorrelation.
    pub(super) fn flat(&self) -> bool {
        self.n < 2 || self.squares <= self.floor * (self.n - 1) as f64
    }

    /// Generalised sum of squares around the mean: y′R⁻¹y − (1′R⁻¹y)² / 1′R⁻¹1 with R(i,j) = ρ^|i−j|.
    ///
    /// R⁻¹ has three diagonals only, so the sums suffice and each ρ costs a handful of operations.
    fn residual(&self, rho: f64) -> f64 {
        let n = self.n as f64;
        let all = (self.squares + rho * rho * self.inner - 2.0 * rho * self.lagged) / (1.0 - rho * rho);
        let level = rho * self.ends;
        all - level * level / ((1.0 + rho) * (n - (n - 2.0) * rho))
    }

    /// Estimated variance of one sample, were `rho` the autocorrelation.
    fn variance_of_sample(&self, rho: f64) -> f64 {
        (self.residual(rho) / (self.n as f64 - 1.0)).max(self.floor)
    }

    /// Logarithm of the restricted likelihood of `rho`: level and variance are unknown and integrated out.
    pub(super) fn ln_likelihood(&self, rho: f64) -> f64 {
        if self.flat() {
            return 0.0;
        }
        let n = self.n as f64;
        // 1′R⁻¹1; the determinant of R is (1 − ρ²)^(n−1).
        let precision = (n - (n - 2.0) * rho) / (1.0 + rho);
        -0.5 * ((n - 1.0) * ((1.0 - rho * rho) * self.variance_of_sample(rho)).ln() + precision.ln())
    }

    /// Estimated variance of the mean, were `rho` the autocorrelation: s²/n · Σ (1 − |k|/n) ρ^|k|, summed up.
    pub(super) fn variance_of_mean(&self, rho: f64) -> f64 {
        // Rounding that never moves is the same error in each sample; more samples do not average it out.
        if self.flat() {
            return self.floor;
        }
        let n = self.n as f64;
        let below = 1.0 - rho;
        let sum = (1.0 + rho) / below - 2.0 * rho * (1.0 - rho.powf(n)) / (n * below * below);
        self.variance_of_sample(rho) * sum / n
    }

    /// How many independent samples the series is worth, were `rho` the autocorrelation: at least one, at
    /// most as many as it has.
    pub(super) fn effective(&self, rho: f64) -> f64 {
        let n = self.n as f64;
        if self.flat() { n } else { (n * (1.0 - rho) / (1.0 + rho)).clamp(1.0, n) }
    }
}

/// A posterior of ρ on cells of equal width.
pub(super) struct Posterior {
    /// Middle of a cell and its probability, in rising order.
    pub(super) cells: Vec<(f64, f64)>,
    width: f64,
}

/// Cells of a posterior. Two to four of them make one standard deviation, enough for a smooth density.
const CELLS: u32 = 48;

/// Cells less probable than this are left out.
pub(super) const NEGLIGIBLE: f64 = 1e-7;

impl Posterior {
    /// Normalises `exp(ln_density)` between `lowest` and 1.
    pub(super) fn new(lowest: f64, ln_density: impl Fn(f64) -> f64) -> Self {
        let (mut from, mut to) = (lowest, 1.0);
        let mut found = Self::over(from, to, &ln_density);
        // A long series fills few of the cells: look closer where the probability is.
        for _ in 0..3 {
            let seen = |cell: &(f64, f64)| cell.1 > NEGLIGIBLE;
            let first = found.cells.iter().position(seen).unwrap_or(0);
            let last = found.cells.iter().rposition(seen).unwrap_or(0);
            if last - first >= CELLS as usize / 2 {
                break;
            }
            (from, to) = (found.cells[first].0 - found.width / 2.0, found.cells[last].0 + found.width / 2.0);
            found = Self::over(from, to, &ln_density);
        }
        found
    }

    fn over(from: f64, to: f64, ln_density: &impl Fn(f64) -> f64) -> Self {
        let width = (to - from) / f64::from(CELLS);
        let middles = (0..CELLS).map(|i| from + (f64::from(i) + 0.5) * width);
        let mut cells: Vec<(f64, f64)> = middles.map(|rho| (rho, ln_density(rho))).collect();
        let highest = cells.iter().fold(f64::NEG_INFINITY, |m, cell| m.max(cell.1));
        let total: f64 = cells.iter().map(|cell| (cell.1 - highest).exp()).sum();
        for cell in &mut cells {
            cell.1 = (cell.1 - highest).exp() / total;
        }
        Self { cells, width }
    }

    /// The value below which ρ lies with this probability; linear inside a cell.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let mut below = 0.0;
        for &(rho, p) in &self.cells {
            if below + p >= probability {
                return rho + self.width * ((probability - below) / p - 0.5);
            }
            below += p;
        }
        self.cells.last().map_or(1.0, |cell| cell.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [f64; 5] = [3.0, 4.5, 4.0, 6.5, 2.0];

    fn sums() -> Sums {
        Sums::of(&Series { values: &VALUES, resolution: 0.0 })
    }

    /// Solves R x = `right` by elimination, the long way round, with R(i,j) = ρ^|i−j|.
    fn solve(rho: f64, right: &[f64]) -> (Vec<f64>, f64) {
        let n = right.len();
        let mut rows: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                let row = (0..n).map(|j| rho.powi(i32::try_from(i.abs_diff(j)).unwrap()));
                row.chain([right[i]]).collect()
            })
            .collect();
        let mut determinant = 1.0;
        for i in 0..n {
            let pivot = rows[i][i];
            determinant *= pivot;
            rows[i].iter_mut().for_each(|x| *x /= pivot);
            let by = rows[i].clone();
            for row in rows.iter_mut().enumerate().filter(|(j, _)| *j != i).map(|(_, row)| row) {
                let factor = row[i];
                row.iter_mut().zip(&by).for_each(|(x, y)| *x -= factor * y);
            }
        }
        (rows.iter().map(|row| row[n]).collect(), determinant)
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn the_short_forms_equal_the_matrices() {
        let sums = sums();
        let y: Vec<f64> = VALUES.iter().map(|x| x - sums.mean).collect();
        for rho in [-0.7, -0.2, 0.0, 0.3, 0.8, 0.95] {
            let (by_y, determinant) = solve(rho, &y);
            let (by_one, _) = solve(rho, &[1.0; 5]);
            let precision = by_one.iter().sum::<f64>();
            let residual = dot(&y, &by_y) - dot(&y, &by_one).powi(2) / precision;
            assert!((sums.residual(rho) - residual).abs() < 1e-9 * residual, "residual at {rho}");

            let ln_likelihood = -0.5 * (determinant.ln() + precision.ln() + 4.0 * (residual / 4.0).ln());
            assert!((sums.ln_likelihood(rho) - ln_likelihood).abs() < 1e-9, "likelihood at {rho}");

            let powers = (0..5).flat_map(|i: i32| (0..5).map(move |j| rho.powi((i - j).abs())));
            let variance = residual / 4.0 * powers.sum::<f64>() / 25.0;
            assert!((sums.variance_of_mean(rho) - variance).abs() < 1e-9 * variance, "variance at {rho}");
        }
    }

    #[test]
    fn without_autocorrelation_the_variance_is_the_textbook_one() {
        let sample = VALUES.iter().map(|x| (x - 4.0) * (x - 4.0)).sum::<f64>() / 4.0;
        assert!((sums().variance_of_mean(0.0) - sample / 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_posterior_is_a_distribution_however_narrow_it_is() {
        for sd in [0.5, 0.05, 0.005, 0.000_5] {
            let posterior = Posterior::new(-1.0, |rho| -0.5 * ((rho - 0.4) / sd).powi(2));
            let total: f64 = posterior.cells.iter().map(|cell| cell.1).sum();
            assert!((total - 1.0).abs() < 1e-12);
            if sd < 0.1 {
                assert!((posterior.quantile(0.5) - 0.4).abs() < 0.05 * sd, "median at {sd}");
                assert!((posterior.quantile(0.95) - 0.4 - 1.645 * sd).abs() < 0.05 * sd, "bound at {sd}");
            }
        }
    }

    #[test]
    fn flat_means_within_the_rounding() {
        let flat = |values: &[f64], resolution| Sums::of(&Series { values, resolution }).flat();
        assert!(flat(&[0.1; 10], 0.0), "the rest of a sum is no noise");
        assert!(flat(&[5.0, 5.0, 5.0, 5.0, 5.4], 1.0));
        assert!(!flat(&[5.0, 5.0, 5.0, 5.0, 6.0], 1.0));
        assert!(!flat(&VALUES, 0.0));
    }
}
