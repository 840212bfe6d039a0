//! The one table of metric families: the exposition, the `Collector`, `METRICS.md`, and the check that
//! dashboards and rules use only what exists are made from it.
//!
//! Names follow Prometheus' rules (prometheus.io/docs/practices/naming): base units, `_total` on counters,
//! no label that collides with a target label (`pod`, `job`, `instance`, `container`).

pub mod collectors;
pub mod component;
mod emit;
pub mod endpoint;
pub mod guest;
pub mod kubernetes;
pub mod node;
pub mod own;
pub mod reference;
mod registered;
pub mod stats;
pub mod table;
pub mod vmi;
pub mod web;

use edgebench_sampler::{Bytes, BytesDelta, Nanos};

pub use emit::{Sink, emit};
pub use registered::{Registered, emit_registered, undeclared};

/// A metric family.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name as in the text format 0.0.4; OpenMetrics takes `_total` off in the metadata.
    pub name: &'static str,
    /// One sentence: what it counts, and from where.
    pub help: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Names of its labels, in the order of the values.
    pub labels: &'static [&'static str],
    /// The step that gives it: `--no-collector.NAME` takes it away.
    pub collector: &'static str,
}

impl Family {
    /// A family of gauges.
    const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        collector: &'static str,
        help: &'static str,
    ) -> Family {
        Family { name, help, kind: Kind::Gauge, labels, collector }
    }

    /// A family of counters.
    const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        collector: &'static str,
        help: &'static str,
    ) -> Family {
        Family { name, help, kind: Kind::Counter, labels, collector }
    }

    /// A family whose labels say something.
    const fn info(
        name: &'static str,
        labels: &'static [&'static str],
        collector: &'static str,
        help: &'static str,
    ) -> Family {
        Family { name, help, kind: Kind::Info, labels, collector }
    }

    /// Its name in the metadata of OpenMetrics, where `_total` and `_info` belong to the sample.
    pub fn open_metrics_name(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Gauge => return self.name,
            Kind::Counter => "_total",
            Kind::Info => "_info",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// The unit that the name ends in.
    pub fn unit(&self) -> Option<&'static str> {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        ["seconds", "bytes", "ratio"].into_iter().find(|unit| name.ends_with(unit))
    }
}

/// The kind of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Never decreases while the exporter runs.
    Counter,
    /// Always 1: its labels say something.
    Info,
}

/// A value as it is kept: it becomes text without a detour over floating point where it can.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A count, or an amount of bytes.
    Count(u64),
    /// A difference of bytes.
    Signed(i64),
    /// Seconds.
    Seconds(Nanos),
    /// Anything else.
    Real(f64),
}

impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value::Count(count)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Value {
        Value::Count(bytes.0)
    }
}

impl From<BytesDelta> for Value {
    fn from(bytes: BytesDelta) -> Value {
        Value::Signed(bytes.0)
    }
}

impl From<Nanos> for Value {
    fn from(time: Nanos) -> Value {
        Value::Seconds(time)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Real(number)
    }
}
