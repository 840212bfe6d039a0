//! The figures on the page are those of the JSON report: every mark of every plot in full precision, and the tables as
//! printed.

use std::path::Path;

use edgebench::layout::figures::{fixed, grouped, percent, points, signed};
use edgebench_tests::Workdir;
use edgebench_tests::browser::{Browser, Page, Screen};
use edgebench_tests::page::Element;
use serde_json::Value;

/// What is drawn: the place of a mark, its size in pixels, and what it says of itself.
const MARKS: &str = "[...document.querySelectorAll('svg.plot')].map(svg => ({
    id: svg.id,
    width: svg.getBoundingClientRect().width,
    classes: svg.getAttribute('class'),
    marks: [...svg.querySelectorAll('.mark')].map(mark => ({
        name: mark.nodeName, width: mark.getBoundingClientRect().width, height: mark.getBoundingClientRect().height,
        value: mark.dataset.value, unit: mark.dataset.unit, values: mark.dataset.values, each: mark.dataset.each, json: mark.dataset.json,
    })),
}))";

/// The number that a JSON pointer leads to.
fn at(report: &Value, pointer: &str) -> f64 {
    let found = report.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    found.as_f64().unwrap_or_else(|| panic!("{pointer} is {found}"))
}

/// The sum of several; one with a - before it is taken off.
fn sum(report: &Value, pointers: &str) -> f64 {
    let pointers = pointers.split(' ');
    pointers
        .map(|pointer| {
            pointer.strip_prefix('-').map_or_else(|| at(report, pointer), |taken| -at(report, taken))
        })
        .sum()
}

fn is_equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Holds every mark of every plot against the report. Answers how many plots and marks there are.
pub(super) fn check_marks(page: &mut Page<'_>, report: &Value) -> (usize, usize) {
    let plots = page.value(MARKS);
    let (mut count, mut with_pointers) = (0, 0);
    for plot in plots.as_array().unwrap() {
        let marks = plot["marks"].as_array().unwrap();
        assert!(!marks.is_empty(), "{} has no mark", plot["id"]);
        for mark in marks {
            count += 1;
            // A line across has no height.
            let size = |side: &str| mark[side].as_f64().unwrap();
            assert!(
                size("width") > 0.0
                    && (size("height") > 0.0 || mark["name"] == "line" || mark["name"] == "polyline"),
                "{mark}"
            );
            if let Some(pointer) = mark["json"].as_str() {
                with_pointers += 1;
                match mark["values"].as_str() {
                    Some(values) => check_series(report, pointer, values, mark["each"].as_str().unwrap()),
                    None => {
                        let value: f64 = mark["value"].as_str().unwrap().parse().unwrap();
                        assert!(is_equal(value, sum(report, pointer)), "{}: {mark}", plot["id"]);
                    }
                }
            }
        }
        check_lengths(plot);
    }
    assert!(with_pointers * 10 >= count * 9, "{with_pointers} of {count} say where the report has them");
    (plots.as_array().unwrap().len(), count)
}

/// The points of a line are the samples, or means of so many.
fn check_series(report: &Value, pointer: &str, values: &str, each: &str) {
    let samples: Vec<f64> = report
        .pointer(pointer)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| sample.as_f64().unwrap())
        .collect();
    let means =
        samples.chunks(each.parse().unwrap()).map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64);
    let drawn: Vec<f64> = values.split(' ').map(|value| value.parse().unwrap()).collect();
    let means: Vec<f64> = means.collect();
    assert_eq!(drawn.len(), means.len(), "{pointer}");
    assert!(drawn.iter().zip(&means).all(|(a, b)| is_equal(*a, *b)), "{pointer}: {drawn:?} {means:?}");
}

