//! A process of a fake host: every file of `/proc/PID`, from the few numbers a test cares about.
//!
//! The files agree with each other as the kernel's do: resident memory is the sum of its anonymous, file and
//! shared parts in `statm`, `status`, `stat` and `smaps_rollup`, nothing is shared with anyone (PSS = RSS)
//! unless the test says so, and one thread does all the work. Shapes are those of Linux 6.18.

mod kernel_text;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::ttar;

pub(crate) use kernel_text::with_kib;

/// A process of a fake host.
#[derive(Clone, Debug)]
pub struct Process {
    pid: u32,
    comm: Option<Vec<u8>>,
    exe: Option<Vec<u8>>,
    cmdline: Option<Vec<Vec<u8>>>,
    cgroup: String,
    state: char,
    parent: u32,
    kernel_thread: bool,
    start_ticks: u64,
    user_ticks: u64,
    system_ticks: u64,
    guest_ticks: u64,
    children_ticks: (u64, u64),
    waited_ns: u64,
    major_faults: u64,
    read_bytes: u64,
    written_bytes: u64,
    descriptors: usize,
    anon_kib: u64,
    file_kib: u64,
    shmem_kib: u64,
    swap_kib: u64,
    hugetlb_kib: u64,
    page_tables_kib: u64,
    pss_kib: Option<[u64; 3]>,
    threads: BTreeMap<u32, Thread>,
    files: BTreeMap<String, Option<Vec<u8>>>,
}

/// A thread of such a process, beside its first.
#[derive(Clone, Debug)]
struct Thread {
    comm: Vec<u8>,
    user_ticks: u64,
    system_ticks: u64,
    guest_ticks: u64,
}

