//! Does the statistics hold what it promises? Simulated pairs whose true difference is known.

use std::sync::OnceLock;

use super::{Difference, Series, Verdict, difference, interval, mean, student_t_975, trend_per_sample};

/// Seeded noise: splitmix64 and Marsaglia's polar method.
pub(super) struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed, spare: None }
    }

    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let factor = (-2.0 * s.ln() / s).sqrt();
                self.spare = Some(v * factor);
                return u * factor;
            }
        }
    }

    /// A Gaussian AR(1) series around 0, stationary from its first value on.
    pub(super) fn ar1(&mut self, rho: f64, n: usize, sd: f64) -> Vec<f64> {
        let innovation = (1.0 - rho * rho).sqrt();
        let mut x = self.normal();
        let mut values = Vec::with_capacity(n);
        for _ in 0..n {
            values.push(sd * x);
            x = rho * x + innovation * self.normal();
        }
        values
    }

    /// Load that jumps up and decays: AR(1) with exponential innovations.
    fn jumps(&mut self, rho: f64, n: usize) -> Vec<f64> {
        let mut x = 0.0;
        let all = (0..n + 100).map(|_| {
            x = rho * x - (1.0 - self.uniform()).ln();
            x
        });
        // By then it has forgotten where it started.
        all.skip(100).collect()
    }
}

const RHOS: [f64; 7] = [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95];
const SIZES: [usize; 3] = [10, 30, 60];

/// True differences of the A/B pairs, in standard deviations of a sample; they take turns.
const SHIFTS: [f64; 4] = [0.2, 0.5, 1.0, 3.0];

/// One (ρ, N): equal pairs, and pairs with a known shift.
#[derive(Default)]
struct Cell {
    rho: f64,
    n: usize,
    pairs: usize,
    /// Equal pairs called real.
    real: usize,
    naive_real: usize,
    /// Shifted pairs with an interval, and those whose interval holds the shift.
    claimed: usize,
    covered: usize,
    naive_covered: usize,
    plug_in_claimed: usize,
    plug_in_covered: usize,
    /// Sum of the half widths of the intervals.
    width: f64,
}

impl Cell {
    fn run(rho: f64, n: usize, pairs: usize) -> Self {
        let mut random = Random::new((1000.0 * rho) as u64 * 1000 + n as u64);
        let mut cell = Self { rho, n, pairs, ..Self::default() };
        for i in 0..pairs {
            let mut pair = |shift: f64| {
                let a = random.ar1(rho, n, 1.0);
                let b: Vec<f64> = random.ar1(rho, n, 1.0).iter().map(|x| x + shift).collect();
                (a, b)
            };
            let (a, b) = pair(0.0);
            cell.real += usize::from(judge(&a, &b).verdict == Verdict::Real);
            cell.naive_real += usize::from(!naive(&a, &b).holds(0.0));

            let shift = SHIFTS[i % SHIFTS.len()];
            let (a, b) = pair(shift);
            cell.naive_covered += usize::from(naive(&a, &b).holds(shift));
            if let Some(claimed) = plug_in(&a, &b) {
                cell.plug_in_claimed += 1;
                cell.plug_in_covered += usize::from(claimed.holds(shift));
            }
            if let Some(claimed) = judge(&a, &b).interval {
                cell.claimed += 1;
                cell.covered += usize::from(claimed.holds(shift));
                cell.width += (claimed.1 - claimed.0) / 2.0;
            }
        }
        cell
    }

    fn share(&self, count: usize) -> f64 {
        count as f64 / self.pairs as f64
    }

    fn claims(&self) -> f64 {
        self.share(self.claimed)
    }
}

trait Holds {
    fn holds(&self, value: f64) -> bool;
}

impl Holds for (f64, f64) {
    fn holds(&self, value: f64) -> bool {
        self.0 <= value && value <= self.1
    }
}

