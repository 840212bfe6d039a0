//! What a real Prometheus makes of the dashboards and rules: promtool's unit tests, every query of every panel over
//! scrapes of a real exporter, and Fleet over the series of a day.
//!
//! They need root (pods are cgroups), and run one after the other:
//!
//! `cargo test -p edgebench-tests --test live_dashboards -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod fleet;
mod panels;
mod rules;
mod told;
