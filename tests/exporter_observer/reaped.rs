//! CPU time outside of pods that no reading saw, from the parents that waited.

use edgebench_tests::{Host, Process};

use crate::watch::{TICK, Watch, all_cpu, component, ticks};

fn handler(process: Process) -> Process {
    process.exe("/usr/bin/virt-handler").started_at(100)
}

fn shell(process: Process) -> Process {
    process.exe("/usr/bin/dash").cmdline(["sh"]).started_at(100)
}

fn init(process: Process) -> Process {
    process.exe("/usr/lib/systemd/systemd").parent(0).started_at(1)
}

#[test]
fn a_tracked_parents_unseen_children_are_in_exited_of_its_stack_at_the_next_reading() {
    let mut watch = Watch::new(&Host::new().process(10, |p| handler(p).children_ticks(7, 0)));
    watch.read();
    let view = watch.step(|h| h.process(10, |p| p.children_ticks(607, 400)));
    assert_eq!(ticks(&view, "exited", "kubevirt"), 1_000);
    assert_eq!(component(&view, "exited", "kubevirt").unwrap().now, None);
}

#[test]
fn any_other_parents_are_within_the_recheck() {
    let mut host = Host::new();
    for pid in 10..40 {
        host = host.process(pid, shell);
    }
    let mut watch = Watch::new(&host);
    watch.recheck();
    watch.host.step(|h| h.process(10, |p| p.children_ticks(100, 0)).process(39, |p| p.children_ticks(60, 0)));
    // One more: what is read in a reading is settled after the next listing.
    watch.recheck();
    assert_eq!(ticks(&watch.read(), "exited", "other"), 160);
}

#[test]
fn what_a_child_used_while_it_was_seen_is_its_own_components() {
    for parent in [handler as fn(Process) -> Process, shell] {
        let host = Host::new()
            .process(10, parent)
            .process(11, |p| p.exe("/usr/bin/virt-api").parent(10).started_at(300).cpu_ticks(80, 0));
        let mut watch = Watch::new(&host);
        let before = all_cpu(&watch.read());
        // It used 20 more, and was reaped.
        watch.host.step(|h| h.ended(11).process(10, |p| p.children_ticks(100, 0)));
        watch.recheck();
        let view = watch.recheck();
        assert_eq!(ticks(&view, "virt-api", "kubevirt"), 80);
        assert_eq!(all_cpu(&view) - before, 20 * TICK);
    }
}

#[test]
fn a_parent_that_is_read_long_after_its_child_was_gone_still_owes() {
    let mut host = Host::new();
    for pid in 10..30 {
        host = host.process(pid, shell);
    }
    let host = host.process(31, |p| handler(p).parent(29).started_at(300).cpu_ticks(500, 0));
    let mut watch = Watch::new(&host);
    let before = all_cpu(&watch.recheck());
    watch.host.step(|h| h.ended(31).process(29, |p| p.children_ticks(500, 0)));
    for _ in 0..10 {
        assert_eq!(all_cpu(&watch.read()), before);
    }
}

#[test]
fn a_family_that_ends_at_once_is_counted_once() {
    let host = Host::new()
        .process(9, |p| handler(p).started_at(50))
        .process(10, |p| shell(p).parent(9).cpu_ticks(10, 0).started_at(100))
        .process(11, |p| shell(p).parent(10).cpu_ticks(200, 0).started_at(200))
        .process(12, |p| shell(p).parent(11).cpu_ticks(3_000, 0).started_at(300));
    let mut watch = Watch::new(&host);
    let before = all_cpu(&watch.read());
    watch.host.step(|h| h.ended(10).ended(11).ended(12).process(9, |p| p.children_ticks(3_217, 0)));
    watch.read();
    assert_eq!(all_cpu(&watch.recheck()) - before, 7 * TICK);
}

