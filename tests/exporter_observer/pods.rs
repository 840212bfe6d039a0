//! CPU time of pods that no process showed.

use edgebench_tests::{Host, Process};

use crate::watch::{TICK, Watch, all_cpu, component, decreased, processes, ticks};

const POD: &str = "11111111-2222-3333-4444-555555555555";
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Both hierarchies: how a process is put into the pod, and how its CPU time is counted.
type Hierarchy = (fn(Process) -> Process, fn(Host, u64) -> Host);
const HIERARCHIES: [Hierarchy; 2] = [
    (|p| p.in_pod(POD, CONTAINER), |h, ticks| h.pod_cpu(POD, ticks * TICK)),
    (|p| p.in_pod_v1(POD, CONTAINER), |h, ticks| h.pod_cpu_v1(POD, ticks * TICK)),
];

fn pause(process: Process) -> Process {
    process.exe("/pause").started_at(100)
}

fn monitor(process: Process) -> Process {
    let args =
        ["/usr/bin/virt-launcher-monitor", "--name", "edge-vm", "--uid", "u-1", "--namespace", "default"];
    process.exe("/usr/bin/virt-launcher-monitor").cmdline(args).started_at(200)
}

#[test]
fn what_lived_and_died_between_two_readings_is_in_exited() {
    for (join, pod) in HIERARCHIES {
        let host = pod(Host::new().process(10, |p| join(monitor(p)).cpu_ticks(100, 0)), 130);
        let mut watch = Watch::new(&host);
        let before = watch.read();
        assert_eq!(ticks(&before, "exited", "vm-pod"), 0, "what ended before we came is not ours");
        // Two hundred processes of five ticks each, of which no reading saw one.
        let after = watch.step(|h| pod(h.process(10, |p| p.cpu_ticks(103, 0)), 130 + 3 + 1_000));
        assert_eq!(ticks(&after, "virt-launcher-monitor", "vm-pod"), 103);
        assert_eq!(ticks(&after, "exited", "vm-pod"), 998, "less two ticks for the member that lives");
        assert_eq!(component(&after, "exited", "vm-pod").unwrap().now, None);
        assert_eq!(decreased(&before, &after), [""; 0]);
    }
}

#[test]
fn ticks_that_are_cut_off_are_never_taken_for_another_process() {
    let (join, pod) = HIERARCHIES[0];
    let mut watch = Watch::new(&pod(Host::new().process(10, |p| join(monitor(p)).cpu_ticks(100, 50)), 150));
    watch.read();
    for reading in 1..50 {
        // The member's cgroup is ahead of its two columns by anything below two ticks.
        let view = watch.step(|h| {
            let nanoseconds = (150 + 2 * reading) * TICK + (reading * 397) % 200 * TICK / 100;
            h.process(10, |p| p.cpu_ticks(100 + reading, 50 + reading)).pod_cpu(POD, nanoseconds)
        });
        assert_eq!(component(&view, "exited", "vm-pod"), None);
    }
}

#[test]
fn a_pod_that_is_new_is_accounted_for_from_its_beginning() {
    for (join, pod) in HIERARCHIES {
        let mut watch = Watch::new(&Host::new().process(9, |p| p.started_at(50)));
        let before = all_cpu(&watch.read());
        // An init container used 400 ticks and is gone before the first reading that shows the pod.
        watch.step(|h| pod(h.process(10, |p| join(monitor(p)).cpu_ticks(10, 0)), 412));
        let view = watch.step(|h| pod(h.process(10, |p| p.cpu_ticks(20, 0)), 422));
        assert_eq!(ticks(&view, "exited", "vm-pod"), 400);
        assert!(all_cpu(&view) - before <= 422 * TICK);
    }
}

#[test]
fn the_rest_of_members_that_end_is_taken_while_pause_is_still_there() {
    for (join, pod) in HIERARCHIES {
        let host =
            Host::new().process(10, |p| join(pause(p))).process(11, |p| join(monitor(p)).cpu_ticks(50, 0));
        let mut watch = Watch::new(&pod(host, 50));
        watch.read();
        // It used a second more, then ended; `pause` ends last.
        let view = watch.step(|h| pod(h.ended(11), 150));
        assert_eq!(ticks(&view, "exited", "vm-pod"), 98);
        let view = watch.step(|h| h.ended(10));
        assert_eq!(ticks(&view, "exited", "vm-pod"), 100, "and what was held back for `pause`");
    }
}

#[test]
fn the_rest_of_the_last_member_is_taken_when_it_ends() {
    for (join, pod) in HIERARCHIES {
        let mut watch = Watch::new(&pod(Host::new().process(10, |p| join(monitor(p)).cpu_ticks(50, 0)), 50));
        watch.read();
        let view = watch.step(|h| pod(h.ended(10), 150));
        assert_eq!(ticks(&view, "exited", "vm-pod"), 100);
        assert_eq!(view.vms, []);
    }
}

