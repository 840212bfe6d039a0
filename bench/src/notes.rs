//! What to know before believing a figure, and what to do about it.

use edgebench_sampler::vm::Accelerator;

use crate::comparison::{Baseline, Comparison, Metric, Side};
use crate::footprint::{Footprint, Group};
use crate::layout::figures::{fixed, signed, size};
use crate::machine::{Mismatch, mismatches};

/// A note to the reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// It was measured through an exporter.
    Exporter {
        /// Where.
        url: String,
        /// Its version.
        version: String,
    },
    /// Rows that the exporter reads at a slow cadence.
    Aged(Vec<(String, f64)>),
    /// Rows whose CPU time is not known, as the exporter reads them too seldom.
    CpuTooSeldom(Vec<String>),
    /// PSS and guest RAM are so many seconds old.
    ProportionalAged(f64),
    /// The exporter has no PSS of these rows.
    ProportionalPartial(Vec<String>),
    /// The exporter has no PSS at all.
    ProportionalNotExported,
    /// Components that run outside of any pod, counted by an exporter.
    OutsidePodsCounted(u64),
    /// PSS of some processes is denied.
    ProportionalDenied {
        /// How many.
        denied: usize,
        /// Of how many that were asked for.
        of: usize,
        /// Whether root was denied: then it is not a matter of who measures.
        to_root: bool,
    },
    /// PSS was not asked for.
    ProportionalOff,
    /// The two sides are not one machine.
    Mismatch(Mismatch),
    /// The captures of one side are not of one machine.
    RepeatsDiffer {
        /// Of which side.
        side: String,
        /// How.
        mismatch: Mismatch,
    },
    /// The baseline has KubeVirt in it.
    BaselineHasKubevirt,
    /// "No KubeVirt" is an estimate.
    Estimated,
    /// Components that run outside of any pod.
    OutsidePods(Vec<String>),
    /// A guest's RAM is shared memory.
    SharedGuest {
        /// The VM.
        vm: String,
        /// How much.
        bytes: u64,
    },
    /// A guest's RAM was not found or not readable.
    GuestUnknown(Vec<String>),
    /// Emulated guests.
    Emulated(Vec<String>),
    /// A hypervisor took CPU time.
    Stolen {
        /// In which side: "the baseline" or "this capture".
        side: String,
        /// Percent.
        percent: f64,
    },
    /// A figure drifted during a run.
    Drift {
        /// In which side.
        side: String,
        /// The figure.
        metric: Metric,
        /// Points a minute.
        per_minute: f64,
    },
    /// Swap is in use.
    Swapped(u64),
    /// KSM merges pages.
    Samepages,
    /// A run was stopped early.
    Interrupted {
        /// Samples taken.
        samples: usize,
        /// Samples asked for.
        asked: u64,
    },
    /// The 95 % interval covers noise inside a run only.
    OneRun,
    /// Too few effective samples for an interval.
    TooFewSamples {
        /// Samples of the shorter run.
        samples: usize,
    },
    /// Counters stepped back.
    CounterResets(u32),
    /// More is cached than there is memory.
    NegativeUsed,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Note::Exporter { url, version } => write!(
                f,
                "Measured through edgebench-exporter {version} at {url}: it sums processes by component, and says nothing of \
                 swap, slab and shared memory of the node, of its CPU model or its kernel. What it does not carry is \
                 not in this report; `edgebench footprint` on the node itself has it."
            ),
            Note::Aged(rows) => {
                let oldest = rows.iter().map(|(_, age)| *age).fold(0.0, f64::max);
                let names: Vec<_> = rows.iter().map(|(name, _)| name.as_str()).collect();
                write!(
                    f,
                    "Read at the exporter's slow cadence (~), up to {} s before the last sample: {}.",
                    fixed(oldest, 0),
                    listed(&names)
                )
            }
            Note::CpuTooSeldom(names) => write!(
                f,
                "The exporter reads {} too seldom for a run of this length: what CPU time they used in it is not known, and \
                 is in what is unexplained. Take a longer run (10 times --discovery.recheck of the exporter, whose \
                 default is 60 s).",
                listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
            ),
            Note::ProportionalAged(age) => write!(
                f,
                "PSS and guest RAM are the exporter's last, up to {} s older than the last sample.",
                fixed(*age, 0)
            ),
            Note::ProportionalPartial(names) => write!(
                f,
                "The exporter gives no PSS of {}: in the ledger their anonymous memory (RssAnon) stands in, which counts \
                 shared pages once for each process.",
                listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
            ),
            Note::ProportionalNotExported => f.write_str(
                "The exporter gives no PSS (switched off there, denied, or not read yet): the ledger splits anonymous memory \
                 by RssAnon, which counts shared pages once for each process; guest RAM and VM overhead are not known.",
            ),
            Note::OutsidePodsCounted(count) => write!(
                f,
                "{count} process{} named like KubeVirt's or CDI's outside of any pod. Anybody can take such a name; \
                 --discovery.trust=pod of the exporter \
                 counts only what runs in pods.",
                if *count == 1 { " is" } else { "es are" }
            ),
            Note::ProportionalDenied { denied, of, to_root } => write!(
                f,
                "PSS of {denied} of {of} processes is denied: {}. Their rows have no PSS, and in the ledger their \
                 anonymous memory (RssAnon) stands in, which counts shared pages once for each process. Run \
                 `edgebench doctor`{}.",
                if *to_root { "a security module or a user namespace denies it even to root" } else { "it needs root or CAP_SYS_PTRACE" },
                if *to_root { "" } else { ", or measure with sudo" },
            ),
            Note::ProportionalOff => f.write_str(
                "PSS was not read (--no-pss): the ledger splits anonymous memory by RssAnon, which counts shared pages \
                 once for each process; guest RAM and VM overhead are not known.",
            ),
            Note::Mismatch(mismatch) => mismatch.fmt(f),
            Note::RepeatsDiffer { side, mismatch: Mismatch { what, baseline, capture, effect } } => write!(
                f,
                "The captures of {side} are taken as repeats of each other, but differ in {what} ({baseline}; \
                 {capture}): {effect}."
            ),
            Note::BaselineHasKubevirt => f.write_str(
                "The baseline has KubeVirt in it: the difference is what changed, not what KubeVirt takes. For that, \
                 take a baseline before KubeVirt is installed.",
            ),
            Note::Estimated => f.write_str(
                "No KubeVirt is ESTIMATED (~) from this run: this node minus its kubevirt, cdi and vm processes. What \
                 Kubernetes and the kernel grew by because of them is not in it, so the difference is a lower bound. \
                 For a measured one: `edgebench footprint --save before.json.gz` before the installation, then \
                 --baseline before.json.gz.",
            ),
            Note::OutsidePods(names) => write!(
                f,
                "{} outside of any pod: {}. Anybody can take such a name; --trust=pod counts only what runs in pods.",
                if names.len() == 1 { "1 component runs" } else { "Components run" },
                names.join(", ")
            ),
            Note::SharedGuest { vm, bytes } => write!(
                f,
                "{} of the guest RAM of {vm} is shared memory (memfd: hugepages, virtiofs or passt). The kernel counts \
                 it as cache, so it is outside of RAM used (sar) and inside of RAM used (available).",
                size(*bytes)
            ),
            Note::GuestUnknown(vms) => write!(
                f,
                "The guest RAM of {} is not known (smaps denied, or no mapping of its size): its qemu is not split into \
                 guest and overhead, and the KubeVirt tax is not given. Run `edgebench doctor`.",
                vms.join(", ")
            ),
            Note::Emulated(vms) => write!(
                f,
                "{} emulated (TCG): guest CPU time can't be told from qemu's own, so it stands as one.",
                if vms.len() == 1 { format!("{} is", vms[0]) } else { format!("{} are", vms.join(", ")) }
            ),
            Note::Stolen { side, percent } => write!(
                f,
                "%steal was {} in {side}: a hypervisor took this CPU time, and it counts as used.",
                fixed(*percent, 2)
            ),
            Note::Drift { side, metric, per_minute } => write!(
                f,
                "{} moved by {} points/min during {side}: wait until it settles and measure again.",
                metric.name(),
                signed(*per_minute, 2)
            ),
            Note::Swapped(bytes) => write!(f, "{} are swapped out: that memory is not in RAM used.", size(*bytes)),
            Note::Samepages => f.write_str(
                "KSM merges pages: they count once in PSS, but in RES and RssAnon once for each process.",
            ),
            Note::Interrupted { samples, asked } => {
                write!(f, "Stopped after {samples} of {asked} samples: these are the figures so far.")
            }
            Note::OneRun => f.write_str(
                "The intervals cover noise inside a run, not from run to run: repeat captures under one --label to \
                 cover that.",
            ),
            Note::TooFewSamples { samples } if *samples < 8 => write!(
                f,
                "{samples} sample{} in a run {} too few for an interval: take 10 or more (--samples 10), or repeat \
                 captures under one --label.",
                if *samples == 1 { "" } else { "s" },
                if *samples == 1 { "is" } else { "are" },
            ),
            Note::TooFewSamples { .. } => f.write_str(
                "One-second samples hang together, so some of these count for less than 8: no interval is claimed. \
                 Take more (--samples 60), or repeat captures under one --label.",
            ),
            Note::CounterResets(count) => {
                let s = if *count == 1 { "" } else { "s" };
                write!(f, "{count} CPU counter{s} of processes stepped back; what they lost is unexplained.")
            }
            Note::NegativeUsed => f.write_str(
                "RAM used (sar) is below zero: this kernel counts more as cached than there is. sar prints its samples \
                 clipped at 0 and its average as it is.",
            ),
        }
    }
}

