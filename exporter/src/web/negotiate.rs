//! Which representation of a scrape the client wants.
//!
//! RFC 9110, 12.4.2 and 12.5: `Accept` and `Accept-Encoding` are lists of ranges with parameters, one of
//! which is the quality `q` (0 to 1, three decimals, 0 = never). The most specific range that matches decides.
//! Prometheus 2.42 sends
//! `application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`
//! (`scrape/scrape.go`), Prometheus 3 the same with `escaping=allow-utf-8` and other qualities. OpenMetrics
//! 0.0.1 was a draft: we don't claim to write it, and who asks for nothing else gets the text format.
//! What can't be read is left out, and with nothing left the text format 0.0.4 is the answer: every scraper
//! reads it.

use crate::exposition::Format;

/// How a body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// Compressed by gzip.
    Gzip,
}

/// The format for the values of the `Accept` headers, in their order.
pub(super) fn format<'a>(accept: impl IntoIterator<Item = &'a [u8]>) -> Format {
    let mut text = Preference::default();
    let mut open_metrics = Preference::default();
    for (position, range) in accept.into_iter().flat_map(|value| split(value, b',')).enumerate() {
        text.consider(Format::Text, range, position);
        open_metrics.consider(Format::OpenMetrics, range, position);
    }
    if open_metrics.wins_over(&text) { Format::OpenMetrics } else { Format::Text }
}

/// The encoding for the values of the `Accept-Encoding` headers.
pub(super) fn encoding<'a>(accept_encoding: impl IntoIterator<Item = &'a [u8]>) -> Encoding {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for range in accept_encoding.into_iter().flat_map(|value| split(value, b',')) {
        let mut words = split(range, b';');
        let coding = words.next().unwrap_or_default();
        let Some(quality) = quality(words) else { continue };
        let slot = if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
            &mut gzip
        } else if coding.eq_ignore_ascii_case(b"identity") {
            &mut identity
        } else if coding == b"*" {
            &mut any
        } else {
            continue;
        };
        *slot = Some(quality);
    }
    let gzip = gzip.or(any).unwrap_or(0);
    // Identity is acceptable without being named, but nobody prefers it then.
    if gzip > 0 && gzip >= identity.unwrap_or(0) { Encoding::Gzip } else { Encoding::Identity }
}

/// Type, subtype and version of a format, as a range names them.
const fn ours(format: Format) -> (&'static [u8], &'static [u8], &'static [u8]) {
    match format {
        Format::Text => (b"text", b"plain", b"0.0.4"),
        Format::OpenMetrics => (b"application", b"openmetrics-text", b"1.0.0"),
    }
}

/// How much the client wants one of our formats, by the most specific range that matches it.
#[derive(Default)]
struct Preference {
    specificity: u8,
    quality: u16,
    position: usize,
}

impl Preference {
    fn consider(&mut self, format: Format, range: &[u8], position: usize) {
        let mut words = split(range, b';');
        let media_type = words.next().unwrap_or_default();
        let Some(slash) = media_type.iter().position(|&byte| byte == b'/') else { return };
        let (kind, subtype) = (&media_type[..slash], &media_type[slash + 1..]);
        let (our_kind, our_subtype, our_version) = ours(format);
        let mut specificity = match (kind, subtype) {
            (b"*", b"*") => 1,
            (kind, b"*") if kind.eq_ignore_ascii_case(our_kind) => 2,
            (kind, subtype)
                if kind.eq_ignore_ascii_case(our_kind) && subtype.eq_ignore_ascii_case(our_subtype) =>
            {
                3
            }
            _ => return,
        };
        for (name, value) in words.clone().filter_map(parameter) {
            if specificity >= 3 && name.eq_ignore_ascii_case(b"version") {
                if value != our_version {
                    return;
                }
                specificity = 4;
            }
        }
        let Some(quality) = quality(words) else { return };
        if specificity > self.specificity || (specificity == self.specificity && quality > self.quality) {
            *self = Preference { specificity, quality, position };
        }
    }

    /// Whether OpenMetrics (`self`) is wanted more than text. Wildcards alone never lead to it: `*/*` is what
    /// a browser or curl sends.
    fn wins_over(&self, text: &Preference) -> bool {
        if self.quality == 0 || self.quality < text.quality {
            return false;
        }
        if self.quality > text.quality {
            return true;
        }
        (self.specificity.min(3), text.position) > (text.specificity.min(3), self.position)
    }
}

/// The quality among the parameters of a range, in thousandths; none if it is not one.
fn quality<'a>(parameters: impl Iterator<Item = &'a [u8]>) -> Option<u16> {
    for (name, value) in parameters.filter_map(parameter) {
        if name.eq_ignore_ascii_case(b"q") {
            return thousandths(value);
        }
    }
    Some(1000)
}

fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value.iter().position(|&byte| byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &[][..]),
    };
    let whole = match whole {
        b"0" => 0,
        b"1" => 1000,
        b"" if !fraction.is_empty() => 0,
        _ => return None,
    };
    let mut sum = whole;
    let mut weight = 100;
    for &digit in fraction {
        if !digit.is_ascii_digit() {
            return None;
        }
        // Beyond the third decimal the weight is 0.
        sum += u16::from(digit - b'0') * weight;
        weight /= 10;
    }
    (sum <= 1000).then_some(sum)
}

