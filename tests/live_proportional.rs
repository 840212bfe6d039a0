//! Proportional memory on the live machine: figures known beforehand, and what it costs to read them.
//!
//! The reader of the exporter runs in this program, on processes of a known size. Its CPU time is what the
//! kernel says of its thread (`/proc/self/task/TID/schedstat`), not how long anything took. These tests read
//! other processes' memory and take another user's rights, so they need root:
//!
//! `cargo test -p edgebench-tests --test live_proportional -- --ignored --test-threads=1`

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test program"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use edgebench_exporter::proportional::{
    ALLOWANCE, GuestTarget, Reader, Readings, Settings, Target, now, read_once,
};
use edgebench_sampler::parse::{pid_schedstat, pid_stat};
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::{Bytes, Nanos, Pid, ProcFs, Roots};
use edgebench_tests::StandIn;
use edgebench_tests::stand_in::Plan;

/// A size in KiB.
const MIB: u64 = 1024;

fn id(pid: u32) -> ProcessId {
    let text = fs::read(format!("/proc/{pid}/stat")).unwrap();
    ProcessId { pid: Pid(pid), start: pid_stat::parse(&text).unwrap().start }
}

/// A line of a file of `/proc/PID` in KiB.
fn kernel_kib(pid: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find(|line| line.split(':').next() == Some(name));
    line.unwrap().split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

fn target(pid: u32) -> Target {
    let resident = Bytes::from_kib(kernel_kib(pid, "status", "VmRSS"));
    Target { processes: vec![id(pid)], resident, ..Target::default() }
}

/// Waits until `done` holds, at most a minute.
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < patience, "not within a minute: {what}");
        sleep(Duration::from_millis(5));
    }
}

fn start(settings: Settings) -> Reader {
    Reader::start(Roots::of_this_machine(), settings).unwrap()
}

/// Waits for readings of all these processes.
fn read(reader: &Reader, pids: &[u32]) -> Arc<Readings> {
    let ids: Vec<_> = pids.iter().map(|&pid| id(pid)).collect();
    wait("every target is read", || {
        let readings = reader.readings();
        ids.iter().all(|id| readings.processes.contains_key(id))
    });
    reader.readings()
}

/// CPU time of the reading thread, as the scheduler counts it.
fn thread_cpu() -> Nanos {
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let mut of_reader =
        threads.filter(|thread| fs::read_to_string(thread.join("comm")).is_ok_and(|name| name == "pss\n"));
    let thread = of_reader.next().expect("the thread that reads");
    assert_eq!(of_reader.next(), None, "one reader in this program");
    pid_schedstat::parse(&fs::read(thread.join("schedstat")).unwrap()).unwrap().on_cpu
}

#[test]
#[ignore = "live: takes 200 MiB of the node's memory"]
fn what_is_served_is_what_the_kernel_says_of_processes_of_known_size() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = [("eb-pss-20", 20_000), ("eb-pss-60", 60_000), ("eb-pss-120", 120_000)];
    let running = sizes.map(|(name, kib)| StandIn::start(dir.path(), name, kib, 0.0, &[]));
    let pids = running.each_ref().map(StandIn::pid);
    let reader = start(Settings::default());
    reader.retarget(pids.iter().map(|&pid| target(pid)).collect());
    let readings = read(&reader, &pids);
    for (pid, (name, kib)) in pids.into_iter().zip(sizes) {
        let reading = readings.processes[&id(pid)];
        // Nobody shares its anonymous memory: these are exact. libc and its program are mapped by others.
        assert_eq!(reading.anonymous.unwrap().kib(), kernel_kib(pid, "smaps_rollup", "Pss_Anon"), "{name}");
        let pss = reading.pss.kib();
        assert!(pss.abs_diff(kernel_kib(pid, "smaps_rollup", "Pss")) <= 64, "{name}: {pss} KiB");
        assert!(pss > kib - 8 * MIB && pss <= kib, "{name}: {pss} KiB");
        assert!(reading.at <= now());
    }
    assert_eq!(readings.cost.rollups, 3);
    assert_eq!(readings.cost.smaps, 0);
}

/// A python with so many MiB of anonymous memory that its ten children share.
fn family_that_shares(mib: u64) -> Child {
    let script = format!(
        "import mmap, os\n\
         memory = mmap.mmap(-1, ({mib} << 20) + mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n\
         for at in range(0, len(memory), mmap.PAGESIZE): memory[at] = 1\n\
         if all(os.fork() for _ in range(10)): print('ready', flush=True)\n\
         os.read(0, 1)"
    );
    let mut parent = Command::new("python3")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    parent
}

