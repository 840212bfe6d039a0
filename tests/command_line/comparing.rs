//! Which captures are held against which: baselines are one side, captures of one label another.

use std::time::Duration;

use edgebench_tests::captures::Run;
use edgebench_tests::{Host, Workdir};
use serde_json::Value;

use super::{footprint, kubernetes, kubevirt};

/// Captures of a node: `a*` without KubeVirt, the others with it, which takes the KiB said.
fn captures() -> Workdir {
    let dir = Workdir::new();
    let save = |name: &str, label, host: &Host| {
        Run { label, ..Run::default() }.save(host, &dir.path().join(name), |_, _| {});
    };
    save("a1", None, &kubernetes());
    save("a2", None, &kubernetes().memory(&[("MemFree", 5_626_448 - 1024)]));
    save("a3", None, &kubernetes().memory(&[("MemFree", 5_626_448 + 1024)]));
    save("b1", Some("v0.49"), &kubevirt(102_400));
    save("b2", Some("v0.49"), &kubevirt(104_448));
    save("b3", Some("v0.49"), &kubevirt(106_496));
    save("c1", Some("v1.9"), &kubevirt(204_800));
    save("plain", None, &kubevirt(51_200));
    dir
}

/// The row of a table that begins with these words, in words.
fn row(text: &str, begins: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.trim_start().starts_with(begins));
    assert!(line.is_some(), "no {begins:?} in {text}");
    line.unwrap().split_whitespace().map(str::to_owned).collect()
}

/// The difference of RAM used in MiB, in the row below its percentages.
fn difference(text: &str) -> &str {
    let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with("RAM used (sar)"));
    let sizes = lines.nth(1).unwrap();
    &sizes[sizes.rfind("  ").unwrap() + 2..]
}

#[test]
fn of_two_files_the_second_is_the_capture() {
    let dir = captures();
    let text = dir.shows(["compare", "a1", "b1"]);
    assert!(text.contains("No KubeVirt: measured, a1 (2026-"), "{text}");
    assert_eq!(difference(&text), "+100.0 MiB");
    assert!(text.contains("too few samples"), "of three there is no interval");
    assert_eq!(dir.shows(["compare", "a1", "--with", "b1"]), text);
}

#[test]
fn one_run_covers_the_noise_inside_it() {
    let dir = Workdir::new();
    // Free memory goes up and down by 1 MiB in turns.
    for (name, host, free) in [("a", kubernetes(), 5_626_448), ("b", kubevirt(102_400), 5_524_048)] {
        let run = Run { samples: 30, ..Run::default() };
        run.save(&host, &dir.path().join(name), |host, sample| {
            host.step(|h| h.memory(&[("MemFree", free + 1024 * (sample % 2))]));
        });
    }
    let text = dir.shows(["compare", "a", "b"]);
    assert_eq!(difference(&text), "+100.0 MiB");
    assert!(row(&text, "RAM used (sar)").contains(&"real".to_owned()), "{text}");
    assert!(text.contains("The intervals cover noise inside a run, not from run to run"), "{text}");
}

#[test]
fn several_baselines_are_one_side() {
    let dir = captures();
    let text = dir.shows(["compare", "a1", "a2", "a3", "--with", "plain"]);
    assert!(text.contains("measured, a3 (3 captures, the last 2026-"), "{text}");
    // 1 MiB more in one and less in the other.
    assert_eq!(difference(&text), "+50.0 MiB");
}

#[test]
fn captures_of_one_label_are_one_side_and_cover_the_noise_between_runs() {
    let dir = captures();
    let text = dir.shows(["compare", "a1", "a2", "a3", "--with", "b1", "b2", "b3"]);
    assert!(text.contains("last of 3 captures"), "{text}");
    assert_eq!(difference(&text), "+102.0 MiB", "the mean of 100, 102 and 104");
    assert!(!text.contains("not from run to run"), "{text}");
    let used = row(&text, "RAM used (sar)");
    assert!(used.contains(&"real".to_owned()) && used.contains(&"..".to_owned()), "{used:?}");
    // The same side whatever the order, and one of another label is another side.
    let order = dir.shows(["compare", "a1", "--with", "b1", "c1", "b2"]);
    assert!(order.starts_with("3 sides, differences against A\n"), "{order}");
}

