//! CPU time of processes that the kernel tells of: what a parent reaped is exact and counts, the record of an end is
//! an estimate and counts where no parent's time does.

use edgebench_exporter::view::View;
use edgebench_tests::{Host, Process};

use crate::told::Told;
use crate::watch::{Watch, all_cpu, errors, processes, ticks};

fn init(process: Process) -> Process {
    process.exe("/usr/lib/systemd/systemd").parent(0).started_at(1)
}

fn handler(process: Process) -> Process {
    process.exe("/usr/bin/virt-handler").started_at(100)
}

fn shell(process: Process) -> Process {
    process.exe("/usr/bin/dash").cmdline(["sh"]).started_at(100)
}

/// Fifty idle ones, so that it takes a while until it is a process' turn to be read.
fn others(host: Host) -> Host {
    (100..150).fold(host, |host, pid| host.process(pid, shell))
}

/// An observer that has read the host until everybody was looked at.
fn watch(host: Host) -> (Watch, Told) {
    let told = Told::default();
    let mut watch = Watch::hearing(&others(host.process(1, init)), told.clone());
    watch.recheck();
    (watch, told)
}

/// A child is born and ends between two readings; the estimate in its record is ten percent too high.
fn lives_unseen(told: &Told, child: u32, parent: u32, ticks: u64) {
    told.forked(parent, child);
    told.ended(child, parent, ticks + ticks / 10);
}

#[test]
fn who_was_born_and_ended_unseen_counts_by_its_parents_time() {
    let (mut watch, told) = watch(Host::new().process(10, handler));
    for round in 1..=3 {
        (20..40).for_each(|child| lives_unseen(&told, child, 10, 50));
        let view = watch.step(|h| h.process(10, |p| p.children_ticks(round * 1_000, 0)));
        assert_eq!(ticks(&view, "exited", "kubevirt"), round * 1_000);
    }
}

#[test]
fn a_parent_that_is_not_read_every_time_is_read_when_a_child_has_ended() {
    let (mut watch, told) = watch(Host::new().process(10, shell));
    lives_unseen(&told, 20, 10, 50);
    lives_unseen(&told, 21, 10, 50);
    watch.step(|h| h.process(10, |p| p.children_ticks(100, 0)));
    // At the latest by the second reading, where it was not told of before the first had read the parents.
    assert_eq!(ticks(&watch.read(), "exited", "other"), 100);
    assert_eq!(ticks(&watch.recheck(), "exited", "other"), 100);
}

#[test]
fn grandchildren_come_with_the_child_that_waited_for_them() {
    let (mut watch, told) = watch(Host::new().process(10, handler));
    told.forked(10, 20);
    (30..40).for_each(|child| lives_unseen(&told, child, 20, 50));
    told.ended(20, 10, 7);
    let view = watch.step(|h| h.process(10, |p| p.children_ticks(507, 0)));
    assert_eq!(ticks(&view, "exited", "kubevirt"), 507);
    assert_eq!(ticks(&watch.recheck(), "exited", "kubevirt"), 507);
}

#[test]
fn whose_parent_ignores_the_end_of_children_counts_by_its_record() {
    let host = Host::new().process(10, handler);
    let status = host.read("proc/10/status");
    // The kernel reaps them itself: SIGCHLD is the 17th.
    let ignoring: String =
        status.lines().filter(|line| !line.starts_with("SigIgn:")).map(|line| format!("{line}\n")).collect();
    let ignoring = ignoring + "SigIgn:\t0000000000010000\n";
    let (mut watch, told) = watch(host.process(10, |p| p.status(&ignoring)));
    lives_unseen(&told, 20, 10, 50);
    watch.read();
    assert_eq!(ticks(&watch.recheck(), "exited", "kubevirt"), 55);
}

#[test]
fn a_runtime_below_a_supervisor_counts_by_its_record_and_what_it_starts_does_not() {
    let shim = |p: Process| p.exe("/usr/bin/containerd-shim-runc-v2").started_at(50);
    let (mut watch, told) = watch(Host::new().process(10, shim));
    told.forked(10, 20);
    told.ended_as(b"runc", 20, 10, 30);
    told.forked(10, 21);
    told.ended_as(b"pause", 21, 10, 500);
    let view = watch.step(|h| h.process(10, |p| p.children_ticks(530, 0)));
    assert_eq!(ticks(&view, "exited", "kubernetes"), 30);
    assert_eq!(ticks(&watch.recheck(), "exited", "kubernetes"), 30);
}

/// Of a handler and a service that is read in turn.
fn ends(known: fn(Process) -> Process) -> (u64, View) {
    let host =
        Host::new().process(10, shell).process(11, |p| known(p).parent(10).started_at(300).cpu_ticks(80, 0));
    let (mut watch, told) = watch(host);
    let before = all_cpu(&watch.read());
    // It used 20 more, and was waited for.
    told.ended(11, 10, 100);
    watch.step(|h| h.ended(11).process(10, |p| p.children_ticks(100, 0)));
    watch.recheck();
    let view = watch.recheck();
    ((all_cpu(&view) - before) / crate::watch::TICK, view)
}

#[test]
fn of_a_known_process_its_record_counts_as_far_as_it_is_sure_and_its_parents_time_for_the_rest() {
    let (new, view) = ends(handler);
    assert_eq!(new, 20);
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 99, "the record misses a part of the last tick");
    assert_eq!(ticks(&view, "exited", "other"), 1);
    assert_eq!(ends(shell).0, 20);
}

#[test]
fn a_zombie_is_there_until_it_is_waited_for_and_counts_once() {
    let host = Host::new().process(10, shell).process(11, |p| handler(p).parent(10).started_at(300));
    let (mut watch, told) = watch(host);
    let before = all_cpu(&watch.read());
    told.ended(11, 10, 100);
    let view = watch.step(|h| h.process(11, |p| p.state('Z').cpu_ticks(60, 40)));
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 1);
    for _ in 0..5 {
        assert_eq!(all_cpu(&watch.read()) - before, 100 * crate::watch::TICK);
    }
    let view = watch.step(|h| h.ended(11).process(10, |p| p.children_ticks(100, 0)));
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 0);
    assert_eq!(all_cpu(&watch.recheck()) - before, 100 * crate::watch::TICK);
}

#[test]
fn lost_messages_cost_a_listing_and_no_time() {
    let host = Host::new().process(10, handler).process(11, |p| shell(p).parent(10).cpu_ticks(40, 0));
    let (mut watch, told) = watch(host);
    let before = watch.read();
    lives_unseen(&told, 20, 10, 50);
    told.ended(11, 10, 44);
    told.lose();
    let view = watch.step(|h| {
        h.ended(11)
            .process(10, |p| p.children_ticks(90, 0))
            .process(12, |p| handler(p).parent(1).started_at(9_000))
    });
    assert_eq!(view.discovery.listings, before.discovery.listings + 1);
    assert_eq!(errors(&view, "component", "exit_records_lost"), 1);
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 2);
    assert_eq!(processes(&view, "other", "other") + 1, processes(&before, "other", "other"));
    assert_eq!((all_cpu(&view) - all_cpu(&before)) / crate::watch::TICK, 50);
    let later = watch.recheck();
    assert_eq!(all_cpu(&later), all_cpu(&view));
}
