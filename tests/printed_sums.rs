//! What is printed adds up as printed: a reader with a pocket calculator finds no wrong sum.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use edgebench::comparison::{Comparison, Side};
use edgebench::footprint::Footprint;
use edgebench::layout::{self, Document, Style};
use edgebench::report::{Options, document, sides};
use edgebench_tests::phases::{PHASES, footprint};
use edgebench_tests::{Host, one_sample, printed};
use proptest::prelude::*;

/// Every way to print a comparison.
fn check(comparison: &Comparison, what: &str) {
    for (all, width) in [(false, 100), (true, 100), (false, 80), (true, 80)] {
        let text = text(&document(comparison, &Options { all, saved: None }), width);
        printed::check(&text, &format!("{what}, {width} columns{}", if all { ", --all" } else { "" }));
    }
}

fn text(document: &Document, width: usize) -> String {
    let mut out = Vec::new();
    layout::text(document, &Style::plain(width), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn side(captures: Vec<Footprint>) -> Side {
    Side::new(captures).unwrap()
}

fn phase(name: &str) -> Side {
    side(vec![footprint(name)])
}

#[test]
fn between_all_phases() {
    for before in PHASES {
        for after in PHASES {
            // Backwards and against itself too: what went, and what stayed.
            let comparison = Comparison::new(Some(phase(before)), phase(after));
            check(&comparison, &format!("{before} to {after}"));
        }
    }
}

#[test]
fn without_a_baseline() {
    for name in PHASES {
        check(&Comparison::new(None, phase(name)), &format!("{name} alone"));
    }
}

#[test]
fn between_sides_of_several_captures() {
    // Means of two captures are no whole KiB.
    let both = || side(vec![footprint("3-cdi"), footprint("4-vm")]);
    check(&Comparison::new(Some(phase("1-kubernetes")), both()), "a mean");
    check(&Comparison::new(Some(both()), phase("1-kubernetes")), "a mean, backwards");
    check(&Comparison::new(None, both()), "a mean alone");
}

#[test]
fn between_three_sides() {
    let comparisons =
        ["3-cdi", "4-vm"].map(|after| Comparison::new(Some(phase("1-kubernetes")), phase(after)));
    for width in [100, 80] {
        let text = text(&sides(&comparisons), width);
        let columns = printed::side_columns(&text);
        assert_eq!(columns.len(), 2, "{text}");
        let node = printed::node_sizes(&text, "RAM used (sar) %");
        for (at, column) in columns.iter().enumerate() {
            column.check(&format!("side {at}, {width} columns"));
            // A, then each side and what it differs by.
            assert_eq!(node[2 + 2 * at], column.total.number, "the total is the node table's");
        }
    }
}

/// What a host of a few processes is to hold, in KiB: virt-api, virt-handler, cdi-operator, virtqemud of a
/// VM's pod, kube-apiserver, a shell; then how much less is free than they explain.
type Sizes = [u32; 7];

fn built((sizes, ticks): (Sizes, [u16; 6])) -> Footprint {
    let names = ["virt-api", "virt-handler", "cdi-operator", "virt-launcher", "kube-apiserver", "bash"];
    let mut host = Host::new().cpus(&[[1000, 0, 0, 1000, 0, 0, 0, 0, 0, 0]]);
    for (name, (pid, kib)) in names.iter().zip((11u32..).zip(sizes)) {
        host = host.process(pid, |p| p.exe(format!("/usr/bin/{name}")).anon_kib(u64::from(kib)));
    }
    let anonymous = sizes[..6].iter().copied().map(u64::from).sum();
    let free = 4_000_000 - anonymous - u64::from(sizes[6]);
    let host = host.memory(&[("AnonPages", anonymous), ("MemFree", free)]);
    one_sample::footprint(&host, |mut host| {
        for (pid, ticks) in (11..).zip(ticks) {
            host = host.process(pid, |p| p.cpu_ticks(u64::from(ticks), 0));
        }
        let used = ticks.iter().copied().map(u64::from).sum::<u64>();
        host.cpus(&[[1000 + used, 0, 7, 1400, 3, 0, 1, 0, 0, 0]])
    })
}

#[test]
fn between_hosts_whose_difference_is_a_tie() {
    // Summed part by part, it is a last bit beside what the node table subtracts.
    let before = built(([0; 7], [0, 25, 24, 21, 6, 25]));
    let after = built(([12_188, 48, 70, 10, 277_897, 120, 57], [17, 1, 20, 22, 3, 26]));
    check(&Comparison::new(Some(side(vec![before])), side(vec![after])), "a tie");
}

/// Sizes from nothing to a gigabyte, as often small as large: the smallest differences round worst.
fn any_host() -> impl Strategy<Value = (Sizes, [u16; 6])> {
    let size = prop_oneof![0..200u32, 0..20_000u32, 0..500_000u32];
    (prop::array::uniform7(size), prop::array::uniform6(0..30u16))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn between_any_two_hosts(before in any_host(), after in any_host()) {
        let (before, after) = (built(before), built(after));
        check(&Comparison::new(None, side(vec![after.clone()])), "alone");
        check(&Comparison::new(Some(side(vec![before])), side(vec![after])), "compared");
    }
}