fn judge(a: &[f64], b: &[f64]) -> Difference {
    difference(&Series { values: a, resolution: 0.0 }, &Series { values: b, resolution: 0.0 })
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Variance, and lag-1 autocorrelation as estimated from the sample.
fn moments(values: &[f64]) -> (f64, f64) {
    let mean = average(values);
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    let lagged: f64 = values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    (squares / (values.len() - 1) as f64, lagged / squares)
}

/// The textbook interval that takes samples for independent: what this module must not be.
fn naive(a: &[f64], b: &[f64]) -> (f64, f64) {
    let variance = (moments(a).0 + moments(b).0) / a.len() as f64;
    let half = variance.sqrt() * student_t_975(2.0 * (a.len() - 1) as f64);
    let point = average(b) - average(a);
    (point - half, point + half)
}

/// The obvious repair: ρ pooled and corrected for its bias (Kendall 1954), then taken for known.
fn plug_in(a: &[f64], b: &[f64]) -> Option<(f64, f64)> {
    let n = a.len() as f64;
    let ((var_a, r_a), (var_b, r_b)) = (moments(a), moments(b));
    let rho = ((n * (r_a + r_b) / 2.0 + 1.0) / (n - 4.0)).clamp(0.0, 0.99);
    let effective = n * (1.0 - rho) / (1.0 + rho);
    let half = ((var_a + var_b) / effective).sqrt() * student_t_975(2.0 * (effective - 1.0));
    let point = average(b) - average(a);
    (effective >= 8.0).then_some((point - half, point + half))
}

/// All cells, simulated once for the tests that look at them.
fn cells() -> &'static [Cell] {
    static CELLS: OnceLock<Vec<Cell>> = OnceLock::new();
    CELLS.get_or_init(|| {
        // Ten samples rarely claim, and are quick: more pairs, for as many claims as it takes to count.
        let of_size =
            |n: usize| RHOS.map(|rho| Cell::run(rho, n, if n == 10 { 3000 } else { 1200 })).into_iter();
        std::thread::scope(|scope| {
            let threads = SIZES.map(|n| scope.spawn(move || of_size(n)));
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        })
    })
}

/// Three binomial standard errors of a share near `p` of `count`.
fn tolerance(p: f64, count: usize) -> f64 {
    3.0 * (p * (1.0 - p) / count as f64).sqrt()
}

fn assert_coverage(what: &str, claimed: usize, covered: usize) {
    let share = covered as f64 / claimed as f64;
    let low = 0.93 - tolerance(0.93, claimed);
    let high = 0.97 + tolerance(0.97, claimed);
    assert!((low..=high).contains(&share), "{what}: {covered} of {claimed} intervals hold the shift");
}

#[test]
fn at_most_a_tenth_of_equal_pairs_is_called_real() {
    for cell in cells() {
        let share = cell.share(cell.real);
        assert!(share <= 0.10, "rho {}, {} samples: {share}", cell.rho, cell.n);
    }
}

#[test]
fn where_intervals_are_claimed_they_hold_the_shift_as_often_as_they_say() {
    let often: Vec<&Cell> = cells().iter().filter(|cell| cell.claims() >= 0.05).collect();
    assert!(often.len() >= 8, "ten samples: rho 0; thirty: to 0.4; sixty: to 0.6");
    for cell in often {
        assert_coverage(&format!("rho {}, {} samples", cell.rho, cell.n), cell.claimed, cell.covered);
    }
    for n in SIZES {
        let of_size = || cells().iter().filter(|cell| cell.n == n);
        let claimed = of_size().map(|cell| cell.claimed).sum();
        let covered = of_size().map(|cell| cell.covered).sum();
        assert_coverage(&format!("{n} samples, all rho"), claimed, covered);
    }
}

#[test]
fn a_series_worth_fewer_than_eight_samples_rarely_gets_an_interval() {
    for cell in cells() {
        let worth = cell.n as f64 * (1.0 - cell.rho) / (1.0 + cell.rho);
        if worth < 8.0 {
            let bound = 0.05 + tolerance(0.05, cell.pairs);
            assert!(cell.claims() <= bound, "rho {}, {} samples: {}", cell.rho, cell.n, cell.claims());
        }
    }
}

/// The proof that the simulation can fail a method.
#[test]
fn the_naive_interval_and_the_plug_in_fail_the_same_simulation() {
    for cell in cells().iter().filter(|cell| cell.rho >= 0.4) {
        let real = cell.share(cell.naive_real);
        assert!(real > 0.15, "naive, rho {}, {} samples: {real}", cell.rho, cell.n);
        let covered = cell.share(cell.naive_covered);
        assert!(covered < 0.85, "naive, rho {}, {} samples: {covered}", cell.rho, cell.n);
    }
    for (n, rho) in [(10, 0.4), (30, 0.6), (60, 0.8)] {
        let cell = cells().iter().find(|cell| cell.n == n && cell.rho == rho).unwrap();
        let claims = cell.share(cell.plug_in_claimed);
        let covered = cell.plug_in_covered as f64 / cell.plug_in_claimed as f64;
        assert!(claims > 0.10 && covered < 0.90, "plug-in, rho {rho}, {n} samples: {covered} of {claims}");
    }
}

