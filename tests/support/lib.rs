//! What the tests of this workspace share: hosts to read, and processes to measure.
//!
//! * [`host::Host`]: a whole fake node in a temporary directory, unpacked from a capture of a real one or
//!   built in the test, in time steps;
//! * [`one_sample`]: the figures of such a host, and [`captures`] such hosts as saved captures;
//! * [`phases`]: the real node of the fixtures as captures, and [`examples`] those of `bench/examples`;
//! * [`fake_exporter`]: a server that answers what a test wants, such as what an exporter says of a host;
//! * [`fake_endpoint`]: one that behaves as badly as a test wants;
//! * [`ttar`]: the plain-text archives that fixtures are kept in;
//! * [`stand_in::StandIn`]: a live process of a known size, CPU use and name, [`python::Python`] one that shares
//!   memory, [`pod::Pod`] the cgroups of a pod to put them in, and a [`setting::Setting`] of the machine, put back after;
//! * [`libvirt::EdgeVm`]: the real libvirtd with a VM whose guest fills memory on demand;
//! * [`exporter::Exporter`]: the exporter, and what it serves as an [`exposition::Exposition`];
//! * [`prometheus::Prometheus`]: the real one, with promtool, [`relay::Relay`] before its targets and [`http`];
//! * [`dashboards`] and [`rules`]: those of `dashboards/`, [`promql`] their language, a [`fleet`] to draw, an
//!   [`edge_node`] with all that speaks of it, and [`pictures`] of what they show;
//! * [`sar::Scenario`]: readings in steps of a second, and what the real sar said of them;
//! * [`lockstep`]: the real sar and edgebench on those readings, second by second;
//! * [`scripted_api::ScriptedApi`]: a Kubernetes API server with the objects of a real one, which misbehaves on demand;
//! * [`golden`]: outputs kept in files, [`printed`], which reads a printed report back, and [`page`], which reads a page;
//! * [`browser::Browser`]: a headless Chromium to open it in;
//! * [`charts`]: those of `deploy/charts`, rendered by Helm's engine and held against Kubernetes' schemas;
//! * [`documented_commands`]: those on the pages of `deploy`, as bash reads them;
//! * [`binaries`]: where the programs under test are, [`workdir::Workdir`] a directory to run them in, and
//!   [`terminal::Terminal`] a terminal to run them on.
//!
//! The support code panics with a message where it can't do its work: it is only ever called by tests.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "test support")]

pub mod alone;
pub mod binaries;
pub mod browser;
pub mod captures;
pub mod charts;
pub mod dashboards;
pub mod documented_commands;
pub mod edge_cluster;
pub mod edge_node;
pub mod examples;
pub mod exporter;
pub mod exposition;
pub mod fake_endpoint;
pub mod fake_exporter;
pub mod fleet;
pub mod golden;
pub mod host;
pub mod http;
pub mod libvirt;
pub mod lockstep;
pub mod one_sample;
pub mod page;
pub mod phases;
pub mod pictures;
pub mod pod;
pub mod printed;
pub mod process;
pub mod prometheus;
pub mod promql;
pub mod python;
pub mod relay;
pub mod rules;
pub mod sar;
pub mod scripted_api;
pub mod setting;
pub mod stand_in;
pub mod terminal;
pub mod ttar;
pub mod workdir;

pub use host::Host;
pub use process::Process;
pub use stand_in::StandIn;
pub use terminal::Terminal;
pub use workdir::Workdir;
