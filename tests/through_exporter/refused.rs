//! Whatever else answers than an exporter whose readings go on: one clear error, and nothing written.

use std::net::TcpListener;

use edgebench_tests::Workdir;
use edgebench_tests::fake_exporter::exposition::Exposition;
use edgebench_tests::fake_exporter::{Answer, FakeExporter};

use crate::{footprint, of_the_real_node, saying};

const TEXT: &str = "text/plain; version=0.0.4";

/// What a measurement through a server says that answers so.
fn refused(exporter: &FakeExporter, words: &[&str]) -> String {
    let dir = Workdir::new();
    let url = exporter.url();
    let arguments = footprint(&url, &["--exporter-timeout", "200ms", "--save", "capture.json"]);
    let message = dir.refuses(arguments, words);
    assert!(message.starts_with(&format!("edgebench: {url}/metrics: ")), "{message}");
    message
}

fn answering(answer: Answer, words: &[&str]) {
    refused(&FakeExporter::new([answer]), words);
}

fn saying_text(text: impl Into<String>, words: &[&str]) {
    answering(Answer::ok(TEXT, text.into()), words);
}

#[test]
fn what_is_no_url() {
    let dir = Workdir::new();
    for url in ["", "node:9971", "node", "ftp://node/metrics", "http://", "http://no de/"] {
        dir.refuses(footprint(url, &[]), &["--exporter: this is no URL of an exporter", "http://NODE:9971"]);
    }
    let message = dir.refuses(footprint("http://me:s3cret@node:9971", &[]), &["--exporter-password-file"]);
    assert!(!message.contains("s3cret"));
}

#[test]
fn arguments_that_do_not_go_together() {
    let dir = Workdir::new();
    for (arguments, words) in [
        (&["--exporter-ca-file", "ca.pem"][..], &["--exporter <URL>"][..]),
        (&["--exporter", "http://n", "--procfs", "/proc"], &["--procfs", "cannot be used with"]),
        (&["--exporter", "http://n", "--trust", "pod"], &["--trust", "cannot be used with"]),
        (&["--exporter", "http://n", "--no-pss"], &["--no-pss", "cannot be used with"]),
        (&["--exporter", "http://n", "--exporter-username", "me"], &["--exporter-password-file"]),
        (&["--exporter", "http://n", "--exporter-password-file", "f"], &["--exporter-username"]),
        (&["--exporter", "http://n", "--exporter-cert-file", "f"], &["--exporter-key-file"]),
    ] {
        let outcome = dir.run([&["footprint"], arguments].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
        for word in words {
            assert!(outcome.stderr.contains(word), "{word} in {}", outcome.stderr);
        }
    }
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    Workdir::new().refuses(footprint(&url, &[]), &[&url, "connection refused", "9971"]);
    let nowhere = footprint("http://no-such-host.invalid:9971", &[]);
    Workdir::new().refuses(nowhere, &["no-such-host.invalid", "can't be reached", "lookup"]);
}

#[test]
fn somebody_listens_and_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let arguments = footprint(&url, &["--exporter-timeout", "100ms"]);
    Workdir::new().refuses(arguments, &["no whole answer within 100ms", "--exporter-timeout"]);
}

#[test]
fn an_answer_that_is_no_http() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1000]);
        stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46").unwrap();
    });
    Workdir::new().refuses(footprint(&url, &[]), &[&url]);
}

