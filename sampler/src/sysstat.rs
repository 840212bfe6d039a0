//! CPU and memory averages as `sar 1 N` and `sar -r 1 N` print them (sysstat 12.5.1 to 12.7.7).
//!
//! What sysstat does, read from its behaviour and its published sources, in our own words:
//!
//! * the row `all` is the sum of the per-CPU rows of `/proc/stat`, not its `cpu ` line; here that line serves
//!   where there is not one per-CPU row (a kernel always prints one, and sar would say 0 % of everything);
//! * guest time is inside user time (and guest_nice inside nice), so neither enters the interval; where
//!   user − guest steps back, the step is added to the interval;
//! * a CPU that is offline has no row: it keeps its last values, counts nothing, and one that had no row
//!   in the reading before is left out of that interval altogether;
//! * where iowait stepped back, the earlier iowait becomes the later one if idle grew (the kernel moved
//!   time between the two), else 0 (the CPU came back and counts anew); where idle stepped back, the
//!   earlier idle becomes 0;
//! * a mode that stepped back is 0 %, and an interval of no ticks is taken as one tick;
//! * the CPU average is one delta from the first to the last reading; the memory average is the mean of
//!   the readings after the first, `%memused` from an integer division; printed rows are clipped at 0,
//!   the average is not.
//!
//! `tests/live_sar.rs` runs the real `sar` on the same readings, digit by digit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::parse::meminfo::MemInfo;
use crate::parse::stat::{CpuTimes, Stat};

/// Shares of the interval in percent, as `sar -u` prints them. They need not add up to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuShares {
    /// `%user`, guest time inside.
    pub user: f64,
    /// `%nice`.
    pub nice: f64,
    /// `%system`: system, irq and softirq.
    pub system: f64,
    /// `%iowait`.
    pub iowait: f64,
    /// `%steal`.
    pub steal: f64,
    /// `%idle`.
    pub idle: f64,
}

impl CpuShares {
    /// CPU used: what is not idle, iowait and steal included.
    pub fn used(&self) -> f64 {
        100.0 - self.idle
    }
}

/// The ticks that every mode gained between two readings, over all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTicks {
    /// user without guest.
    pub user: u64,
    /// nice without guest_nice.
    pub nice: u64,
    /// guest and guest_nice.
    pub guest: u64,
    /// system.
    pub system: u64,
    /// irq.
    pub irq: u64,
    /// softirq.
    pub softirq: u64,
    /// iowait.
    pub iowait: u64,
    /// steal.
    pub steal: u64,
    /// idle.
    pub idle: u64,
    /// The interval sysstat divides by.
    pub interval: u64,
}

impl CpuTicks {
    /// The interval without idle: what "CPU used" stands for, in ticks.
    pub fn used(&self) -> u64 {
        self.interval.saturating_sub(self.idle)
    }
}

/// The values kept for each CPU number.
type Rows = BTreeMap<u32, CpuTimes>;

/// Follows readings of `/proc/stat` and knows the average from the first of them to the last.
#[derive(Clone, Debug, Default)]
pub struct CpuAverage {
    first: Option<Kept>,
    last: Option<Kept>,
    readings: usize,
}

/// One reading as sysstat keeps it: offline CPUs carried over from the reading before.
#[derive(Clone, Debug)]
struct Kept {
    all: CpuTimes,
    rows: Rows,
}

impl CpuAverage {
    /// Takes the next reading. Answers with the shares of the interval since the reading before it.
    pub fn push(&mut self, stat: &Stat) -> Option<CpuShares> {
        let mut kept =
            Kept { all: stat.all, rows: stat.cpus.iter().map(|row| (row.cpu, row.times)).collect() };
        kept.rows.retain(|_, times| total(times) != 0);
        let shares = self.last.as_ref().map(|last| {
            for (&cpu, &times) in &last.rows {
                kept.rows.entry(cpu).or_insert(times);
            }
            shares(&between(last, &kept))
        });
        self.readings += 1;
        if self.first.is_none() {
            self.first = Some(kept.clone());
        }
        self.last = Some(kept);
        shares
    }

    /// The `Average:` line: one delta from the first reading to the last. Nothing with less than two.
    pub fn average(&self) -> Option<CpuShares> {
        self.delta().map(|delta| shares(&delta))
    }

