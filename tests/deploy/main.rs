//! What `deploy/` says of itself, held against itself: values, their schema and their tables, and the commands of its
//! pages. Nothing here needs Helm or a cluster; `live_exporter_chart`, `live_vm_chart`, `live_experiment` and `live_image` do.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod commands;
mod exporter_chart;
mod permissions;
mod vm_chart;
