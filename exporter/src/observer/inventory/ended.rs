//! Processes that ended, and the CPU time that their parents reaped.
//!
//! A child's time goes to the parent that waits for it; whoever has lost its parent belongs to the nearest ancestor
//! that asked for orphans (PR_SET_CHILD_SUBREAPER), else to pid 1 (`kernel/exit.c`, `find_new_reaper`).

use std::collections::BTreeSet;

use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, ProcFs};
use edgebench_sampler::{Pid, Ticks};

use super::Inventory;
use super::row::peek;
use crate::observer::counters::{add, nanos};

const INIT: Pid = Pid(1);

impl Inventory {
    /// Processes are gone.
    pub(super) fn end(&mut self, procfs: &ProcFs, gone: &BTreeSet<Pid>, buffer: &mut Buffer) {
        if gone.is_empty() {
            return;
        }
        for pid in gone {
            self.owe(*pid, gone);
        }
        for pid in gone {
            self.forget(*pid);
        }
        // Where the kernel tells of an end it says who waits, so that a parent that is not up to date matters only where
        // messages are lost.
        if self.rules.events && gone.is_disjoint(&self.parents) {
            return;
        }
        // Those who lost their parent have another now. Nothing else is read here: what a process has reaped by now
        // may be of children that this listing still shows.
        for (&pid, row) in self.rows.iter_mut().filter(|(_, row)| gone.contains(&row.parent)) {
            if let Ok(Some(now)) = peek(procfs, pid, row, buffer) {
                row.parent = now.parent;
            }
        }
    }

    /// What was counted of a process that is gone is in the time of whoever reaped it.
    fn owe(&mut self, pid: Pid, gone: &BTreeSet<Pid>) {
        let Some(row) = self.rows.get(&pid) else { return };
        let counted = row.cpu.total().0 + row.reaped.counted();
        let untrusted = row.supervisor || row.reaped.is_untrusted();
        for heir in self.heirs(row.parent, gone) {
            // Its pod counts what it used, and so what its new parent gets.
            let untrusted = untrusted || self.pods.counts(pid) && self.pods.of(heir) != self.pods.of(pid);
            let Some(above) = self.rows.get_mut(&heir) else { continue };
            above.reaped.child_gone(counted);
            if untrusted {
                above.reaped.untrusted_child_gone();
            }
            if above.reaped.is_due() {
                self.unsettled.push(heir);
            }
        }
    }

    /// Who may have reaped a child of `parent`. Where the parent is gone too either of them may have been first: then
    /// the nearest ancestor that is left reaped it, or one above that had asked for orphans, or pid 1. Who asked does
    /// not stand in `/proc`, so it is all of them, up to one that is known to.
    fn heirs(&self, parent: Pid, gone: &BTreeSet<Pid>) -> Vec<Pid> {
        const DEEPEST: usize = 64;
        let orphan = gone.contains(&parent);
        let mut heirs = Vec::new();
        let mut above = parent;
        // A pid in use again could close a circle.
        for _ in 0..DEEPEST {
            let Some(row) = self.rows.get(&above).filter(|_| above != INIT) else { break };
            if !gone.contains(&above) && !heirs.contains(&above) {
                heirs.push(above);
                if !orphan || row.takes_orphans {
                    return heirs;
                }
            }
            above = row.parent;
        }
        heirs.push(INIT);
        heirs
    }

    fn forget(&mut self, pid: Pid) {
        let Some(row) = self.rows.remove(&pid) else { return };
        self.close(pid);
        if let Some(class) = row.class {
            self.classes[class].leave(row.start, &row.held);
        }
        self.names_outside_pods -= u64::from(row.outside_pods);
        let id = ProcessId { pid, start: row.start };
        if let Some(vm) = self.vms.iter_mut().find(|vm| vm.vm.processes.contains(&id)) {
            vm.ended.user += row.cpu.user;
            vm.ended.system += row.cpu.system;
            vm.ended.guest += row.cpu.guest;
        }
        if self.loose.remove(&pid).is_some() | self.pods.leave(pid, row.cpu.total()) {
            self.vms_stale = true;
        }
    }

    /// Takes what children used that nobody saw, of all parents that were read before this listing.
    pub(super) fn settle(&mut self, procfs: &ProcFs) {
        let mut parents = std::mem::take(&mut self.unsettled);
        parents.sort_unstable();
        parents.dedup();
        for pid in parents {
            let Some(row) = self.rows.get_mut(&pid) else { continue };
            let unseen = row.reaped.settle();
            let by_pods = row.supervisor || self.pods.counts(pid);
            let (false, Some(class), true) = (by_pods, row.class, unseen > 0) else { continue };
            if self.has_children_in_pods(pid) {
                continue;
            }
            self.pods.credit(pid, Ticks(unseen));
            let stack = self.classes[class].stack;
            let exited = self.classes.exited(stack);
            let cpu = &mut self.classes[exited].totals.cpu;
            // Who reaps does not learn what was user and what was system time.
            cpu.user = add(cpu.user, nanos(Ticks(unseen), procfs.clock()));
        }
    }

    /// Whether it is the parent of a process in a tracked pod in which it is not itself: a supervisor of containers
    /// by what it does. What it reaps is counted by their pods.
    fn has_children_in_pods(&self, pid: Pid) -> bool {
        let own = self.pods.of(pid);
        // Pid 1 has whoever lost its parent, too.
        pid != INIT
            && self.pods.tracked_members().any(|(uid, member)| {
                own != Some(uid) && self.rows.get(&member).is_some_and(|row| row.parent == pid)
            })
    }
}
