//! From ends of threads to ends of processes, and what a process used in all.
//!
//! Which thread's end is a process' end: one with a record of the whole process; else, from Linux 5.19 on,
//! one that says so itself. Before, a process of one thread can't be told from a thread of a larger one, so
//! the record waits for the EXIT message of the same thread, which names both. (If the main thread of a large
//! process ends long before the others do, that looks like the end of a process too, and its CPU time is in
//! two records. Programs don't do that but by calling `pthread_exit` in `main`.)
//!
//! How much it ran. The kernel writes the record inside `do_exit`, before it takes the memory apart, and
//! does not bring the scheduler's clock up to date for it. So that clock misses the time since the last
//! timer tick or change of thread: 2 ms of a busy process' life on average where ticks are 4 ms apart. The
//! count by ticks has no such bias, but is 0 for most processes that live less than a tick. Therefore:
//!
//! * a thread that never gave up the CPU by itself ran all its life but for its wait in the run queue;
//!   what the clock misses of that is added, at most a tick;
//! * for any other one the rest of its life is sleep for the most part: the length of its usual turn on the
//!   CPU is added, at most that rest or, where it is longer than a tick, half a tick;
//! * where the kernel keeps no delay accounting (`nodelayacct` before Linux 5.14) ticks are all there is.
//!
//! What the end itself costs, mostly giving back memory, is in no record. Against `wait4`, 200 processes of a
//! kind each (Linux 6.18, ticks of 4 ms, 2 busy cores): 0.1 to 0.5 ms less for a process that runs 1 to 50
//! ms, 1.1 ms less for one that runs 5 ms around one sleep, 0.2 ms more for some with a sleep. 1,000 shells
//! of 30 ms: 0.03 and 0.34 % less in two runs. Where the parent's reaped time is known, it is the better
//! figure.

use std::collections::BTreeMap;

use edgebench_sampler::units::{Nanos, Pid};

use super::proc_event::Task;
use super::taskstats::{Ran, TaskEnd};

/// What a process used that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitRecord {
    /// Its number, which the kernel may have given to another one by now.
    pub pid: Pid,
    /// The process whose child it was at its end: 1 or a subreaper if its parent ended first.
    pub parent: Pid,
    /// The name of its last thread, padded with zero bytes.
    pub comm: [u8; 16],
    /// How long it lived; before Linux 5.19 how long its last thread did.
    pub elapsed: Nanos,
    /// CPU time of all its threads, guest time inside: an estimate.
    pub cpu: Nanos,
    /// What it used at least: without what the scheduler's clock misses. 0 where that clock is not told.
    pub at_least: Nanos,
    ran: Ran,
}

impl ExitRecord {
    /// A process that ended, of which only this is known.
    pub fn new(pid: Pid, parent: Pid, name: &[u8], cpu: Nanos, at_least: Nanos) -> ExitRecord {
        let mut comm = [0; 16];
        comm.iter_mut().zip(name.iter().take(15)).for_each(|(to, from)| *to = *from);
        ExitRecord { pid, parent, comm, elapsed: Nanos(0), cpu, at_least, ran: Ran::default() }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.comm.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// Splits a part of its CPU time into user and system time.
    ///
    /// As the kernel does for `/proc/PID/stat` (`cputime_adjust`): by the ratio of ticks, all to user where
    /// there was no tick. Of a process with several threads only the last one's ratio is known, so a total
    /// by mode that was read before is not comparable: split what is left of `cpu`, not `cpu`.
    pub fn split(&self, cpu: Nanos) -> (Nanos, Nanos) {
        let (user, system) = (u128::from(self.ran.user_by_ticks.0), u128::from(self.ran.system_by_ticks.0));
        let system = (u128::from(cpu.0) * system).checked_div(user + system).unwrap_or(0) as u64;
        (Nanos(cpu.0.saturating_sub(system)), Nanos(system))
    }
}

/// Collects the ends of threads.
#[derive(Debug)]
pub(super) struct Ended {
    tick: Nanos,
    /// Records that don't say which process they belong to, by thread.
    waiting: BTreeMap<Pid, TaskEnd>,
}

impl Ended {
    /// For a kernel whose timer ticks are `tick` apart.
    pub(super) fn new(tick: Nanos) -> Ended {
        Ended { tick, waiting: BTreeMap::new() }
    }

