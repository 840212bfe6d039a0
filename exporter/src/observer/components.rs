//! The rows of the component families.

use edgebench_sampler::{Bytes, Clock, Nanos, StartTicks};

use super::classes::{ClassRow, EXITED};
use super::inventory::Inventory;
use crate::proportional::Readings;
use crate::view::{ComponentFigures, ComponentNow, Proportional};

/// What could be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Can {
    /// Run queues and context switches.
    pub(super) threads: bool,
    /// Storage traffic and open files.
    pub(super) io: bool,
}

/// How to tell times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    /// CLOCK_MONOTONIC.
    pub(super) now: Nanos,
    /// When the machine booted, in Unix time.
    pub(super) boot: f64,
    /// Length of a tick.
    pub(super) clock: Clock,
}

impl Time {
    fn unix(&self, start: StartTicks) -> f64 {
        self.boot + start.0 as f64 / self.clock.ticks_per_second as f64
    }

    /// Seconds since `then`.
    pub(super) fn age(&self, then: Nanos) -> f64 {
        self.now.0.saturating_sub(then.0) as f64 / 1e9
    }
}

/// Sums over the kept processes of a component; absent as soon as one part is.
#[derive(Clone, Debug, Default)]
struct Sums {
    processes: u64,
    open_fds: Option<u64>,
    traffic: bool,
    pss: Option<Bytes>,
    pss_anonymous: Option<Bytes>,
    pss_at: Nanos,
}

/// All rows, in the order of every table.
pub(super) fn figures(
    inventory: &Inventory,
    pss: Option<&Readings>,
    can: Can,
    time: &Time,
    figures: &mut Vec<ComponentFigures>,
) {
    let age = inventory.oldest_reading().map_or(0.0, |at| time.age(at));
    let mut sums = sums(inventory, pss, time);
    figures.extend(inventory.classes.in_order().iter().map(|&index| {
        let row = &inventory.classes[index];
        let sums = sums.get_mut(index.position()).map(std::mem::take).unwrap_or_default();
        let now = (row.component != EXITED).then(|| now(row, sums, can, time, age));
        ComponentFigures { component: row.component, stack: row.stack, cpu: row.totals.cpu, now }
    }));
}

fn now(row: &ClassRow, sums: Sums, can: Can, time: &Time, age: f64) -> ComponentNow {
    let kept = row.stack.is_tracked() || row.stack == edgebench_sampler::component::Stack::Edgebench;
    let sums = Some(sums).filter(|sums| kept && sums.processes == row.processes);
    let totals = &row.totals;
    let traffic = can.io && sums.as_ref().is_some_and(|sums| sums.traffic);
    ComponentNow {
        processes: row.processes,
        threads: row.held.threads,
        open_fds: sums.as_ref().filter(|_| can.io).and_then(|sums| sums.open_fds),
        oldest_start: row.oldest.filter(|_| row.processes > 0).map(|start| time.unix(start)),
        resident: row.held.resident,
        anonymous: row.held.anonymous,
        swap: row.held.swap,
        page_tables: row.held.page_tables,
        proportional: sums.as_ref().and_then(|sums| {
            let age = time.age(sums.pss_at);
            Some(Proportional { pss: sums.pss?, anonymous: sums.pss_anonymous, age })
        }),
        age: if sums.is_some() { 0.0 } else { age },
        major_faults: totals.major_faults,
        run_queue_wait: (can.threads && sums.is_some()).then_some(totals.run_queue_wait),
        context_switches: (can.threads && sums.is_some()).then_some(totals.context_switches),
        read: traffic.then_some(totals.read),
        written: traffic.then_some(totals.written),
    }
}

/// The sums of all components, by their position.
fn sums(inventory: &Inventory, pss: Option<&Readings>, time: &Time) -> Vec<Sums> {
    let none = Sums {
        processes: 0,
        open_fds: Some(0),
        traffic: true,
        pss: pss.map(|_| Bytes::ZERO),
        pss_anonymous: pss.map(|_| Bytes::ZERO),
        pss_at: time.now,
    };
    let mut all = vec![none; inventory.classes.rows().len()];
    for (id, class, row, kept) in inventory.all_kept() {
        let Some(sums) = all.get_mut(class.position()) else { continue };
        sums.processes += 1;
        sums.open_fds = sums.open_fds.zip(kept.open_fds).map(|(sum, count)| sum + count);
        sums.traffic &= kept.traffic.is_some();
        // A zombie and a thread of the kernel have no memory.
        if row.held.resident == Bytes::ZERO {
            continue;
        }
        let read = pss.and_then(|pss| pss.processes.get(&id));
        sums.pss = sums.pss.zip(read).map(|(sum, read)| sum + read.pss);
        let anonymous = read.and_then(|read| read.anonymous);
        sums.pss_anonymous = sums.pss_anonymous.zip(anonymous).map(|(sum, anonymous)| sum + anonymous);
        sums.pss_at = Nanos(sums.pss_at.0.min(read.map_or(u64::MAX, |read| read.at.0)));
    }
    all
}
