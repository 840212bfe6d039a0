//! Memory on the live machine: figures known beforehand, by what a process was told to hold, and the same
//! figures as `top`, `smem` and the kernel say them.
//!
//! Each test starts processes of a known size, runs the program people run, and reads what it printed and
//! what it saved. Some change a setting of the machine (hugepages, swap, kernel same-page merging): a guard
//! puts it back, whatever happens. They need root, and run one after the other:
//!
//! `cargo test -p edgebench-tests --test live_memory -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod forked;
mod guest_ram;
mod huge_pages;
mod measured;
mod merged;
mod peers;
mod resident;
mod shared_memory;
mod swap_file;
mod swapped;
mod unprivileged;
mod vanishing;

/// A size in KiB.
const MIB: u64 = 1024;
