//! What a series says about its own autocorrelation: the restricted likelihood of ρ and the posterior it gives.

use super::Series;

/// The few sums of a series from which everything else follows.
pub(super) struct Sums {
    pub(super) n: usize,
    pub(super) mean: f64,
    /// Largest minus smallest value, not below the resolution.
    pub(super) range: f64,
    /// Least variance of one sample: rounding to a multiple of `resolution` alone gives resolution² / 12.
    floor: f64,
    /// Around the mean: Σ y², the same without the two ends, Σ y(i) y(i+1), and first plus last.
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
        // Equal values leave a rest in the last digit of their mean, which is no noise of the node.
        let resolution = series.resolution.abs().max(largest * 8.0 * f64::EPSILON);
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &x| (l.min(x), h.max(x)));
        let ends = match (values.first(), values.last()) {
            (Some(first), Some(last)) => [first - mean, last - mean],
            _ => [0.0; 2],
        };
        let squares = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        Self {
            n,
            mean,
            range: (high - low).max(resolution),
            floor: resolution * resolution / 12.0,
            squares,
            inner: squares - ends[0] * ends[0] - ends[1] * ends[1],
            lagged: values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum(),
            ends: ends[0] + ends[1],
        }
    }

    /// Whether nothing but rounding is seen, so that the series is silent about autocorrelation.
    pub(super) fn flat(&self) -> bool {
        self.n < 2 || self.squares <= self.floor * (self.n - 1) as f64
    }

    /// Generalised sum of squares around the mean, y′R⁻¹y − (1′R⁻¹y)² / 1′R⁻¹1 with R(i,j) = ρ^|i−j|.
    ///
    /// R⁻¹ has three diagonals, so the sums above suffice.
    fn residual(&self, rho: f64) -> f64 {
        let n = self.n as f64;
        let all = (self.squares + rho * rho * self.inner - 2.0 * rho * self.lagged) / (1.0 - rho * rho);
        let along = rho * self.ends;
        all - along * along / ((1.0 + rho) * (n - (n - 2.0) * rho))
    }

    /// Logarithm of the restricted likelihood of `rho`, the level and the variance being unknown.
    pub(super) fn ln_likelihood(&self, rho: f64) -> f64 {
        if self.flat() {
            return 0.0;
        }
        let n = self.n as f64;
        let precision = (n - (n - 2.0) * rho) / (1.0 + rho);
        -0.5 * ((n - 1.0) * ((1.0 - rho * rho).ln() + self.residual(rho).ln()) + precision.ln())
    }

    /// Estimated variance of the mean, were `rho` the autocorrelation.
    pub(super) fn variance_of_mean(&self, rho: f64) -> f64 {
        // Rounding that never moves repeats the same error in each sample; more samples do not average it out.
        if self.flat() {
            return self.floor;
        }
        let n = self.n as f64;
        let sample = (self.residual(rho) / (n - 1.0)).max(self.floor);
        let sum =
            (1.0 + rho) / (1.0 - rho) - 2.0 * rho * (1.0 - rho.powf(n)) / (n * (1.0 - rho) * (1.0 - rho));
        sample * sum / n
    }

    /// How many independent samples the series is worth, were `rho` the autocorrelation; never more than it has.
    pub(super) fn effective(&self, rho: f64) -> f64 {
        let n = self.n as f64;
        if self.flat() { n } else { n * ((1.0 - rho) / (1.0 + rho)).min(1.0) }
    }
}

/// A posterior of ρ on equally wide cells.
pub(super) struct Posterior {
    /// Middle of a cell and its probability, in rising order.
    pub(super) cells: Vec<(f64, f64)>,
    width: f64,
}

/// Cells of a posterior. With 60 samples a cell is about a tenth of the standard deviation.
const CELLS: u32 = 48;

impl Posterior {
    /// The posterior for a flat prior between `lowest` and 1.
    pub(super) fn new(lowest: f64, ln_likelihood: impl Fn(f64) -> f64) -> Self {
        let (mut from, mut to) = (lowest, 1.0);
        // A long series fills few of the first cells: look again where the probability is.
        for _ in 0..4 {
            let found = Self::over(from, to, &ln_likelihood);
            let seen = |&(_, p): &(f64, f64)| p > 1e-7;
            let first = found.cells.iter().position(seen).unwrap_or(0);
            let last = found.cells.iter().rposition(seen).unwrap_or(0);
            if last - first >= CELLS as usize / 2 {
                return found;
            }
            let half = found.width / 2.0;
            (from, to) = (found.cells[first].0 - half, found.cells[last].0 + half);
        }
        Self::over(from, to, &ln_likelihood)
    }

    fn over(from: f64, to: f64, ln_likelihood: &impl Fn(f64) -> f64) -> Self {
        let width = (to - from) / f64::from(CELLS);
        let mut cells: Vec<(f64, f64)> = (0..CELLS)
            .map(|i| from + (f64::from(i) + 0.5) * width)
            .map(|rho| (rho, ln_likelihood(rho)))
            .collect();
        let highest = cells.iter().fold(f64::NEG_INFINITY, |m, c| m.max(c.1));
        let total: f64 = cells.iter().map(|c| (c.1 - highest).exp()).sum();
        for cell in &mut cells {
            cell.1 = (cell.1 - highest).exp() / total;
        }
        Self { cells, width }
    }

    /// The value below which ρ lies with this probability, linear inside a cell.
    pub(super) fn quantile(&self, probability: f64) -> f64 {
        let mut below = 0.0;
        for &(rho, p) in &self.cells {
            if below + p >= probability {
                return rho + self.width * ((probability - below) / p - 0.5);
            }
            below += p;
        }
        self.cells.last().map_or(1.0, |c| c.0)
    }
}
