//! Processes as rows of components.
//!
//! A row sums its processes. Processes that no component knows make a row for each `comm`, so that the rows
//! still add up to the node.

use std::collections::BTreeMap;

use edgebench_sampler::classify::Class;
use edgebench_sampler::component::{self, KERNEL_THREADS, OTHER, OncePer, Stack};
use edgebench_sampler::interval::CpuUse;
use edgebench_sampler::process::{ProcessMemory, ProcessSample, Proportional};
use edgebench_sampler::{Bytes, Ticks};
use serde::Serialize;

/// What the processes of a row have in common. The order is that of tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// Position of the component in its table.
    pub order: usize,
    /// Name of the component, or the `comm` of processes that none knows.
    pub name: String,
    /// Its stack.
    pub stack: Stack,
}

impl RowKey {
    /// The row of a process.
    pub fn of(process: &ProcessSample, class: &Class) -> RowKey {
        let name = match class.component {
            row if *row == OTHER => process.names.comm.clone(),
            row => row.name.to_owned(),
        };
        RowKey { order: component::order(class.component), name, stack: class.stack }
    }
}

/// A row of the process table.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentRow {
    /// Name of the component, or the `comm` of processes that none knows.
    pub component: String,
    /// Its stack.
    pub stack: Stack,
    /// Whether a row of the component table knows it.
    pub known: bool,
    /// Whether these are threads of the kernel, which have no memory of their own.
    pub kernel_threads: bool,
    /// What it is paid once for; only of tracked stacks.
    pub once_per: Option<OncePer>,
    /// Processes at the end.
    pub processes: usize,
    /// Their threads.
    pub threads: u64,
    /// RES as `top` counts it, summed; shared pages count once for each process.
    pub resident: Bytes,
    /// The same, of MemTotal.
    pub resident_percent: f64,
    /// PSS, hugetlb pages included.
    pub proportional: Proportion,
    /// RssAnon, summed.
    pub anonymous: Bytes,
    /// VmSwap, summed.
    pub swap: Bytes,
    /// Share of the node's CPU time over the run, guest time inside: 100 is the whole node. Nothing where an
    /// exporter reads the row too seldom for so short a run.
    pub cpu_percent: Option<f64>,
    /// CPU time over the run; of an exporter's row, between its readings of it.
    pub cpu: CpuUse,
    /// Seconds before the last sample at which an exporter had read this row; nothing where it was read with
    /// the sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// Position in tables.
    #[serde(skip)]
    pub order: usize,
}

/// Proportional memory of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "bytes")]
pub enum Proportion {
    /// Read of every process.
    Exact(Bytes),
    /// Small processes were not read: their anonymous memory stands in, a lower bound.
    Estimate(Bytes),
    /// Of at least one process it could not be read, or nobody asked: a partial sum would be no figure.
    Unknown,
}

impl Proportion {
    /// The figure, exact or not.
    pub fn bytes(self) -> Option<Bytes> {
        match self {
            Proportion::Exact(bytes) | Proportion::Estimate(bytes) => Some(bytes),
            Proportion::Unknown => None,
        }
    }

    /// The sum with another.
    pub fn and(self, other: Proportion) -> Proportion {
        match (self, other) {
            (Proportion::Unknown, _) | (_, Proportion::Unknown) => Proportion::Unknown,
            (Proportion::Exact(a), Proportion::Exact(b)) => Proportion::Exact(a + b),
            (a, b) => Proportion::Estimate(a.bytes().unwrap_or_default() + b.bytes().unwrap_or_default()),
        }
    }

    /// Of one process.
    pub fn of(memory: &ProcessMemory, asked: bool) -> Proportion {
        match (&memory.proportional, memory.pss()) {
            (_, Some(pss)) => Proportion::Exact(pss),
            (Proportional::Denied, None) => Proportion::Unknown,
            (_, None) if asked => Proportion::Estimate(memory.anonymous),
            (_, None) => Proportion::Unknown,
        }
    }
}

/// What the rows are computed from.
pub(super) struct Input<'a> {
    pub(super) processes: &'a [ProcessSample],
    pub(super) classes: &'a [Class],
    pub(super) used: &'a [CpuUse],
    /// Whether PSS was asked for.
    pub(super) proportional: bool,
    pub(super) memory_total: Bytes,
    pub(super) node_ticks: Ticks,
}

/// The rows, in the order of tables.
pub(super) fn rows(input: &Input<'_>) -> Vec<ComponentRow> {
    let mut rows: BTreeMap<RowKey, ComponentRow> = BTreeMap::new();
    for ((process, class), used) in input.processes.iter().zip(input.classes).zip(input.used) {
        let key = RowKey::of(process, class);
        let row = rows.entry(key).or_insert_with_key(|key| ComponentRow {
            component: key.name.clone(),
            stack: key.stack,
            known: *class.component != OTHER,
            kernel_threads: *class.component == KERNEL_THREADS,
            once_per: class.stack.is_tracked().then_some(match class.stack {
                Stack::VmPod => OncePer::Vm,
                _ => class.component.once_per,
            }),
            processes: 0,
            threads: 0,
            resident: Bytes::ZERO,
            resident_percent: 0.0,
            proportional: Proportion::Exact(Bytes::ZERO),
            anonymous: Bytes::ZERO,
            swap: Bytes::ZERO,
            cpu_percent: None,
            cpu: CpuUse::default(),
            age_seconds: None,
            order: key.order,
        });
        row.processes += 1;
        row.threads += u64::from(process.threads);
        row.cpu += *used;
        if let Some(memory) = &process.memory {
            row.resident += memory.resident;
            row.anonymous += memory.anonymous;
            row.swap += memory.swap;
            row.proportional = row.proportional.and(Proportion::of(memory, input.proportional));
        }
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    for row in &mut rows {
        row.resident_percent = percent(row.resident.0, input.memory_total.0);
        row.cpu_percent = Some(percent(row.cpu.total().0, input.node_ticks.0));
    }
    rows
}

pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
