//! Every value is documented beside itself, in the README, and in the schema; nothing else is.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::{read, unwrapped};

/// A value that has a line `# -- …` before it.
#[derive(Debug)]
pub(crate) struct Documented {
    /// `image.tag`
    pub(crate) path: String,
    /// What is said of it, line by line.
    pub(crate) text: String,
}

fn values() -> Value {
    serde_saphyr::from_str(&read("values.yaml")).unwrap()
}

/// Reads `values.yaml` as text: a comment that begins with `# --` is on the next key.
pub(crate) fn documented() -> Vec<Documented> {
    let mut all = Vec::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut said: Option<String> = None;
    for line in read("values.yaml").lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(comment) = text.strip_prefix('#') {
            match (comment.strip_prefix(" -- "), &mut said) {
                (Some(begin), _) => said = Some(begin.to_owned()),
                (None, Some(said)) => {
                    said.push('\n');
                    said.push_str(comment.strip_prefix(' ').unwrap_or(comment));
                }
                (None, None) => {}
            }
            continue;
        }
        let Some((key, _)) = text.split_once(':').filter(|(key, _)| !key.starts_with(['-', '[', '{'])) else {
            continue;
        };
        above.retain(|(other, _)| *other < indent);
        above.push((indent, key.to_owned()));
        if let Some(text) = said.take() {
            let path: Vec<_> = above.iter().map(|(_, key)| key.as_str()).collect();
            all.push(Documented { path: path.join("."), text });
        }
    }
    all
}

/// The paths of what a map of maps holds; what is documented as a whole is one.
fn leaves(value: &Value, path: &str, whole: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !whole.contains(path) => {
            for (name, value) in fields {
                leaves(value, &below(path, name), whole, found);
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// The schema of a value, references followed.
fn schema<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let follow = |schema: &'a Value| match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    path.split('.').try_fold(root, |schema, name| {
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        // Where keys are free, all have one schema.
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        property.or(any).map(follow)
    })
}

#[test]
fn every_value_is_documented_where_it_stands() {
    let documented: Vec<_> = documented().into_iter().map(|value| value.path).collect();
    let set: BTreeSet<_> = documented.iter().cloned().collect();
    assert_eq!(set.len(), documented.len(), "one is documented twice");
    let mut leaves_ = BTreeSet::new();
    leaves(&values(), "", &set, &mut leaves_);
    assert_eq!(set, leaves_);
}

/// All of them as the README's table.
pub(crate) fn table() -> String {
    let values = values();
    let mut text = "| value | default | |\n|---|---|---|\n".to_owned();
    for Documented { path, text: said } in documented() {
        let default = serde_json::to_string(at(&values, &path).unwrap()).unwrap();
        // A list in a comment is for who reads values.yaml; in a cell of a table it is one text.
        let said = unwrapped(&said.replace("\n* ", " ")).replace('|', "\\|");
        writeln!(text, "| `{path}` | `{}` | {said} |", default.replace('|', "\\|")).unwrap();
    }
    text
}

#[test]
fn the_schema_knows_them_all_and_no_other() {
    let (values, root) = (values(), serde_json::from_str::<Value>(&read("values.schema.json")).unwrap());
    let documented: BTreeSet<_> = documented().into_iter().map(|value| value.path).collect();
    for path in &documented {
        assert!(schema(&root, path).is_some(), "no schema of {path}");
    }
    fn walk(root: &Value, values: &Value, path: &str, documented: &BTreeSet<String>) {
        let schema = if path.is_empty() { root } else { schema(root, path).unwrap() };
        if documented.contains(path) {
            return;
        }
        // A chart that has this one as a dependency hands down its own globals.
        if path != "global" {
            assert_eq!(schema["additionalProperties"], false, "{path} takes any key");
        }
        for name in schema["properties"].as_object().unwrap().keys() {
            let path = below(path, name);
            // `resources.claims` and the like: of the API, without a default.
            let there = values.get(name);
            assert!(there.is_some() || path == "resources.claims", "{path} is in the schema alone");
            if let Some(there) = there {
                walk(root, there, &path, documented);
            }
        }
    }
    // Where keys are the cluster's to choose.
    let mut whole = documented;
    whole.extend(["resources.requests".to_owned(), "resources.limits".to_owned()]);
    whole.extend(["updateStrategy.rollingUpdate".to_owned()]);
    walk(&root, &values, "", &whole);
}