/// Bars are as long as their figures: of one plot in proportion, but for those too short to be seen.
fn check_lengths(plot: &Value) {
    let classes = plot["classes"].as_str().unwrap();
    if !["bars", "waterfall", "rings", "strip"].iter().any(|class| classes.contains(class)) {
        return;
    }
    let bars: Vec<(f64, f64)> = plot["marks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|mark| {
            let value = mark["value"].as_str()?.parse::<f64>().unwrap().abs();
            let value = if mark["unit"] == "bytes" { value / 1024.0 } else { value };
            Some((value, mark["width"].as_f64()?))
        })
        .collect();
    let longest = bars.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    if longest.0 == 0.0 {
        return;
    }
    for (value, width) in bars {
        let expected = value / longest.0 * longest.1;
        let least = plot["width"].as_f64().unwrap() * 0.0025;
        assert!(
            (width - expected).abs() < 2.5 || width <= least + 2.0,
            "{}: {value} is {width} px, not {expected}",
            plot["id"]
        );
    }
}

#[test]
#[ignore = "live: needs chromium"]
fn every_mark_of_the_real_nodes_page_is_the_reports() {
    let dir = Workdir::new();
    let (html, report) = super::of_the_real_node(&dir);
    let mut browser = Browser::new();
    let (plots, marks) = check_marks(&mut browser.open(&html, Screen::DESK), &report);
    // The node, CPU, RAM, both ledgers, memory and CPU of components, the node's rings and the VM's.
    assert_eq!(plots, 9);
    assert!(marks > 100, "{marks}");
}

/// A page of other figures than the report's is found out, and so is one whose bars are of another length.
#[test]
#[ignore = "live: needs chromium"]
fn a_figure_that_is_not_the_reports_is_found_out() {
    let dir = Workdir::new();
    let (html, report) = super::of_the_real_node(&dir);
    let mut browser = Browser::new();
    let mut refused = |html: &Path, report: &Value| -> String {
        let mut page = browser.open(html, Screen::DESK);
        let checked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_marks(&mut page, report)));
        checked.err().and_then(|panic| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    };
    assert_eq!(refused(&html, &report), "");
    let mut other = report.clone();
    let amount = &mut other["memory"]["parts"][3]["amount"];
    *amount = (amount.as_f64().unwrap() + 1.0).into();
    assert!(refused(&html, &other).starts_with("\"plot-memory\""));
    let text = std::fs::read_to_string(&html).unwrap();
    let (before, after) = text.split_once("id=\"plot-cpu\"").unwrap();
    let longer = after.replacen("width=\"", "width=\"1", 3);
    dir.write("longer.html", format!("{before}id=\"plot-cpu\"{longer}"));
    assert!(refused(&dir.path().join("longer.html"), &report).contains(" px, not "));
}

#[test]
#[ignore = "live: needs chromium"]
fn a_page_of_this_machine_too() {
    let dir = Workdir::new();
    dir.shows([
        "footprint",
        "--samples",
        "3",
        "--interval",
        "200ms",
        "--save",
        "now.json.gz",
        "--format",
        "json",
    ]);
    // Nothing is held against anything, so the capture is its own other side, and once it is alone.
    let mut browser = Browser::new();
    let (html, report) = super::page(&dir, "now", &["compare", "now.json.gz", "now.json.gz"]);
    check_marks(&mut browser.open(&html, Screen::DESK), &report);
    let html = dir.path().join("alone.html");
    let samples = ["footprint", "--samples", "3", "--interval", "200ms", "--format", "html", "--output"];
    dir.shows([&samples[..], &[html.to_str().unwrap()]].concat());
    let mut page = browser.open(&html, Screen::PHONE);
    let plots = page.value(MARKS);
    assert!(
        plots.as_array().unwrap().iter().all(|plot| !plot["marks"].as_array().unwrap().is_empty()),
        "{plots}"
    );
    assert_eq!((page.complaints().len(), page.requests().len()), (0, 0));
    assert_eq!(browser.asked_of_the_network(), [""; 0]);
}

