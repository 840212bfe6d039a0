//! One pass over the processes of a node.
//!
//! A pid is reused by the kernel, a pid with its start time is not (`/proc/PID/stat` field 22 counts
//! ticks since boot), so [`ProcessId`] is the only key. There are two passes: the light one reads `stat`
//! alone, for the CPU time at the start of a run; the full one reads what a process is and what it holds.
//! A full pass reads through the descriptor of the process' directory, which can't lead to a successor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::component;
use crate::error::{Malformed, ReadError, Reason};
use crate::parse::pid_cgroup::{self, Membership};
use crate::parse::pid_cmdline::{arguments, basename};
use crate::parse::pid_smaps_rollup::SmapsRollup;
use crate::parse::pid_stat::PidStat;
use crate::parse::{pid_stat, pid_statm, pid_status};
use crate::procfs::{Buffer, ProcFs, ProcessDir, ProcessFile};
use crate::units::{Bytes, Pid, StartTicks, Ticks};
use crate::vm::{self, VmArguments};

/// A process, and never its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its number.
    pub pid: Pid,
    /// When it started.
    pub start: StartTicks,
}

/// CPU time of a process since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessCpu {
    /// utime, guest time inside.
    pub user: Ticks,
    /// stime
    pub system: Ticks,
    /// guest_time: what a hypervisor's vCPU threads ran as guest.
    pub guest: Ticks,
    /// cutime + cstime: of children that ended and were waited for.
    pub children: Ticks,
}

impl ProcessCpu {
    /// What `stat` says.
    pub fn of(stat: &PidStat<'_>) -> ProcessCpu {
        ProcessCpu {
            user: stat.user,
            system: stat.system,
            guest: stat.guest,
            children: stat.children_user + stat.children_system,
        }
    }

    /// What the process itself used: utime + stime, as `top` and `pidstat` count.
    pub fn own(&self) -> Ticks {
        self.user + self.system
    }
}

/// A process in a light pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuReading {
    /// Which.
    pub id: ProcessId,
    /// Its CPU time so far.
    pub cpu: ProcessCpu,
}

/// What a process is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessNames {
    /// `comm`: at most 15 bytes, set by the process as it likes. Bytes that are no UTF-8 are replaced.
    pub comm: String,
    /// Base name of what `exe` points to, where it may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Base name of `argv[0]`, where it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv0: Option<String>,
}

/// Memory of a process that has any of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// RES of `top`: field 2 of `statm`.
    pub resident: Bytes,
    /// RssAnon
    pub anonymous: Bytes,
    /// RssFile
    pub file: Bytes,
    /// RssShmem
    pub shared: Bytes,
    /// VmPTE: its page tables.
    pub page_tables: Bytes,
    /// VmSwap
    pub swap: Bytes,
    /// HugetlbPages: outside of RES and of PSS.
    pub hugetlb: Bytes,
    /// `smaps_rollup`, where it was read.
    pub proportional: Proportional,
}

/// Whether `smaps_rollup` was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proportional {
    /// Nobody asked, or the process is too small to be worth the walk.
    #[default]
    NotRead,
    /// It needs `PTRACE_MODE_READ` (root, `CAP_SYS_PTRACE`, or the same user).
    Denied,
    /// As read, with the process' share of hugetlb pages (which Pss leaves out).
    Read {
        /// The file.
        rollup: SmapsRollup,
        /// Private_Hugetlb + Shared_Hugetlb / mappers.
        hugetlb: Bytes,
    },
}

impl ProcessMemory {
    /// PSS with the share of hugetlb pages.
    pub fn pss(&self) -> Option<Bytes> {
        match &self.proportional {
            Proportional::Read { rollup, hugetlb } => Some(rollup.pss + *hugetlb),
            _ => None,
        }
    }
}

/// A process in a full pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSample {
    /// Which.
    pub id: ProcessId,
    /// Its parent's number.
    pub parent: Pid,
    /// Whether it is a thread of the kernel.
    #[serde(default, skip_serializing_if = "is_false")]
    pub kernel_thread: bool,
    /// What it is called.
    pub names: ProcessNames,
    /// The pod and the container it runs in.
    #[serde(flatten)]
    pub membership: Membership,
    /// What its command line says of a VM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm: Option<Box<VmArguments>>,
    /// Its CPU time so far.
    pub cpu: ProcessCpu,
    /// Its threads.
    pub threads: u32,
    /// Its memory; absent for a thread of the kernel and for a zombie, which have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ProcessMemory>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What could not be read, by file: how many processes denied it.
