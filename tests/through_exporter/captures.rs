//! A capture that was taken through an exporter is a capture like any other.

use edgebench_tests::{Host, Workdir, captures, phases};
use serde_json::Value;

use crate::{footprint, of_the_real_node, saying};

#[test]
fn a_saved_capture_gives_the_same_report() {
    let exporter = saying(&of_the_real_node("4-vm"));
    let dir = Workdir::new();
    let live = dir.shows(footprint(&exporter.url(), &["--save", "remote.json.gz", "--format", "json"]));
    let again = dir.shows(["compare", "remote.json.gz", "remote.json.gz", "--format", "json"]);
    let mut live: Value = serde_json::from_str(&live).unwrap();
    let again: Value = serde_json::from_str(&again).unwrap();
    let mut replayed = again["capture"]["captures"][0].clone();
    assert_eq!(replayed["capture"]["file"].take(), "remote.json.gz");
    assert_eq!(live["capture"]["captures"][0].take(), replayed);
}

#[test]
fn a_local_baseline_is_compared_with_a_remote_capture() {
    let exporter = saying(&of_the_real_node("4-vm"));
    let dir = Workdir::new();
    captures::of_the_real_node("1-kubernetes", &dir.path().join("before.json"));
    dir.shows(footprint(&exporter.url(), &["--save", "after.json"]));
    let text = dir.shows(["compare", "before.json", "after.json"]);
    for words in ["NO KUBEVIRT", "Kubernetes grew", "KubeVirt takes", "Measured through edgebench-exporter"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    captures::of_the_real_node("4-vm", &dir.path().join("local.json"));
    let [here, there] = ["local.json", "after.json"].map(|capture| {
        let report = dir.shows(["compare", "before.json", capture, "--format", "json"]);
        serde_json::from_str::<Value>(&report).unwrap()
    });
    assert_eq!(here["node"], there["node"]);
    assert_eq!(here["memory"]["total"], there["memory"]["total"]);
    assert_eq!(here["tax"], there["tax"]);
}

#[test]
fn a_capture_has_another_schema_which_an_older_edgebench_refuses() {
    let exporter = saying(&of_the_real_node("4-vm"));
    let dir = Workdir::new();
    dir.shows(footprint(&exporter.url(), &["--save", "remote.json", "--label", "with"]));
    let text = String::from_utf8(dir.read("remote.json")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> =
        lines.iter().map(|line| line.as_object().unwrap().keys().next().unwrap().as_str()).collect();
    assert_eq!(kinds, ["header", "scrape", "workload", "scrape", "workload", "end"]);
    let header = &lines[0]["header"];
    assert_eq!(header["edgebench_capture"], 2);
    assert_eq!(header["exporter"]["url"], format!("{}/metrics", exporter.url()));
    assert_eq!(header["exporter"]["version"], "9.8.7");
    assert_eq!(header["started"], "2026-11-22T09:14:03Z");
    assert_eq!(header["label"], "with");
    assert!(header.get("clock").is_none() && header.get("uid").is_none());
    let nanos = phases::between_the_readings("4-vm").as_nanos() as u64;
    assert_eq!(lines[3]["scrape"]["at"], nanos);
}

#[test]
fn a_damaged_capture_is_refused() {
    let exporter = saying(&of_the_real_node("4-vm"));
    let dir = Workdir::new();
    dir.shows(footprint(&exporter.url(), &["--save", "good.json"]));
    let text = String::from_utf8(dir.read("good.json")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    for missing in 1..lines.len() - 1 {
        let mut left = lines.clone();
        left.remove(missing);
        dir.write("bad.json", left.join("\n") + "\n");
        dir.refuses(["compare", "good.json", "bad.json"], &["bad.json", "damaged"]);
    }
    dir.write("bad.json", &text[..text.len() / 2]);
    dir.refuses(["compare", "good.json", "bad.json"], &["bad.json", "cut short"]);
    // Lines of the one kind behind the header of the other.
    captures::Run::default().save(&Host::new(), &dir.path().join("local.json"), |_, _| {});
    let local = String::from_utf8(dir.read("local.json")).unwrap();
    let mixed = |head: &str, rest: &str| {
        format!("{}\n{}", head.lines().next().unwrap(), rest.split_once('\n').unwrap().1)
    };
    dir.write("bad.json", mixed(&text, &local));
    dir.refuses(["compare", "good.json", "bad.json"], &["bad.json", "through an exporter"]);
    dir.write("bad.json", mixed(&local, &text));
    dir.refuses(["compare", "good.json", "bad.json"], &["bad.json", "one of a local run"]);
}
