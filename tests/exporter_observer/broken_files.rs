//! A file that is not what the kernel documents costs the figures that rest on it, and nothing else.

use std::os::unix::fs::PermissionsExt;

use edgebench_exporter::view::View;
use edgebench_tests::{Host, Process};

use crate::watch::{Watch, component, decreased, errors, processes, success, ticks, vmi};

const POD: &str = "11111111-2222-3333-4444-555555555555";
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// All that `status` of a zombie says that anybody reads.
const STATUS: &str = "Uid:\t0\t0\t0\t0\nThreads:\t1\nCapEff:\t000001ffffffffff\n\
                      voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n";

fn handler(process: Process) -> Process {
    process.exe("/usr/bin/virt-handler").anon_kib(40_000).cpu_ticks(100, 0)
}

fn monitor(process: Process) -> Process {
    let args =
        ["/usr/bin/virt-launcher-monitor", "--name", "edge-vm", "--uid", "u-1", "--namespace", "default"];
    process.exe("/usr/bin/virt-launcher-monitor").cmdline(args).in_pod(POD, CONTAINER)
}

fn host() -> Host {
    let memory = "sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/\
                  kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice";
    let compute = format!("{memory}/cri-containerd-{CONTAINER}.scope");
    Host::new()
        .process(1, |p| p.exe("/sbin/init").started_at(1).cpu_ticks(5, 5))
        .process(10, handler)
        .process(11, |p| p.exe("/usr/bin/dash"))
        .process(12, monitor)
        .pod_cpu(POD, 0)
        .file(&format!("{compute}/memory.current"), "1000000\n")
        .file(&format!("{compute}/memory.stat"), "anon 5\nfile 400000\ninactive_file 400000\nshmem 0\n")
        .file(&format!("{compute}/memory.max"), "max\n")
        .file(&format!("{compute}/memory.events"), "oom_kill 0\n")
}

/// What a view says beside components, VMIs, and the node.
fn present(view: &View) -> [bool; 5] {
    [
        view.node_cpu.is_some(),
        view.node_memory.is_some(),
        !view.pressure.is_empty(),
        !view.components.is_empty(),
        !view.vms.is_empty(),
    ]
}

fn failed(view: &View) -> Vec<&'static str> {
    view.collectors.iter().filter(|health| !health.success).map(|health| health.collector).collect()
}

/// Breaks a file for one reading, and says what was missing then and what had failed.
fn broken(path: &str) -> ([bool; 5], Vec<&'static str>) {
    let mut watch = Watch::new(&host());
    let before = watch.read();
    assert_eq!((present(&before), failed(&before)), ([true; 5], vec![]));
    let good = watch.host.read(path);
    let during = watch.step(|h| h.file(path, "what is this?\n"));
    let after = watch.step(|h| h.file(path, good));
    assert_eq!((present(&after), failed(&after)), ([true; 5], vec![]), "it comes back");
    assert_eq!(decreased(&before, &after), [""; 0]);
    (present(&during), failed(&during))
}

#[test]
fn each_file_takes_its_own_families_along_for_as_long_as_it_is_broken() {
    assert_eq!(broken("proc/stat"), ([false, true, true, true, true], vec!["cpu"]));
    assert_eq!(broken("proc/meminfo"), ([true, false, true, true, true], vec!["memory"]));
    assert_eq!(broken("proc/pressure/memory"), ([true, true, false, true, true], vec!["pressure"]));
    // A component's figures are sums: with a part that is unknown none of them can be told.
    assert_eq!(broken("proc/10/stat"), ([true, true, true, false, true], vec!["component"]));
    assert_eq!(broken("proc/10/statm"), ([true, true, true, false, true], vec!["component"]));
    assert_eq!(broken("proc/10/status"), ([true, true, true, false, true], vec!["component"]));
    // This one is in the VMI's pod.
    assert_eq!(broken("proc/12/stat"), ([true, true, true, false, false], vec!["component"]));
}

