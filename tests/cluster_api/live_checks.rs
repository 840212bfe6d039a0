//! Checks that hold for any cluster: the scripted one, and a real one where there is one (`live_cluster`).

use std::path::Path;
use std::time::Duration;

use edgebench_exporter::cluster::{self, Cluster, Deployment, Handle, Mode, Pace, Scope, Settings, State};
use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

/// Ends a test that would hang; no test relies on how long something takes.
const HANG: Duration = Duration::from_secs(120);

const NAME: &str = "edgebench-test";

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

async fn client(kubeconfig: &Path) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

async fn ask(client: &Client, method: &str, path: &str, body: Value) -> kube::Result<Value> {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request =
        Request::builder().method(method).uri(path).header("Content-Type", kind).body(body).unwrap();
    client.request(request).await
}

fn settings(kubeconfig: &Path, node: &str) -> Settings {
    Settings {
        mode: Mode::On,
        kubeconfig: Some(kubeconfig.to_owned()),
        node: node.to_owned(),
        scope: Scope::Cluster,
        pace: Pace { refused: Duration::from_secs(2), ..Pace::default() },
    }
}

async fn eventually(what: &str, handle: &Handle, is: impl Fn(&Cluster) -> bool) {
    let waiting = async {
        while !handle.with(&is) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(HANG, waiting).await.is_err() {
        handle.with(|cluster| panic!("{what} did not come: {cluster:#?}\n{:#?}", handle.health()));
    }
}

async fn settled(handle: &Handle) {
    let waiting = async {
        while !handle.health().settled() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(HANG, waiting).await.expect("every kind is answered");
}

/// What watches keep up to date is what a list says, for each node.
pub(crate) fn what_is_known_is_what_is_listed(kubeconfig: &Path) {
    let nodes = block_on(async {
        let nodes = ask(&client(kubeconfig).await, "GET", "/api/v1/nodes", Value::Null).await.unwrap();
        let name = |node: &Value| node["metadata"]["name"].as_str().unwrap().to_owned();
        nodes["items"].as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    });
    assert!(!nodes.is_empty());
    for node in nodes.iter().take(5) {
        let settings = settings(kubeconfig, node);
        block_on(async {
            let handle = cluster::start(&settings).await.unwrap().unwrap();
            settled(&handle).await;
            assert!(handle.health().success(), "{:#?}", handle.health());
            let asked = settings.clone();
            // A cluster goes on while it is looked at: the two are the same at some moment.
            for _ in 0..20 {
                let asked = asked.clone();
                let once =
                    tokio::task::spawn_blocking(move || cluster::read_once(&asked, HANG)).await.unwrap();
                let once = once.unwrap().unwrap();
                if once.with(|once| handle.with(|known| known == once)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            panic!("{node}: what is known never is what is listed: {:#?}", handle.with(Cluster::clone));
        });
    }
}

/// A deployment is heard of as it comes, changes and goes. Its pods fit on no node.
pub(crate) fn a_deployment_is_heard_of(kubeconfig: &Path) {
    block_on(async {
        let client = client(kubeconfig).await;
        let collection = "/apis/apps/v1/namespaces/default/deployments";
        let path = format!("{collection}/{NAME}");
        let _ = ask(&client, "DELETE", &path, Value::Null).await;

        let handle = cluster::start(&settings(kubeconfig, "no-such-node")).await.unwrap().unwrap();
        settled(&handle).await;
        let found = |cluster: &Cluster| -> Option<Deployment> {
            cluster.deployments.iter().find(|deployment| deployment.name == NAME).cloned()
        };
        eventually("a clean start", &handle, |cluster| found(cluster).is_none()).await;

        let labels = json!({ "kubevirt.io": NAME });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": NAME, "namespace": "default", "labels": labels },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": { "edgebench-test": "true" } },
                "template": {
                    "metadata": { "labels": { "edgebench-test": "true" } },
                    "spec": { "nodeSelector": { "edgebench.io/nowhere": "true" },
                              "containers": [{ "name": "none", "image": "none" }] },
                },
            },
        });
        ask(&client, "POST", collection, deployment).await.unwrap();
        let wanted = Deployment {
            namespace: "default".into(),
            name: NAME.into(),
            component: NAME.into(),
            wanted: 1,
            ready: 0,
        };
        eventually("the deployment", &handle, |cluster| found(cluster).as_ref() == Some(&wanted)).await;
        ask(&client, "PATCH", &path, json!({ "spec": { "replicas": 2 } })).await.unwrap();
        let more = Deployment { wanted: 2, ..wanted };
        eventually("its change", &handle, |cluster| found(cluster).as_ref() == Some(&more)).await;
        ask(&client, "DELETE", &path, Value::Null).await.unwrap();
        eventually("its end", &handle, |cluster| found(cluster).is_none()).await;
    });
}

/// A node that is not there has no VMs, and nobody is denied anything.
pub(crate) fn a_node_that_is_not_there_has_nothing(kubeconfig: &Path) {
    block_on(async {
        let handle = cluster::start(&settings(kubeconfig, "no-such-node")).await.unwrap().unwrap();
        settled(&handle).await;
        for kind in handle.health().kinds {
            assert!(matches!(kind.state, State::Synced | State::Absent), "{kind:?}");
        }
        handle.with(|cluster| {
            assert_eq!((cluster.vmis.len(), cluster.launchers.len()), (0, 0));
            assert!(cluster.kubernetes.as_ref().is_some_and(|version| version.starts_with('v')));
        });
    });
}
