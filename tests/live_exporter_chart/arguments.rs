//! The exporter takes the arguments that the chart gives it: every set is read by its own command line, and the real
//! program starts with them.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser;
use edgebench_exporter::cli::Cli;
use edgebench_tests::binaries;
use edgebench_tests::charts::{self, chart};
use serde_json::Value;

use crate::{exporter, rendered};

fn arguments(daemonset: &Value) -> Vec<String> {
    let args = daemonset["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    args.iter().map(|arg| arg.as_str().unwrap().to_owned()).collect()
}

fn sets() -> Vec<String> {
    let files = fs::read_dir(chart("edgebench").join("ci")).unwrap().map(|entry| entry.unwrap().path());
    let mut sets: Vec<_> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    sets.push(String::new());
    sets
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn every_argument_is_a_flag_of_the_exporter() {
    let requests: Vec<_> = sets().into_iter().map(|set| exporter().values(set)).collect();
    for rendered in charts::render(&requests) {
        let arguments = arguments(rendered.one("DaemonSet"));
        let program = ["edgebench-exporter".to_owned()];
        if let Err(error) = Cli::try_parse_from(program.iter().chain(&arguments)) {
            panic!("{arguments:?}: {error}");
        }
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn values_reach_the_flag_that_they_are_named_after() {
    let values = "\
pss: {budget: 2%, maxResident: 8GiB, interval: 40s}
discovery: {recheck: 5m}
kube: {enabled: false}
kubevirt: {interval: 45s, endpoints: ['virt-api=https://10.0.0.1:8443/metrics']}
guest: {targets: [node_exporter, 'a/b=edgeHub=1']}
collectors: {io: false, thread: false}
service: {port: 9000}
";
    let arguments = arguments(rendered(values).one("DaemonSet"));
    let given = [
        "--pss.budget=2%",
        "--pss.max-resident=8GiB",
        "--pss.interval=40s",
        "--discovery.recheck=5m",
        "--kube=off",
        "--kubevirt.interval=45s",
        "--kubevirt.endpoint=virt-api=https://10.0.0.1:8443/metrics",
        "--guest.targets=node_exporter",
        "--guest.targets=a/b=edgeHub=1",
        "--no-collector.io",
        "--no-collector.thread",
        "--web.listen-address=:9000",
    ];
    for argument in given {
        assert!(arguments.iter().any(|own| own == argument), "{argument}: {arguments:?}");
    }
    assert!(!arguments.iter().any(|own| own == "--no-collector.pss"));
}

/// The same with the paths of this machine in place of the pod's.
fn here(argument: &str, dir: &Path) -> String {
    let files = [
        ("/etc/edgebench/web/web-config.yml", "web-config.yml", "basic_auth_users: {}\n"),
        ("/etc/edgebench/kubevirt-ca/ca.crt", "ca.crt", ""),
        ("/var/run/secrets/kubernetes.io/serviceaccount/token", "token", "a-token\n"),
    ];
    for (path, name, text) in files {
        if argument.ends_with(path) {
            let file = dir.join(name);
            fs::write(&file, text).unwrap();
            return argument.replace(path, file.to_str().unwrap());
        }
    }
    // Without a cluster there is nobody to ask.
    argument.replace("/host/", "/").replace("--kube=on", "--kube=off")
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_real_program_starts_with_them() {
    let requests: Vec<_> = sets().into_iter().map(|set| exporter().values(set)).collect();
    let dir = tempfile::tempdir().unwrap();
    for rendered in charts::render(&requests) {
        let arguments = arguments(rendered.one("DaemonSet"));
        // What answers at these addresses is not there; asking them takes its time.
        let asks = |argument: &String| {
            ["--kubevirt.endpoint=", "--guest.targets="].iter().any(|flag| argument.starts_with(flag))
        };
        let arguments: Vec<_> = arguments
            .iter()
            .filter(|argument| !asks(argument))
            .map(|argument| here(argument, dir.path()))
            .collect();
        let output = Command::new(binaries::exporter())
            .args(&arguments)
            .arg("--once")
            .env("NODE_NAME", "n")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("edgebench_build_info"), "{arguments:?}");
    }
}
