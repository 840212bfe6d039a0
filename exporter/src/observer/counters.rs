//! Totals that never decrease, taken from counters of processes that come and go.
//!
//! The kernel scales utime and stime to the exact run time of a process (`kernel/sched/cputime.c`,
//! `cputime_adjust`), but counts guest time by ticks: guest can overtake user time for a while, and user time
//! without it can go back. What is new is therefore how far user time as a whole went beyond its highest value; of
//! that, guest time takes what it is ahead of what was counted as guest.

use edgebench_sampler::process::ProcessCpu;
use edgebench_sampler::{Bytes, Clock, Nanos, Ticks};

use crate::view::CpuByMode;

/// CPU time of one process by mode, without overlap, as far as it was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuTicks {
    /// User time without guest time.
    pub(super) user: Ticks,
    /// System time.
    pub(super) system: Ticks,
    /// Guest time, at most the user time.
    pub(super) guest: Ticks,
}

impl CpuTicks {
    /// What `stat` says.
    pub(super) fn of(cpu: &ProcessCpu) -> CpuTicks {
        let guest = cpu.guest.min(cpu.user);
        CpuTicks { user: Ticks(cpu.user.0 - guest.0), system: cpu.system, guest }
    }

    /// All modes together.
    pub(super) fn total(&self) -> Ticks {
        self.user + self.system + self.guest
    }

    /// Goes on to `now`, and says by how much: never by more than user and system time grew.
    pub(super) fn advance(&mut self, now: &CpuTicks) -> CpuTicks {
        let new = |then: Ticks, now: Ticks| now.since(then).unwrap_or_default();
        let user = new(self.user + self.guest, now.user + now.guest);
        let guest = new(self.guest, now.guest).min(user);
        let used = CpuTicks { user: Ticks(user.0 - guest.0), system: new(self.system, now.system), guest };
        self.user += used.user;
        self.system += used.system;
        self.guest += used.guest;
        used
    }

    /// In nanoseconds.
    pub(super) fn nanos(&self, clock: Clock) -> CpuByMode {
        let nanos = |ticks| nanos(ticks, clock);
        CpuByMode { user: nanos(self.user), system: nanos(self.system), guest: nanos(self.guest) }
    }
}

/// Nanoseconds that `ticks` stand for.
pub(super) fn nanos(ticks: Ticks, clock: Clock) -> Nanos {
    let tick = 1_000_000_000 / clock.ticks_per_second.max(1);
    Nanos(ticks.0.saturating_mul(tick))
}

/// Totals of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// CPU time.
    pub(super) cpu: CpuByMode,
    /// Major page faults.
    pub(super) major_faults: u64,
    /// Time in run queues.
    pub(super) run_queue_wait: Nanos,
    /// Times that a thread was put on a CPU.
    pub(super) context_switches: u64,
    /// Fetched from storage.
    pub(super) read: Bytes,
    /// Sent to storage.
    pub(super) written: Bytes,
}

impl Totals {
    /// Takes in CPU time.
    pub(super) fn add_cpu(&mut self, cpu: CpuByMode) {
        self.cpu.user = add(self.cpu.user, cpu.user);
        self.cpu.system = add(self.cpu.system, cpu.system);
        self.cpu.guest = add(self.cpu.guest, cpu.guest);
    }
}

/// The sum of two amounts of time.
pub(super) fn add(a: Nanos, b: Nanos) -> Nanos {
    Nanos(a.0.saturating_add(b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(user: u64, guest: u64) -> CpuTicks {
        CpuTicks::of(&ProcessCpu { user: Ticks(user), guest: Ticks(guest), ..ProcessCpu::default() })
    }

    #[test]
    fn guest_time_is_taken_out_of_user_time() {
        assert_eq!(ticks(50, 30), CpuTicks { user: Ticks(20), system: Ticks(0), guest: Ticks(30) });
        assert_eq!(ticks(50, 60), CpuTicks { user: Ticks(0), system: Ticks(0), guest: Ticks(50) });
    }

    #[test]
    fn the_modes_never_decrease_and_their_sum_is_the_kernels() {
        let mut seen = ticks(50, 30);
        let mut sum = Ticks(0);
        for (user, guest) in [(50, 31), (51, 31), (51, 32), (52, 32), (52, 33)] {
            sum += seen.advance(&ticks(user, guest)).total();
        }
        assert_eq!(sum, Ticks(2), "user time went from 50 to 52");
        assert_eq!(seen, CpuTicks { user: Ticks(20), system: Ticks(0), guest: Ticks(32) });
    }

    #[test]
    fn guest_time_that_lags_catches_up() {
        let mut seen = ticks(0, 0);
        assert_eq!(seen.advance(&ticks(100, 0)), CpuTicks { user: Ticks(100), ..CpuTicks::default() });
        assert_eq!(seen.advance(&ticks(150, 150)), CpuTicks { guest: Ticks(50), ..CpuTicks::default() });
        assert_eq!(seen.advance(&ticks(250, 160)), CpuTicks { guest: Ticks(100), ..CpuTicks::default() });
        assert_eq!(seen.advance(&ticks(250, 160)), CpuTicks::default());
    }
}
