//! The real KubeVirt node of the fixtures: every difference closed to the KiB.
//!
//! The figures are written out here, as they were worked out by hand from the files of the fixtures. sar saw
//! 12.5 MiB for a VM whose pod took 55, because kube-apiserver gave 60 back in the same minute: that is what
//! the parts are for.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::path::PathBuf;

use edgebench::capture::{self, CaptureError, CaptureFile, Record, Sink};
use edgebench::comparison::{Comparison, Metric, Side};
use edgebench::footprint::{Fold, Footprint, Group};
use edgebench::layout::{self, Style};
use edgebench::report::{Options, document};
use edgebench_sampler::Bytes;
use edgebench_sampler::classify::Trust;
use edgebench_sampler::explain::{Charge, KernelPart, charge, node_parts};
use edgebench_sampler::node::NodeReading;
use edgebench_sampler::process::ProcessSample;
use edgebench_tests::phases::{PHASES, footprint, record};
use edgebench_tests::printed;
use tempfile::TempDir;

/// Total, then parts by group and name, in KiB.
type Ledger<'a> = &'a [(Group, &'a str, i64)];

#[rustfmt::skip]
const KUBEVIRT_AND_CDI_CAME: Ledger<'_> = &[
    (Group::ControlPlane, "virt-operator",           221_368),
    (Group::ControlPlane, "virt-handler",             31_684),
    (Group::ControlPlane, "virt-controller",          35_772),
    (Group::ControlPlane, "virt-api",                154_752),
    (Group::Cdi,          "cdi-operator",             46_648),
    (Group::Cdi,          "cdi-controller",           17_740),
    (Group::Cdi,          "cdi-apiserver",            10_436),
    (Group::Cdi,          "cdi-uploadproxy",           7_684),
    (Group::Kubernetes,   "kube-apiserver",          262_132),
    (Group::Kubernetes,   "etcd",                     15_184),
    (Group::Kubernetes,   "kube-controller-manager",   3_168),
    (Group::Kubernetes,   "kube-scheduler",              956),
    (Group::Kubernetes,   "kubelet",                   4_632),
    (Group::Kubernetes,   "containerd",                   28),
    (Group::NotInCapture, "",                         24_812),
    (Group::Kernel,       "page tables, rest",           300),
    (Group::Kernel,       "kernel stacks",               976),
    (Group::Kernel,       "per-CPU free lists",      -23_296),
    (Group::Unexplained,  "",                          1_068),
];

#[rustfmt::skip]
const A_VM_CAME: Ledger<'_> = &[
    (Group::Guest,        "default/edge-vm",           6_144),
    (Group::VmOverhead,   "qemu-kvm",                 23_432),
    (Group::VmOverhead,   "virt-launcher",            15_128),
    (Group::VmOverhead,   "virt-launcher-monitor",     1_708),
    (Group::VmOverhead,   "virtqemud",                 7_060),
    (Group::VmOverhead,   "virt-tail",                 1_876),
    (Group::VmOverhead,   "pause",                        76),
    (Group::ControlPlane, "virt-operator",                72),
    (Group::ControlPlane, "virt-handler",              1_732),
    (Group::ControlPlane, "virt-controller",           3_240),
    (Group::ControlPlane, "virt-api",                     28),
    (Group::Cdi,          "cdi-controller",              336),
    (Group::Cdi,          "cdi-apiserver",               116),
    (Group::Cdi,          "cdi-uploadproxy",               4),
    (Group::Kubernetes,   "kube-apiserver",          -59_748),
    (Group::Kubernetes,   "etcd",                      7_388),
    (Group::Kubernetes,   "kube-controller-manager",   3_396),
    (Group::Kubernetes,   "kube-scheduler",              688),
    (Group::Kubernetes,   "kubelet",                   2_640),
    (Group::Kubernetes,   "containerd",               -1_064),
    (Group::Kubernetes,   "containerd-shim",           3_376),
    (Group::NotInCapture, "",                            740),
    (Group::Kernel,       "page tables, rest",             4),
    (Group::Kernel,       "kernel stacks",             1_036),
    (Group::Kernel,       "per-CPU free lists",       -6_616),
    (Group::Unexplained,  "",                              0),
];

