use proptest::prelude::*;

use super::*;

fn read(text: &str, format: Format) -> Result<Vec<Line<'_>>, Malformed> {
    lines(text.as_bytes(), format)?.collect()
}

fn samples(text: &str, format: Format) -> Vec<Sample<'_>> {
    let lines = read(text, format).unwrap();
    lines
        .into_iter()
        .filter_map(|line| if let Line::Sample(sample) = line { Some(sample) } else { None })
        .collect()
}

fn one(text: &str, format: Format) -> Sample<'_> {
    let samples = samples(text, format);
    assert_eq!(samples.len(), 1);
    samples[0]
}

fn malformed(text: &str, format: Format) -> (usize, String) {
    let error = read(text, format).expect_err(text);
    (error.line, error.what)
}

#[test]
fn a_sample_has_a_name_labels_and_a_value() {
    for (text, format) in [
        ("a_total{b=\"c\",d=\"e f\"} 12.5\n", Format::Text),
        ("a_total{b=\"c\",d=\"e f\"} 12.5\n# EOF\n", Format::OpenMetrics),
        (" a_total {b = \"c\" ,\td=\"e f\", }12.5 \n", Format::Text),
    ] {
        let sample = one(text, format);
        assert_eq!((sample.name, sample.value.real(), sample.timestamp), ("a_total", 12.5, None), "{text}");
        let labels: Vec<_> = sample.labels.map(|(name, value)| (name, value.text().into_owned())).collect();
        assert_eq!(labels, [("b", "c".to_owned()), ("d", "e f".to_owned())], "{text}");
        assert_eq!(sample.label("x"), None);
    }
}

#[test]
fn a_label_may_hold_anything() {
    let text = "a{b=\"} \\\\ \\\" \\n # , = é\"} 1\n";
    for format in [Format::Text, Format::OpenMetrics] {
        let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
        let text = format!("{text}{end}");
        assert_eq!(one(&text, format).label("b").unwrap().text(), "} \\ \" \n # , = é");
    }
    assert_eq!(one("a{b=\"\\d\"} 1\n# EOF", Format::OpenMetrics).label("b").unwrap().text(), "\\d");
}

#[test]
fn what_a_family_is_comes_before_its_samples() {
    let text = "# HELP a What it \\\\ is.\n# TYPE a counter\n#comment\n#\n\na 1\n";
    let lines = read(text, Format::Text).unwrap();
    assert!(matches!(&lines[0], Line::Help { family: "a", text } if text.text() == "What it \\ is."));
    assert_eq!(lines[1], Line::Type { family: "a", kind: Kind::Counter });
    assert_eq!(lines.len(), 3);
    let text = "# TYPE a_seconds info\n# UNIT a_seconds seconds\n# HELP a_seconds\n# EOF\n";
    let lines = read(text, Format::OpenMetrics).unwrap();
    assert_eq!(lines[0], Line::Type { family: "a_seconds", kind: Kind::Info });
    assert_eq!(lines[1], Line::Unit { family: "a_seconds", unit: "seconds" });
    assert_eq!(lines.len(), 3);
}

#[test]
fn timestamps_are_read_and_exemplars_passed_over() {
    assert_eq!(one("a 1 -1395066363000\n", Format::Text).timestamp.unwrap().text(), "-1395066363000");
    let text = "a_bucket{le=\"0.1\"} 8 1.5 # {id=\"x} # {\"} 0.054 1520879607.789\na 1 # {} 2\n# EOF\n";
    let samples = samples(text, Format::OpenMetrics);
    assert_eq!(samples[0].timestamp.unwrap().real(), 1.5);
    assert_eq!((samples[1].timestamp, samples[1].value.real()), (None, 1.0));
}

#[test]
fn values_are_those_of_go() {
    let text = "a NaN\na +Inf\na -Inf\na 1e-3\na 0\n";
    let values: Vec<_> = samples(text, Format::Text).iter().map(|sample| sample.value.real()).collect();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::INFINITY, f64::NEG_INFINITY, 0.001, 0.0]);
}

#[test]
fn a_cut_is_seen_where_the_format_lets_it_be_seen() {
    assert_eq!(
        malformed("a 1\nb 2", Format::Text),
        (2, "the text is cut short: no line feed at its end".into())
    );
    assert_eq!(malformed("a 1\n", Format::OpenMetrics), (2, "the text is cut short: no # EOF".into()));
    assert_eq!(malformed("a 1\n# EO", Format::OpenMetrics).0, 2);
    assert_eq!(malformed("", Format::OpenMetrics).0, 1);
    assert_eq!(malformed("# EOF\na 1\n", Format::OpenMetrics), (2, "there is more behind # EOF".into()));
    assert_eq!(read("", Format::Text), Ok(vec![]));
}