    /// A thread's record came: gives the process that ended with it.
    pub(super) fn recorded(&mut self, end: TaskEnd) -> Option<ExitRecord> {
        match (&end.whole_process, end.process) {
            (Some((process, _)), _) => Some(self.record(*process, &end)),
            (None, Some(process)) => process.ended.then(|| self.record(process.pid, &end)),
            (None, None) => {
                self.waiting.insert(end.thread, end);
                None
            }
        }
    }

    /// A thread's EXIT message came, which is sent after its record.
    pub(super) fn exited(&mut self, task: Task) -> Option<ExitRecord> {
        let end = self.waiting.remove(&task.thread)?;
        task.is_main().then(|| self.record(task.process, &end))
    }

    /// EXIT messages were lost: what waits may wait for one of them. Says whether anything did.
    pub(super) fn lost(&mut self) -> bool {
        !std::mem::take(&mut self.waiting).is_empty()
    }

    fn record(&self, pid: Pid, end: &TaskEnd) -> ExitRecord {
        let whole = end.whole_process.map_or(end.ran, |(_, ran)| ran);
        let cpu = if whole.exactly == Nanos(0) {
            ticks(&end.ran).max(ticks(&whole))
        } else {
            Nanos(whole.exactly.0.saturating_add(self.since_the_last_tick(end).0))
        };
        let ran = if ticks(&whole) == Nanos(0) { end.ran } else { whole };
        let elapsed = end.process.map_or(end.elapsed, |process| process.elapsed);
        let at_least = whole.exactly;
        ExitRecord { pid, parent: end.parent, comm: end.comm, elapsed, cpu, at_least, ran }
    }

