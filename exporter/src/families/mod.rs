//! The one table of metric families: the exposition, the `Collector`, `METRICS.md`, and the check that
//! dashboards and rules use only what exists are made from it.
//!
//! Names follow Prometheus' rules (prometheus.io/docs/practices/naming): base units, `_total` on counters,
//! no label that collides with a target label (`pod`, `job`, `instance`, `container`).

use edgebench_sampler::Nanos;

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
