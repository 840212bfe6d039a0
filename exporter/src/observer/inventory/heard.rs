//! What the kernel said between two readings, in `events` mode.
//!
//! The process connector names who was born, became another program, was renamed or lost its main thread; taskstats
//! says what each process had used when it ended ([`crate::kernel_events`]). So nobody is looked for: whoever is
//! named is looked at by the next reading.
//!
//! What a child used is in the time that its parent reaped ([`crate::observer::reaped`]), to the nanosecond: the
//! parents of who ended are read, and only then is the kernel's queue emptied. It sends a process' record before the
//! parent can wait for it (`do_exit`: `taskstats_exit` comes before `exit_notify`), so everybody whose time a parent
//! had by then is known to have ended. The record is an estimate, and counts only where no parent's time does: where the
//! parent ignores SIGCHLD, supervises containers (what it reaps is counted by their pods, but for the runtime itself), or
//! is not to be read. Of a process that was known its lower bound counts, as time of its own component.

use std::collections::{BTreeMap, BTreeSet};

use edgebench_sampler::classify::Trust;
use edgebench_sampler::component::{self, Stack};
use edgebench_sampler::parse::pid_status;
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, Listed, ProcFs, ProcessFile};
use edgebench_sampler::{Nanos, Pid, Ticks};

use super::Inventory;
use super::row::stat_of;
use crate::kernel_events::{Drained, Event, ExitRecord, Source};
use crate::observer::counters::{add, nanos};
use crate::view::CpuByMode;

/// What is to be done at the next reading.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Processes that were born, with their parents.
    born: BTreeMap<Pid, Pid>,
    /// Processes that became another program or have another name.
    changed: BTreeSet<Pid>,
    /// Processes that are ending, or have ended, and their records.
    leaving: BTreeMap<Pid, Option<ExitRecord>>,
    /// Whether messages were lost.
    lost: bool,
    /// Parents of who was born since the last reading.
    ancestors: BTreeMap<Pid, Pid>,
    /// What those used that no reading saw, by their parents.
    unseen: BTreeMap<Pid, BTreeMap<Stack, CpuByMode>>,
    /// Parents that could not be read yet after somebody of theirs ended.
    unread: BTreeSet<Pid>,
}

/// More births than this between two readings are not kept: `/proc` is listed instead.
const MOST: usize = 100_000;

/// How far up a family is followed.
const DEEPEST: usize = 32;

/// Who used CPU time that no reading saw.
enum Unseen {
    /// A process of this stack.
    Of(Stack),
    /// A process whose time is counted by its pod.
    InPod,
}

impl Inventory {
    /// Takes in what the kernel has to say so far.
    pub(in crate::observer) fn listen(&mut self, kernel: &mut dyn Source) {
        let (mut events, mut exits) = (Vec::new(), Vec::new());
        let drained = kernel.drain(&mut events, &mut exits).unwrap_or_else(|errno| {
            self.trouble.events = Some(errno);
            Drained { events_lost: true, records_lost: true }
        });
        self.hear(&events, exits, drained);
    }

    fn hear(&mut self, events: &[Event], exits: Vec<ExitRecord>, drained: Drained) {
        for event in events {
            let heard = &mut self.heard;
            match *event {
                Event::Fork { parent, child } => {
                    heard.born.insert(child, parent);
                    heard.ancestors.insert(child, parent);
                }
                Event::Exec { pid } | Event::Renamed { pid } => drop(heard.changed.insert(pid)),
                Event::Exited { pid } => drop(heard.leaving.entry(pid).or_default()),
            }
        }
        for exit in exits {
            self.ended_with(exit);
        }
        let heard = &mut self.heard;
        // Who ended without a record may be in somebody's time already.
        heard.lost |= drained.events_lost || drained.records_lost;
        if drained.records_lost {
            self.records_lost += 1;
        }
        let most = [heard.born.len(), heard.changed.len(), heard.ancestors.len(), heard.unseen.len()];
        if most.into_iter().any(|count| count > MOST) {
            let leaving = std::mem::take(&mut heard.leaving);
            *heard = Heard { lost: true, leaving, ..Heard::default() };
        }
    }

    fn ended_with(&mut self, exit: ExitRecord) {
        if let Some(row) = self.rows.get_mut(&exit.pid) {
            let record = self.heard.leaving.entry(exit.pid).or_default();
            // Two of one number: the second one was never seen.
            if record.is_none() {
                row.parent = exit.parent;
                *record = Some(exit);
                return;
            }
        }
        self.heard.born.remove(&exit.pid);
        self.heard.changed.remove(&exit.pid);
        let Unseen::Of(stack) = self.who_was(&exit) else { return };
        let (user, system) = exit.split(exit.cpu);
        let cpu = self.heard.unseen.entry(exit.parent).or_default().entry(stack).or_default();
        (cpu.user, cpu.system) = (add(cpu.user, user), add(cpu.system, system));
    }

