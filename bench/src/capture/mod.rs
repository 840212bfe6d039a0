//! Captures: what was read of a node, in a file that can be compared, replayed and rendered again.
//!
//! A capture is JSON, one object a line, so that it can be written while it is taken and read in constant
//! memory: first the `header`, then a `reading` of the node for every sample, `before` (the CPU time of all
//! processes at the start), every `process` and `vm` as they were at the end, and `end`. A file without
//! `end` was cut short. A name that ends in `.gz` is compressed; reading looks at the content instead.
//!
//! A capture that was taken through an exporter has a `scrape` for every sample in place of `reading`, and a
//! `workload` (components and VMs) after the first of them and before `end`, in place of processes.
//!
//! Where the cluster was asked, what it says is one `cluster` before `end`.
//!
//! No command line is in a capture beyond the base name of `argv[0]`: they hold secrets.

mod read;
mod write;

pub use read::read;
pub use write::CaptureFile;

use std::path::{Path, PathBuf};

use edgebench_sampler::Clock;
use edgebench_sampler::host::Host;
use edgebench_sampler::node::NodeReading;
use edgebench_sampler::process::{CpuReading, Denied, ProcessSample};
use edgebench_sampler::vm_reading::VmReading;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cluster::ClusterRecord;
use crate::remote::scrape::{Exporter, NodeScrape, Workload};

/// Version of the format. A reader takes all up to [`NEWEST_SCHEMA`].
pub const SCHEMA: u32 = 1;
/// Version of the format of captures taken through an exporter, which the first version did not have.
pub const REMOTE_SCHEMA: u32 = 2;
/// Version of the format of captures that say what the cluster says.
pub const CLUSTER_SCHEMA: u32 = 3;
/// The newest there is.
pub const NEWEST_SCHEMA: u32 = CLUSTER_SCHEMA;

/// A line of a capture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Header(Box<Header>),
    /// A reading of the node; the first one is the start, the others are samples.
    Reading(Box<NodeReading>),
    /// CPU time of all processes at the start.
    Before(Vec<CpuReading>),
    /// A process at the end.
    Process(Box<ProcessSample>),
    /// A VM at the end.
    Vm(Box<VmReading>),
    /// The node as a scrape shows it; the first one is the start, the others are samples.
    Scrape(Box<NodeScrape>),
    /// What runs on the node: at the start, and once more at the end.
    Workload(Box<Workload>),
    /// What the cluster says, once, before `end`.
    Cluster(Box<ClusterRecord>),
    /// The last line.
    End(End),
}

/// Where, when and how a capture was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`], [`REMOTE_SCHEMA`] or [`CLUSTER_SCHEMA`].
    pub edgebench_capture: u32,
    /// Version of edgebench.
    pub version: String,
    /// Name of the side it belongs to: captures of one label are repeats of each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// Time between two readings, in milliseconds.
    pub interval_ms: u64,
    /// Samples asked for.
    pub samples: u64,
    /// Whether PSS was asked for.
    pub proportional: bool,
    /// User id of the process that read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// How to read the counters; absent where an exporter has read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// The machine.
    pub host: Host,
    /// The exporter it was taken through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exporter: Option<Exporter>,
}

/// How a capture ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Whether it was stopped before its last sample.
    #[serde(default)]
    pub interrupted: bool,
    /// Files that were denied, and for how many processes.
    #[serde(default)]
    pub denied: Denied,
    /// Readings in the file, to be held against what was found.
    pub readings: u64,
    /// Processes in the file.
    pub processes: u64,
    /// Lines in the file before this one: a `vm` or a `before` that is missing would not be missed else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
}

/// A capture that can't be read or written.
#[derive(Debug, Error)]
#[error("{}{}: {what}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct CaptureError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl CaptureError {
    fn new(path: &Path, line: Option<usize>, what: impl Into<String>) -> CaptureError {
        CaptureError { path: path.to_path_buf(), line, what: what.into() }
    }
}

/// Something that takes in the records of a capture as they come.
pub trait Sink {
    /// Takes the next record.
    ///
    /// # Errors
    /// Where it can't be kept, or does not belong here.
    fn record(&mut self, record: Record) -> Result<(), CaptureError>;
}
