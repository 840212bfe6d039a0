//! What the web server says of itself.
//!
//! Labels are bounded: codes that we send, handlers that we have, reasons that are listed here. A path or a
//! name that a client sends is never a label.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::core::Collector;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::connection::Reason;
use crate::families::{Family, Registered, Sink, Value, web};

/// A status code as text, the name of a handler, and how many requests were answered so by it.
type Answers = Vec<([u8; 3], &'static str, IntCounter)>;

/// The counters and gauges of the web server.
#[derive(Clone, Debug)]
pub struct WebMetrics {
    requests: IntCounterVec,
    /// The counters of `requests` in the order of their labels: a registry gives them as copies only.
    answers: Arc<Mutex<Answers>>,
    /// Connections that are open.
    pub connections: IntGauge,
    closed: IntCounterVec,
    /// The counters of `closed` in the order of their labels.
    closings: Vec<(Reason, IntCounter)>,
    /// Times that a connection could not be accepted.
    pub accept_errors: IntCounter,
    /// Requests with a wrong or no password.
    pub authentication_failures: IntCounter,
    /// 1 or 0: how the last reading of the web configuration ended.
    pub reload_successful: IntGauge,
    /// When it succeeded last.
    pub reload_success_time: Gauge,
}

impl WebMetrics {
    /// All at 0.
    pub fn new() -> Result<WebMetrics, prometheus::Error> {
        let closed = IntCounterVec::new(options(&web::CONNECTIONS_CLOSED), web::CONNECTIONS_CLOSED.labels)?;
        let mut closings = Reason::COUNTED.map(|reason| (reason, closed.with_label_values(&[reason.name()])));
        closings.sort_unstable_by_key(|(reason, _)| reason.name());
        Ok(WebMetrics {
            requests: IntCounterVec::new(options(&web::REQUESTS), web::REQUESTS.labels)?,
            answers: Arc::default(),
            connections: IntGauge::with_opts(options(&web::CONNECTIONS))?,
            closed,
            closings: closings.into(),
            accept_errors: IntCounter::with_opts(options(&web::ACCEPT_ERRORS))?,
            authentication_failures: IntCounter::with_opts(options(&web::AUTHENTICATION_FAILURES))?,
            reload_successful: IntGauge::with_opts(options(&web::RELOAD_SUCCESSFUL))?,
            reload_success_time: Gauge::with_opts(options(&web::RELOAD_SUCCESS_TIME))?,
        })
    }

    /// Offers all of them in `registry`.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let collectors: [Box<dyn Collector>; 7] = [
            Box::new(self.requests.clone()),
            Box::new(self.connections.clone()),
            Box::new(self.closed.clone()),
            Box::new(self.accept_errors.clone()),
            Box::new(self.authentication_failures.clone()),
            Box::new(self.reload_successful.clone()),
            Box::new(self.reload_success_time.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| registry.register(collector))
    }

    /// A request was answered.
    pub fn answered(&self, code: u16, handler: &'static str) {
        let mut digits = [b'0'; 3];
        for (digit, weight) in digits.iter_mut().zip([100, 10, 1]) {
            *digit += (code / weight % 10) as u8;
        }
        let mut answers = self.answers();
        let known = answers.binary_search_by(|(code, name, _)| (code, *name).cmp(&(&digits, handler)));
        let at = known.unwrap_or_else(|at| {
            let counter = self.requests.with_label_values(&[text(&digits), handler]);
            answers.insert(at, (digits, handler, counter));
            at
        });
        answers[at].2.inc();
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection was closed.
    pub fn closed(&self, reason: Reason) {
        if let Some((_, counter)) = self.closings.iter().find(|(counted, _)| *counted == reason) {
            counter.inc();
        }
    }
}

/// In the order in which a registry gathers them.
impl Registered for WebMetrics {
    fn emit(&self, sink: &mut impl Sink) {
        let count = |counter: &IntCounter| Value::Count(counter.get());
        let single = [
            (&web::ACCEPT_ERRORS, count(&self.accept_errors)),
            (&web::AUTHENTICATION_FAILURES, count(&self.authentication_failures)),
            (&web::RELOAD_SUCCESS_TIME, Value::Real(self.reload_success_time.get())),
            (&web::RELOAD_SUCCESSFUL, Value::Signed(self.reload_successful.get())),
            (&web::CONNECTIONS, Value::Signed(self.connections.get())),
        ];
        for (family, value) in single {
            sink.family(family);
            sink.sample(&[], value);
        }
        sink.family(&web::CONNECTIONS_CLOSED);
        for (reason, counter) in &self.closings {
            sink.sample(&[reason.name()], count(counter));
        }
        let answers = self.answers();
        if !answers.is_empty() {
            sink.family(&web::REQUESTS);
        }
        for (code, handler, counter) in answers.iter() {
            sink.sample(&[text(code), handler], count(counter));
        }
    }
}

/// Digits are UTF-8.
fn text(code: &[u8; 3]) -> &str {
    std::str::from_utf8(code).unwrap_or_default()
}

/// Name and help of a family, as the one table of them has it.
fn options(family: &Family) -> Opts {
    Opts::new(family.name, family.help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, write, write_with};
    use crate::families::undeclared;
    use crate::view::View;

    #[test]
    fn a_scrape_says_what_a_registry_would() {
        let registry = Registry::new();
        let metrics = WebMetrics::new().unwrap();
        metrics.register(&registry).unwrap();
        let texts = || {
            let (mut direct, mut gathered) = (Vec::new(), Vec::new());
            write_with(&View::default(), &metrics, Format::OpenMetrics, &mut direct);
            write(&View::default(), &registry.gather(), Format::OpenMetrics, &mut gathered);
            (String::from_utf8(direct).unwrap(), String::from_utf8(gathered).unwrap())
        };
        let (direct, gathered) = texts();
        assert_eq!(direct, gathered, "before any request");
        for (code, handler) in [(503, "ready"), (200, "metrics"), (200, "healthy"), (200, "metrics")] {
            metrics.answered(code, handler);
        }
        metrics.closed(Reason::Idle);
        metrics.connections.set(3);
        metrics.reload_success_time.set(1_700_000_000.25);
        let (direct, gathered) = texts();
        assert_eq!(direct, gathered);
        assert!(direct.contains("{code=\"200\",handler=\"metrics\"} 2\n"), "{direct}");
    }

    #[test]
    fn every_family_is_in_the_table_and_can_be_registered_once() {
        let registry = Registry::new();
        let metrics = WebMetrics::new().unwrap();
        metrics.register(&registry).unwrap();
        assert!(metrics.register(&registry).is_err());
        metrics.answered(200, "metrics");
        metrics.answered(503, "ready");
        metrics.closed(Reason::Idle);
        metrics.closed(Reason::Shutdown);
        let families = registry.gather();
        assert_eq!(families.len(), 7);
        assert_eq!(undeclared(&families), [""; 0]);
        let text = prometheus::TextEncoder::new().encode_to_string(&families).unwrap();
        assert!(
            text.contains("edgebench_web_requests_total{code=\"200\",handler=\"metrics\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("edgebench_web_requests_total{code=\"503\",handler=\"ready\"} 1\n"), "{text}");
        assert!(
            text.contains("edgebench_web_connections_closed_total{reason=\"idle_timeout\"} 1\n"),
            "{text}"
        );
        assert!(!text.contains("shutdown"), "{text}");
    }
}
