//! The schedule, run by a clock that is simulated, on targets whose real cost is known.
//!
//! Whatever the targets cost: the CPU time that is spent keeps to the budget, every target is read, and a
//! large one never more often than the budget pays for.

use std::collections::BTreeMap;
use std::time::Duration;

use edgebench_sampler::process::ProcessId;
use edgebench_sampler::{Bytes, Nanos, Pid, StartTicks};
use proptest::prelude::*;

use super::budget::ALLOWANCE;
use super::schedule::{Schedule, Step};
use super::{Settings, Skips, Target};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const MIB: u64 = 1 << 20;

/// A process, and what reading it really costs.
#[derive(Clone, Copy, Debug)]
struct Simulated {
    pid: u32,
    resident: Bytes,
    cost: Nanos,
}

impl Simulated {
    /// It costs as much as is expected.
    fn of_mib(pid: u32, mib: u64) -> Simulated {
        Simulated { pid, resident: Bytes(mib * MIB), cost: Nanos(12 * MS * mib / 1024 + 50_000) }
    }

    fn id(&self) -> ProcessId {
        ProcessId { pid: Pid(self.pid), start: StartTicks(1) }
    }

    fn target(&self) -> Target {
        Target { processes: vec![self.id()], resident: self.resident, ..Target::default() }
    }
}

/// A reading that took place.
#[derive(Clone, Copy, Debug)]
struct Took {
    pid: u32,
    began: Nanos,
    cost: Nanos,
}

/// The thread, without a thread.
struct Simulation {
    schedule: Schedule,
    now: Nanos,
    processes: BTreeMap<u32, Simulated>,
    readings: Vec<Took>,
    steps: u64,
}

/// It does not start at zero, as no machine's clock does.
const START: Nanos = Nanos(1_000_000 * SECOND);

impl Simulation {
    fn new(settings: Settings, processes: &[Simulated]) -> Simulation {
        let schedule = Schedule::new(&settings, START);
        let mut simulation =
            Simulation { schedule, now: START, processes: BTreeMap::new(), readings: Vec::new(), steps: 0 };
        simulation.retarget(processes);
        simulation
    }

    fn retarget(&mut self, processes: &[Simulated]) {
        self.processes = processes.iter().map(|process| (process.pid, *process)).collect();
        self.schedule.retarget(processes.iter().map(Simulated::target).collect(), self.now);
    }

    /// Runs for so long; a reading takes as long as it costs.
    fn run(&mut self, time: Nanos) {
        let end = self.now.0 + time.0;
        while self.now.0 < end {
            self.steps += 1;
            match self.schedule.step(self.now) {
                Step::Read(target) => {
                    let process = self.processes[&target.processes[0].pid.0];
                    let began = self.now;
                    self.now.0 += process.cost.0;
                    self.schedule.done(&target, began, self.now, process.cost);
                    self.readings.push(Took { pid: process.pid, began, cost: process.cost });
                }
                Step::Wait(time) => {
                    assert_ne!(time, Nanos(0), "it waits, or it reads");
                    self.now.0 = end.min(self.now.0.saturating_add(time.0));
                }
                Step::Idle => self.now.0 = end,
            }
        }
    }

    fn of(&self, pid: u32) -> Vec<Took> {
        self.readings.iter().filter(|reading| reading.pid == pid).copied().collect()
    }

    /// Milliseconds after the start at which a process was read.
    fn times_of(&self, pid: u32) -> Vec<u64> {
        self.of(pid).iter().map(|reading| (reading.began.0 - START.0) / MS).collect()
    }
}

fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * SECOND)
}

#[test]
fn a_normal_node_has_all_its_figures_within_the_first_second() {
    // Nine daemons, and two VMs of 512 MiB each in a pod with its launcher.
    let daemons = (1..10).map(|pid| Simulated::of_mib(pid, 100));
    let vms = (10..12).map(|pid| Simulated::of_mib(pid, 700));
    let node: Vec<_> = daemons.chain(vms).collect();
    let mut simulation = Simulation::new(Settings::default(), &node);
    simulation.run(seconds(1));
    assert_eq!(simulation.readings.len(), node.len());
    assert_eq!(simulation.schedule.skips(), Skips::default());
}

#[test]
fn a_node_that_the_budget_pays_for_is_read_once_every_cadence() {
    let node = [1, 2, 3].map(|pid| Simulated::of_mib(pid, 100));
    let mut simulation = Simulation::new(Settings::default(), &node);
    simulation.run(seconds(149));
    for process in node {
        assert_eq!(simulation.of(process.pid).len(), 10);
    }
    assert_eq!(simulation.schedule.skips(), Skips::default());
    assert!(simulation.steps < 10 * 2 * 3, "it sleeps in between: {} steps", simulation.steps);
}

