//! Every format says the same figures in its way: on stdout or in a file, with nothing else in a pipe.

use edgebench_tests::Workdir;
use edgebench_tests::page::Element;
use serde_json::Value;

use super::{FORMATS, footprint, kubernetes, kubevirt};

#[test]
fn in_a_pipe_there_is_the_result_and_nothing_else() {
    let host = kubevirt(100_000);
    let dir = Workdir::new();
    for format in FORMATS {
        // `shows` asserts that stderr is empty.
        let text = dir.shows(footprint(&host, &["--format", format]));
        assert!(!text.contains('\u{1b}'), "no colours in {format}");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format} ends with its last line");
    }
}

#[test]
fn a_file_gets_what_stdout_would_have_got() {
    let host = kubevirt(100_000);
    let dir = Workdir::new();
    dir.shows(footprint(&host, &["--save", "capture.json"]));
    for format in FORMATS {
        let compare = ["compare", "capture.json", "capture.json", "--format", format];
        let text = dir.shows(compare);
        let nothing = dir.shows([&compare[..], &["--output", "result"]].concat());
        assert_eq!(nothing, "");
        assert!(String::from_utf8(dir.read("result")).unwrap() == text, "{format}");
    }
}

#[test]
fn the_table_leads_from_the_machine_to_the_answer() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubevirt(100_000), &[]));
    let headings: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.split(' ').next())
        .collect();
    let expected = ["No", "Environment", "Node", "Processes", "Where", "Where", "Notes", "Summary"];
    assert_eq!(headings, expected.map(Some));
    assert!(text.lines().all(|line| line.chars().count() <= 100));
    assert!(text.contains("edge-0417") && text.contains("virt-handler"));
    // 100,000 KiB are 97.65625 MiB.
    assert!(text.contains("97.7 MiB"), "{text}");
}

#[test]
fn without_kubevirt_there_is_one_column_and_the_largest_processes() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubernetes(), &[]));
    for words in [
        "No KubeVirt on this machine: one column, nothing to compare.",
        "THIS NODE",
        "Processes: the 10 largest by PSS, by name (--all for the rest)",
        "none of it is KubeVirt",
        "edgebench compare bench/examples/",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(!text.contains("VERDICT"));
}

#[test]
fn markdown_begins_with_the_source_documents_tables() {
    let dir = Workdir::new();
    dir.shows(footprint(&kubernetes(), &["--save", "before.json"]));
    let with_kubevirt = kubevirt(100_000);
    let more = ["--baseline", "before.json", "--format", "markdown"];
    let text = dir.shows(footprint(&with_kubevirt, &more));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[..2],
        ["| Metric     | No KubeVirt | KubeVirt | Delta |", "| :---       | :----   | :--- | :--- |"]
    );
    // 421,000 KiB are used before and 521,000 after, of 8,147,448: 102.4 MB more.
    assert_eq!(lines[3], "| RAM Used   | 5.17%   | 6.39%  | +1.23% (0.10GB) |");
    assert_eq!(lines[5..7], ["| Process | Memory |", "| :---       | :----   |"]);
    assert!(lines[7].starts_with("| virt-handler | 1.2% (100MB) |"), "{}", lines[7]);
    assert!(text.contains("\n## Summary\n"));
}

#[test]
fn json_has_a_schema_and_full_precision() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubevirt(100_000), &["--format", "json", "--label", "with"]));
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["schema"], "edgebench.report.v1");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    let capture = &report["capture"]["captures"][0];
    assert_eq!(capture["capture"]["label"], "with");
    assert_eq!(capture["capture"]["samples"], 3);
    assert_eq!(capture["host"]["hostname"], "edge-0417");
    assert_eq!(capture["series"]["memory_used_percent"].as_array().unwrap().len(), 3);
    assert_eq!(capture["memory"]["used_kib"], 521_000);
    let virt_handler = capture["components"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["component"] == "virt-handler")
        .unwrap();
    assert_eq!(virt_handler["resident"], 102_400_000);
    // Exactly, not as printed in a table.
    let percent = virt_handler["resident_percent"].as_f64().unwrap();
    assert_eq!(percent, 100_000.0 * 100.0 / 8_147_448.0);
}

