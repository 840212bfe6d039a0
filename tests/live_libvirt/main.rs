//! A real libvirtd with a real VM, as the sampler and the exporter see it: which process is what, what of it is
//! the guest, and the same figures as virsh says them.
//!
//! The guest fills memory as it is told, so what the host has to find is known. Each test starts a libvirtd of
//! its own (`tests/support/libvirt.rs`), which takes ten seconds. They need root, and run one after the other:
//!
//! `cargo test -p edgebench-tests --test live_libvirt -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod ends;
mod exported;
mod host;
mod huge_pages;
mod memfd;
mod pod;
mod reading;

use edgebench_sampler::Bytes;
use edgebench_tests::libvirt::RAM_MIB;

/// The guest's memory, as its owner asked for it.
const RAM: Bytes = Bytes(RAM_MIB << 20);

/// The guest's own account of a fill is exact; its kernel takes a little more for its file system.
fn assert_grown_by(grown: Bytes, mib: u64) {
    let wanted = (mib << 20) as f64;
    let off = (grown.0 as f64 - wanted) / wanted;
    assert!(off.abs() <= 0.02, "{} KiB more after {mib} MiB: {:.2} % off", grown.kib(), 100.0 * off);
}

/// An idle guest's kernel takes a page now and then, and so does its emulator.
fn assert_near(found: Bytes, wanted: Bytes, what: &str) {
    let off = found.minus(wanted).0.unsigned_abs();
    assert!(off < 1 << 20, "{what}: {} KiB, wanted {} KiB", found.kib(), wanted.kib());
}
