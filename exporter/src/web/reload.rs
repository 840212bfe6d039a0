//! The web configuration as it is now.
//!
//! Certificates of a cluster live for days or hours, so they are read again when their files have changed
//! (`config/files.rs`), without a restart. A configuration that can't be used changes nothing: what served
//! before goes on, one log line says why, a metric says that it is so.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::config::files::Files;
use super::config::{self, WebConfig};
use super::error::ConfigError;
use super::metrics::WebMetrics;

/// A web configuration that follows its files.
#[derive(Debug)]
pub(super) struct Reloading {
    path: Option<PathBuf>,
    state: Mutex<State>,
    metrics: WebMetrics,
}

#[derive(Debug)]
struct State {
    current: Arc<WebConfig>,
    files: Files,
    /// What was logged of the last reading, if it failed.
    failure: Option<String>,
}

impl Reloading {
    /// Reads the configuration at `path` for the first time. Without a path there is none: plain HTTP for all.
    pub(super) fn start(path: Option<&Path>, metrics: WebMetrics) -> Result<Reloading, ConfigError> {
        let mut files = Files::of(path.unwrap_or(Path::new("")));
        let current = path.map(|path| config::load(path, &mut files)).transpose()?.unwrap_or_default();
        succeeded(&metrics);
        let state = State { current: Arc::new(current), files, failure: None };
        Ok(Reloading { path: path.map(Path::to_owned), state: Mutex::new(state), metrics })
    }

    /// The configuration, read again if one of its files has changed.
    pub(super) fn current(&self) -> Arc<WebConfig> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.path
            && state.files.changed()
        {
            self.read_again(path, &mut state);
        }
        state.current.clone()
    }

    fn read_again(&self, path: &Path, state: &mut State) {
        let mut files = Files::of(path);
        let loaded = config::load(path, &mut files);
        let same = files.digest() == state.files.digest();
        state.files = files;
        let outcome = match loaded {
            Ok(_) if same && state.failure.is_none() => return,
            Ok(new) if new.tls.is_some() != state.current.tls.is_some() => {
                Err("to begin or end TLS needs a restart".to_owned())
            }
            Ok(new) => Ok(new),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok(new) => {
                state.current = Arc::new(new);
                state.failure = None;
                succeeded(&self.metrics);
                tracing::info!(path = ?path, "web configuration read again");
            }
            Err(reason) => {
                self.metrics.reload_successful.set(0);
                // Once, not at every connection until it is mended.
                if state.failure.as_deref() != Some(reason.as_str()) {
                    tracing::error!(path = ?path, reason, "web configuration can't be used; the former one still serves");
                    state.failure = Some(reason);
                }
            }
        }
    }
}

fn succeeded(metrics: &WebMetrics) {
    metrics.reload_successful.set(1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    metrics.reload_success_time.set(now.as_secs_f64().floor());
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HASH: &str = "$2y$04$abcdefghijklmnopqrstueML8TI3mKg6nYe6ji84YNEQ6czfZcOFC";

    struct Bench {
        folder: tempfile::TempDir,
        reloading: Reloading,
        metrics: WebMetrics,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("web.yml");
            fs::write(&path, format!("basic_auth_users: {{alice: {HASH}}}")).unwrap();
            let metrics = WebMetrics::new().unwrap();
            let reloading = Reloading::start(Some(&path), metrics.clone()).unwrap();
            Bench { folder, reloading, metrics }
        }

        fn write(&self, text: &str) {
            fs::write(self.folder.path().join("web.yml"), text).unwrap();
        }

        fn users(&self) -> Vec<String> {
            self.reloading.current().users.keys().cloned().collect()
        }
    }

    #[test]
    fn a_user_who_is_added_may_read_without_a_restart() {
        let bench = Bench::new();
        assert_eq!(bench.users(), ["alice"]);
        bench.write(&format!("basic_auth_users: {{bob: {HASH}}}"));
        assert_eq!(bench.users(), ["bob"]);
        assert_eq!(bench.metrics.reload_successful.get(), 1);
    }

    #[test]
    fn a_configuration_that_can_not_be_used_leaves_the_former_one() {
        let bench = Bench::new();
        bench.write("basic_auth_users: {bob: secret}");
        assert_eq!(bench.users(), ["alice"]);
        assert_eq!(bench.metrics.reload_successful.get(), 0);
        fs::remove_file(bench.folder.path().join("web.yml")).unwrap();
        assert_eq!(bench.users(), ["alice"]);
        bench.write(&format!("basic_auth_users: {{alice: {HASH}}}"));
        assert_eq!(bench.users(), ["alice"]);
        assert_eq!(
            bench.metrics.reload_successful.get(),
            1,
            "mended by the very text that served all the time"
        );
    }

    #[test]
    fn tls_does_not_begin_or_end_while_it_serves() {
        let bench = Bench::new();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        fs::write(bench.folder.path().join("tls.crt"), certificate.pem()).unwrap();
        fs::write(bench.folder.path().join("tls.key"), key.serialize_pem()).unwrap();
        bench.write("tls_server_config: {cert_file: tls.crt, key_file: tls.key}");
        assert_eq!(bench.users(), ["alice"]);
        assert_eq!(bench.metrics.reload_successful.get(), 0);
    }

    #[test]
    fn without_a_file_there_is_nothing_to_follow() {
        let reloading = Reloading::start(None, WebMetrics::new().unwrap()).unwrap();
        let config = reloading.current();
        assert!(config.tls.is_none() && config.users.is_empty() && config.rate_limit.is_none());
    }
}