#[test]
fn csv_has_a_row_for_every_figure() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubevirt(100_000), &["--format", "csv", "--label", "with"]));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("side,section,name,stack,figure,unit,baseline,capture,delta"));
    for row in [
        "with,node,RAM used (sar),,used,KiB,421000,521000,100000",
        "with,process,virt-handler,kubevirt,processes,,,1,",
        "with,process,virt-handler,kubevirt,resident,bytes,,102400000,",
        "with,process,kubelet,kubernetes,proportional,bytes,,204800000,",
        "with,memory,virt-handler,,control plane,KiB,,100000,",
    ] {
        assert!(text.lines().any(|line| line == row), "no {row} in {text}");
    }
    // A name with a comma in it is quoted.
    let outside_quotes = |line: &str| line.split('"').step_by(2).collect::<String>();
    assert!(lines.all(|line| outside_quotes(line).matches(',').count() == 8));
}

#[test]
fn sar_is_what_sar_prints() {
    let dir = Workdir::new();
    let text = dir.shows(footprint(&kubevirt(100_000), &["--format", "sar"]));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    let words = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    assert_eq!(words(lines[0])[..3], ["CPU", "%user", "%nice"]);
    assert_eq!(words(lines[1])[..2], ["Average:", "all"]);
    assert_eq!(words(lines[3])[..4], ["kbmemfree", "kbavail", "kbmemused", "%memused"]);
    assert_eq!(words(lines[4])[..5], ["Average:", "5526448", "7300000", "521000", "6.39"]);
}

#[test]
fn a_capture_renders_the_same_bytes_every_time() {
    let dir = Workdir::new();
    edgebench_tests::captures::of_the_real_node("1-kubernetes", &dir.path().join("before.json.gz"));
    edgebench_tests::captures::of_the_real_node("4-vm", &dir.path().join("after.json.gz"));
    for format in FORMATS {
        for more in [&["after.json.gz"][..], &["--with", "after.json.gz", "before.json.gz"]] {
            let arguments = [&["compare", "--format", format, "before.json.gz"], more].concat();
            let once = dir.shows(&arguments);
            assert!(dir.shows(&arguments) == once, "{format}");
        }
    }
}

#[test]
fn html_is_one_whole_page_that_leads_from_the_answer_to_the_machine() {
    let dir = Workdir::new();
    dir.shows(footprint(&kubernetes(), &["--save", "before.json"]));
    let with_kubevirt = kubevirt(100_000);
    let text = dir.shows(footprint(&with_kubevirt, &["--baseline", "before.json", "--format", "html"]));
    let page = Element::read(&text).unwrap();
    let headings: Vec<_> = page.named("h2").into_iter().map(Element::text).collect();
    // 421,000 KiB are used before and 521,000 after.
    let expected =
        ["KubeVirt takes 97.7 MiB (1.2 %) of this node", "Node", "Where the +97.7 MiB of RAM went"];
    assert_eq!(headings[..3], expected);
    assert_eq!(headings.last().unwrap(), "Environment");
    let plots = page.named("svg").into_iter().filter(|svg| svg.is_of("plot"));
    let plots: Vec<_> = plots.map(|svg| svg.get("id").unwrap()).collect();
    let ids = ["plot-node", "plot-cpu-used-percent", "plot-memory-used-percent", "plot-memory", "plot-cpu"];
    assert_eq!(plots, [&ids[..], &["components-memory", "components-cpu"]].concat());
    let step = page
        .all()
        .into_iter()
        .find(|mark| mark.is_of("mark") && mark.is_of("kubevirt") && mark.name == "rect");
    assert_eq!(step.unwrap().get("data-value"), Some("100000"));
    for loads in ["http:", "https:", "src=", "url(", "@import", "<script", "javascript:"] {
        assert!(!text.contains(loads), "{loads}");
    }
    assert!(text.contains("default-src 'none'"));
}
