//! The pods of the node: who is in them, and what CPU time they used that no process shows.
//!
//! A pod's cgroup keeps the CPU time of everything that ever ran in it, in nanoseconds, also of containers that are
//! gone: v1 `cpuacct.usage` and v2 `cpu.stat` are hierarchical (Documentation/admin-guide/cgroup-v1/cpuacct.rst,
//! cgroup-v2.rst). What it has beyond the processes that were seen was used by processes that nobody saw.
//!
//! `stat` shows user and system time in whole ticks, each cut off, so a live process shows up to two ticks less than
//! its cgroup was charged. That much for each member is never taken: what is taken once can't be given back.
//! The cgroup is read before the processes, so what runs in between is on the processes' side.

use std::collections::BTreeMap;

use edgebench_sampler::classify::{Class, Trust, classify};
use edgebench_sampler::component::Stack;
use edgebench_sampler::parse::pid_cgroup::PodUid;
use edgebench_sampler::pod_cgroup::KeptCgroup;
use edgebench_sampler::process::ProcessSample;
use edgebench_sampler::procfs::{Buffer, ProcFs};
use edgebench_sampler::{Clock, Nanos, Pid, ReadError, Ticks};

use super::classes::Classes;
use super::counters::{add, nanos};
use super::inventory::{Row, Rules};

/// A pod.
#[derive(Debug, Default)]
struct Pod {
    /// Its processes, by number.
    samples: Vec<ProcessSample>,
    /// What each is for.
    classes: Vec<Class>,
    /// Whether it came while we watched: then all that its cgroup counts is to be accounted for.
    new: bool,
    cgroup: Option<KeptCgroup>,
    sought: bool,
    /// What the cgroup said at this reading.
    usage: Option<Nanos>,
    /// What the cgroup had counted for processes that ended before we came.
    before: Option<Nanos>,
    /// CPU time of members that ended, as it was counted.
    ended: Nanos,
    /// CPU time that no process showed.
    unseen: Nanos,
    /// The tracked stack that it belongs to.
    stack: Option<Stack>,
    /// Since when nobody is in it.
    empty_since: Option<Nanos>,
}

/// All pods.
#[derive(Debug, Default)]
pub(super) struct Pods {
    pods: BTreeMap<PodUid, Pod>,
    of: BTreeMap<Pid, PodUid>,
    /// Cgroups that may not be read.
    pub(super) denied: u64,
    /// What one of them said that can't be.
    pub(super) error: Option<ReadError>,
    ended_ticks: BTreeMap<PodUid, Ticks>,
}

impl Pods {
    /// A process is a member of a pod, or what is known of it changed. `new`: it was born while we watched.
    /// `counted` is what was counted of it so far.
    pub(super) fn join(&mut self, uid: &PodUid, sample: ProcessSample, new: bool, counted: Ticks) {
        let pid = sample.id.pid;
        if self.of.get(&pid).is_some_and(|old| old != uid) {
            self.leave(pid, counted);
        }
        let pod = self.pods.entry(uid.clone()).or_insert_with(|| Pod { new, ..Pod::default() });
        pod.empty_since = None;
        match pod.samples.binary_search_by_key(&pid, |member| member.id.pid) {
            Ok(at) => pod.samples[at] = sample,
            Err(at) => pod.samples.insert(at, sample),
        }
        self.of.insert(pid, uid.clone());
    }

    /// A process is gone, of which so many ticks were counted. Says whether it was in a pod.
    pub(super) fn leave(&mut self, pid: Pid, counted: Ticks) -> bool {
        let Some(uid) = self.of.remove(&pid) else { return false };
        let Some(pod) = self.pods.get_mut(&uid) else { return false };
        pod.samples.retain(|member| member.id.pid != pid);
        pod.classes.clear();
        *self.ended_ticks.entry(uid).or_default() += counted;
        true
    }

    /// Ticks that nobody saw were counted for a process; its pod, if it is in one, is not to count them again.
    pub(super) fn credit(&mut self, pid: Pid, ticks: Ticks) {
        if let Some(uid) = self.of.get(&pid) {
            *self.ended_ticks.entry(uid.clone()).or_default() += ticks;
        }
    }

    /// Says what each process of a pod is for.
    pub(super) fn classify(&mut self, uid: &PodUid, trust: Trust) -> Vec<(Pid, Class)> {
        let Some(pod) = self.pods.get_mut(uid) else { return Vec::new() };
        pod.judge(trust);
        pod.samples.iter().map(|sample| sample.id.pid).zip(pod.classes.iter().copied()).collect()
    }

    /// Whether a process is in a pod.
    pub(super) fn has(&self, pid: Pid) -> bool {
        self.of.contains_key(&pid)
    }

    /// The pod of a process.
    pub(super) fn of(&self, pid: Pid) -> Option<&PodUid> {
        self.of.get(&pid)
    }

    /// The members of tracked pods.
    pub(super) fn tracked_members(&self) -> impl Iterator<Item = (&PodUid, Pid)> {
        let tracked = self.pods.iter().filter(|(_, pod)| pod.stack.is_some());
        tracked.flat_map(|(uid, pod)| pod.samples.iter().map(move |member| (uid, member.id.pid)))
    }

    /// Whether a process is in a tracked pod, which counts what nobody saw: not where its cgroup can't be read.
    pub(super) fn counts(&self, pid: Pid) -> bool {
        let pod = self.of.get(&pid).and_then(|uid| self.pods.get(uid));
        pod.is_some_and(|pod| pod.stack.is_some() && (!pod.sought || pod.cgroup.is_some()))
    }