    /// The ticks behind the average, by mode. Nothing with less than two readings.
    pub fn ticks(&self) -> Option<CpuTicks> {
        self.delta().map(|delta| {
            let gained = |mode: fn(&CpuTimes) -> u64| mode(&delta.later).saturating_sub(mode(&delta.earlier));
            let guest_user = gained(|t| t.guest.0);
            let guest_nice = gained(|t| t.guest_nice.0);
            CpuTicks {
                user: gained(|t| t.user.0).saturating_sub(guest_user),
                nice: gained(|t| t.nice.0).saturating_sub(guest_nice),
                guest: guest_user + guest_nice,
                system: gained(|t| t.system.0),
                irq: gained(|t| t.irq.0),
                softirq: gained(|t| t.softirq.0),
                iowait: gained(|t| t.iowait.0),
                steal: gained(|t| t.steal.0),
                idle: gained(|t| t.idle.0),
                interval: delta.interval.max(1),
            }
        })
    }

    fn delta(&self) -> Option<Delta> {
        match (&self.first, &self.last) {
            // A CPU that is offline at the end counts with the ticks it had when it went.
            (Some(first), Some(last)) if self.readings > 1 => Some(between(first, last)),
            _ => None,
        }
    }
}

/// Sums over the CPUs that count in an interval, and the interval itself in ticks.
struct Delta {
    earlier: CpuTimes,
    later: CpuTimes,
    interval: u64,
}

/// The interval between two readings as sysstat forms it. A CPU that is offline has gained nothing.
fn between(earlier: &Kept, later: &Kept) -> Delta {
    if later.rows.is_empty() && earlier.rows.is_empty() {
        let mut before = earlier.all;
        let interval = mended_interval(&mut before, &later.all);
        return Delta { earlier: before, later: later.all, interval };
    }
    let mut delta = Delta { earlier: CpuTimes::default(), later: CpuTimes::default(), interval: 0 };
    for (cpu, now) in &later.rows {
        let Some(before) = earlier.rows.get(cpu) else { continue };
        let mut before = *before;
        delta.interval = delta.interval.wrapping_add(mended_interval(&mut before, now));
        add(&mut delta.earlier, &before);
        add(&mut delta.later, now);
    }
    delta
}

/// The ticks of one CPU between two readings; mends the earlier one where a counter started anew.
fn mended_interval(before: &mut CpuTimes, now: &CpuTimes) -> u64 {
    /// An earlier value this close to the end of the range wrapped around rather than started anew.
    const WRAPPED: u64 = u64::MAX - 0x7ffff;
    let shift = |before: u64, now: u64| before.saturating_sub(now);
    let shift =
        shift(before.user.0.wrapping_sub(before.guest.0), now.user.0.wrapping_sub(now.guest.0)).wrapping_add(
            shift(before.nice.0.wrapping_sub(before.guest_nice.0), now.nice.0.wrapping_sub(now.guest_nice.0)),
        );
    if now.iowait < before.iowait && before.iowait.0 < WRAPPED {
        before.iowait =
            if now.idle > before.idle || before.idle.0 >= WRAPPED { now.iowait } else { crate::Ticks::ZERO };
    }
    if now.idle < before.idle && before.idle.0 < WRAPPED {
        before.idle = crate::Ticks::ZERO;
    }
    total(now).wrapping_sub(total(before)).wrapping_add(shift)
}

/// All ticks of a CPU; guest time is inside user and nice.
fn total(t: &CpuTimes) -> u64 {
    [t.user, t.nice, t.system, t.idle, t.iowait, t.irq, t.softirq, t.steal]
        .iter()
        .fold(0, |sum, ticks| sum.wrapping_add(ticks.0))
}

/// Sums wrap around as the counters do: only differences of them mean anything.
fn add(sum: &mut CpuTimes, t: &CpuTimes) {
    let pairs = [
        (&mut sum.user, t.user),
        (&mut sum.nice, t.nice),
        (&mut sum.system, t.system),
        (&mut sum.idle, t.idle),
        (&mut sum.iowait, t.iowait),
        (&mut sum.irq, t.irq),
        (&mut sum.softirq, t.softirq),
        (&mut sum.steal, t.steal),
        (&mut sum.guest, t.guest),
        (&mut sum.guest_nice, t.guest_nice),
    ];
    for (sum, ticks) in pairs {
        sum.0 = sum.0.wrapping_add(ticks.0);
    }
}

