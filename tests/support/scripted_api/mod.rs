//! A Kubernetes API server for tests: it lists and watches objects as a real one does, with versions, selectors,
//! bookmarks and chunked streams, and misbehaves on demand.
//!
//! What it answers when it refuses are the answers of a real server (`fixtures/api-kubernetes-1.36-kubevirt-1.9`). It
//! is told of objects by their collection, such as `/api/v1/pods`, and numbers their versions itself.

mod connection;
mod request;
mod store;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::{fs, thread};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

pub use self::store::Fault;
use self::store::State;
use crate::host::fixture;

/// Collections that edgebench asks for.
pub const PODS: &str = "/api/v1/pods";
/// ConfigMaps.
pub const CONFIGMAPS: &str = "/api/v1/configmaps";
/// Deployments.
pub const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
/// VMIs.
pub const VMIS: &str = "/apis/kubevirt.io/v1/virtualmachineinstances";
/// KubeVirt's CR.
pub const KUBEVIRTS: &str = "/apis/kubevirt.io/v1/kubevirts";
/// CDI's CR.
pub const CDIS: &str = "/apis/cdi.kubevirt.io/v1beta1/cdis";

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }
}

/// The server, on a port of the loopback interface. It lives as long as the test.
pub struct ScriptedApi {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
}

impl ScriptedApi {
    /// An empty one, in plain HTTP.
    pub fn new() -> ScriptedApi {
        ScriptedApi::serve(None)
    }

    /// An empty one with TLS.
    pub fn with_tls(config: ServerConfig) -> ScriptedApi {
        ScriptedApi::serve(Some(Arc::new(config)))
    }

    /// What a real one had: Kubernetes 1.36, KubeVirt 1.9, CDI 1.66, a VM on `edge-node`, and `kubevirt-ca`.
    pub fn real() -> ScriptedApi {
        let api = ScriptedApi::new();
        api.load_real();
        api
    }

    /// Adds what [`ScriptedApi::real`] has.
    pub fn load_real(&self) {
        let lists = [
            (PODS, "pods-kubevirt"),
            (VMIS, "virtualmachineinstances"),
            (KUBEVIRTS, "kubevirts"),
            (CDIS, "cdis"),
            (DEPLOYMENTS, "deployments-kubevirt"),
            (DEPLOYMENTS, "deployments-cdi"),
        ];
        for (collection, name) in lists {
            for item in answer(&format!("{name}.json"))["items"].as_array().unwrap() {
                self.put(collection, item.clone());
            }
        }
        self.put(
            CONFIGMAPS,
            serde_json::json!({
                "metadata": { "namespace": "kubevirt", "name": "kubevirt-ca", "uid": "ca" },
                "data": { "ca-bundle": "-----BEGIN CERTIFICATE-----\n" },
            }),
        );
    }

    fn serve(tls: Option<Arc<ServerConfig>>) -> ScriptedApi {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { state: Mutex::new(State::new()), changed: Condvar::new() });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), shared) = (stream, serving.clone()) else { return };
                let _ = stream.set_nodelay(true);
                if shared.state().ended {
                    return;
                }
                if shared.state().down {
                    continue;
                }
                let tls = tls.clone();
                thread::spawn(move || match tls {
                    None => connection::serve(&shared, stream),
                    Some(config) => {
                        let session = ServerConnection::new(config).unwrap();
                        connection::serve(&shared, StreamOwned::new(session, stream));
                    }
                });
            }
        });
        ScriptedApi { shared, address, scheme }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// A kubeconfig for it in `dir`, with these lines of the cluster and of the user.
    pub fn kubeconfig(&self, dir: &Path, cluster: &str, user: &str) -> PathBuf {
        let path = dir.join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n\
             clusters: [{{name: test, cluster: {{server: \"{}\"{cluster}}}}}]\n\
             users: [{{name: test, user: {{{user}}}}}]\n",
            self.url()
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Adds or changes an object.
    pub fn put(&self, collection: &str, object: Value) {
        self.shared.change(|state| state.put(collection, object));
    }

    /// Deletes an object.
    pub fn delete(&self, collection: &str, namespace: &str, name: &str) {
        self.shared.change(|state| state.delete(collection, namespace, name));
    }

    /// Changes an object in place.
    pub fn edit(&self, collection: &str, namespace: &str, name: &str, edit: impl FnOnce(&mut Value)) {
        self.shared.change(|state| {
            let mut object = state.get(collection, namespace, name).unwrap().clone();
            edit(&mut object);
            state.put(collection, object);
        });
    }

    /// The objects of a collection that a query selects.
    pub fn selected(&self, path: &str, query: &str) -> Vec<Value> {
        let request = request::Request::new(path, query);
        self.shared.state().selected(&request).cloned().collect()
    }

    /// Sends a bookmark to every watch.
    pub fn bookmark(&self) {
        self.shared.change(State::bookmark);
    }

    /// Forgets all versions but the latest, as etcd does when it compacts: whoever watches is told `410`.
    pub fn forget(&self) {
        self.shared.change(State::forget);
    }

    /// Lets go of its history, which every watch has heard by now.
    pub fn trim(&self) {
        self.shared.change(State::trim);
    }

    /// Answers requests whose path and query contain `part` with a fault, so many times.
    pub fn fail(&self, part: &str, fault: Fault, times: usize) {
        self.shared.change(|state| state.fail(part, fault, times));
    }

    /// Answers as it should.
    pub fn heal(&self) {
        self.shared.change(State::heal);
    }

    /// Breaks every connection.
    pub fn break_connections(&self) {
        self.shared.change(|state| state.epoch += 1);
    }

    /// Goes away: connections break, and new ones are closed at once.
    pub fn stop(&self) {
        self.shared.change(|state| {
            state.epoch += 1;
            state.down = true;
        });
    }

    /// Comes back. What it knew of old versions is gone with its cache.
    pub fn restart(&self) {
        self.shared.change(|state| {
            state.down = false;
            state.forget();
        });
    }

    /// Comes back with the state of an older backup: versions start low again.
    pub fn restart_with_lower_versions(&self) {
        self.shared.change(|state| {
            state.renumber();
            state.down = false;
        });
    }

    /// Only whoever has this token is answered; connections of others break.
    pub fn demand_token(&self, token: &str) {
        self.shared.change(|state| {
            state.token = Some(token.to_owned());
            state.epoch += 1;
        });
    }

    /// The cluster has no such collection (any more).
    pub fn remove_collection(&self, collection: &str) {
        self.shared.change(|state| state.remove_collection(collection));
    }

    /// The cluster has it again, empty.
    pub fn add_collection(&self, collection: &str) {
        self.shared.change(|state| state.add_collection(collection));
    }

    /// Path and query of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }

    /// Watches at this moment.
    pub fn watches(&self) -> usize {
        self.shared.state().watches
    }
}

impl Default for ScriptedApi {
    fn default() -> ScriptedApi {
        ScriptedApi::new()
    }
}

impl Drop for ScriptedApi {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.epoch += 1;
            state.ended = true;
        });
        // The one that accepts wakes for one more connection.
        let _ = std::net::TcpStream::connect(self.address);
    }
}

/// A real answer as text.
pub fn answer_text(name: &str) -> String {
    let path = fixture("api-kubernetes-1.36-kubevirt-1.9").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A real answer.
pub fn answer(name: &str) -> Value {
    serde_json::from_str(&answer_text(name)).unwrap()
}

/// The events of a real watch.
pub fn events(name: &str) -> Vec<Value> {
    answer_text(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