    fn who_was(&self, exit: &ExitRecord) -> Unseen {
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

    /// Reads the parents of who ended, but for those that were read already and those whose time is not taken.
    pub(super) fn read_parents(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        changed: &mut Vec<Listed>,
        buffer: &mut Buffer,
    ) {
        let Inventory { rows, heard, classes, unsettled, trouble, .. } = self;
        let of_the_seen = heard.leaving.keys().filter_map(|pid| Some(rows.get(pid)?.parent));
        let mut parents: BTreeSet<Pid> = heard.unseen.keys().copied().chain(of_the_seen).collect();
        parents.append(&mut heard.unread);
        for parent in parents {
            let mut above = parent;
            for _ in 0..DEEPEST {
                let Some(row) = rows.get_mut(&above) else {
                    let Some(next) = heard.ancestors.get(&above) else { break };
                    above = *next;
                    continue;
                };
                if row.read_at == now || row.supervisor {
                    break;
                }
                match stat_of(procfs, above, row, classes, now, buffer) {
                    Ok(Some(read)) => {
                        if read.changed {
                            changed.push(Listed { pid: above, inode: row.inode });
                        }
                        if read.reaped {
                            unsettled.push(above);
                        }
                        break;
                    }
                    // It ended, too.
                    Ok(None) => above = row.parent,
                    Err(error) => {
                        trouble.failed(above, error);
                        break;
                    }
                }
            }
        }
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
        let mut heard = std::mem::take(&mut self.heard);
        for (pid, record) in std::mem::take(&mut heard.leaving) {
            let Some(row) = self.rows.get_mut(&pid) else { continue };
            let parent = row.parent;
            // A zombie stays until its parent waits for it, and shows all that it used.
            match stat_of(procfs, pid, row, &mut self.classes, now, buffer) {
                Ok(Some(read)) => {
                    if read.reaped {
                        self.unsettled.push(pid);
                    }
                    self.heard.leaving.insert(pid, record);
                }
                Ok(None) => {
                    gone.insert(pid);
                    if let Some(record) = record {
                        let reaped = self.is_reaped_by(procfs, parent, &heard, buffer);
                        self.finish(procfs, &record, reaped);
                    }
                    self.read_next_time(parent, now);
                }
                Err(error) => {
                    self.trouble.failed(pid, error);
                    self.heard.leaving.insert(pid, record);
                }
            }
        }
        for (parent, used) in std::mem::take(&mut heard.unseen) {
            if self.is_reaped_by(procfs, parent, &heard, buffer) {
                self.read_next_time(parent, now);
                continue;
            }
            let nearest = self.nearest(parent, &heard);
            for (stack, cpu) in used {
                let exited = self.classes.exited(stack);
                self.classes[exited].totals.add_cpu(cpu);
                // Its pod may be tracked from now on.
                let ticks = add(cpu.user, cpu.system).0.div_ceil(tick(procfs));
                nearest.into_iter().for_each(|above| self.pods.credit(above, Ticks(ticks)));
            }
        }
        // The inode is not known here: the next listing looks whether it is still the same process.
        let listed = |pid| Listed { pid, inode: 0 };
        fresh.extend(heard.born.keys().copied().map(listed));
        changed.extend(heard.changed.into_iter().filter(|pid| !heard.born.contains_key(pid)).map(listed));
        heard.lost
    }

    /// A process whose child ended after the parents were read is read by the next reading.
    fn read_next_time(&mut self, parent: Pid, now: Nanos) {
        if self.rows.get(&parent).is_some_and(|row| row.read_at != now && !row.supervisor) {
            self.heard.unread.insert(parent);
        }
    }

    /// The nearest that is in the table of a process and those above it.
    fn nearest(&self, pid: Pid, heard: &Heard) -> Option<Pid> {
        let mut above = pid;
        for _ in 0..DEEPEST {
            if self.rows.contains_key(&above) {
                return Some(above);
            }
            above = *heard.ancestors.get(&above)?;
        }
        None
    }

    /// Whether what a child of `parent` used comes with the time that a process of the table reaps.
    fn is_reaped_by(&self, procfs: &ProcFs, parent: Pid, heard: &Heard, buffer: &mut Buffer) -> bool {
        let mut above = parent;
        let mut steps = 0;
        let row = loop {
            if let Some(row) = self.rows.get(&above) {
                break row;
            }
            // Who is yet to be looked at brings what it has reaped so far.
            if heard.born.contains_key(&above) || steps == DEEPEST {
                return true;
            }
            steps += 1;
            match heard.ancestors.get(&above) {
                Some(next) => above = *next,
                // Where births were lost it may be somebody's nevertheless.
                None => return heard.lost,
            }
        };
        if self.pods.counts(above) {
            return true;
        }
        if row.supervisor {
            return false;
        }
        // Who came in between was waited for, and had waited.
        if above != parent || row.reaped.has_grown() {
            return true;
        }
        let status = procfs.process_that_is(ProcessId { pid: above, start: row.start }, buffer);
        let ignores =
            status.and_then(|dir| Ok(pid_status::ignores_children(dir.read(ProcessFile::Status, buffer)?)));
        !ignores.unwrap_or(false)
    }

    /// A process of the table is gone that was not seen as a zombie. Where its parent has its time what its record is
    /// sure of is its component's, in whole ticks: so much is owed, and the rest is settled.
    fn finish(&mut self, procfs: &ProcFs, record: &ExitRecord, reaped: bool) {
        let counted_by_pod = self.pods.counts(record.pid);
        let Some(row) = self.rows.get_mut(&record.pid) else { return };
        let Some(class) = row.class.filter(|_| !counted_by_pod) else { return };
        let tick = tick(procfs);
        let used = if reaped { record.at_least } else { record.cpu };
        let beyond = used.0.saturating_sub(nanos(row.cpu.total(), procfs.clock()).0);
        let beyond = if reaped { beyond - beyond % tick } else { beyond };
        let (user, system) = record.split(Nanos(beyond));
        self.classes[class].totals.add_cpu(CpuByMode { user, system, guest: Nanos(0) });
        let ticks = beyond.div_ceil(tick);
        let in_system = (system.0 / tick).min(ticks);
        row.cpu.system += Ticks(in_system);
        row.cpu.user += Ticks(ticks - in_system);
    }
}

fn tick(procfs: &ProcFs) -> u64 {
    nanos(Ticks(1), procfs.clock()).0.max(1)
}
