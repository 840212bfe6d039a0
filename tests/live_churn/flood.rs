//! A thousand births and deaths a second, for a minute; and by the kernel's events, with some of them lost.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use edgebench_sampler::parse::pid_stat;
use edgebench_tests::alone::alone;
use edgebench_tests::exporter::Exporter;
use edgebench_tests::exposition::Exposition;

/// A shell under another name that forks, and waits, over and over; every fork is a process of that name.
fn flood(dir: &std::path::Path, name: &str) -> Child {
    fs::copy("/bin/sh", dir.join(name)).unwrap();
    // It ends by itself once its file is gone, so that it has waited for all of its children.
    let script = "while [ -e \"$0\" ]; do ( : ); ( : ); ( : ); ( : ); sleep 0.002; done";
    Command::new(dir.join(name))
        .args(["-c", script])
        .arg(dir.join(name))
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn forks() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap();
    stat.lines().find_map(|line| line.strip_prefix("processes ")).unwrap().parse().unwrap()
}

/// Every counter that is below what it was, or gone.
fn decreased(before: &Exposition, after: &Exposition) -> Vec<String> {
    let now = after.series();
    let counters = |(series, then): (edgebench_tests::exposition::Series, f64)| {
        if !series.0.ends_with("_total") {
            return None;
        }
        let value = now.get(&series).copied();
        (value.is_none_or(|value| value < then)).then(|| format!("{series:?}: {then}, then {value:?}"))
    };
    before.series().into_iter().filter_map(counters).collect()
}

/// No counter is below what it was, sums are those of their parts, and every step succeeded.
fn assert_closes(before: &Exposition, now: &Exposition) {
    assert_eq!(decreased(before, now), [""; 0]);
    let sum = |name: &str| now.sum(name, &[]).unwrap();
    let parts = sum("edgebench_node_memory_anonymous_bytes")
        + sum("edgebench_node_memory_kernel_bytes")
        + sum("edgebench_node_memory_unexplained_bytes")
        + now.sum("edgebench_node_memory_hugetlb_used_bytes", &[]).unwrap_or(0.0);
    assert_eq!(parts, sum("edgebench_node_memory_used_bytes"), "the parts of RAM used");
    assert_eq!(
        sum("edgebench_component_processes"),
        sum("edgebench_discovery_processes"),
        "every process has a component"
    );
    let steps = now.series().into_iter().filter(|(series, _)| series.0 == "edgebench_collector_success");
    assert!(steps.into_iter().all(|(_, success)| success == 1.0));
}

fn errors(exposition: &Exposition) -> BTreeMap<String, u64> {
    let all = exposition.series().into_iter();
    let errors = all.filter(|(series, _)| series.0 == "edgebench_collector_errors_total");
    errors.map(|(series, count)| (format!("{series:?}"), count as u64)).collect()
}

#[test]
#[ignore = "live: forks a thousand times a second for a minute"]
fn counters_are_monotonic_sums_close_and_nothing_grows() {
    if !alone("flood::counters_are_monotonic_sums_close_and_nothing_grows") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let exporter = Exporter::start(&["--discovery=list"]);
    let quiet = exporter.scrape();
    // Kept open, and swept.
    let names = ["virt-handler", "my-service"];
    let floods = names.map(|name| flood(dir.path(), name));
    let mut warm = None;
    let mut before = exporter.scrape();
    let (begin, born) = (Instant::now(), forks());
    while begin.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(700));
        let now = exporter.scrape();
        assert_closes(&before, &now);
        assert_eq!(errors(&now), errors(&quiet));
        if begin.elapsed() > Duration::from_secs(15) && warm.is_none() {
            warm = Some(now.value("process_resident_memory_bytes", &[]));
        }
        before = now;
    }
    let births = forks() - born;
    assert!(births >= 60_000, "only {births} births: is the machine busy?");
    for (name, mut flood) in names.into_iter().zip(floods) {
        fs::remove_file(dir.path().join(name)).unwrap();
        assert!(flood.wait().unwrap().success());
    }
    exporter.scrape_until("nobody is left", |now| {
        now.value("edgebench_discovery_processes", &[]) <= quiet.value("edgebench_discovery_processes", &[])
    });
    // Its own files are counted when it has used a tick of CPU time, and before those of who ended are closed.
    let fds = |exposition: &Exposition| exposition.value("process_open_fds", &[]);
    let after = exporter.scrape_until("no more files are open than were", |now| fds(now) <= fds(&quiet));
    let (warm, resident) = (warm.unwrap(), after.value("process_resident_memory_bytes", &[]));
    assert!(resident <= warm + f64::from(512 << 10), "{resident} bytes are resident, {warm} were at first");
}

