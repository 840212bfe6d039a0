//! What the chart's roles allow is what the exporter asks the API server for, no more and no less; without the API
//! server there is no role and no token.
//!
//! An exporter runs with the chart's arguments beside an API server with the objects of a real cluster, to whose node a
//! VM migrates. Each of its requests takes one right (kubernetes.io/docs, "Authorization": verb by method and query, the
//! name by a field selector), and each right that is granted is taken by one.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use edgebench_tests::exporter::Exporter;
use edgebench_tests::scripted_api::{PODS, ScriptedApi, VMIS};
use serde_json::{Value, json};

use crate::rendered;

/// API group, resource, name of the only object or nothing, verb.
type Right = (String, String, Option<String>, String);

fn granted(role: &Value) -> BTreeSet<Right> {
    let words = |rule: &Value, name: &str| -> Vec<String> {
        rule[name].as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let names = words(rule, "resourceNames");
        assert!(names.len() <= 1);
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                for verb in words(rule, "verbs") {
                    rights.insert((group.clone(), resource.clone(), names.first().cloned(), verb));
                }
            }
        }
    }
    rights
}

/// The right that a request takes; `/version` and the like are everybody's (`system:discovery`).
fn taken(url: &str) -> Option<Right> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let rest = if let ["namespaces", _, rest @ ..] = rest { rest } else { rest };
    let by_name = query.split('&').find_map(|pair| pair.strip_prefix("fieldSelector=metadata.name%3D"));
    let (resource, name, verb) = match rest {
        [resource] if query.contains("watch=true") => (resource, by_name, "watch"),
        [resource] => (resource, by_name, "list"),
        // Rights to `get` are for all names: which VMs migrate is not known beforehand.
        [resource, _] => (resource, None, "get"),
        _ => return None,
    };
    Some((group.to_owned(), (*resource).to_owned(), name.map(str::to_owned), verb.to_owned()))
}

/// A VM that comes to the node: known by its pod, asked for by its name.
fn migrate_a_vm(api: &ScriptedApi) {
    api.put(
        VMIS,
        json!({
            "metadata": {"namespace": "n", "name": "v", "uid": "u", "labels": {"kubevirt.io/nodeName": "other"}},
            "status": {"phase": "Running", "nodeName": "other", "migrationState": {"targetNode": "edge-node"},
                       "activePods": {"here": "edge-node"}},
        }),
    );
    api.put(
        PODS,
        json!({
            "metadata": {"namespace": "n", "name": "virt-launcher-v-abcde", "uid": "here",
                         "labels": {"kubevirt.io": "virt-launcher"}, "annotations": {"kubevirt.io/domain": "v"}},
            "spec": {"nodeName": "edge-node"}, "status": {"phase": "Running"},
        }),
    );
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_role_allows_what_is_asked_and_nothing_else() {
    let chart = rendered("");
    let granted = granted(chart.one("ClusterRole"));
    let api = ScriptedApi::real();
    migrate_a_vm(&api);
    let dir = tempfile::tempdir().unwrap();
    let kubeconfig = format!("--kube.kubeconfig={}", api.kubeconfig(dir.path(), "", "").display());
    let exporter = Exporter::start(&["--kube=on", &kubeconfig, "--node-name=edge-node"]);
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let taken: BTreeSet<_> = api.requests().iter().filter_map(|url| taken(url)).collect();
        let denied: Vec<_> = taken.difference(&granted).collect();
        assert!(denied.is_empty(), "asked for and not allowed: {denied:?}");
        if taken == granted {
            break;
        }
        let unused: Vec<_> = granted.difference(&taken).collect();
        assert!(Instant::now() < patience, "allowed and not asked for: {unused:?}\n{}", exporter.log());
        sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn a_path_is_allowed_with_a_token_for_cdi_and_no_other() {
    let paths = |values: &str| -> Vec<Value> {
        let rules = rendered(values).one("ClusterRole")["rules"].as_array().unwrap().clone();
        rules.into_iter().filter(|rule| rule.get("nonResourceURLs").is_some()).collect()
    };
    assert_eq!(paths(""), [Value::Null; 0]);
    let metrics = json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]});
    assert_eq!(paths("kubevirt: {token: true}"), [metrics]);
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn the_right_to_the_authority_can_be_confined_to_kubevirts_namespace() {
    let (wide, confined) = (rendered(""), rendered("kubevirt: {namespace: kubevirt}"));
    let (role, cluster_role) = (confined.one("Role"), confined.one("ClusterRole"));
    assert_eq!(role["metadata"]["namespace"], "kubevirt");
    assert_eq!(confined.one("RoleBinding")["metadata"]["namespace"], "kubevirt");
    let both: BTreeSet<_> = granted(role).union(&granted(cluster_role)).cloned().collect();
    assert_eq!(both, granted(wide.one("ClusterRole")));
    assert!(granted(cluster_role).iter().all(|(_, resource, ..)| resource != "configmaps"));
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn roles_are_bound_to_the_pods_account_and_nobody_else() {
    for values in [
        "",
        "kubevirt: {namespace: kubevirt}",
        "serviceAccount: {name: another}",
        "openshift: {scc: privileged}",
    ] {
        let rendered = rendered(values);
        let daemonset = rendered.one("DaemonSet");
        let account = json!([{
            "kind": "ServiceAccount",
            "name": daemonset["spec"]["template"]["spec"]["serviceAccountName"],
            "namespace": daemonset["metadata"]["namespace"],
        }]);
        let bindings = [rendered.all("ClusterRoleBinding"), rendered.all("RoleBinding")].concat();
        assert!(!bindings.is_empty());
        assert!(bindings.iter().all(|binding| binding["subjects"] == account), "{values}");
        assert_eq!(rendered.one("ServiceAccount")["automountServiceAccountToken"], false);
        assert_eq!(daemonset["spec"]["template"]["spec"]["automountServiceAccountToken"], true);
    }
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn without_the_api_server_there_is_no_role_and_no_token() {
    let rendered = rendered("kube: {enabled: false}");
    assert_eq!(rendered.kinds(), ["DaemonSet", "PriorityClass", "Service", "ServiceAccount"]);
    let pod = &rendered.one("DaemonSet")["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert!(pod["containers"][0]["args"].as_array().unwrap().contains(&"--kube=off".into()));
}

#[test]
#[ignore = "live: needs Helm's engine"]
fn notes_say_what_is_lost_as_it_is_installed() {
    let lost = |values: &str| rendered(values).notes.unwrap();
    let standard = lost("");
    assert!(standard.contains("- without DAC_READ_SEARCH (profile=full): bytes read"), "{standard}");
    assert!(!standard.contains("without SYS_PTRACE"), "{standard}");
    let full = lost("profile: full");
    assert!(!full.contains("without"), "{full}");
    let nothing = lost("profile: minimal\nkube: {enabled: false}\nhostMounts: {proc: false, cgroup: false}");
    for name in ["/proc", "/sys/fs/cgroup", "SYS_PTRACE", "DAC_READ_SEARCH", "the API server"] {
        assert!(nothing.contains(&format!("- without {name} (")), "{name}: {nothing}");
    }
}
