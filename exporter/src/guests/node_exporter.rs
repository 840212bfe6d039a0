//! node_exporter's figures of the guest.
//!
//! It states every line of `/proc/meminfo` in bytes, and the ticks of `/proc/stat` in seconds for each CPU and mode;
//! guest time is inside user and nice (and apart in `node_cpu_guest_seconds_total`, which is not to be added). A sum
//! with a part that is not there is absent.

use edgebench_sampler::{Bytes, Nanos};

use super::System;
use crate::endpoints::said::{billionths, whole};
use crate::scrape_text::{Objection, Sample, Wants};

const MEMORY: [&str; 6] = [
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_Buffers_bytes",
    "node_memory_Cached_bytes",
    "node_memory_Slab_bytes",
];

/// Modes of a CPU: those that are busy, then those that are not.
const MODES: [&str; 8] = ["user", "nice", "system", "irq", "softirq", "steal", "idle", "iowait"];
const BUSY: usize = 5;
const STEAL: usize = 5;

/// CPUs that are read: the kernel's own limit of x86 is 8192.
const MOST_CPUS: usize = 8192;

/// Takes the samples of one answer.
#[derive(Debug, Default)]
pub struct Hearing {
    memory: [Option<u64>; 6],
    memory_seen: [bool; 6],
    /// Of each CPU, which modes were there.
    cpus: Vec<u8>,
    busy: u64,
    stolen: u64,
    /// A value that is none, or a sum that is too large.
    broken: bool,
}

impl Wants for Hearing {
    fn wants(&self, name: &str) -> bool {
        name == "node_cpu_seconds_total" || MEMORY.contains(&name)
    }

    fn take(&mut self, sample: &Sample<'_>) -> Result<(), Objection> {
        if let Some(at) = MEMORY.iter().position(|name| *name == sample.name) {
            if std::mem::replace(&mut self.memory_seen[at], true) {
                return Err(Objection::Duplicate);
            }
            self.memory[at] = whole(sample.value);
            return Ok(());
        }
        let cpu = sample.label("cpu").and_then(|cpu| cpu.text().parse::<usize>().ok());
        let mode = sample.label("mode").map(|mode| mode.text());
        let cpu = cpu
            .filter(|cpu| *cpu < MOST_CPUS)
            .ok_or_else(|| Objection::Malformed("no number of a CPU".into()))?;
        // Other systems than Linux have other modes.
        let Some(mode) = mode.and_then(|mode| MODES.iter().position(|name| *name == mode)) else {
            return Ok(());
        };
        if self.cpus.len() <= cpu {
            self.cpus.resize(cpu + 1, 0);
        }
        if self.cpus[cpu] & 1 << mode != 0 {
            return Err(Objection::Duplicate);
        }
        self.cpus[cpu] |= 1 << mode;
        let sum = match mode {
            mode if mode < BUSY => &mut self.busy,
            STEAL => &mut self.stolen,
            _ => return Ok(()),
        };
        match billionths(sample.value).and_then(|time| sum.checked_add(time)) {
            Some(time) => *sum = time,
            None => self.broken = true,
        }
        Ok(())
    }
}

impl Hearing {
    /// What was said; nothing where node_exporter was not who said it.
    pub fn finish(self, read_at: f64) -> Option<System> {
        let [total, available, free, buffers, cached, slab] = self.memory;
        let without = |parts: &[Option<u64>]| {
            let rest = parts.iter().try_fold(total?, |rest, part| rest.checked_sub((*part)?));
            rest.map(Bytes)
        };
        let cpus = self.cpus.iter().filter(|modes| **modes != 0).count() as u32;
        if total.is_none() && cpus == 0 {
            return None;
        }
        // A CPU without one of its modes is one whose time is not known. Old kernels have no steal.
        let counted = |modes: usize| {
            let has = |cpu: &u8| usize::from(*cpu) & modes == modes;
            cpus > 0 && !self.broken && self.cpus.iter().filter(|cpu| **cpu != 0).all(has)
        };
        Some(System {
            total: total.map(Bytes),
            used_available: without(&[available]),
            used_sar: without(&[free, buffers, cached, slab]),
            cpu_busy: counted((1 << BUSY) - 1).then_some(Nanos(self.busy)),
            cpu_stolen: counted(1 << STEAL).then_some(Nanos(self.stolen)),
            cpus,
            read_at,
        })
    }
}

#[cfg(test)]
mod tests;
