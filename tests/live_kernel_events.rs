//! The kernel tells of every process, and of what it used.
//!
//! Run these with `tests/run`, or alone, as root in the first namespaces:
//! `cargo test -p edgebench-tests --test live_kernel_events -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use edgebench_exporter::kernel_events::{Drained, Event, ExitRecord, KernelEvents, RECEIVE_BUFFER};
use edgebench_sampler::parse::pid_stat;
use edgebench_sampler::procfs::Buffer;
use edgebench_sampler::{Bytes, ProcFs, Roots, units::Pid};
use rustix::net::netlink::{CONNECTOR, SocketAddrNetlink};
use rustix::net::{AddressFamily, SendFlags, SocketType};

/// The kernel's messages so far, whatever drain they came in.
struct Heard {
    source: KernelEvents,
    events: Vec<Event>,
    exits: Vec<ExitRecord>,
    drained: Drained,
}

impl Heard {
    fn through(receive_buffer: Bytes) -> Heard {
        let source = KernelEvents::open(&procfs(), receive_buffer).unwrap();
        Heard { source, events: Vec::new(), exits: Vec::new(), drained: Drained::default() }
    }

    fn drain(&mut self) {
        let drained = self.source.drain(&mut self.events, &mut self.exits).unwrap();
        self.drained.events_lost |= drained.events_lost;
        self.drained.records_lost |= drained.records_lost;
    }

    /// Drains until it is there. The kernel sends the end of a process while its parent wakes up.
    fn wait_for(&mut self, what: &str, is_there: impl Fn(&Heard) -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            self.drain();
            if is_there(self) {
                return;
            }
            assert!(Instant::now() < until, "{what}: nothing after ten seconds");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn wait_for_the_end_of(&mut self, pid: Pid) {
        self.wait_for("the end of a process", |heard| {
            heard.events.contains(&Event::Exited { pid }) && heard.record(pid).is_some()
        });
    }

    /// What was said of a process, but for the births of its children.
    fn life_of(&self, process: Pid) -> Vec<Event> {
        let is_about = |event: &Event| match *event {
            Event::Fork { child, .. } => child == process,
            Event::Exec { pid } | Event::Renamed { pid } | Event::Exited { pid } => pid == process,
        };
        self.events.iter().copied().filter(is_about).collect()
    }

    /// A process and all that came of it.
    fn family_of(&self, pid: Pid) -> BTreeSet<Pid> {
        let mut family = BTreeSet::from([pid]);
        for event in &self.events {
            if let Event::Fork { parent, child } = event
                && family.contains(parent)
            {
                family.insert(*child);
            }
        }
        family
    }

    fn record(&self, pid: Pid) -> Option<&ExitRecord> {
        let mut records = self.exits.iter().filter(|exit| exit.pid == pid);
        let record = records.next();
        assert!(records.next().is_none(), "two records of {pid}");
        record
    }
}

fn procfs() -> ProcFs {
    ProcFs::open(Roots::of_this_machine()).unwrap()
}

fn own_pid() -> Pid {
    Pid(std::process::id())
}

fn shell(script: &str) -> Child {
    Command::new("sh").args(["-c", script]).stdin(Stdio::null()).spawn().unwrap()
}

/// What the children of this process used that were waited for, as `wait4` says it, in seconds.
fn reaped_seconds() -> f64 {
    let mut buffer = Buffer::default();
    let procfs = procfs();
    let stat = pid_stat::parse(procfs.file(c"self/stat", &mut buffer).unwrap()).unwrap();
    procfs.clock().seconds(stat.children_user + stat.children_system)
}

fn seconds<'a>(exits: impl IntoIterator<Item = &'a ExitRecord>) -> f64 {
    exits.into_iter().map(|exit| exit.cpu.0 as f64 / 1e9).sum()
}

#[test]
#[ignore = "live: listens to the kernel"]
fn the_life_of_a_process_is_told_in_order() {
    let mut heard = Heard::through(RECEIVE_BUFFER);
    // Opening the file is the shell's own doing, so `self` is the shell.
    let mut child = shell("printf virt-launcher > /proc/self/comm");
    let pid = Pid(child.id());
    child.wait().unwrap();
    heard.wait_for_the_end_of(pid);
    assert_eq!(
        heard.life_of(pid),
        [
            Event::Fork { parent: own_pid(), child: pid },
            Event::Exec { pid },
            Event::Renamed { pid },
            Event::Exited { pid },
        ]
    );
    let record = heard.record(pid).unwrap();
    assert_eq!((record.parent, record.name()), (own_pid(), &b"virt-launcher"[..]));
    assert_eq!(heard.drained, Drained::default());
}