/// RAM used, AnonPages, PageTables, KernelStack, per-CPU free lists, unexplained: how much each grew by.
const KUBEVIRT_AND_CDI_IN_THE_NODES_WORDS: [i64; 6] = [816_044, 833_608, 3_688, 976, -23_296, 1_068];
const A_VM_IN_THE_NODES_WORDS: [i64; 6] = [12_792, 16_128, 2_244, 1_036, -6_616, 0];

#[test]
fn a_difference_is_explained_to_the_kib() {
    for (before, after, total, parts) in
        [("1-kubernetes", "3-cdi", 816_044, KUBEVIRT_AND_CDI_CAME), ("3-cdi", "4-vm", 12_792, A_VM_CAME)]
    {
        let memory = difference(before, after).memory;
        let found: Vec<_> = memory
            .parts
            .iter()
            .map(|part| (part.key.group, part.key.name.as_str(), part.amount as i64))
            .collect();
        assert_eq!(found, parts, "{before} to {after}");
        assert_eq!(memory.total, f64::from(total), "{before} to {after}");
        assert_eq!(parts.iter().map(|part| part.2).sum::<i64>(), i64::from(total));
    }
}

#[test]
fn the_nodes_own_files_say_the_same_and_processes_hold_what_is_split() {
    for (before, after, node, ledger) in [
        ("1-kubernetes", "3-cdi", KUBEVIRT_AND_CDI_IN_THE_NODES_WORDS, KUBEVIRT_AND_CDI_CAME),
        ("3-cdi", "4-vm", A_VM_IN_THE_NODES_WORDS, A_VM_CAME),
    ] {
        let (before, after) = (Readings::of(before), Readings::of(after));
        let grew: Vec<_> =
            after.node_kib().iter().zip(before.node_kib()).map(|(after, before)| after - before).collect();
        assert_eq!(grew, node);
        let [used, anonymous, page_tables, stacks, free_lists, unexplained] = node;
        assert_eq!(used, anonymous + page_tables + stacks + free_lists + unexplained);

        // AnonPages and PageTables are split over the processes; what they leave has a line of its own.
        let of = |wanted: &dyn Fn(Group, &str) -> bool| -> i64 {
            ledger.iter().filter(|(group, name, _)| wanted(*group, name)).map(|part| part.2).sum()
        };
        let not_in_capture = of(&|group, _| group == Group::NotInCapture);
        let tables_rest = of(&|_, name| name == "page tables, rest");
        assert_eq!(after.anonymous_kib() - before.anonymous_kib(), anonymous - not_in_capture);
        assert_eq!(after.page_tables_kib() - before.page_tables_kib(), page_tables - tables_rest);
        let components = of(&|group, _| group < Group::NotInCapture);
        assert_eq!(components + not_in_capture + tables_rest, anonymous + page_tables);
    }
}

#[test]
fn what_kubernetes_grew_and_shrank_by_stands_apart_from_kubevirt() {
    let came = difference("1-kubernetes", "3-cdi");
    assert_eq!(came.memory.of(Group::Kubernetes), 286_100.0);
    assert_eq!(came.tax.memory_kib, Some((816_044 - 286_100 - 24_812 - 300 - 976 + 23_296 - 1_068).into()));

    let vm = difference("3-cdi", "4-vm");
    assert_eq!(vm.memory.of(Group::Kubernetes), -43_324.0, "kube-apiserver gave memory back");
    let taken: f64 =
        [Group::VmOverhead, Group::ControlPlane, Group::Cdi].map(|group| vm.memory.of(group)).iter().sum();
    assert_eq!(vm.tax.memory_kib.map(|kib| kib as f64), Some(taken), "neither guest nor Kubernetes is in it");

    for comparison in [came, vm] {
        let text = text(&comparison);
        let rows = printed::memory(&text).rows;
        assert!(rows.iter().any(|row| row.name.starts_with("Kubernetes ")), "{text}");
        assert!(rows.iter().any(|row| row.name.starts_with("not in the capture")), "{text}");
    }
}

