//! What else `deploy/` has people run or apply: the commands of its pages, the footprint Job, the manifests for Flux and
//! the units for systemd.
//!
//! `cargo test -p edgebench-tests --test live_experiment -- --ignored --test-threads=1`, with Debian's `shellcheck` and
//! `systemd`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use edgebench_tests::binaries;
use edgebench_tests::charts::{Rendered, Request, chart};
use edgebench_tests::documented_commands::pages;
use serde_json::{Value, json};
use tempfile::TempDir;

fn deploy() -> PathBuf {
    fs::canonicalize(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).unwrap()
}

fn fed(program: &str, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
#[ignore = "live: needs shellcheck"]
fn every_command_of_the_pages_is_sound_for_bash_and_shellcheck() {
    let mut blocks = 0;
    for page in pages() {
        // One script: variables of one block are used in others.
        let script: String = page.blocks.iter().map(|(_, text)| text.as_str()).collect();
        blocks += page.blocks.len();
        for (program, arguments) in [("bash", &["-n"][..]), ("shellcheck", &["--shell=bash", "-"])] {
            let (passes, said) = fed(program, arguments, &script);
            assert!(passes && said.is_empty(), "{}: {program}: {said}", page.path.display());
        }
    }
    assert!(blocks > 25, "{blocks}");
    assert!(!fed("shellcheck", &["--shell=bash", "-"], "rm -rf $x/*\n").0, "it would speak");
}

/// `helm install … CHART …` of a page, as a request. Files stand for what the page says they are.
fn request(arguments: &[String]) -> Option<Request> {
    let path = arguments.iter().find_map(|word| word.strip_prefix("deploy/charts/"))?;
    let mut request = Request::of(&chart(path));
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--set" => request = request.set(words.next()?),
            "--set-file" => {
                let (name, file) = words.next()?.split_once('=')?;
                let example = fs::read_to_string(chart("iot-edge-vm").join("examples/config.toml")).unwrap();
                let text = match file {
                    "config.toml" => example.replace("<YOUR_CONNSTRING_HERE>", "HostName=hub"),
                    file if file.ends_with(".pub") => "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here\n".to_owned(),
                    file => panic!("{file}: what is in it?"),
                };
                request = request.values(json!({name: text}).to_string());
            }
            _ => {}
        }
    }
    Some(request)
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn every_helm_command_of_the_pages_renders() {
    let mut seen = 0;
    for page in pages() {
        for arguments in page.arguments_of("helm") {
            let is_install = ["install", "upgrade", "template"].contains(&arguments[0].as_str());
            let Some(request) = request(&arguments).filter(|_| is_install) else { continue };
            // What `$(cat ~/.ssh/id_rsa.pub)` would be.
            let request = if arguments.iter().any(|word| word.contains("publicSshKey=output")) {
                request.set("publicSshKey=ssh-rsa AAAAB3NzaC1yc2E me@here")
            } else {
                request
            };
            seen += 1;
            assert_eq!(request.render().wrong(), [""; 0], "{}: {arguments:?}", page.path.display());
        }
    }
    assert!(seen >= 5, "{seen}");
}