fn shares(delta: &Delta) -> CpuShares {
    let interval = delta.interval.max(1) as f64;
    let share = |mode: fn(&CpuTimes) -> u64| {
        let (before, now) = (mode(&delta.earlier), mode(&delta.later));
        if now < before { 0.0 } else { (now - before) as f64 / interval * 100.0 }
    };
    CpuShares {
        user: share(|t| t.user.0),
        nice: share(|t| t.nice.0),
        system: share(|t| t.system.0.wrapping_add(t.irq.0).wrapping_add(t.softirq.0)),
        iowait: share(|t| t.iowait.0),
        steal: share(|t| t.steal.0),
        idle: share(|t| t.idle.0),
    }
}

/// Used memory by sar's formula (sysstat 11.7.4 to 12.7.7), in KiB, with its sign:
/// MemTotal − MemFree − Buffers − Cached − Slab.
pub fn memory_used_kib(m: &MemInfo) -> i64 {
    m.total.kib() as i64 - unused_kib(m) as i64
}

/// Used memory by the newer formula (sysstat ≥ 12.7.8, `free` of procps ≥ 4.0.1), in KiB:
/// MemTotal − MemAvailable; MemFree stands in where the kernel does not estimate what is available.
pub fn memory_unavailable_kib(m: &MemInfo) -> i64 {
    m.total.kib() as i64 - m.available.unwrap_or(m.free).kib() as i64
}

fn unused_kib(m: &MemInfo) -> u64 {
    m.free.kib() + m.buffers.kib() + m.cached.kib() + m.slab.kib()
}

/// The `Average:` line of `sar -r`. KiB but for the two shares, which are percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemoryLine {
    /// `kbmemfree`
    pub free: f64,
    /// `kbavail`
    pub available: f64,
    /// `kbmemused`, not clipped: negative where more is cached than there is.
    pub used: f64,
    /// `%memused`
    pub used_percent: f64,
    /// `kbbuffers`
    pub buffers: f64,
    /// `kbcached`
    pub cached: f64,
    /// `kbcommit`
    pub committed: f64,
    /// `%commit`, of RAM and swap.
    pub committed_percent: f64,
    /// `kbactive`
    pub active: f64,
    /// `kbinact`
    pub inactive: f64,
    /// `kbdirty`
    pub dirty: f64,
}

/// Follows readings of `/proc/meminfo`; the first is only the start and is not pushed.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryAverage {
    count: u64,
    total: u64,
    swap: u64,
    free: u64,
    available: u64,
    unused: u64,
    unavailable: i64,
    buffers: u64,
    cached: u64,
    committed: u64,
    active: u64,
    inactive: u64,
    dirty: u64,
}

impl MemoryAverage {
    /// Takes the next reading.
    pub fn push(&mut self, m: &MemInfo) {
        self.count += 1;
        self.total = m.total.kib();
        self.swap = m.swap_total.kib();
        self.free += m.free.kib();
        self.available += m.available.unwrap_or_default().kib();
        self.unused += unused_kib(m);
        self.unavailable += memory_unavailable_kib(m);
        self.buffers += m.buffers.kib();
        self.cached += m.cached.kib();
        self.committed += m.committed_as.kib();
        self.active += m.active.kib();
        self.inactive += m.inactive.kib();
        self.dirty += m.dirty.kib();
    }

    /// The average over the readings pushed; nothing before the first.
    pub fn average(&self) -> Option<MemoryLine> {
        let n = (self.count > 0).then_some(self.count as f64)?;
        let mean = |sum: u64| sum as f64 / n;
        let whole = self.total as f64;
        let with_swap = (self.total + self.swap) as f64;
        let percent = |part: f64, of: f64| if of > 0.0 { part / of * 100.0 } else { 0.0 };
        Some(MemoryLine {
            free: mean(self.free),
            available: mean(self.available),
            used: whole - mean(self.unused),
            used_percent: percent(whole - (self.unused / self.count) as f64, whole),
            buffers: mean(self.buffers),
            cached: mean(self.cached),
            committed: mean(self.committed),
            committed_percent: percent((self.committed / self.count) as f64, with_swap),
            active: mean(self.active),
            inactive: mean(self.inactive),
            dirty: mean(self.dirty),
        })
    }