#[test]
fn a_container_that_starts_again_in_an_empty_pod_brings_nothing_back() {
    // CRI-O runs most pods without `pause`.
    for (join, pod) in HIERARCHIES {
        let mut watch =
            Watch::new(&pod(Host::new().process(10, |p| join(monitor(p)).cpu_ticks(5_000, 0)), 9_000));
        watch.read();
        let before = watch.step(|h| pod(h.ended(10), 9_010));
        assert_eq!(ticks(&before, "exited", "vm-pod"), 4_010 - 4_000);
        (0..100).for_each(|_| drop(watch.read()));
        let view =
            watch.step(|h| pod(h.process(20, |p| join(monitor(p)).started_at(9_000).cpu_ticks(7, 0)), 9_017));
        assert_eq!(ticks(&view, "virt-launcher-monitor", "vm-pod"), 5_007);
        assert_eq!(ticks(&view, "exited", "vm-pod"), 10);
        assert_eq!(decreased(&before, &view), [""; 0]);
    }
}

#[test]
fn what_children_in_a_pod_used_is_not_counted_again_where_it_is_reaped() {
    for (join, pod) in HIERARCHIES {
        let host = Host::new()
            .process(1, |p| p.exe("/usr/lib/systemd/systemd").started_at(1))
            .process(9, |p| p.exe("/usr/bin/containerd-shim-runc-v2").started_at(20))
            .process(10, |p| join(monitor(p)).parent(9).cpu_ticks(100, 0));
        let mut watch = Watch::new(&pod(host, 100));
        watch.read();
        // A child of the launcher lived and died, and then the launcher did: its time and its child's are the shim's.
        watch.step(|h| pod(h.process(10, |p| p.children_ticks(300, 0)), 400));
        let view = watch.step(|h| pod(h.ended(10), 450).process(9, |p| p.children_ticks(450, 0)));
        let pod_ticks = ticks(&view, "virt-launcher-monitor", "vm-pod") + ticks(&view, "exited", "vm-pod");
        assert_eq!(pod_ticks, 450);
        // Then the shim ends, and pid 1 has it all.
        watch.step(|h| h.ended(9).process(1, |p| p.children_ticks(450, 0)));
        let view = watch.recheck();
        let rest: u64 =
            view.components.iter().filter(|row| row.stack.name() != "vm-pod").map(|row| row.cpu.user.0).sum();
        assert_eq!(rest, 0, "nobody but the pod used anything");
        let view = watch.step(|h| h.process(1, |p| p.children_ticks(470, 0)));
        drop(view);
        (0..3).for_each(|_| drop(watch.recheck()));
        watch.host.step(|h| h.process(1, |p| p.children_ticks(500, 0)));
        assert!(
            ticks(
                &{
                    watch.recheck();
                    watch.recheck()
                },
                "exited",
                "other"
            ) >= 30,
            "later it counts again"
        );
    }
}

#[test]
fn whoever_starts_processes_in_a_pod_supervises_it_whatever_it_is_called() {
    let (join, pod) = HIERARCHIES[0];
    let host = Host::new()
        .process(9, |p| p.exe("/usr/local/bin/my-runtime").started_at(20))
        .process(10, |p| join(monitor(p)).parent(9).cpu_ticks(100, 0))
        .process(11, |p| join(pause(p)).parent(9));
    let mut watch = Watch::new(&pod(host, 100));
    watch.recheck();
    watch.host.step(|h| pod(h.ended(10), 600).process(9, |p| p.children_ticks(600, 0)));
    watch.recheck();
    let view = watch.recheck();
    assert_eq!(ticks(&view, "exited", "other"), 0);
    assert_eq!(ticks(&view, "exited", "vm-pod"), 498);
}

#[test]
fn without_the_pods_cgroup_the_parents_in_it_count() {
    let (join, _) = HIERARCHIES[0];
    let host = Host::new().process(10, |p| join(monitor(p)).cpu_ticks(100, 0));
    let mut watch = Watch::new(&host);
    watch.read();
    let view = watch.step(|h| h.process(10, |p| p.children_ticks(60, 40)));
    assert_eq!(ticks(&view, "exited", "vm-pod"), 100);
}

#[test]
fn a_pod_that_is_not_kubevirts_has_its_time_from_the_parents_in_it() {
    let (join, pod) = HIERARCHIES[0];
    let host = Host::new().process(10, |p| join(p.exe("/usr/bin/nginx").started_at(100)));
    let mut watch = Watch::new(&pod(host, 0));
    watch.read();
    let view = watch.step(|h| pod(h.process(10, |p| p.children_ticks(100, 0)), 100));
    assert_eq!(ticks(&view, "exited", "other"), 100);
    assert_eq!(processes(&view, "other", "other"), 1);
}
