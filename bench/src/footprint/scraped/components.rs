//! Components as rows: the exporter has them summed already.

use edgebench_sampler::component::{self, Component, KERNEL_THREADS, OTHER, OncePer, Stack};
use edgebench_sampler::interval::CpuUse;
use edgebench_sampler::{Bytes, Nanos, Ticks};

use crate::footprint::components::{ComponentRow, Proportion, RowKey, percent};
use crate::remote::names;
use crate::remote::scrape::{ComponentScrape, CpuByMode, Workload, ticks};

/// Figures older than this are not of the last reading: an exporter may take some milliseconds to read all.
const AGED: f64 = 0.5;
/// An exporter reads what is neither KubeVirt's nor a VM's in turn, a few processes at each reading. Of a row
/// that is `age` old, the CPU time between two scrapes is off by what its processes used in that time: it is
/// told only where that is so small a part of the run.
const AGE_OF_RUN: f64 = 0.1;

/// A component of a stack over the run.
pub(super) struct Row<'a> {
    /// At the end.
    pub(super) scrape: &'a ComponentScrape,
    pub(super) key: RowKey,
    /// Its row of the component table, where that has one.
    pub(super) component: Option<&'static Component>,
    /// CPU time over the run, guest inside user.
    pub(super) used: CpuUse,
    /// Whether it is that of this run.
    pub(super) is_of_run: bool,
}

impl Row<'_> {
    pub(super) fn is_of_kernel(&self) -> bool {
        self.component == Some(&KERNEL_THREADS)
    }

    /// Processes that no reading saw.
    pub(super) fn is_ended(&self) -> bool {
        self.scrape.component == names::EXITED
    }

    pub(super) fn is_emulator(&self) -> bool {
        self.key.stack == Stack::VmPod && self.scrape.component == names::EMULATOR
    }

    /// Whether the exporter had not read it at its last reading.
    pub(super) fn is_aged(&self) -> bool {
        self.scrape.age.is_some_and(|age| age > AGED)
    }
}

/// The rows that have a process at the end, or used CPU time during the run, in the order of tables.
pub(super) fn rows<'a>(before: &Workload, after: &'a Workload, run_seconds: f64) -> Vec<Row<'a>> {
    let mut rows: Vec<_> = after
        .components
        .iter()
        .map(|scrape| {
            let earlier = before.component(&scrape.component, scrape.stack);
            let component = match scrape.component.as_str() {
                names::KERNEL_THREADS => Some(&KERNEL_THREADS),
                name => component::by_name(name),
            };
            // A name that no row knows stands with the unknown ones, what is no component behind them.
            let is_ended = scrape.component == names::EXITED;
            let order = component::order(component.unwrap_or(&OTHER)) + usize::from(is_ended);
            let name = component.map_or(scrape.component.as_str(), |component| component.name);
            let key = RowKey { order, name: name.to_owned(), stack: scrape.stack };
            let ages = earlier.and_then(|row| row.age).into_iter().chain(scrape.age);
            let age = ages.fold(0.0, f64::max);
            // A component that was not there at the start was first seen since.
            let used = used(earlier.map(|row| row.cpu).unwrap_or_default(), scrape.cpu);
            let is_of_run = age <= AGED || age <= run_seconds * AGE_OF_RUN;
            Row { scrape, key, component, used, is_of_run }
        })
        .filter(|row| row.scrape.processes.unwrap_or_default() > 0 || row.used.total() != Ticks::ZERO)
        .collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows
}

fn used(then: CpuByMode, now: CpuByMode) -> CpuUse {
    let guest = gained(then.guest, now.guest);
    CpuUse { user: gained(then.user, now.user) + guest, system: gained(then.system, now.system), guest }
}

/// Ticks between two totals. They were checked not to step back.
pub(super) fn gained(then: Nanos, now: Nanos) -> Ticks {
    ticks(now).since(ticks(then)).unwrap_or_default()
}

/// The rows as the process table shows them.
pub(super) fn table(rows: &[Row<'_>], memory_total: Bytes, node_ticks: u64) -> Vec<ComponentRow> {
    let row = |row: &Row<'_>| {
        let resident = row.scrape.resident.unwrap_or_default();
        ComponentRow {
            component: row.key.name.clone(),
            stack: row.key.stack,
            known: row.component.is_some_and(|component| *component != OTHER),
            kernel_threads: row.is_of_kernel(),
            once_per: row.key.stack.is_tracked().then_some(match row.key.stack {
                Stack::VmPod => OncePer::Vm,
                _ => row.component.map_or(OncePer::Cluster, |component| component.once_per),
            }),
            processes: row.scrape.processes.unwrap_or_default() as usize,
            threads: row.scrape.threads.unwrap_or_default(),
            resident,
            resident_percent: percent(resident.0, memory_total.0),
            proportional: row.scrape.proportional.map_or(Proportion::Unknown, Proportion::Exact),
            anonymous: row.scrape.anonymous.unwrap_or_default(),
            swap: row.scrape.swap.unwrap_or_default(),
            cpu_percent: row.is_of_run.then(|| percent(row.used.total().0, node_ticks)),
            cpu: row.used,
            age_seconds: row.scrape.age.filter(|_| row.is_aged()),
            order: row.key.order,
        }
    };
    rows.iter().map(row).collect()
}