#[test]
fn a_broken_file_of_traffic_or_threads_leaves_the_rest_of_the_component() {
    for (path, collector) in [("proc/10/io", "io"), ("proc/10/task/10/schedstat", "thread")] {
        let mut watch = Watch::new(&host());
        watch.read();
        let good = watch.host.read(path);
        let view = watch.step(|h| h.file(path, "?\n"));
        assert_eq!((failed(&view), errors(&view, collector, "malformed")), (vec![collector], 1));
        let now = component(&view, "virt-handler", "kubevirt").unwrap().now.clone().unwrap();
        assert_eq!(
            (now.read.is_some(), now.run_queue_wait.is_some()),
            (collector != "io", collector != "thread")
        );
        let view = watch.step(|h| h.file(path, good));
        let now = component(&view, "virt-handler", "kubevirt").unwrap().now.clone().unwrap();
        assert!(now.read.is_some() && now.run_queue_wait.is_some() && success(&view, collector));
    }
}

#[test]
fn threads_that_were_read_before_a_broken_one_keep_what_they_waited() {
    let mut watch = Watch::new(&Host::new().process(10, |p| handler(p).thread(14, "worker", 0, 0, 0)));
    let waited = |view: &View| {
        component(view, "virt-handler", "kubevirt").unwrap().now.clone().unwrap().run_queue_wait
    };
    let before = waited(&watch.read()).unwrap();
    let view = watch.step(|h| {
        h.process(10, |p| p.cpu_ticks(110, 0).waited_ns(5_000_000)).file("proc/10/task/14/schedstat", "?\n")
    });
    assert_eq!((failed(&view), waited(&view)), (vec!["thread"], None));
    let view = watch.step(|h| h.process(10, |p| p.cpu_ticks(120, 0)));
    assert_eq!(waited(&view).map(|now| now.0 - before.0), Some(5_000_000));
}

#[test]
fn what_is_broken_of_one_process_does_not_hide_what_is_broken_of_another() {
    let mut watch = Watch::new(&host());
    watch.read();
    let good = watch.host.read("proc/10/io");
    let view = watch.step(|h| h.file("proc/10/io", "?\n").file("proc/12/io", "?\n"));
    assert_eq!(failed(&view), ["io"]);
    let view = watch.step(|h| h.file("proc/10/io", good));
    assert_eq!(failed(&view), ["io"], "the other one's is still broken");
}

#[test]
fn what_is_broken_of_an_idle_process_stays_broken() {
    for (path, collector) in [("proc/10/io", "io"), ("proc/10/task/10/schedstat", "thread")] {
        let mut watch = Watch::new(&host());
        watch.read();
        assert_eq!(failed(&watch.step(|h| h.file(path, "?\n"))), [collector]);
        assert_eq!(failed(&watch.step(|h| h)), [collector], "though it did nothing meanwhile");
    }
}

#[test]
fn a_broken_cgroup_leaves_the_vmi() {
    let dir = "sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/\
               kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice";
    for file in [format!("{dir}/cpu.stat"), format!("{dir}/cri-containerd-{CONTAINER}.scope/memory.stat")] {
        let mut watch = Watch::new(&host());
        let before = watch.read();
        assert_eq!(
            vmi(&before, "default", "edge-vm").unwrap().working_set.map(|bytes| bytes.0),
            Some(600_000)
        );
        let good = watch.host.read(&file);
        let view = watch.step(|h| h.file(&file, "?\n"));
        assert_eq!((failed(&view), view.vms.len()), (vec!["cgroup"], 1), "{file}");
        let view = watch.step(|h| h.file(&file, good).pod_cpu(POD, 10_000_000_000));
        assert_eq!(failed(&view), [""; 0]);
        assert!(ticks(&view, "exited", "vm-pod") >= 990, "what was used meanwhile is found");
    }
}

