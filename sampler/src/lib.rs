//! What a Linux node says about itself under `/proc` and `/sys`, as plain data.
//!
//! How a figure travels through this crate:
//!
//! ```text
//! ProcFs ──► parse::* ──► NodeReading, ProcessSample ──► classify ──► footprints
//! (the only     (pure functions        (plain data)         (component, stack, VM)
//!  opener of     of bytes)
//!  files)
//! ```
//!
//! * [`procfs`] opens files below an injectable root and reads them into one buffer;
//! * [`parse`] turns the bytes of one kernel file into unit-typed structs;
//! * [`node`] and [`process`] gather a node reading and a pass over the processes;
//! * [`component`], [`classify`] and [`vm`] say what a process is for;
//! * [`sysstat`], [`explain`], [`guest`] and [`interval`] are the maths: pure functions of that data;
//! * [`ledger`] keeps totals that never decrease, for whoever runs longer than the processes do.
//!
//! There is no clock in here: whoever takes a reading says when it was taken.

#![forbid(unsafe_code)]

pub mod access;
pub mod classify;
pub mod component;
pub mod error;
pub mod explain;
pub mod guest;
pub mod host;
pub mod interval;
pub mod ledger;
pub mod mappings;
pub mod node;
pub mod parse;
pub mod pod_cgroup;
pub mod process;
pub mod procfs;
pub mod proportional;
pub mod sysstat;
pub mod thread;
pub mod units;
pub mod vm;
pub mod vm_reading;

pub use error::{Malformed, ReadError, Reason};
pub use procfs::{ProcFs, Roots};
pub use units::{Bytes, BytesDelta, Clock, Nanos, Pages, Pid, StartTicks, Ticks};
