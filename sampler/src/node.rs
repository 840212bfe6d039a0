//! One reading of the node: what the kernel counts for the machine as a whole.
//!
//! `/proc/stat` and `/proc/meminfo` are enough for what `sar` says. `/proc/zoneinfo` adds the pages in
//! per-CPU free lists, which `MemFree` does not hold (`mm/page_alloc.c`: freed pages wait in pagesets), and
//! which `RAM used` therefore counts. Pressure, load and paging are there where the kernel has them.

use serde::{Deserialize, Serialize};

use crate::error::{ReadError, Reason};
use crate::parse::loadavg::LoadAvg;
use crate::parse::meminfo::MemInfo;
use crate::parse::pressure::Pressure;
use crate::parse::stat::Stat;
use crate::parse::vmstat::VmStat;
use crate::parse::{loadavg, meminfo, pressure, stat, vmstat, zoneinfo};
use crate::procfs::{Buffer, ProcFs};
use crate::units::Pages;

/// What was read of the node in one pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReading {
    /// When, in nanoseconds since the first reading of its series: by whoever took it.
    pub at: u64,
    /// `/proc/stat`
    pub stat: Stat,
    /// `/proc/meminfo`
    pub memory: MemInfo,
    /// Pages in per-CPU free lists (`/proc/zoneinfo`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_cpu_free: Option<Pages>,
    /// `/proc/vmstat`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<VmStat>,
    /// `/proc/loadavg`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadAvg>,
    /// `/proc/pressure`
    #[serde(default)]
    pub pressure: PressureReading,
}

/// Pressure stall information, Linux ≥ 4.20 with `CONFIG_PSI`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PressureReading {
    /// `/proc/pressure/cpu`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Pressure>,
    /// `/proc/pressure/memory`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Pressure>,
    /// `/proc/pressure/io`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io: Option<Pressure>,
}

impl ProcFs {
    /// Takes a reading of the node; `at` is the caller's clock, in nanoseconds since its first reading.
    ///
    /// # Errors
    /// `stat` and `meminfo` must be readable and sound. The other files may be missing or denied (a
    /// container, an old kernel) but not malformed.
    pub fn node_reading(&self, at: u64, buffer: &mut Buffer) -> Result<NodeReading, ReadError> {
        let stat = stat::parse(self.file(c"stat", buffer)?).map_err(|e| self.malformed(c"stat", e))?;
        let memory =
            meminfo::parse(self.file(c"meminfo", buffer)?).map_err(|e| self.malformed(c"meminfo", e))?;
        let zones = self.optional(c"zoneinfo", buffer, zoneinfo::parse)?;
        Ok(NodeReading {
            at,
            stat,
            memory,
            per_cpu_free: zones.map(|zones| zones.pcp),
            paging: self.optional(c"vmstat", buffer, vmstat::parse)?,
            load: self.optional(c"loadavg", buffer, loadavg::parse)?,
            pressure: PressureReading {
                cpu: self.optional(c"pressure/cpu", buffer, pressure::parse)?,
                memory: self.optional(c"pressure/memory", buffer, pressure::parse)?,
                io: self.optional(c"pressure/io", buffer, pressure::parse)?,
            },
        })
    }

    /// A file that need not be there. PSI that is compiled in but switched off answers `EOPNOTSUPP`.
    fn optional<T>(
        &self,
        name: &std::ffi::CStr,
        buffer: &mut Buffer,
        parse: fn(&[u8]) -> Result<T, crate::Malformed>,
    ) -> Result<Option<T>, ReadError> {
        match self.file(name, buffer) {
            Ok(text) => parse(text).map(Some).map_err(|e| self.malformed(name, e)),
            Err(ReadError { reason: Reason::Vanished | Reason::Denied | Reason::Io(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn malformed(&self, name: &std::ffi::CStr, error: crate::Malformed) -> ReadError {
        ReadError::new(self.path(name), Reason::Malformed(error))
    }
}
