//! The same guests as the exporter serves them: read beside the scrapes, by a thread of its own.

use std::thread::sleep;
use std::time::{Duration, Instant};

use edgebench_exporter::proportional::{GuestTarget, Reader, Readings, Settings, Target, read_once};
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::{Bytes, Pid, ProcFs, StartTicks};
use edgebench_tests::Host;

use crate::pod::{GUEST, LAUNCHER, Mapping, Pod, QEMU, VIRTIOFSD};

fn id(pid: u32) -> ProcessId {
    // As the host's builder has it.
    ProcessId { pid: Pid(pid), start: StartTicks(5000) }
}

/// Launcher, qemu and virtiofsd.
fn target() -> Target {
    Target {
        processes: [100, 101, 102].map(id).to_vec(),
        guest: Some(GuestTarget { emulator: id(101), backends: vec![Bytes::from_kib(GUEST)] }),
        resident: Bytes::from_kib(GUEST),
        changed: Vec::new(),
    }
}

fn once(host: &Host) -> Readings {
    read_once(&ProcFs::open(host.roots()).unwrap(), &[target()])
}

/// PSS of the pod, resident and proportional guest, and what the pod has beyond its guest, in KiB.
fn figures(readings: &Readings) -> [u64; 4] {
    let pod = readings.processes.values().map(|reading| reading.pss.kib()).sum::<u64>();
    let guest = readings.guests[&id(101)].memory;
    let proportional = guest.proportional.kib();
    [pod, guest.resident.kib(), proportional, pod - proportional]
}

/// Waits until `done` holds, at most a minute.
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < patience, "not within a minute: {what}");
        sleep(Duration::from_millis(5));
    }
}

const OWN: u64 = QEMU + LAUNCHER + VIRTIOFSD;

#[test]
fn a_private_guest() {
    let pod = Pod {
        backend: "memory-backend-ram",
        qemu: vec![Mapping::anonymous(GUEST, 700_000)],
        virtiofsd: vec![],
    };
    let readings = once(&pod.node(0, 0, 0));
    assert_eq!(figures(&readings), [700_000 + OWN, 700_000, 700_000, OWN]);
    assert_eq!((readings.cost.rollups, readings.cost.smaps), (3, 1));
}

#[test]
fn a_guest_shared_with_virtiofsd_is_the_guest_of_all_processes_of_the_pod() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::memfd(GUEST, 77, 700_000, 400_000)],
        virtiofsd: vec![Mapping::memfd(GUEST, 77, 600_000, 300_000)],
    };
    let readings = once(&pod.node(700_000, 0, 0));
    assert_eq!(figures(&readings), [700_000 + OWN, 700_000, 700_000, OWN]);
    assert_eq!((readings.cost.rollups, readings.cost.smaps), (3, 3), "it looked at all of them");
}

#[test]
fn huge_pages_that_qemu_and_virtiofsd_share_are_half_each_and_the_guest_once() {
    let pod = Pod {
        backend: "memory-backend-memfd",
        qemu: vec![Mapping::huge(GUEST, 77, 0, 524_288)],
        virtiofsd: vec![Mapping::huge(GUEST, 77, 0, 524_288)],
    };
    let readings = once(&pod.node(0, GUEST, GUEST - 524_288));
    assert_eq!(figures(&readings), [524_288 + OWN, 524_288, 524_288, OWN]);
    assert_eq!(readings.processes[&id(102)].pss.kib(), VIRTIOFSD + 262_144);
}

#[test]
fn a_guest_that_grows_is_followed_and_one_that_ended_has_no_figures() {
    let of = |touched| Pod {
        backend: "memory-backend-ram",
        qemu: vec![Mapping::anonymous(GUEST, touched)],
        virtiofsd: vec![],
    };
    let host = of(300_000).node(0, 0, 0);
    let settings = Settings { budget: 1.0, cadence: Duration::from_millis(1), ..Settings::default() };
    let reader = Reader::start(host.roots(), settings).unwrap();
    assert_eq!(reader.readings().processes.len(), 0, "nothing to read yet");
    reader.retarget(vec![target()]);
    let is = |guest: u64| {
        wait("the guest is as large as it is", || {
            let readings = reader.readings();
            readings.guests.get(&id(101)).is_some_and(|read| read.memory.resident.kib() == guest)
        });
    };
    is(300_000);
    let later = of(900_000);
    host.step(|h| later.on(h));
    is(900_000);
    host.step(|h| h.ended(101));
    wait("it is gone", || reader.readings().guests.is_empty());
    wait("and its process", || reader.readings().processes.len() == 2);
    assert!(reader.readings().errors.is_empty() && reader.readings().denied.is_empty());
}
