//! The dashboards and rules in `dashboards/` ask only for what the exporter has, say what they show, and keep the
//! rules of Grafana's own linter.
//!
//! What Prometheus makes of them is tested in `live_dashboards`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod expressions;
mod known;
mod lint;
mod panels;
mod rules;
mod used;
