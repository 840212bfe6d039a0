//! What the chart's README says is lost without a capability or a mount is what is lost.
//!
//! The DaemonSet is rendered, and the real exporter runs as its container would: that user, those capabilities, no new
//! privileges, no ambient ones, the node's `/proc` and cgroups through bind mounts that are read-only. What it serves
//! with everything is held against what it serves with one thing taken away. The statement that is held against it is
//! [`edgebench_exporter::permissions`], of which the README's table, the chart's notes and `edgebench doctor`'s words
//! are made (`tests/deploy/exporter_chart`).
//!
//! Run with `tests/run`, or alone as root:
//! `cargo test -p edgebench-tests --test live_permissions -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod container;
mod node;

use std::collections::{BTreeMap, BTreeSet};

use container::Container;
use edgebench_exporter::permissions::{self, Permission, Whose};
use edgebench_tests::alone::alone;
use edgebench_tests::charts::{self, Request, chart};
use edgebench_tests::exposition::Exposition;
use node::{Node, PROCESSES};

/// A family, and the component that it is of.
type Key = (String, Option<String>);

/// Families of KubeVirt's processes and VMs, and of the node; not those on the exporter itself.
fn families(exposition: &Exposition) -> BTreeSet<Key> {
    let is_of_node = |name: &str| {
        ["edgebench_component_", "edgebench_vmi_", "edgebench_node_"]
            .iter()
            .any(|begin| name.starts_with(begin))
    };
    let component = |labels: &BTreeMap<String, String>| labels.get("component").cloned();
    let keys = exposition.series().into_keys().filter(|(name, labels)| {
        is_of_node(name) && component(labels).is_none_or(|component| is_ours(&component))
    });
    keys.map(|(name, labels)| (name, component(&labels))).collect()
}

/// Whether it is one of the node's processes; the test's own are `other`.
fn is_ours(component: &str) -> bool {
    PROCESSES.iter().any(|(name, _)| *name == component)
}

/// Whether a permission's statement says that this is absent without it.
fn says_absent(permission: &Permission, (family, component): &Key) -> bool {
    let is_named = permission.families.iter().any(|name| match name.strip_suffix('*') {
        Some(begin) => family.starts_with(begin),
        None => family == name,
    });
    let user =
        component.as_ref().map(|component| PROCESSES.iter().find(|(name, _)| name == component).unwrap().1);
    is_named && (permission.whose == Whose::All || user != Some(0))
}

/// Those words on one line.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The containers of DaemonSets rendered with these values; no API server is asked here.
fn containers(sets: &[&str]) -> Vec<Container> {
    let request = |set: &&str| Request::of(&chart("edgebench")).set("kube.enabled=false").set(*set);
    let rendered = charts::render(&sets.iter().map(request).collect::<Vec<_>>());
    rendered
        .iter()
        .map(|rendered| {
            assert_eq!(rendered.wrong(), [""; 0]);
            Container::of(rendered.one("DaemonSet"))
        })
        .collect()
}

#[test]
#[ignore = "live: takes rights away, in mount namespaces"]
fn what_is_lost_without_a_permission_is_what_the_chart_says() {
    if !alone("what_is_lost_without_a_permission_is_what_the_chart_says") {
        return;
    }
    let node = Node::start();
    let cgroups = node.cgroups();
    let [full, standard, minimal, no_proc, no_cgroup, no_ptrace, ordinary] = containers(&[
        "profile=full",
        "profile=standard",
        "profile=minimal",
        "profile=full,hostMounts.proc=false",
        "profile=full,hostMounts.cgroup=false",
        "profile=full",
        "profile=minimal,containerSecurityContext.runAsUser=1000,containerSecurityContext.runAsGroup=1000",
    ])
    .try_into()
    .ok()
    .unwrap();
    let everything = families(&full.once(&cgroups));
    for permission in permissions::ALL {
        let of_it = everything.iter().filter(|key| says_absent(permission, key)).count();
        assert!(of_it > 0, "nothing of {} is there in the first place", permission.name);
    }
    let (said, code) = full.doctor(&cgroups);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("All figures can be measured here"), "{said}");

    let (proc, cgroup) = (&permissions::PROC, &permissions::CGROUP);
    let (ptrace, search) = (&permissions::SYS_PTRACE, &permissions::DAC_READ_SEARCH);
    let both_but_another_user = Container::by_user(containers(&["profile=full"]).remove(0), 1000);
    let cases: [(&str, &Container, &[&Permission]); 7] = [
        ("profile standard", &standard, &[search]),
        ("profile minimal", &minimal, &[ptrace, search]),
        ("profile minimal, another uid", &ordinary, &[ptrace, search]),
        ("both capabilities of a user that is not root", &both_but_another_user, &[ptrace, search]),
        ("full without SYS_PTRACE", &no_ptrace.without("SYS_PTRACE"), &[ptrace]),
        ("without the node's /proc", &no_proc, &[proc]),
        ("without the node's cgroups", &no_cgroup, &[cgroup]),
    ];
    for (case, container, missing) in cases {
        let there = families(&container.once(&cgroups));
        let expected: BTreeSet<_> = everything
            .iter()
            .filter(|key| !missing.iter().any(|permission| says_absent(permission, key)))
            .cloned()
            .collect();
        assert_eq!(there, expected, "{case}");

        let (said, _) = container.doctor(&cgroups);
        let words = unwrapped(&said);
        for permission in permissions::ALL {
            // Where SYS_PTRACE is missing alone, `io` is denied all the same, and where there is no other process
            // nothing can be denied.
            let is_said = words.contains(&unwrapped(permission.lost));
            assert_eq!(is_said, missing.contains(&permission), "{case}, {}: {said}", permission.name);
        }
    }
}
