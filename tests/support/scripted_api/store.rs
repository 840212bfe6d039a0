//! The objects, their history, and what is to go wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::request::Request;

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An HTTP status with this body.
    Status(u16, String),
    /// The body of the answer is cut after so many bytes.
    Cut(usize),
    /// The body comes so many bytes at a time, a hundredth of a second apart.
    Slow(usize),
    /// No answer at all.
    Hang,
    /// A watch that is answered, and says nothing from then on.
    Silent,
    /// This instead of the answer.
    Instead(String),
    /// This line in the watch, then its end.
    Line(String),
}

/// A change: what it was, what it is.
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) collection: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) bookmark: bool,
}

pub(super) struct State {
    version: u64,
    objects: BTreeMap<(String, String, String), Value>,
    pub(super) history: Vec<Change>,
    /// Who watches from below this version is told that it is gone.
    pub(super) oldest: u64,
    absent: BTreeSet<String>,
    faults: Vec<(String, Fault, usize)>,
    pub(super) token: Option<String>,
    /// A connection breaks when this changes.
    pub(super) epoch: u64,
    pub(super) down: bool,
    pub(super) ended: bool,
    pub(super) requests: Vec<String>,
    pub(super) watches: usize,
}

impl State {
    pub(super) fn new() -> State {
        State {
            version: 1000,
            objects: BTreeMap::new(),
            history: Vec::new(),
            oldest: 0,
            absent: BTreeSet::new(),
            faults: Vec::new(),
            token: None,
            epoch: 0,
            down: false,
            ended: false,
            requests: Vec::new(),
            watches: 0,
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn put(&mut self, collection: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let key = key(collection, &object);
        let before = self.objects.insert(key, object.clone());
        self.record(collection, before, Some(object));
    }

    pub(super) fn delete(&mut self, collection: &str, namespace: &str, name: &str) {
        let key = (collection.to_owned(), namespace.to_owned(), name.to_owned());
        let mut before = self.objects.remove(&key).unwrap_or_else(|| panic!("there is no {key:?}"));
        self.version += 1;
        // A real server gives what is deleted the version of its deletion.
        before["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.record(collection, Some(before), None);
    }

    fn record(&mut self, collection: &str, before: Option<Value>, after: Option<Value>) {
        let version = self.version;
        self.history.push(Change {
            version,
            collection: collection.to_owned(),
            before,
            after,
            bookmark: false,
        });
    }

    pub(super) fn bookmark(&mut self) {
        let version = self.version;
        let collection = String::new();
        self.history.push(Change { version, collection, before: None, after: None, bookmark: true });
    }

    pub(super) fn forget(&mut self) {
        // Something else in the cluster has changed since.
        self.version += 1;
        self.oldest = self.version;
        self.history.clear();
        self.epoch += 1;
    }

    pub(super) fn trim(&mut self) {
        self.history.clear();
        self.requests.clear();
    }

    pub(super) fn renumber(&mut self) {
        self.version = 10;
        self.oldest = 0;
        self.history.clear();
        for object in self.objects.values_mut() {
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        }
    }

    pub(super) fn get(&self, collection: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(collection.to_owned(), namespace.to_owned(), name.to_owned()))
    }

    pub(super) fn selected<'a>(&'a self, request: &'a Request) -> impl Iterator<Item = &'a Value> {
        let of_collection = |key: &&(String, String, String)| key.0 == request.collection;
        self.objects
            .iter()
            .filter(move |(key, _)| of_collection(key))
            .map(|(_, object)| object)
            .filter(|object| request.selects(object))
    }

    pub(super) fn is_absent(&self, collection: &str) -> bool {
        self.absent.contains(collection)
    }

    pub(super) fn remove_collection(&mut self, collection: &str) {
        self.absent.insert(collection.to_owned());
        self.objects.retain(|key, _| key.0 != collection);
        self.forget();
    }

    pub(super) fn add_collection(&mut self, collection: &str) {
        self.absent.remove(collection);
    }

    pub(super) fn fail(&mut self, part: &str, fault: Fault, times: usize) {
        self.faults.push((part.to_owned(), fault, times));
    }

    pub(super) fn heal(&mut self) {
        self.faults.clear();
        // What hangs ends.
        self.epoch += 1;
    }

    /// The fault of this request, which is one time less from now on.
    pub(super) fn fault(&mut self, url: &str) -> Option<Fault> {
        let (_, fault, times) =
            self.faults.iter_mut().find(|(part, _, times)| *times > 0 && url.contains(part.as_str()))?;
        *times -= 1;
        Some(fault.clone())
    }
}

fn key(collection: &str, object: &Value) -> (String, String, String) {
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (collection.to_owned(), text("namespace"), text("name"))
}
