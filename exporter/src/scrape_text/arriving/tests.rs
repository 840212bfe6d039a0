use proptest::prelude::*;

use super::*;
use crate::scrape_text::lines;

const BOUNDS: Bounds = Bounds { bytes: 1 << 20, series: 10_000, line: 4096 };

/// Notes what it is given, of names that begin with one of these.
#[derive(Default)]
struct Notes {
    wanted: &'static [&'static str],
    taken: Vec<String>,
}

impl Wants for Notes {
    fn wants(&self, name: &str) -> bool {
        self.wanted.iter().any(|start| name.starts_with(start))
    }

    fn take(&mut self, sample: &Sample<'_>) -> Result<(), Objection> {
        let text = format!("{sample:?}");
        if self.taken.contains(&text) {
            return Err(Objection::Duplicate);
        }
        self.taken.push(text);
        Ok(())
    }
}

fn read_in(
    text: &[u8],
    format: Format,
    bounds: Bounds,
    wanted: &'static [&'static str],
    mut piece: impl FnMut() -> usize,
) -> (Result<Read, Refusal>, Vec<String>) {
    let mut notes = Notes { wanted, taken: Vec::new() };
    let mut arriving = Arriving::new(format, bounds);
    let mut rest = text;
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(piece().clamp(1, rest.len()));
        if let Err(refusal) = arriving.push(head, &mut notes) {
            return (Err(refusal), notes.taken);
        }
        rest = tail;
    }
    (arriving.finish(), notes.taken)
}

fn read(text: &str, wanted: &'static [&'static str]) -> (Result<Read, Refusal>, Vec<String>) {
    read_in(text.as_bytes(), Format::Text, BOUNDS, wanted, || usize::MAX)
}

fn refused(text: &str) -> Refusal {
    read(text, &["w"]).0.unwrap_err()
}

fn malformed(line: usize, what: &str) -> Refusal {
    Refusal::Malformed(Malformed::new(line, what))
}

#[test]
fn what_is_wanted_is_taken_and_all_is_counted() {
    let text = "# HELP w A\n# TYPE w gauge\nw{a=\"}\"} 1\n\nother{b=\"\\n} 2\"} 2\nw_total 3 1\n";
    let (result, taken) = read(text, &["w"]);
    assert_eq!(result, Ok(Read { bytes: text.len() as u64, series: 3 }));
    assert_eq!(taken.len(), 2);
    assert!(taken[0].contains("\"w\"") && taken[1].contains("\"w_total\""));
}

#[test]
fn a_broken_line_costs_nothing_where_its_name_is_not_wanted() {
    assert!(read("other{b=\"} 2\nw 1\n", &["w"]).0.is_ok());
    assert_eq!(refused("w 1\nw{b=\"} 2\n"), malformed(2, "w: the value of the label b does not end"));
    assert_eq!(refused("w NaN\nw one\n"), malformed(2, "a sample without a value"));
}

#[test]
fn an_error_page_is_no_text() {
    for text in [
        "<html><body>Bad Gateway</body></html>\n",
        "404 page not found\n",
        "Not found\n",
        "ok\n",
        "{\"status\":\"ok\"}\n",
        "error: no such route\n",
        "\u{1f}\u{8b}\u{8}\n",
    ] {
        assert!(matches!(refused(text), Refusal::Malformed(_)), "{text}");
    }
}

#[test]
fn a_cut_is_seen() {
    let cut = |text: &str, format| read_in(text.as_bytes(), format, BOUNDS, &["w"], || 3).0;
    let no_line_feed = "the text is cut short: no line feed at its end";
    assert_eq!(cut("other 1\nw 1", Format::Text), Err(malformed(2, no_line_feed)));
    assert_eq!(cut("w 1\nother{a=\"", Format::Text), Err(malformed(2, no_line_feed)));
    assert_eq!(cut("w 1\n", Format::OpenMetrics), Err(malformed(2, "the text is cut short: no # EOF")));
    assert!(cut("w 1\n# EOF", Format::OpenMetrics).is_ok());
    assert!(cut("w 1\n# EOF\n", Format::OpenMetrics).is_ok());
    assert_eq!(cut("# EOF\nw 1\n", Format::OpenMetrics), Err(malformed(2, "there is more behind # EOF")));
    assert_eq!(cut("# EOF\n#ere 1\n", Format::OpenMetrics), Err(malformed(2, "there is more behind # EOF")));
    assert!(cut("", Format::Text).is_ok());
}

#[test]
fn more_than_the_bounds_is_not_read() {
    let bounded = |text: &str, bytes, series, line| {
        let bounds = Bounds { bytes, series, line };
        read_in(text.as_bytes(), Format::Text, bounds, &["w"], || 7).0
    };
    assert!(bounded("w 1\no 2\n", 8, 2, 3).is_ok());
    assert_eq!(bounded("w 1\no 2\n", 7, 2, 3), Err(Refusal::TooLarge));
    assert_eq!(bounded("w 1\no 2\n", 8, 1, 3), Err(Refusal::TooMany));
    assert_eq!(bounded("w 12\n", 8, 1, 3), Err(malformed(1, "a line of more than 3 bytes")));
    assert_eq!(bounded("wwwwwwwwwwwwwwwww", 99, 1, 3), Err(malformed(1, "a line of more than 3 bytes")));
    assert!(
        bounded("other{a=\"123456789\"} 12\nw 1\n", 99, 9, 12).is_ok(),
        "one that is not wanted may be long"
    );
}

