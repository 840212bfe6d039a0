//! Families of the web server, which counts them in a `prometheus::Registry`.
//!
//! They are declared here like all others, so that the server takes name and help from the table and the
//! writer finds them in it.

#![allow(missing_docs, reason = "the help of a family says what it is")]

use super::Family;

pub static REQUESTS: Family = Family::counter(
    "edgebench_web_requests_total",
    &["code", "handler"],
    "exporter",
    "HTTP requests answered, by status code and handler.",
);
pub static CONNECTIONS: Family = Family::gauge(
    "edgebench_web_connections",
    &[],
    "exporter",
    "TCP connections of the web server that are open.",
);
pub static CONNECTIONS_CLOSED: Family = Family::counter(
    "edgebench_web_connections_closed_total",
    &["reason"],
    "exporter",
    "Connections that the web server closed because a limit was reached or TLS could not be agreed on.",
);
pub static ACCEPT_ERRORS: Family = Family::counter(
    "edgebench_web_accept_errors_total",
    &[],
    "exporter",
    "Times that the web server could not accept a connection, such as for want of file descriptors.",
);
pub static AUTHENTICATION_FAILURES: Family = Family::counter(
    "edgebench_web_authentication_failures_total",
    &[],
    "exporter",
    "Requests that were refused for a wrong or missing password.",
);
pub static RELOAD_SUCCESSFUL: Family = Family::gauge(
    "edgebench_web_config_last_reload_successful",
    &[],
    "exporter",
    "1 where the web configuration and its certificates could be used when they were read last, 0 where the \
     former ones still serve.",
);
pub static RELOAD_SUCCESS_TIME: Family = Family::gauge(
    "edgebench_web_config_last_reload_success_timestamp_seconds",
    &[],
    "exporter",
    "Unix time at which the web configuration was read successfully last.",
);