#[test]
#[ignore = "live: takes 200 MiB of the node's memory"]
fn ten_children_that_share_200_mib_count_once() {
    let (mut small, mut large) = (family_that_shares(0), family_that_shares(200));
    let pids = |parent: &Child| {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", parent.id())).unwrap();
        let mut pids: Vec<u32> = children.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect();
        pids.push(parent.id());
        pids
    };
    let families = [pids(&small), pids(&large)];
    assert_eq!(families.each_ref().map(Vec::len), [11, 11]);
    let all = families.concat();
    let reader = start(Settings { budget: 0.5, ..Settings::default() });
    reader.retarget(all.iter().map(|&pid| target(pid)).collect());
    let readings = read(&reader, &all);

    let proportional = families
        .each_ref()
        .map(|pids| pids.iter().map(|&pid| readings.processes[&id(pid)].pss.kib()).sum::<u64>());
    let kernel = families
        .each_ref()
        .map(|pids| pids.iter().map(|&pid| kernel_kib(pid, "smaps_rollup", "Pss")).sum::<u64>());
    let resident = families
        .each_ref()
        .map(|pids| pids.iter().map(|&pid| kernel_kib(pid, "status", "VmRSS")).sum::<u64>());
    for (ours, kernel) in proportional.into_iter().zip(kernel) {
        assert!(ours.abs_diff(kernel) <= 11 * 64, "{ours} KiB, of the kernel {kernel}");
    }
    let shared = proportional[1] - proportional[0];
    assert!(shared.abs_diff(200 * MIB) <= 3 * MIB, "once: {shared} KiB");
    let resident = resident[1] - resident[0];
    assert!(resident.abs_diff(11 * 200 * MIB) <= 33 * MIB, "eleven times: {resident} KiB");
    for family in [&mut small, &mut large] {
        // All of them have the same stdin, and end with it.
        drop(family.stdin.take());
        family.wait().unwrap();
    }
}

#[test]
#[ignore = "live: takes 600 MiB of the node's memory and half a minute"]
fn the_budget_is_kept_by_the_cpu_time_of_the_thread() {
    let dir = tempfile::tempdir().unwrap();
    let running: Vec<_> =
        (0..10).map(|n| StandIn::start(dir.path(), &format!("eb-budget-{n}"), 60_000, 0.0, &[])).collect();
    let targets: Vec<_> = running.iter().map(|process| target(process.pid())).collect();
    let procfs = ProcFs::open(Roots::of_this_machine()).unwrap();
    let round: Vec<_> =
        targets.iter().map(|target| read_once(&procfs, std::slice::from_ref(target))).collect();
    let dearest = round.iter().map(|readings| readings.cost.cpu.0).max().unwrap();
    let of_round = round.iter().map(|readings| readings.cost.cpu.0).sum::<u64>();

    // A round every 100 ms is many times what the budget pays for.
    let settings = Settings { cadence: Duration::from_millis(100), ..Settings::default() };
    let begin = now();
    let reader = start(settings);
    reader.retarget(targets);
    while now().0 - begin.0 < 25_000_000_000 {
        sleep(Duration::from_millis(50));
        let cpu = thread_cpu();
        let earned = settings.budget * (now().0 - begin.0) as f64;
        // One target more, which may cost twice as much this time.
        let allowed = ALLOWANCE.0 as f64 + earned + 2.0 * dearest as f64;
        assert!(cpu.0 as f64 <= allowed, "{cpu:?} used, {allowed} ns allowed");
    }
    let (cpu, readings) = (thread_cpu(), reader.readings());
    let cost = readings.cost;
    eprintln!(
        "a round of {} costs {:.2} ms; in 25 s {:.2} ms of CPU, {} files, {} skips",
        running.len(),
        of_round as f64 / 1e6,
        cpu.0 as f64 / 1e6,
        cost.rollups,
        cost.skips.budget
    );
    assert_eq!(readings.processes.len(), running.len());
    assert!(cpu > ALLOWANCE, "all of the allowance and some of what was earned: {cpu:?}");
    assert!(cost.skips.budget > 100, "most turns are skipped: {cost:?}");
    assert!(cost.cpu <= cpu && cost.cpu.0 > cpu.0 / 10 * 9, "of itself it says {cost:?}, the kernel {cpu:?}");
}

