//! The source document, rebuilt: eleven processes with its names and sizes, measured before and after.
//!
//! Its process table says MB where `top` said thousands of KiB, so 144 MB are 144,000 KiB; qemu-kvm's 14.0 %
//! are 1.1 GB of a node with 8,139,776 KiB. What starts here holds exactly that, so every figure is known
//! beforehand: rows, used memory, and what is left unexplained.
//!
//! sar counts the memory of the whole machine. Where something else on it grows or shrinks meanwhile, the
//! test waits and tries again, and says so if it never gets quiet. Run it alone:
//! `cargo test -p edgebench-tests --test live_source_document -- --ignored --test-threads=1 --nocapture`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]
#![allow(clippy::print_stderr, reason = "the figures are for the reader of the log")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use edgebench_tests::stand_in::Plan;
use edgebench_tests::{StandIn, binaries, printed};
use serde_json::Value;

/// The source document's process table: name, KiB, percent of one core. Together they burn its +2.04 points
/// of 4 vCPUs.
const PROCESSES: [(&str, u64, f64); 11] = [
    ("qemu-kvm", 1_135_000, 4.2),
    ("virt-operator", 144_000, 0.4),
    ("virt-handler", 141_000, 0.4),
    ("virt-controller", 141_000, 0.4),
    ("virt-api", 137_000, 0.4),
    ("virt-launcher", 135_000, 0.4),
    ("cdi-operator", 95_000, 0.4),
    ("cdi-controller", 64_000, 0.4),
    ("cdi-apiserver", 54_000, 0.4),
    ("cdi-uploadproxy", 44_000, 0.4),
    ("libvirtd", 27_000, 0.4),
];

const GUEST_KIB: u64 = 1 << 20;
const QEMU: &str = "-name guest=default_edge-vm,debug-threads=on -accel kvm -m size=1048576k \
                    -object memory-backend-ram,id=pc.ram,size=1073741824 -smp 2";
const LAUNCHER: &str = "--name edge-vm --namespace default --uid 7764d18d-957a-4449-b066-00d4e14c9721";

/// What another process gives back right before the second capture.
const FREED_KIB: u64 = 600 << 10;

const FREE_LISTS: &str = "per-CPU free lists";

/// The rest of the machine is quiet if it changes by less than this share of what is allocated: half of what
/// the difference may be off by.
const QUIET: f64 = 0.01;
const ATTEMPTS: usize = 12;

#[test]
#[ignore = "live: takes 2.1 GiB of the node's memory"]
fn the_source_documents_tables_are_measured_as_they_were_built() {
    on_a_quiet_machine(|dir| Rebuilt::measure(dir, 0));
}

#[test]
#[ignore = "live: takes 2.7 GiB of the node's memory"]
fn the_same_holds_right_after_another_process_freed_its_memory() {
    on_a_quiet_machine(|dir| Rebuilt::measure(dir, FREED_KIB));
}

/// Rows and sums hold on any machine. The difference is held against what was allocated once the rest of the
/// machine stood still: pages that a large process gives back while the last reading is taken are nowhere,
/// no more in `AnonPages` and not yet free, so they are unexplained.
fn on_a_quiet_machine(measure: impl Fn(&Path) -> Rebuilt) {
    // Built before anything is measured, if need be.
    let _ = (binaries::edgebench(), binaries::stand_in());
    let mut disturbances = Vec::new();
    for _ in 0..ATTEMPTS {
        wait_for_a_quiet_moment();
        let dir = tempfile::tempdir().unwrap();
        let rebuilt = measure(dir.path());
        eprintln!("{}", rebuilt.figures());
        rebuilt.check_sums();
        if let Some(name) = rebuilt.doubled() {
            disturbances.push(format!("another {name} ran"));
            continue;
        }
        rebuilt.check_processes();
        match rebuilt.change() {
            Some(change) => disturbances.push(change),
            None => return rebuilt.check_difference(),
        }
    }
    panic!(
        "this machine was never quiet while the test measured, so nothing can be said of the difference:\n  \
         {}\nRun it where nothing else runs, such as a build.",
        disturbances.join("\n  ")
    );
}

