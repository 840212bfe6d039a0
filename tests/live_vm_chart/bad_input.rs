//! What the chart does not take is refused with a word that says why, before anything is installed; a credential is not
//! in that word.

use std::fmt::Write;

use edgebench_tests::charts::render;
use serde_json::json;

use crate::sets::{KEY, SSH, config, given, with};

#[test]
#[ignore = "live: needs Helm's engine"]
fn each_mistake_is_named() {
    let long = "a".repeat(300);
    let cases = [
        (with(&json!({})), "azIotEdgeConfig is empty"),
        (with(&json!({"azIotEdgeConfig": " \n"})), "azIotEdgeConfig is empty"),
        (with(&json!({"azIotEdgeConfig": "a = ["})), "azIotEdgeConfig is no TOML"),
        (with(&json!({"azIotEdgeConfig": "a: b\n"})), "azIotEdgeConfig is no TOML"),
        (with(&json!({"azIotEdgeConfig": "a = 1\n"})), "azIotEdgeConfig has no [provisioning]"),
        (with(&json!({"azIotEdgeConfig": "provisioning = 1\n"})), "azIotEdgeConfig has no [provisioning]"),
        (
            with(
                &json!({"azIotEdgeConfig": "[provisioning]\nconnection_string = \"<YOUR_CONNSTRING_HERE>\"\n"}),
            ),
            "azIotEdgeConfig still has the placeholder <YOUR_CONNSTRING_HERE>",
        ),
        (
            given(json!({"existingConfigSecret": "there"})),
            "azIotEdgeConfig: with existingConfigSecret it stays empty",
        ),
        (given(json!({"azIotEdgeconfig": "x"})), "additional properties 'azIotEdgeconfig' not allowed"),
        (given(json!({"disk": {"size": "1Gi"}})), "additional properties 'size' not allowed"),
        (given(json!({"macAddress": "fe:7e:48:a0:7d"})), "at '/macAddress'"),
        (given(json!({"macAddress": "fe-7e-48-a0-7d-22"})), "at '/macAddress'"),
        (given(json!({"macAddress": "01:00:5e:00:00:01"})), "at '/macAddress'"),
        (given(json!({"macAddress": "00:00:00:00:00:00"})), "at '/macAddress'"),
        (given(json!({"macAddress": "fe:7e:48:a0:7d:22\n"})), "at '/macAddress'"),
        (given(json!({"aziotEdgeVmDiskSize": "4"})), "at '/aziotEdgeVmDiskSize'"),
        (given(json!({"aziotEdgeVmDiskSize": "4GB"})), "at '/aziotEdgeVmDiskSize'"),
        (given(json!({"aziotEdgeVmDiskSize": "-4Gi"})), "at '/aziotEdgeVmDiskSize'"),
        (given(json!({"memory": "1 Gi"})), "at '/memory'"),
        (given(json!({"memory": 1024})), "at '/memory': got number, want string"),
        (given(json!({})).set("memory=null"), "missing property 'memory'"),
        (given(json!({})).set("image=null"), "missing property 'image'"),
        (given(json!({"cores": 0})), "at '/cores'"),
        (given(json!({"cores": "2"})), "at '/cores': got string, want integer"),
        (given(json!({"aziotEdgeVmEnableExternalSsh": "true"})), "got string, want boolean"),
        (given(json!({"publicSshKey": "ssh-rsa"})), "at '/publicSshKey'"),
        (given(json!({"publicSshKey": "~/.ssh/id_rsa.pub"})), "at '/publicSshKey'"),
        (given(json!({"publicSshKey": "ssh-rsa AAAAB3 me\nruncmd: [reboot]"})), "at '/publicSshKey'"),
        (given(json!({"nameOverride": long})), "at '/nameOverride': maxLength: got 300, want 40"),
        (given(json!({"nameOverride": "a\nb"})), "at '/nameOverride'"),
        (given(json!({"nameOverride": "-a"})), "at '/nameOverride'"),
        (
            given(json!({"nameOverride": "1-edge", "publicSshKey": SSH})),
            "the name of a Service begins with a letter, and \"1-edge\" does not",
        ),
        (given(json!({"nameOverride": "1", "metrics": {"service": true}})), "begins with a letter"),
        (given(json!({"hostname": "a b"})), "at '/hostname'"),
        (given(json!({"hostname": long})), "at '/hostname'"),
        (given(json!({"rootCAName": "$(reboot)"})), "at '/rootCAName'"),
        (given(json!({"deviceCACertName": "../../passwd"})), "at '/deviceCACertName'"),
        (given(json!({"deviceCAKeyName": "a'b"})), "at '/deviceCAKeyName'"),
        (given(json!({"rootCAName": "a.pem", "deviceCACertName": "a.pem"})), "must differ"),
        (given(json!({"configDiskSerial": long})), "at '/configDiskSerial'"),
        (given(json!({"rootCA": "/etc/ssl/root.pem"})), "rootCA holds no PEM certificate"),
        (given(json!({"deviceCACert": "x", "deviceCAKey": KEY})), "deviceCACert holds no PEM certificate"),
        (given(json!({"deviceCAKey": KEY})), "deviceCACert and deviceCAKey belong together"),
        (given(json!({"network": {"binding": "bridge"}})), "macAddress is the chart's default"),
        (given(json!({"image": {"url": "ubuntu:22.04"}})), "at '/image/url'"),
        (
            given(json!({"image": {"checksum": format!("md5:{}", "0".repeat(32))}})),
            "image.checksum is for http(s)",
        ),
        (given(json!({"disk": {"accessModes": []}})), "at '/disk/accessModes'"),
        (given(json!({"runStrategy": "always"})), "at '/runStrategy'"),
        (given(json!({"iotEdge": {"version": 1.5}})), "at '/iotEdge/version'"),
        (given(json!({"iotEdge": {"version": "1.5; reboot"}})), "at '/iotEdge/version'"),
        (given(json!({"metrics": {"edgeHubPort": 9601}})), "metrics: port 9601 is there twice"),
        (given(json!({"metrics": {"edgeHubPort": 70000}})), "at '/metrics/edgeHubPort'"),
        (
            given(json!({"tolerations": [{"opreator": "Exists"}]})),
            "additional properties 'opreator' not allowed",
        ),
    ];
    let (requests, words): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    for ((rendered, word), number) in render(&requests).into_iter().zip(words).zip(1..) {
        let error = rendered.error.unwrap_or_else(|| panic!("case {number} is taken: {word}"));
        assert!(error.contains(word), "case {number}: {word}: {error}");
        assert!(rendered.objects.is_empty());
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_bomb_is_refused() {
    // Ten times ten times ten: a gigabyte, were it expanded.
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let many = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{many}]").unwrap();
    }
    laughs.push_str("publicSshKey: *a9\n");
    let cases = [
        (given(json!({})).values(laughs), "excessive aliasing"),
        (given(json!({})).set("tolerations[99999999].key=a"), "index"),
        (given(json!({})).set(format!("{}=1", vec!["a"; 100].join("."))), "nest"),
        (given(json!({})).set("nameOverride=&a [*a\\,*a]"), "at '/nameOverride'"),
        (given(json!({})).set("hostname=*a"), "at '/hostname'"),
        (given(json!({})).set("macAddress=!!binary aGk="), "at '/macAddress'"),
    ];
    let (requests, words): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    for (rendered, word) in render(&requests).into_iter().zip(words) {
        let error = rendered.error.unwrap_or_else(|| panic!("it is taken: {word}"));
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn no_message_shows_a_credential() {
    let secret = "Tm90IGEga2V5Lg";
    let requests = [
        with(&json!({"azIotEdgeConfig": format!("{}\n[", config())})),
        with(&json!({"azIotEdgeConfig": format!("[provisioning]\nconnection_string = \"{secret}")})),
        with(&json!({"azIotEdgeConfig": format!("[provisioning]\nx = \"<YOUR_NAME>\"\ny = \"{secret}\"")})),
        given(json!({"deviceCAKey": secret})),
        given(json!({"deviceCAKey": format!("-----BEGIN PRIVATE KEY-----\n{secret}\n")})),
        given(json!({"existingConfigSecret": "there"})),
        given(json!({"macAddress": "no"})),
    ];
    for rendered in render(&requests) {
        let error = rendered.error.expect("each is wrong");
        assert!(!error.contains(secret), "{error}");
    }
    let rendered = given(json!({})).render();
    assert!(!rendered.notes.unwrap().contains(secret));
}