#[test]
fn a_parent_that_ends_before_it_is_settled_leaves_its_childrens_time_to_its_own_parent() {
    let host = Host::new()
        .process(9, |p| handler(p).started_at(50))
        .process(10, |p| handler(p).parent(9).cpu_ticks(10, 0).started_at(100));
    let mut watch = Watch::new(&host);
    let before = all_cpu(&watch.read());
    watch.host.step(|h| h.process(10, |p| p.children_ticks(400, 0)));
    watch.read();
    watch.host.step(|h| h.process(10, |p| p.children_ticks(450, 0)));
    watch.host.step(|h| h.ended(10).process(9, |p| p.children_ticks(10 + 450, 0)));
    watch.read();
    assert_eq!(all_cpu(&watch.recheck()) - before, 450 * TICK);
}

#[test]
fn an_orphan_is_its_new_parents() {
    // `systemd --user` adopts (PR_SET_CHILD_SUBREAPER); pid 1 never sees the orphan.
    let host = Host::new()
        .process(1, init)
        .process(8, |p| shell(p).parent(1).started_at(50))
        .process(9, |p| shell(p).parent(8).started_at(60))
        .process(10, |p| shell(p).parent(9).started_at(100).cpu_ticks(700, 0));
    let mut watch = Watch::new(&host);
    let before = all_cpu(&watch.recheck());
    watch.step(|h| h.ended(9).process(10, |p| p.parent(8)));
    watch.host.step(|h| h.ended(10).process(8, |p| p.children_ticks(700, 0)));
    for _ in 0..10 {
        assert_eq!(all_cpu(&watch.read()), before);
    }
}

/// A family ends between two readings, the parent first; who adopted the child had asked for it, or is pid 1.
fn orphan_of_a_family_that_ends_at_once(adopter: u32, above: &str) {
    let host = Host::new()
        .process(1, init)
        .process(8, |p| shell(p).parent(1).started_at(50))
        .process(9, |p| p.exe(above).parent(8).started_at(60))
        .process(10, |p| shell(p).parent(9).started_at(100))
        .process(11, |p| shell(p).parent(10).started_at(200).cpu_ticks(700, 0));
    let mut watch = Watch::new(&host);
    let before = all_cpu(&watch.recheck());
    watch.host.step(|h| h.ended(10).ended(11).process(adopter, |p| p.children_ticks(700, 0)));
    for _ in 0..10 {
        assert_eq!(all_cpu(&watch.read()), before, "adopted by {adopter}, below {above}");
    }
}

#[test]
fn an_orphan_that_ends_with_its_parent_is_counted_once_whoever_adopted_it() {
    for above in ["/usr/bin/dash", "/usr/bin/runc", "/usr/bin/dockerd"] {
        for adopter in [1, 8, 9] {
            orphan_of_a_family_that_ends_at_once(adopter, above);
        }
    }
    // A shim asks for all orphans below it.
    orphan_of_a_family_that_ends_at_once(9, "/usr/bin/containerd-shim-runc-v2");
}

#[test]
fn what_pid_1_reaps_meanwhile_is_not_owed_by_it_where_a_shim_adopts() {
    let host = Host::new()
        .process(1, init)
        .process(9, |p| p.exe("/usr/bin/containerd-shim-runc-v2").parent(1).started_at(60))
        .process(10, |p| shell(p).parent(9).started_at(100))
        .process(11, |p| shell(p).parent(10).started_at(200).cpu_ticks(700, 0));
    let mut watch = Watch::new(&host);
    watch.recheck();
    watch.host.step(|h| h.ended(10).ended(11).process(1, |p| p.children_ticks(30, 0)));
    watch.recheck();
    assert_eq!(ticks(&watch.recheck(), "exited", "other"), 30);
}

#[test]
fn a_new_parent_brings_what_its_children_used() {
    let mut watch = Watch::new(&Host::new().process(9, |p| shell(p).started_at(50)));
    watch.read();
    watch.step(|h| h.process(10, |p| handler(p).started_at(5_000).children_ticks(300, 0)));
    assert_eq!(ticks(&watch.read(), "exited", "kubevirt"), 300);
}
