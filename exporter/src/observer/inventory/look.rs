//! Looking at a process: who it is, and what it is for.

use std::collections::BTreeSet;

use edgebench_sampler::classify::classify;
use edgebench_sampler::parse::pid_cgroup::PodUid;
use edgebench_sampler::parse::pid_stat;
use edgebench_sampler::process::{Denied, ProcessSample};
use edgebench_sampler::procfs::{Buffer, Listed, ProcFs, ProcessFile};
use edgebench_sampler::{Bytes, Nanos, Pid, ReadError, Reason, StartTicks};

use super::Inventory;
use super::assign::is_kept;
use super::row::{Row, Tier, children, comm};
use crate::observer::classes::Held;
use crate::observer::counters::CpuTicks;
use crate::observer::reaped::Reaped;

/// What a look found, before it is known what the process is for.
struct Found {
    pid: Pid,
    /// Whether all it has used so far is to be counted.
    from_birth: bool,
    cpu: CpuTicks,
    major_faults: u64,
}

impl Inventory {
    /// Looks at processes, then says what each is for: a pod's new members are judged together. Returns who was born last.
    pub(super) fn look_at(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        fresh: Vec<Listed>,
        changed: Vec<Listed>,
        buffer: &mut Buffer,
    ) -> Option<Pid> {
        let mut found = Vec::with_capacity(fresh.len());
        let mut pods = Vec::new();
        for entry in fresh.into_iter().chain(changed) {
            match self.look(procfs, now, entry, &mut pods, buffer) {
                Ok(Some(new)) => found.push(new),
                Ok(None) => {}
                Err(error) if error.is_vanished() => {}
                // A process that is hidden from us (hidepid) is none of ours.
                Err(error) if error.is_denied() => {
                    if self.refused.insert(entry) {
                        *self.trouble.denied.entry("stat".into()).or_default() += 1;
                    }
                }
                Err(error) => self.failed(entry.pid, error),
            }
        }
        pods.sort_unstable();
        pods.dedup();
        for pod in pods {
            for (pid, class) in self.pods.classify(&pod, self.rules.trust) {
                let from_birth = found.iter().any(|new| new.pid == pid && new.from_birth);
                if let Err(error) = self.assign(procfs, pid, &class, from_birth, buffer) {
                    self.failed(pid, error);
                }
            }
            self.vms_stale = true;
        }
        let mut last_born = None;
        for new in found {
            let Some(row) = self.rows.get_mut(&new.pid) else { continue };
            if new.from_birth {
                last_born = last_born.max(Some((row.start, new.pid)));
            }
            if new.from_birth
                && let Some(class) = row.class
            {
                let totals = &mut self.classes[class].totals;
                totals.add_cpu(row.cpu.advance(&new.cpu).nanos(procfs.clock()));
                totals.major_faults += new.major_faults;
            } else {
                row.cpu = new.cpu;
            }
            row.major_faults = new.major_faults;
        }
        last_born.map(|(_, pid)| pid)
    }

    /// A file of a process is malformed: it is looked at again next time.
    fn failed(&mut self, pid: Pid, error: ReadError) {
        match self.rows.get(&pid) {
            Some(row) => self.again.push(Listed { pid, inode: row.inode }),
            None => self.relist = true,
        }
        self.trouble.failed(pid, error);
    }

    fn look(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        entry: Listed,
        pods: &mut Vec<PodUid>,
        buffer: &mut Buffer,
    ) -> Result<Option<Found>, ReadError> {
        self.looks += 1;
        let pid = entry.pid;
        let dir = procfs.process(pid)?;
        let stat = pid_stat::parse(dir.read(ProcessFile::Stat, buffer)?)
            .map_err(|error| ReadError::new(dir.path(c"stat"), Reason::Malformed(error)))?;
        let (comm, major_faults, children) = (comm(stat.comm), stat.major_faults, children(&stat));
        let resident = Bytes::from_pages(stat.resident, procfs.clock().page_size);
        let mut denied = Denied::default();
        let sample = procfs.sample(&dir, buffer, &mut denied)?;
        let known = self.rows.get(&pid).is_some_and(|row| row.start == sample.id.start);
        if !known {
            self.end(procfs, &BTreeSet::from([pid]), buffer);
        }
        let held = held_by(&sample);
        self.newest_now = self.newest_now.max(sample.id.start);
        let found = (!known).then(|| Found {
            pid,
            // A process that started after all that were there before is new, else it was overlooked.
            from_birth: sample.id.start >= self.newest,
            cpu: CpuTicks::of(&sample.cpu),
            major_faults,
        });
        let row = self.rows.entry(pid).or_insert_with(|| Row {
            start: sample.id.start,
            inode: entry.inode,
            parent: sample.parent,
            class: None,
            tier: Tier::Swept,
            comm,
            cpu: CpuTicks::default(),
            major_faults: 0,
            reaped: Reaped::first_seen(
                children,
                self.newest > StartTicks(0) && found.as_ref().is_some_and(|found| found.from_birth),
            ),
            supervisor: false,
            takes_orphans: false,
            not_kept: false,
            denial_told: false,
            outside_pods: false,
            held,
            resident,
            memory_stale: false,
            rest: 0,
            looked: self.reading,
            read_at: now,
            changed: Nanos(0),
        });
        if !known && children > 0 {
            self.unsettled.push(pid);
        }
        if known && row.comm != comm {
            row.changed = now;
            self.membership += 1;
        }
        if !denied.is_empty() && !std::mem::replace(&mut row.denial_told, true) {
            for (file, times) in denied {
                *self.trouble.denied.entry(file).or_default() += times;
            }
        }
        row.inode = entry.inode;
        row.looked = self.reading;
        row.comm = comm;
        row.parent = sample.parent;
        self.parents.insert(sample.parent);
        if let Some(class) = row.class {
            self.classes[class].change(&row.held, &held);
        }
        row.held = held;
        (row.resident, row.memory_stale, row.rest) = (resident, false, 0);
        if let Some(pod) = sample.membership.pod.clone() {
            self.loose.remove(&pid);
            let new = found.as_ref().is_some_and(|found| found.from_birth) && self.newest > StartTicks(0);
            self.pods.join(&pod, sample, new, row.cpu.total());
            pods.push(pod);
            return Ok(found);
        }
        let was_in_pod = self.pods.leave(pid, row.cpu.total());
        let [class] = classify(std::slice::from_ref(&sample), self.rules.trust)[..] else { return Ok(found) };
        let from_birth = found.as_ref().is_some_and(|found| found.from_birth);
        let tracked = is_kept(&class);
        let was_loose = self.loose.remove(&pid).is_some();
        if tracked {
            self.loose.insert(pid, (sample, class));
        }
        self.vms_stale |= tracked || was_loose || was_in_pod;
        self.assign(procfs, pid, &class, from_birth, buffer)?;
        Ok(found)
    }
}

fn held_by(sample: &ProcessSample) -> Held {
    let memory = sample.memory.unwrap_or_default();
    Held {
        threads: u64::from(sample.threads),
        resident: memory.resident,
        anonymous: memory.anonymous,
        swap: memory.swap,
        page_tables: memory.page_tables,
    }
}
