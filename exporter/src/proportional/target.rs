//! Reading one target.
//!
//! A VM's pod is one target: `smaps_rollup` of its processes and `smaps` of its qemu, one right after the
//! other, so that the pod's proportional memory and the guest's can be subtracted.

use edgebench_sampler::error::Reason;
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, ProcFs, ProcessFile};
use edgebench_sampler::{Bytes, Nanos, ReadError, guest, proportional};

use super::readings::{GuestReading, ProcessReading, Readings};
use super::trouble::Trouble;

/// What is read together, so that its figures belong together: one process, or a VM's pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The process, or all processes of the pod. Hugetlb pages that several of them map are divided among
    /// them; a mapper elsewhere on the node is not known here.
    pub processes: Vec<ProcessId>,
    /// The guest of the VM, once there is a qemu.
    pub guest: Option<GuestTarget>,
    /// RES of all of them: what the first reading is expected to cost depends on it, and whether the target
    /// is above the size limit.
    pub resident: Bytes,
    /// Processes of it that became another program, and when ([`now`](super::now)). What was read before is of
    /// another memory and not served any more.
    pub changed: Vec<(ProcessId, Nanos)>,
}

/// A VM's guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestTarget {
    /// The qemu that runs it, one of the target's processes.
    pub emulator: ProcessId,
    /// Sizes of its memory backends.
    pub backends: Vec<Bytes>,
}

impl Target {
    /// What it is known by while the list of its processes changes.
    pub(crate) fn key(&self) -> Option<ProcessId> {
        self.guest.as_ref().map(|guest| guest.emulator).or_else(|| self.processes.first().copied())
    }

    /// When one of its processes became what it is; 0 where that is not known.
    pub(crate) fn changed_at(&self, id: ProcessId) -> Nanos {
        let its = self.changed.iter().filter(|(changed, _)| *changed == id);
        its.map(|(_, at)| *at).max().unwrap_or_default()
    }
}

/// What became of a process or guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<T> {
    /// It was read.
    Read(T),
    /// It ended, or may not be read: what was read before is not served any more.
    Gone,
}

/// What reading a target found. What failed otherwise is not in it and keeps its last figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) processes: Vec<(ProcessId, Outcome<ProcessReading>)>,
    pub(crate) guest: Option<(ProcessId, Outcome<GuestReading>)>,
    rollups: u64,
    smaps: u64,
    denied: Vec<ProcessFile>,
    errors: Vec<&'static str>,
}

/// Reads a target at `at`.
pub(crate) fn read(procfs: &ProcFs, target: &Target, trouble: &mut Trouble, at: Nanos) -> Found {
    let mut found = Found::default();
    let mut buffer = Buffer::default();
    let rollup = ProcessFile::SmapsRollup;
    let may_try = |trouble: &Trouble, id, file| trouble.may_try(id, file, target.changed_at(id), at);
    let allowed: Vec<_> =
        target.processes.iter().copied().filter(|&id| may_try(trouble, id, rollup)).collect();
    let readings = proportional::read_together(procfs, &allowed, &mut buffer);
    for (&id, reading) in allowed.iter().zip(readings) {
        let outcome = match reading {
            Ok(reading) => {
                found.rollups += 1;
                found.smaps += u64::from(reading.took_smaps());
                trouble.over(id, rollup);
                let (pss, anonymous) = (reading.pss(), reading.rollup.pss_anon);
                Some(Outcome::Read(ProcessReading { pss, anonymous, at }))
            }
            Err(error) => found.failed(id, rollup, &error, trouble, at),
        };
        found.processes.extend(outcome.map(|outcome| (id, outcome)));
    }
    let smaps = ProcessFile::Smaps;
    if let Some(GuestTarget { emulator, backends }) = &target.guest
        && may_try(trouble, *emulator, rollup)
        && may_try(trouble, *emulator, smaps)
    {
        let files = &mut found.smaps;
        let guest = guest::read_counting(procfs, *emulator, &target.processes, backends, &mut buffer, files);
        let outcome = match guest {
            Ok(guest) => {
                trouble.over(*emulator, smaps);
                Some(guest.map_or(Outcome::Gone, |memory| Outcome::Read(GuestReading { memory, at })))
            }
            Err(error) => found.failed(*emulator, smaps, &error, trouble, at),
        };
        found.guest = outcome.map(|outcome| (*emulator, outcome));
    }
    found
}

