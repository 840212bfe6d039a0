//! Processes that come and go faster than anybody looks: their CPU time is counted, once, and counting them costs
//! nothing that stays.
//!
//! Run these with `tests/run`, or alone as root:
//! `cargo test -p edgebench-tests --test live_churn -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod flood;
mod identity;
mod short_lives;