#[test]
fn unlike_sides_are_rarely_called_real_either() {
    for n in SIZES {
        for (rho_a, rho_b, sd_b) in [(0.0, 0.6, 1.0), (0.0, 0.6, 2.0), (0.0, 0.8, 5.0), (0.95, 0.2, 3.0)] {
            let real = unlike_sides(n, rho_a, rho_b, sd_b, 500).real;
            let share = real as f64 / 500.0;
            assert!(share <= 0.10, "rho {rho_a} and {rho_b} x {sd_b}, {n} samples: {share}");
        }
    }
}

fn unlike_sides(n: usize, rho_a: f64, rho_b: f64, sd_b: f64, pairs: usize) -> Cell {
    let mut random = Random::new(77);
    let mut cell = Cell { n, pairs, ..Cell::default() };
    for _ in 0..pairs {
        let d = judge(&random.ar1(rho_a, n, 1.0), &random.ar1(rho_b, n, sd_b));
        cell.real += usize::from(d.verdict == Verdict::Real);
        cell.claimed += usize::from(d.interval.is_some());
        cell.covered += usize::from(d.interval.is_some_and(|claimed| claimed.holds(0.0)));
    }
    cell
}

#[test]
fn noise_of_another_shape_is_rarely_called_real_either() {
    let mut random = Random::new(3);
    for (n, rho) in [(10, 0.8), (30, 0.0), (30, 0.4), (60, 0.0), (60, 0.6)] {
        let real =
            (0..400).filter(|_| judge(&random.jumps(rho, n), &random.jumps(rho, n)).verdict == Verdict::Real);
        let share = real.count() as f64 / 400.0;
        assert!(share <= 0.10, "rho {rho}, {n} samples: {share}");
    }
}

#[test]
fn a_shift_of_the_size_of_the_noise_is_found_in_a_minute() {
    let mut random = Random::new(5);
    let found = (0..300).filter(|_| {
        let (a, b) = (random.ar1(0.2, 60, 1.0), random.ar1(0.2, 60, 1.0));
        judge(&a, &b.iter().map(|x| x + 1.0).collect::<Vec<_>>()).verdict == Verdict::Real
    });
    assert!(found.count() > 285);
}

#[test]
fn slow_waves_are_rarely_far_apart() {
    let mut random = Random::new(9);
    for n in [3, 5, 10, 30] {
        let real = (0..3000)
            .filter(|_| judge(&random.ar1(0.95, n, 1.0), &random.ar1(0.95, n, 1.0)).verdict == Verdict::Real);
        let share = real.count() as f64 / 3000.0;
        assert!(share < 0.01, "{n} samples: {share}");
    }
}

#[test]
fn ticks_do_not_spoil_the_coverage() {
    // Steps as wide as the noise, as CPU % of an idle node has them.
    let mut random = Random::new(13);
    let (mut claimed, mut covered) = (0, 0);
    for _ in 0..1500 {
        let mut ticks = || random.ar1(0.2, 60, 1.0).iter().map(|x| x.round()).collect::<Vec<_>>();
        let (a, b) = (ticks(), ticks());
        let d = difference(&Series { values: &a, resolution: 1.0 }, &Series { values: &b, resolution: 1.0 });
        claimed += usize::from(d.interval.is_some());
        covered += usize::from(d.interval.is_some_and(|claimed| claimed.holds(0.0)));
    }
    assert_coverage("ticks", claimed, covered);
}

#[test]
fn the_interval_of_one_mean_covers_it() {
    for (rho, n) in [(0.0, 30), (0.2, 60), (0.4, 60)] {
        let mut random = Random::new(31);
        let (mut claimed, mut covered) = (0, 0);
        for _ in 0..1000 {
            let values = random.ar1(rho, n, 1.0);
            let series = Series { values: &values, resolution: 0.0 };
            let found = interval(&series);
            assert_eq!(found.is_some(), mean(&series).effective >= 8.0);
            claimed += usize::from(found.is_some());
            covered += usize::from(found.is_some_and(|found| found.holds(0.0)));
        }
        assert_coverage(&format!("one mean, rho {rho}, {n} samples"), claimed, covered);
    }
}

