//! Who is found, and when: births, deaths, exec, rename, numbers in use again.

use edgebench_exporter::observer::Settings;
use edgebench_sampler::classify::Trust;
use edgebench_tests::{Host, Process};

use crate::watch::{Watch, decreased, processes, ticks};

const POD: &str = "11111111-2222-3333-4444-555555555555";
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn handler(process: Process) -> Process {
    process.exe("/usr/bin/virt-handler").anon_kib(40_000)
}

fn runc_init(process: Process) -> Process {
    process.exe("/usr/bin/runc").comm("runc:[2:INIT]").cmdline(["runc", "init"])
}

fn shell(process: Process) -> Process {
    process.exe("/usr/bin/dash").cmdline(["sh", "-c", "wait"])
}

#[test]
fn all_that_processes_used_before_the_first_reading_counts() {
    let host = Host::new()
        .process(10, |p| handler(p).cpu_ticks(900, 100).major_faults(7).io_bytes(4096, 8192))
        .process(11, |p| shell(p).cpu_ticks(50, 0).children_ticks(70_000, 0));
    let view = Watch::new(&host).read();
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 1_000);
    assert_eq!(ticks(&view, "other", "other"), 50);
    assert_eq!(ticks(&view, "exited", "other"), 0, "what its children used was before our time");
    let now = view.components[0].now.clone().unwrap();
    assert_eq!((now.major_faults, now.read.unwrap().0, now.written.unwrap().0), (7, 4096, 8192));
}

#[test]
fn a_process_that_is_born_counts_from_its_birth() {
    let mut watch = Watch::new(&Host::new().process(10, |p| shell(p).started_at(100)));
    watch.read();
    let view = watch.step(|h| h.process(11, |p| handler(p).started_at(2_000).cpu_ticks(40, 2)));
    assert_eq!(
        (processes(&view, "virt-handler", "kubevirt"), ticks(&view, "virt-handler", "kubevirt")),
        (1, 42)
    );
}

#[test]
fn a_process_that_was_overlooked_counts_from_first_sight() {
    // It is older than one that was there before: it was hidden, and all it did was not done now.
    let mut watch = Watch::new(&Host::new().process(10, |p| shell(p).started_at(5_000)));
    watch.read();
    let view = watch.step(|h| h.process(11, |p| handler(p).started_at(2_000).cpu_ticks(900, 0)));
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 0);
    let view = watch.step(|h| h.process(11, |p| p.cpu_ticks(903, 0)));
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 3);
}

#[test]
fn an_exec_in_a_pod_is_seen_at_the_next_reading_however_old_the_process_is() {
    let mut watch = Watch::new(&Host::new().process(10, |p| runc_init(p).in_pod(POD, CONTAINER)));
    let before = watch.recheck();
    assert_eq!(processes(&before, "virt-handler", "kubevirt"), 0);
    let view = watch.step(|h| {
        h.process(10, |p| handler(p).comm("virt-handler").cmdline(["virt-handler"]).cpu_ticks(5, 0))
    });
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 1);
    assert_eq!(decreased(&before, &view), [""; 0]);
    let view = watch.step(|h| h.process(10, |p| p.cpu_ticks(12, 0)));
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 7, "what it used before the exec is runc's");
}

#[test]
fn an_exec_of_a_young_process_outside_of_pods_is_seen_at_the_next_reading() {
    for readings in 1..=2 {
        let mut watch = Watch::new(&Host::new().process(9, |p| shell(p).started_at(100)));
        watch.read();
        watch.host.step(|h| h.process(10, |p| runc_init(p).started_at(2_000)));
        for _ in 0..readings {
            assert_eq!(processes(&watch.read(), "runc", "kubernetes"), 1);
        }
        let view =
            watch.step(|h| h.process(10, |p| handler(p).comm("virt-handler").cmdline(["virt-handler"])));
        assert_eq!(processes(&view, "virt-handler", "kubevirt"), 1, "after {readings} readings");
        assert_eq!(processes(&view, "runc", "kubernetes"), 0);
    }
}

#[test]
fn an_exec_of_an_older_process_is_seen_within_the_recheck() {
    let mut host = Host::new();
    for pid in 10..60 {
        host = host.process(pid, shell);
    }
    let mut watch = Watch::new(&host);
    watch.recheck();
    // Wherever it stands in the turn.
    for pid in [10, 31, 59] {
        watch.host.step(|h| h.process(pid, |p| handler(p).comm("virt-handler").cmdline(["virt-handler"])));
    }
    let view = watch.recheck();
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 3);
    assert_eq!(processes(&view, "other", "other"), 47);
}