#[test]
fn no_more_than_a_line_is_held() {
    let mut notes = Notes { wanted: &["w"], ..Notes::default() };
    let mut arriving = Arriving::new(Format::Text, Bounds { bytes: u64::MAX, series: u64::MAX, line: 4096 });
    for _ in 0..100_000 {
        arriving.push(b"other{label=\"a value of some length\"} 12", &mut notes).unwrap();
        arriving.push(b"34.5\n# HELP w without an end ", &mut notes).unwrap();
        arriving.push(b"and more\nw{a=\"b", &mut notes).unwrap();
        arriving.push(format!("{}\"}} 1\n", arriving.read().bytes).as_bytes(), &mut notes).unwrap();
        notes.taken.clear();
        assert!(arriving.partial.capacity() < 256, "{}", arriving.partial.capacity());
    }
    assert_eq!(arriving.read().series, 200_000);
}

#[test]
fn the_same_series_twice_is_found() {
    let twice = Refusal::Duplicate(Malformed::new(3, "w is there twice"));
    assert_eq!(refused("w{a=\"b\"} 1\nw{a=\"c\"} 1\nw{a=\"b\"} 1\n"), twice);
}

#[test]
fn a_line_with_thousands_of_labels_is_read_in_no_time() {
    let labels: String = (0..400).map(|at| format!("l{at}=\"\",")).collect();
    assert!(read(&format!("w{{{labels}}} 1\n"), &["w"]).0.is_ok());
    let again = read(&format!("w{{{labels}l7=\"\"}} 1\n"), &["w"]).0;
    assert_eq!(again, Err(malformed(1, "w: the label l7 is there twice")));
}

#[test]
fn every_sample_is_read_as_lines_reads_it() {
    for (name, text) in FIXTURES {
        let whole = lines(text.as_bytes(), Format::Text).unwrap().map(|line| line.expect(name));
        let expected: Vec<_> = whole
            .filter_map(
                |line| if let Line::Sample(sample) = line { Some(format!("{sample:?}")) } else { None },
            )
            .collect();
        let everything = &[""];
        let mut at = 0;
        let (result, taken) = read_in(text.as_bytes(), Format::Text, BOUNDS, everything, || {
            at = at * 7 % 1001 + 1;
            at
        });
        assert_eq!(result.map(|read| read.series), Ok(expected.len() as u64), "{name}");
        assert_eq!(taken, expected, "{name}");
    }
}

/// Real ones, and one that was made from the documentation (`edgeagent.prom`).
const FIXTURES: [(&str, &str); 9] = [
    ("virt-api", include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-api-1.9.prom")),
    ("virt-controller", include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-controller-1.9.prom")),
    (
        "virt-controller 1.2",
        include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-controller-1.2.prom"),
    ),
    ("virt-handler", include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-handler-1.9.prom")),
    (
        "virt-handler 1.2.2",
        include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-handler-1.2.2.prom"),
    ),
    (
        "virt-handler legacy",
        include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-handler-legacy.prom"),
    ),
    (
        "virt-handler migration",
        include_str!("../../../../tests/fixtures/kubevirt-metrics/virt-handler-migration.prom"),
    ),
    ("edgeHub", include_str!("../../../../tests/fixtures/iotedge/edgehub.prom")),
    ("edgeAgent", include_str!("../../../../tests/fixtures/iotedge/edgeagent.prom")),
];

proptest! {
    #[test]
    fn no_bytes_break_it_however_they_are_cut(bytes in any::<Vec<u8>>(), pieces in proptest::collection::vec(1_usize..9, 1..9)) {
        for format in [Format::Text, Format::OpenMetrics] {
            let mut turn = pieces.iter().cycle();
            let (in_pieces, taken) = read_in(&bytes, format, BOUNDS, &["a", "b"], || *turn.next().unwrap());
            let (at_once, expected) = read_in(&bytes, format, BOUNDS, &["a", "b"], || usize::MAX);
            prop_assert_eq!(in_pieces.is_ok(), at_once.is_ok());
            if at_once.is_ok() {
                prop_assert_eq!((in_pieces, taken), (at_once, expected));
            }
        }
    }

    #[test]
    fn where_the_cuts_are_makes_no_difference(
        text in "(a|b|c)(\\{x=\"[ -~é\n]{0,5}\"\\})? ?(1|NaN|-2e3|x)?( 5)?\n?(# (EOF|TYPE a gauge)?\n)?",
        pieces in proptest::collection::vec(1_usize..9, 1..9),
    ) {
        for format in [Format::Text, Format::OpenMetrics] {
            let mut turn = pieces.iter().cycle();
            let in_pieces = read_in(text.as_bytes(), format, BOUNDS, &["a", "b"], || *turn.next().unwrap());
            prop_assert_eq!(in_pieces, read_in(text.as_bytes(), format, BOUNDS, &["a", "b"], || usize::MAX));
        }
    }
}
