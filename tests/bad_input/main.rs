//! Bad input gets a clear error that names the file and the line, exit code 2, and nothing lost or half
//! written; a signal and a closed pipe get a quiet end; a hostile name breaks nothing.
//!
//! The program is run as people run it. [`Workdir::refuses`](edgebench_tests::Workdir::refuses) is what
//! "a clear error" means here.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod arguments;
mod captures;
mod closed_pipes;
mod damage;
mod hostile_names;
mod interrupted;
mod procfs;
mod written_files;

use edgebench_tests::Host;

/// What every measurement of these tests is asked for: as short as it can be.
const SHORT: [&str; 5] = ["footprint", "--samples", "2", "--interval", "10ms"];

/// [`SHORT`], on `host`, with more arguments.
fn footprint<'a>(host: &'a Host, more: &[&'a str]) -> Vec<&'a str> {
    let procfs = host.proc.to_str().unwrap();
    [&SHORT[..], &["--procfs", procfs], more].concat()
}
