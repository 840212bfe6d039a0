//! CPU time between a light pass and a full one.
//!
//! A difference exists only between two readings of the same process ([`ProcessId`]); one that would be
//! negative does not exist and is counted as a reset. What processes used that ended in between is known
//! from those who waited for them: the kernel adds a child's own and its children's time to `cutime` and
//! `cstime` of its parent when it is reaped (`kernel/exit.c`, `wait_task_zombie`). A parent that ignores
//! SIGCHLD gets nothing; that time stays unexplained.

use serde::{Deserialize, Serialize};

use crate::process::{CpuReading, ProcessId, ProcessSample};
use crate::units::Ticks;

/// CPU time of a process within an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuUse {
    /// utime, guest inside.
    pub user: Ticks,
    /// stime
    pub system: Ticks,
    /// Guest time, at most the user time.
    pub guest: Ticks,
}

impl CpuUse {
    /// User and system.
    pub fn total(&self) -> Ticks {
        self.user + self.system
    }
}

impl std::ops::AddAssign for CpuUse {
    fn add_assign(&mut self, other: CpuUse) {
        self.user += other.user;
        self.system += other.system;
        self.guest += other.guest;
    }
}

/// What processes used between two passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// For each process of the later pass, in its order.
    pub used: Vec<CpuUse>,
    /// Of processes that ended in between.
    pub ended: Ticks,
    /// Counters that stepped back.
    pub resets: u32,
}

/// The interval from `before` (in the order of pids, as a pass gives it) to `after`.
pub fn between(before: &[CpuReading], after: &[ProcessSample]) -> Interval {
    let mut interval = Interval { used: Vec::with_capacity(after.len()), ..Interval::default() };
    let mut survivors = vec![false; before.len()];
    let mut reaped: i64 = 0;
    for process in after {
        let earlier = position(before, process.id).map(|at| {
            survivors[at] = true;
            before[at].cpu
        });
        // A process that was not there before started in between: all its time lies in the interval.
        let earlier = earlier.unwrap_or_default();
        let mut since = |now: Ticks, then: Ticks| {
            now.since(then).unwrap_or_else(|| {
                interval.resets += 1;
                Ticks::ZERO
            })
        };
        let user = since(process.cpu.user, earlier.user);
        let system = since(process.cpu.system, earlier.system);
        let guest = since(process.cpu.guest, earlier.guest).min(user);
        reaped += process.cpu.children.0 as i64 - earlier.children.0 as i64;
        interval.used.push(CpuUse { user, system, guest });
    }
    // What those who ended had used before the interval began came along with them.
    for (reading, survived) in before.iter().zip(survivors) {
        if !survived {
            reaped -= (reading.cpu.own() + reading.cpu.children).0 as i64;
        }
    }
    interval.ended = Ticks(reaped.max(0) as u64);
    interval
}

fn position(readings: &[CpuReading], id: ProcessId) -> Option<usize> {
    readings.binary_search_by_key(&id, |reading| reading.id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ProcessCpu;
    use crate::units::{Pid, StartTicks};

    fn id(pid: u32, start: u64) -> ProcessId {
        ProcessId { pid: Pid(pid), start: StartTicks(start) }
    }

    fn cpu(user: u64, system: u64, children: u64) -> ProcessCpu {
        ProcessCpu { user: Ticks(user), system: Ticks(system), guest: Ticks::ZERO, children: Ticks(children) }
    }

    fn before(id: ProcessId, cpu: ProcessCpu) -> CpuReading {
        CpuReading { id, cpu }
    }

    fn after(id: ProcessId, cpu: ProcessCpu) -> ProcessSample {
        ProcessSample {
            id,
            parent: Pid(1),
            kernel_thread: false,
            names: Default::default(),
            membership: Default::default(),
            vm: None,
            cpu,
            threads: 1,
            memory: None,
        }
    }

    #[test]
    fn a_pid_in_use_again_is_another_process() {
        let interval = between(&[before(id(7, 100), cpu(900, 0, 0))], &[after(id(7, 200), cpu(5, 1, 0))]);
        assert_eq!(interval.used[0].total(), Ticks(6));
        assert_eq!(interval.resets, 0);
    }

    #[test]
    fn a_counter_that_steps_back_is_no_difference_but_a_reset() {
        let interval = between(&[before(id(7, 1), cpu(10, 10, 0))], &[after(id(7, 1), cpu(9, 12, 0))]);
        assert_eq!((interval.used[0].total(), interval.resets), (Ticks(2), 1));
    }

    #[test]
    fn children_that_ended_count_with_what_they_used_inside_the_interval() {
        // 50 of the child's 80 ticks lay before the interval; a grandchild nobody saw adds 4.
        let then = [before(id(1, 1), cpu(0, 0, 1000)), before(id(8, 5), cpu(40, 10, 0))];
        let now = [after(id(1, 1), cpu(0, 0, 1000 + 80 + 4))];
        assert_eq!(between(&then, &now).ended, Ticks(34));
    }

    #[test]
    fn a_child_nobody_waited_for_is_not_made_up() {
        let interval = between(&[before(id(8, 5), cpu(40, 10, 0))], &[]);
        assert_eq!(interval.ended, Ticks::ZERO);
    }

    #[test]
    fn guest_time_is_never_more_than_user_time() {
        let mut now = after(id(7, 1), cpu(10, 0, 0));
        now.cpu.guest = Ticks(12);
        assert_eq!(between(&[], &[now]).used[0].guest, Ticks(10));
    }
}
