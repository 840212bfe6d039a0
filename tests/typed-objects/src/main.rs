//! Reads a JSON list of objects of prometheus-operator and of Flux on stdin, and prints for each one a list of what a typed
//! reading loses or refuses.
//!
//! The types are generated from the operators' CRDs. What is no field of theirs, the API server drops without a
//! word (`x-kubernetes-preserve-unknown-fields` is off), and so do the types: what does not come back was a mistake.

use std::error::Error;
use std::io;

use kcr_helm_toolkit_fluxcd_io::v2::helmreleases;
use kcr_kustomize_toolkit_fluxcd_io::v1::kustomizations;
use kcr_monitoring_coreos_com::v1::{podmonitors, prometheusrules, servicemonitors};
use kcr_source_toolkit_fluxcd_io::v1::gitrepositories;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let objects: Vec<Value> = serde_json::from_reader(io::stdin().lock())?;
    let lost: Vec<Vec<String>> = objects.iter().map(lost).collect();
    serde_json::to_writer(io::stdout().lock(), &lost)?;
    Ok(())
}

fn lost(object: &Value) -> Vec<String> {
    match (object["apiVersion"].as_str(), object["kind"].as_str()) {
        (Some("monitoring.coreos.com/v1"), Some("PodMonitor")) => through::<podmonitors::PodMonitor>(object),
        (Some("monitoring.coreos.com/v1"), Some("ServiceMonitor")) => {
            through::<servicemonitors::ServiceMonitor>(object)
        }
        (Some("monitoring.coreos.com/v1"), Some("PrometheusRule")) => {
            through::<prometheusrules::PrometheusRule>(object)
        }
        (Some("source.toolkit.fluxcd.io/v1"), Some("GitRepository")) => {
            through::<gitrepositories::GitRepository>(object)
        }
        (Some("kustomize.toolkit.fluxcd.io/v1"), Some("Kustomization")) => {
            through::<kustomizations::Kustomization>(object)
        }
        (Some("helm.toolkit.fluxcd.io/v2"), Some("HelmRelease")) => through::<helmreleases::HelmRelease>(object),
        (version, kind) => vec![format!("no type for {kind:?} of {version:?}")],
    }
}

fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Vec<String> {
    let there_and_back =
        serde_json::from_value::<T>(object.clone()).and_then(|typed| serde_json::to_value(typed));
    match there_and_back {
        Ok(back) => {
            let mut differences = Vec::new();
            compare(object, &back, String::new(), &mut differences);
            differences
        }
        Err(error) => vec![error.to_string()],
    }
}

/// What of `object` is not the same in `back`.
fn compare(object: &Value, back: &Value, path: String, differences: &mut Vec<String>) {
    match (object, back) {
        (Value::Object(fields), Value::Object(kept)) => {
            for (name, value) in fields {
                let path = format!("{path}/{name}");
                match kept.get(name) {
                    Some(other) => compare(value, other, path, differences),
                    None => differences.push(format!("{path} is lost")),
                }
            }
        }
        (Value::Array(items), Value::Array(kept)) if items.len() == kept.len() => {
            for (number, (value, other)) in items.iter().zip(kept).enumerate() {
                compare(value, other, format!("{path}/{number}"), differences);
            }
        }
        _ if object == back => {}
        _ => differences.push(format!("{path} becomes {back}")),
    }
}
