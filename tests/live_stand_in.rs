//! The stand-in is what it says it is: other live tests measure edgebench against it.
//!
//! Run these with `tests/run`, or alone:
//! `cargo test -p edgebench-tests --test live_stand_in -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use edgebench_tests::StandIn;
use edgebench_tests::stand_in::Plan;

fn assert_within(found: u64, wanted: u64, share: f64, what: &str) {
    let off = (found as f64 - wanted as f64).abs() / wanted as f64;
    assert!(off <= share, "{what}: {found}, wanted {wanted}, off by {:.3} %", 100.0 * off);
}

#[test]
#[ignore = "live: takes 600 MiB of the node's memory"]
fn its_resident_size_is_what_was_asked_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let sizes =
        [("libvirtd", 27_648), ("cdi-operator", 97_280), ("virt-operator", 144_212), ("etcd", 300_000)];
    let running = sizes.map(|(name, kib)| (StandIn::start(dir.path(), name, kib, 1.0, &[]), kib));
    for (process, kib) in &running {
        assert_within(process.resident_kib(), *kib, 0.001, "RES when ready");
    }
    sleep(Duration::from_secs(2));
    for (process, kib) in &running {
        assert_within(process.resident_kib(), *kib, 0.001, "RES two seconds later");
    }
}

#[test]
#[ignore = "live: starts a process"]
fn it_looks_like_what_it_stands_for() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["-name", "guest=default_edge-vm,debug-threads=on", "-m", "size=1048576k"];
    let process = StandIn::start(dir.path(), "qemu-kvm", 20_000, 0.0, &args);
    assert_eq!(process.proc("comm"), "qemu-kvm\n");
    assert_eq!(fs::read_link(format!("/proc/{}/exe", process.pid())).unwrap(), process.exe);
    let expected: String = args.iter().map(|arg| format!("{arg}\0")).collect();
    assert_eq!(process.proc("cmdline"), format!("{}\0{expected}", process.exe.display()));
}

#[test]
#[ignore = "live: takes 150 MiB of the node's memory"]
fn its_guest_is_one_mapping_of_exactly_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let guest_kib = 128 << 10;
    let process = Plan::new("qemu-kvm", 150_000).guest_kib(guest_kib).start(dir.path());
    assert_within(process.resident_kib(), 150_000, 0.001, "RES with the guest inside");

    let smaps = process.proc("smaps");
    let mut mappings: Vec<Vec<&str>> = Vec::new();
    for line in smaps.lines() {
        let is_head = line.split_once('-').is_some_and(|(from, _)| u64::from_str_radix(from, 16).is_ok());
        if is_head {
            mappings.push(Vec::new());
        }
        mappings.last_mut().unwrap().push(line);
    }
    let kib = |mapping: &[&str], name: &str| -> u64 {
        let line = mapping.iter().find(|line| line.split(':').next() == Some(name)).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let guests: Vec<_> = mappings.iter().filter(|mapping| kib(mapping, "Size") == guest_kib).collect();
    assert_eq!(guests.len(), 1, "mappings of the guest's size");
    let head: Vec<_> = guests[0][0].split_ascii_whitespace().collect();
    assert_eq!(head[1..], ["rw-p", "00000000", "00:00", "0"], "private, anonymous, without a name");
    assert_eq!([kib(guests[0], "Rss"), kib(guests[0], "Private_Dirty")], [guest_kib; 2], "all of it touched");
}

#[test]
#[ignore = "live: burns a tenth of a core for four seconds"]
fn it_burns_what_it_was_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let process = StandIn::start(dir.path(), "virt-handler", 20_000, 10.0, &[]);
    let on_cpu_ns = || process.proc("schedstat").split(' ').next().unwrap().parse::<u64>().unwrap();
    let (before, since) = (on_cpu_ns(), Instant::now());
    sleep(Duration::from_secs(4));
    let wanted = since.elapsed().as_nanos() as u64 / 10;
    assert_within(on_cpu_ns() - before, wanted, 0.1, "nanoseconds on a CPU");
}

#[test]
#[ignore = "live: starts a process"]
fn it_does_not_outlive_its_test() {
    let dir = tempfile::tempdir().unwrap();
    let process = StandIn::start(dir.path(), "virt-api", 20_000, 0.0, &[]);
    let proc = format!("/proc/{}", process.pid());
    assert!(fs::exists(&proc).unwrap());
    let since = Instant::now();
    drop(process);
    assert!(!fs::exists(&proc).unwrap());
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "it ended by itself, not by the signal after ten seconds"
    );
}