#[test]
#[ignore = "live: listens to the kernel"]
fn a_child_that_never_execs_is_told_of() {
    let mut heard = Heard::through(RECEIVE_BUFFER);
    let mut child = shell("(:) & wait; exit 0");
    let pid = Pid(child.id());
    child.wait().unwrap();
    heard.wait_for_the_end_of(pid);
    let grandchild = heard
        .events
        .iter()
        .find_map(|event| match *event {
            Event::Fork { parent, child } if parent == pid => Some(child),
            _ => None,
        })
        .unwrap();
    let born = Event::Fork { parent: pid, child: grandchild };
    assert_eq!(heard.life_of(grandchild), [born, Event::Exited { pid: grandchild }]);
    assert_eq!(heard.record(grandchild).unwrap().parent, pid);
}

#[test]
#[ignore = "live: listens to the kernel"]
fn the_end_of_a_process_comes_no_earlier_than_its_record() {
    let mut heard = Heard::through(RECEIVE_BUFFER);
    let mut children: Vec<_> = (0..100).map(|_| shell("exit 0")).collect();
    let pids: Vec<_> = children.iter().map(|child| Pid(child.id())).collect();
    let until = Instant::now() + Duration::from_secs(10);
    while !pids.iter().all(|&pid| heard.events.contains(&Event::Exited { pid })) {
        assert!(Instant::now() < until, "not all ends are heard of");
        heard.drain();
        for event in &heard.events {
            if let Event::Exited { pid } = *event
                && pids.contains(&pid)
            {
                assert!(heard.record(pid).is_some(), "{pid} ended without a record");
            }
        }
    }
    for child in &mut children {
        child.wait().unwrap();
    }
}

#[test]
#[ignore = "live: listens to the kernel"]
fn threads_are_no_processes() {
    let mut heard = Heard::through(RECEIVE_BUFFER);
    for n in 0..20 {
        std::thread::Builder::new().name(format!("thread-{n}")).spawn(|| ()).unwrap().join().unwrap();
    }
    // What comes later shows that all before has come.
    let mut child = shell("exit 0");
    let pid = Pid(child.id());
    child.wait().unwrap();
    heard.wait_for_the_end_of(pid);
    assert_eq!(heard.life_of(own_pid()), []);
    assert_eq!(heard.record(own_pid()), None);
    let of_a_thread = |exit: &&ExitRecord| exit.name().starts_with(b"thread-");
    assert_eq!(heard.exits.iter().find(of_a_thread), None);
}

#[test]
#[ignore = "live: burns a core for a second"]
fn a_process_of_several_threads_leaves_the_cpu_of_all() {
    let mut heard = Heard::through(RECEIVE_BUFFER);
    let burn = "
import threading, time
def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass
for _ in range(3):
    thread = threading.Thread(target=burn, args=(0.3,))
    thread.start()
    thread.join()
";
    let before = reaped_seconds();
    let mut child = Command::new("python3").args(["-S", "-c", burn]).spawn().unwrap();
    let pid = Pid(child.id());
    child.wait().unwrap();
    let reaped = reaped_seconds() - before;
    heard.wait_for_the_end_of(pid);
    let recorded = seconds(heard.record(pid));
    assert!(recorded >= 0.9, "{recorded} s: the ended threads are inside");
    // Where `python3` is a script that looks for the real one, its children count too.
    let family = heard.family_of(pid);
    let recorded = seconds(heard.exits.iter().filter(|exit| family.contains(&exit.pid)));
    let off = (recorded - reaped) / reaped;
    assert!(off.abs() < 0.05, "recorded {recorded:.3} s, reaped {reaped:.3} s: {:+.2} %", 100.0 * off);
}

#[test]
#[ignore = "live: burns the CPU for half a minute"]
fn a_thousand_short_processes_leave_a_thousand_records_and_all_their_cpu() {
    const PROCESSES: usize = 1000;
    let mut heard = Heard::through(RECEIVE_BUFFER);
    let before = reaped_seconds();
    let mut pids = BTreeMap::new();
    for _ in 0..PROCESSES {
        let mut child = shell("i=0; while [ $i -lt 15000 ]; do i=$((i + 1)); done");
        pids.insert(Pid(child.id()), 0);
        assert!(child.wait().unwrap().success());
    }
    let reaped = reaped_seconds() - before;
    heard.wait_for("the end of all", |heard| {
        heard.exits.iter().filter(|exit| pids.contains_key(&exit.pid)).count() == PROCESSES
    });
    for event in &heard.events {
        if let Event::Exited { pid } = event
            && let Some(ends) = pids.get_mut(pid)
        {
            *ends += 1;
        }
    }
    assert_eq!(pids.len(), PROCESSES, "no number was used again meanwhile");
    assert!(pids.values().all(|&ends| ends == 1), "each ended once");
    assert_eq!(heard.drained, Drained::default());
    let recorded = seconds(heard.exits.iter().filter(|exit| pids.contains_key(&exit.pid)));
    let off = (recorded - reaped) / reaped;
    assert!(off.abs() < 0.01, "recorded {recorded:.3} s, reaped {reaped:.3} s: {:+.2} %", 100.0 * off);
}

