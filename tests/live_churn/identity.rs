//! Exec, rename and numbers in use again, by the real kernel.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};

use edgebench_tests::alone::alone;
use edgebench_tests::binaries;
use edgebench_tests::exporter::Exporter;
use edgebench_tests::exposition::Exposition;

fn processes(exposition: &Exposition, component: &str) -> f64 {
    exposition.sum("edgebench_component_processes", &[("component", component)]).unwrap_or(0.0)
}

fn cpu(exposition: &Exposition, component: &str) -> f64 {
    exposition.sum("edgebench_component_cpu_seconds_total", &[("component", component)]).unwrap_or(0.0)
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sleeper(dir: &std::path::Path, name: &str) -> Running {
    fs::copy("/bin/sleep", dir.join(name)).unwrap();
    Running(Command::new(dir.join(name)).arg("1000").spawn().unwrap())
}

#[test]
#[ignore = "live: starts processes"]
fn an_exec_of_a_young_process_is_seen_at_the_next_scrape_and_of_an_old_one_within_the_recheck() {
    if !alone(
        "identity::an_exec_of_a_young_process_is_seen_at_the_next_scrape_and_of_an_old_one_within_the_recheck",
    ) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::copy("/bin/sleep", dir.path().join("virt-api")).unwrap();
    let exporter = Exporter::start(&["--discovery=list", "--discovery.recheck=3s"]);
    exporter.scrape();
    for young in [true, false] {
        let script = format!("read line; exec {} 1000", dir.path().join("virt-api").display());
        let shell = Command::new("/bin/sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap();
        let mut shell = Running(shell);
        for _ in 0..(if young { 1 } else { 5 }) {
            assert_eq!(processes(&exporter.scrape(), "virt-api"), 0.0);
        }
        drop(shell.0.stdin.take());
        let exe = format!("/proc/{}/exe", shell.0.id());
        while !fs::read_link(&exe).is_ok_and(|exe| exe.ends_with("virt-api")) {}
        if young {
            assert_eq!(processes(&exporter.scrape(), "virt-api"), 1.0);
        }
        exporter.scrape_until("it is seen", |now| processes(now, "virt-api") == 1.0);
        drop(shell);
        assert_eq!(processes(&exporter.scrape(), "virt-api"), 0.0);
    }
}

#[test]
#[ignore = "live: starts processes"]
fn a_number_in_use_again_is_another_process() {
    if !alone("identity::a_number_in_use_again_is_another_process") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let exporter = Exporter::start(&["--discovery=list", "--discovery.recheck=2s"]);
    // Kept open, and swept.
    for (first, then) in
        [("virt-api", "virt-controller"), ("virt-handler", "virt-handler"), ("my-service", "cdi-operator")]
    {
        fs::copy(binaries::stand_in(), dir.path().join("busy")).unwrap();
        let old = sleeper(dir.path(), first);
        let pid = old.0.id();
        let before = exporter.scrape();
        drop(old);
        // Pid numbers of this namespace are given out from here on.
        fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        let new = sleeper(dir.path(), then);
        assert_eq!(new.0.id(), pid, "the number is taken again");
        // Where the kernel itself begins again with low numbers, the exporter knows. Turned back by hand, a swept
        // process is missed until the next whole listing.
        let after = match first {
            "my-service" => exporter.scrape_until("it is listed", |now| processes(now, then) == 1.0),
            _ => exporter.scrape(),
        };
        assert_eq!(processes(&after, then), 1.0, "{first}, then {then}");
        assert_eq!(processes(&after, first), f64::from(u8::from(first == then)));
        for component in [first, then] {
            assert!(cpu(&after, component) >= cpu(&before, component), "{component}");
        }
        drop(new);
        let gone = exporter.scrape();
        assert_eq!(processes(&gone, then), 0.0);
    }
}

#[test]
#[ignore = "live: takes 200 MiB of the node's memory"]
fn ten_children_that_share_200_mib_hold_it_once() {
    if !alone("identity::ten_children_that_share_200_mib_hold_it_once") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::copy("/usr/bin/python3", dir.path().join("virt-handler")).unwrap();
    // Fork without exec: the pages stay shared as long as nobody writes to them.
    let script = "\
import os, sys
held = bytearray(os.urandom(1 << 20)) * 200
for _ in range(10):
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
print('ready', flush=True)
sys.stdin.read()
";
    let child = Command::new(dir.path().join("virt-handler"))
        .args(["-S", "-c", script])
        .env("PYTHONHOME", "/usr")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.0.stdout.take().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    let exporter = Exporter::start(&["--discovery=list", "--pss.budget=1", "--pss.interval=1s"]);
    let handler = [("component", "virt-handler")];
    let view = exporter.scrape_until("all are read", |now| {
        processes(now, "virt-handler") == 11.0
            && now.sum("edgebench_component_proportional_memory_bytes", &handler).is_some()
    });
    let mib = |name: &str| view.value(name, &handler) / f64::from(1 << 20);
    assert!(mib("edgebench_component_resident_memory_bytes") > 2_000.0);
    let proportional = mib("edgebench_component_proportional_memory_bytes");
    assert!((200.0..260.0).contains(&proportional), "{proportional} MiB");
}

#[test]
#[ignore = "live: starts processes, and needs CAP_NET_ADMIN in the first network namespace"]
fn by_the_kernels_events_exec_rename_and_fork_are_seen_at_the_next_scrape_whatever_the_age() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy("/bin/sleep", dir.path().join("virt-api")).unwrap();
    let exporter = Exporter::start(&["--discovery=events", "--discovery.recheck=1h"]);
    let script = format!(
        "cd {}; mkfifo never; read line; echo virt-exportprox > /proc/$$/comm; read line; \
         (read line < never) & read line; exec ./virt-api 1000",
        dir.path().display()
    );
    let mut shell =
        Running(Command::new("/bin/sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = shell.0.stdin.take().unwrap();
    let comm = format!("/proc/{}/comm", shell.0.id());
    let comm = || fs::read_to_string(&comm).unwrap();
    // Long past its beginning.
    (0..5).for_each(|_| drop(exporter.scrape()));
    assert_eq!(processes(&exporter.scrape(), "virt-exportproxy"), 0.0);
    writeln!(stdin).unwrap();
    while comm() != "virt-exportprox\n" {}
    assert_eq!(processes(&exporter.scrape(), "virt-exportproxy"), 1.0, "it renamed itself");
    writeln!(stdin).unwrap();
    exporter.scrape_until("it forked", |now| processes(now, "virt-exportproxy") == 2.0);
    writeln!(stdin).unwrap();
    while comm() != "virt-api\n" {}
    let after = exporter.scrape();
    assert_eq!(processes(&after, "virt-api"), 1.0, "it called exec");
    assert_eq!(after.value("edgebench_discovery_listings_total", &[]), 1.0, "nobody was looked for");
    // What it waits for comes: the forked one ends.
    drop(fs::OpenOptions::new().write(true).open(dir.path().join("never")).unwrap());
}