/// Waits until anonymous memory stands still for two seconds, at most for twenty.
fn wait_for_a_quiet_moment() {
    let anonymous_kib = || -> f64 {
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = meminfo.lines().find(|line| line.starts_with("AnonPages:")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let allocated: u64 = PROCESSES.iter().map(|(_, kib, _)| kib).sum();
    for _ in 0..10 {
        let before = anonymous_kib();
        sleep(Duration::from_secs(2));
        if (anonymous_kib() - before).abs() < QUIET * allocated as f64 {
            return;
        }
    }
}

/// What was measured of the eleven.
struct Rebuilt {
    report: Value,
    table: String,
    allocated_kib: f64,
}

impl Rebuilt {
    /// Captures this machine, starts the eleven, has another process take and free so much, and captures again.
    fn measure(dir: &Path, freed_kib: u64) -> Rebuilt {
        edgebench(dir, &["footprint", "--samples=5", "--interval=200ms", "--save=before.json.gz"]);
        let running = thread::scope(|scope| {
            PROCESSES
                .map(|(name, kib, cpu)| scope.spawn(move || start(dir, name, kib, cpu)))
                .map(|starting| starting.join().unwrap())
        });
        let anonymous: u64 = running.iter().map(|process| process.status_kib("RssAnon")).sum();
        if freed_kib > 0 {
            drop(Plan::new("another-program", freed_kib).start(dir));
        }
        let after = ["footprint", "--samples=5", "--interval=200ms", "--save=after.json.gz"];
        let report = edgebench(dir, &[&after[..], &["--baseline=before.json.gz", "--format=json"]].concat());
        drop(running);
        Rebuilt {
            report: serde_json::from_str(&report).unwrap(),
            table: edgebench(dir, &["compare", "before.json.gz", "after.json.gz"]),
            allocated_kib: anonymous as f64,
        }
    }

    /// A name of the eleven that another process has too, or had.
    fn doubled(&self) -> Option<&Value> {
        let before = rows(&self.report["baseline"]["measured"]);
        let after = rows(&self.report["capture"]).iter().filter(|row| row["processes"] != 1);
        let mut of_others = before.iter().chain(after).map(|row| &row["component"]);
        of_others.find(|component| PROCESSES.iter().any(|(name, ..)| **component == *name))
    }

    /// What other processes changed by, if that is too much for the plain difference.
    fn change(&self) -> Option<String> {
        let changed = self.machine_kib();
        let kib = |part: &Value| part["amount"].as_f64().unwrap();
        let most = self
            .parts("memory")
            .filter(|part| is_of_the_rest(part))
            .max_by(|one, other| kib(one).abs().total_cmp(&kib(other).abs()));
        let most = most.map(|part| format!(", most of all {} {:+.0} MiB", part["name"], kib(part) / 1024.0));
        (changed.abs() > QUIET * self.allocated_kib)
            .then(|| format!("the rest changed by {:+.0} MiB{}", changed / 1024.0, most.unwrap_or_default()))
    }

    fn check_processes(&self) {
        let capture = &self.report["capture"]["captures"][0];
        for (name, kib, _) in PROCESSES {
            let row = rows(&self.report["capture"])
                .iter()
                .find(|row| row["component"] == name)
                .unwrap_or_else(|| panic!("no {name}"));
            assert_within(row["resident"].as_f64().unwrap() / 1024.0, kib as f64, 0.01, name);
        }
        let vms = capture["vms"].as_array().unwrap();
        let vm = vms.iter().find(|vm| vm["name"] == "edge-vm").unwrap();
        assert_eq!((vm["namespace"].as_str(), vm["vcpus"].as_u64()), (Some("default"), Some(2)));
        assert_eq!(vm["guest_resident"], GUEST_KIB << 10);
        assert_eq!(self.group_kib("guest"), GUEST_KIB as f64);
        let parts = self.kib(is_of_the_eleven);
        assert_within(parts, self.allocated_kib, 0.02, "the parts of the eleven");
        let notes = self.report["notes"].to_string();
        assert!(notes.contains("outside of any pod: cdi-apiserver"), "{notes}");
    }

    fn check_sums(&self) {
        for explained in ["memory", "cpu"] {
            let sum: f64 = self.parts(explained).map(|part| part["amount"].as_f64().unwrap()).sum();
            let total = self.report[explained]["total"].as_f64().unwrap();
            assert!((sum - total).abs() < 1e-9, "{explained}: {sum}, total {total}");
        }
        for side in [&self.report["baseline"]["measured"], &self.report["capture"]] {
            let memory = &side["captures"][0]["memory"];
            let parts = memory["parts"].as_array().unwrap();
            let sum: i64 = parts.iter().map(|part| part["amount"].as_i64().unwrap()).sum();
            assert_eq!(Some(sum), memory["used_kib"].as_i64());
        }
        printed::check(&self.table, "the table");
    }

    fn check_difference(&self) {
        let what = "used memory without the per-CPU free lists";
        assert_within(self.used_kib() - self.free_lists_kib(), self.allocated_kib, 0.02, what);
        let share = self.group_kib("unexplained").abs() / self.allocated_kib;
        assert!(share < 0.03, "unexplained: {:.2} % of what was allocated\n{}", share * 100.0, self.table);
    }

    fn parts(&self, explained: &str) -> impl Iterator<Item = &Value> {
        self.report[explained]["parts"].as_array().unwrap().iter()
    }

    fn kib(&self, wanted: impl Fn(&Value) -> bool) -> f64 {
        self.parts("memory").filter(|part| wanted(part)).map(|part| part["amount"].as_f64().unwrap()).sum()
    }

    fn group_kib(&self, group: &str) -> f64 {
        self.kib(|part| part["group"] == group)
    }

    fn used_kib(&self) -> f64 {
        self.report["memory"]["total"].as_f64().unwrap()
    }

    fn free_lists_kib(&self) -> f64 {
        self.kib(|part| part["name"] == FREE_LISTS)
    }

    /// What everything else on this machine grew by.
    fn machine_kib(&self) -> f64 {
        self.kib(is_of_the_rest)
    }

    fn figures(&self) -> String {
        let percent = |kib: f64| format!("{:+.2} %", kib * 100.0 / self.allocated_kib);
        let difference = self.used_kib() - self.free_lists_kib();
        format!(
            "allocated {:.0} KiB; used {:+.0}, free lists {:+.0}: {} off; unexplained {:+.0}: {}; the rest of the \
             machine {:+.0}: {}",
            self.allocated_kib,
            self.used_kib(),
            self.free_lists_kib(),
            percent(difference - self.allocated_kib),
            self.group_kib("unexplained"),
            percent(self.group_kib("unexplained")),
            self.machine_kib(),
            percent(self.machine_kib()),
        )
    }
}

fn rows(side: &Value) -> &Vec<Value> {
    side["captures"][0]["components"].as_array().unwrap()
}

fn is_of_the_eleven(part: &Value) -> bool {
    PROCESSES.iter().any(|(name, ..)| part["name"] == *name) || part["group"] == "guest"
}

/// Other processes, a hugetlb pool.
fn is_of_the_rest(part: &Value) -> bool {
    !is_of_the_eleven(part) && part["name"] != FREE_LISTS && part["group"] != "unexplained"
}

fn start(dir: &Path, name: &str, kib: u64, cpu_percent: f64) -> StandIn {
    let plan = Plan::new(name, kib).cpu_percent(cpu_percent);
    match name {
        "qemu-kvm" => plan.guest_kib(GUEST_KIB).args(QEMU.split_ascii_whitespace()),
        "virt-launcher" => plan.args(LAUNCHER.split_ascii_whitespace()),
        _ => plan,
    }
    .start(dir)
}

fn edgebench(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new(binaries::edgebench())
        .args(arguments)
        .current_dir(dir)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "edgebench {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn assert_within(found: f64, wanted: f64, share: f64, what: &str) {
    let off = (found - wanted).abs() / wanted;
    assert!(off <= share, "{what}: {found:.0} KiB, wanted {wanted:.0}, off by {:.2} %", 100.0 * off);
}
