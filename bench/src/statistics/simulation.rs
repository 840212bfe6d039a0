use super::*;
pub(super) struct Random(u64, Option<f64>);
impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed, None)
    }
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(x) = self.1.take() {
            return x;
        }
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let f = (-2.0 * s.ln() / s).sqrt();
                self.1 = Some(v * f);
                return u * f;
            }
        }
    }
    pub(super) fn ar1(&mut self, rho: f64, n: usize, sd: f64) -> Vec<f64> {
        let mut x = self.normal();
        let s = (1.0 - rho * rho).sqrt();
        (0..n)
            .map(|i| {
                if i > 0 {
                    x = rho * x + s * self.normal();
                }
                sd * x
            })
            .collect()
    }
}
#[test]
fn explore() {
    let m: usize = std::env::var("M").ok().and_then(|v| v.parse().ok()).unwrap_or(20000);
    let mut cells: Vec<(f64, f64, f64)> =
        [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95].iter().map(|&r| (r, r, 1.0)).collect();
    if std::env::var("MIX").is_ok() {
        cells.extend([
            (0., 0.2, 1.),
            (0., 0.4, 1.),
            (0., 0.6, 1.),
            (0., 0.8, 1.),
            (0., 0.95, 1.),
            (0.4, 0.9, 1.),
            (0.95, 0., 3.),
            (0., 0.95, 3.),
            (0., 0., 5.),
            (0.4, 0.4, 5.),
            (0.6, 0.6, 5.),
        ]);
    }
    for n in [10usize, 30, 60] {
        let (mut tc, mut tk) = (0, 0);
        for &(r, r2, sd) in &cells {
            let mut rng =
                Random::new(1000 * n as u64 + (100.0 * r) as u64 + (7000.0 * r2) as u64 + 99 * sd as u64);
            let (mut claim, mut cover, mut real) = (0, 0, 0);
            let mut wid = 0.0;
            let (mut c1, mut k1) = (0, 0);
            for _ in 0..m {
                let (a, b) = (rng.ar1(r, n, 1.0), rng.ar1(r2, n, sd));
                let a = Series { values: &a, resolution: 0.0 };
                let b = Series { values: &b, resolution: 0.0 };
                let d = difference(&a, &b);
                if let Some((l, h)) = d.interval {
                    claim += 1;
                    if l <= 0.0 && h >= 0.0 {
                        cover += 1
                    }
                    wid += (h - l) / 2.0;
                }
                if d.verdict == Verdict::Real {
                    real += 1
                }
                if let Some((l, h)) = interval(&b) {
                    c1 += 1;
                    if l <= 0.0 && h >= 0.0 {
                        k1 += 1
                    }
                }
            }
            if r == r2 && sd == 1.0 {
                tc += claim;
                tk += cover;
            }
            println!(
                "{n:3} {r:4} {r2:4} {sd}: claim {:5.1} cover {:5.1} real {:5.2} width {:.3}   | one: claim {:5.1} cover {:5.1}",
                100.0 * claim as f64 / m as f64,
                100.0 * cover as f64 / claim as f64,
                100.0 * real as f64 / m as f64,
                wid / claim as f64,
                100.0 * c1 as f64 / m as f64,
                100.0 * k1 as f64 / c1 as f64
            );
        }
        println!("pool {:.2}", 100.0 * tk as f64 / tc as f64);
    }
}