#[test]
fn every_ledger_sums_to_what_the_node_says() {
    for phase in PHASES {
        let figures = footprint(phase);
        let node = Readings::of(phase);
        assert_eq!(figures.memory.used_kib, node.node_kib()[0], "{phase}: RAM used of the one sample");
        assert_eq!(figures.memory.parts.values().sum::<i64>(), figures.memory.used_kib, "{phase}");
        assert_eq!(figures.cpu.parts.values().sum::<i64>(), figures.cpu.used_ticks, "{phase}");
        let percent = figures.cpu.used_ticks as f64 * 100.0 / figures.cpu.interval_ticks as f64;
        assert!((percent - figures.node.cpu_used_percent).abs() < 1e-9, "{phase}: the ticks are sar's");
    }
    for (before, after) in [(0, 1), (1, 2), (0, 2)] {
        let comparison = difference(PHASES[before], PHASES[after]);
        for (explained, metric) in
            [(&comparison.memory, Metric::MemoryUsed), (&comparison.cpu, Metric::CpuUsed)]
        {
            let sum: f64 = explained.parts.iter().map(|part| part.amount).sum();
            let row = comparison.node_row(metric).unwrap();
            let delta = row.kib.map_or(row.percent.delta, |kib| kib.delta).unwrap();
            assert!((sum - delta).abs() < 1e-9 && sum == explained.total, "{metric:?}: {sum}, node {delta}");
        }
    }
}

#[test]
fn a_figure_from_a_file_is_the_figure_that_was_measured() {
    for phase in PHASES {
        let live = footprint(phase);
        let directory = tempfile::tempdir().unwrap();
        let path = save(phase, &directory);
        let mut from_file = Fold::file(&path, Trust::Any).unwrap();
        from_file.capture.file = None;
        from_file.capture.label = live.capture.label.clone();
        let json = |figures: &Footprint| serde_json::to_value(figures).unwrap();
        assert_eq!(json(&from_file), json(&live), "{phase}");
    }
}

fn difference(before: &str, after: &str) -> Comparison {
    Comparison::new(Side::new(vec![footprint(before)]), Side::new(vec![footprint(after)]).unwrap())
}

fn text(comparison: &Comparison) -> String {
    let mut out = Vec::new();
    let options = Options { all: true, saved: None };
    let style = Style::plain(100);
    layout::text(&document(comparison, &options), &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn save(phase: &str, directory: &TempDir) -> PathBuf {
    let path = directory.path().join("capture.json.gz");
    let mut file = CaptureFile::create(&path).unwrap();
    record(phase, None, Some(&mut file));
    file.finish().unwrap()
}

/// What a capture holds, before any figure is made of it.
#[derive(Default)]
struct Readings {
    node: Vec<NodeReading>,
    processes: Vec<ProcessSample>,
}

impl Sink for Readings {
    fn record(&mut self, record: Record) -> Result<(), CaptureError> {
        match record {
            Record::Reading(reading) => self.node.push(*reading),
            Record::Process(process) => self.processes.push(*process),
            _ => {}
        }
        Ok(())
    }
}

impl Readings {
    fn of(phase: &str) -> Readings {
        let directory = tempfile::tempdir().unwrap();
        let mut readings = Readings::default();
        capture::read(&save(phase, &directory), &mut readings).unwrap();
        readings
    }

    /// RAM used, AnonPages, PageTables, KernelStack, per-CPU free lists, unexplained: in KiB.
    fn node_kib(&self) -> [i64; 6] {
        let parts = node_parts(self.node.last().unwrap(), Bytes(4096));
        let kernel = |wanted| parts.kernel.iter().find(|(part, _)| *part == wanted).unwrap().1.kib();
        let (anonymous, page_tables) = (parts.anonymous.kib() as i64, parts.page_tables.kib() as i64);
        let (stacks, free_lists) = (kernel(KernelPart::KernelStack), kernel(KernelPart::PerCpuFree));
        [parts.used.kib(), anonymous, page_tables, stacks, free_lists, parts.unexplained.kib()]
    }

    fn anonymous_kib(&self) -> i64 {
        self.charges().map(|charge| charge.anonymous.kib() as i64).sum()
    }

    fn page_tables_kib(&self) -> i64 {
        self.charges().map(|charge| charge.page_tables.kib() as i64).sum()
    }

    fn charges(&self) -> impl Iterator<Item = Charge> {
        self.processes.iter().filter_map(|process| process.memory.as_ref().map(charge))
    }
}