#[test]
fn the_standard_error_is_right_in_the_middle() {
    for (rho, n) in [(0.0, 10), (0.4, 30), (0.8, 60)] {
        let mut random = Random::new(41);
        let (mut errors, mut squares) = (Vec::new(), 0.0);
        for _ in 0..1000 {
            let m = mean(&Series { values: &random.ar1(rho, n, 1.0), resolution: 0.0 });
            errors.push(m.standard_error);
            squares += m.mean * m.mean / 1000.0;
        }
        errors.sort_by(f64::total_cmp);
        let ratio = errors[500] / f64::sqrt(squares);
        assert!((0.8..1.2).contains(&ratio), "rho {rho}, {n} samples: {ratio}");
    }
}

#[test]
#[ignore = "prints the tables of the module's documentation, in minutes"]
#[expect(clippy::print_stdout, reason = "printing is its purpose")]
fn tables() {
    const PAIRS: usize = 20_000;
    // Below a hundred there is nothing to take a share of.
    let percent = |part: usize, of: usize| match of {
        0..100 => "–".to_owned(),
        _ => format!("{:.1}", 100.0 * part as f64 / of as f64),
    };

    println!("| N | ρ | worth | claims | coverage | ± | false real | naive | plug-in claims | coverage |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for n in SIZES {
        let (mut claimed, mut covered) = (0, 0);
        for rho in [0.0, 0.2, 0.4, 0.5, 0.55, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95] {
            let cell = Cell::run(rho, n, PAIRS);
            if RHOS.contains(&rho) {
                claimed += cell.claimed;
                covered += cell.covered;
            }
            let width = cell.width / cell.claimed as f64;
            println!(
                "| {n} | {rho} | {:.1} | {} | {} | {} | {} | {} | {} | {} |",
                (n as f64 * (1.0 - rho) / (1.0 + rho)).max(1.0),
                percent(cell.claimed, PAIRS),
                percent(cell.covered, cell.claimed),
                if cell.claimed < 100 { "–".to_owned() } else { format!("{width:.2}") },
                percent(cell.real, PAIRS),
                percent(cell.naive_real, PAIRS),
                percent(cell.plug_in_claimed, PAIRS),
                percent(cell.plug_in_covered, cell.plug_in_claimed),
            );
        }
        let [claims, coverage] = [percent(claimed, RHOS.len() * PAIRS), percent(covered, claimed)];
        println!("| {n} | the seven | | {claims} | {coverage} | | | | | |");
    }

    println!("\n| N | ρ of a | ρ of b | sd of b | claims | coverage | false real |");
    println!("|---|---|---|---|---|---|---|");
    for n in SIZES {
        for (rho_a, rho_b, sd_b) in [
            (0.0, 0.0, 5.0),
            (0.0, 0.4, 1.0),
            (0.0, 0.6, 1.0),
            (0.0, 0.6, 2.0),
            (0.0, 0.8, 2.0),
            (0.0, 0.8, 5.0),
            (0.8, 0.0, 5.0),
        ] {
            let cell = unlike_sides(n, rho_a, rho_b, sd_b, PAIRS);
            let [claims, real] = [cell.claimed, cell.real].map(|count| percent(count, PAIRS));
            let coverage = percent(cell.covered, cell.claimed);
            println!("| {n} | {rho_a} | {rho_b} | {sd_b} | {claims} | {coverage} | {real} |");
        }
    }

    println!("\n| N | ρ | claims for one mean | coverage | false drift |\n|---|---|---|---|---|");
    for n in SIZES {
        for rho in RHOS {
            let mut random = Random::new(51);
            let (mut claimed, mut covered, mut drifts) = (0, 0, 0);
            for _ in 0..PAIRS / 2 {
                let values = random.ar1(rho, n, 1.0);
                let series = Series { values: &values, resolution: 0.0 };
                let found = interval(&series);
                claimed += usize::from(found.is_some());
                covered += usize::from(found.is_some_and(|found| found.holds(0.0)));
                drifts += usize::from(trend_per_sample(&series).is_some());
            }
            let [claims, drift] = [claimed, drifts].map(|count| percent(count, PAIRS / 2));
            println!("| {n} | {rho} | {claims} | {} | {drift} |", percent(covered, claimed));
        }
    }
}
