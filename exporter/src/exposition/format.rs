//! The two text formats and how HTTP names them.
//!
//! Prometheus 3 refuses a scrape whose `Content-Type` it does not know, so these are literal: those of the
//! Go client library (`expfmt.FmtText`, `expfmt.FmtOpenMetrics_1_0_0`).

/// A format of an exposition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus' own text format, version 0.0.4.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 2] = [Format::Text, Format::OpenMetrics];

    /// As the header `Content-Type` says it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
