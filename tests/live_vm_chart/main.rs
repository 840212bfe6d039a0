//! The chart iot-edge-vm: its objects, what it refuses, and what the guest is told to do, which is done here in a copy
//! of this machine's file system.
//!
//! `cargo test -p edgebench-tests --test live_vm_chart -- --ignored --test-threads=1`, as root, with Debian's
//! `cloud-init`, `shellcheck`, `systemd` and `gnupg`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod bad_input;
mod defects;
mod guest;
mod objects;
mod scripts;
mod sets;
