//! A long run takes no more memory than a short one, but for three numbers a sample; the exporter's takes none at all.
//!
//! `VmHWM` of `/proc/PID/status` is the highest RSS so far (proc(5)). A report that is longer than a pipe
//! (64 KiB, pipe(7)) waits for its reader, so that all measuring is done and the program is still there.
//!
//! Run with `tests/run`, or alone:
//! `cargo test -p edgebench-tests --test live_long_run -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::io::Read;
use std::time::Duration;

use edgebench_exporter::exposition::{Format, write};
use edgebench_exporter::observer::{DiscoveryMode, Enabled, Moment, Observer, PssMode, Settings};
use edgebench_sampler::Nanos;
use edgebench_sampler::classify::Trust;
use edgebench_tests::{Host, Workdir};

#[test]
#[ignore = "live: runs for 15 seconds"]
fn a_run_of_1500_samples_stays_below_12_mib() {
    let host = (100..400)
        .fold(Host::new(), |host, pid| host.process(pid, |p| p.comm(format!("p-{pid}")).anon_kib(2000)));
    let procfs = host.proc.to_str().unwrap();
    let long = ["footprint", "--samples", "1500", "--interval", "10ms", "--procfs", procfs];
    let dir = Workdir::new();
    let more = ["--save", "capture.json.gz", "--format", "json"];
    let mut child = dir.command([&long[..], &more].concat()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());

    let report: serde_json::Value = serde_json::from_str(&format!("{{{rest}")).unwrap();
    assert_eq!(report["capture"]["captures"][0]["capture"]["samples"], 1500);
    // There is none once it has ended.
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 12 * 1024, "{kib} KiB");
}

/// Resident memory of this test.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Readings, not scrapes: those share one for a fifth of a second. Before every fifth a process ends, one of another
/// name, in another pod, takes its number, and a third one has used CPU time.
#[test]
#[ignore = "live: takes 10,000 readings"]
fn the_10000th_reading_takes_no_more_memory_than_the_1000th() {
    const POD: &str = "11111111-2222-3333-4444-555555555555";
    const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let names = ["virt-handler", "virt-launcher-monitor", "kubelet", "dash", "virt-api"];
    let born = |host: Host, reading: u64, pid: u32| {
        let name = names[((reading + u64::from(pid)) % 5) as usize];
        host.process(pid, |p| {
            let p = p.exe(format!("/usr/bin/{name}")).parent(1).started_at(10_000 + reading).anon_kib(1000);
            if pid.is_multiple_of(3) {
                p.in_pod(&POD.replace('1', &(reading % 7 + 1).to_string()), CONTAINER)
            } else {
                p
            }
        })
    };
    let host = (100..140).fold(Host::new(), |host, pid| born(host, 0, pid));
    let settings = Settings {
        roots: host.roots(),
        node: Some("node-1".into()),
        trust: Trust::Any,
        recheck: Duration::from_secs(60),
        enabled: Enabled::default(),
        pss: PssMode::AtOnce,
        descriptors: 10_000,
        discovery: DiscoveryMode::List,
    };
    let mut observer = Observer::start(settings).unwrap();
    let mut text = Vec::new();
    let mut warm = 0;
    for reading in 1..=10_000_u64 {
        host.step(|h| h.forks(50_000 + reading));
        if reading.is_multiple_of(5) {
            let (pid, busy) = (100 + (reading / 5 % 40) as u32, 100 + ((reading * 7 + 3) % 40) as u32);
            host.step(|h| born(h.ended(pid), reading, pid));
            host.step(|h| h.process(busy, |p| p.cpu_ticks(reading, reading / 2)));
        }
        let monotonic = Nanos((1_000 + reading * 5) * 1_000_000_000);
        let view = observer.observe(Moment { monotonic, unix: 1.8e9 + reading as f64 });
        assert_eq!(view.discovery.processes, 40);
        text.clear();
        write(&view, &[], Format::Text, &mut text);
        if reading == 1_000 {
            warm = resident_kib();
        }
    }
    let resident = resident_kib();
    assert!(resident <= warm + 256, "{resident} KiB, {warm} KiB after the first thousand");
}