/// A list that stays readable: the first few names, and how many more there are.
fn listed(names: &[&str]) -> String {
    const NAMED: usize = 6;
    match names.get(..NAMED).filter(|_| names.len() > NAMED + 1) {
        Some(first) => format!("{} and {} more", first.join(", "), names.len() - NAMED),
        None => names.join(", "),
    }
}

/// The notes on a comparison, most important first.
pub fn notes(comparison: &Comparison) -> Vec<Note> {
    let shown = comparison.capture.shown();
    let mut notes = Vec::new();
    if shown.capture.interrupted {
        notes.push(Note::Interrupted { samples: shown.capture.samples, asked: shown.capture.samples_asked });
    }
    match &comparison.baseline {
        Baseline::Measured(before) => {
            notes.extend(mismatches(before.shown(), shown).into_iter().map(Note::Mismatch));
            if before.has_kubevirt() {
                notes.push(Note::BaselineHasKubevirt);
            }
        }
        Baseline::Estimated => notes.push(Note::Estimated),
        Baseline::Nothing => {}
    }
    reading_notes(shown, &mut notes);
    vm_notes(shown, &mut notes);
    if let Some(before) = comparison.measured() {
        run_notes("the baseline", before, &mut notes);
    }
    run_notes("this capture", &comparison.capture, &mut notes);
    if let Some(used) = shown.node.swap_used.filter(|used| used.0 > 0) {
        notes.push(Note::Swapped(used.0));
    }
    // Pages stay merged when KSM stops (run = 0).
    if shown.host.samepage_merging == Some(true) || shown.host.samepages_shared.is_some_and(|pages| pages > 0)
    {
        notes.push(Note::Samepages);
    }
    if shown.node.memory.used < 0.0 {
        notes.push(Note::NegativeUsed);
    }
    interval_notes(comparison, &mut notes);
    notes
}