#[test]
#[ignore = "live: listens to the kernel"]
fn what_does_not_fit_is_reported_as_lost() {
    let mut heard = Heard::through(Bytes(4096));
    for _ in 0..100 {
        assert!(shell("exit 0").wait().unwrap().success());
    }
    heard.drain();
    assert_eq!(heard.drained, Drained { events_lost: true, records_lost: true });

    heard.drained = Drained::default();
    let mut child = shell("exit 0");
    let pid = Pid(child.id());
    child.wait().unwrap();
    heard.wait_for_the_end_of(pid);
    assert_eq!(heard.drained, Drained::default(), "afterwards all is as before");
}

#[test]
#[ignore = "live: listens to the kernel"]
fn a_message_of_another_process_is_not_believed() {
    let mut heard = Heard::through(RECEIVE_BUFFER);
    let address = rustix::net::getsockname(heard.source.as_fd()).unwrap();
    let port = SocketAddrNetlink::try_from(address).unwrap().pid();
    // The EXIT of a process that can't be: its number is above all that the kernel gives.
    let pid = u32::MAX - 1;
    let words = [76, 3, 0, 0, 1, 1, 0, 0, 40, 0x8000_0000, 0, 0, 0, pid, pid, 0, 0, 0, 0];
    let forged: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::DGRAM, Some(CONNECTOR)).unwrap();
    let sent =
        rustix::net::sendto(&socket, &forged, SendFlags::empty(), &SocketAddrNetlink::new(port, 0)).unwrap();
    assert_eq!(sent, forged.len());

    let mut child = shell("exit 0");
    let real = Pid(child.id());
    child.wait().unwrap();
    heard.wait_for_the_end_of(real);
    assert_eq!(heard.life_of(Pid(pid)), []);
}

/// Says whether events are to be had where this program runs: for the tests below, which run it elsewhere.
#[test]
#[ignore = "live: listens to the kernel"]
fn opening() {
    match (KernelEvents::open(&procfs(), RECEIVE_BUFFER), env::var_os("ELSEWHERE")) {
        (Ok(_), None) => {}
        (Ok(_), Some(_)) => panic!("they are to be had"),
        (Err(error), _) => panic!("no events: {error}"),
    }
}

fn reason_inside(runner: &[&str]) -> String {
    let program = env::current_exe().unwrap();
    let output = Command::new(runner[0])
        .args(&runner[1..])
        .arg(program)
        .args(["--ignored", "--exact", "opening"])
        .env("ELSEWHERE", "yes")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    assert!(!output.status.success(), "events under {runner:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let reason = text.lines().find_map(|line| line.strip_prefix("no events: "));
    reason.unwrap_or_else(|| panic!("no reason under {runner:?}: {text}")).to_owned()
}

#[test]
#[ignore = "live: makes namespaces"]
fn where_there_are_no_events_the_reason_is_named() {
    let expected = [
        (
            &["unshare", "--net"][..],
            "process connector: Connection refused (os error 111) (the first network",
        ),
        (&["unshare", "--pid", "--fork"], "taskstats: Invalid argument (os error 22) (the first pid and"),
        (
            &["setpriv", "--bounding-set=-net_admin", "--"],
            "taskstats: Operation not permitted (os error 1) (",
        ),
    ];
    for (runner, reason) in expected {
        let found = reason_inside(runner);
        assert!(found.starts_with(reason), "under {runner:?}: {found}");
    }
}

#[test]
#[ignore = "live: makes namespaces"]
fn a_procfs_of_another_pid_namespace_is_refused() {
    // A procfs shows the pid namespace of the one who mounted it; in this one our number is another or none.
    let script = "mount -t proc proc \"$1\" && echo mounted && read -r wait";
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Command::new("unshare")
        .args(["--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"])
        .arg(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.take().unwrap()), &mut line)
        .unwrap();
    let opened = (line == "mounted\n").then(|| {
        let roots = Roots { proc: dir.path().into(), ..Roots::of_this_machine() };
        KernelEvents::open(&ProcFs::open(roots).unwrap(), RECEIVE_BUFFER)
    });
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(Command::new("umount").arg(dir.path()).status().unwrap().success());
    let reason = opened.expect("a mounted procfs").expect_err("another namespace").to_string();
    let expected = format!("{} is of another pid namespace", dir.path().display());
    assert!(reason.starts_with(&expected), "{reason}");
}
