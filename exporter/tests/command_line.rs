//! The program from outside: what it prints once, and what it says when it can't start.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn exporter(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_edgebench-exporter")).args(arguments).output().unwrap()
}

/// What it says as it refuses to start.
fn refusal(arguments: &[&str]) -> String {
    let output = exporter(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}: nothing is half written");
    stderr
}

/// What it says of a web configuration with this text, beside which lie these files.
fn refused_config(text: &str, files: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let config = dir.path().join("web.yml");
    fs::write(&config, text).unwrap();
    refusal(&["--web.listen-address=127.0.0.1:0", "--web.config.file", config.to_str().unwrap()])
}

#[test]
fn one_reading_is_an_exposition() {
    let output = exporter(&["--once"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("# HELP edgebench_node_cpu_seconds_total "), "{text:.80}");
    for family in ["node_memory_used_bytes ", "component_processes{", "build_info{", "collector_success{"] {
        assert!(text.contains(&format!("\nedgebench_{family}")), "{family}");
    }
    assert!(text.contains("\nprocess_resident_memory_bytes "));
}

#[test]
fn statistics_count_the_series() {
    let series = |output: Output| String::from_utf8(output.stdout).unwrap();
    let stats = series(exporter(&["--once", "--stats"]));
    let total: usize = stats.lines().next().unwrap().split_whitespace().last().unwrap().parse().unwrap();
    let once = series(exporter(&["--once"]));
    let samples = once.lines().filter(|line| !line.starts_with('#')).count();
    // Processes come and go between the two.
    assert!(total.abs_diff(samples) <= samples / 5, "{total} and {samples}");
}

#[test]
fn a_collector_that_is_switched_off_takes_its_families_along() {
    let text = String::from_utf8(exporter(&["--once", "--no-collector.memory"]).stdout).unwrap();
    assert!(!text.contains("edgebench_node_memory_"));
    assert!(!text.contains("collector_success{collector=\"memory\"}"));
    assert!(text.contains("edgebench_node_cpu_seconds_total"));
}

#[test]
fn an_unknown_flag_is_named() {
    assert!(refusal(&["--web.listen-adress=:1"]).contains("--web.listen-adress"));
    assert!(refusal(&["--no-collector.exporter"]).contains("--no-collector.exporter"));
    assert!(refusal(&["--pss.budget=200%"]).contains("at most 100%"));
    assert!(refusal(&["--web.listen-address=nowhere"]).contains("the port is missing"));
}

#[test]
fn a_procfs_that_is_none_is_named_with_the_flag_that_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proc");
    for _ in 0..2 {
        let text = refusal(&["--once", "--path.procfs", path.to_str().unwrap()]);
        assert!(text.contains(path.to_str().unwrap()) && text.contains("--path.procfs"), "{text}");
        // Nor is an empty directory one.
        let _ = fs::create_dir(&path);
    }
}

#[test]
fn a_web_configuration_that_cant_be_used_is_named_with_what_is_wrong() {
    let missing = refusal(&["--web.listen-address=127.0.0.1:0", "--web.config.file=/nowhere/web.yml"]);
    assert!(missing.contains("/nowhere/web.yml"), "{missing}");
    let unknown = refused_config("tls_server_config:\n  cert_fil: a.pem\n", &[]);
    assert!(unknown.contains("cert_fil") && unknown.contains("web.yml"), "{unknown}");
    let tls = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";
    let no_key = refused_config(tls, &[("cert.pem", "")]);
    assert!(no_key.contains("key.pem") || no_key.contains("cert.pem"), "{no_key}");
    let broken = refused_config(tls, &[("cert.pem", "no certificate"), ("key.pem", "no key")]);
    assert!(broken.contains("cert.pem"), "{broken}");
}

#[test]
fn a_cluster_that_is_demanded_must_be_configured() {
    let start = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_edgebench-exporter"))
            .args(["--web.listen-address=127.0.0.1:0", "--kube=on"])
            .args(arguments)
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("KUBECONFIG", "/nowhere/kubeconfig")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let text = start(&[]);
    assert!(text.contains("--kube.kubeconfig") && text.contains("--kube=off"), "{text}");
    if cfg!(feature = "kube") {
        assert!(text.contains("/nowhere/kubeconfig"), "{text}");
        let text = start(&["--kube.kubeconfig=/nowhere/else"]);
        assert!(text.contains("--kube.kubeconfig=/nowhere/else"), "{text}");
    }
}

#[cfg(feature = "kube")]
#[test]
fn a_kubeconfig_that_is_named_must_be_one_unless_nobody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kubeconfig");
    fs::write(&path, "clusters: 7\n").unwrap();
    let flag = format!("--kube.kubeconfig={}", path.display());
    let text = refusal(&["--web.listen-address=127.0.0.1:0", &flag]);
    assert!(text.contains(&flag), "{text}");
    assert!(exporter(&["--once", "--kube=off", &flag]).status.success());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(refusal(&["--web.listen-address", &address]).contains(&address));
}

#[test]
fn sigterm_ends_it_cleanly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_edgebench-exporter"))
        .args(["--web.listen-address=127.0.0.1:0", "--log.format=json", "--discovery=list"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    assert!(line.contains("\"listening\"") && line.contains("\"address\":\"127.0.0.1:"), "{line}");
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("SIGTERM"), "{rest}");
}