#[test]
fn captures_of_different_labels_are_held_against_one_baseline() {
    let dir = captures();
    let text = dir.shows(["compare", "a1", "--with", "b1", "c1", "b2"]);
    assert_eq!(row(&text, "A  a1")[..2], ["A", "a1"]);
    assert!(row(&text, "B  v0.49").join(" ").ends_with(" 2 captures of 3 x 1 s"), "{text}");
    assert_eq!(row(&text, "C  v1.9")[..2], ["C", "v1.9"]);
    assert_eq!(row(&text, "MiB")[1..], ["411.1", "512.1", "+101.0", "611.1", "+200.0"]);
    assert_eq!(row(&text, "total"), ["total", "+101.0", "+200.0"]);
    assert!(text.contains("C against B: RAM used (sar) +99.0 MiB"), "{text}");
    for (format, sides) in [("json", 2), ("markdown", 2), ("sar", 4), ("csv", 2), ("html", 2)] {
        let text = dir.shows(["compare", "a1", "--with", "b1", "c1", "b2", "--format", format]);
        let found = match format {
            "json" => serde_json::from_str::<Vec<Value>>(&text).unwrap().len(),
            "markdown" => text.matches("## Summary").count(),
            // The baseline once, then every capture.
            "sar" => text.matches("kbmemfree").count(),
            "html" => text.matches("<article ").count(),
            _ => ["v0.49", "v1.9"].iter().filter(|side| text.contains(&format!("\n{side},node,"))).count(),
        };
        assert_eq!(found, sides, "{format}: {text}");
    }
}

#[test]
fn captures_without_a_label_are_sides_of_their_own() {
    let dir = captures();
    let text = dir.shows(["compare", "a1", "--with", "plain", "a2", "plain"]);
    assert!(text.starts_with("4 sides, differences against A\n"), "{text}");
}

#[test]
fn a_baseline_with_kubevirt_in_it_is_a_change_and_not_what_kubevirt_takes() {
    let dir = captures();
    let text = dir.shows(["compare", "plain", "c1"]);
    assert!(text.contains("BASELINE") && text.contains("CAPTURE") && !text.contains("NO KUBEVIRT"));
    assert!(text.contains("! The baseline has KubeVirt in it"));
    assert_eq!(difference(&text), "+150.0 MiB");
    let less = dir.shows(["compare", "c1", "plain"]);
    assert_eq!(difference(&less), "-150.0 MiB");
    assert!(less.contains("less than the baseline"), "{less}");
}

#[test]
fn a_measurement_is_held_against_its_baselines() {
    let dir = captures();
    let host = kubevirt(102_400);
    let one = dir.shows(footprint(&host, &["--baseline", "a1"]));
    assert!(one.contains("No KubeVirt: measured, a1 ("), "{one}");
    assert_eq!(difference(&one), "+100.0 MiB");
    for more in
        [&["--baseline", "a1", "a2", "a3"][..], &["--baseline", "a1", "--baseline", "a2", "--baseline", "a3"]]
    {
        let text = dir.shows(footprint(&host, more));
        assert!(text.contains("measured, a3 (3 captures"), "{text}");
        assert_eq!(difference(&text), "+100.0 MiB");
    }
    let estimated = dir.shows(footprint(&host, &[]));
    assert!(estimated.contains("No KubeVirt: ESTIMATED") && estimated.contains("~NO KUBEVIRT"));
    assert_eq!(difference(&estimated), "~+100.0 MiB");
}

#[test]
fn labels_are_those_of_the_measurement() {
    let dir = captures();
    let host = kubevirt(102_400);
    for name in ["one.json.gz", "two.json.gz"] {
        dir.shows(footprint(&host, &["--label", "now", "--save", name]));
    }
    let text = dir.shows(["compare", "a1", "--with", "one.json.gz", "two.json.gz", "c1"]);
    assert!(text.starts_with("3 sides"), "{text}");
    assert_eq!(row(&text, "B  now")[1], "now");
    assert!(text.contains("2 captures of 3 x 0.01 s"), "{text}");
}

#[test]
fn how_long_ago_the_baseline_was_is_said() {
    let dir = captures();
    for (seconds, words) in [
        (100, "100 s earlier"),
        (43 * 60, "43 min earlier"),
        (3 * 3600, "3 h earlier"),
        (5 * 86_400, "5 days earlier"),
    ] {
        let started = Run::default().started + Duration::from_secs(seconds);
        let run = Run { started, ..Run::default() };
        run.save(&kubevirt(102_400), &dir.path().join("later"), |_, _| {});
        let text = dir.shows(["compare", "a1", "later"]);
        assert!(text.contains(&format!("same machine, {words})")), "{text}");
        assert!(dir.shows(["compare", "later", "a1"]).contains("same machine, taken later)"));
    }
}
