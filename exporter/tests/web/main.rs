//! The web server over real sockets, with clients that write raw bytes.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod client;
mod ending;
mod limits;
mod passwords;
mod requests;
mod rig;
mod tls;
