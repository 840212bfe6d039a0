//! The index, kept up to date from a server, and the truth to compare it with.

use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use edgebench_exporter::cluster::health::Subject;
use edgebench_exporter::cluster::index::{Index, Key, Teller};
use edgebench_exporter::cluster::{
    self, Cluster, Handle, Kind, Mode, Pace, Scope, Settings, State, Vmi, decode,
};
use edgebench_tests::scripted_api::{ScriptedApi, VMIS, answer_text};
use tokio::sync::oneshot;

/// Ends a test that would hang; no test relies on how long something takes.
const HANG: Duration = Duration::from_secs(60);

pub(crate) const NODE: &str = "edge-node";

/// Tests wait less than clusters do.
pub(crate) fn pace() -> Pace {
    Pace {
        answer: Duration::from_secs(20),
        list: Duration::from_secs(60),
        watch: Duration::from_secs(20),
        shortest: Duration::from_millis(20),
        longest: Duration::from_millis(200),
        refused: Duration::from_millis(200),
        migrating: Duration::from_millis(50),
        version: Duration::from_secs(1),
    }
}

pub(crate) fn settings(kubeconfig: &Path) -> Settings {
    Settings {
        mode: Mode::On,
        kubeconfig: Some(kubeconfig.to_owned()),
        node: NODE.to_owned(),
        scope: Scope::Cluster,
        pace: pace(),
    }
}

pub(crate) struct Rig {
    pub(crate) handle: Handle,
    scope: Scope,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _dir: Option<tempfile::TempDir>,
}

impl Rig {
    /// Asks `api` for everything.
    pub(crate) fn start(api: &ScriptedApi) -> Rig {
        Rig::adjusted(api, |_| {})
    }

    /// Asks with other settings.
    pub(crate) fn adjusted(api: &ScriptedApi, adjust: impl FnOnce(&mut Settings)) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&api.kubeconfig(dir.path(), "", ""));
        adjust(&mut settings);
        let mut rig = Rig::with(settings);
        rig._dir = Some(dir);
        rig
    }

    pub(crate) fn with(settings: Settings) -> Rig {
        let (tell, told) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let scope = settings.scope;
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                tell.send(cluster::start(&settings).await.unwrap().unwrap()).unwrap();
                let _ = ended.await;
            });
        });
        let handle = told.recv().unwrap();
        Rig { handle, scope, end: Some(end), thread: Some(thread), _dir: None }
    }

    /// Waits until the index is what `api` has.
    pub(crate) fn converges(&self, api: &ScriptedApi, when: &str) {
        let truth = truth(api, self.scope);
        let start = Instant::now();
        while !self.handle.with(|cluster| *cluster == truth) {
            if start.elapsed() > HANG {
                self.handle.with(|cluster| assert_eq!(*cluster, truth, "{when}"));
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the health of a kind is so.
    pub(crate) fn becomes(&self, subject: Subject, state: State) {
        eventually(&format!("{subject:?} {state:?}; {:?}", self.handle.health()), || {
            self.state(subject) == state
        });
    }

    pub(crate) fn state(&self, subject: Subject) -> State {
        self.handle.health().of(subject).unwrap().state
    }

    /// How often asking for a kind failed for this reason.
    pub(crate) fn errors(&self, reason: &str) -> u64 {
        self.handle.health().errors().get(reason).copied().unwrap_or_default()
    }

    /// Waits until it has failed for this reason.
    pub(crate) fn fails(&self, reason: &str) {
        eventually(reason, || self.errors(reason) > 0);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = self.end.take().unwrap().send(());
        if !thread::panicking() {
            self.thread.take().unwrap().join().unwrap();
        }
    }
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < HANG, "{what} did not come");
        sleep(Duration::from_millis(5));
    }
}

fn key(vmi: &Vmi) -> Key {
    (vmi.namespace.clone(), vmi.name.clone())
}

/// What `api` has, decoded without any of what asks for it.
pub(crate) fn truth(api: &ScriptedApi, scope: Scope) -> Cluster {
    let mut index = Index::default();
    for kind in Kind::ALL {
        for object in api.selected(&kind.path("kubevirt"), &kind.query(NODE, scope)) {
            let (identity, object) = decode::object(kind, &object.to_string()).unwrap();
            index.put(Teller::Kind(kind), identity, object);
        }
    }
    // VMIs whose label names no node yet, or another one, count where a living pod of theirs is here.
    let labelled = index.cluster().vmis.iter().map(key).collect();
    index.keep_only(Teller::Kind(Kind::Vmis), &labelled);
    for (namespace, name) in index.unlabelled_vmis() {
        let of_this_name = api.selected(VMIS, "").into_iter().find(|vmi| {
            vmi["metadata"]["namespace"] == namespace.as_str() && vmi["metadata"]["name"] == name.as_str()
        });
        let Some(object) = of_this_name else { continue };
        let status = &object["status"];
        let active =
            status["activePods"].as_object().is_some_and(|pods| pods.values().any(|node| node == NODE));
        let migrates = &status["migrationState"];
        let comes =
            migrates["targetNode"] == NODE && migrates["completed"] != true && migrates["failed"] != true;
        if status["nodeName"] == NODE || active || comes {
            let (identity, object) = decode::object(Kind::Vmis, &object.to_string()).unwrap();
            index.put(Teller::Launcher, identity, object);
        }
    }
    index.set_kubernetes(decode::kubernetes_version(&answer_text("version.json")).unwrap());
    index.cluster().clone()
}
