//! What the tests of this workspace share: hosts to read, and processes to measure.
//!
//! * [`host::Host`]: a whole fake node in a temporary directory, unpacked from a capture of a real one or
//!   built in the test, in time steps;
//! * [`ttar`]: the plain-text archives those captures are kept in;
//! * [`stand_in::StandIn`]: a live process of a known size, CPU use and name;
//! * [`binaries`]: where the programs under test are.
//!
//! The support code panics with a message where it can't do its work: it is only ever called by tests.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "test support")]

pub mod binaries;
pub mod host;
pub mod process;
pub mod stand_in;
pub mod ttar;

pub use host::Host;
pub use process::Process;
pub use stand_in::StandIn;
