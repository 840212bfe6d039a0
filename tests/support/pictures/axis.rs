//! Where an axis has its ticks: at round numbers, which for bytes are powers of two, and for time parts of an hour.

use super::unit::{self, Shown};

/// An axis of values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Where a line is, and what stands beside it.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From the smallest value to the largest and a little further, with so many ticks at most.
    pub(super) fn new(unit: &str, smallest: f64, largest: f64, most: usize) -> Axis {
        let (from, to) = (smallest.min(0.0), largest.max(0.0));
        let room = if to > from { (to - from) * 0.08 } else { 1.0 };
        let to = if to > 0.0 || from == 0.0 { to + room } else { to };
        let from = if from < 0.0 { from - room } else { from };
        let step = round_step(unit, (to - from) / most as f64);
        let first = (from / step).ceil() as i64;
        let ticks = (first..).map(|number| number as f64 * step).take_while(|at| *at <= to);
        let ticks = ticks.map(|at| (at, text(unit, at, step))).collect();
        Axis { from, to, ticks }
    }

    /// A place from 0, the lower end, to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }
}

/// The smallest round step that is no smaller than this.
pub(super) fn round_step(unit: &str, least: f64) -> f64 {
    if unit == "bytes" {
        return 2.0_f64.powi(least.max(1.0).log2().ceil() as i32);
    }
    if unit == "s" && least > 10.0 {
        const OF_MINUTES: [f64; 12] =
            [15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0, 86_400.0];
        return OF_MINUTES
            .into_iter()
            .find(|step| *step >= least)
            .unwrap_or((least / 86_400.0).ceil() * 86_400.0);
    }
    let power = 10.0_f64.powi(least.log10().floor() as i32);
    let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|part| part * power >= least * (1.0 - 1e-9));
    round.unwrap_or(10.0) * power
}

/// A tick has as many digits as tell it from the next.
fn text(unit: &str, at: f64, step: f64) -> String {
    if at == 0.0 && unit != "s" {
        let Shown { suffix, .. } = unit::shown(unit, 0.0, Some(0));
        return format!("0{suffix}");
    }
    let precise = unit::shown(unit, at, None);
    let size = precise.number.parse::<f64>().unwrap_or(at);
    // A step in the unit of the tick.
    let step = (step * size / at).abs();
    let digits = (0..6).find(|digits| {
        let power = 10.0_f64.powi(*digits);
        ((step * power).round() - step * power).abs() < 0.02 * step * power
    });
    unit::shown(unit, at, digits.map(|digits| digits as usize)).to_string()
}

/// Moments of a time axis in UTC, and what stands below them, over so many pixels.
pub(super) fn times(from: f64, to: f64, width: f64) -> Vec<(f64, String)> {
    const STEPS: &[f64] = &[60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0];
    // Hours and minutes take less room than with seconds.
    let per_pixel = (to - from) / width;
    let of_seconds = [5.0, 10.0, 15.0, 30.0].into_iter().find(|step| *step >= per_pixel * 66.0);
    let of_minutes = STEPS.iter().copied().find(|step| *step >= per_pixel * 48.0);
    let step = of_seconds.or(of_minutes).unwrap_or(43_200.0);
    let first = (from / step).ceil() as i64;
    let moments = (first..).map(|number| number as f64 * step).take_while(|at| *at <= to);
    moments.map(|at| (at, clock(at, step < 60.0))).collect()
}

/// The time of day in UTC.
pub(super) fn clock(at: f64, with_seconds: bool) -> String {
    let of_day = at.rem_euclid(86_400.0) as u64;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    match with_seconds {
        true => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        false => format!("{hours:02}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn bytes_have_ticks_at_powers_of_two() {
        let axis = Axis::new("bytes", 0.0, 900.0 * 1_048_576.0, 5);
        assert_eq!(texts(&axis), ["0 B", "256 MiB", "512 MiB", "768 MiB"]);
        let axis = Axis::new("bytes", 0.0, 2.2 * 1_073_741_824.0, 5);
        assert_eq!(texts(&axis), ["0 B", "512 MiB", "1.0 GiB", "1.5 GiB", "2.0 GiB"]);
    }

    #[test]
    fn shares_have_ticks_at_round_percents() {
        assert_eq!(texts(&Axis::new("percentunit", 0.0, 0.046, 5)), ["0%", "1%", "2%", "3%", "4%"]);
        assert_eq!(texts(&Axis::new("percentunit", 0.0, 0.0011, 4)), ["0%", "0.05%", "0.10%"]);
    }

    #[test]
    fn time_that_passes_has_ticks_at_minutes() {
        assert_eq!(texts(&Axis::new("s", 0.0, 250.0, 6)), ["0 s", "1 mins", "2 mins", "3 mins", "4 mins"]);
    }

    #[test]
    fn an_axis_goes_below_nothing_where_values_do() {
        let axis = Axis::new("Bps", -2000.0, 1000.0, 4);
        assert_eq!(texts(&axis), ["-2 kB/s", "-1 kB/s", "0 B/s", "1 kB/s"]);
        assert!(axis.from < -2000.0 && axis.share(axis.to) == 1.0);
    }

    #[test]
    fn of_nothing_at_all_there_is_an_axis_too() {
        assert_eq!(texts(&Axis::new("short", 0.0, 0.0, 2)), ["0", "0.5", "1.0"]);
    }

    #[test]
    fn time_has_ticks_at_parts_of_an_hour() {
        let texts =
            |width| times(3595.0, 3720.0, width).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(400.0), ["01:00:00", "01:00:30", "01:01:00", "01:01:30", "01:02:00"]);
        assert_eq!(texts(200.0), ["01:00", "01:01", "01:02"]);
    }
}