fn exporter_notes(shown: &Footprint, notes: &mut Vec<Note>) {
    if let Some(exporter) = &shown.capture.exporter {
        notes.push(Note::Exporter { url: exporter.url.clone(), version: exporter.version.clone() });
    }
    let Some(remarks) = &shown.remarks.scrape else { return };
    if !remarks.aged.is_empty() {
        notes.push(Note::Aged(remarks.aged.clone()));
    }
    if !remarks.without_cpu.is_empty() {
        notes.push(Note::CpuTooSeldom(remarks.without_cpu.clone()));
    }
    match (shown.capture.proportional, remarks.proportional_age) {
        (false, _) => notes.push(Note::ProportionalNotExported),
        (true, age) => {
            notes.extend(age.filter(|age| *age >= 1.0).map(Note::ProportionalAged));
            if !remarks.without_proportional.is_empty() {
                notes.push(Note::ProportionalPartial(remarks.without_proportional.clone()));
            }
        }
    }
    if remarks.names_outside_pods > 0 {
        notes.push(Note::OutsidePodsCounted(remarks.names_outside_pods));
    }
}

fn reading_notes(shown: &Footprint, notes: &mut Vec<Note>) {
    let remarks = &shown.remarks;
    if shown.capture.exporter.is_some() {
        exporter_notes(shown, notes);
        return;
    }
    if !shown.capture.proportional {
        notes.push(Note::ProportionalOff);
    } else if remarks.resident_for_proportional > 0 {
        let denied = remarks.resident_for_proportional;
        let to_root = shown.capture.uid == Some(0);
        notes.push(Note::ProportionalDenied { denied, of: denied + remarks.proportional_read, to_root });
    }
    if !remarks.outside_pods.is_empty() {
        notes.push(Note::OutsidePods(remarks.outside_pods.clone()));
    }
    if remarks.counter_resets > 0 {
        notes.push(Note::CounterResets(remarks.counter_resets));
    }
}