#[test]
fn a_tracked_process_that_becomes_something_else_is_tracked_no_more() {
    let mut watch = Watch::new(&Host::new().process(10, |p| handler(p).cpu_ticks(100, 0)));
    let before = watch.read();
    let view = watch.step(|h| h.process(10, |p| shell(p).comm("sh").cpu_ticks(104, 0)));
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 0);
    assert_eq!(processes(&view, "other", "other"), 1);
    assert_eq!(decreased(&before, &view), [""; 0]);
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 104, "until it was seen to be another");
}

#[test]
fn a_rename_alone_makes_no_other_of_it() {
    let mut watch = Watch::new(&Host::new().process(10, handler).process(11, shell));
    watch.read();
    watch.host.step(|h| h.process(10, |p| p.comm("worker")));
    let view = watch.read();
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 1, "its binary outweighs its name");
    watch.host.step(|h| h.process(11, |p| p.comm("virt-api")));
    let view = watch.recheck();
    assert_eq!(processes(&view, "virt-api", "kubevirt"), 1, "nothing else says what it is");
    assert_eq!(view.discovery.names_outside_pods, 2);
}

#[test]
fn a_fork_without_exec_is_what_its_parent_is() {
    let mut watch = Watch::new(&Host::new().process(10, |p| handler(p).started_at(100)));
    watch.read();
    let view = watch.step(|h| h.process(11, |p| handler(p).parent(10).started_at(2_000).cpu_ticks(3, 0)));
    assert_eq!(
        (processes(&view, "virt-handler", "kubevirt"), ticks(&view, "virt-handler", "kubevirt")),
        (2, 3)
    );
}

#[test]
fn a_number_in_use_again_is_another_process() {
    // Kept open, read at every reading, and swept.
    type Kind = fn(Process) -> Process;
    let kinds: [(Kind, &str, &str); 3] = [
        (handler, "virt-handler", "kubevirt"),
        (|p| shell(p).in_pod(POD, CONTAINER), "other", "other"),
        (shell, "other", "other"),
    ];
    for (kind, name, stack) in kinds {
        let mut watch = Watch::new(&Host::new().process(10, |p| kind(p).started_at(100).cpu_ticks(500, 0)));
        let before = watch.read();
        assert_eq!(ticks(&before, name, stack), 500);
        // The successor has the same name, and has used less, more, and as much.
        let mut counted = 500;
        for (start, used) in [(5_000, 20), (6_000, 700), (7_000, 700)] {
            let view =
                watch.step(|h| h.ended(10).process(10, |p| kind(p).started_at(start).cpu_ticks(used, 0)));
            counted += used;
            assert_eq!((processes(&view, name, stack), ticks(&view, name, stack)), (1, counted), "{name}");
        }
        let view = watch.step(|h| {
            h.ended(10).process(10, |p| p.exe("/usr/bin/virt-api").started_at(8_000).cpu_ticks(1, 0))
        });
        assert_eq!((processes(&view, name, stack), ticks(&view, name, stack)), (0, counted));
        assert_eq!((processes(&view, "virt-api", "kubevirt"), ticks(&view, "virt-api", "kubevirt")), (1, 1));
    }
}

#[test]
fn a_process_whose_directory_got_another_inode_number_is_the_same() {
    // The kernel forgets them under memory pressure.
    let host = Host::new().process(10, |p| shell(p).cpu_ticks(500, 0).started_at(100));
    let mut watch = Watch::new(&host);
    watch.read();
    let view = watch.step(|h| h.ended(10).process(10, |p| shell(p).cpu_ticks(510, 0).started_at(100)));
    assert_eq!(processes(&view, "other", "other"), 1);
    assert_eq!(ticks(&watch.recheck(), "other", "other"), 510);
}

#[test]
fn a_process_that_ended_is_gone_and_what_it_used_stays() {
    let host = Host::new().process(10, |p| handler(p).cpu_ticks(500, 0)).process(11, handler);
    let mut watch = Watch::new(&host);
    let before = watch.read();
    let view = watch.step(|h| h.ended(10));
    assert_eq!(
        (processes(&view, "virt-handler", "kubevirt"), ticks(&view, "virt-handler", "kubevirt")),
        (1, 500)
    );
    let view = watch.step(|h| h.ended(11));
    let now =
        view.components.iter().find(|row| row.component == "virt-handler").unwrap().now.clone().unwrap();
    assert_eq!(
        (now.processes, now.threads, now.resident.0, now.anonymous.0, now.oldest_start),
        (0, 0, 0, 0, None)
    );
    assert_eq!(decreased(&before, &view), [""; 0], "a component that has no process left keeps its row");
}

