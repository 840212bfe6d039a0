//! Whether what is reserved for a VM will hold.
//!
//! The kernel kills in a container when its memory reaches the limit and nothing can be reclaimed: what counts then is
//! the working set (usage − inactive_file, `cgroup v2: memory.max`, `v1: memory.limit_in_bytes`), the currency of the
//! kubelet. Without a limit nothing is killed for itself, but the kubelet evicts first what is furthest above its
//! request (kubernetes.io, "Node-pressure Eviction"). A guest that has not touched all of its RAM will: Linux fills it
//! with page cache within days. Huge pages are accounted apart and never in either.

use edgebench_sampler::{Bytes, BytesDelta};
use serde::Serialize;

/// Below this share of the limit there is no room for the noise of a day.
const TIGHT: f64 = 0.05;
/// Below this share of the limit the next allocation may be the last.
const GONE: f64 = 0.01;

/// How much room a VM's container `compute` has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Headroom {
    /// What its working set is held against.
    pub against: Option<Bound>,
    /// What is left now.
    pub now: Option<BytesDelta>,
    /// What is left once the guest has touched all of its RAM.
    pub touched: Option<BytesDelta>,
    /// In a word.
    pub verdict: Option<HeadroomVerdict>,
}

/// A bound of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "bytes")]
pub enum Bound {
    /// Beyond it the kernel kills.
    Limit(Bytes),
    /// Beyond it the kubelet evicts early.
    Request(Bytes),
}

impl Bound {
    /// How much.
    pub fn bytes(self) -> Bytes {
        match self {
            Bound::Limit(bytes) | Bound::Request(bytes) => bytes,
        }
    }
}

/// Whether what is reserved will hold: the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadroomVerdict {
    /// It is at its limit, or will be when the guest has touched its RAM.
    TooSmall,
    /// There is little left.
    Tight,
    /// There will be little left when the guest has touched its RAM.
    TightLater,
    /// Nothing kills it for itself.
    NoLimit,
    /// There is room.
    Enough,
}

impl HeadroomVerdict {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            HeadroomVerdict::TooSmall => "TOO SMALL",
            HeadroomVerdict::Tight => "tight",
            HeadroomVerdict::TightLater => "tight later",
            HeadroomVerdict::NoLimit => "no limit",
            HeadroomVerdict::Enough => "enough",
        }
    }
}

/// What it follows from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Input {
    /// usage − inactive_file of `compute`.
    pub(super) working_set: Option<Bytes>,
    /// Its limit, if it has one.
    pub(super) limit: Option<Bytes>,
    /// Its request, if it is known.
    pub(super) request: Option<Bytes>,
    /// RAM that the guest was given.
    pub(super) guest_size: Option<Bytes>,
    /// How much of it the node holds.
    pub(super) guest_resident: Option<Bytes>,
    /// Whether it is in huge pages.
    pub(super) huge: bool,
}

/// The room; nothing where the working set is not known.
pub(super) fn headroom(input: &Input) -> Headroom {
    let Some(working_set) = input.working_set else { return Headroom::default() };
    let against = input.limit.map(Bound::Limit).or(input.request.map(Bound::Request));
    let untouched = match input.huge {
        true => Some(Bytes::ZERO),
        false => input.guest_size.zip(input.guest_resident).map(|(size, held)| size.saturating_sub(held)),
    };
    let now = against.map(|bound| bound.bytes().minus(working_set));
    let touched = now.zip(untouched).map(|(now, untouched)| now - untouched.signed());
    let verdict = match against {
        Some(Bound::Limit(limit)) => now.map(|now| verdict(limit, now, touched)),
        _ => Some(HeadroomVerdict::NoLimit),
    };
    Headroom { against, now, touched, verdict }
}

fn verdict(limit: Bytes, now: BytesDelta, touched: Option<BytesDelta>) -> HeadroomVerdict {
    let share = |left: BytesDelta| left.0 as f64 / limit.0.max(1) as f64;
    let later = touched.unwrap_or(now);
    if share(now) < GONE || later.0 < 0 {
        HeadroomVerdict::TooSmall
    } else if share(now) < TIGHT {
        HeadroomVerdict::Tight
    } else if share(later) < TIGHT {
        HeadroomVerdict::TightLater
    } else {
        HeadroomVerdict::Enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1048576.0;

    fn mib(mib: f64) -> Option<Bytes> {
        Some(Bytes((mib * MIB) as u64))
    }

    fn room(
        working_set: f64,
        limit: Option<f64>,
        guest: f64,
        resident: f64,
    ) -> (Option<i64>, Option<i64>, &'static str) {
        let input = Input {
            working_set: mib(working_set),
            limit: limit.and_then(mib),
            request: mib(1204.0),
            guest_size: mib(guest),
            guest_resident: mib(resident),
            huge: false,
        };
        let Headroom { now, touched, verdict, .. } = headroom(&input);
        let rounded = |bytes: BytesDelta| (bytes.0 as f64 / MIB).round() as i64;
        (now.map(rounded), touched.map(rounded), verdict.unwrap().name())
    }

    #[test]
    fn at_its_limit() {
        assert_eq!(room(2349.1, Some(2356.0), 2048.0, 2047.1), (Some(7), Some(6), "TOO SMALL"));
    }

    #[test]
    fn little_left_now_or_later() {
        assert_eq!(room(950.0, Some(1000.0), 512.0, 512.0), (Some(50), Some(50), "enough"));
        assert_eq!(room(951.0, Some(1000.0), 512.0, 512.0), (Some(49), Some(49), "tight"));
        assert_eq!(room(2433.0, Some(4380.0), 4096.0, 2210.4), (Some(1947), Some(61), "tight later"));
    }

    #[test]
    fn a_guest_that_will_be_killed_when_it_has_filled_its_ram() {
        assert_eq!(room(600.0, Some(1000.0), 1024.0, 500.0), (Some(400), Some(-124), "TOO SMALL"));
    }

    #[test]
    fn without_a_limit_the_request_counts_and_nothing_kills() {
        assert_eq!(room(1229.4, None, 1024.0, 1022.0), (Some(-25), Some(-27), "no limit"));
    }

    #[test]
    fn huge_pages_are_in_no_limit() {
        let input = Input {
            working_set: mib(200.0),
            limit: mib(300.0),
            guest_size: mib(4096.0),
            guest_resident: mib(0.0),
            huge: true,
            ..Input::default()
        };
        assert_eq!(headroom(&input).verdict, Some(HeadroomVerdict::Enough));
    }

    #[test]
    fn what_is_not_known_is_no_verdict() {
        assert_eq!(headroom(&Input::default()), Headroom::default());
        let unlimited = Input { working_set: mib(1.0), ..Input::default() };
        assert_eq!(headroom(&unlimited).now, None, "neither limit nor request");
    }

    #[test]
    fn a_guest_of_unknown_size_is_judged_by_what_is_now() {
        let input = Input { working_set: mib(100.0), limit: mib(1000.0), ..Input::default() };
        assert_eq!(
            (headroom(&input).touched, headroom(&input).verdict),
            (None, Some(HeadroomVerdict::Enough))
        );
    }
}
