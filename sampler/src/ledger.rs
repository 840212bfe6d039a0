//! Totals of components that never decrease, though the processes behind them come and go.
//!
//! A Prometheus counter must not fall when a virt-launcher ends, so what a process has used stays with its
//! component. What a process brings along on first sight is decided once:
//!
//! * at the first observation everything that is there enters with its full total;
//! * later, a process that started since the observation before enters with its full total;
//! * later, an older one that had not been seen counts from its first sight.

use std::collections::BTreeMap;

use crate::process::{ProcessCpu, ProcessId};
use crate::units::{StartTicks, Ticks};

/// CPU time by mode, without overlap: guest is not inside user here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTotals {
    /// User time without guest time.
    pub user: Ticks,
    /// System time.
    pub system: Ticks,
    /// Guest time.
    pub guest: Ticks,
}

impl CpuTotals {
    fn of(cpu: &ProcessCpu) -> CpuTotals {
        let guest = cpu.guest.min(cpu.user);
        CpuTotals { user: Ticks(cpu.user.0 - guest.0), system: cpu.system, guest }
    }

    fn grow(&mut self, now: &CpuTotals, then: &CpuTotals) {
        self.user += now.user.since(then.user).unwrap_or_default();
        self.system += now.system.since(then.system).unwrap_or_default();
        self.guest += now.guest.since(then.guest).unwrap_or_default();
    }
}

/// CPU totals by key (a component, a VM); `K` is what they are summed by.
#[derive(Clone, Debug)]
pub struct Ledger<K> {
    totals: BTreeMap<K, CpuTotals>,
    seen: BTreeMap<ProcessId, CpuTotals>,
    newest: Option<StartTicks>,
}

impl<K: Ord + Clone> Default for Ledger<K> {
    fn default() -> Ledger<K> {
        Ledger { totals: BTreeMap::new(), seen: BTreeMap::new(), newest: None }
    }
}

impl<K: Ord + Clone> Ledger<K> {
    /// Takes in a pass: all processes with their key and their CPU time.
    pub fn observe<'a>(&mut self, processes: impl IntoIterator<Item = (ProcessId, K, &'a ProcessCpu)>) {
        let mut seen = BTreeMap::new();
        let mut newest = self.newest;
        for (id, key, cpu) in processes {
            let now = CpuTotals::of(cpu);
            let started_since = self.newest.is_none_or(|newest| id.start > newest);
            let then = match self.seen.get(&id) {
                Some(then) => *then,
                None if started_since => CpuTotals::default(),
                None => now,
            };
            self.totals.entry(key).or_default().grow(&now, &then);
            newest = newest.max(Some(id.start));
            seen.insert(id, now);
        }
        self.seen = seen;
        self.newest = newest.or(Some(StartTicks(0)));
    }

    /// The totals so far.
    pub fn totals(&self) -> &BTreeMap<K, CpuTotals> {
        &self.totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Pid;

    fn id(pid: u32, start: u64) -> ProcessId {
        ProcessId { pid: Pid(pid), start: StartTicks(start) }
    }

    fn cpu(user: u64, guest: u64) -> ProcessCpu {
        ProcessCpu { user: Ticks(user), guest: Ticks(guest), ..ProcessCpu::default() }
    }

    fn user(ledger: &Ledger<&str>, key: &str) -> u64 {
        ledger.totals()[key].user.0
    }

    #[test]
    fn a_component_keeps_what_its_ended_processes_used() {
        let mut ledger = Ledger::default();
        ledger.observe([(id(1, 10), "virt-launcher", &cpu(100, 0))]);
        ledger.observe([(id(1, 10), "virt-launcher", &cpu(130, 0))]);
        ledger.observe([]);
        assert_eq!(user(&ledger, "virt-launcher"), 130);
        ledger.observe([(id(1, 50), "virt-launcher", &cpu(7, 0))]);
        assert_eq!(user(&ledger, "virt-launcher"), 137);
    }

    #[test]
    fn an_older_process_that_was_overlooked_counts_from_its_first_sight() {
        let mut ledger = Ledger::default();
        ledger.observe([(id(2, 20), "virt-api", &cpu(5, 0))]);
        ledger.observe([(id(1, 10), "virt-api", &cpu(1000, 0)), (id(2, 20), "virt-api", &cpu(5, 0))]);
        assert_eq!(user(&ledger, "virt-api"), 5);
        ledger.observe([(id(1, 10), "virt-api", &cpu(1003, 0)), (id(2, 20), "virt-api", &cpu(5, 0))]);
        assert_eq!(user(&ledger, "virt-api"), 8);
    }

    #[test]
    fn a_total_that_steps_back_does_not_lower_the_sum() {
        let mut ledger = Ledger::default();
        ledger.observe([(id(1, 1), "qemu-kvm", &cpu(50, 0))]);
        ledger.observe([(id(1, 1), "qemu-kvm", &cpu(40, 0))]);
        assert_eq!(user(&ledger, "qemu-kvm"), 50);
    }

    #[test]
    fn guest_time_is_taken_out_of_user_time() {
        let mut ledger = Ledger::default();
        ledger.observe([(id(1, 1), "qemu-kvm", &cpu(50, 30))]);
        assert_eq!(
            ledger.totals()["qemu-kvm"],
            CpuTotals { user: Ticks(20), system: Ticks(0), guest: Ticks(30) }
        );
    }
}
