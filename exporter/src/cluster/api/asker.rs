//! What the tasks share: the connection, the index, and how they tell of their luck.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use super::connection::Connection;
use super::failure::Failure;
use crate::cluster::health::Subject;
use crate::cluster::{Handle, Pace, Scope, State};

pub(super) struct Asker {
    pub(super) connection: Connection,
    pub(super) handle: Handle,
    pub(super) node: String,
    pub(super) scope: Scope,
    pub(super) pace: Pace,
}

impl Asker {
    /// A subject was answered.
    pub(super) fn good(&self, subject: Subject) {
        let before = self.handle.lock().ledger.good(subject, unix_now());
        let what = subject.name();
        match before {
            None => {}
            Some(State::Starting) => tracing::debug!(what, "the API server answers"),
            Some(_) => tracing::info!(what, "the API server answers again"),
        }
    }

    /// A subject was not answered.
    pub(super) fn bad(&self, subject: Subject, failure: &Failure) {
        let (state, reason) = (failure.state(), failure.reason());
        let changed = self.handle.lock().ledger.bad(subject, state, reason);
        let (what, detail) = (subject.name(), failure.to_string());
        match (changed, state) {
            (false, _) => tracing::debug!(what, reason, detail, "the API server does not answer"),
            (true, State::Absent) => {
                tracing::info!(
                    what,
                    detail,
                    "the API server does not have this; it is looked for from time to time"
                );
            }
            (true, State::Denied) => {
                tracing::warn!(what, detail, "the API server refuses this; what follows from it is missing");
            }
            (true, _) => {
                tracing::warn!(what, reason, detail, "the API server does not answer; it is asked again")
            }
        }
    }

    /// Makes ready for another attempt.
    pub(super) async fn pause(&self, failure: &Failure, waits: &mut Waits) {
        if failure.wants_another_client() {
            self.connection.renew().await;
        }
        let wait = if failure.is_final() { self.pace.refused } else { waits.next(&self.pace) };
        sleep(spread(wait)).await;
    }
}

/// Attempts are ever farther apart until one succeeds.
#[derive(Debug, Default)]
pub(super) struct Waits {
    last: Option<Duration>,
}

impl Waits {
    pub(super) fn reset(&mut self) {
        self.last = None;
    }

    fn next(&mut self, pace: &Pace) -> Duration {
        let next = self.last.map_or(pace.shortest, |last| last * 2).min(pace.longest);
        self.last = Some(next);
        next
    }
}

/// Between three quarters and five quarters of it: the agents of all nodes lose an API server at the same moment.
pub(super) fn spread(wait: Duration) -> Duration {
    // A new RandomState is another one each time; no more is needed here.
    let random = RandomState::new().hash_one(()) >> 11;
    wait.mul_f64(0.75 + random as f64 / (1_u64 << 53) as f64 / 2.0)
}

pub(super) fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_farther_apart_each_time_up_to_a_bound() {
        let pace = Pace::default();
        let mut waits = Waits::default();
        let seconds: Vec<u64> = (0..7).map(|_| waits.next(&pace).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        waits.reset();
        assert_eq!(waits.next(&pace), pace.shortest);
    }

    #[test]
    fn agents_that_wait_alike_come_back_apart() {
        let wait = Duration::from_secs(100);
        let all: Vec<Duration> = (0..100).map(|_| spread(wait)).collect();
        assert!(all.iter().all(|wait| (75.0..=125.0).contains(&wait.as_secs_f64())));
        assert!(all.iter().any(|wait| wait.as_secs() < 95) && all.iter().any(|wait| wait.as_secs() > 105));
    }
}