    /// What is known of a process in a pod.
    pub(super) fn sample(&self, pid: Pid) -> Option<&ProcessSample> {
        let samples = &self.pods.get(self.of.get(&pid)?)?.samples;
        samples.binary_search_by_key(&pid, |member| member.id.pid).ok().map(|at| &samples[at])
    }

    /// All processes in pods.
    pub(super) fn members(&self) -> impl Iterator<Item = (&ProcessSample, &Class)> + Clone {
        self.pods.values().flat_map(|pod| pod.samples.iter().zip(&pod.classes))
    }

    /// CPU time of a pod that no process showed.
    pub(super) fn unseen(&self, uid: &PodUid) -> Nanos {
        self.pods.get(uid).map(|pod| pod.unseen).unwrap_or_default()
    }

    /// Reads what the cgroups of tracked pods have counted.
    pub(super) fn read_usage(&mut self, procfs: &ProcFs, buffer: &mut Buffer) {
        self.error = None;
        let Pods { pods, denied, error, .. } = self;
        for (uid, pod) in pods.iter_mut().filter(|(_, pod)| pod.stack.is_some()) {
            pod.read(procfs, uid, denied, error, buffer);
        }
    }

    /// Takes what the cgroups have counted beyond the processes that were seen.
    pub(super) fn take_unseen(
        &mut self,
        procfs: &ProcFs,
        now: Nanos,
        rules: Rules,
        rows: &BTreeMap<Pid, Row>,
        classes: &mut Classes,
        buffer: &mut Buffer,
    ) {
        let clock = procfs.clock();
        for (uid, ticks) in std::mem::take(&mut self.ended_ticks) {
            if let Some(pod) = self.pods.get_mut(&uid) {
                pod.ended = add(pod.ended, nanos(ticks, clock));
                // Who is left may be for something else now.
                pod.judge(rules.trust);
            }
        }
        let Pods { pods, denied, error, .. } = self;
        for (uid, pod) in pods.iter_mut() {
            let Some(stack) = pod.stack else { continue };
            // Once nobody runs in it nobody can be counted twice. A pod that was there before we came begins with
            // whatever it says now; one that is new begins with nothing, and its members go on running.
            if pod.samples.is_empty() || pod.before.is_none() && !pod.new {
                pod.read(procfs, uid, denied, error, buffer);
            }
            let Some(usage) = pod.usage.take() else { continue };
            let alive = pod.samples.iter().filter_map(|member| rows.get(&member.id.pid));
            let seen: Ticks = alive.map(|row| row.cpu.total()).sum();
            let beyond = pod.beyond(usage, nanos(seen, clock), clock);
            if beyond > Nanos(0) {
                pod.unseen = add(pod.unseen, beyond);
                // A cgroup's total does not say what was user and what was system time.
                let exited = classes.exited(stack);
                let cpu = &mut classes[exited].totals.cpu;
                cpu.user = add(cpu.user, beyond);
            }
        }
        pods.retain(|uid, pod| {
            if pod.samples.is_empty() && pod.empty_for(now) >= rules.recheck {
                pod.read(procfs, uid, denied, error, buffer);
                pod.empty_since = Some(now);
                return pod.cgroup.is_some();
            }
            true
        });
    }
}

impl Pod {
    fn judge(&mut self, trust: Trust) {
        self.classes = classify(&self.samples, trust);
        let tracked = self.classes.iter().map(|class| class.stack).find(|stack| stack.is_tracked());
        // What a pod was it stays, whoever of it is left: the time of those who ended is still to be taken.
        self.stack = tracked.or(self.stack);
    }

    /// What was used that no process showed, beyond what was taken before.
    fn beyond(&mut self, usage: Nanos, alive: Nanos, clock: Clock) -> Nanos {
        let seen = add(alive, self.ended);
        let rest = Nanos(usage.0.saturating_sub(seen.0));
        let before = *self.before.get_or_insert(if self.new { Nanos(0) } else { rest });
        let cut_off = nanos(Ticks(2 * self.samples.len() as u64), clock);
        Nanos(rest.0.saturating_sub(before.0).saturating_sub(self.unseen.0).saturating_sub(cut_off.0))
    }

    /// For how long nobody has been in it. It is to be known until its cgroup is removed: where no process holds a pod
    /// (CRI-O runs most without `pause`) a container that starts again finds all that was ever used in it.
    fn empty_for(&mut self, now: Nanos) -> Nanos {
        Nanos(now.0.saturating_sub(self.empty_since.get_or_insert(now).0))
    }

    /// Reads what the cgroup has counted.
    fn read(
        &mut self,
        procfs: &ProcFs,
        uid: &PodUid,
        denied: &mut u64,
        error: &mut Option<ReadError>,
        buffer: &mut Buffer,
    ) {
        self.usage = None;
        if !self.sought {
            self.sought = true;
            match procfs.keep_pod(uid, None) {
                Ok(cgroup) => self.cgroup = cgroup,
                Err(failure) if failure.is_denied() => *denied += 1,
                Err(failure) => *error = Some(failure),
            }
        }
        match self.cgroup.as_ref().map(|cgroup| cgroup.cpu(buffer)) {
            None => {}
            Some(Ok(Some(usage))) => self.usage = Some(usage),
            // The controller is not there.
            Some(Ok(None)) => self.cgroup = None,
            Some(Err(failure)) if failure.is_vanished() => self.cgroup = None,
            Some(Err(failure)) => *error = Some(failure),
        }
    }
}
