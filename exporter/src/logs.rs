//! Messages on stderr, as logfmt (brandur.org/logfmt, what Prometheus and its exporters write) or as JSON.

use std::fmt;
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::cli::{LogFormat, LogLevel};

/// Starts to log. To be called once.
pub(crate) fn start(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warn => Level::WARN,
        LogLevel::Error => Level::ERROR,
    };
    let builder =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false);
    // A second call, in a program that embeds this one, leaves the first one's choice.
    let _ = match format {
        LogFormat::Logfmt => builder.event_format(Logfmt).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let time = humantime::format_rfc3339_millis(SystemTime::now());
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        write!(out, "ts={time} level={level}")?;
        let mut pairs = Pairs { out: &mut out, result: Ok(()) };
        event.record(&mut pairs);
        pairs.result?;
        writeln!(out)
    }
}

struct Pairs<'a, 'w> {
    out: &'a mut Writer<'w>,
    result: fmt::Result,
}

impl Visit for Pairs<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let name = if field.name() == "message" { "msg" } else { field.name() };
        if self.result.is_ok() {
            self.result = write!(self.out, " {name}=").and_then(|()| write_value(self.out, value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// A value in quotes where it needs them; nothing in it can end the line or the quotes.
fn write_value(out: &mut impl fmt::Write, value: &str) -> fmt::Result {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(plain) {
        return out.write_str(value);
    }
    out.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            c if c.is_control() => write!(out, "{}", c.escape_default())?,
            c => out.write_char(c)?,
        }
    }
    out.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let mut out = String::new();
        write_value(&mut out, text).unwrap();
        out
    }

    #[test]
    fn a_value_is_quoted_where_it_has_to_be() {
        assert_eq!(value("127.0.0.1:9971"), "127.0.0.1:9971");
        assert_eq!(value("two words"), "\"two words\"");
        assert_eq!(value(""), "\"\"");
    }

    #[test]
    fn a_hostile_value_stays_in_its_line_and_in_its_quotes() {
        assert_eq!(value("a\nlevel=error \"x\\"), "\"a\\nlevel=error \\\"x\\\\\"");
        assert_eq!(value("\x1b[2J"), "\"\\u{1b}[2J\"");
    }
}
