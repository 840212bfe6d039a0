//! The thread that reads, and what it shares with the observer.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use edgebench_sampler::process::ProcessId;
use edgebench_sampler::{Bytes, Nanos, ProcFs, ReadError, Roots};
use rustix::time::{ClockId, clock_gettime};
use thiserror::Error;

use super::readings::Readings;
use super::schedule::{Schedule, Step};
use super::target::{self, Target};
use super::trouble::Trouble;

/// How much may be spent on what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Share of one core that the thread may use: above 0, at most 1.
    pub budget: f64,
    /// A target with a larger RES is read only once all of its expected cost has been earned.
    pub largest: Bytes,
    /// How long after a reading the next turn of a target comes, if the budget allows.
    pub cadence: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { budget: 0.001, largest: Bytes(4 << 30), cadence: Duration::from_secs(15) }
    }
}

/// Why the thread was not started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The budget is no share of a core.
    #[error("a budget of {0} is no share of one core: it must be above 0 and at most 1")]
    Budget(f64),
    /// There is no procfs.
    #[error(transparent)]
    ProcFs(#[from] ReadError),
    /// The system has no thread to give.
    #[error("a thread to read proportional memory: {0}")]
    Thread(#[source] io::Error),
}

/// Reads targets on a thread of its own, which ends when this is dropped: at once, or when the kernel is
/// through with the walk that it is in.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Signalled when there are other targets, and at the end.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Targets that the thread has not seen yet.
    targets: Option<Vec<Target>>,
    /// Every process that is in a target, with the time from which on its figures are its own.
    wanted: Wanted,
    readings: Arc<Readings>,
    ends: bool,
}

type Wanted = BTreeMap<ProcessId, Nanos>;

impl Reader {
    /// Starts the thread, which has nothing to read yet.
    ///
    /// # Errors
    /// Where the budget is none, where there is no procfs, or no thread.
    pub fn start(roots: Roots, settings: Settings) -> Result<Reader, StartError> {
        if !(settings.budget > 0.0 && settings.budget <= 1.0) {
            return Err(StartError::Budget(settings.budget));
        }
        let procfs = ProcFs::open(roots)?;
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = std::thread::Builder::new()
            .name("pss".into())
            .stack_size(256 << 10)
            .spawn(move || run(&procfs, &settings, &its))
            .map_err(StartError::Thread)?;
        Ok(Reader { shared, thread: Some(thread) })
    }

    /// From now on these are the targets: to be called when processes came, went or became other programs, or
    /// when the RES of one has changed much. Figures of what is no target any more are dropped.
    pub fn retarget(&self, targets: Vec<Target>) {
        let mut state = self.shared.lock();
        state.wanted = wanted(&targets);
        let State { wanted, readings, .. } = &mut *state;
        let readings = Arc::make_mut(readings);
        readings.processes.retain(|id, reading| is_wanted(wanted, *id, reading.at));
        readings.guests.retain(|id, reading| is_wanted(wanted, *id, reading.at));
        state.targets = Some(targets);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// What was read so far.
    pub fn readings(&self) -> Arc<Readings> {
        self.shared.lock().readings.clone()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It does not panic, and if it did there would be nobody to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there are other targets, the end has come, or so much time went by.
    fn wait(&self, at_most: Option<Nanos>) {
        let idle = |state: &mut State| state.targets.is_none() && !state.ends;
        let state = self.lock();
        match at_most {
            Some(time) => drop(self.changed.wait_timeout_while(state, Duration::from_nanos(time.0), idle)),
            None => drop(self.changed.wait_while(state, idle)),
        }
    }
}

/// The thread.
fn run(procfs: &ProcFs, settings: &Settings, shared: &Shared) {
    let mut schedule = Schedule::new(settings, now());
    let mut trouble = Trouble::default();
    let mut accounted = Nanos(0);
    loop {
        let mut state = shared.lock();
        if state.ends {
            return;
        }
        if let Some(targets) = state.targets.take() {
            let wanted = state.wanted.clone();
            drop(state);
            trouble.retain(|id| wanted.contains_key(&id));
            schedule.retarget(targets, now());
        } else {
            drop(state);
        }
        let used = thread_cpu();
        schedule.spent(Nanos(used.0 - accounted.0));
        accounted = used;
        match schedule.step(now()) {
            Step::Read(target) => {
                let began = now();
                let found = target::read(procfs, &target, &mut trouble, began);
                let used = thread_cpu();
                schedule.done(&target, began, now(), Nanos(used.0 - accounted.0));
                accounted = used;
                let mut state = shared.lock();
                let State { wanted, readings, .. } = &mut *state;
                let readings = Arc::make_mut(readings);
                found.put_into(readings, |id| is_wanted(wanted, id, began));
                readings.cost.cpu = used;
            }
            step => {
                let wait = if let Step::Wait(time) = step { Some(time) } else { None };
                {
                    let mut state = shared.lock();
                    let cost = &mut Arc::make_mut(&mut state.readings).cost;
                    (cost.cpu, cost.skips) = (accounted, schedule.skips());
                }
                shared.wait(wait);
            }
        }
    }
}

/// Reads all targets now, whatever it costs: for a program that prints once and ends.
pub fn read_once(procfs: &ProcFs, targets: &[Target]) -> Readings {
    let before = thread_cpu();
    let mut readings = Readings::default();
    let mut trouble = Trouble::default();
    for target in targets {
        target::read(procfs, target, &mut trouble, now()).put_into(&mut readings, |_| true);
    }
    readings.cost.cpu = Nanos(thread_cpu().0 - before.0);
    readings
}

/// The time by which readings are dated: `CLOCK_MONOTONIC`.
pub fn now() -> Nanos {
    nanos(ClockId::Monotonic)
}

/// CPU time of this thread.
fn thread_cpu() -> Nanos {
    nanos(ClockId::ThreadCPUTime)
}

fn nanos(clock: ClockId) -> Nanos {
    let time = clock_gettime(clock);
    Nanos(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

fn wanted(targets: &[Target]) -> Wanted {
    let of =
        |target: &Target| target.processes.iter().map(|id| (*id, target.changed_at(*id))).collect::<Vec<_>>();
    targets.iter().flat_map(of).collect()
}

fn is_wanted(wanted: &Wanted, id: ProcessId, at: Nanos) -> bool {
    wanted.get(&id).is_some_and(|changed| at >= *changed)
}
