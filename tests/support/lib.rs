//! What the tests of this workspace share: hosts to read, and processes to measure.
//!
//! * [`host::Host`]: a whole fake node in a temporary directory, unpacked from a capture of a real one or
//!   built in the test, in time steps;
//! * [`one_sample`]: the figures of such a host, and [`captures`] such hosts as saved captures;
//! * [`phases`]: the real node of the fixtures as captures, and [`examples`] those of `bench/examples`;
//! * [`ttar`]: the plain-text archives that fixtures are kept in;
//! * [`stand_in::StandIn`]: a live process of a known size, CPU use and name;
//! * [`sar::Scenario`]: readings in steps of a second, and what the real sar said of them;
//! * [`lockstep`]: the real sar and edgebench on those readings, second by second;
//! * [`golden`]: outputs kept in files, and [`printed`], which reads a printed report back;
//! * [`binaries`]: where the programs under test are, [`workdir::Workdir`] a directory to run them in, and
//!   [`terminal::Terminal`] a terminal to run them on.
//!
//! The support code panics with a message where it can't do its work: it is only ever called by tests.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "test support")]

pub mod binaries;
pub mod captures;
pub mod examples;
pub mod golden;
pub mod host;
pub mod lockstep;
pub mod one_sample;
pub mod phases;
pub mod printed;
pub mod process;
pub mod sar;
pub mod stand_in;
pub mod terminal;
pub mod ttar;
pub mod workdir;

pub use host::Host;
pub use process::Process;
pub use stand_in::StandIn;
pub use terminal::Terminal;
pub use workdir::Workdir;