/// A manifest that is in no chart, held against the schemas as one that is.
fn judged(text: &str) -> Rendered {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("templates")).unwrap();
    let chart =
        "apiVersion: v2\nname: a\nversion: 0.1.0\nkubeVersion: '>=1.25.0-0'\nicon: https://a.b/c.svg\n";
    fs::write(dir.path().join("Chart.yaml"), chart).unwrap();
    fs::write(dir.path().join("templates/a.yaml"), text).unwrap();
    Request::of(dir.path()).render()
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_footprint_job_is_valid_and_runs_what_edgebench_takes() {
    let text = fs::read_to_string(deploy().join("footprint-job.yaml")).unwrap();
    assert_eq!(text.matches("NODE_NAME").count(), 2, "in the command and in its place");
    let rendered = judged(&text.replace("NODE_NAME", "edge-1"));
    // A name is made when it is created.
    assert_eq!(rendered.faults, [""; 0]);
    let job = rendered.one("Job");
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"]["kubernetes.io/hostname"], "edge-1");
    let container = &pod["containers"][0];
    let words = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(words(&container["command"]), ["/usr/local/bin/edgebench"]);
    // The same with this machine's files, and one sample.
    let arguments: Vec<String> = words(&container["args"])
        .into_iter()
        .map(|word| word.replace("/host/proc", "/proc").replace("--samples=10", "--samples=1"))
        .collect();
    let output =
        Command::new(binaries::edgebench()).args(&arguments).arg("--interval=10ms").output().unwrap();
    let tables = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && tables.contains("Processes"), "{tables}");
    // Each file that edgebench looks for beside /host/proc is mounted, and nothing can be written.
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert_eq!(mount["readOnly"], true, "{mount}");
        assert!(mount["mountPath"].as_str().unwrap().starts_with("/host/"), "{mount}");
    }
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn flux_s_manifests_are_valid_and_install_both_charts_with_values_they_take() {
    let directory = deploy().join("gitops");
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let listed: Value = serde_saphyr::from_str(&read("kustomization.yaml")).unwrap();
    let mut resources: Vec<&str> =
        listed["resources"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut releases = Vec::new();
    for name in resources.iter().chain(&["flux.yaml"]) {
        let rendered = judged(&read(name));
        let wrong = rendered.wrong();
        assert_eq!(wrong, [""; 0], "{name}");
        assert!(!rendered.objects.is_empty(), "{name}");
        releases.extend(rendered.all("HelmRelease").into_iter().cloned());
        for kustomization in rendered.all("Kustomization") {
            assert_eq!(kustomization["spec"]["path"], "./deploy/gitops");
        }
    }
    resources.extend(["flux.yaml", "kustomization.yaml", "README.md"]);
    resources.sort_unstable();
    let mut files: Vec<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort_unstable();
    assert_eq!(files, resources, "what is there is applied");

    let config = "[provisioning]\nsource = \"manual\"\n";
    assert_eq!(releases.len(), 2);
    for release in releases {
        let path = release["spec"]["chart"]["spec"]["chart"].as_str().unwrap();
        let name = path.strip_prefix("./deploy/charts/").unwrap();
        let mut request = Request::of(&chart(name)).release(name, "edgebench");
        if release["spec"].get("valuesFrom").is_some() {
            request = request.values(json!({"azIotEdgeConfig": config}).to_string());
        }
        let values = release["spec"].get("values").cloned().unwrap_or(json!({}));
        assert_eq!(request.values(values.to_string()).render().wrong(), [""; 0], "{name}");
    }
    // It would speak.
    let wrong = judged(&read("iot-edge-vm.yaml").replace("targetNamespace", "targetNameSpace")).wrong();
    assert!(wrong.iter().any(|line| line.contains("targetNameSpace is lost")), "{wrong:?}");
}

#[test]
#[ignore = "live: needs systemd"]
fn systemd_takes_the_units() {
    let dir = TempDir::new().unwrap();
    for entry in fs::read_dir(deploy().join("systemd")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let program = binaries::exporter();
        let here = text.replace("/usr/local/bin/edgebench-exporter", program.to_str().unwrap());
        assert_ne!(text, here, "{}", path.display());
        let copy = dir.path().join(path.file_name().unwrap());
        fs::write(&copy, &here).unwrap();
        let (passes, said) = fed("systemd-analyze", &["verify", copy.to_str().unwrap()], "");
        assert!(passes && said.is_empty(), "{}: {said}", path.display());
        fs::write(&copy, here.replace("ProtectHome", "ProtectHouse")).unwrap();
        let (_, said) = fed("systemd-analyze", &["verify", copy.to_str().unwrap()], "");
        assert!(said.contains("ProtectHouse"), "it would speak: {said}");
    }
}
