//! What the guest is told: user data that cloud-init takes, a config.toml that is TOML, scripts that shellcheck passes,
//! a unit that systemd takes.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edgebench_tests::charts::{Rendered, python, render};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sets::{self, given};

/// What cloud-init reads.
#[derive(Debug, Deserialize)]
pub(crate) struct UserData {
    #[serde(default)]
    ssh_authorized_keys: Vec<String>,
    pub(crate) write_files: Vec<File>,
    runcmd: Vec<Vec<String>>,
}

/// A file that it writes.
#[derive(Debug, Deserialize)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) content: String,
    pub(crate) permissions: String,
}

/// A key of the Secret whose name ends so.
pub(crate) fn secret(rendered: &Rendered, end: &str, key: &str) -> Option<String> {
    let ends = |secret: &&&Value| secret["metadata"]["name"].as_str().unwrap().ends_with(end);
    let secrets = rendered.all("Secret");
    let value = secrets.iter().find(ends)?["data"].get(key)?.as_str().unwrap();
    Some(String::from_utf8(STANDARD.decode(value).unwrap()).unwrap())
}

/// What the chart tells the guest with a set of values.
pub(crate) fn user_data(rendered: &Rendered) -> UserData {
    assert_eq!(rendered.error, None);
    let text = secret(rendered, "-vm-cloudconfig", "userdata").unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn rendered_sets() -> Vec<(&'static str, Rendered)> {
    let (names, requests): (Vec<_>, Vec<_>) = sets::all().into_iter().unzip();
    names.into_iter().zip(render(&requests)).collect()
}

#[test]
#[ignore = "live: needs Helm's engine and cloud-init"]
fn cloud_init_takes_the_user_data_of_every_set() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("user-data");
    let path = path.to_str().unwrap();
    for (set, rendered) in rendered_sets() {
        fs::write(path, secret(&rendered, "-vm-cloudconfig", "userdata").unwrap()).unwrap();
        let (is_valid, said) = run("cloud-init", &["schema", "--config-file", path]);
        assert!(is_valid && said.contains("Valid cloud-config"), "{set}: {said}");
    }
    // It would speak.
    fs::write(path, "#cloud-config\nruncmd: reboot\n").unwrap();
    assert!(!run("cloud-init", &["schema", "--config-file", path]).0);
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn config_toml_is_what_was_given_and_toml_for_every_set() {
    let mut texts = BTreeMap::new();
    for (set, rendered) in rendered_sets() {
        if let Some(text) = secret(&rendered, "-vm-aziotedgeconfig", "userdata") {
            texts.insert(set, text);
        }
    }
    assert_eq!(texts["what is required"], sets::config());
    assert_eq!(texts.len(), sets::all().len() - 2, "but for the Secrets that are there");
    let script = "import json, sys, tomllib\n\
                  print(json.dumps({name: tomllib.loads(text.replace('\\r\\n', '\\n')) for name, text in json.load(sys.stdin).items()}))";
    let read: Value =
        serde_json::from_slice(&python(&["-c", script], &serde_json::to_vec(&texts).unwrap())).unwrap();
    for (set, config) in read.as_object().unwrap() {
        let connection = config["provisioning"]["connection_string"].as_str().unwrap();
        assert!(connection.starts_with("HostName="), "{set}");
    }
    let env = &read["quotes, newlines and expressions"]["agent"]["env"];
    assert!(env["ONE"].as_str().unwrap().contains("$(reboot)"), "{env}");
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn what_is_given_reaches_the_guest_byte_by_byte_and_nothing_else_does() {
    let (_, hostile) =
        rendered_sets().into_iter().find(|(set, _)| *set == "quotes, newlines and expressions").unwrap();
    let told = user_data(&hostile);
    assert_eq!(told.ssh_authorized_keys.len(), 1);
    assert!(told.ssh_authorized_keys[0].starts_with(sets::SSH), "{told:?}");
    assert!(told.ssh_authorized_keys[0].ends_with("--- ... %YAML"), "{told:?}");
    let root = secret(&hostile, "-vm-aziotedgeconfig", "rootca").unwrap();
    assert!(root.contains("{{ .Values.rootCA }}") && root.contains(sets::CERTIFICATE), "{root}");
    // No value changes what is run.
    let plain = user_data(&given(json!({})).render());
    assert_eq!(plain.ssh_authorized_keys, [""; 0]);
    assert_eq!(told.runcmd, plain.runcmd);
    let scripts = |told: &UserData| {
        told.write_files
            .iter()
            .filter(|file| !file.path.ends_with("/settings"))
            .map(|f| f.content.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(scripts(&told), scripts(&plain));
}

#[test]
#[ignore = "live: needs Helm's engine, shellcheck and systemd"]
fn shellcheck_passes_every_script_and_systemd_the_unit() {
    let dir = TempDir::new().unwrap();
    for (set, rendered) in rendered_sets() {
        let mut checked = 0;
        for file in user_data(&rendered).write_files {
            let name = file.path.rsplit('/').next().unwrap();
            let path = dir.path().join(name);
            // The unit's programs are not where it says, here.
            fs::write(&path, file.content.replace("/usr/local/sbin/iot-edge-vm-", "/bin/true ")).unwrap();
            let path = path.to_str().unwrap();
            let (passes, said) = if name.ends_with(".service") {
                run("systemd-analyze", &["verify", path])
            } else {
                // What others source has no first line and sets what they read.
                run("shellcheck", &["--shell=bash", "--exclude=SC2034", path])
            };
            assert!(passes && said.is_empty(), "{set}: {}: {said}", file.path);
            checked += 1;
        }
        assert_eq!(checked, 4, "{set}: settings, two scripts, a unit");
    }
    let wrong = dir.path().join("wrong");
    fs::write(&wrong, "#!/bin/bash\nrm -rf $1/*\n").unwrap();
    assert!(!run("shellcheck", &[wrong.to_str().unwrap()]).0, "it would speak");
}
