//! What the exporter is given beyond what everybody may read, and what is lost without it.
//!
//! Which files ask for what is `fs/proc/base.c`: `smaps`, `smaps_rollup` and `exe` want ptrace access (`CAP_SYS_PTRACE`
//! for another process' user or for one with more capabilities), and so does `io`, which is mode 0400 besides, so that
//! another user's takes `CAP_DAC_READ_SEARCH` too: root's rights over files went with its capabilities. `fd` is mode
//! 0500; since Linux 6.2 its size, which everybody may ask for, is the number of open files.
//!
//! This is the one place that says so in words: `edgebench doctor`, the chart's README and its notes repeat it, and
//! `tests/live_permissions` takes each one away from a real exporter.

/// Something that an operator grants or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// A capability without `CAP_`, or the directory of the node that is mounted.
    pub name: &'static str,
    /// What is lost without it.
    pub lost: &'static str,
    /// Families that are absent then; one that ends in `*` stands for all that begin so.
    pub families: &'static [&'static str],
    /// Of whose processes; VMs' families are absent where it is their pod's.
    pub whose: Whose,
    /// The value of the chart that grants it.
    pub value: &'static str,
}

/// Whose processes a loss concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    All,
    /// Those of other users than root.
    OtherUsers,
}

impl Whose {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Whose::All => "all",
            Whose::OtherUsers => "other users than root",
        }
    }
}

/// The node's `/proc`.
pub static PROC: Permission = Permission {
    name: "/proc",
    lost: "every process of the node: components, VMs and all that they hold and use; the node's own CPU, memory and \
           pressure stay",
    families: &["edgebench_component_*", "edgebench_vmi_*"],
    whose: Whose::All,
    value: "hostMounts.proc=true",
};

/// The node's cgroups.
pub static CGROUP: Permission = Permission {
    name: "/sys/fs/cgroup",
    lost: "working set, memory limit and OOM kills of VM pods; CPU time of processes in pods that came and went unseen",
    families: &[
        "edgebench_vmi_pod_working_set_bytes",
        "edgebench_vmi_pod_memory_limit_bytes",
        "edgebench_vmi_pod_oom_kills_total",
    ],
    whose: Whose::All,
    value: "hostMounts.cgroup=true",
};

/// `CAP_SYS_PTRACE`
pub static SYS_PTRACE: Permission = Permission {
    name: "SYS_PTRACE",
    lost: "PSS, guest RAM and VM overhead; bytes read and written; names of processes that can't be forged (exe)",
    families: &[
        "edgebench_component_proportional_*",
        "edgebench_component_read_bytes_total",
        "edgebench_component_written_bytes_total",
        "edgebench_vmi_component_proportional_memory_bytes",
        "edgebench_vmi_guest_memory_age_seconds",
        "edgebench_vmi_guest_memory_proportional_bytes",
        "edgebench_vmi_guest_memory_resident_bytes",
        "edgebench_vmi_memory_overhead_bytes",
        "edgebench_vmi_pod_proportional_memory_bytes",
    ],
    whose: Whose::All,
    value: "profile=standard",
};

/// `CAP_DAC_READ_SEARCH`
pub static DAC_READ_SEARCH: Permission = Permission {
    name: "DAC_READ_SEARCH",
    lost: "bytes read and written by processes that are not root's, qemu among them; up to Linux 6.1 their open files",
    families: &["edgebench_component_read_bytes_total", "edgebench_component_written_bytes_total"],
    whose: Whose::OtherUsers,
    value: "profile=full",
};

/// All of them, the one that most is lost without first.
pub static ALL: [&Permission; 4] = [&PROC, &CGROUP, &SYS_PTRACE, &DAC_READ_SEARCH];

#[cfg(all(test, feature = "serve"))]
mod tests {
    use super::*;
    use crate::families::table;

    #[test]
    fn every_family_that_is_named_is_in_the_table() {
        for permission in ALL {
            for name in permission.families {
                let begins = name.strip_suffix('*');
                let is_meant =
                    |family: &str| begins.map_or(family == *name, |begin| family.starts_with(begin));
                assert!(table::all().any(|family| is_meant(family.name)), "{}: {name}", permission.name);
            }
        }
    }
}
