//! A node's KubeVirt footprint as Prometheus metrics.