pub type Denied = BTreeMap<String, u32>;

/// A full pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessPass {
    /// All processes that were there, by pid.
    pub processes: Vec<ProcessSample>,
    /// Files that were denied.
    pub denied: Denied,
}

/// Command lines of launchers and emulators are read up to here; a qemu with many disks has tens of KiB.
const LONGEST_VM_COMMAND: usize = 128 << 10;
/// Of every other process only `argv[0]` is wanted.
const LONGEST_ARGV0: usize = 4 << 10;

/// Room that the passes share.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The file being read.
    pub buffer: Buffer,
    pids: Vec<Pid>,
}

impl ProcFs {
    /// Reads the CPU time of every process: one file each.
    ///
    /// # Errors
    /// Where `/proc` can't be listed or a `stat` is malformed. Processes that end meanwhile are left out.
    pub fn cpu_pass(&self, scratch: &mut Scratch) -> Result<Vec<CpuReading>, ReadError> {
        self.pids(&mut scratch.pids)?;
        let mut readings = Vec::with_capacity(scratch.pids.len());
        for &pid in &scratch.pids {
            let text = match self.stat(pid, &mut scratch.buffer) {
                Ok(text) => text,
                Err(error) if error.is_vanished() || error.is_denied() => continue,
                Err(error) => return Err(error),
            };
            let stat = pid_stat::parse(text).map_err(|error| {
                let path = self.roots().proc.join(format!("{pid}/stat"));
                ReadError::new(path, Reason::Malformed(error))
            })?;
            readings
                .push(CpuReading { id: ProcessId { pid, start: stat.start }, cpu: ProcessCpu::of(&stat) });
        }
        readings.sort_unstable_by_key(|reading| reading.id);
        Ok(readings)
    }

    /// Reads what every process is and holds, but not `smaps_rollup`: see [`crate::proportional`].
    ///
    /// # Errors
    /// Where `/proc` can't be listed or a file is malformed. Processes that end meanwhile are left out;
    /// what is denied is counted.
    pub fn process_pass(&self, scratch: &mut Scratch) -> Result<ProcessPass, ReadError> {
        self.pids(&mut scratch.pids)?;
        let mut pass = ProcessPass::default();
        pass.processes.reserve(scratch.pids.len());
        for &pid in &scratch.pids {
            match self.process(pid).and_then(|dir| read(self, &dir, &mut scratch.buffer, &mut pass.denied)) {
                Ok(process) => pass.processes.push(process),
                Err(error) if error.is_vanished() => {}
                Err(error) if error.is_denied() => *pass.denied.entry("stat".into()).or_default() += 1,
                Err(error) => return Err(error),
            }
        }
        pass.processes.sort_unstable_by_key(|process| process.id);
        Ok(pass)
    }

    /// Reads what one process is and holds, but not `smaps_rollup`.
    ///
    /// # Errors
    /// `Vanished` where it ended; where a file is malformed.
    pub fn sample(
        &self,
        process: &ProcessDir<'_>,
        buffer: &mut Buffer,
        denied: &mut Denied,
    ) -> Result<ProcessSample, ReadError> {
        read(self, process, buffer, denied)
    }

    /// Opens the directory of the process that is `id`, not of one that has its number by now.
    ///
    /// # Errors
    /// `Vanished` where it ended, even if the number is in use again.
    pub fn process_that_is(&self, id: ProcessId, buffer: &mut Buffer) -> Result<ProcessDir<'_>, ReadError> {
        let dir = self.process(id.pid)?;
        let text = dir.read(ProcessFile::Stat, buffer)?;
        let stat = pid_stat::parse(text).map_err(|error| malformed(&dir, ProcessFile::Stat, error))?;
        if stat.start == id.start {
            Ok(dir)
        } else {
            Err(ReadError::new(dir.path(c"stat"), Reason::Vanished))
        }
    }
}

pub(crate) fn malformed(dir: &ProcessDir<'_>, file: ProcessFile, error: Malformed) -> ReadError {
    ReadError::new(dir.path(file.name()), Reason::Malformed(error))
}