impl Process {
    /// A process of one thread with no memory and no CPU time, outside any pod.
    pub fn new(pid: u32) -> Process {
        Process {
            pid,
            comm: None,
            exe: Some(b"/usr/bin/process".to_vec()),
            cmdline: None,
            cgroup: "0::/system.slice/process.service\n".into(),
            state: 'S',
            parent: 1,
            kernel_thread: false,
            start_ticks: 5000,
            user_ticks: 0,
            system_ticks: 0,
            guest_ticks: 0,
            children_ticks: (0, 0),
            waited_ns: 0,
            major_faults: 0,
            read_bytes: 0,
            written_bytes: 0,
            descriptors: 3,
            anon_kib: 0,
            file_kib: 0,
            shmem_kib: 0,
            swap_kib: 0,
            hugetlb_kib: 0,
            page_tables_kib: 0,
            pss_kib: None,
            threads: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// What `exe` points to. The name and the command line follow it unless they are set.
    pub fn exe(self, path: impl AsRef<[u8]>) -> Process {
        Process { exe: Some(path.as_ref().to_vec()), ..self }
    }

    /// `exe` can't be read, as for a process of another user.
    pub fn without_exe(self) -> Process {
        Process { exe: None, ..self }
    }

    /// The name in `stat`, `status` and `comm`: any bytes, the kernel keeps the first 15.
    pub fn comm(self, name: impl AsRef<[u8]>) -> Process {
        Process { comm: Some(name.as_ref().iter().copied().take(15).collect()), ..self }
    }

    /// The command line.
    pub fn cmdline<A: AsRef<[u8]>>(self, args: impl IntoIterator<Item = A>) -> Process {
        Process { cmdline: Some(args.into_iter().map(|arg| arg.as_ref().to_vec()).collect()), ..self }
    }

    /// The whole text of `cgroup`.
    pub fn cgroup(self, text: &str) -> Process {
        Process { cgroup: text.into(), ..self }
    }

    /// In this pod and container, cgroup v2 with the systemd driver of containerd.
    pub fn in_pod(self, pod_uid: &str, container: &str) -> Process {
        let pod = pod_uid.replace('-', "_");
        self.cgroup(&format!(
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod}.slice/cri-containerd-{container}.scope\n"
        ))
    }

    /// In this pod and container, cgroup v1 with the cgroupfs driver.
    pub fn in_pod_v1(self, pod_uid: &str, container: &str) -> Process {
        let path = format!("/kubepods/burstable/pod{pod_uid}/{container}");
        self.cgroup(&format!("3:memory:{path}\n2:cpu,cpuacct:{path}\n1:name=systemd:{path}\n0::{path}\n"))
    }

    /// The state letter.
    pub fn state(self, state: char) -> Process {
        Process { state, ..self }
    }

    /// The number of its parent.
    pub fn parent(self, pid: u32) -> Process {
        Process { parent: pid, ..self }
    }

    /// When it started, in ticks since boot.
    pub fn started_at(self, ticks: u64) -> Process {
        Process { start_ticks: ticks, ..self }
    }

    /// A thread of the kernel of this name: no memory, no `exe`, an empty command line, no `smaps_rollup`.
    pub fn kernel_thread(self, name: &str) -> Process {
        Process {
            kernel_thread: true,
            parent: 2,
            exe: None,
            cmdline: Some(Vec::new()),
            cgroup: "0::/\n".into(),
            descriptors: 0,
            ..self.comm(name)
        }
    }

    /// CPU time in user and kernel mode, in ticks, of all its threads and those that ended.
    pub fn cpu_ticks(self, user: u64, system: u64) -> Process {
        Process { user_ticks: user, system_ticks: system, ..self }
    }

    /// Time spent running a guest, in ticks: a part of user time.
    pub fn guest_ticks(self, guest: u64) -> Process {
        Process { guest_ticks: guest, ..self }
    }

    /// CPU time of its children that ended and that it waited for, in user and kernel mode, in ticks.
    pub fn children_ticks(self, user: u64, system: u64) -> Process {
        Process { children_ticks: (user, system), ..self }
    }

    /// Time spent waiting for a CPU.
    pub fn waited_ns(self, waited: u64) -> Process {
        Process { waited_ns: waited, ..self }
    }

    /// Page faults that had to read from disk.
    pub fn major_faults(self, faults: u64) -> Process {
        Process { major_faults: faults, ..self }
    }

    /// Bytes read from and written to disk.
    pub fn io_bytes(self, read: u64, written: u64) -> Process {
        Process { read_bytes: read, written_bytes: written, ..self }
    }

    /// How many descriptors it holds open.
    pub fn descriptors(self, count: usize) -> Process {
        Process { descriptors: count, ..self }
    }

    /// Resident anonymous memory.
    pub fn anon_kib(self, kib: u64) -> Process {
        Process { anon_kib: kib, ..self }
    }

    /// Resident pages of files: text, libraries.
    pub fn file_kib(self, kib: u64) -> Process {
        Process { file_kib: kib, ..self }
    }

    /// Resident shared memory: memfd, tmpfs, System V.
    pub fn shmem_kib(self, kib: u64) -> Process {
        Process { shmem_kib: kib, ..self }
    }

    /// Anonymous memory in swap.
    pub fn swap_kib(self, kib: u64) -> Process {
        Process { swap_kib: kib, ..self }
    }

    /// Private pages of hugetlbfs, which neither RSS nor PSS hold.
    pub fn hugetlb_kib(self, kib: u64) -> Process {
        Process { hugetlb_kib: kib, ..self }
    }

    /// Its page tables.
    pub fn page_tables_kib(self, kib: u64) -> Process {
        Process { page_tables_kib: kib, ..self }
    }

    /// Its proportional share where memory is shared: anonymous, of files, of shared memory.
    pub fn pss_kib(self, anon: u64, file: u64, shmem: u64) -> Process {
        Process { pss_kib: Some([anon, file, shmem]), ..self }
    }

    /// One more thread, with CPU time of its own (which the process' time must include).
    pub fn thread(
        mut self,
        tid: u32,
        comm: &str,
        user_ticks: u64,
        system_ticks: u64,
        guest_ticks: u64,
    ) -> Process {
        let comm = comm.bytes().take(15).collect();
        self.threads.insert(tid, Thread { comm, user_ticks, system_ticks, guest_ticks });
        self
    }

    /// The whole text of `statm`.
    pub fn statm(self, text: &str) -> Process {
        self.file("statm", text)
    }

    /// The whole text of `status`.
    pub fn status(self, text: &str) -> Process {
        self.file("status", text)
    }

    /// The whole text of `smaps_rollup`.
    pub fn rollup(self, text: &str) -> Process {
        self.file("smaps_rollup", text)
    }

    /// Any file of the process as it is to be, in the place of what would be generated.
    pub fn file(mut self, name: &str, content: impl AsRef<[u8]>) -> Process {
        self.files.insert(name.into(), Some(content.as_ref().to_vec()));
        self
    }

    /// A file that is not there.
    pub fn without(mut self, name: &str) -> Process {
        self.files.insert(name.into(), None);
        self
    }

    /// Writes its files into `dir`.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let mut files: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        for (name, content) in self.generated() {
            files.insert(name, Some(content));
        }
        files.extend(self.files.clone());
        for (name, content) in files {
            let path = dir.join(name);
            match content {
                Some(content) => {
                    fs::create_dir_all(path.parent().unwrap_or(dir))?;
                    ttar::replace(&path, &content)?;
                }
                None if path.exists() => fs::remove_file(&path)?,
                None => {}
            }
        }
        match &self.exe {
            Some(target) => ttar::link(OsStr::from_bytes(target), &dir.join("exe"))?,
            None if dir.join("exe").is_symlink() => fs::remove_file(dir.join("exe"))?,
            None => {}
        }
        let fd = dir.join("fd");
        if fd.exists() {
            fs::remove_dir_all(&fd)?;
        }
        fs::create_dir(&fd)?;
        (0..self.descriptors).try_for_each(|number| fs::write(fd.join(number.to_string()), ""))
    }
}
