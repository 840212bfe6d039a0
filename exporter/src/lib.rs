//! A node's KubeVirt footprint as Prometheus metrics.
//!
//! How a figure travels: a reading of `/proc` becomes an immutable [`view::View`]; [`families`] says which
//! metric families it has.

pub mod families;
pub mod view;