#[test]
fn every_status_but_200() {
    for (status, words) in [
        ("401 Unauthorized", &["status 401", "--exporter-username", "--exporter-bearer-token-file"][..]),
        ("403 Forbidden", &["status 403", "these credentials may not"]),
        ("404 Not Found", &["status 404", "--web.telemetry-path"]),
        ("503 Service Unavailable", &["status 503", "no reading"]),
        ("500 Internal Server Error", &["status 500"]),
        ("204 No Content", &["status 204"]),
    ] {
        answering(Answer::status(status), words);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = saying(&of_the_real_node("4-vm"));
    let location = format!("Location: {}/metrics", elsewhere.url());
    answering(Answer::status("302 Found").header(&location), &["status 302", "redirects"]);
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn what_is_no_exposition_or_somebody_elses() {
    answering(Answer::ok("text/html; charset=utf-8", "<html></html>"), &["text/html", "is the path right"]);
    saying_text("<html></html>\n", &["malformed: line 1"]);
    saying_text("", &["no edgebench-exporter", "no metrics at all"]);
    saying_text(
        "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 1\n",
        &["no edgebench-exporter", "node_exporter"],
    );
    saying_text("namedprocess_namegroup_num_procs 1\n", &["no edgebench-exporter", "process-exporter"]);
    saying_text("go_goroutines 7\n", &["no edgebench-exporter", "its first metric is go_goroutines"]);
}

#[test]
fn text_that_is_cut_or_malformed_names_its_line() {
    let [before, _] = of_the_real_node("4-vm");
    let text = before.text();
    let lines = text.lines().count();
    saying_text(text.trim_end(), &[&format!("malformed: line {lines}: the text is cut short")]);
    let open = before.openmetrics();
    let lines = open.lines().count();
    let cut = Answer::ok("application/openmetrics-text", open.strip_suffix("# EOF\n").unwrap());
    answering(cut, &[&format!("line {lines}: the text is cut short: no # EOF")]);
    saying_text(text.replacen("{mode=\"idle\"}", "{mode=\"idle}", 1), &["line ", "label mode does not end"]);
    saying_text(
        text.clone() + "edgebench_node_memory_total_bytes 5\n",
        &["edgebench_node_memory_total_bytes is there twice"],
    );
    // What was promised and did not come.
    let short = Answer::ok(TEXT, text.as_bytes()).header("Content-Length: 999999999");
    answering(short, &["can't be reached", "disconnected"]);
    let packed = Answer::ok(TEXT, text.as_bytes()).header("Content-Encoding: gzip");
    answering(packed, &["damaged"]);
}

#[test]
fn figures_that_can_be_none_name_their_family() {
    let [before, _] = of_the_real_node("4-vm");
    let with = |start: &str, value: &str, words: &[&str]| {
        answering(Answer::from(&before.clone().with(start, value)), &[words, &["line "]].concat());
    };
    with("edgebench_node_memory_total_bytes", "NaN", &["edgebench_node_memory_total_bytes is no size"]);
    with(
        "edgebench_node_cpu_seconds_total{mode=\"user\"}",
        "-1",
        &["edgebench_node_cpu_seconds_total is no time"],
    );
    with("edgebench_reading_timestamp_seconds", "+Inf", &["edgebench_reading_timestamp_seconds is no time"]);
    with("edgebench_component_age_seconds", "NaN", &["edgebench_component_age_seconds is no age"]);
    let unknown = "edgebench_component_processes{component=\"a\",stack=\"b\"} 1";
    answering(
        Answer::from(&before.clone().and(unknown)),
        &["has the stack b, which this edgebench does not know"],
    );
    let unlabelled = "edgebench_component_processes{component=\"a\"} 1";
    answering(Answer::from(&before.and(unlabelled)), &["has no label stack"]);
}

#[test]
fn families_that_are_missing_name_what_switches_them_off() {
    let [before, _] = of_the_real_node("4-vm");
    let without = |start: &str, words: &[&str]| {
        answering(Answer::from(&before.clone().without(start)), words);
    };
    without(
        "edgebench_node_cpu_seconds_total",
        &["no edgebench_node_cpu_seconds_total", "--no-collector.cpu"],
    );
    without("edgebench_node_cpu_seconds_total{mode=\"steal\"}", &["no mode steal"]);
    without("edgebench_node_memory_", &["no edgebench_node_memory_total_bytes", "--no-collector.memory"]);
    without(
        "edgebench_component_",
        &["no edgebench_component_cpu_seconds_total", "--no-collector.component"],
    );
    without(
        "edgebench_reading_timestamp_seconds",
        &["edgebench_reading_timestamp_seconds", "newer exporter"],
    );
}

#[test]
fn what_is_optional_may_be_missing() {
    let [before, after] = of_the_real_node("4-vm");
    let lesser = |said: Exposition| {
        said.without("edgebench_vmi_")
            .without("edgebench_component_proportional_")
            .without("edgebench_node_pressure_")
            .without("process_start_time_seconds")
    };
    let exporter = saying(&[lesser(before), lesser(after)]);
    let text = Workdir::new().shows(footprint(&exporter.url(), &[]));
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("The exporter gives no PSS") && !flat.contains("Virtual machines"), "{text}");
}

#[test]
fn a_reading_that_does_not_go_on() {
    let [before, after] = of_the_real_node("4-vm");
    let same = [before.clone(), before.clone()];
    refused(&saying(&same), &["is the one before after 200ms", "edgebench_reading_timestamp_seconds"]);
    refused(&saying(&[after, before]), &["is older than the one before"]);
}

#[test]
fn a_reading_that_goes_on_later_is_waited_for() {
    let [before, after] = of_the_real_node("4-vm");
    let exporter = saying(&[before.clone(), before.clone(), before, after]);
    let text = Workdir::new().shows(footprint(&exporter.url(), &["--format", "json"]));
    assert!(text.contains("\"samples\": 1,"));
    assert_eq!(exporter.requests().len(), 4);
}

#[test]
fn an_exporter_that_started_anew() {
    let [before, after] = of_the_real_node("4-vm");
    let anew = after.clone().with("process_start_time_seconds", "1795330001.25");
    refused(&saying(&[before.clone(), anew]), &["started anew", "another one answered"]);
    let back = after.with("edgebench_component_cpu_seconds_total{component=\"virt-handler\"", "0.01");
    refused(&saying(&[before, back]), &["virt-handler (kubevirt) stepped back"]);
}

#[test]
fn an_answer_without_an_end_is_not_read_for_ever() {
    let body = vec![b'#'; (64 << 20) + 1];
    let dir = Workdir::new();
    let exporter = FakeExporter::new([Answer::ok(TEXT, body)]);
    dir.refuses(footprint(&exporter.url(), &[]), &["larger than 64 MiB"]);
}
