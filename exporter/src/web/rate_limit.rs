//! `rate_limit`: a token bucket over all requests, as the toolkit's (`golang.org/x/time/rate`).

use std::time::Instant;

use super::config::RateLimit;

/// Requests saved up.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    last: Option<(RateLimit, Instant, f64)>,
}

impl Bucket {
    /// Whether a request may be answered now. It is full at first, and when the limit is another.
    pub(super) fn allow(&mut self, limit: RateLimit, now: Instant) -> bool {
        let full = f64::from(limit.burst);
        let tokens = match self.last {
            Some((same, then, tokens)) if same == limit => {
                let passed = now.saturating_duration_since(then).as_secs_f64();
                (tokens + passed / limit.interval.as_secs_f64()).min(full)
            }
            _ => full,
        };
        let allowed = tokens >= 1.0;
        self.last = Some((limit, now, if allowed { tokens - 1.0 } else { tokens }));
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_then_one_per_interval() {
        let limit = RateLimit { interval: Duration::from_secs(1), burst: 3 };
        let mut bucket = Bucket::default();
        let start = Instant::now();
        let mut allowed = |milliseconds| bucket.allow(limit, start + Duration::from_millis(milliseconds));
        let seen = [0, 0, 0, 0, 500, 1500, 1500, 60_000, 60_000, 60_000, 60_000].map(&mut allowed);
        assert_eq!(seen, [true, true, true, false, false, true, false, true, true, true, false]);
    }

    #[test]
    fn another_limit_starts_afresh() {
        let mut bucket = Bucket::default();
        let now = Instant::now();
        let limit = RateLimit { interval: Duration::from_secs(1), burst: 1 };
        assert!(bucket.allow(limit, now) && !bucket.allow(limit, now));
        assert!(bucket.allow(RateLimit { burst: 2, ..limit }, now));
    }
}
