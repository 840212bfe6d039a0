//! Errors of the web server, each with what to do.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the web server did not start.
#[derive(Debug, Error)]
pub enum WebError {
    /// A listen address that is none. Which flag had it is said by who reads flags.
    #[error("{reason}; give HOST:PORT, such as `:9971`, `127.0.0.1:9971` or `[::1]:9971`")]
    ListenAddress {
        /// What is wrong with it.
        reason: String,
    },
    /// Another program listens there.
    #[error(
        "cannot listen on {address}: the port is in use; end the program that has it (`ss -ltnp` names it) or choose another with --web.listen-address"
    )]
    PortInUse {
        /// As on the command line.
        address: String,
    },
    /// Any other reason why a listener could not be made.
    #[error("cannot listen on {address}: {reason}; choose another address with --web.listen-address")]
    Listen {
        /// As on the command line.
        address: String,
        /// What the kernel says.
        reason: io::Error,
    },
    /// A telemetry path that can't be served.
    #[error("{reason}; the usual path is `/metrics`")]
    TelemetryPath {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The web configuration can't be used.
    #[error("--web.config.file: {0}")]
    Config(ConfigError),
}

/// Not as a source: the text holds all of it already.
impl From<ConfigError> for WebError {
    fn from(error: ConfigError) -> WebError {
        WebError::Config(error)
    }
}

/// Why a web configuration can't be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file could not be read: the configuration or one that it names.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the kernel says.
        reason: io::Error,
    },
    /// The file is no YAML, or has a key or a value that the format does not know.
    #[error("{path}:{line}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// The file is in order, but what it asks for can't be done.
    #[error("{path}: {key}: {what}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, with those that it is in.
        key: String,
        /// What is wrong, and what to do.
        what: String,
    },
}