#[test]
#[ignore = "live: takes a second"]
fn a_reader_with_nothing_to_do_uses_no_cpu() {
    let reader = start(Settings::default());
    reader.retarget(Vec::new());
    sleep(Duration::from_millis(200));
    let before = thread_cpu();
    sleep(Duration::from_secs(1));
    assert_eq!(thread_cpu(), before);
}

#[test]
#[ignore = "live: takes 600 MiB of the node's memory"]
fn the_guest_of_a_vm_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let (guest, resident) = (256 * MIB, 300_000);
    let qemu = Plan::new("qemu-kvm", resident).guest_kib(guest).start(dir.path());
    let launcher = StandIn::start(dir.path(), "virt-launcher", 60_000, 0.0, &[]);
    let pod = Target {
        processes: vec![id(launcher.pid()), id(qemu.pid())],
        guest: Some(GuestTarget { emulator: id(qemu.pid()), backends: vec![Bytes::from_kib(guest)] }),
        resident: Bytes::from_kib(resident + 60_000),
        changed: Vec::new(),
    };
    let reader = start(Settings::default());
    reader.retarget(vec![pod.clone()]);
    let readings = read(&reader, &[launcher.pid(), qemu.pid()]);
    let procfs = ProcFs::open(Roots::of_this_machine()).unwrap();
    for readings in [&*readings, &read_once(&procfs, &[pod])] {
        let memory = readings.guests[&id(qemu.pid())].memory;
        assert_eq!((memory.resident.kib(), memory.proportional.kib()), (guest, guest));
        assert_eq!((readings.cost.rollups, readings.cost.smaps), (2, 1));
        assert!(readings.cost.cpu > Nanos(0));
    }
}

#[test]
#[ignore = "live: takes 100 MiB of the node's memory"]
fn a_process_that_ended_or_is_no_target_any_more_has_no_figures() {
    let dir = tempfile::tempdir().unwrap();
    let ends = StandIn::start(dir.path(), "eb-ends", 20_000, 0.0, &[]);
    let stays = StandIn::start(dir.path(), "eb-stays", 20_000, 0.0, &[]);
    let (gone, kept) = (id(ends.pid()), id(stays.pid()));
    let reader = start(Settings { budget: 0.5, cadence: Duration::from_millis(50), ..Settings::default() });
    let targets = [target(ends.pid()), target(stays.pid())];
    reader.retarget(targets.to_vec());
    read(&reader, &[ends.pid(), stays.pid()]);
    drop(ends);
    wait("it has ended", || !reader.readings().processes.contains_key(&gone));
    let first = reader.readings().processes[&kept].at;
    wait("the other is read again", || reader.readings().processes[&kept].at > first);
    assert!(reader.readings().errors.is_empty(), "to end is normal");
    reader.retarget(targets[..1].to_vec());
    assert!(reader.readings().processes.is_empty(), "at once");
    // It became another program: what was read before is not served, and it is read anew.
    reader.retarget(targets.to_vec());
    read(&reader, &[stays.pid()]);
    let at = now();
    reader.retarget(vec![Target { changed: vec![(kept, at)], ..targets[1].clone() }]);
    assert!(reader.readings().processes.get(&kept).is_none_or(|reading| reading.at >= at));
    assert!(read(&reader, &[stays.pid()]).processes[&kept].at >= at);
}

#[test]
#[ignore = "live: takes another user's rights"]
fn another_users_process_is_denied_once_and_the_own_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = StandIn::start(dir.path(), "eb-root", 20_000, 0.0, &[]);
    let targets = vec![target(root.pid())];
    // Credentials belong to a thread, and the reader's are those of the thread that started it.
    let readings = std::thread::spawn(move || {
        let nobody = rustix::process::Uid::from_raw(65_534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let reader =
            start(Settings { budget: 0.5, cadence: Duration::from_millis(20), ..Settings::default() });
        reader.retarget(targets);
        wait("it is denied", || !reader.readings().denied.is_empty());
        // Some more turns.
        sleep(Duration::from_millis(300));
        reader.readings()
    });
    let readings = readings.join().unwrap();
    assert_eq!(readings.denied.iter().collect::<Vec<_>>(), [(&"smaps_rollup", &1)]);
    assert!(readings.processes.is_empty());
    assert!(readings.cost(0.5).skips.contains(&("denied", 1)));
    assert_eq!(readings.cost.rollups, 0);
}
