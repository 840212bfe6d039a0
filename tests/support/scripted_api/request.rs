//! A request: what of it the server looks at.

use std::collections::BTreeMap;

use serde_json::Value;

#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// `/api/v1/pods`, without the namespace.
    pub(super) collection: String,
    pub(super) namespace: Option<String>,
    /// The last part of the path of a single object.
    pub(super) name: Option<String>,
    parameters: BTreeMap<String, String>,
}

impl Request {
    pub(super) fn new(path: &str, query: &str) -> Request {
        let mut request = Request { collection: path.to_owned(), ..Request::default() };
        if let Some((group, rest)) = path.split_once("/namespaces/") {
            let parts: Vec<&str> = rest.split('/').collect();
            if let [namespace, resource, rest @ ..] = parts.as_slice() {
                request.collection = format!("{group}/{resource}");
                request.namespace = Some((*namespace).to_owned());
                request.name = rest.first().map(|name| (*name).to_owned());
            }
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request.parameters.insert(name.to_owned(), unescape(value));
        }
        request
    }

    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    pub(super) fn is_watch(&self) -> bool {
        self.parameter("watch") == "true"
    }

    /// Whether it asks for this object.
    pub(super) fn selects(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if self.namespace.as_ref().is_some_and(|namespace| *namespace != text(&metadata["namespace"])) {
            return false;
        }
        let by_label = |term: &str| match term.split_once('=') {
            Some((key, value)) => metadata["labels"][key] == value,
            None => metadata["labels"].get(term).is_some(),
        };
        let by_field = |term: &str| {
            let (path, value) = term.split_once('=').unwrap();
            let found = path.split('.').fold(object, |value, key| &value[key]);
            text(found) == value
        };
        let terms = |name| self.parameter(name).split(',').filter(|term: &&str| !term.is_empty());
        terms("labelSelector").all(by_label) && terms("fieldSelector").all(by_field)
    }
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
