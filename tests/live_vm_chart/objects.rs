//! Every object that the chart makes, for every set of values, is one that the API server takes as it is.

use edgebench_exporter::guests::targets;
use edgebench_tests::charts::{Rendered, render};
use serde_json::{Value, json};

use crate::sets::{self, given};

#[test]
#[ignore = "live: needs Helm's engine"]
fn every_object_of_every_set_is_valid() {
    let (names, requests): (Vec<_>, Vec<_>) = sets::all().into_iter().unzip();
    let packaged: Vec<_> = requests.iter().cloned().map(|request| request.packaged()).collect();
    for ((name, rendered), archived) in names.iter().zip(render(&requests)).zip(render(&packaged)) {
        assert_eq!(rendered.wrong(), [""; 0], "{name}");
        let objects = |rendered: &Rendered| -> Vec<Value> {
            rendered.objects.iter().map(|object| object.object.clone()).collect()
        };
        assert_eq!(objects(&rendered), objects(&archived), "{name}: its archive is another");
        for object in objects(&rendered) {
            check_names(name, &object);
        }
    }
}

/// Kubernetes' rules for names and labels, which no schema has: at most 63 characters where a name becomes a label or a
/// Service, small letters, digits, `-`.
fn check_names(set: &str, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let is_label = |text: &str| {
        let ends = |text: &str| text.starts_with('-') || text.ends_with('-');
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !text.is_empty() && text.len() <= 63 && text.chars().all(is_allowed) && !ends(text)
    };
    assert!(is_label(name), "{set}: {} {name}", object["kind"]);
    let labels = |labels: &Value| labels.as_object().cloned().unwrap_or_default();
    for (label, value) in labels(&object["metadata"]["labels"])
        .into_iter()
        .chain(labels(&object["spec"]["template"]["metadata"]["labels"]))
    {
        let value = value.as_str().unwrap_or_else(|| panic!("{set}: {label} is no string"));
        let is_end = |end: Option<char>| end.is_none_or(|c| c.is_ascii_alphanumeric());
        assert!(value.len() <= 63, "{set}: {label}: {value}");
        assert!(is_end(value.chars().next()) && is_end(value.chars().last()), "{set}: {label}: {value}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_source_document_s_commands_find_its_objects() {
    let rendered = given(json!({"publicSshKey": sets::SSH})).render();
    assert_eq!(rendered.kinds(), ["DataVolume", "Secret", "Secret", "Service", "VirtualMachine"]);
    let name = |kind: &str| rendered.one(kind)["metadata"]["name"].clone();
    assert_eq!(name("VirtualMachine"), "aziot-edge-kubevirt-linux");
    assert_eq!(name("Service"), "aziot-edge-kubevirt-vm-ssh-service");
    let machine = &rendered.one("VirtualMachine")["spec"]["template"];
    assert_eq!(
        rendered.one("Service")["spec"]["selector"],
        json!({"kubevirt.io/domain": machine["metadata"]["labels"]["kubevirt.io/domain"]}),
        "ssh reaches the VM's pod"
    );
    assert_eq!(rendered.one("Service")["spec"]["type"], "LoadBalancer");
    let domain = &machine["spec"]["domain"];
    assert_eq!(domain["devices"]["interfaces"][0]["macAddress"], "fe:7e:48:a0:7d:22");
    // What it measured.
    assert_eq!((&domain["cpu"]["cores"], &domain["memory"]["guest"]), (&json!(2), &json!("1Gi")));
    let notes = rendered.notes.unwrap();
    assert!(notes.contains("get vmi aziot-edge-kubevirt-linux"), "{notes}");
    for warned in ["! ssh is open to every address", "set ssh.port=2222", "! 4Gi, the source document's size"]
    {
        assert!(notes.contains(warned), "{warned}: {notes}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn each_volume_and_secret_that_is_named_is_there() {
    for (set, request) in sets::all() {
        let rendered = request.render();
        let machine = rendered.one("VirtualMachine");
        let spec = &machine["spec"]["template"]["spec"];
        let volumes = spec["volumes"].as_array().unwrap();
        let disks = spec["domain"]["devices"]["disks"].as_array().unwrap();
        let named = |items: &[Value]| items.iter().map(|item| item["name"].clone()).collect::<Vec<_>>();
        assert_eq!(named(volumes), named(disks), "{set}");
        let secrets: Vec<&Value> =
            rendered.all("Secret").iter().map(|secret| &secret["metadata"]["name"]).collect();
        for volume in volumes {
            let cloud_init = &volume["cloudInitNoCloud"];
            for secret in [
                &volume["secret"]["secretName"],
                &cloud_init["secretRef"]["name"],
                &cloud_init["networkDataSecretRef"]["name"],
            ] {
                assert!(
                    secret.is_null() || secret == "a.secret" || secret == "true" || secrets.contains(&secret),
                    "{set}: {secret}"
                );
            }
        }
        let disk = &volumes[0]["dataVolume"]["name"];
        let templates = machine["spec"]["dataVolumeTemplates"].as_array().cloned().unwrap_or_default();
        let volumes = rendered.all("DataVolume").into_iter().cloned().chain(templates);
        let volumes: Vec<Value> = volumes.collect();
        assert_eq!(volumes.len(), 1, "{set}");
        assert_eq!(&volumes[0]["metadata"]["name"], disk, "{set}");
        // Only the disk that stands alone outlives the release.
        let policy = &volumes[0]["metadata"]["annotations"]["helm.sh/resource-policy"];
        assert_eq!(policy.is_null(), rendered.all("DataVolume").is_empty(), "{set}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn edgebench_reads_the_annotation() {
    let annotated = |values: Value| {
        let rendered = given(values).render();
        let metadata = rendered.one("VirtualMachine")["spec"]["template"]["metadata"].clone();
        metadata["annotations"]["edgebench.io/guest-targets"].as_str().map(str::to_owned)
    };
    let kinds = |text: &str| {
        let (mut ports, mistake) = targets::ports(text);
        assert_eq!(mistake, None, "{text}");
        ports.sort_unstable_by_key(|(_, port)| *port);
        ports
    };
    use targets::Kind::{EdgeAgent, EdgeHub, NodeExporter};
    let default = annotated(json!({})).unwrap();
    assert_eq!(kinds(&default), [(NodeExporter, 9100), (EdgeAgent, 9601), (EdgeHub, 9602)]);
    let some = annotated(json!({"metrics": {"nodeExporterPort": 0, "edgeHubPort": 19602}})).unwrap();
    assert_eq!(kinds(&some), [(EdgeAgent, 9601), (EdgeHub, 19602)]);
    let none = json!({"metrics": {"nodeExporterPort": 0, "edgeAgentPort": 0, "edgeHubPort": 0}});
    assert_eq!(kinds(&annotated(none).unwrap()), []);
    assert_eq!(annotated(json!({"metrics": {"annotate": false}})), None);
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn there_is_no_way_in_without_a_key_or_against_the_operator_s_word() {
    let services = |values: Value| given(values).render().all("Service").len();
    assert_eq!(services(json!({"publicSshKey": sets::SSH})), 1);
    assert_eq!(services(json!({"publicSshKey": sets::SSH, "aziotEdgeVmEnableExternalSsh": false})), 0);
    assert_eq!(services(json!({})), 0);
    let notes = given(json!({})).render().notes.unwrap();
    assert!(notes.contains("publicSshKey is empty, so nobody can log in"), "{notes}");
    let narrow = json!({"publicSshKey": sets::SSH, "ssh": {"loadBalancerSourceRanges": ["203.0.113.0/24"]}});
    let rendered = given(narrow).render();
    assert_eq!(rendered.one("Service")["spec"]["loadBalancerSourceRanges"], json!(["203.0.113.0/24"]));
    assert!(!rendered.notes.unwrap().contains("! ssh is open"));
}
