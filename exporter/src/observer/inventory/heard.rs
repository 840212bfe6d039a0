//! What the kernel said between two readings, in `events` mode.
//!
//! The process connector names who was born, became another program, was renamed or lost its main thread; taskstats
//! says what each process had used when it ended ([`crate::kernel_events`]). So nobody is looked for: whoever is
//! named is looked at by the next reading, and who was born and ended before it goes into `exited` of the stack of
//! its name, else of its nearest ancestor that is known.
//!
//! In a pod of a tracked stack the cgroup has the same time, to the nanosecond: there the records are left out.

use std::collections::{BTreeMap, BTreeSet};

use edgebench_sampler::classify::Trust;
use edgebench_sampler::component::{self, Stack};
use edgebench_sampler::procfs::{Buffer, Listed, ProcFs};
use edgebench_sampler::{Clock, Nanos, Pid, Ticks};

use super::Inventory;
use super::row::stat_of;
use crate::kernel_events::{Drained, Event, ExitRecord};
use crate::observer::counters::{add, nanos};
use crate::view::CpuByMode;

/// What is to be done at the next reading.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Processes that were born, with their parents.
    born: BTreeMap<Pid, Pid>,
    /// Processes that became another program or have another name.
    changed: BTreeSet<Pid>,
    /// Processes that are ending, or have ended.
    leaving: BTreeSet<Pid>,
    /// Whether messages were lost.
    lost: bool,
    /// Parents of who was born and ended since the last reading.
    ancestors: BTreeMap<Pid, Pid>,
}

/// More births than this between two readings are not kept: `/proc` is listed instead.
const MOST: usize = 100_000;

/// Who used CPU time that no reading saw.
enum Unseen {
    /// A process of this stack.
    Of(Stack),
    /// A process whose time is counted by its pod.
    InPod,
}

impl Inventory {
    /// Takes in what the kernel said.
    pub(in crate::observer) fn hear(
        &mut self,
        events: &[Event],
        exits: &[ExitRecord],
        drained: Drained,
        clock: Clock,
    ) {
        for event in events {
            let heard = &mut self.heard;
            match *event {
                Event::Fork { parent, child } => {
                    heard.born.insert(child, parent);
                    heard.ancestors.insert(child, parent);
                }
                Event::Exec { pid } | Event::Renamed { pid } => drop(heard.changed.insert(pid)),
                Event::Exited { pid } => drop(heard.leaving.insert(pid)),
            }
        }
        for exit in exits {
            self.ended_with(exit, clock);
        }
        let heard = &mut self.heard;
        heard.lost |= drained.events_lost;
        if drained.records_lost {
            self.records_lost += 1;
        }
        if heard.born.len() > MOST || heard.changed.len() > MOST || heard.ancestors.len() > MOST {
            let leaving = std::mem::take(&mut heard.leaving);
            *heard = Heard { lost: true, leaving, ..Heard::default() };
        }
    }

    fn ended_with(&mut self, exit: &ExitRecord, clock: Clock) {
        let counted_by_pod = self.pods.counts(exit.pid);
        let known = self.rows.get_mut(&exit.pid).filter(|row| !row.finished);
        if let Some(row) = known {
            row.finished = true;
            self.heard.leaving.insert(exit.pid);
            let Some(class) = row.class.filter(|_| !counted_by_pod) else { return };
            let beyond = exit.cpu.0.saturating_sub(nanos(row.cpu.total(), clock).0);
            let (user, system) = exit.split(Nanos(beyond));
            self.classes[class].totals.add_cpu(CpuByMode { user, system, guest: Nanos(0) });
            let tick = nanos(Ticks(1), clock).0.max(1);
            row.cpu.user += Ticks(user.0 / tick);
            row.cpu.system += Ticks(system.0 / tick);
            return;
        }
        self.heard.born.remove(&exit.pid);
        self.heard.changed.remove(&exit.pid);
        let Unseen::Of(stack) = self.who_was(exit) else { return };
        let (user, system) = exit.split(exit.cpu);
        let exited = self.classes.exited(stack);
        let cpu = &mut self.classes[exited].totals.cpu;
        (cpu.user, cpu.system) = (add(cpu.user, user), add(cpu.system, system));
    }

    fn who_was(&self, exit: &ExitRecord) -> Unseen {
        const DEEPEST: usize = 32;
        let by_name = component::by_comm(exit.name()).filter(|row| row.name != "qemu-kvm");
        let mut above = self.heard.ancestors.get(&exit.pid).copied().unwrap_or(exit.parent);
        for _ in 0..DEEPEST {
            if let Some(row) = self.rows.get(&above) {
                let stack = row.class.map_or(Stack::Other, |class| self.classes[class].stack);
                if self.pods.has(above) {
                    return if self.pods.counts(above) { Unseen::InPod } else { Unseen::Of(stack) };
                }
                // What a supervisor starts becomes a pod's process, but for the runtime itself.
                let runtime =
                    by_name.is_some_and(|row| matches!(row.name, "runc" | "conmon" | "containerd-shim"));
                if row.supervisor && !runtime {
                    return Unseen::InPod;
                }
                let named = by_name.filter(|row| !row.stack.is_tracked() || self.rules.trust == Trust::Any);
                return Unseen::Of(named.map_or(stack, |row| row.stack));
            }
            match self.heard.ancestors.get(&above) {
                Some(next) => above = *next,
                None => break,
            }
        }
        Unseen::Of(Stack::Other)
    }

    /// What was heard becomes what is to be looked at, and who is gone. Says whether `/proc` has to be listed.
    pub(super) fn follow_up(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        fresh: &mut Vec<Listed>,
        changed: &mut Vec<Listed>,
        gone: &mut BTreeSet<Pid>,
        buffer: &mut Buffer,
    ) -> bool {
        let heard = std::mem::take(&mut self.heard);
        for pid in heard.leaving {
            let Some(row) = self.rows.get_mut(&pid) else { continue };
            // A zombie stays until its parent waits for it.
            match stat_of(procfs, pid, row, &mut self.classes, now, buffer) {
                Ok(Some(_)) => drop(self.heard.leaving.insert(pid)),
                Ok(None) => drop(gone.insert(pid)),
                Err(error) => self.trouble.failed(pid, error),
            }
        }
        // The inode is not known here: the next listing looks whether it is still the same process.
        let listed = |pid| Listed { pid, inode: 0 };
        fresh.extend(heard.born.keys().copied().map(listed));
        changed.extend(heard.changed.into_iter().filter(|pid| !heard.born.contains_key(pid)).map(listed));
        heard.lost
    }
}
