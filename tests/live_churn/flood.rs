//! A thousand births and deaths a second, for a minute.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

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
        assert_eq!(decreased(&before, &now), [""; 0]);
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
        assert_eq!(errors(&now), errors(&quiet));
        let steps = now.series().into_iter().filter(|(series, _)| series.0 == "edgebench_collector_success");
        assert!(steps.into_iter().all(|(_, success)| success == 1.0));
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
    let after = exporter.scrape_until("nobody is left", |now| {
        now.value("edgebench_discovery_processes", &[]) <= quiet.value("edgebench_discovery_processes", &[])
    });
    let fds = |exposition: &Exposition| exposition.value("process_open_fds", &[]);
    assert!(fds(&after) <= fds(&quiet), "{} files are open, {} were", fds(&after), fds(&quiet));
    let (warm, resident) = (warm.unwrap(), after.value("process_resident_memory_bytes", &[]));
    assert!(resident <= warm + f64::from(512 << 10), "{resident} bytes are resident, {warm} were at first");
}