#[test]
fn under_a_tight_budget_all_are_read_equally_often() {
    let node: Vec<_> = (1..41).map(|pid| Simulated::of_mib(pid, u64::from(pid) * 20)).collect();
    let mut simulation = Simulation::new(Settings::default(), &node);
    simulation.run(seconds(3600));
    let times: Vec<_> = node.iter().map(|process| simulation.of(process.pid).len()).collect();
    let (fewest, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(most - fewest <= 1 && *fewest > 10, "{times:?}");
    let skips = simulation.schedule.skips();
    assert!(skips.budget > 1000 && skips.size == 0, "{skips:?}");
}

#[test]
fn a_large_target_is_read_when_its_price_has_been_earned_and_the_others_meanwhile() {
    // 64 GiB in 4 KiB pages: 768 ms, which 0.1 % of a core earns in 768 s.
    let huge = Simulated::of_mib(1, 64 << 10);
    let node = [huge, Simulated::of_mib(2, 100), Simulated::of_mib(3, 100)];
    let mut simulation = Simulation::new(Settings::default(), &node);
    simulation.run(seconds(4000));
    let times = simulation.times_of(1);
    // The others need a sixth of the budget: they cost 1.2 ms each and are read every 15 s.
    assert!((768_000..1_000_000).contains(&times[0]), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 768_000), "{times:?}");
    assert_eq!(times.len(), 4);
    for pid in [2, 3] {
        assert!(simulation.of(pid).len() > 250, "{:?}", simulation.times_of(pid));
    }
    assert!(simulation.schedule.skips().size > 200);
}

#[test]
fn a_large_target_in_huge_pages_is_soon_read_every_cadence() {
    let huge = Simulated { cost: Nanos(MS), ..Simulated::of_mib(1, 8 << 10) };
    let mut simulation = Simulation::new(Settings::default(), &[huge]);
    simulation.run(seconds(400));
    let times = simulation.times_of(1);
    assert_eq!(times[0], 96_050, "as expected of 4 KiB pages");
    assert!(times[1..].windows(2).all(|pair| pair[1] - pair[0] <= 15_001), "{times:?}");
}

#[test]
fn a_large_target_that_is_cheaper_than_expected_is_saved_for_anew() {
    let huge = Simulated { cost: Nanos(40 * MS), ..Simulated::of_mib(1, 8 << 10) };
    let mut simulation = Simulation::new(Settings::default(), &[huge]);
    simulation.run(seconds(400));
    let times = simulation.times_of(1);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 40_000), "{times:?}");
    assert!(times.len() > 5, "{times:?}");
}

#[test]
fn what_took_far_longer_than_expected_is_paid_before_anything_else_is_read() {
    // A walk of two seconds, where 12 ms were expected.
    let slow = Simulated { cost: seconds(2), ..Simulated::of_mib(1, 1024) };
    let mut simulation = Simulation::new(Settings::default(), &[slow, Simulated::of_mib(2, 2048)]);
    simulation.run(seconds(1900));
    assert_eq!(simulation.times_of(1), [0]);
    assert_eq!(simulation.of(2).len(), 0);
    simulation.run(seconds(200));
    assert!(!simulation.of(2).is_empty());
}

#[test]
fn processes_that_come_all_the_time_do_not_keep_the_others_from_being_read() {
    // Each second one that is never seen again, which costs more than a second earns.
    let lasting = Simulated::of_mib(1, 100);
    let mut simulation = Simulation::new(Settings::default(), &[lasting]);
    for pid in 2..4000 {
        simulation.retarget(&[lasting, Simulated::of_mib(pid, 200)]);
        simulation.run(seconds(1));
    }
    let mut times = simulation.times_of(1);
    times.push((simulation.now.0 - START.0) / MS);
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest <= 700_000, "{longest} ms without a reading: {times:?}");
}

#[test]
fn a_process_that_became_another_program_is_read_at_once() {
    let process = Simulated::of_mib(1, 100);
    let mut simulation = Simulation::new(Settings::default(), &[process]);
    simulation.run(seconds(3));
    let changed = Target { changed: vec![(process.id(), simulation.now)], ..process.target() };
    for _ in 0..3 {
        simulation.schedule.retarget(vec![changed.clone()], simulation.now);
        simulation.run(seconds(1));
    }
    assert_eq!(simulation.times_of(1), [0, 3000]);
}

#[test]
fn a_pod_in_which_something_runs_for_a_moment_waits_for_its_turn() {
    // As an exec probe does: runc init, which then becomes the probe.
    let qemu = Simulated::of_mib(1, 100);
    let mut simulation = Simulation::new(Settings::default(), &[qemu]);
    let probe = Simulated::of_mib(2, 1).id();
    let with_probe =
        |at| Target { processes: vec![qemu.id(), probe], changed: vec![(probe, at)], ..qemu.target() };
    for _ in 0..14 {
        simulation.run(seconds(1));
        simulation.schedule.retarget(vec![with_probe(simulation.now)], simulation.now);
    }
    assert_eq!(simulation.times_of(1), [0]);
    simulation.run(seconds(2));
    assert_eq!(simulation.of(1).len(), 2);
}