#[test]
fn who_was_new_while_a_file_was_broken_is_found_as_soon_as_it_is_not() {
    let mut watch = Watch::new(&host());
    watch.read();
    let view = watch.step(|h| {
        let h = h.process(20, |p| handler(p).started_at(9_000).cpu_ticks(7, 0).file("status", "?\n"));
        h.process(21, |p| p.exe("/usr/bin/virt-api").started_at(9_000).cpu_ticks(9, 0))
    });
    assert_eq!(failed(&view), ["component"]);
    watch.host.step(|h| h.process(20, |p| p.cpu_ticks(8, 0).status(STATUS)));
    let view = watch.read_without_a_fork();
    assert_eq!(failed(&view), [""; 0]);
    assert_eq!(
        (processes(&view, "virt-handler", "kubevirt"), ticks(&view, "virt-handler", "kubevirt")),
        (2, 108)
    );
    assert_eq!((processes(&view, "virt-api", "kubevirt"), ticks(&view, "virt-api", "kubevirt")), (1, 9));
}

#[test]
fn a_file_that_is_broken_from_the_start_makes_nothing_count_twice_later() {
    let host = host().process(10, |p| p.children_ticks(5_000, 0).file("stat", "?\n"));
    let mut watch = Watch::new(&host);
    assert_eq!(failed(&watch.read()), ["component"]);
    watch.host.step(|h| h.ended(10).process(10, |p| handler(p).children_ticks(5_000, 0)));
    let view = watch.recheck();
    assert_eq!(ticks(&view, "virt-handler", "kubevirt"), 100);
    assert_eq!(ticks(&view, "exited", "kubevirt"), 0);
}

#[test]
fn a_file_that_is_not_there_is_a_process_that_ended() {
    for file in ["stat", "statm", "status", "cgroup"] {
        let mut watch = Watch::new(&host());
        watch.read();
        let view = watch.step(|h| h.process(20, |p| handler(p).started_at(9_000).without(file)));
        assert_eq!(failed(&view), [""; 0], "{file}");
        assert_eq!(processes(&view, "virt-handler", "kubevirt"), 1, "{file}");
    }
}

#[test]
fn a_zombie_has_a_name_and_no_memory() {
    let mut watch = Watch::new(&host());
    watch.read();
    let view = watch.step(|h| {
        h.process(10, |p| {
            p.comm("virt-handler").state('Z').statm("0 0 0 0 0 0 0\n").status(STATUS).without_exe()
        })
    });
    let now = component(&view, "virt-handler", "kubevirt").unwrap().now.clone().unwrap();
    assert_eq!((now.processes, now.resident.0, now.anonymous.0), (1, 0, 0));
    assert_eq!(failed(&view), [""; 0]);
}

#[test]
fn a_failing_step_says_when_it_last_succeeded() {
    let mut watch = Watch::new(&host());
    let last = |view: &View| {
        view.collectors.iter().find(|health| health.collector == "component").unwrap().last_success.unwrap()
    };
    let good = watch.read();
    let bad = watch.step(|h| h.file("proc/10/stat", "?\n"));
    assert_eq!(last(&good), last(&bad));
    assert_eq!(last(&bad), good.taken);
    assert!(bad.taken > good.taken);
}

#[test]
fn a_host_without_pressure_and_zones_has_no_such_figures_and_no_error() {
    let host = host().without("proc/pressure").without("proc/zoneinfo");
    let view = Watch::new(&host).read();
    assert_eq!((present(&view), failed(&view)), ([true, true, false, true, true], vec![]));
}

#[test]
fn a_directory_of_proc_that_may_not_be_entered_is_nobodys() {
    // Root may enter it all the same; what is denied is tested live, as another user.
    let host = host();
    let mode = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(host.proc.join("11"), mode).unwrap();
    let view = Watch::new(&host).read();
    assert_eq!(failed(&view), [""; 0]);
}
