//! The rules of `dashboards/rules`, and promtool's word on them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::dashboards;

/// A file of rules.
#[derive(Clone, Debug, Deserialize)]
pub struct RuleFile {
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after the other.
#[derive(Clone, Debug, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How often, where it is not as Prometheus is set.
    pub interval: Option<String>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// The series that it writes.
    pub record: Option<String>,
    /// The alert that it raises.
    pub alert: Option<String>,
    /// The expression.
    pub expr: String,
    /// How long it has to be so.
    #[serde(rename = "for")]
    pub lasting: Option<String>,
    /// Labels of the alert.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Texts of the alert.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// A file of unit tests.
#[derive(Clone, Debug, Deserialize)]
pub struct TestFile {
    /// The order of groups.
    pub group_eval_order: Vec<String>,
    /// Its tests.
    pub tests: Vec<UnitTest>,
}

/// A unit test.
#[derive(Clone, Debug, Deserialize)]
pub struct UnitTest {
    /// What it says.
    pub name: String,
    /// Of expressions.
    #[serde(default)]
    pub promql_expr_test: Vec<ExprTest>,
    /// Of alerts.
    #[serde(default)]
    pub alert_rule_test: Vec<AlertTest>,
}

/// A unit test of an expression.
#[derive(Clone, Debug, Deserialize)]
pub struct ExprTest {
    /// The expression.
    pub expr: String,
    /// What it gives.
    pub exp_samples: Vec<serde_json::Value>,
}

/// A unit test of an alert.
#[derive(Clone, Debug, Deserialize)]
pub struct AlertTest {
    /// The alert.
    pub alertname: String,
    /// What it raises.
    pub exp_alerts: Vec<serde_json::Value>,
}

/// The groups of a file of `dashboards/rules`.
///
/// # Panics
/// If it can't be read.
pub fn groups(file: &str) -> Vec<Group> {
    read::<RuleFile>(&directory().join(file)).groups
}

/// The rules that write series.
pub fn recording() -> Vec<Rule> {
    groups("recording.yaml").into_iter().flat_map(|group| group.rules).collect()
}

/// The alerts.
pub fn alerts() -> Vec<Rule> {
    groups("alerts.yaml").into_iter().flat_map(|group| group.rules).collect()
}

/// The files of unit tests.
///
/// # Panics
/// If they can't be listed.
pub fn test_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(directory().join("tests")).expect("dashboards/rules/tests");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// A file of YAML.
///
/// # Panics
/// If it can't be read, or is something else.
pub fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The directory of the rules.
pub fn directory() -> PathBuf {
    dashboards::directory().join("rules")
}

/// Runs promtool; answers with what it said, and whether it was content.
///
/// # Panics
/// If it does not start.
pub fn promtool(arguments: &[&str], files: &[PathBuf]) -> (bool, String) {
    let output = Command::new("promtool").args(arguments).args(files).output().expect("promtool");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A copy of the recording rules in which every group is evaluated this often: what is recorded once an hour shows in
/// a test of a minute.
///
/// # Panics
/// If it can't be written.
pub fn hastened(into: &Path, interval: &str) -> PathBuf {
    let text = fs::read_to_string(directory().join("recording.yaml")).expect("the recording rules");
    assert_eq!(text.matches("interval: 1h").count(), 1, "one group has an interval of its own");
    let path = into.join("recording.yaml");
    fs::write(&path, text.replace("interval: 1h", &format!("interval: {interval}"))).expect("a copy");
    path
}
