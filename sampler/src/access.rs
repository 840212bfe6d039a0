//! What of a node can be read from here, as this user.
//!
//! The kernel asks differently for different files (`fs/proc/base.c`): `stat`, `statm`, `status` and `cgroup`
//! are for everybody unless procfs is mounted with `hidepid`; `smaps_rollup` and `exe` need ptrace access
//! (`CAP_SYS_PTRACE`, or the same user); `io` is mode 0400 besides, so another user's needs
//! `CAP_DAC_READ_SEARCH` too (tried: even uid 0 with `CAP_SYS_PTRACE` alone is refused).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::parse::pid_status;
use crate::process::Scratch;
use crate::procfs::{Buffer, ProcFs, ProcessFile};
use crate::units::Pid;

/// How many processes let a file be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readable {
    /// Processes that let it be read.
    pub allowed: u32,
    /// Processes that denied it.
    pub denied: u32,
}

/// What can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Real user id of this process.
    pub uid: Option<u32>,
    /// Its effective capabilities, as the kernel's bit mask.
    pub capabilities: Option<u64>,
    /// By file of a process, kernel threads left out.
    pub processes: BTreeMap<String, Readable>,
    /// By file of the node.
    pub node: BTreeMap<String, bool>,
}

/// Bit of `CAP_DAC_READ_SEARCH` (`include/uapi/linux/capability.h`).
pub const CAP_DAC_READ_SEARCH: u32 = 2;
/// Bit of `CAP_SYS_PTRACE`.
pub const CAP_SYS_PTRACE: u32 = 19;

impl Access {
    /// Whether this process has a capability.
    pub fn has(&self, capability: u32) -> bool {
        self.capabilities.is_some_and(|set| set & (1 << capability) != 0)
    }
}

impl ProcFs {
    /// Tries every file that a figure needs.
    ///
    /// # Errors
    /// Where `/proc` can't be listed.
    pub fn access(&self, scratch: &mut Scratch) -> Result<Access, ReadError> {
        let mut access = Access::default();
        let buffer = &mut scratch.buffer;
        if let Some(status) = self.own_status(buffer) {
            access.uid = Some(status.uid);
            access.capabilities = Some(status.effective_capabilities);
        }
        for name in [c"stat", c"meminfo", c"zoneinfo", c"vmstat", c"pressure/memory"] {
            access.node.insert(name.to_string_lossy().into_owned(), self.file(name, buffer).is_ok());
        }
        let mut pids = Vec::new();
        self.pids(&mut pids)?;
        for pid in pids {
            self.try_process(pid, &mut access, buffer);
        }
        Ok(access)
    }

    fn try_process(&self, pid: Pid, access: &mut Access, buffer: &mut Buffer) {
        let Ok(dir) = self.process(pid) else { return };
        // Kernel threads and zombies have no memory: what is not there can't be denied.
        match dir.read(ProcessFile::Status, buffer).ok().and_then(|text| pid_status::parse(text).ok()) {
            Some(status) if status.rss_anon.is_none() => return,
            _ => {}
        }
        let mut count = |name: &str, result: Result<(), ReadError>| {
            let readable = access.processes.entry(name.to_owned()).or_default();
            match result {
                Ok(()) => readable.allowed += 1,
                Err(error) if error.is_denied() => readable.denied += 1,
                Err(_) => {}
            }
        };
        for file in [ProcessFile::Stat, ProcessFile::Status, ProcessFile::Cgroup, ProcessFile::Io] {
            count(&file.name().to_string_lossy(), dir.read(file, buffer).map(drop));
        }
        count("exe", dir.exe().map(drop));
        // Whether it may be read is asked when it is opened; reading would walk the page tables.
        count("smaps_rollup", dir.may_open(ProcessFile::SmapsRollup));
    }

    fn own_status(&self, buffer: &mut Buffer) -> Option<pid_status::PidStatus> {
        let path = self.roots().proc.join("self/status");
        pid_status::parse(self.file_at(&path, buffer).ok()?).ok()
    }
}
