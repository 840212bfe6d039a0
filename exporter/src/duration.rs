//! Times as flags give them: `30s`, `5m`.

use std::time::Duration;

/// Reads a time of at least a second.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time >= Duration::from_secs(1) => Ok(time),
        Ok(_) => Err("must be at least 1s".into()),
        Err(error) => Err(error.to_string()),
    }
}
