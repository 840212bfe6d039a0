//! What the exporter's readings say of a host that is known to the last tick.
//!
//! Each test is a host in time steps. A step of a built host keeps the files of a process that lives on and makes
//! new ones for a process that takes over a number, as the kernel does; what no plain file can do (a descriptor of a
//! process that ended answers `ESRCH`) is in the live tests.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod accounting;
mod broken_files;
mod discovery;
mod events;
mod hostile_names;
mod pods;
mod real_node;
mod reaped;
mod told;
mod vmis;
mod watch;