#[test]
fn what_is_malformed_names_its_line_and_its_name() {
    for (text, what) in [
        ("<html>\n", "a sample without a name, or with one that is none"),
        ("1a 2\n", "a sample without a name, or with one that is none"),
        ("a\n", "a has no value"),
        ("a{} \n", "a has a value that is no number"),
        ("a one\n", "a has a value that is no number"),
        ("a 1 soon\n", "a has something behind its value"),
        ("a 1 2.5\n", "a has a timestamp that is none"),
        ("a 1 2 3\n", "a has something behind its value"),
        ("a{b=\"c} 1\n", "a: the value of the label b does not end"),
        ("a{b=\"c\" 1\n", "a: the labels do not end: , or } is missing"),
        ("a{b=\"c\\d\"} 1\n", "a: a backslash in the label b that escapes nothing"),
        ("a{b} 1\n", "a: no = behind the label b"),
        ("a{b=c} 1\n", "a: no quote behind b="),
        ("a{1=\"c\"} 1\n", "a: a label has no name, or one that is none"),
        ("a{,} 1\n", "a: a label has no name, or one that is none"),
        ("a{c=\"2\",b=\"1\",d=\"\",b=\"3\"} 1\n", "a: the label b is there twice"),
        ("# TYPE a thing\n", "a is of no known type"),
        ("# TYPE\n", "TYPE names no family"),
    ] {
        let behind = format!("ok 1\n{text}");
        assert_eq!(malformed(&behind, Format::Text), (2, what.to_owned()), "{text}");
    }
    assert_eq!(lines(b"a 1\nb{c=\"\xff\"} 1\n", Format::Text).unwrap_err().line, 2);
}

#[test]
fn openmetrics_is_strict_about_blanks() {
    for text in [
        "a  1\n",
        "a{b=\"c\"}1\n",
        "a{b=\"c\", d=\"e\"} 1\n",
        "a{b=\"c\",} 1\n",
        "a 1 \n",
        " a 1\n",
        "\n",
        "# hello\n",
        "#EOF\n",
        "a\t1\n",
    ] {
        assert_eq!(malformed(&format!("{text}# EOF\n"), Format::OpenMetrics).0, 1, "{text}");
    }
}

#[test]
fn the_content_type_names_the_format() {
    let of = |value| Format::of_content_type(Some(value));
    assert_eq!(of("text/plain; version=0.0.4; charset=utf-8"), Some(Format::Text));
    assert_eq!(of("application/openmetrics-text; version=1.0.0"), Some(Format::OpenMetrics));
    assert_eq!(of("text/html"), None);
    assert_eq!(Format::of_content_type(None), Some(Format::Text));
}

/// Text that is nearly right: cut, doubled and mixed up.
fn nearly_right() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("a_total"),
        Just("{"),
        Just("}"),
        Just("b=\""),
        Just("\""),
        Just("\\"),
        Just(","),
        Just("="),
        Just(" "),
        Just("\t"),
        Just("\n"),
        Just("#"),
        Just("# EOF"),
        Just("# TYPE a counter"),
        Just("1.5"),
        Just("-1"),
        Just("NaN"),
        Just("e9"),
        Just("é"),
        Just(" # {} 1"),
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn no_bytes_break_it(bytes in any::<Vec<u8>>()) {
        for format in [Format::Text, Format::OpenMetrics] {
            if let Ok(lines) = lines(&bytes, format) {
                lines.for_each(drop);
            }
        }
    }

    #[test]
    fn nearly_right_text_gives_only_samples_that_can_be_read(text in nearly_right()) {
        for format in [Format::Text, Format::OpenMetrics] {
            let mut found = lines(text.as_bytes(), format).unwrap();
            while let Some(line) = found.next() {
                prop_assert!(found.number() <= text.lines().count() + 1);
                if let Ok(Line::Sample(sample)) = line {
                    prop_assert!(!sample.name.is_empty());
                    sample.labels.for_each(|(name, value)| { let _ = (name, value.text()); });
                }
            }
            prop_assert!(found.next().is_none(), "an end stays an end");
        }
    }

    #[test]
    fn a_label_comes_back_as_it_was(value in any::<String>(), number in any::<f64>()) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        for (format, end) in [(Format::Text, ""), (Format::OpenMetrics, "# EOF\n")] {
            let text = format!("a{{b=\"{escaped}\"}} {number}\n{end}");
            let sample = one(&text, format);
            prop_assert_eq!(sample.label("b").unwrap().text(), value.as_str());
            prop_assert_eq!(sample.value.real().to_bits() == number.to_bits(), !number.is_nan() || sample.value.real().to_bits() == number.to_bits());
        }
    }
}
