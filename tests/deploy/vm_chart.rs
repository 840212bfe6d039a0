//! The values of the chart iot-edge-vm: those of the source document, those of its README, and those that its schema
//! knows are the same.

use std::collections::BTreeMap;
use std::fs;

use edgebench_tests::charts::chart;
use serde_json::Value;

/// The table "Setting Helm Chart Values" of the source document: flags and defaults.
const SOURCE_DOCUMENT: [(&str, &str); 12] = [
    ("azIotEdgeConfig", "empty"),
    ("publicSshKey", "empty"),
    ("aziotEdgeVmEnableExternalSsh", "true"),
    ("aziotEdgeVmDiskSize", "4Gi"),
    ("nameOverride", "aziot-edge-kubevirt"),
    ("macAddress", "fe:7e:48:a0:7d:22"),
    ("rootCA", "empty"),
    ("rootCAName", "azure-iot.root.ca.cert.pem"),
    ("deviceCACert", "empty"),
    ("deviceCACertName", "iot-edge-device.full-chain.cert.pem"),
    ("deviceCAKey", "empty"),
    ("deviceCAKeyName", "iot-edge-device.key.pem"),
];

fn file(name: &str) -> String {
    let path = chart("iot-edge-vm").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn values() -> Value {
    serde_saphyr::from_str(&file("values.yaml")).unwrap()
}

/// `metrics.service` and its default, of all values; an empty map and a list are values too.
fn leaves(value: &Value, path: &str, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, inner) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(inner, &path, into);
            }
        }
        _ => {
            into.insert(path.to_owned(), value.clone());
        }
    }
}

fn all() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    leaves(&values(), "", &mut all);
    all
}

/// The rows of a page's tables whose first cells are code: `value` and `default`, without the back quotes.
fn rows(page: &str) -> Vec<(String, String, String)> {
    let code = |cell: &str| Some(cell.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned());
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|');
        let (value, default) = (code(cells.next()?)?, code(cells.next()?)?);
        Some((value, default, cells.next()?.trim().to_owned()))
    });
    rows.collect()
}

#[test]
fn every_value_of_the_source_document_is_there_with_its_default() {
    let values = values();
    for (name, default) in SOURCE_DOCUMENT {
        let expected = match default {
            "empty" => Value::from(""),
            "true" => Value::from(true),
            text => Value::from(text),
        };
        assert_eq!(values.get(name), Some(&expected), "{name}");
    }
    let readme = file("README.md");
    let (_, section) = readme.split_once("## Values of the source document").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let names: Vec<String> = rows(section).into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(names, SOURCE_DOCUMENT.map(|(name, _)| name), "in its order");
}

#[test]
fn the_readme_has_every_value_with_its_default_and_a_meaning() {
    let mut missing = all();
    for (name, default, meaning) in rows(&file("README.md")) {
        let value = missing.remove(&name).unwrap_or_else(|| panic!("{name} is no value, or there twice"));
        let said: Value =
            serde_saphyr::from_str(&default).unwrap_or_else(|e| panic!("{name}: {default}: {e}"));
        assert_eq!(said, value, "{name}");
        assert!(meaning.len() > 10, "{name}: {meaning}");
    }
    assert!(missing.is_empty(), "not in the README: {missing:?}");
}

#[test]
fn the_schema_knows_every_value_and_no_other() {
    fn known(schema: &Value, path: &str, into: &mut Vec<String>) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            into.push(path.to_owned());
            return;
        };
        assert_eq!(schema["additionalProperties"], false, "{path}: an unknown value is refused");
        let required: Vec<&str> =
            schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for (name, inner) in properties {
            // Helm's own, for charts within charts.
            if path.is_empty() && name == "global" {
                continue;
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            assert!(required.contains(&name.as_str()), "{path}: `null` removes it");
            // What Kubernetes says the form of.
            if ["affinity", "tolerations", "nodeSelector"].contains(&path.as_str()) {
                into.push(path);
            } else {
                known(inner, &path, into);
            }
        }
    }
    let schema: Value = serde_json::from_str(&file("values.schema.json")).unwrap();
    let mut names = Vec::new();
    known(&schema, "", &mut names);
    names.sort_unstable();
    assert_eq!(names, all().into_keys().collect::<Vec<_>>());
}

/// What the rows say is held against the objects in `live_vm_chart/defects.rs`.
#[test]
fn each_of_the_fourteen_defects_has_its_row() {
    let readme = file("README.md");
    let (_, table) = readme.split_once("| # | there | here |").unwrap();
    let numbers: Vec<usize> =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(' ')?.0.parse().ok()).collect();
    assert_eq!(numbers, (1..=14).collect::<Vec<_>>());
}

#[test]
fn the_examples_map_the_ports_that_the_values_name() {
    let values = values();
    let port = |name: &str| values["metrics"][name].to_string();
    let config = file("examples/config.toml");
    assert!(config.contains("<YOUR_CONNSTRING_HERE>") && !config.contains("SharedAccessKey="), "{config}");
    assert!(config.contains(&format!("HostPort = \"{}\"", port("edgeAgentPort"))));
    let deployment: Value = serde_json::from_str(&file("examples/deployment.json")).unwrap();
    let modules = &deployment["modulesContent"]["$edgeAgent"]["properties.desired"]["systemModules"];
    for (module, port) in [("edgeAgent", port("edgeAgentPort")), ("edgeHub", port("edgeHubPort"))] {
        let settings = &modules[module]["settings"];
        let options: Value = serde_json::from_str(settings["createOptions"].as_str().unwrap()).unwrap();
        assert_eq!(
            options["HostConfig"]["PortBindings"]["9600/tcp"][0]["HostPort"],
            port.as_str(),
            "{module}"
        );
        assert!(options["ExposedPorts"]["9600/tcp"].is_object(), "{module}");
        let version = values["iotEdge"]["version"].as_str().unwrap();
        assert!(settings["image"].as_str().unwrap().ends_with(&format!(":{version}")), "{module}");
    }
    let image = format!("azureiotedge-agent:{}\"", values["iotEdge"]["version"].as_str().unwrap());
    assert!(config.contains(&image), "{image}");
}