#[test]
#[ignore = "live: needs chromium"]
fn three_sides_are_an_array_of_reports() {
    let dir = Workdir::new();
    let (before, after) = (super::example("no-kubevirt.json.gz"), super::example("kubevirt.json.gz"));
    let (html, report) = super::page(&dir, "three", &["compare", &before, "--with", &before, &after]);
    assert_eq!(report.as_array().unwrap().len(), 2);
    let mut browser = Browser::new();
    let (plots, _) = check_marks(&mut browser.open(&html, Screen::DESK), &report);
    assert_eq!(plots, 7 + 9);
}

/// The page as the browser understood it, not as it was written.
fn understood(browser: &mut Browser, html: &Path) -> Element {
    let document = browser.open(html, Screen::DESK).document();
    // A browser writes void elements and children of SVG out in its own way.
    Element::read(&format!("<!DOCTYPE html>\n{}", document.replace("&nbsp;", " "))).unwrap()
}

#[test]
#[ignore = "live: needs chromium"]
fn the_tables_are_the_report_rounded() {
    let dir = Workdir::new();
    let (html, report) = super::of_the_real_node(&dir);
    let page = understood(&mut Browser::new(), &html);
    let rows = |id: &str| page.with_id(id).unwrap().named("table").first().unwrap().rows();

    let mut printed = rows("node").into_iter().skip(1);
    for row in report["node"].as_array().unwrap() {
        let change = |row: &Value, field: &str| row[field].as_f64().unwrap();
        let cells = printed.next().unwrap();
        let part = &row["percent"];
        assert_eq!(cells[1], percent(change(part, "baseline"), 2));
        assert_eq!(cells[2], percent(change(part, "capture"), 2));
        assert_eq!(cells[3], points(change(part, "delta"), 2));
        if !row["kib"].is_null() {
            let cells = printed.next().unwrap();
            let kib = &row["kib"];
            assert_eq!(cells[1], format!("{} MiB", fixed(change(kib, "baseline") / 1024.0, 1)));
            assert_eq!(cells[3], format!("{} MiB", signed(change(kib, "delta") / 1024.0, 1)));
        }
    }
    assert!(printed.next().is_none());

    let capture = &report["capture"]["captures"][0];
    let mib = |bytes: &Value| fixed(bytes.as_f64().unwrap() / 1048576.0, 1);
    let mut found = 0;
    for cells in rows("processes").iter().skip(1) {
        let mut components = capture["components"].as_array().unwrap().iter();
        let Some(row) = components.find(|row| row["component"] == cells[0] && row["stack"] == cells[1])
        else {
            continue;
        };
        found += 1;
        assert_eq!(cells[2], row["processes"].to_string());
        assert_eq!(cells[3], mib(&row["resident"]));
        assert_eq!(cells[5].trim_start_matches('~'), mib(&row["proportional"]["bytes"]), "{cells:?}");
        assert_eq!(cells[6], fixed(row["cpu_percent"].as_f64().unwrap(), 2));
    }
    assert!(found >= 20, "{found}");

    let vm = &rows("vms")[1];
    let of_vm = &capture["vms"][0];
    assert_eq!(vm[1..4], [mib(&of_vm["guest_size"]), mib(&of_vm["guest_resident"]), mib(&of_vm["overhead"])]);

    let ledger = rows("memory");
    let mut found = 0;
    for part in report["memory"]["parts"].as_array().unwrap() {
        let kib = part["amount"].as_f64().unwrap() as i64;
        let sign = if kib < 0 { '-' } else { '+' };
        let text = format!("{sign}{}", grouped(kib.unsigned_abs()));
        found += usize::from(ledger.iter().any(|cells| cells[1] == part["name"] && cells[2] == text));
    }
    // All but the small ones, which are folded.
    assert!(found >= 17, "{found} of {ledger:?}");
    let total = ledger.iter().find(|cells| cells[0] == "total").unwrap();
    assert_eq!(total[2], format!("+{}", grouped(report["memory"]["total"].as_f64().unwrap() as u64)));
}
