//! The figures of the real node, locally and through an exporter.

use std::collections::BTreeMap;

use edgebench_tests::fake_exporter::exposition::Exposition;
use edgebench_tests::workdir::{outcome, send, wait_for};
use edgebench_tests::{Workdir, phases};
use rustix::process::Signal;
use serde_json::Value;

use crate::{footprint, of_the_real_node, saying};

fn report(phase: &str) -> Value {
    let exporter = saying(&of_the_real_node(phase));
    let text = Workdir::new().shows(footprint(&exporter.url(), &["--format", "json"]));
    serde_json::from_str(&text).unwrap()
}

fn local(phase: &str) -> Value {
    // Through text as the other, since reading a number from text may move its last bit.
    serde_json::from_str(&serde_json::to_string(&phases::footprint(phase)).unwrap()).unwrap()
}

fn shown(report: &Value) -> &Value {
    &report["capture"]["captures"][0]
}

#[test]
fn the_nodes_figures_are_those_of_a_local_run() {
    for phase in phases::PHASES {
        let (report, local) = (report(phase), local(phase));
        let remote = shown(&report);
        for field in [
            "cpu",
            "cpu_used_percent",
            "memory_total",
            "memory_unavailable_kib",
            "memory_unavailable_percent",
            "hugetlb",
            "processes",
            "kernel_threads",
            "cpus",
        ] {
            assert_eq!(remote["node"][field], local["node"][field], "{phase}: {field}");
        }
        for field in ["used", "used_percent", "available"] {
            assert_eq!(remote["node"]["memory"][field], local["node"]["memory"][field], "{phase}: {field}");
        }
        for field in ["cpu_used_percent", "memory_used_percent", "memory_unavailable_percent"] {
            assert_eq!(remote["series"][field], local["series"][field], "{phase}: {field}");
        }
    }
}

#[test]
fn components_are_those_of_a_local_run() {
    for phase in phases::PHASES {
        let (report, local) = (report(phase), local(phase));
        let known = |footprint: &Value| -> Vec<Value> {
            let rows = footprint["components"].as_array().unwrap().iter();
            rows.filter(|row| row["known"] == true).cloned().collect()
        };
        let (remote, local) = (known(shown(&report)), known(&local));
        assert!(remote.len() > 5);
        assert_eq!(remote.len(), local.len(), "{phase}");
        for (remote, local) in remote.iter().zip(&local) {
            for (field, value) in local.as_object().unwrap() {
                // The exporter of the test reads the PSS of small processes too.
                if field != "proportional" || value["kind"] == "exact" {
                    assert_eq!(remote[field], *value, "{phase}: {field} of {}", local["component"]);
                }
            }
        }
    }
}

/// The parts of a ledger by group.
fn groups(ledger: &Value) -> BTreeMap<String, i64> {
    let mut groups = BTreeMap::new();
    for part in ledger["parts"].as_array().unwrap() {
        *groups.entry(part["group"].as_str().unwrap().to_owned()).or_default() +=
            part["amount"].as_i64().unwrap();
    }
    groups
}

#[test]
fn where_ram_and_cpu_went_sums_exactly_and_as_locally() {
    for phase in phases::PHASES {
        let (report, local) = (report(phase), local(phase));
        let remote = shown(&report);
        assert_eq!(remote["memory"]["used_kib"], local["memory"]["used_kib"], "{phase}");
        assert_eq!(
            groups(&remote["memory"]).values().sum::<i64>(),
            remote["memory"]["used_kib"].as_i64().unwrap()
        );
        assert_eq!(remote["cpu"]["used_ticks"], local["cpu"]["used_ticks"], "{phase}");
        assert_eq!(
            groups(&remote["cpu"]).values().sum::<i64>(),
            remote["cpu"]["used_ticks"].as_i64().unwrap()
        );
        let (ours, theirs) = (groups(&remote["memory"]), groups(&local["memory"]));
        // Processes below 1 MiB stand with RssAnon locally: that is all that may differ.
        for (group, kib) in &theirs {
            let other = ours.get(group).copied().unwrap_or_default();
            assert!(
                (other - kib).abs() <= 2048,
                "{phase}: {group} {kib} locally, {other} through the exporter"
            );
        }
        for group in ["guest", "control_plane", "cdi", "vm_overhead", "kernel", "during_run", "unexplained"] {
            assert_eq!(ours.get(group), theirs.get(group), "{phase}: {group}");
        }
        let (ours, theirs) = (groups(&remote["cpu"]), groups(&local["cpu"]));
        for group in [
            "guest",
            "control_plane",
            "cdi",
            "vm_overhead",
            "vm_unsplit",
            "kubernetes",
            "kernel",
            "machine",
            "other",
        ] {
            assert_eq!(ours.get(group), theirs.get(group), "{phase}: {group}");
        }
    }
}