fn vm_notes(shown: &Footprint, notes: &mut Vec<Note>) {
    for vm in &shown.vms {
        if let Some(bytes) = vm.guest_shared.filter(|bytes| bytes.0 > 0) {
            notes.push(Note::SharedGuest { vm: vm.full_name(), bytes: bytes.0 });
        }
    }
    let named = |wanted: &dyn Fn(&crate::footprint::VmRow) -> bool| -> Vec<String> {
        shown.vms.iter().filter(|vm| wanted(vm)).map(|vm| vm.full_name()).collect()
    };
    let unknown = named(&|vm| vm.guest_size.is_some() && vm.guest_resident.is_none());
    if !unknown.is_empty() && shown.capture.proportional {
        notes.push(Note::GuestUnknown(unknown));
    }
    let emulated = named(&|vm| vm.accelerator == Some(Accelerator::Tcg));
    if !emulated.is_empty() && shown.cpu.parts.keys().any(|key| key.group == Group::VmUnsplit) {
        notes.push(Note::Emulated(emulated));
    }
}

fn run_notes(name: &str, side: &Side, notes: &mut Vec<Note>) {
    let shown = side.shown();
    let differing = side.captures.iter().flat_map(|repeat| mismatches(repeat, shown));
    let mut said = Vec::new();
    for mismatch in differing {
        if !said.contains(&mismatch.what) {
            said.push(mismatch.what);
            notes.push(Note::RepeatsDiffer { side: name.to_owned(), mismatch });
        }
    }
    if shown.node.cpu.steal >= 0.5 {
        notes.push(Note::Stolen { side: name.to_owned(), percent: shown.node.cpu.steal });
    }
    // A drift below a tenth of a point a minute moves no verdict.
    for metric in Metric::ALL {
        if let Some(per_minute) = metric.drift_per_minute(shown).filter(|drift| drift.abs() >= 0.1) {
            notes.push(Note::Drift { side: name.to_owned(), metric, per_minute });
        }
    }
}

fn interval_notes(comparison: &Comparison, notes: &mut Vec<Note>) {
    let Some(before) = comparison.measured() else { return };
    if comparison.node.iter().any(|row| row.interval.is_none()) {
        let runs = before.captures.iter().chain(&comparison.capture.captures);
        let samples = runs.map(|run| run.capture.samples).min().unwrap_or_default();
        notes.push(Note::TooFewSamples { samples });
    }
    let one_run = before.captures.len() == 1 && comparison.capture.captures.len() == 1;
    if one_run && comparison.node.iter().any(|row| row.interval.is_some()) {
        notes.push(Note::OneRun);
    }
}