impl Found {
    /// Takes note of a failure. What is malformed this time may be well the next time: its last figures stay.
    fn failed<T>(
        &mut self,
        id: ProcessId,
        file: ProcessFile,
        error: &ReadError,
        trouble: &mut Trouble,
        at: Nanos,
    ) -> Option<Outcome<T>> {
        match &error.reason {
            Reason::Vanished => Some(Outcome::Gone),
            Reason::Denied => {
                if trouble.denied(id, file, at) {
                    self.denied.push(file);
                }
                Some(Outcome::Gone)
            }
            reason => {
                if trouble.failed(id, file) {
                    tracing::warn!(%error, "proportional memory was not read");
                }
                self.errors.push(if matches!(reason, Reason::Malformed(_)) { "malformed" } else { "io" });
                None
            }
        }
    }

    /// Puts what was found of processes that are `wanted` into the readings, and adds to the counters.
    pub(crate) fn put_into(self, readings: &mut Readings, wanted: impl Fn(ProcessId) -> bool) {
        for (id, outcome) in self.processes {
            match outcome {
                Outcome::Read(reading) if wanted(id) => drop(readings.processes.insert(id, reading)),
                Outcome::Read(_) | Outcome::Gone => drop(readings.processes.remove(&id)),
            }
        }
        if let Some((id, outcome)) = self.guest {
            match outcome {
                Outcome::Read(reading) if wanted(id) => drop(readings.guests.insert(id, reading)),
                Outcome::Read(_) | Outcome::Gone => drop(readings.guests.remove(&id)),
            }
        }
        readings.cost.rollups += self.rollups;
        readings.cost.smaps += self.smaps;
        for file in self.denied {
            *readings.denied.entry(name(file)).or_default() += 1;
        }
        for reason in self.errors {
            *readings.errors.entry(reason).or_default() += 1;
        }
    }
}

