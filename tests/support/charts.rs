//! The charts of `deploy/charts`, rendered by Helm's own engine, and what Kubernetes' schemas say of the objects.
//!
//! Helm is a program in Go; the package `helm-python-sdk` has the same code as a library. `charts/render.py` asks it, in
//! the Python environment that `tests/chart-tools` makes. prometheus-operator's objects go through typed bindings
//! instead, made of its CRDs: see [`typed`].

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod typed;

/// What is to be rendered: `helm template NAME CHART --namespace … -f … --set …`.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    chart: PathBuf,
    name: String,
    namespace: String,
    values: Vec<String>,
    set: Vec<String>,
    packaged: bool,
    files: bool,
    kube_version: Option<String>,
}

/// What became of it.
#[derive(Debug, Deserialize)]
pub struct Rendered {
    /// Why nothing was rendered.
    pub error: Option<String>,
    /// What `helm lint --strict` finds, hints left out.
    pub lint: Vec<String>,
    /// Of all templates, in their order.
    pub objects: Vec<Object>,
    /// What is printed after an installation.
    pub notes: Option<String>,
    /// What the schemas find in the objects, a line each.
    pub faults: Vec<String>,
    /// The chart's files beside its templates, where they were asked for.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// An object and where it is from.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// The template's path in the chart: `templates/daemonset.yaml`.
    pub template: String,
    /// Itself.
    pub object: Value,
}

/// The directory of a chart of ours.
pub fn chart(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/charts")).join(name)
}

impl Request {
    /// A chart with its own values, as release `edge` in the namespace `monitoring`.
    pub fn of(chart: &Path) -> Request {
        Request {
            chart: chart.to_owned(),
            name: "edge".to_owned(),
            namespace: "monitoring".to_owned(),
            values: Vec::new(),
            set: Vec::new(),
            packaged: false,
            files: false,
            kube_version: None,
        }
    }

    /// As a release of this name in this namespace.
    #[must_use]
    pub fn release(mut self, name: &str, namespace: &str) -> Request {
        name.clone_into(&mut self.name);
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// `-f` with a file of this text.
    #[must_use]
    pub fn values(mut self, text: impl Into<String>) -> Request {
        self.values.push(text.into());
        self
    }

    /// `--set`
    #[must_use]
    pub fn set(mut self, expression: impl Into<String>) -> Request {
        self.set.push(expression.into());
        self
    }

    /// From an archive that `helm package` makes. It is not linted then.
    #[must_use]
    pub fn packaged(mut self) -> Request {
        self.packaged = true;
        self
    }

    /// For this Kubernetes (`1.29.0`), and held against its schemas, in place of the newest.
    #[must_use]
    pub fn kubernetes(mut self, version: &str) -> Request {
        self.kube_version = Some(version.to_owned());
        self
    }

    /// With the chart's files.
    #[must_use]
    pub fn with_files(mut self) -> Request {
        self.files = true;
        self
    }

    /// Renders this one.
    ///
    /// # Panics
    /// If there is no environment to do it in.
    pub fn render(&self) -> Rendered {
        render(std::slice::from_ref(self)).remove(0)
    }
}

impl Rendered {
    /// Everything that is wrong with it, a line each: it did not render, lint, schemas, lost fields.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.error.iter().cloned().collect();
        wrong.extend(self.lint.iter().map(|line| format!("lint: {line}")));
        wrong.extend(self.faults.iter().cloned());
        wrong.extend(typed::lost(self.objects.iter().map(|object| &object.object)));
        wrong
    }

    /// The objects of a kind.
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().map(|object| &object.object).filter(|object| object["kind"] == kind).collect()
    }

    /// The only object of a kind.
    ///
    /// # Panics
    /// If there is none or more than one.
    pub fn one(&self, kind: &str) -> &Value {
        let all = self.all(kind);
        assert_eq!(all.len(), 1, "objects of kind {kind}; {:?}", self.error);
        all[0]
    }

    /// The kinds of all objects, sorted, each as often as it is there.
    pub fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<_> =
            self.objects.iter().map(|object| object.object["kind"].as_str().unwrap_or("?")).collect();
        kinds.sort_unstable();
        kinds
    }
}

/// Renders all of them in one process.
///
/// # Panics
/// If there is no environment to do it in.
pub fn render(requests: &[Request]) -> Vec<Rendered> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/support/charts/render.py");
    let answers: Vec<Rendered> =
        serde_json::from_slice(&python(&[script], &serde_json::to_vec(requests).expect("JSON")))
            .expect("render.py answers in JSON");
    assert_eq!(answers.len(), requests.len());
    answers
}

/// Runs Python where Helm is, and returns what it prints.
///
/// # Panics
/// If it fails.
pub fn python(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut python = Command::new(tools().join("bin/python"))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the environment that tests/chart-tools makes has a Python");
    let mut stdin = python.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = python.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
    output.stdout
}

/// The environment: where `EDGEBENCH_TEST_CHART_TOOLS` says (`tests/run` sets it), else in the target directory, made
/// now if it is not there.
fn tools() -> PathBuf {
    if let Some(place) = env::var_os("EDGEBENCH_TEST_CHART_TOOLS") {
        return place.into();
    }
    let place = target().join("chart-tools");
    let status = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/chart-tools"))
        .arg(&place)
        .status()
        .expect("tests/chart-tools runs");
    assert!(status.success(), "tests/chart-tools {}: {status}", place.display());
    place
}

/// The target directory: a test is `target/PROFILE/deps/NAME-HASH`.
fn target() -> PathBuf {
    let test = env::current_exe().expect("the path of this program");
    test.ancestors().nth(3).expect("a target directory").to_owned()
}
