//! Parsers: from the bytes of one file to typed values.
//!
//! Every function here is pure: bytes in, a value or a [`Malformed`](crate::error::Malformed) out, no file
//! opened, no panic on any input. What the kernel adds in a later version is skipped; what a figure needs and
//! is not there is an error that names it, because a silent zero would be a wrong figure.

pub mod cgroup_cpu;
pub mod cgroup_memory;
pub mod host;
pub mod loadavg;
pub mod meminfo;
pub mod pid_cgroup;
pub mod pid_cmdline;
pub mod pid_io;
pub mod pid_schedstat;
pub mod pid_smaps;
pub mod pid_smaps_rollup;
pub mod pid_stat;
pub mod pid_statm;
pub mod pid_status;
pub mod pressure;
mod scan;
pub mod stat;
pub mod vmstat;
pub mod zoneinfo;