/// CPU time in seconds that a process and those it waited for have used.
fn used_by_family(pid: u32) -> f64 {
    let text = fs::read(format!("/proc/{pid}/stat")).unwrap();
    let stat = pid_stat::parse(&text).unwrap();
    let ticks = stat.user + stat.system + stat.children_user + stat.children_system;
    ticks.0 as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// The kernel's events come only in the first pid namespace, so it is not alone on the machine: who floods has a name
/// that nobody else has.
#[test]
#[ignore = "live: forks a thousand times a second, and needs CAP_NET_ADMIN in the first network namespace"]
fn by_the_kernels_events_all_is_counted_and_what_is_lost_is_made_good_by_a_listing() {
    const NAME: &str = "virt-exportproxy";
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let exporter = Exporter::start(&["--discovery=events", "--discovery.recheck=1h"]);
    let lost = |now: &Exposition| {
        let labels = [("collector", "component"), ("reason", "exit_records_lost")];
        now.sum("edgebench_collector_errors_total", &labels).unwrap_or(0.0)
    };
    let listings = |now: &Exposition| now.value("edgebench_discovery_listings_total", &[]);
    let counted = |now: &Exposition| {
        let cpu =
            |labels: &[(&str, &str)]| now.sum("edgebench_component_cpu_seconds_total", labels).unwrap_or(0.0);
        cpu(&[("component", NAME)]) + cpu(&[("component", "exited"), ("stack", "kubevirt")])
    };
    let quiet = exporter.scrape();
    assert_eq!(quiet.value("edgebench_discovery_info", &[("mode", "events")]), 1.0);
    let mut floods = dirs.each_ref().map(|dir| flood(dir.path(), NAME));
    let mut before = exporter.scrape();
    let (begin, born) = (Instant::now(), forks());
    while begin.elapsed() < Duration::from_secs(15) {
        sleep(Duration::from_millis(700));
        let now = exporter.scrape();
        assert_closes(&before, &now);
        before = now;
    }
    let births = forks() - born;
    assert!(births >= 15_000, "only {births} births: is the machine busy?");
    assert_eq!((lost(&before), listings(&before)), (0.0, listings(&quiet)), "all was heard");

    // What the kernel has to say while nobody listens does not fit.
    signal(exporter.pid(), "STOP");
    let born = forks();
    let patience = Instant::now() + Duration::from_secs(120);
    while forks() - born < 30_000 {
        assert!(Instant::now() < patience, "only {} births in two minutes", forks() - born);
        sleep(Duration::from_millis(100));
    }
    signal(exporter.pid(), "CONT");
    let after = exporter.scrape();
    assert_closes(&before, &after);
    assert!(lost(&after) > 0.0, "more than the queue holds");
    assert!(listings(&after) > listings(&before), "who is there was looked for");

    // They stop forking, and stay: nobody but this test waits for them.
    floods.iter().for_each(|flood| signal(flood.id(), "STOP"));
    sleep(Duration::from_millis(100));
    let used: f64 = floods.iter().map(|flood| used_by_family(flood.id())).sum();
    exporter.scrape();
    let last = exporter.scrape();
    assert_closes(&after, &last);
    let counted = counted(&last) - counted(&quiet);
    // A fork that is stopped is no one's yet: it used a tick at most.
    assert!((counted - used).abs() <= 0.01 * used, "{counted} s are counted, {used} s were used");
    floods.iter().for_each(|flood| signal(flood.id(), "CONT"));
    dirs.iter().for_each(|dir| fs::remove_file(dir.path().join(NAME)).unwrap());
    floods.iter_mut().for_each(|flood| assert!(flood.wait().unwrap().success()));
    exporter.scrape_until("nobody of them is left", |now| {
        now.sum("edgebench_component_processes", &[("component", NAME)]).unwrap_or(0.0) == 0.0
    });
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(status.success(), "{pid}: {status}");
}