fn read(
    procfs: &ProcFs,
    dir: &ProcessDir<'_>,
    buffer: &mut Buffer,
    denied: &mut Denied,
) -> Result<ProcessSample, ReadError> {
    let text = dir.read(ProcessFile::Stat, buffer)?;
    let stat = pid_stat::parse(text).map_err(|error| malformed(dir, ProcessFile::Stat, error))?;
    let mut process = ProcessSample {
        id: ProcessId { pid: dir.pid(), start: stat.start },
        parent: stat.parent,
        kernel_thread: stat.is_kernel_thread(),
        names: ProcessNames { comm: String::from_utf8_lossy(stat.comm).into_owned(), exe: None, argv0: None },
        membership: Membership::default(),
        vm: None,
        cpu: ProcessCpu::of(&stat),
        threads: stat.threads,
        memory: None,
    };
    if process.kernel_thread {
        // Before Linux 6.4 vhost's workers, and KVM's helpers still, are kernel threads in the cgroup of the
        // qemu they work for (`cgroup_attach_task_all`).
        if process.names.comm.starts_with("vhost-") || process.names.comm.starts_with("kvm-") {
            process.membership = pid_cgroup::parse(dir.read(ProcessFile::Cgroup, buffer)?);
        }
        return Ok(process);
    }
    let comm_is_known = component::by_comm(stat.comm).is_some();
    process.memory = memory(procfs, dir, buffer)?;
    process.membership = pid_cgroup::parse(dir.read(ProcessFile::Cgroup, buffer)?);
    let exe = match dir.exe() {
        Ok(target) => Some(target),
        Err(error) if error.is_denied() => {
            *denied.entry("exe".into()).or_default() += 1;
            None
        }
        // A zombie has no exe any more.
        Err(error) if error.is_vanished() => None,
        Err(error) => return Err(error),
    };
    let binary = exe.as_deref().map(basename);
    process.names.exe = binary.map(|name| String::from_utf8_lossy(name).into_owned());
    let by_exe = binary.and_then(component::by_binary);
    // argv[0] decides only where exe does not; the rest of the line matters for what runs a VM.
    if by_exe.is_none_or(|row| row.stack.is_tracked()) || comm_is_known {
        let names_vm = |name: &[u8]| name.starts_with(b"virt-launcher") || name.starts_with(b"qemu-");
        let whole = binary.is_none_or(names_vm) || process.names.comm.starts_with("qemu-");
        let limit = if whole { LONGEST_VM_COMMAND } else { LONGEST_ARGV0 };
        let line = dir.command_line(limit, buffer)?;
        let argv0 = arguments(line).next().map(basename).unwrap_or_default();
        if !argv0.is_empty() {
            process.names.argv0 = Some(String::from_utf8_lossy(argv0).into_owned());
        }
        process.vm = match by_exe.or_else(|| component::by_binary(argv0)).map(|row| row.name) {
            Some("virt-launcher" | "virt-launcher-monitor") => vm::of_launcher(arguments(line)),
            Some("qemu-kvm") => vm::of_qemu(arguments(line)),
            _ => None,
        }
        .map(Box::new);
    }
    Ok(process)
}

/// RES from `statm`, its kinds from `status`. A zombie and a process that is just ending have none.
fn memory(
    procfs: &ProcFs,
    dir: &ProcessDir<'_>,
    buffer: &mut Buffer,
) -> Result<Option<ProcessMemory>, ReadError> {
    let statm = pid_statm::parse(dir.read(ProcessFile::Statm, buffer)?)
        .map_err(|error| malformed(dir, ProcessFile::Statm, error))?;
    let status = pid_status::parse(dir.read(ProcessFile::Status, buffer)?)
        .map_err(|error| malformed(dir, ProcessFile::Status, error))?;
    if statm.resident.0 == 0 && status.rss_anon.is_none() {
        return Ok(None);
    }
    let page = procfs.clock().page_size;
    Ok(Some(ProcessMemory {
        resident: Bytes::from_pages(statm.resident, page),
        // Kernels before 4.5 do not split what is resident: what is not file-backed is anonymous.
        anonymous: status.rss_anon.unwrap_or_else(|| {
            Bytes::from_pages(statm.resident, page).saturating_sub(Bytes::from_pages(statm.shared, page))
        }),
        file: status.rss_file.unwrap_or_default(),
        shared: status.rss_shmem.unwrap_or_default(),
        page_tables: status.page_tables.unwrap_or_default(),
        swap: status.swap.unwrap_or_default(),
        hugetlb: status.hugetlb.unwrap_or_default(),
        proportional: Proportional::NotRead,
    }))
}