    /// Mean of MemTotal − MemAvailable over the readings pushed, in KiB; nothing before the first.
    pub fn unavailable_kib(&self) -> Option<f64> {
        (self.count > 0).then(|| self.unavailable as f64 / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    fn stat(rows: &str) -> Stat {
        let text = format!("cpu  0 0 0 0 0 0 0 0 0 0\n{rows}\nctxt 0\n");
        crate::parse::stat::parse(text.as_bytes()).unwrap()
    }

    fn average(steps: &[&str]) -> CpuShares {
        let mut average = CpuAverage::default();
        for step in steps {
            average.push(&stat(step));
        }
        average.average().unwrap()
    }

    #[test]
    fn all_is_the_sum_of_the_rows() {
        let shares = average(&[
            "cpu0 100 0 0 100 0 0 0 0 0 0\ncpu1 0 0 0 200 0 0 0 0 0 0",
            "cpu0 150 0 10 140 0 0 0 0 0 0\ncpu1 0 0 0 300 0 0 0 0 0 0",
        ]);
        assert_eq!((shares.user, shares.system, shares.idle), (25.0, 5.0, 70.0));
    }

    #[test]
    fn the_average_is_one_delta_over_the_whole_run() {
        let shares = average(&[
            "cpu0 0 0 0 100 0 0 0 0 0 0",
            "cpu0 90 0 0 110 0 0 0 0 0 0",
            "cpu0 90 0 0 410 0 0 0 0 0 0",
        ]);
        assert_eq!(shares.used(), 90.0 / 400.0 * 100.0);
    }

    #[test]
    fn a_cpu_that_goes_offline_keeps_its_ticks_in_the_average_but_not_in_the_interval() {
        let mut cpu = CpuAverage::default();
        cpu.push(&stat("cpu0 0 0 0 100 0 0 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0 0 0"));
        cpu.push(&stat("cpu0 0 0 0 200 0 0 0 0 0 0\ncpu1 50 0 0 150 0 0 0 0 0 0"));
        let interval = cpu.push(&stat("cpu0 0 0 0 300 0 0 0 0 0 0")).unwrap();
        assert_eq!(interval.used(), 0.0, "only cpu0 counts in the interval");
        assert!(cpu.average().unwrap().used() > 0.0);
    }

    #[test]
    fn a_cpu_that_comes_back_starts_its_idle_time_anew() {
        let shares = average(&["cpu0 0 0 0 1000 100 0 0 0 0 0", "cpu0 10 0 0 60 30 0 0 0 0 0"]);
        assert_eq!(shares.user, 10.0);
        assert_eq!(shares.iowait, 30.0);
        assert_eq!(shares.idle, 60.0);
    }

    #[test]
    fn iowait_that_the_kernel_took_back_is_not_a_cpu_that_came_back() {
        let shares = average(&["cpu0 0 0 0 100 50 0 0 0 0 0", "cpu0 0 0 0 200 40 0 0 0 0 0"]);
        assert_eq!((shares.iowait, shares.idle), (0.0, 100.0));
    }

    #[test]
    fn guest_time_beyond_user_time_widens_the_interval() {
        let shares = average(&["cpu0 100 0 0 100 0 0 0 0 0 0", "cpu0 110 0 0 190 0 0 0 0 20 0"]);
        assert_eq!(shares.user, 10.0 / 110.0 * 100.0);
    }

    #[test]
    fn one_reading_has_no_average() {
        let mut cpu = CpuAverage::default();
        assert_eq!(cpu.push(&stat("cpu0 0 0 0 100 0 0 0 0 0 0")), None);
        assert_eq!(cpu.ticks(), None);
    }

    fn memory(total: u64, free: u64, cached: u64) -> MemInfo {
        MemInfo {
            total: Bytes::from_kib(total),
            free: Bytes::from_kib(free),
            cached: Bytes::from_kib(cached),
            ..MemInfo::default()
        }
    }

    #[test]
    fn the_memory_average_divides_integers_for_the_share_but_not_for_the_size() {
        let mut average = MemoryAverage::default();
        average.push(&memory(1000, 500, 0));
        average.push(&memory(1000, 501, 0));
        let line = average.average().unwrap();
        assert_eq!(line.used, 499.5);
        assert_eq!(line.used_percent, 50.0);
    }

    #[test]
    fn used_memory_may_be_negative() {
        let mut average = MemoryAverage::default();
        average.push(&memory(1000, 600, 500));
        assert_eq!(average.average().unwrap().used, -100.0);
        assert_eq!(memory_used_kib(&memory(1000, 600, 500)), -100);
    }
}