fn name(file: ProcessFile) -> &'static str {
    file.name().to_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use edgebench_sampler::{Pid, Roots, StartTicks};

    use super::*;

    const MIB: u64 = 1 << 20;

    /// A procfs in which processes started at tick 7.
    struct Fake {
        dir: tempfile::TempDir,
        procfs: ProcFs,
    }

    impl Fake {
        fn new() -> Fake {
            let dir = tempfile::tempdir().unwrap();
            for name in ["stat", "meminfo"] {
                std::fs::write(dir.path().join(name), "").unwrap();
            }
            let procfs = ProcFs::open(Roots::beside(dir.path())).unwrap();
            Fake { dir, procfs }
        }

        fn file(&self, pid: u32, name: &str, text: impl AsRef<[u8]>) {
            let dir = self.dir.path().join(pid.to_string());
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join(name), text).unwrap();
        }

        fn process(&self, pid: u32, pss_kib: u64) {
            let zeros = " 0".repeat(30);
            self.file(pid, "stat", format!("{pid} (qemu-kvm) S 1{}{zeros}\n", " 0".repeat(17) + " 7"));
            self.file(
                pid,
                "smaps_rollup",
                format!(
                    "1000-2000 ---p 00000000 00:00 0 [rollup]\nRss: {pss_kib} kB\nPss: {pss_kib} kB\n\
                     Pss_Anon: {} kB\nAnonymous: 0 kB\nShared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\n\
                     Swap: 0 kB\nSwapPss: 0 kB\n",
                    pss_kib / 2
                ),
            );
        }

        /// One mapping of 64 MiB of which so much is touched.
        fn guest(&self, pid: u32, touched_kib: u64) {
            self.file(
                pid,
                "smaps",
                format!(
                    "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \nRss: {touched_kib} kB\n\
                     Pss: {touched_kib} kB\nAnonymous: {touched_kib} kB\nSwap: 0 kB\n\
                     Shared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\n"
                ),
            );
        }

        fn read_into(&self, readings: &mut Readings, target: &Target) {
            read(&self.procfs, target, &mut Trouble::default(), Nanos(5)).put_into(readings, |_| true);
        }
    }

    fn id(pid: u32) -> ProcessId {
        ProcessId { pid: Pid(pid), start: StartTicks(7) }
    }

    fn target(pids: &[u32]) -> Target {
        Target { processes: pids.iter().map(|&pid| id(pid)).collect(), ..Target::default() }
    }

    fn pod() -> Target {
        let guest = GuestTarget { emulator: id(11), backends: vec![Bytes(64 * MIB)] };
        Target { guest: Some(guest), ..target(&[10, 11]) }
    }

    #[test]
    fn a_pod_is_its_processes_and_its_guest() {
        let host = Fake::new();
        host.process(10, 3000);
        host.process(11, 50_000);
        host.guest(11, 40_000);
        let mut readings = Readings::default();
        host.read_into(&mut readings, &pod());
        let reading = readings.processes[&id(11)];
        assert_eq!(
            (reading.pss.kib(), reading.anonymous.unwrap().kib(), reading.at),
            (50_000, 25_000, Nanos(5))
        );
        assert_eq!(readings.processes[&id(10)].pss.kib(), 3000);
        assert_eq!(readings.guests[&id(11)].memory.proportional.kib(), 40_000);
        assert_eq!((readings.cost.rollups, readings.cost.smaps), (2, 1));
    }

    #[test]
    fn what_ended_or_is_another_process_now_has_no_figures() {
        let host = Fake::new();
        host.process(10, 3000);
        host.process(11, 50_000);
        host.guest(11, 40_000);
        let mut readings = Readings::default();
        host.read_into(&mut readings, &pod());
        let stat = std::fs::read_to_string(host.dir.path().join("11/stat")).unwrap();
        host.file(11, "stat", stat.replace(" 7 ", " 8 "));
        host.read_into(&mut readings, &pod());
        assert_eq!(readings.processes.keys().collect::<Vec<_>>(), [&id(10)]);
        assert!(readings.guests.is_empty());
        std::fs::remove_dir_all(host.dir.path().join("10")).unwrap();
        host.read_into(&mut readings, &pod());
        assert!(readings.processes.is_empty());
        assert!(readings.errors.is_empty() && readings.denied.is_empty(), "to end is normal");
    }

    #[test]
    fn a_file_that_can_not_be_understood_leaves_the_last_figures_with_their_age() {
        let host = Fake::new();
        host.process(10, 3000);
        let mut readings = Readings::default();
        host.read_into(&mut readings, &target(&[10]));
        let before = readings.processes[&id(10)];
        host.file(10, "smaps_rollup", "Rss: many kB\n");
        let found = read(&host.procfs, &target(&[10]), &mut Trouble::default(), Nanos(9));
        found.put_into(&mut readings, |_| true);
        assert_eq!(readings.processes[&id(10)], before);
        assert_eq!(readings.errors["malformed"], 1);
        assert_eq!(readings.cost.rollups, 1);
    }

    #[test]
    fn what_is_denied_has_no_figures_and_counts_once() {
        let denied = ReadError::new("/proc/10/smaps_rollup", Reason::Denied);
        let (mut readings, mut trouble) = (Readings::default(), Trouble::default());
        readings.processes.insert(id(10), ProcessReading::default());
        for at in [1, 2] {
            let mut found = Found::default();
            let outcome = found.failed(id(10), ProcessFile::SmapsRollup, &denied, &mut trouble, Nanos(at));
            found.processes.extend(outcome.map(|outcome| (id(10), outcome)));
            found.put_into(&mut readings, |_| true);
        }
        assert!(readings.processes.is_empty());
        assert_eq!(readings.denied["smaps_rollup"], 1);
        let cost = readings.cost(0.5);
        assert!(cost.skips.contains(&("denied", 1)), "{cost:?}");
    }

    #[test]
    fn a_file_that_was_denied_is_left_alone() {
        let host = Fake::new();
        host.process(11, 50_000);
        host.guest(11, 40_000);
        let mut trouble = Trouble::default();
        trouble.denied(id(11), ProcessFile::SmapsRollup, Nanos(1));
        let found = read(&host.procfs, &pod(), &mut trouble, Nanos(5));
        assert_eq!(
            (found.rollups, found.smaps, &found.guest),
            (0, 0, &None),
            "smaps asks for the same right"
        );
    }

    #[test]
    fn a_guest_whose_backends_are_not_there_has_no_figures() {
        let host = Fake::new();
        host.process(11, 50_000);
        host.guest(11, 40_000);
        let mut readings = Readings::default();
        host.read_into(&mut readings, &pod());
        assert_eq!(readings.guests.len(), 1);
        let mut other = pod();
        other.guest.as_mut().unwrap().backends = vec![Bytes(65 * MIB)];
        host.read_into(&mut readings, &other);
        assert!(readings.guests.is_empty());
        assert_eq!(readings.processes.len(), 1);
    }

    #[test]
    fn what_is_not_wanted_any_more_is_not_served() {
        let host = Fake::new();
        host.process(11, 50_000);
        host.guest(11, 40_000);
        let mut readings = Readings::default();
        let found = read(&host.procfs, &pod(), &mut Trouble::default(), Nanos(5));
        found.put_into(&mut readings, |_| false);
        assert!(readings.processes.is_empty() && readings.guests.is_empty());
        assert_eq!(readings.cost.rollups, 1, "but it was read");
    }
}