    /// What the scheduler's clock misses of the thread's last turn on the CPU.
    fn since_the_last_tick(&self, end: &TaskEnd) -> Nanos {
        let ran = end.ran.exactly.0;
        let rest = end.elapsed.0.saturating_sub(end.run_queue_wait.0).saturating_sub(ran);
        let turns = end.voluntary_switches.saturating_add(end.involuntary_switches);
        Nanos(match ran.checked_div(turns).filter(|_| end.voluntary_switches > 0) {
            None => rest.min(self.tick.0),
            Some(turn) if rest < self.tick.0 => rest.min(turn),
            Some(turn) => turn.min(self.tick.0 / 2),
        })
    }
}

fn ticks(ran: &Ran) -> Nanos {
    Nanos(ran.user_by_ticks.0.saturating_add(ran.system_by_ticks.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel_events::taskstats::ItsProcess;

    const MS: u64 = 1_000_000;

    fn ran(exactly: u64, user: u64, system: u64) -> Ran {
        Ran {
            exactly: Nanos(exactly * MS),
            user_by_ticks: Nanos(user * MS),
            system_by_ticks: Nanos(system * MS),
        }
    }

    /// A thread that ran 50 of its 60 ms and waited 7 for a CPU.
    fn thread(number: u32) -> TaskEnd {
        TaskEnd {
            thread: Pid(number),
            process: None,
            parent: Pid(1),
            comm: *b"virt-launcher\0\0\0",
            elapsed: Nanos(60 * MS),
            ran: ran(50, 36, 12),
            run_queue_wait: Nanos(7 * MS),
            voluntary_switches: 0,
            involuntary_switches: 3,
            whole_process: None,
        }
    }

    fn of(pid: u32, ended: bool) -> Option<ItsProcess> {
        Some(ItsProcess { pid: Pid(pid), elapsed: Nanos(90 * MS), ended })
    }

    fn ended() -> Ended {
        Ended::new(Nanos(4 * MS))
    }

    fn cpu_ms(end: TaskEnd) -> u64 {
        let last = TaskEnd { process: of(end.thread.0, true), ..end };
        ended().recorded(last).unwrap().cpu.0 / MS
    }

    #[test]
    fn a_thread_that_is_not_the_last_one_ends_no_process() {
        assert_eq!(ended().recorded(TaskEnd { process: of(7, false), ..thread(8) }), None);
    }

    #[test]
    fn the_last_of_several_threads_ends_the_process_with_the_cpu_of_all() {
        let whole_process = Some((Pid(7), ran(500, 100, 300)));
        let last = TaskEnd { process: of(7, true), whole_process, ..thread(8) };
        let record = ended().recorded(last).unwrap();
        assert_eq!((record.pid, record.parent, record.name()), (Pid(7), Pid(1), &b"virt-launcher"[..]));
        assert_eq!(record.elapsed, Nanos(90 * MS), "of the process");
        assert_eq!(record.cpu, Nanos(503 * MS), "and 3 ms since the last tick");
        assert_eq!(record.at_least, Nanos(500 * MS));
        assert_eq!(record.split(Nanos(100)), (Nanos(25), Nanos(75)));
    }

    #[test]
    fn without_ticks_of_the_whole_process_the_last_thread_gives_the_ratio() {
        let last = TaskEnd { whole_process: Some((Pid(7), ran(500, 0, 0))), ..thread(8) };
        assert_eq!(ended().recorded(last).unwrap().split(Nanos(100)), (Nanos(75), Nanos(25)));
    }

    #[test]
    fn a_record_of_an_older_kernel_waits_for_the_exit_that_names_its_process() {
        let mut ended = ended();
        for number in [7, 8] {
            assert_eq!(ended.recorded(thread(number)), None);
        }
        let exit = |thread, process| Task { thread: Pid(thread), process: Pid(process) };
        assert_eq!(ended.exited(exit(8, 7)), None, "a thread of a larger process");
        assert_eq!(ended.exited(exit(7, 7)).unwrap().pid, Pid(7));
        assert_eq!(ended.exited(exit(7, 7)), None, "a record is given once");
    }

    #[test]
    fn a_record_that_waited_when_messages_were_lost_counts_as_lost() {
        let mut ended = ended();
        assert!(!ended.lost(), "nothing waited");
        ended.recorded(thread(7));
        assert!(ended.lost());
        assert_eq!(ended.exited(Task { thread: Pid(7), process: Pid(7) }), None);
    }

    #[test]
    fn who_never_slept_ran_whenever_it_did_not_wait() {
        assert_eq!(cpu_ms(thread(7)), 53);
        let stopped_for_long = TaskEnd { elapsed: Nanos(9000 * MS), ..thread(7) };
        assert_eq!(cpu_ms(stopped_for_long), 54, "but at most a tick is added");
    }

    #[test]
    fn who_slept_gets_its_usual_turn_and_not_more_than_there_is_room_for() {
        let slept = |voluntary_switches, elapsed| {
            cpu_ms(TaskEnd { voluntary_switches, elapsed: Nanos(elapsed * MS), ..thread(7) })
        };
        assert_eq!(slept(1, 60), 53, "all that is left of its life");
        assert_eq!(slept(47, 60), 51, "a turn of 1 ms");
        assert_eq!(slept(1, 9000), 52, "half a tick, as it slept for long");
        assert_eq!(slept(47, 9000), 51);
        assert_eq!(slept(5000, 9000), 50);
    }

    #[test]
    fn without_delay_accounting_ticks_are_all_there_is() {
        assert_eq!(cpu_ms(TaskEnd { ran: ran(0, 36, 12), ..thread(7) }), 48);
    }

    #[test]
    fn without_a_tick_all_is_user_time() {
        let last = TaskEnd { ran: ran(2, 0, 0), process: of(7, true), ..thread(7) };
        assert_eq!(ended().recorded(last).unwrap().split(Nanos(9)), (Nanos(9), Nanos(0)));
    }

    proptest! {
        #[test]
        fn a_split_adds_up(user: u64, system: u64, cpu: u64) {
            let by_ticks = Ran { exactly: Nanos(1), user_by_ticks: Nanos(user), system_by_ticks: Nanos(system) };
            let end = TaskEnd { ran: by_ticks, process: of(7, true), ..thread(7) };
            let (user, system) = ended().recorded(end).unwrap().split(Nanos(cpu));
            prop_assert_eq!(user.0.checked_add(system.0), Some(cpu));
        }

        #[test]
        fn no_numbers_panic(all in prop::array::uniform8(any::<u64>()), tick: u64, whole: bool) {
            let [exactly, user, system, elapsed, wait, voluntary, involuntary, process] = all.map(Nanos);
            let ran = Ran { exactly, user_by_ticks: user, system_by_ticks: system };
            let end = TaskEnd {
                ran,
                elapsed,
                run_queue_wait: wait,
                voluntary_switches: voluntary.0,
                involuntary_switches: involuntary.0,
                process: of(7, true),
                whole_process: whole.then_some((Pid(7), Ran { exactly: process, ..ran })),
                ..thread(7)
            };
            let record = Ended::new(Nanos(tick)).recorded(end).unwrap();
            let _ = record.split(record.cpu);
        }
    }
}
