//! The health of each step of a reading. A step that fails takes its own families away, nothing else.

use std::collections::BTreeMap;

use edgebench_sampler::{Nanos, ReadError, Reason};

use crate::families::collectors::COLLECTORS;
use crate::view::CollectorHealth;

/// Which steps are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled {
    names: Vec<&'static str>,
}

impl Default for Enabled {
    fn default() -> Enabled {
        Enabled { names: COLLECTORS.iter().map(|collector| collector.name).collect() }
    }
}

impl Enabled {
    /// Switches one on or off; nothing where there is none of this name.
    pub fn set(&mut self, name: &str, on: bool) {
        self.names.retain(|known| *known != name);
        if let Some(known) = COLLECTORS.iter().find(|known| known.name == name).filter(|_| on) {
            self.names.push(known.name);
        }
    }

    /// Whether a step is taken.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&name)
    }
}

#[derive(Debug, Default)]
struct Step {
    success: bool,
    duration: Nanos,
    errors: BTreeMap<&'static str, u64>,
    last_success: Option<f64>,
}

/// What became of each step so far.
#[derive(Debug, Default)]
pub(super) struct Health {
    steps: BTreeMap<&'static str, Step>,
}

impl Health {
    /// A step took `duration` and ended so. Says what a step gave, if it gave something.
    pub(super) fn note<T>(
        &mut self,
        collector: &'static str,
        duration: Nanos,
        unix: f64,
        result: Result<T, ReadError>,
    ) -> Option<T> {
        let step = self.steps.entry(collector).or_default();
        step.duration = duration;
        step.success = result.is_ok();
        match result {
            Ok(value) => {
                step.last_success = Some(unix);
                Some(value)
            }
            Err(error) => {
                self.error(collector, reason(&error), &error);
                None
            }
        }
    }

    /// Something went wrong; it is logged the first time that it does.
    pub(super) fn error(
        &mut self,
        collector: &'static str,
        reason: &'static str,
        detail: &dyn std::fmt::Display,
    ) {
        let count = self.steps.entry(collector).or_default().errors.entry(reason).or_default();
        *count += 1;
        if *count == 1 {
            let detail = detail.to_string();
            tracing::warn!(
                collector,
                reason,
                detail,
                "a collector had an error; the next ones like it are only counted"
            );
        }
    }

    /// Files were denied.
    pub(super) fn denied(&mut self, collector: &'static str, file: &str, times: u64) {
        let Some(reason) = denied_reason(file) else { return };
        for _ in 0..times {
            self.error(
                collector,
                reason,
                &format_args!("{file} of a process may not be read; `edgebench doctor` says what is missing"),
            );
        }
    }

    /// As figures.
    pub(super) fn figures(&self, figures: &mut Vec<CollectorHealth>) {
        let figure = |(collector, step): (&&'static str, &Step)| CollectorHealth {
            collector,
            success: step.success,
            duration: Some(step.duration),
            errors: step.errors.iter().map(|(reason, count)| (*reason, *count)).collect(),
            last_success: step.last_success,
        };
        figures.extend(self.steps.iter().map(figure));
    }
}

fn reason(error: &ReadError) -> &'static str {
    match &error.reason {
        Reason::Vanished => "missing",
        Reason::Denied => "denied",
        Reason::Malformed(_) => "malformed",
        Reason::Io(_) => "io",
    }
}

fn denied_reason(file: &str) -> Option<&'static str> {
    const REASONS: &[(&str, &str)] = &[
        ("stat", "stat_denied"),
        ("exe", "exe_denied"),
        ("io", "io_denied"),
        ("fd", "fd_denied"),
        ("cgroup", "cgroup_denied"),
        ("smaps", "smaps_denied"),
        ("smaps_rollup", "smaps_rollup_denied"),
    ];
    REASONS.iter().find(|(name, _)| *name == file).map(|(_, reason)| *reason)
}