#[test]
fn the_oldest_process_is_found_again_when_it_ends() {
    let host = Host::new();
    let host = [(10, 700), (11, 300), (12, 500)]
        .into_iter()
        .fold(host, |host, (pid, start)| host.process(pid, |p| handler(p).started_at(start)));
    let mut watch = Watch::new(&host);
    let oldest =
        |view: &edgebench_exporter::view::View| view.components[0].now.clone().unwrap().oldest_start.unwrap();
    let first = oldest(&watch.read());
    let second = oldest(&watch.step(|h| h.ended(11)));
    assert!((second - first - 2.0).abs() < 1e-6, "300 ticks, then 500: {first}, {second}");
}

#[test]
fn nobody_is_listed_while_nobody_forks() {
    let host = Host::new().process(10, handler).process(11, shell);
    let mut watch = Watch::new(&host);
    assert_eq!(watch.read().discovery.listings, 1);
    assert_eq!(watch.read_without_a_fork().discovery.listings, 1);
    assert_eq!(watch.read().discovery.listings, 2);
    (0..2).for_each(|_| drop(watch.read_without_a_fork()));
    let listings = watch.read_without_a_fork().discovery.listings;
    assert_eq!(listings, 2, "less than a minute ago");
    assert_eq!(watch.read_without_a_fork().discovery.listings, 3, "within the recheck everybody is listed");
}

#[test]
fn who_is_known_is_not_looked_at_again() {
    let mut host = Host::new();
    for pid in 10..40 {
        host = host.process(pid, shell);
    }
    let mut watch = Watch::new(&host.process(40, handler));
    assert_eq!(watch.read().discovery.looks, 31);
    assert_eq!(watch.recheck().discovery.looks, 31);
    let view = watch.step(|h| h.process(50, |p| shell(p).started_at(9_000)));
    assert_eq!((view.discovery.looks, view.discovery.processes), (32, 32));
}

#[test]
fn a_worker_of_the_kernel_that_says_what_it_does_is_not_looked_at_again() {
    let host = Host::new()
        .process(10, |p| p.kernel_thread("kworker/0:1-mm"))
        .process(11, |p| p.kernel_thread("kthread"));
    let mut watch = Watch::new(&host);
    assert_eq!(processes(&watch.read(), "kernel-threads", "other"), 2);
    watch.host.step(|h| h.process(10, |p| p.comm("kworker/0:1-ev")));
    assert_eq!(watch.recheck().discovery.looks, 2);
}

#[test]
fn names_are_believed_in_pods_only_where_that_is_asked_for() {
    let host = Host::new()
        .process(10, handler)
        .process(11, |p| handler(p).in_pod(POD, CONTAINER))
        .process(12, shell);
    let mut watch = Watch::with(&host, |settings| Settings { trust: Trust::Pod, ..settings });
    let view = watch.read();
    assert_eq!((processes(&view, "virt-handler", "kubevirt"), processes(&view, "other", "other")), (1, 2));
    assert_eq!(view.discovery.names_outside_pods, 1);
    let view = watch.step(|h| h.ended(10));
    assert_eq!(watch.recheck().discovery.names_outside_pods, 0);
    assert_eq!(processes(&view, "virt-handler", "kubevirt"), 1);
}

#[test]
fn too_few_descriptors_make_a_sum_absent_never_partial() {
    let host =
        Host::new().process(10, handler).process(11, handler).process(12, |p| p.exe("/usr/bin/virt-api"));
    let mut watch = Watch::with(&host, |settings| Settings { descriptors: 6, ..settings });
    let view = watch.read();
    let now =
        |name: &str| view.components.iter().find(|row| row.component == name).unwrap().now.clone().unwrap();
    assert_eq!((now("virt-handler").processes, now("virt-handler").read), (2, None));
    assert_eq!(now("virt-handler").resident.0, 80_000 << 10, "the table knows what it holds");
    assert_eq!(crate::watch::errors(&view, "component", "too_many_open_files"), 2);
    watch.host.step(|h| h.ended(10).ended(12));
    let view = watch.recheck();
    let now =
        view.components.iter().find(|row| row.component == "virt-handler").unwrap().now.clone().unwrap();
    assert!(now.read.is_some(), "once there are descriptors again it is kept open");
}
