//! What machine this is: the facts that a figure depends on.
//!
//! Everything here is a file: `/proc/cpuinfo`, `/proc/sys/kernel`, `/sys/kernel/mm`, DMI (x86 and servers;
//! a device tree's model elsewhere) and `os-release`. What is not there is absent, not guessed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::parse::host::{bracketed, cpu_model, os_pretty_name, swap_areas};
use crate::pod_cgroup::CgroupVersion;
use crate::procfs::{Buffer, ProcFs};

/// A machine and how its kernel is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// Name of the node: `kernel.hostname`.
    pub hostname: Option<String>,
    /// `model name` of the first CPU.
    pub cpu_model: Option<String>,
    /// Product name by DMI, or the device tree's model.
    pub machine: Option<String>,
    /// `PRETTY_NAME` of os-release.
    pub os: Option<String>,
    /// `kernel.osrelease`.
    pub kernel: Option<String>,
    /// Boots have an id each: two captures of one id were taken without a reboot in between.
    pub boot_id: Option<String>,
    /// Number of swap areas (`/proc/swaps`).
    pub swap_areas: Option<usize>,
    /// Transparent hugepages: `always`, `madvise` or `never`.
    pub transparent_hugepages: Option<String>,
    /// Kernel samepage merging: whether it runs.
    pub samepage_merging: Option<bool>,
    /// Pages that KSM saves now (`pages_sharing`).
    pub samepages_shared: Option<u64>,
    /// cgroup version of the memory controller.
    pub cgroup: Option<CgroupVersion>,
    /// Whether `/proc/pressure` answers.
    pub pressure: bool,
}

impl ProcFs {
    /// Reads the facts; what can't be read is absent.
    pub fn host(&self, buffer: &mut Buffer) -> Host {
        let sys = &self.roots().sys;
        let ksm = sys.join("kernel/mm/ksm");
        Host {
            hostname: self.line(&self.roots().proc.join("sys/kernel/hostname"), buffer),
            cpu_model: self.file(c"cpuinfo", buffer).ok().and_then(cpu_model),
            machine: ["class/dmi/id/product_name", "firmware/devicetree/base/model"]
                .iter()
                .find_map(|name| self.line(&sys.join(name), buffer)),
            os: self.file_at(&self.roots().etc.join("os-release"), buffer).ok().and_then(os_pretty_name),
            kernel: self
                .line(&self.roots().proc.join("sys/kernel/osrelease"), buffer)
                .or_else(|| self.kernel_of_version(buffer)),
            boot_id: self.line(&self.roots().proc.join("sys/kernel/random/boot_id"), buffer),
            swap_areas: self.file(c"swaps", buffer).ok().map(swap_areas),
            transparent_hugepages: self
                .file_at(&sys.join("kernel/mm/transparent_hugepage/enabled"), buffer)
                .ok()
                .and_then(bracketed),
            samepage_merging: self.line(&ksm.join("run"), buffer).map(|run| run == "1"),
            samepages_shared: self.line(&ksm.join("pages_sharing"), buffer).and_then(|n| n.parse().ok()),
            cgroup: self.cgroup_version(),
            pressure: self.file(c"pressure/memory", buffer).is_ok(),
        }
    }

    /// The first line of a file, trimmed; nothing where the file is missing or empty. A device tree's
    /// strings end in NUL.
    fn line(&self, path: &Path, buffer: &mut Buffer) -> Option<String> {
        let text = String::from_utf8_lossy(self.file_at(path, buffer).ok()?);
        let line = text.lines().next()?.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// `Linux version 6.18.44 (…`: the third word.
    fn kernel_of_version(&self, buffer: &mut Buffer) -> Option<String> {
        let text = String::from_utf8_lossy(self.file(c"version", buffer).ok()?);
        text.split_whitespace().nth(2).map(str::to_owned)
    }
}
