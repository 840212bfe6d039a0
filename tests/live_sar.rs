//! CPU and RAM used are sar's, in every digit: the real `sar` (sysstat 12.6.1) runs beside edgebench.
//!
//! In lockstep both read prepared files ([`edgebench_tests::lockstep`]); on the live machine both read the
//! kernel's own, some milliseconds apart.
//!
//! Run these with `tests/run`, or alone, as root:
//! `cargo test -p edgebench-tests --test live_sar -- --ignored --test-threads=1`.
//! `UPDATE_GOLDEN=1` writes what sar says to `golden/sar`, for `sar.rs`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::process::{Child, Command, Stdio};
use std::thread;

use edgebench_tests::golden::assert_golden;
use edgebench_tests::sar::{PLAIN, Scenario, averages, told_from_the_start};
use edgebench_tests::{binaries, lockstep};

/// Scenarios that run at once: five processes each, idle but for a moment every second.
const AT_ONCE: usize = 7;

#[test]
#[ignore = "live: runs the real sar on prepared files, as root in mount namespaces"]
fn in_lockstep_every_average_is_sars_to_the_digit() {
    let scenarios = Scenario::all();
    binaries::edgebench();
    let mut failed = Vec::new();
    for wave in scenarios.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let mut runs = Vec::new();
            for scenario in wave {
                let thread = thread::Builder::new().name(scenario.name.clone());
                runs.push((scenario, thread.spawn_scoped(scope, || equals_sar(scenario)).unwrap()));
            }
            for (scenario, run) in runs {
                if run.join().is_err() {
                    failed.push(&scenario.name);
                }
            }
        });
    }
    assert!(failed.is_empty(), "of {} scenarios these failed, see above: {failed:?}", scenarios.len());
}

/// Sar prints what its golden says, and edgebench the same averages.
fn equals_sar(scenario: &Scenario) {
    let printed = lockstep::run(scenario);
    let told = told_from_the_start(&printed.sar_cpu, &printed.sar_memory, scenario.samples());
    assert_golden(&scenario.golden_name(), &told);
    assert_eq!(averages(&printed.edgebench), averages(&told), "edgebench (left), sar (right)");
}

/// Percentages of the node that are used.
#[derive(Clone, Copy, Debug)]
struct Used {
    cpu: f64,
    ram: f64,
}

#[test]
#[ignore = "live: ten seconds beside the real sar"]
fn on_the_live_machine_cpu_used_is_within_0_3_points_of_sars_and_ram_used_within_0_1() {
    let agree = |(sar, edgebench): &(Used, Used)| {
        (sar.cpu - edgebench.cpu).abs() <= 0.3 && (sar.ram - edgebench.ram).abs() <= 0.1
    };
    // The two don't read at the very same moment, and a burst may fall in between: a second chance, no third.
    let first = ten_seconds_beside_sar();
    if !agree(&first) {
        let second = ten_seconds_beside_sar();
        assert!(agree(&second), "sar and edgebench, twice: {first:?}, {second:?}");
    }
}

/// The real sar and edgebench, started at the same moment.
fn ten_seconds_beside_sar() -> (Used, Used) {
    let edgebench = binaries::edgebench();
    let sar_cpu = start(Command::new("sar").args(["1", "10"]));
    let sar_ram = start(Command::new("sar").args(["-r", "1", "10"]));
    let edgebench = start(Command::new(edgebench).args(["footprint", "--samples", "10", "--format", "sar"]));
    let sar = finish(sar_cpu) + &finish(sar_ram);
    (used(&sar), used(&finish(edgebench)))
}

fn start(command: &mut Command) -> Child {
    command.envs(PLAIN).stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

fn finish(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}: see its message above", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// 100 − %idle, the last column of the first average, and %memused, the fourth of the second.
fn used(printed: &str) -> Used {
    let averages = averages(printed);
    let [cpu, ram] = averages[..] else { panic!("not two averages: {printed}") };
    let idle: f64 = cpu.split_ascii_whitespace().next_back().unwrap().parse().unwrap();
    let ram = ram.split_ascii_whitespace().nth(4).unwrap().parse().unwrap();
    Used { cpu: 100.0 - idle, ram }
}
