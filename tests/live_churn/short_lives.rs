//! Two hundred processes of 50 ms CPU time each between two scrapes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use edgebench_tests::alone::alone;
use edgebench_tests::binaries;
use edgebench_tests::exporter::Exporter;
use edgebench_tests::exposition::Exposition;
use edgebench_tests::pod::Pod;

const TIMES: u32 = 200;
const BURN_MS: u32 = 50;

/// A process that starts and reaps all the others.
struct Parent {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Parent {
    fn start(dir: &Path, name: &str) -> Parent {
        for name in [name, "virt-launcher"] {
            fs::copy(binaries::stand_in(), dir.join(name)).unwrap();
        }
        let settings = format!(
            "--spawn {} --times {TIMES} --burn {BURN_MS} --over 12000",
            dir.join("virt-launcher").display()
        );
        let mut child = Command::new(dir.join(name))
            .env("STAND_IN", settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut parent = Parent { stdin, stdout: BufReader::new(child.stdout.take().unwrap()), child };
        assert_eq!(parent.line(), "ready\n");
        parent
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Lets it start them, and says how many seconds of CPU time they had when they were waited for.
    fn go(&mut self) -> f64 {
        writeln!(self.stdin, "go").unwrap();
        let line = self.line();
        let ticks: f64 =
            line.strip_prefix("reaped ").and_then(|ticks| ticks.trim().parse().ok()).expect(&line);
        ticks / rustix::param::clock_ticks_per_second() as f64
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What they used, as counted: by those that were seen, and in `exited` of a stack.
fn counted(exposition: &Exposition, stack: &str) -> f64 {
    let cpu = |labels: &[(&str, &str)]| {
        exposition.sum("edgebench_component_cpu_seconds_total", labels).unwrap_or(0.0)
    };
    cpu(&[("component", "virt-launcher")]) + cpu(&[("component", "exited"), ("stack", stack)])
}

/// Of what was waited for at least 99 %, and not more than there was.
fn assert_counted(counted: f64, waited_for: f64) {
    assert!(waited_for >= 0.98 * f64::from(TIMES * BURN_MS) / 1000.0, "{waited_for} s");
    assert!(counted >= 0.99 * waited_for, "{counted} s of {waited_for} s are counted");
    assert!(counted <= 1.005 * waited_for, "{counted} s are counted, there were {waited_for} s");
}

#[test]
#[ignore = "live: burns ten seconds of CPU time"]
fn in_a_pods_cgroup_their_cpu_time_is_in_the_stack() {
    if !alone("short_lives::in_a_pods_cgroup_their_cpu_time_is_in_the_stack") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pod = Pod::new("11111111-2222-3333-4444-555555555555");
    let container = pod.container(1);
    let mut parent = Parent::start(dir.path(), "virt-launcher-monitor");
    container.add(parent.child.id());
    let exporter = Exporter::start(&["--discovery=list", "--path.sysfs", pod.sysfs().to_str().unwrap()]);
    // Its name makes it the launcher's pod.
    let before = exporter.scrape();
    assert_eq!(before.value("edgebench_component_processes", &[("component", "virt-launcher-monitor")]), 1.0);
    let waited_for = parent.go();
    let after = exporter.scrape();
    assert_counted(counted(&after, "vm-pod") - counted(&before, "vm-pod"), waited_for);
    drop(parent);
    drop(exporter);
}

#[test]
#[ignore = "live: burns ten seconds of CPU time"]
fn outside_of_pods_a_tracked_parents_children_are_in_its_stack() {
    if !alone("short_lives::outside_of_pods_a_tracked_parents_children_are_in_its_stack") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Parent::start(dir.path(), "virt-launcher-monitor");
    let exporter = Exporter::start(&["--discovery=list"]);
    let before = exporter.scrape();
    let waited_for = parent.go();
    let after = exporter.scrape();
    assert_counted(counted(&after, "vm-pod") - counted(&before, "vm-pod"), waited_for);
}

#[test]
#[ignore = "live: burns ten seconds of CPU time"]
fn any_other_parents_children_are_in_its_stack_within_the_recheck() {
    if !alone("short_lives::any_other_parents_children_are_in_its_stack_within_the_recheck") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Parent::start(dir.path(), "my-service");
    let exporter = Exporter::start(&["--discovery=list", "--discovery.recheck=1s"]);
    let before = exporter.scrape();
    let waited_for = parent.go();
    let due = counted(&before, "other") + 0.99 * waited_for;
    let after = exporter.scrape_until("all of it is counted", |now| counted(now, "other") >= due);
    assert_counted(counted(&after, "other") - counted(&before, "other"), waited_for);
    (0..5).for_each(|_| drop(exporter.scrape()));
    let later = exporter.scrape();
    assert_counted(counted(&later, "other") - counted(&before, "other"), waited_for);
}

#[test]
#[ignore = "live: burns ten seconds of CPU time"]
fn scraped_all_the_while_they_are_counted_once() {
    if !alone("short_lives::scraped_all_the_while_they_are_counted_once") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Parent::start(dir.path(), "virt-launcher-monitor");
    let exporter = Exporter::start(&["--discovery=list"]);
    let before = exporter.scrape();
    let waited_for = std::thread::scope(|scope| {
        let waited_for = scope.spawn(|| parent.go());
        while !waited_for.is_finished() {
            exporter.scrape();
        }
        waited_for.join().unwrap()
    });
    exporter.scrape();
    let after = exporter.scrape();
    assert_counted(counted(&after, "vm-pod") - counted(&before, "vm-pod"), waited_for);
}

/// The kernel's events come only in the first pid namespace, so these two are not alone on the machine: nobody else
/// has these names.
#[test]
#[ignore = "live: burns ten seconds of CPU time, and needs CAP_NET_ADMIN in the first network namespace"]
fn by_the_kernels_events_they_are_in_the_stack_of_their_parent() {
    let dir = tempfile::tempdir().unwrap();
    let mut parent = Parent::start(dir.path(), "virt-launcher-monitor");
    let exporter = Exporter::start(&["--discovery=events"]);
    let before = exporter.scrape();
    assert_eq!(before.value("edgebench_discovery_info", &[("mode", "events")]), 1.0);
    let waited_for = parent.go();
    let after = exporter.scrape();
    assert_counted(counted(&after, "vm-pod") - counted(&before, "vm-pod"), waited_for);
}

#[test]
#[ignore = "live: burns ten seconds of CPU time, and needs CAP_NET_ADMIN in the first network namespace"]
fn by_the_kernels_events_any_other_parents_children_are_counted_at_once_and_once() {
    let dir = tempfile::tempdir().unwrap();
    // Its stack is nobody else's on this machine, and read in turn.
    let mut parent = Parent::start(dir.path(), "kubelet");
    let exporter = Exporter::start(&["--discovery=events"]);
    let before = exporter.scrape();
    let waited_for = std::thread::scope(|scope| {
        let waited_for = scope.spawn(|| parent.go());
        while !waited_for.is_finished() {
            exporter.scrape();
        }
        waited_for.join().unwrap()
    });
    exporter.scrape();
    let after = exporter.scrape();
    assert_counted(counted(&after, "kubernetes") - counted(&before, "kubernetes"), waited_for);
}

#[test]
#[ignore = "live: burns ten seconds of CPU time, and needs CAP_NET_ADMIN in the first network namespace"]
fn by_the_kernels_events_a_pods_short_lives_are_counted_by_its_cgroup_alone() {
    let dir = tempfile::tempdir().unwrap();
    let pod = Pod::new("11111111-2222-3333-4444-666666666666");
    let container = pod.container(1);
    let mut parent = Parent::start(dir.path(), "virt-launcher-monitor");
    container.add(parent.child.id());
    let exporter = Exporter::start(&["--discovery=events", "--path.sysfs", pod.sysfs().to_str().unwrap()]);
    let before = exporter.scrape();
    let waited_for = parent.go();
    let after = exporter.scrape();
    assert_counted(counted(&after, "vm-pod") - counted(&before, "vm-pod"), waited_for);
    drop(parent);
    drop(exporter);
}
