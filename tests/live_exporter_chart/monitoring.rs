//! What is scraped, by which labels; dashboards and rules as they are in `dashboards/`; who may ask whom.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{exporter, rendered};

const DASHBOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards");

#[test]
#[ignore = "live: needs Helm's engine"]
fn no_object_of_an_operator_is_there_until_it_is_asked_for() {
    let rendered = rendered("");
    let expected =
        ["ClusterRole", "ClusterRoleBinding", "DaemonSet", "PriorityClass", "Service", "ServiceAccount"];
    assert_eq!(rendered.kinds(), expected);
    assert!(rendered.notes.unwrap().contains("Nothing scrapes it yet"));
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_monitor_keeps_the_labels_of_vms_and_adds_the_node() {
    let monitors = [
        ("prometheus: {podMonitor: {enabled: true}}", "PodMonitor", "podMetricsEndpoints"),
        ("prometheus: {monitor: {enabled: true}}", "ServiceMonitor", "endpoints"),
    ];
    for (values, kind, endpoints) in monitors {
        let rendered = rendered(values);
        let monitor = rendered.one(kind);
        let endpoint = &monitor["spec"][endpoints][0];
        assert_eq!(endpoint["honorLabels"], true);
        let node = json!({"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node", "action": "replace"});
        assert_eq!(endpoint["relabelings"][0], node);
        let kinds = rendered.kinds();
        let both = ["PodMonitor", "ServiceMonitor"].iter().filter(|kind| kinds.contains(*kind)).count();
        assert_eq!(both, 1, "never both");
        // It finds the pods, or the Service, and their port.
        let daemonset = rendered.one("DaemonSet");
        let found =
            if kind == "PodMonitor" { &daemonset["spec"]["template"] } else { rendered.one("Service") };
        let labels = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
        for (name, value) in labels {
            assert_eq!(found["metadata"]["labels"][name], *value);
        }
        assert_eq!(monitor["spec"]["namespaceSelector"]["matchNames"][0], daemonset["metadata"]["namespace"]);
        let port = &daemonset["spec"]["template"]["spec"]["containers"][0]["ports"][0]["name"];
        assert_eq!(endpoint["port"], *port);
        let job = monitor["spec"]["jobLabel"].as_str().unwrap();
        assert_eq!(found["metadata"]["labels"][job], "edgebench-exporter", "as in dashboards/README.md");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn dashboards_are_the_files_byte_for_byte_from_the_directory_and_packaged() {
    for request in [exporter(), exporter().packaged()] {
        let rendered = request.set("dashboards.enabled=true").render();
        assert_eq!(rendered.wrong(), [""; 0]);
        let mut files = 0;
        for entry in fs::read_dir(Path::new(DASHBOARDS).join("grafana")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            files += 1;
            let name = path.file_name().unwrap().to_str().unwrap();
            let maps = rendered.all("ConfigMap");
            let map = maps.iter().find(|map| map["data"].get(name).is_some()).unwrap();
            assert_eq!(map["data"][name], fs::read_to_string(&path).unwrap(), "{name}");
            assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        }
        assert_eq!(rendered.all("ConfigMap").len(), files);
    }
}

/// The groups of a file of rules; alerts without the address of their runbook, or with another.
fn groups(name: &str, runbooks: Option<&str>) -> Value {
    let text = fs::read_to_string(format!("{DASHBOARDS}/rules/{name}.yaml")).unwrap();
    let mut file: Value = serde_saphyr::from_str(&text).unwrap();
    for group in file["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            let Some(annotations) = rule.get_mut("annotations").and_then(Value::as_object_mut) else {
                continue;
            };
            let url = annotations.remove("runbook_url").unwrap();
            let file = url.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            if let Some(runbooks) = runbooks {
                annotations.insert("runbook_url".to_owned(), format!("{runbooks}/{file}").into());
            }
        }
    }
    file["groups"].take()
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn rules_are_those_of_the_files_and_name_a_runbook_where_there_is_one() {
    let url = "https://wiki.example.org/a/edgebench";
    for (runbooks, values) in [(None, String::new()), (Some(url), format!("runbookUrl: {url}/"))] {
        let rendered = rendered(&format!("prometheus: {{rules: {{enabled: true, {values}}}}}"));
        let rules = rendered.all("PrometheusRule");
        assert_eq!(rules.len(), 2);
        for rule in rules {
            let name = rule["metadata"]["name"].as_str().unwrap().rsplit('-').next().unwrap();
            assert_eq!(rule["spec"]["groups"], groups(name, runbooks), "{name}");
        }
    }
    let recording = rendered("prometheus: {rules: {enabled: true, alerts: false}}");
    assert_eq!(recording.one("PrometheusRule")["metadata"]["name"], "edge-edgebench-recording");
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_network_policy_lets_ask_whom_the_exporter_asks_and_nobody_else() {
    let ports = |rule: &Value| -> Vec<u64> {
        rule["ports"].as_array().unwrap().iter().map(|port| port["port"].as_u64().unwrap()).collect()
    };
    let egress = |values: &str| {
        let rendered = rendered(&format!("networkPolicy: {{enabled: true}}\n{values}"));
        let spec = rendered.one("NetworkPolicy")["spec"].clone();
        assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
        assert_eq!(spec["ingress"], json!([{"ports": [{"port": "metrics", "protocol": "TCP"}]}]));
        let rules: Vec<_> = spec["egress"].as_array().unwrap().iter().map(ports).collect();
        rules
    };
    let none: [Vec<u64>; 0] = [];
    assert_eq!(egress("kube: {enabled: false}"), none);
    assert_eq!(egress(""), [vec![443, 6443], vec![8443, 8080], vec![9100, 9601, 9602]]);
    let by_address = "kube: {enabled: false}\nguest: {targets: [\"a/b@10.0.0.1=edgeHub\"]}";
    assert_eq!(egress(by_address), [vec![9100, 9601, 9602]]);
}
