//! Pictures of the dashboards: what a Prometheus answers to each query of each panel, drawn as Grafana would lay it out.
//!
//! Grafana is in no package registry that this repository uses, so its look is imitated: the places of panels, their
//! kinds, units, thresholds, mappings, transformations and legends are read from the dashboards' JSON, and the figures
//! are Prometheus' answers. [`record`] asks, [`page`](page()) draws; `dashboards/scripts/pictures` does both.

mod axis;
mod bars;
mod cells;
mod colour;
mod field;
mod gauge;
mod histogram;
mod page;
mod plot;
mod record;
mod stat;
mod table;
mod time_series;
mod timeline;
mod unit;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dashboards::Panel;

pub use colour::Theme;
pub use page::{Extract, page};
pub use record::{Asked, record};

/// A series of an answer, in seconds since 1970; that of one moment has one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Moments and values.
    pub points: Vec<(f64, f64)>,
}

/// What a query was answered with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `A`, `B` …
    pub ref_id: String,
    /// How far apart the points of a series are, in seconds.
    pub step: f64,
    /// Its series.
    pub series: Vec<Series>,
}

/// All answers to the queries of a dashboard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The dashboard's file.
    pub file: String,
    /// What was chosen in it: a variable's label, and the value's text.
    pub chosen: Vec<(String, String)>,
    /// From when, in seconds since 1970.
    pub from: f64,
    /// To when.
    pub to: f64,
    /// Where the figures come from, in a sentence.
    pub source: String,
    /// Answers by the number of the panel.
    pub panels: BTreeMap<u64, Vec<Answer>>,
}

/// What a panel is drawn with.
#[derive(Clone, Copy, Debug)]
struct View<'a> {
    panel: &'a Panel,
    answers: &'a [Answer],
    theme: Theme,
    from: f64,
    to: f64,
    /// In pixels.
    width: f64,
    height: f64,
}

/// A series with the name that its legend has.
#[derive(Clone, Debug)]
struct Curve<'a> {
    name: String,
    step: f64,
    points: &'a [(f64, f64)],
}

impl Curve<'_> {
    fn last(&self) -> Option<f64> {
        self.points.last().map(|(_, value)| *value)
    }

    fn largest(&self) -> Option<f64> {
        self.points.iter().map(|(_, value)| *value).reduce(f64::max)
    }
}

impl<'a> View<'a> {
    /// All series of all answers, in the order of the queries.
    fn curves(&self) -> Vec<Curve<'a>> {
        let of_answer = |answer: &'a Answer| {
            let target = self.panel.targets.iter().find(|target| target.ref_id == answer.ref_id);
            let legend = target.map_or("", |target| &target.legend_format);
            answer.series.iter().map(move |series| Curve {
                name: named(legend, &series.labels),
                step: answer.step,
                points: &series.points,
            })
        };
        self.answers.iter().flat_map(of_answer).filter(|curve| !curve.points.is_empty()).collect()
    }
}

/// `vCPU {{vcpu}}`
fn named(legend: &str, labels: &BTreeMap<String, String>) -> String {
    let with_label =
        |text: String, (name, value): (&String, &String)| text.replace(&format!("{{{{{name}}}}}"), value);
    let name = labels.iter().fold(legend.to_owned(), with_label);
    // A label that a series has not is nothing.
    match (name.find("{{"), name.find("}}")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &name[..from], &name[to + 2..]),
        _ => name,
    }
}

/// What is shown in place of a plot.
const NO_DATA: &str = "<p class=\"nodata\">No data</p>";

/// A length, with no more digits than a screen has.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a series.
    pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];
    /// A series: a value every ten seconds.
    pub(super) type Said<'a> = (Labels<'a>, &'a [f64]);
    /// By query.
    pub(super) type Answers<'a> = &'a [(&'a str, &'a [Said<'a>])];

    /// A panel of this kind with these queries, and what they are answered with: labels, values.
    pub(super) fn drawn(
        panel: serde_json::Value,
        answers: Answers<'_>,
        draw: impl Fn(&View<'_>) -> String,
    ) -> String {
        let panel: Panel = serde_json::from_value(panel).unwrap();
        let series = |(labels, values): &Said<'_>| Series {
            labels: labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            points: values.iter().enumerate().map(|(at, value)| (at as f64 * 10.0, *value)).collect(),
        };
        let answers: Vec<_> = answers
            .iter()
            .map(|(ref_id, answer)| Answer {
                ref_id: (*ref_id).into(),
                step: 10.0,
                series: answer.iter().map(series).collect(),
            })
            .collect();
        let theme = Theme::Light;
        draw(&View {
            panel: &panel,
            answers: &answers,
            theme,
            from: 0.0,
            to: 60.0,
            width: 400.0,
            height: 200.0,
        })
    }

    /// A query as it stands in a panel.
    pub(super) fn target(ref_id: &str, legend: &str) -> serde_json::Value {
        let datasource = serde_json::json!({ "type": "prometheus", "uid": "${datasource}" });
        serde_json::json!({
            "refId": ref_id, "legendFormat": legend, "expr": "", "instant": false, "datasource": datasource,
        })
    }

    #[test]
    fn a_legend_names_labels() {
        let labels = [("vcpu".to_owned(), "0".to_owned())].into();
        assert_eq!(named("vCPU {{vcpu}}", &labels), "vCPU 0");
        assert_eq!(named("{{vcpu}}/{{vcpu}} of {{other}}", &labels), "0/0 of ");
    }
}
