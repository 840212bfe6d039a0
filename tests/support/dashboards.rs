//! The dashboards of `dashboards/grafana`, as far as they are looked at here.
//!
//! Grafana keeps a dashboard as JSON (grafana.com/docs, "Dashboard JSON model"); this is its classic model, which
//! versions 10 to 13 import.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A dashboard.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    /// The name of its file.
    #[serde(skip)]
    pub file: String,
    /// What links name it by.
    pub uid: String,
    /// The number of a database, which a file has not.
    pub id: Option<u64>,
    /// Its title.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// By which it is found.
    pub tags: Vec<String>,
    /// Whether people may change it where it is.
    pub editable: bool,
    /// The version of the model.
    pub schema_version: u32,
    /// What an import asks for.
    #[serde(rename = "__inputs", default)]
    pub inputs: Vec<Value>,
    /// From when to when.
    pub time: BTreeMap<String, String>,
    /// How often it is drawn.
    pub refresh: String,
    /// Links to others.
    pub links: Vec<Link>,
    /// Its variables.
    pub templating: List<Variable>,
    /// Marks in its graphs.
    pub annotations: List<Annotation>,
    /// Its panels, rows among them.
    pub panels: Vec<Panel>,
}

/// `{"list": […]}`
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    /// What is in it.
    pub list: Vec<T>,
}

/// A link.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// Its text.
    pub title: String,
    /// Where it goes.
    pub url: String,
}

/// A variable.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What people see.
    pub label: String,
    /// `datasource`, `query`, `custom`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where its values come from.
    #[serde(default)]
    pub query: Value,
    /// Where it is asked.
    #[serde(default)]
    pub datasource: Option<Datasource>,
    /// 2: when the time range changes.
    #[serde(default)]
    pub refresh: u8,
    /// Whether several may be chosen.
    #[serde(default)]
    pub multi: bool,
    /// Whether all may be chosen.
    #[serde(default)]
    pub include_all: bool,
    /// What all of them are in a matcher.
    #[serde(default)]
    pub all_value: Option<String>,
    /// Of a custom variable.
    #[serde(default)]
    pub options: Vec<Choice>,
}

/// A value of a custom variable.
#[derive(Clone, Debug, Deserialize)]
pub struct Choice {
    /// What people see.
    pub text: String,
    /// The value.
    pub value: String,
}

/// An annotation.
#[derive(Clone, Debug, Deserialize)]
pub struct Annotation {
    /// Its name.
    pub name: String,
    /// Where it is asked.
    pub datasource: Datasource,
    /// What is asked.
    pub expr: String,
}

/// A data source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Datasource {
    /// `prometheus`
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub uid: String,
}

/// A panel.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// Its number in the dashboard.
    pub id: u64,
    /// `stat`, `timeseries`, `row` …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// What it shows, and when it shows nothing.
    #[serde(default)]
    pub description: String,
    /// Where it is asked.
    #[serde(default)]
    pub datasource: Option<Datasource>,
    /// Where it stands.
    pub grid_pos: GridPos,
    /// Units and the like.
    #[serde(default)]
    pub field_config: FieldConfig,
    /// What is asked.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// What is done to answers.
    #[serde(default)]
    pub transformations: Vec<Value>,
    /// How its kind of panel is drawn.
    #[serde(default)]
    pub options: Value,
    /// Panels of a collapsed row.
    #[serde(default)]
    pub panels: Vec<Panel>,
    /// How many points of a series are asked for at most, where it is not one for each pixel.
    #[serde(default)]
    pub max_data_points: Option<u32>,
    /// The variable for whose values it comes again.
    #[serde(default)]
    pub repeat: Option<String>,
}

/// A place on a grid of 24 columns.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct GridPos {
    /// Column.
    pub x: u64,
    /// Line.
    pub y: u64,
    /// Columns.
    pub w: u64,
    /// Lines.
    pub h: u64,
}

/// How values are shown.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FieldConfig {
    /// Of all fields.
    pub defaults: Defaults,
    /// Of some.
    pub overrides: Vec<Override>,
}

/// How values are shown where nothing else is said.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Defaults {
    /// `bytes`, `s`, `percentunit` …
    #[serde(default)]
    pub unit: String,
    /// Colours, limits, mappings and what is of one kind of panel.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// How some fields are shown.
#[derive(Clone, Debug, Deserialize)]
pub struct Override {
    /// Which fields: `{"id": "byName", "options": "age"}`.
    pub matcher: Value,
    /// What is special about them: `{"id": "unit", "value": "s"}`.
    pub properties: Vec<Property>,
}

/// A property of a field.
#[derive(Clone, Debug, Deserialize)]
pub struct Property {
    /// Its name.
    pub id: String,
    /// Its value.
    pub value: Value,
}

