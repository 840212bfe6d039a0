//! Whether and how the API server is asked.

use std::path::PathBuf;
use std::time::Duration;

use super::Scope;

/// Whether the API server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Where a kubeconfig is given, or a service account is mounted.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Always: without a configuration it does not start.
    On,
}

/// What to ask, and how.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether.
    pub mode: Mode,
    /// The configuration; without it the service account's, and with [`Mode::On`] also `$KUBECONFIG` and
    /// `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Name of this node in the API.
    pub node: String,
    /// Whose control plane.
    pub scope: Scope,
    /// How long things may take.
    pub pace: Pace,
}

/// How long things may take. The defaults are for clusters; tests are more impatient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// To connect, and to answer.
    pub answer: Duration,
    /// A whole list.
    pub list: Duration,
    /// A watch: the API server is asked to end it by then, so that one that hangs is found.
    pub watch: Duration,
    /// Between two attempts at first; it doubles up to `longest`.
    pub shortest: Duration,
    /// Between two attempts at most.
    pub longest: Duration,
    /// Between two attempts at what is denied or absent.
    pub refused: Duration,
    /// Between two looks at VMIs that migrate to this node.
    pub migrating: Duration,
    /// Between two readings of `/version`.
    pub version: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            answer: Duration::from_secs(30),
            list: Duration::from_secs(120),
            // An API server takes 30 to 60 minutes by itself (--min-request-timeout).
            watch: Duration::from_secs(290),
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            refused: Duration::from_secs(60),
            migrating: Duration::from_secs(5),
            version: Duration::from_secs(600),
        }
    }
}

/// Why the API server can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The given file can't be used.
    #[error("--kube.kubeconfig={path}: {reason}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing that says where the API server is.
    #[error(
        "--kube=on: there is no service account here ({in_cluster}) and no kubeconfig ({kubeconfig}); name one with \
         --kube.kubeconfig, or leave the API server out with --kube=off"
    )]
    NoConfiguration {
        /// Why there is no service account.
        in_cluster: String,
        /// Why there is no kubeconfig.
        kubeconfig: String,
    },
    /// TLS or the credentials can't be used.
    #[error("the API server can't be asked: {0}")]
    Client(String),
    /// This program was built without it.
    #[error(
        "--kube=on: this program was built without the feature `kube`: leave --kube.kubeconfig out and say --kube=off"
    )]
    NotBuilt,
}

/// Nobody asks.
///
/// # Errors
/// Where it was to ask.
#[cfg(not(feature = "kube"))]
pub async fn start(settings: &Settings) -> Result<Option<super::Handle>, StartError> {
    match settings.mode {
        Mode::On => Err(StartError::NotBuilt),
        Mode::Auto | Mode::Off => Ok(None),
    }
}

/// Nobody asks.
///
/// # Errors
/// Where it was to ask.
#[cfg(not(feature = "kube"))]
pub fn read_once(settings: &Settings, _limit: Duration) -> Result<Option<super::Handle>, StartError> {
    match settings.mode {
        Mode::On => Err(StartError::NotBuilt),
        Mode::Auto | Mode::Off => Ok(None),
    }
}
