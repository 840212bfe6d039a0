//! Why an answer was none.

use std::error::Error;
use std::fmt;

use serde::Deserialize;

use crate::cluster::State;

/// Why.
#[derive(Debug)]
pub(super) enum Failure {
    /// The API server says no: an HTTP status, or the `Status` object of a watch.
    Refused { code: u16, message: String },
    /// Nobody there, no TLS with it, or the connection broke.
    Connection(String),
    /// It took too long.
    Timeout(&'static str),
    /// No JSON, or not what was asked for.
    Malformed(String),
}

impl Failure {
    /// What went wrong on the way.
    pub(super) fn connection(error: &(dyn Error + 'static)) -> Failure {
        // The cause is at the end of the chain ("client error (Connect)" is at its front), where texts may repeat.
        let mut texts: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            if !texts.iter().any(|known| known.contains(&text)) {
                texts.push(text);
            }
            next = error.source();
        }
        Failure::Connection(texts.join(": "))
    }

    /// A `Status` object, or any text, that came with an HTTP status.
    pub(super) fn refused(code: u16, body: &[u8]) -> Failure {
        #[derive(Deserialize)]
        struct Status {
            message: String,
        }
        let message = match serde_json::from_slice::<Status>(body) {
            Ok(Status { message }) => message,
            Err(_) => String::from_utf8_lossy(body).chars().take(200).collect(),
        };
        Failure::Refused { code, message }
    }

    /// The object of a watch's event `ERROR`.
    pub(super) fn told(object: &str) -> Failure {
        #[derive(Default, Deserialize)]
        struct Status {
            #[serde(default)]
            code: u16,
        }
        let Status { code } = serde_json::from_str(object).unwrap_or_default();
        Failure::refused(code, object.as_bytes())
    }

    /// The label `reason`.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Failure::Connection(_) => "connection",
            Failure::Timeout(_) => "timeout",
            Failure::Malformed(_) => "malformed",
            Failure::Refused { code, .. } => match code {
                401 => "unauthorized",
                403 => "denied",
                404 => "missing",
                410 => "expired",
                429 => "throttled",
                500..=599 => "server",
                _ => "refused",
            },
        }
    }

    /// What it makes of the kind that was asked for.
    pub(super) fn state(&self) -> State {
        match self {
            Failure::Refused { code: 403, .. } => State::Denied,
            Failure::Refused { code: 404, .. } => State::Absent,
            _ => State::Failing,
        }
    }

    /// Whether asking again soon would get the same answer.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.state(), State::Denied | State::Absent)
    }

    /// Whether what was seen of versions is of no more use.
    pub(super) fn is_expired(&self) -> bool {
        matches!(self, Failure::Refused { code: 410, .. })
    }

    /// Whether other credentials, or another connection, may help.
    pub(super) fn wants_another_client(&self) -> bool {
        matches!(self, Failure::Refused { code: 401, .. } | Failure::Connection(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused { code, message } => write!(f, "{code}: {message}"),
            Failure::Connection(detail) => f.write_str(detail),
            Failure::Timeout(what) => write!(f, "{what} took too long"),
            Failure::Malformed(detail) => f.write_str(detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why_in_the_servers_words() {
        let text =
            r#"{"kind":"Status","metadata":{},"status":"Failure","message":"Unauthorized","code":401}"#;
        let failure = Failure::refused(401, text.as_bytes());
        assert_eq!((failure.reason(), failure.to_string().as_str()), ("unauthorized", "401: Unauthorized"));
        assert_eq!(
            Failure::refused(502, b"<html>bad gateway</html>").to_string(),
            "502: <html>bad gateway</html>"
        );
    }

    #[test]
    fn a_watch_tells_that_its_version_is_too_old() {
        let failure =
            Failure::told(r#"{"kind":"Status","message":"too old resource version: 1 (9184)","code":410}"#);
        assert!(failure.is_expired());
        assert_eq!(Failure::told(r#"{"kind":"Status"}"#).reason(), "refused");
    }
}
