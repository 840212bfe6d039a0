//! Values to render the chart with: nothing but what is required, everything, nothing that can be left out, and values
//! that would end a string, a document or a word of a shell if they could.

use edgebench_tests::charts::{Request, chart};
use serde_json::{Value, json};

/// A certificate's and a key's form; nobody reads what is in them.
pub(crate) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n";
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nTUlJQg==\n-----END PRIVATE KEY-----\n";
pub(crate) const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample me@example.com";

/// The example, filled in.
pub(crate) fn config() -> String {
    let example = std::fs::read_to_string(chart("iot-edge-vm").join("examples/config.toml")).unwrap();
    let filled = example.replace(
        "<YOUR_CONNSTRING_HERE>",
        "HostName=hub.example.com;DeviceId=edge-1;SharedAccessKey=Tm90IGEga2V5Lg==",
    );
    assert_ne!(example, filled);
    filled
}

/// A release `edge` in `iot-edge` with these values.
pub(crate) fn with(values: &Value) -> Request {
    // JSON is YAML.
    Request::of(&chart("iot-edge-vm")).release("edge", "iot-edge").values(values.to_string())
}

/// These over the values that are required.
pub(crate) fn given(mut values: Value) -> Request {
    let fields = values.as_object_mut().unwrap();
    fields.entry("azIotEdgeConfig").or_insert_with(|| config().into());
    with(&values)
}

/// Every set, with its name.
pub(crate) fn all() -> Vec<(&'static str, Request)> {
    vec![
        ("what is required", given(json!({}))),
        ("as the source document installs it", as_the_source_document()),
        ("everything", given(everything())),
        ("nothing that can be left out", given(nothing())),
        ("names that YAML would read otherwise", words()),
        ("a Secret that is there", with(&json!({"existingConfigSecret": "a.secret", "publicSshKey": SSH}))),
        ("a name at its longest", given(json!({"nameOverride": "n".repeat(40), "hostname": "h".repeat(63)}))),
        ("a release's name", longest_release()),
        ("quotes, newlines and expressions", given(hostile())),
        ("long and strange strings", given(strange())),
        ("what is said twice", given(json!({"global": {"anything": [1, {"a": null}]}}))),
    ]
}

/// Its step 6, word by word, but for the files.
fn as_the_source_document() -> Request {
    given(json!({"publicSshKey": SSH})).set(
        "aziotEdgeVmEnableExternalSsh=true,aziotEdgeVmDiskSize=4Gi,nameOverride=aziot-edge-kubevirt,\
         macAddress=fe:7e:48:a0:7d:22",
    )
}

fn longest_release() -> Request {
    with(&json!({"azIotEdgeConfig": config(), "nameOverride": ""}))
        .release("a.release.of.fifty-three.characters.which.is.the.mos", "iot-edge")
}

/// A release, an object and a Secret called as numbers and booleans are; no Service, whose name begins with a letter.
fn words() -> Request {
    let values =
        json!({"existingConfigSecret": "true", "nameOverride": "", "aziotEdgeVmEnableExternalSsh": false});
    with(&values).release("1e3", "iot-edge")
}

fn everything() -> Value {
    json!({
        "publicSshKey": SSH,
        "aziotEdgeVmDiskSize": "16Gi",
        "nameOverride": "edge-a",
        "macAddress": "02:00:00:00:00:0A",
        "rootCA": CERTIFICATE,
        "rootCAName": "root.pem",
        "deviceCACert": format!("{CERTIFICATE}{CERTIFICATE}"),
        "deviceCAKey": KEY,
        "cores": 4,
        "memory": "4096M",
        "architecture": "arm64",
        "runStrategy": "RerunOnFailure",
        "evictionStrategy": "LiveMigrateIfPossible",
        "terminationGracePeriodSeconds": 0,
        "autoattachGraphicsDevice": false,
        "nodeSelector": {"kubernetes.io/hostname": "edge-1"},
        "tolerations": [{"operator": "Exists"}, {"key": "edge", "operator": "Equal", "value": "1", "effect": "NoExecute", "tolerationSeconds": 9}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}]}},
        "image": {"url": "https://example.com/a/image.img?x=1&y=%20", "checksum": format!("sha256:{}", "0".repeat(64))},
        "disk": {"storageClassName": "fast.ssd", "accessModes": ["ReadWriteOnce", "ReadWriteMany"], "volumeMode": "Block", "keep": true},
        "network": {"binding": "bridge"},
        "ssh": {"port": 2222, "loadBalancerSourceRanges": ["203.0.113.0/24", "fd00::/8"]},
        "iotEdge": {"version": "1.5.21"},
        "metrics": {"service": true},
    })
}

fn nothing() -> Value {
    json!({
        "aziotEdgeVmEnableExternalSsh": false,
        "nameOverride": "",
        "macAddress": "",
        "autoattachGraphicsDevice": false,
        "disk": {"keep": false},
        "metrics": {"nodeExporterPort": 0, "edgeAgentPort": 0, "edgeHubPort": 0, "annotate": false, "service": true},
    })
}

fn hostile() -> Value {
    let text =
        "\"quoted\" 'twice' \\ $(reboot) `reboot` ${IFS} {{ .Values.rootCA }} # &a *a !!binary --- ... %YAML";
    let mut config = config();
    config
        .push_str(&format!("\n[agent.env]\nONE = '''{}\n---\nkind: Secret\n'''\n", text.replace("'''", "")));
    config.push_str("TWO = \"\\u0007 \\\"\\\\ \\n\\t ünïcödé 🦀\"\r\n");
    json!({
        "azIotEdgeConfig": config,
        "publicSshKey": format!("{SSH} {text}"),
        "rootCA": format!("subject={text}\r\n{CERTIFICATE}"),
        "deviceCACert": CERTIFICATE,
        "deviceCAKey": format!("Bag Attributes: {text}\n{KEY}"),
        "nodeSelector": {"a": "yes", "b": "1e3", "c": "null", "d": "~", "e": "0x10", "f": "", "g": "on: off"},
        "tolerations": [{"key": text, "value": "'\"\n", "operator": "Equal"}],
        "image": {"url": "docker://registry.example.com:5000/a/b@sha256:abc"},
    })
}

fn strange() -> Value {
    let long = "x".repeat(300);
    json!({
        "azIotEdgeConfig": format!("{}\n[agent.env]\n{long} = \"{long}\"\n", config()),
        "publicSshKey": format!("{SSH}{long}\n"),
        "nodeSelector": {long.clone(): "a"},
        "tolerations": [{"key": long, "operator": "Exists"}],
        "image": {"url": format!("https://example.com/{}", "y".repeat(1900))},
        "rootCAName": "r".repeat(200),
        "terminationGracePeriodSeconds": 2_147_483_647,
        "cores": 512,
        "memory": "999999999Gi",
        "metrics": {"nodeExporterPort": 65535, "edgeAgentPort": 65534, "edgeHubPort": 1},
    })
}
