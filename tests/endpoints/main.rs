//! The components' endpoints and the guests' targets, asked as the exporter asks them, by peers that behave well and by
//! such as don't.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod authority;
mod believing;
mod guests;
mod misbehaving;
mod rig;
mod saying;
