//! What KubeVirt's own releases define: how versions compare, how Kubernetes writes amounts, and how much memory a
//! release reserves beyond a guest. Data and pure functions, without a cluster.

pub mod metric_names;
pub mod overhead;
pub mod quantity;
pub mod version;