#[test]
fn nothing_to_read_is_nothing_to_do() {
    let mut simulation = Simulation::new(Settings::default(), &[]);
    simulation.run(seconds(1000));
    simulation.retarget(&[Simulated::of_mib(1, 1)]);
    simulation.run(seconds(1));
    simulation.retarget(&[]);
    simulation.run(seconds(1000));
    assert_eq!(simulation.readings.len(), 1);
    assert!(simulation.steps <= 5);
}

/// Processes of any size; most cost what is expected, some far less or far more.
fn processes() -> impl Strategy<Value = Vec<Simulated>> {
    let process = (1..30u32, 0..4000u64, prop_oneof![3 => Just(1.0), 1 => 0.001..1.0, 1 => 1.0..20.0]);
    prop::collection::vec(process, 1..12).prop_map(|processes| {
        let of = |&(pid, mib, factor): &(u32, u64, f64)| {
            let expected = Simulated::of_mib(pid, mib);
            Simulated { cost: Nanos((expected.cost.0 as f64 * factor) as u64 + 1), ..expected }
        };
        processes.iter().map(of).collect()
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let budget = prop_oneof![Just(0.001), 0.001..0.02, 0.02..1.0];
    let cadence = prop_oneof![Just(1000), 1000..60_000u64];
    (budget, 0..4096u64, cadence).prop_map(|(budget, mib, cadence)| Settings {
        budget,
        largest: Bytes(mib * MIB),
        cadence: Duration::from_millis(cadence),
    })
}

proptest! {
    // Each runs for hours of simulated time.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_budget_is_kept_whatever_comes_and_goes(
        settings in settings(),
        phases in prop::collection::vec((processes(), 0..2_000_000u64), 1..8),
    ) {
        let mut simulation = Simulation::new(settings, &[]);
        for (processes, ms) in phases {
            simulation.retarget(&processes);
            simulation.run(Nanos(ms * MS));
        }
        let (mut spent, mut dearest) = (0, 0);
        for reading in &simulation.readings {
            spent += reading.cost.0;
            dearest = dearest.max(reading.cost.0);
            // From the moment it began: while it is read, more is earned.
            let earned = settings.budget * (reading.began.0 - START.0) as f64;
            let allowed = earned + (ALLOWANCE.0 + dearest) as f64 + 1000.0;
            prop_assert!(spent as f64 <= allowed, "{spent} ns, {allowed} allowed at {:?}", reading.began);
        }
    }

    #[test]
    fn every_target_is_read_again_and_again(settings in settings(), processes in processes()) {
        let mut simulation = Simulation::new(settings, &processes);
        let all: Vec<_> = simulation.processes.values().copied().collect();
        // What one round costs, by what is expected before the first reading or by what it is.
        let cost = |process: &Simulated| {
            process.cost.0.max(Simulated::of_mib(process.pid, process.resident.0 / MIB).cost.0)
        };
        let round: u64 = all.iter().map(cost).sum();
        let price = ((round + ALLOWANCE.0) as f64 / settings.budget) as u64;
        let bound = Nanos(4 * price + 2 * settings.cadence.as_nanos() as u64 + round);
        for rounds in 1..4 {
            simulation.run(bound);
            for process in &all {
                let times = simulation.of(process.pid).len();
                prop_assert!(times >= rounds, "{times} in {rounds} x {bound:?}: {process:?}");
            }
        }
    }

    #[test]
    fn a_large_target_is_never_read_more_often_than_its_cost_is_earned(
        settings in settings(),
        processes in processes(),
    ) {
        let mut simulation = Simulation::new(settings, &processes);
        simulation.run(Nanos(10_000 * SECOND));
        for process in simulation.processes.values().filter(|process| process.resident > settings.largest) {
            let least = process.cost.0 as f64 / settings.budget;
            for pair in simulation.of(process.pid).windows(2) {
                let between = (pair[1].began.0 - pair[0].began.0) as f64;
                prop_assert!(between + 1000.0 >= least, "{between} ns, not {least}: {process:?}");
            }
        }
    }

    #[test]
    fn waiting_is_not_polling(settings in settings(), processes in processes()) {
        let mut simulation = Simulation::new(settings, &processes);
        simulation.run(Nanos(2000 * SECOND));
        // Once to read, once or twice to wait for it, and once every cadence to count who waits.
        let cadences = 2000 * SECOND / settings.cadence.as_nanos() as u64;
        let allowed = 4 * (simulation.readings.len() as u64 + cadences + 2);
        prop_assert!(simulation.steps <= allowed, "{} steps, {allowed} allowed", simulation.steps);
    }
}