#[test]
fn a_vm_is_that_of_a_local_run() {
    let (report, local) = (report("4-vm"), local("4-vm"));
    let (remote, local) = (&shown(&report)["vms"][0], &local["vms"][0]);
    for field in [
        "namespace",
        "name",
        "uid",
        "pod_uid",
        "vcpus",
        "guest_size",
        "guest_resident",
        "guest_proportional",
        "overhead",
        "cpu_guest_percent",
        "cpu_overhead_percent",
    ] {
        assert_eq!(remote[field], local[field], "{field}");
    }
    for field in ["working_set", "limit", "oom_kills"] {
        assert_eq!(remote["compute"][field], local["compute"][field], "{field}");
    }
    for absent in ["swap", "processes", "accelerator"] {
        assert_eq!(remote[absent], Value::Null, "{absent}");
    }
}

#[test]
fn the_tax_is_that_of_a_local_run() {
    for phase in ["3-cdi", "4-vm"] {
        assert_eq!(shown(&report(phase))["tax"], local(phase)["tax"], "{phase}");
    }
}

#[test]
fn the_report_says_through_what_it_was_measured() {
    let [before, after] = of_the_real_node("4-vm");
    let after = after
        .with("edgebench_component_age_seconds{component=\"containerd\"", 30)
        .with("edgebench_component_proportional_memory_age_seconds", 12.4);
    let exporter = saying(&[before, after]);
    let url = exporter.url();
    let text = Workdir::new().shows(footprint(&url, &["--all"]));
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        format!("read by edgebench-exporter 9.8.7 at {url}/metrics").as_str(),
        "hardware ~2 vCPU",
        "~ rows that the exporter reads at a slow cadence: up to 30 s old",
        "Measured through edgebench-exporter 9.8.7 at",
        "(~), up to 30 s before the last sample: containerd.",
        "The exporter reads containerd too seldom for a run of this length",
        "PSS and guest RAM are the exporter's last, up to 12 s older",
        "shared memory (not known), unreclaimable slab (not known)",
        "KubeVirt tax",
    ] {
        assert!(flat.contains(words), "no {words:?} in {text}");
    }
    let row = text.lines().find(|line| line.trim_start().starts_with("containerd ")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells, ["containerd", "kubernetes", "1", "~47.7", "~0.2", "46.6", "-"]);
    assert!(text.contains("edge-0417"), "the name that the VM's labels give the node");
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn every_format_writes_it() {
    let exporter = saying(&of_the_real_node("4-vm"));
    let (url, dir) = (exporter.url(), Workdir::new());
    dir.shows(footprint(&url, &["--save", "remote.json"]));
    for format in ["table", "markdown", "json", "csv", "sar", "html"] {
        let text = dir.shows(["compare", "remote.json", "remote.json", "--format", format]);
        assert!(!text.contains("NaN"), "{format}: {text}");
    }
    let sar = dir.shows(["compare", "remote.json", "remote.json", "--format", "sar"]);
    let memory: Vec<_> = sar.lines().nth(4).unwrap().split_whitespace().collect();
    assert_eq!(memory.len(), 12);
    assert_eq!(memory.iter().filter(|column| **column == "-").count(), 8, "{sar}");
}

