//! What the sampler finds on this machine now.

use std::path::Path;

use edgebench_sampler::classify::{Class, Trust, classify};
use edgebench_sampler::process::{Denied, ProcessSample, Scratch};
use edgebench_sampler::thread::{self, ThreadSample};
use edgebench_sampler::vm_reading::{self, VmReading};
use edgebench_sampler::{Bytes, Pid, ProcFs, Roots, proportional};
use edgebench_tests::libvirt::{NAME, NAMESPACE};

/// One pass over the processes, and the VMs among them.
pub(crate) struct Reading {
    pub(crate) processes: Vec<ProcessSample>,
    pub(crate) classes: Vec<Class>,
    pub(crate) vms: Vec<VmReading>,
    procfs: ProcFs,
}

/// Reads this machine.
pub(crate) fn now() -> Reading {
    with_sysfs(Path::new("/sys"))
}

/// Reads this machine, with the cgroups of a sysfs of the test's.
pub(crate) fn with_sysfs(sysfs: &Path) -> Reading {
    let procfs = ProcFs::open(Roots { sys: sysfs.into(), ..Roots::of_this_machine() }).unwrap();
    let (mut scratch, mut denied) = (Scratch::default(), Denied::new());
    let mut processes = procfs.process_pass(&mut scratch).unwrap().processes;
    let classes = classify(&processes, Trust::Any);
    let tracked = |index: usize, _: &ProcessSample| classes[index].stack.is_tracked();
    proportional::read(&procfs, &mut processes, tracked, &mut denied, &mut scratch.buffer).unwrap();
    let vms =
        vm_reading::read(&procfs, &processes, &classes, true, &mut denied, &mut scratch.buffer).unwrap();
    assert_eq!(denied, Denied::new());
    Reading { processes, classes, vms, procfs }
}

impl Reading {
    /// A process, and what it is for.
    pub(crate) fn process(&self, pid: u32) -> (&ProcessSample, &Class) {
        let index = self.processes.iter().position(|process| process.id.pid == Pid(pid));
        let index = index.unwrap_or_else(|| panic!("{pid} is not there"));
        (&self.processes[index], &self.classes[index])
    }

    /// The name of its component, and that of its stack.
    pub(crate) fn class(&self, pid: u32) -> [&'static str; 2] {
        let class = self.process(pid).1;
        [class.component.name, class.stack.name()]
    }

    /// The threads of a process.
    pub(crate) fn threads(&self, pid: u32) -> Vec<ThreadSample> {
        thread::read(&self.procfs.process(Pid(pid)).unwrap(), &mut Scratch::default().buffer).unwrap()
    }

    /// The one VM with the name of ours.
    pub(crate) fn vm(&self) -> &VmReading {
        let is_ours = |vm: &&VmReading| vm.vm.namespace == NAMESPACE && vm.vm.name == NAME;
        let found: Vec<_> = self.vms.iter().filter(is_ours).collect();
        let [vm] = found[..] else { panic!("{:?}", self.vms) };
        vm
    }

    /// Resident memory of its guest.
    pub(crate) fn guest_resident(&self) -> Bytes {
        self.vm().guest.unwrap().resident
    }

    /// PSS of a process.
    pub(crate) fn pss(&self, pid: u32) -> Bytes {
        self.process(pid).0.memory.unwrap().pss().unwrap()
    }

    /// RES of a process.
    pub(crate) fn resident(&self, pid: u32) -> Bytes {
        self.process(pid).0.memory.unwrap().resident
    }

    /// Page tables of the VM's processes.
    pub(crate) fn page_tables(&self) -> Bytes {
        let own = self.vm().processes.iter();
        own.map(|pid| self.process(pid.0).0.memory.unwrap().page_tables).sum()
    }

    /// PSS of the VM's processes.
    pub(crate) fn pod_proportional(&self) -> Bytes {
        self.vm().processes.iter().map(|pid| self.pss(pid.0)).sum()
    }

    /// How far the two sums that the kernel keeps of a process' resident memory may be apart, before 6.2 not
    /// at all: each CPU holds back up to `percpu_counter_batch` pages of each of three counters
    /// (`lib/percpu_counter.c`; `fs/proc/array.c` reads the sums without them, `statm` with them since 6.17).
    pub(crate) fn held_back(&self) -> Bytes {
        let cpus = std::thread::available_parallelism().unwrap().get() as u64;
        let page = self.procfs.clock().page_size;
        Bytes(3 * cpus * (2 * cpus).max(32) * page.0)
    }

    /// So many nanoseconds in ticks, of which libvirt's are a whole number.
    pub(crate) fn ticks(&self, nanos: u64) -> u64 {
        let tick = 1_000_000_000 / self.procfs.clock().ticks_per_second;
        assert!(nanos.is_multiple_of(tick), "{nanos} ns are no whole ticks");
        nanos / tick
    }
}