/// A query of a panel.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// `A`, `B` …
    pub ref_id: String,
    /// Where it is asked.
    pub datasource: Datasource,
    /// The expression.
    pub expr: String,
    /// The name of a series.
    pub legend_format: String,
    /// At one moment, not over a range.
    pub instant: bool,
}

impl Panel {
    /// The unit that it shows a query's values in.
    pub fn unit(&self, target: &Target) -> &str {
        let field = self.renamed(&format!("Value #{}", target.ref_id));
        let special = self.field_config.overrides.iter().find(|special| special.matcher["options"] == *field);
        let unit =
            special.and_then(|special| special.properties.iter().find(|property| property.id == "unit"));
        unit.and_then(|unit| unit.value.as_str()).unwrap_or(&self.field_config.defaults.unit)
    }

    /// What a column of a table is called.
    fn renamed(&self, field: &str) -> String {
        let renamed = |transformation: &Value| {
            transformation["options"]["renameByName"].get(field).and_then(Value::as_str).map(str::to_owned)
        };
        self.transformations.iter().find_map(renamed).unwrap_or_else(|| field.to_owned())
    }

    /// All links that it has: of its columns.
    pub fn links(&self) -> Vec<Link> {
        let properties = self.field_config.overrides.iter().flat_map(|special| &special.properties);
        let links = properties.filter(|property| property.id == "links");
        links
            .flat_map(|links| serde_json::from_value::<Vec<Link>>(links.value.clone()).expect("links"))
            .collect()
    }
}

impl Dashboard {
    /// Its panels without the rows.
    pub fn drawn(&self) -> impl Iterator<Item = &Panel> {
        self.panels
            .iter()
            .flat_map(|panel| std::iter::once(panel).chain(&panel.panels))
            .filter(|p| p.kind != "row")
    }

    /// The query of a variable: `label_values(METRIC, LABEL)`, the metric alone.
    pub fn variable_queries(&self) -> Vec<(&Variable, String)> {
        let queries = self.templating.list.iter().filter(|variable| variable.kind == "query");
        queries
            .map(|variable| {
                let text = variable.query["query"].as_str().expect("a query");
                let inner = text.strip_prefix("label_values(").and_then(|text| text.strip_suffix(')'));
                let (metric, _) =
                    inner.and_then(|text| text.rsplit_once(',')).expect("label_values of a label");
                (variable, metric.to_owned())
            })
            .collect()
    }

    /// An expression with each value of the custom variables in it: what is not PromQL before.
    pub fn with_choices(&self, expr: &str) -> Vec<String> {
        let customs = self.templating.list.iter().filter(|variable| variable.kind == "custom");
        customs.fold(vec![expr.to_owned()], |exprs, variable| {
            let name = format!("${{{}}}", variable.name);
            let replaced = |expr: String| match expr.contains(&name) {
                true => variable.options.iter().map(|choice| expr.replace(&name, &choice.value)).collect(),
                false => vec![expr],
            };
            exprs.into_iter().flat_map(replaced).collect()
        })
    }

    /// Everything that it asks: where, and what.
    pub fn asked(&self) -> Vec<(String, String)> {
        let of_panels = self.drawn().flat_map(|panel| {
            panel.targets.iter().map(|target| {
                (format!("{}, {} {}", self.file, panel.title, target.ref_id), target.expr.clone())
            })
        });
        let of_variables = self.variable_queries().into_iter();
        let of_variables =
            of_variables.map(|(variable, metric)| (format!("{}, ${}", self.file, variable.name), metric));
        let of_annotations = self.annotations.list.iter();
        let of_annotations =
            of_annotations.map(|mark| (format!("{}, {}", self.file, mark.name), mark.expr.clone()));
        let all = of_panels.chain(of_variables).chain(of_annotations);
        all.flat_map(|(place, expr)| {
            self.with_choices(&expr).into_iter().map(move |expr| (place.clone(), expr))
        })
        .collect()
    }
}

/// An expression as Grafana sends it: with the values of variables.
pub fn interpolated(expr: &str, rate_interval: &str, variables: &[(&str, &str)]) -> String {
    let expr = expr.replace("$__rate_interval", rate_interval);
    // The longest first: `$node` is no part of `$nodes`.
    let mut variables = variables.to_vec();
    variables.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    variables.iter().fold(expr, |expr, (name, value)| expr.replace(&format!("${name}"), value))
}

/// The directory `dashboards`.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards")
}

/// All dashboards.
///
/// # Panics
/// If one can't be read.
pub fn all() -> Vec<Dashboard> {
    let mut paths: Vec<_> = fs::read_dir(directory().join("grafana"))
        .expect("dashboards/grafana")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut dashboard: Dashboard =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        dashboard.file = path.file_name().expect("a name").to_string_lossy().into_owned();
        dashboard
    };
    paths.into_iter().map(read).collect()
}
