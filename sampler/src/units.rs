//! Units as types: bytes, pages, clock ticks, pids.
//!
//! `/proc` mixes four units without naming them. `meminfo`, `status` and `smaps` print "kB" and mean
//! KiB (`Documentation/filesystems/proc.rst`), `statm` and `zoneinfo` count pages, `stat` counts clock
//! ticks of `sysconf(_SC_CLK_TCK)`, and `schedstat` nanoseconds. A number leaves a parser only in its type.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// An amount of memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Nothing.
    pub const ZERO: Bytes = Bytes(0);

    /// From the kernel's "kB", which is 1024 bytes.
    pub const fn from_kib(kib: u64) -> Bytes {
        Bytes(kib.saturating_mul(1024))
    }

    /// From a number of pages of `page` bytes each.
    pub const fn from_pages(pages: Pages, page: Bytes) -> Bytes {
        Bytes(pages.0.saturating_mul(page.0))
    }

    /// Whole KiB, rounded down.
    pub const fn kib(self) -> u64 {
        self.0 / 1024
    }

    /// MiB, for people.
    pub fn mib(self) -> f64 {
        self.0 as f64 / (1024.0 * 1024.0)
    }

    /// `self − other`, or nothing where `other` is larger.
    pub const fn saturating_sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }

    /// `self − other` with its sign.
    pub const fn minus(self, other: Bytes) -> BytesDelta {
        BytesDelta(self.0.wrapping_sub(other.0) as i64)
    }

    /// As a difference from nothing.
    pub const fn signed(self) -> BytesDelta {
        BytesDelta(self.0 as i64)
    }
}

impl std::ops::Add for Bytes {
    type Output = Bytes;
    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(iter: I) -> Bytes {
        iter.fold(Bytes::ZERO, |a, b| a + b)
    }
}

/// A difference of two amounts of memory, in bytes. May be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BytesDelta(pub i64);

impl BytesDelta {
    /// No difference.
    pub const ZERO: BytesDelta = BytesDelta(0);

    /// From the kernel's "kB" with a sign.
    pub const fn from_kib(kib: i64) -> BytesDelta {
        BytesDelta(kib.saturating_mul(1024))
    }

    /// KiB, rounded toward zero.
    pub const fn kib(self) -> i64 {
        self.0 / 1024
    }

    /// MiB, for people.
    pub fn mib(self) -> f64 {
        self.0 as f64 / (1024.0 * 1024.0)
    }
}

impl std::ops::Add for BytesDelta {
    type Output = BytesDelta;
    fn add(self, other: BytesDelta) -> BytesDelta {
        BytesDelta(self.0.saturating_add(other.0))
    }
}

impl std::ops::AddAssign for BytesDelta {
    fn add_assign(&mut self, other: BytesDelta) {
        *self = *self + other;
    }
}

impl std::ops::Sub for BytesDelta {
    type Output = BytesDelta;
    fn sub(self, other: BytesDelta) -> BytesDelta {
        BytesDelta(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Neg for BytesDelta {
    type Output = BytesDelta;
    fn neg(self) -> BytesDelta {
        BytesDelta(self.0.saturating_neg())
    }
}

impl Sum for BytesDelta {
    fn sum<I: Iterator<Item = BytesDelta>>(iter: I) -> BytesDelta {
        iter.fold(BytesDelta::ZERO, |a, b| a + b)
    }
}

/// A number of memory pages. Becomes [`Bytes`] only with the page size of the machine that counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pages(pub u64);

/// A total of clock ticks (`USER_HZ`), since boot or since a process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(pub u64);

impl Ticks {
    /// None.
    pub const ZERO: Ticks = Ticks(0);

    /// What was counted since `earlier`; absent where the total stepped back.
    pub const fn since(self, earlier: Ticks) -> Option<Ticks> {
        match self.0.checked_sub(earlier.0) {
            Some(ticks) => Some(Ticks(ticks)),
            None => None,
        }
    }
}

impl std::ops::Add for Ticks {
    type Output = Ticks;
    fn add(self, other: Ticks) -> Ticks {
        Ticks(self.0.saturating_add(other.0))
    }
}

impl std::ops::AddAssign for Ticks {
    fn add_assign(&mut self, other: Ticks) {
        *self = *self + other;
    }
}

impl Sum for Ticks {
    fn sum<I: Iterator<Item = Ticks>>(iter: I) -> Ticks {
        iter.fold(Ticks::ZERO, |a, b| a + b)
    }
}

/// A total of nanoseconds, as `schedstat` and the cgroup files count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub u64);

/// A process number: reused by the kernel, so never an identity by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pid(pub u32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When a process started, in clock ticks after boot: field 22 of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StartTicks(pub u64);

/// What is needed to read a machine's counters: how long a tick is and how large a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Ticks a second (`sysconf(_SC_CLK_TCK)`, 100 on every Linux architecture but alpha).
    pub ticks_per_second: u64,
    /// Size of a page (`sysconf(_SC_PAGESIZE)`).
    pub page_size: Bytes,
}

impl Clock {
    /// The clock of the machine this program runs on.
    pub fn of_this_machine() -> Clock {
        Clock {
            ticks_per_second: rustix::param::clock_ticks_per_second(),
            page_size: Bytes(rustix::param::page_size() as u64),
        }
    }

    /// Seconds that `ticks` stand for.
    pub fn seconds(self, ticks: Ticks) -> f64 {
        ticks.0 as f64 / self.ticks_per_second as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_kb_is_1024_bytes() {
        assert_eq!(Bytes::from_kib(3), Bytes(3072));
        assert_eq!(Bytes(3072).kib(), 3);
    }

    #[test]
    fn a_difference_keeps_its_sign() {
        assert_eq!(Bytes::from_kib(2).minus(Bytes::from_kib(5)), BytesDelta::from_kib(-3));
    }

    #[test]
    fn a_total_that_stepped_back_has_no_difference() {
        assert_eq!(Ticks(5).since(Ticks(7)), None);
        assert_eq!(Ticks(7).since(Ticks(5)), Some(Ticks(2)));
    }
}