/// `name=value`, the value without its quotes.
fn parameter(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = word.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (word[..equals].trim_ascii(), word[equals + 1..].trim_ascii());
    let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some((name, bare.unwrap_or(value)))
}

/// The parts of a list, trimmed; a separator inside of quotes is none.
fn split(text: &[u8], separator: u8) -> Split<'_> {
    Split { rest: Some(text), separator }
}

#[derive(Clone)]
struct Split<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let (mut quoted, mut escaped) = (false, false);
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                byte if byte == self.separator && !quoted => {
                    self.rest = Some(&text[at + 1..]);
                    return Some(text[..at].trim_ascii());
                }
                _ => {}
            }
        }
        Some(text.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Encoding::{Gzip, Identity};
    use super::*;
    use crate::exposition::Format::{OpenMetrics, Text};

    const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
        text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    const PROMETHEUS_2_20: &str =
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    const PROMETHEUS_WITH_PROTOBUF: &str = "application/vnd.google.protobuf;\
        proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
        application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2";
    const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    #[test]
    fn the_format_follows_accept() {
        for (accept, expected) in [
            (PROMETHEUS_2_42, OpenMetrics),
            (PROMETHEUS_3, OpenMetrics),
            (PROMETHEUS_WITH_PROTOBUF, OpenMetrics),
            (PROMETHEUS_2_20, Text),
            (FIREFOX, Text),
            ("", Text),
            ("*/*", Text),
            ("text/plain", Text),
            ("text/*", Text),
            ("application/*", OpenMetrics),
            ("application/json", Text),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; Version=1.0.0", OpenMetrics),
            ("application/openmetrics-text; version=\"1.0.0\"", OpenMetrics),
            ("application/openmetrics-text; version=0.0.1", Text),
            ("application/openmetrics-text; version=2.0.0", Text),
            (
                "application/openmetrics-text; version=2.0.0, application/openmetrics-text; version=1.0.0; q=0.1",
                OpenMetrics,
            ),
            ("application/openmetrics-text; q=0", Text),
            ("application/openmetrics-text; version=1.0.0; q=0, */*", Text),
            ("text/plain; q=0, */*", OpenMetrics),
            ("text/plain; q=0", Text),
            ("text/plain; version=1.0.0, application/openmetrics-text; q=0.1", OpenMetrics),
            ("application/openmetrics-text; q=0.4, text/plain; q=0.5", Text),
            ("application/openmetrics-text; q=0.5, text/plain; q=0.4", OpenMetrics),
            ("application/openmetrics-text, text/plain", OpenMetrics),
            ("text/plain, application/openmetrics-text", Text),
            ("text/plain, application/openmetrics-text; version=1.0.0", Text),
            ("*/*, application/openmetrics-text; version=1.0.0", OpenMetrics),
            ("application/openmetrics-text; q=1.5", Text),
            ("application/openmetrics-text; q=NaN", Text),
            ("application/openmetrics-text; q=", Text),
            ("application/openmetrics-text; q=-1", Text),
            ("application/openmetrics-text; charset=\"a,b;q=0\"; version=1.0.0", OpenMetrics),
            ("application/openmetrics-text; charset=\"unclosed, text/plain; q=1", OpenMetrics),
            (",,;;,=;q=,/", Text),
        ] {
            assert_eq!(format([accept.as_bytes()]), expected, "{accept}");
        }
        assert_eq!(format([]), Text);
    }

    #[test]
    fn several_accept_headers_are_one_list() {
        let headers: [&[u8]; 2] = [b"text/plain; q=0.1", b"application/openmetrics-text"];
        assert_eq!(format(headers), OpenMetrics);
    }

    #[test]
    fn gzip_follows_accept_encoding() {
        for (accept_encoding, expected) in [
            ("gzip", Gzip),
            ("GZIP", Gzip),
            ("x-gzip", Gzip),
            ("gzip, deflate, br", Gzip),
            ("gzip;q=0.001", Gzip),
            ("gzip;q=0", Identity),
            ("gzip;q=0.000", Identity),
            ("gzip;q=0, *", Identity),
            ("*", Gzip),
            ("*;q=0", Identity),
            ("", Identity),
            ("identity", Identity),
            ("identity, gzip;q=0.5", Identity),
            ("identity;q=0.5, gzip;q=1.0", Gzip),
            ("identity;q=0, gzip", Gzip),
            ("deflate, br", Identity),
            ("gzip;q=2", Identity),
            ("gzipped", Identity),
        ] {
            assert_eq!(encoding([accept_encoding.as_bytes()]), expected, "{accept_encoding}");
        }
        assert_eq!(encoding([]), Identity);
    }

    proptest! {
        #[test]
        fn no_header_value_panics(value: Vec<u8>, printable in "[ -~]{0,80}") {
            let _ = format([value.as_slice(), printable.as_bytes()]);
            let _ = encoding([value.as_slice(), printable.as_bytes()]);
        }

        #[test]
        fn quality_decides_between_two_named_formats(open_metrics in 1_u16..1000, text in 1_u16..1000) {
            prop_assume!(open_metrics != text);
            let accept = format!(
                "text/plain;q=0.{text:03}, application/openmetrics-text;version=1.0.0;q=0.{open_metrics:03}"
            );
            let expected = if open_metrics > text { OpenMetrics } else { Text };
            prop_assert_eq!(format([accept.as_bytes()]), expected);
        }
    }
}
