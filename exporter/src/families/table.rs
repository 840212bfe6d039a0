//! Every family there is, in the order of the exposition.
//!
//! A family is declared beside the walk that fills it, in [`super::node`], [`super::component`],
//! [`super::vmi`], [`super::kubernetes`], [`super::endpoint`], [`super::guest`] and [`super::own`], or in
//! [`super::web`]; here they are listed. A test of the walk holds
//! this list against what a full view gives.

use super::Family;
use super::component as c;
use super::endpoint as e;
use super::guest as g;
use super::kubernetes as k;
use super::node as n;
use super::own as o;
use super::vmi as v;
use super::web as w;

/// The families that come from a view.
pub static OF_VIEW: &[&Family] = &[
    &n::CPU_SECONDS,
    &n::MEMORY_TOTAL,
    &n::MEMORY_USED,
    &n::MEMORY_UNAVAILABLE,
    &n::MEMORY_ANONYMOUS,
    &n::MEMORY_HUGETLB_USED,
    &n::MEMORY_KERNEL,
    &n::MEMORY_UNEXPLAINED,
    &n::PRESSURE_WAITING,
    &n::PRESSURE_STALLED,
    &c::PROCESSES,
    &c::THREADS,
    &c::OPEN_FDS,
    &c::OLDEST_START,
    &c::RESIDENT,
    &c::ANONYMOUS,
    &c::SWAP,
    &c::PAGE_TABLES,
    &c::PROPORTIONAL,
    &c::PROPORTIONAL_ANONYMOUS,
    &c::PROPORTIONAL_AGE,
    &c::AGE,
    &c::CPU_SECONDS,
    &c::RUN_QUEUE_WAIT,
    &c::CONTEXT_SWITCHES,
    &c::MAJOR_FAULTS,
    &c::READ,
    &c::WRITTEN,
    &v::INFO,
    &v::PODS,
    &v::VCPUS,
    &v::GUEST_SIZE,
    &v::GUEST_RESIDENT,
    &v::GUEST_PROPORTIONAL,
    &v::GUEST_AGE,
    &v::POD_PROPORTIONAL,
    &v::OVERHEAD,
    &v::POD_WORKING_SET,
    &v::POD_LIMIT,
    &v::POD_OOM_KILLS,
    &v::COMPONENT_RESIDENT,
    &v::COMPONENT_ANONYMOUS,
    &v::COMPONENT_PROPORTIONAL,
    &v::CPU_SECONDS,
    &v::VCPU_SECONDS,
    &v::VCPU_RUN_QUEUE_WAIT,
    &k::INSTALLATION,
    &k::REPLICAS,
    &k::READY_REPLICAS,
    &k::POD_REQUEST,
    &k::RESERVED,
    &k::PAUSED,
    &e::UP,
    &e::DURATION,
    &e::BYTES,
    &e::SERIES,
    &e::FAILURES,
    &e::AGE,
    &e::RESIDENT,
    &e::CPU_SECONDS,
    &e::OPEN_FDS,
    &e::START_TIME,
    &e::REPORTED_RESIDENT,
    &e::REPORTED_DOMAIN,
    &e::REPORTED_CPU,
    &e::REPORTED_AGE,
    &g::TARGET_UP,
    &g::USED,
    &g::TOTAL,
    &g::REPORTED_AGE,
    &g::CPU_SECONDS,
    &g::MODULE_MEMORY,
    &g::MODULE_CPU,
    &g::MODULE_AGE,
    &o::READING_TIMESTAMP,
    &o::DISCOVERY_INFO,
    &o::DISCOVERY_PROCESSES,
    &o::DISCOVERY_LISTINGS,
    &o::DISCOVERY_LOOKS,
    &o::DISCOVERY_NAMES_OUTSIDE_PODS,
    &o::PSS_BUDGET,
    &o::PSS_CPU_SECONDS,
    &o::PSS_READS,
    &o::PSS_SKIPS,
    &o::COLLECTOR_SUCCESS,
    &o::COLLECTOR_DURATION,
    &o::COLLECTOR_ERRORS,
    &o::COLLECTOR_LAST_SUCCESS,
    &o::BUILD_INFO,
    &o::PROCESS_CPU_SECONDS,
    &o::PROCESS_RESIDENT,
    &o::PROCESS_VIRTUAL,
    &o::PROCESS_OPEN_FDS,
    &o::PROCESS_MAX_FDS,
    &o::PROCESS_START_TIME,
    &o::PROCESS_THREADS,
];

/// The families that are counted in a `prometheus::Registry`, as the web server's are: gauges and counters.
pub static OF_REGISTRY: &[&Family] = &[
    &w::REQUESTS,
    &w::CONNECTIONS,
    &w::CONNECTIONS_CLOSED,
    &w::ACCEPT_ERRORS,
    &w::AUTHENTICATION_FAILURES,
    &w::RELOAD_SUCCESSFUL,
    &w::RELOAD_SUCCESS_TIME,
];

/// Every family there is.
pub fn all() -> impl Iterator<Item = &'static Family> {
    OF_VIEW.iter().chain(OF_REGISTRY).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::families::Kind;
    use crate::families::collectors::COLLECTORS;

    #[test]
    fn no_name_comes_twice_in_either_format() {
        let names: BTreeSet<_> = all().map(|family| family.name).collect();
        assert_eq!(names.len(), all().count());
        let names: BTreeSet<_> = all().map(|family| family.open_metrics_name()).collect();
        assert_eq!(names.len(), all().count(), "without _total and _info");
    }

    #[test]
    fn names_say_whose_kind_and_unit() {
        for family in all() {
            let name = family.name;
            assert!(name.starts_with("edgebench_") || name.starts_with("process_"), "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{name}"
            );
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_info"), family.kind == Kind::Info, "{name}");
            for measured in ["memory", "seconds", "swap", "bytes", "age", "duration"] {
                let says = name.split('_').any(|word| word == measured);
                assert!(!says || family.unit().is_some(), "{name} names {measured} but no base unit");
            }
            for suffix in ["_count", "_sum", "_bucket", "_created"] {
                assert!(
                    !name.ends_with(suffix),
                    "{name}: {suffix} is part of a histogram's or a counter's name"
                );
            }
        }
    }

    #[test]
    fn label_names_are_legal_and_no_target_label() {
        for family in all() {
            let distinct: BTreeSet<_> = family.labels.iter().collect();
            assert_eq!(distinct.len(), family.labels.len(), "{}", family.name);
            for label in family.labels {
                assert!(
                    label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                    "{} {label}",
                    family.name
                );
                assert!(!label.starts_with("__"), "{} {label}", family.name);
                let taken = ["pod", "job", "instance", "container", "le", "quantile"];
                assert!(!taken.contains(label), "{} {label}", family.name);
            }
        }
    }

    #[test]
    fn a_help_text_is_one_sentence() {
        for family in all() {
            let help = family.help;
            assert!(
                help.ends_with('.') && !help.contains(". ") && !help.contains("  "),
                "{}: {help}",
                family.name
            );
            assert!(help.is_ascii() && !help.contains(['\n', '"', '\\']), "{}: {help}", family.name);
            assert!(help.starts_with(|c: char| c.is_uppercase() || c == '1' || c == 'v'), "{}", family.name);
        }
    }

    #[test]
    fn every_family_has_a_collector_and_every_collector_a_family() {
        let used: BTreeSet<_> = all().map(|family| family.collector).collect();
        let known: BTreeSet<_> = COLLECTORS.iter().map(|collector| collector.name).collect();
        assert_eq!(used, known);
    }
}
