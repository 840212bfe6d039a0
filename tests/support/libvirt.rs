//! A real libvirtd with a real VM, as a virt-launcher pod has them.
//!
//! Debian's libvirtd runs in a mount and a PID namespace of its own (`libvirt/setup.sh`), so it knows nothing
//! of a libvirt of the host and leaves nothing behind: the namespace's first process ends when its stdin does,
//! that is with the test however it ends, and the kernel then ends every other process of a PID namespace
//! (pid_namespaces(7)). The host sees all of them, under numbers of its own.
//!
//! The domain is `default_edge-vm`, 256 MiB, two vCPUs, emulated (`type='qemu'`: TCG), so it runs anywhere.
//! It boots Debian's cloud kernel, and a busybox that fills memory on demand: see [`EdgeVm::fill`].
//!
//! It needs root.

mod console;
mod domain;
mod guest;
mod namespace;
mod virsh;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::binaries;
use crate::pod::Container;
use console::Console;
use namespace::Namespace;
use virsh::Virsh;

pub use domain::{DOMAIN, NAME, NAMESPACE, RAM_MIB, Ram, UID, VCPUS};
pub use virsh::Stats;

/// What the guest fills before a test measures anything: with the first file its kernel takes a MiB for
/// itself.
const WARM_UP_MIB: u64 = 32;

/// What a guest can fill at most, the warm-up included.
const MOST_MIB: u64 = 144;

/// How the VM is to be run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    ram: Ram,
    container: Vec<PathBuf>,
    in_pod: bool,
}

/// A running libvirtd with its VM. It ends with all its processes when this is dropped, or when the test dies.
#[derive(Debug)]
pub struct EdgeVm {
    console: Console,
    virsh: Virsh,
    namespace: Namespace,
    filled_mib: u64,
    /// Holds the sockets and logs.
    _dir: TempDir,
}

impl Plan {
    /// On a libvirt host: outside of any pod, with anonymous guest RAM.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// What the guest RAM is.
    pub fn ram(self, ram: Ram) -> Plan {
        Plan { ram, ..self }
    }

    /// In this container of a pod, below a `virt-launcher-monitor` that names the VMI: the first process of
    /// the container, and so qemu's parent, as in KubeVirt's.
    pub fn in_container(self, container: &Container) -> Plan {
        Plan { container: container.procs().to_vec(), in_pod: true, ..self }
    }

    /// Starts libvirtd and the VM, and returns when the guest is up and has filled what it fills first.
    ///
    /// # Panics
    /// If it can't, with what libvirtd and the guest's kernel said.
    pub fn start(self) -> EdgeVm {
        let dir = tempfile::Builder::new().prefix("edgebench-libvirt-").tempdir().expect("a directory");
        let path = dir.path();
        guest::write_to(path);
        let first = self.in_pod.then(|| {
            let monitor = path.join("virt-launcher-monitor");
            fs::copy(binaries::stand_in(), &monitor).expect("a copy of the stand-in");
            let words = ["--name", NAME, "--uid", UID, "--namespace", NAMESPACE, "--hook-sidecars", "0"];
            std::iter::once(monitor.display().to_string()).chain(words.map(String::from)).collect()
        });
        let mut namespace =
            Namespace::start(path, &self.container, first.unwrap_or_else(|| vec!["cat".into()]));
        let virsh = Virsh::new(path);
        namespace.wait_for(&path.join("libvirt-sock"));
        let description = path.join("domain.xml");
        fs::write(&description, domain::description(path, self.ram)).expect("the domain's description");
        namespace.or_explain(virsh.run(&["create", &description.display().to_string()]));
        let console = namespace.or_explain(Console::open(&path.join("guest")));
        let mut vm = EdgeVm { console, virsh, namespace, filled_mib: 0, _dir: dir };
        vm.fill(WARM_UP_MIB);
        vm
    }
}

impl EdgeVm {
    /// Has the guest fill so many more MiB with noise, and returns when it has.
    ///
    /// # Panics
    /// If the guest has not as much memory left, or does not answer.
    pub fn fill(&mut self, mib: u64) {
        self.filled_mib += mib;
        assert!(self.filled_mib <= MOST_MIB, "{} MiB are too much for the guest", self.filled_mib);
        self.namespace.or_explain(self.console.fill(mib));
    }

    /// The number of qemu on the host.
    pub fn qemu(&self) -> u32 {
        self.only("qemu-system-x86")
    }

    /// The number of libvirtd on the host.
    pub fn libvirtd(&self) -> u32 {
        self.only("libvirtd")
    }

    /// The numbers on the host of all processes that belong to the VM, libvirtd's among them.
    pub fn processes(&self) -> Vec<u32> {
        self.namespace.processes()
    }

    /// What `virsh domstats` and `virsh dommemstat` say now.
    ///
    /// # Panics
    /// If virsh fails.
    pub fn stats(&self) -> Stats {
        self.namespace.or_explain(self.virsh.stats())
    }

    /// The guest RAM as another process of the pod can open it: a file descriptor of qemu's.
    ///
    /// # Panics
    /// If the VM was not started with [`Ram::Memfd`].
    pub fn memfd(&self) -> PathBuf {
        let all = fs::read_dir(format!("/proc/{}/fd", self.qemu())).expect("qemu's descriptors");
        let is_ram = |path: &PathBuf| {
            let to = fs::read_link(path).unwrap_or_default();
            let size = fs::metadata(path).map(|file| file.size()).unwrap_or_default();
            to.to_string_lossy().starts_with("/memfd:") && size == RAM_MIB << 20
        };
        let mut found = all.map(|entry| entry.expect("a descriptor").path()).filter(is_ram);
        found.next().expect("a memfd of the size of the guest")
    }

    fn only(&self, comm: &str) -> u32 {
        let is = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == comm)
        };
        let found: Vec<_> = self.processes().into_iter().filter(is).collect();
        let [pid] = found[..] else { panic!("{comm} is {found:?}") };
        pid
    }
}
