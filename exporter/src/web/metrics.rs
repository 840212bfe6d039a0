//! What the web server says of itself.
//!
//! Labels are bounded: codes that we send, handlers that we have, reasons that are listed here. A path or a
//! name that a client sends is never a label.

use prometheus::core::Collector;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::connection::Reason;
use crate::families::{Family, web};

/// The counters and gauges of the web server.
#[derive(Clone, Debug)]
pub struct WebMetrics {
    requests: IntCounterVec,
    /// Connections that are open.
    pub connections: IntGauge,
    closed: IntCounterVec,
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
        let metrics = WebMetrics {
            requests: IntCounterVec::new(options(&web::REQUESTS), web::REQUESTS.labels)?,
            connections: IntGauge::with_opts(options(&web::CONNECTIONS))?,
            closed: IntCounterVec::new(options(&web::CONNECTIONS_CLOSED), web::CONNECTIONS_CLOSED.labels)?,
            accept_errors: IntCounter::with_opts(options(&web::ACCEPT_ERRORS))?,
            authentication_failures: IntCounter::with_opts(options(&web::AUTHENTICATION_FAILURES))?,
            reload_successful: IntGauge::with_opts(options(&web::RELOAD_SUCCESSFUL))?,
            reload_success_time: Gauge::with_opts(options(&web::RELOAD_SUCCESS_TIME))?,
        };
        for reason in Reason::COUNTED {
            metrics.closed.with_label_values(&[reason.name()]);
        }
        Ok(metrics)
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
        self.requests.with_label_values(&[std::str::from_utf8(&digits).unwrap_or_default(), handler]).inc();
    }

    /// A connection was closed.
    pub fn closed(&self, reason: Reason) {
        if Reason::COUNTED.contains(&reason) {
            self.closed.with_label_values(&[reason.name()]).inc();
        }
    }
}

/// Name and help of a family, as the one table of them has it.
fn options(family: &Family) -> Opts {
    Opts::new(family.name, family.help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::undeclared;

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
