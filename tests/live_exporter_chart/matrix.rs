//! Sets of values: those in `ci/`, every profile with everything else, and hostile ones. Each renders, lints strictly,
//! and gives objects without a fault, for the oldest Kubernetes that the chart allows and for the newest.

use std::collections::BTreeMap;
use std::fs;

use edgebench_tests::charts::{self, Request, chart};
use serde_json::{Value, json};

use crate::{exporter, rendered};

/// The sets in `ci/`, by the names of their files.
fn ci() -> BTreeMap<String, String> {
    let files = fs::read_dir(chart("edgebench").join("ci")).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Fails with what is wrong with any of them.
fn all_are_right(requests: Vec<(String, Request)>) {
    let (names, requests): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    for (name, rendered) in names.iter().zip(charts::render(&requests)) {
        assert_eq!(rendered.wrong(), [""; 0], "{name}");
        assert_eq!(rendered.all("DaemonSet").len(), 1, "{name}");
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn every_set_is_right_with_every_profile_from_the_directory_and_packaged() {
    let mut sets = ci();
    assert_eq!(sets.len(), 7);
    sets.insert("defaults".to_owned(), String::new());
    let mut requests = Vec::new();
    for (name, text) in &sets {
        let request = exporter().values(text.as_str());
        requests.push((name.clone(), request.clone()));
        requests.push((format!("{name}, packaged"), request.clone().packaged()));
        for profile in ["minimal", "standard", "full"] {
            let request = request.clone().set(format!("profile={profile}"));
            requests.push((format!("{name}, {profile}"), request));
        }
    }
    all_are_right(requests);
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn hostile_values_stay_values() {
    let hostile = [
        "it's \"quoted\"",
        "two\nlines",
        "tab\tand \u{7} and \u{202e}",
        "{{ .Release.Name }}",
        "- a: b",
        "a: b # c",
        "*alias",
        "&anchor !!tag",
        "%directive",
        "|",
        "~",
        "yes",
        "0x1F",
        "1e3",
        "$(NODE_NAME)",
        "\\",
        &"x".repeat(300),
        "",
    ];
    let mut requests = Vec::new();
    for text in hostile {
        let values = json!({
            "env": {"A": text},
            "podAnnotations": {"example.org/a": text},
            "daemonsetAnnotations": {"example.org/a": text},
            "service": {"annotations": {"example.org/a": text}},
            "serviceAccount": {"annotations": {"example.org/a": text}},
            "dashboards": {"enabled": true, "annotations": {"grafana_folder": text}},
            "extraArgs": [format!("--web.telemetry-path={text}")],
            "seccompProfile": {"type": "Localhost", "localhostProfile": text},
            "seLinuxOptions": {"level": text},
            "appArmorProfile": {"type": "Localhost", "localhostProfile": text},
            "prometheus": {"podMonitor": {"enabled": true, "relabelings": [{"targetLabel": "a", "replacement": text}]}},
        });
        requests.push((text, exporter().values(values.to_string())));
    }
    let (texts, requests): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    for (text, rendered) in texts.iter().zip(charts::render(&requests)) {
        assert_eq!(rendered.wrong(), [""; 0], "{text:?}");
        let daemonset = rendered.one("DaemonSet");
        assert_eq!(daemonset["metadata"]["annotations"]["example.org/a"], *text);
        let pod = &daemonset["spec"]["template"];
        assert_eq!(pod["metadata"]["annotations"]["example.org/a"], *text);
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["env"][1], json!({"name": "A", "value": text}));
        let last = container["args"].as_array().unwrap().last().unwrap();
        assert_eq!(*last, format!("--web.telemetry-path={text}"));
        let monitor = rendered.one("PodMonitor");
        assert_eq!(monitor["spec"]["podMetricsEndpoints"][0]["relabelings"][1]["replacement"], *text);
        let folder = &rendered.all("ConfigMap")[0]["metadata"]["annotations"]["grafana_folder"];
        assert_eq!(*folder, *text);
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_release_of_any_name_and_length_has_objects_of_valid_names() {
    let long = "a".repeat(53);
    let mut requests = Vec::new();
    for name in ["edgebench", "e", "my-edgebench", long.as_str()] {
        requests.push((name.to_owned(), exporter().release(name, &"n".repeat(63))));
    }
    requests.push(("override".to_owned(), exporter().set(format!("fullnameOverride={}", "f".repeat(63)))));
    // What YAML would read as something else than a name.
    for name in ["1", "1e3", "true", "null"] {
        requests.push((name.to_owned(), exporter().set("fullnameOverride=edge").release(name, name)));
    }
    all_are_right(requests.clone());
    let is_label = |name: &str| name.len() <= 63 && !name.ends_with('-');
    for (name, request) in requests {
        let rendered = request.render();
        for kind in ["DaemonSet", "Service", "ServiceAccount"] {
            let own = rendered.one(kind)["metadata"]["name"].as_str().unwrap();
            assert!(is_label(own), "{name}: {own}");
        }
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn two_releases_of_one_name_share_nothing_in_the_cluster() {
    let without_namespace = |namespace: &str| -> Vec<(Value, Value)> {
        let rendered = exporter().release("edgebench", namespace).render();
        let objects = rendered.objects.iter().map(|object| &object.object);
        let global = objects.filter(|object| object["metadata"]["namespace"].is_null());
        global.map(|object| (object["kind"].clone(), object["metadata"]["name"].clone())).collect()
    };
    let (one, other) = (without_namespace("one"), without_namespace("other"));
    assert_eq!(one.len(), 3, "{one:?}");
    assert!(one.iter().all(|object| !other.contains(object)), "{one:?}");
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_pod_is_one_that_a_careful_operator_lets_onto_every_node() {
    for profile in ["minimal", "standard", "full"] {
        let rendered = rendered(&format!("profile: {profile}"));
        let pod = &rendered.one("DaemonSet")["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let security = &container["securityContext"];
        for host in ["hostPID", "hostNetwork", "hostIPC"] {
            assert_eq!(pod[host], false, "{host}");
        }
        assert_eq!(pod["securityContext"]["seccompProfile"], json!({"type": "RuntimeDefault"}));
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["privileged"], false);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        let added = match profile {
            "minimal" => json!({"drop": ["ALL"]}),
            "standard" => json!({"drop": ["ALL"], "add": ["SYS_PTRACE"]}),
            _ => json!({"drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH"]}),
        };
        assert_eq!(security["capabilities"], added);
        let user = if profile == "minimal" { (65534, true) } else { (0, false) };
        let of_pod = &pod["securityContext"];
        assert_eq!((&of_pod["runAsUser"], &of_pod["runAsNonRoot"]), (&user.0.into(), &user.1.into()));
        assert_eq!(pod["tolerations"], json!([{"operator": "Exists"}]));
        for mount in container["volumeMounts"].as_array().unwrap() {
            assert_eq!(
                (&mount["readOnly"], &mount["recursiveReadOnly"]),
                (&true.into(), &"IfPossible".into())
            );
        }
        let paths: Vec<_> =
            pod["volumes"].as_array().unwrap().iter().map(|volume| &volume["hostPath"]["path"]).collect();
        assert_eq!(paths, ["/proc", "/sys/fs/cgroup"]);
        let class = rendered.one("PriorityClass");
        assert_eq!(class["preemptionPolicy"], "Never");
        assert_eq!(class["metadata"]["name"], pod["priorityClassName"]);
        for probe in ["livenessProbe", "readinessProbe"] {
            assert!(container[probe]["httpGet"]["path"].as_str().unwrap().starts_with("/-/"), "{probe}");
        }
    }
    // A probe has neither a password nor a client's certificate.
    let protected = rendered("profile: minimal\nweb: {configSecret: edgebench-web}");
    let pod = &protected.one("DaemonSet")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["livenessProbe"]["tcpSocket"], json!({"port": "metrics"}));
    // Not everybody may read the Secret's files: root, and the group that the kubelet gives them to.
    let volume = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == "web").unwrap();
    assert_eq!(volume["secret"]["defaultMode"], 0o440);
    assert_eq!(pod["securityContext"]["fsGroup"], 65534);
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn what_kubernetes_does_not_know_yet_is_left_out_or_said_as_it_did() {
    let request = exporter().set("appArmorProfile.type=Unconfined");
    let pod = |request: Request| request.render().one("DaemonSet")["spec"]["template"].clone();
    for version in ["1.29.0", "1.30.0", "1.31.0", "1.34.0"] {
        assert_eq!(request.clone().kubernetes(version).render().wrong(), [""; 0], "{version}");
    }
    let overridden = pod(request.clone().set("kubeTargetVersionOverride=v1.29.4-gke.1"));
    let (old, new) = (pod(request.clone().kubernetes("1.29.0")), pod(request.kubernetes("1.31.0")));
    assert_eq!(overridden, old);
    let annotation = "container.apparmor.security.beta.kubernetes.io/exporter";
    assert_eq!(old["metadata"]["annotations"][annotation], "unconfined");
    assert_eq!(old["spec"]["securityContext"].get("appArmorProfile"), None);
    assert_eq!(old["spec"]["containers"][0]["volumeMounts"][0].get("recursiveReadOnly"), None);
    assert_eq!(new["metadata"].get("annotations"), None);
    assert_eq!(new["spec"]["securityContext"]["appArmorProfile"], json!({"type": "Unconfined"}));
    assert_eq!(new["spec"]["containers"][0]["volumeMounts"][0]["recursiveReadOnly"], "IfPossible");
}