#[test]
fn both_text_formats_say_the_same() {
    use edgebench_tests::fake_exporter::{Answer, FakeExporter};
    let said = of_the_real_node("4-vm");
    let plain = said.each_ref().map(|said| Answer::ok("text/plain; version=0.0.4", said.text()));
    let (plain, open) = (FakeExporter::new(plain), saying(&said));
    let tables = |exporter: &FakeExporter| {
        let text = Workdir::new().shows(footprint(&exporter.url(), &[]));
        text.replace(&exporter.url(), "URL").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (plain, open) = (tables(&plain), tables(&open));
    assert!(plain.len() > 1000);
    // The port may have another number of digits, which moves a word of a note to another line.
    assert_eq!(plain, open);
}

#[test]
fn compressed_and_chunked_answers_are_read() {
    use std::io::Write;

    use edgebench_tests::fake_exporter::{Answer, FakeExporter};
    let answers = of_the_real_node("4-vm").map(|said| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(said.text().as_bytes()).unwrap();
        let body = gzip.finish().unwrap();
        let (first, second) = body.split_at(body.len() / 2);
        let mut chunked = Vec::new();
        for chunk in [first, second, &[]] {
            write!(chunked, "{:x}\r\n", chunk.len()).unwrap();
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        Answer::ok("text/plain; version=0.0.4", chunked)
            .header("Content-Encoding: gzip")
            .header("Transfer-Encoding: chunked")
    });
    let exporter = FakeExporter::new(answers);
    assert!(Workdir::new().shows(footprint(&exporter.url(), &[])).contains("virt-handler"));
    let request = exporter.requests()[0].to_ascii_lowercase();
    assert!(request.starts_with("get /metrics http/1.1\r\n"), "{request}");
    for header in [
        "accept: application/openmetrics-text;version=1.0.0,text/plain",
        "accept-encoding: gzip",
        "user-agent: edgebench/",
    ] {
        assert!(request.contains(header), "{header} in {request}");
    }
}

#[test]
fn a_row_that_is_read_often_enough_for_the_run_has_its_cpu_time() {
    let [before, after] = of_the_real_node("4-vm");
    let aged =
        |seconds| after.clone().with("edgebench_component_age_seconds{component=\"containerd\"", seconds);
    let row = |after: Exposition| -> Value {
        let exporter = saying(&[before.clone(), after]);
        let text = Workdir::new().shows(footprint(&exporter.url(), &["--format", "json"]));
        let report: Value = serde_json::from_str(&text).unwrap();
        let ledger = &shown(&report)["cpu"];
        let sum: i64 = groups(ledger).values().sum();
        assert_eq!(sum, ledger["used_ticks"].as_i64().unwrap());
        let rows = shown(&report)["components"].as_array().unwrap();
        rows.iter().find(|row| row["component"] == "containerd").unwrap().clone()
    };
    // The run is 11.41 s long.
    let (fresh, near, far) = (row(after.clone()), row(aged(1.1)), row(aged(1.2)));
    assert!(fresh["cpu_percent"].as_f64().unwrap() > 0.0);
    assert_eq!(near["cpu_percent"], fresh["cpu_percent"]);
    assert_eq!(far["cpu_percent"], Value::Null);
    assert_eq!((fresh.get("age_seconds"), near["age_seconds"].as_f64()), (None, Some(1.1)));
}

#[test]
fn ctrl_c_prints_what_was_measured_so_far() {
    let [before, _] = of_the_real_node("4-vm");
    let later = |second: u64| {
        let idle = "edgebench_node_cpu_seconds_total{mode=\"idle\"}";
        before
            .clone()
            .with("edgebench_reading_timestamp_seconds", 1_795_338_843 + second)
            .with(idle, 1_000_000 + second)
    };
    let said: Vec<_> = (0..1000).map(later).collect();
    let exporter = saying(&said);
    let dir = Workdir::new();
    let url = exporter.url();
    let run =
        ["footprint", "--samples", "900", "--interval", "20ms", "--save", "capture.json", "--exporter", &url];
    let child = dir.command(run).spawn().unwrap();
    wait_for("three readings", || exporter.requests().len() >= 3);
    send(Signal::INT, &child);
    let outcome = outcome(child);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (130, ""));
    assert!(outcome.stdout.contains("of 900 samples: these are the figures so far"), "{}", outcome.stdout);
    assert!(dir.shows(["compare", "capture.json", "capture.json"]).contains("of 900 samples"));
}
