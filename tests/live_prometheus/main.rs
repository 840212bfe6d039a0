//! A real Prometheus scrapes the exporter, and its queries return what `/proc` says.
//!
//! Prometheus 2.42 asks for OpenMetrics first; the text format is had through a relay that changes what it asks
//! for (`tests/support/relay.rs`), and keeps what the exporter answers. They run one after the other:
//!
//! `cargo test -p edgebench-tests --test live_prometheus -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod minute;
mod protected;
