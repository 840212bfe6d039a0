//! Which build this is: what `--version` prints and `edgebench_build_info` says.
//!
//! `CARGO_PKG_VERSION` is set by cargo. `EDGEBENCH_REVISION` is set by whoever builds a release from a
//! checkout; a build from a source archive has no revision. The C library is part of it because an
//! exporter's memory depends on it.

/// The version of the crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from; empty where the builder did not say.
pub const REVISION: &str = match option_env!("EDGEBENCH_REVISION") {
    Some(revision) => revision,
    None => "",
};

/// The architecture it was built for, in Rust's words: `x86_64`, `aarch64`, `arm`.
pub const ARCHITECTURE: &str = std::env::consts::ARCH;

/// The C library it was built with.
pub const LIBC: &str = if cfg!(target_env = "musl") {
    "musl"
} else if cfg!(target_env = "gnu") {
    "gnu"
} else {
    "other"
};
