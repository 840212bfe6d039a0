//! Asks a Prometheus what the panels of a dashboard ask, over the time that is to be seen.

use super::{Answer, Recorded, Series};
use crate::dashboards::{Dashboard, Panel, Target, interpolated};
use crate::prometheus::{Prometheus, Sample};

/// Points of a line, where a panel says nothing of it.
const POINTS: u32 = 300;

/// What is asked of which Prometheus.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// It.
    pub prometheus: &'a Prometheus,
    /// From when to when, in seconds since 1970.
    pub range: [f64; 2],
    /// Values of variables: name, value in a matcher, what people see.
    pub chosen: &'a [(&'a str, &'a str, &'a str)],
    /// In place of `$__rate_interval`.
    pub rate_interval: &'a str,
    /// Where the figures come from, in a sentence.
    pub source: &'a str,
}

/// The answers to all queries of a dashboard. Of custom variables the first value is taken, as Grafana does.
///
/// # Panics
/// If Prometheus does not understand a query, or the dashboard has no such variable.
pub fn record(dashboard: &Dashboard, asked: &Asked<'_>) -> Recorded {
    let label = |name: &str| {
        let mut variables = dashboard.templating.list.iter();
        variables.find(|variable| variable.name == name).map(|variable| variable.label.clone())
    };
    let chosen = asked.chosen.iter().map(|(name, _, text)| {
        (label(name).unwrap_or_else(|| panic!("{} has no ${name}", dashboard.file)), (*text).to_owned())
    });
    let customs = dashboard.templating.list.iter().filter(|variable| variable.kind == "custom");
    let customs = customs.filter_map(|variable| {
        let text = &variable.options.first()?.text;
        Some((variable.label.clone(), text.split(" (").next().unwrap_or(text).to_owned()))
    });
    let panels = dashboard.drawn().map(|panel| (panel.id, answers(dashboard, panel, asked)));
    Recorded {
        file: dashboard.file.clone(),
        chosen: chosen.chain(customs).collect(),
        from: asked.range[0],
        to: asked.range[1],
        source: asked.source.to_owned(),
        panels: panels.collect(),
    }
}

fn answers(dashboard: &Dashboard, panel: &Panel, asked: &Asked<'_>) -> Vec<Answer> {
    let [from, to] = asked.range;
    let step = ((to - from) / f64::from(panel.max_data_points.unwrap_or(POINTS))).ceil().max(1.0);
    let variables: Vec<_> = asked.chosen.iter().map(|(name, value, _)| (*name, *value)).collect();
    let answer = |target: &Target| {
        let expr = &dashboard.with_choices(&target.expr)[0];
        let expr = interpolated(expr, asked.rate_interval, &variables);
        let samples = match target.instant {
            true => asked.prometheus.query_at(&expr, to),
            false => asked.prometheus.query_range(&expr, [from, to], step),
        };
        Answer { ref_id: target.ref_id.clone(), step, series: series(samples) }
    };
    panel.targets.iter().map(answer).collect()
}

/// In the order of the answer, which holds the points of a series one after the other: `topk` sorts. Grafana draws no NaN
/// and no infinity.
fn series(samples: Vec<Sample>) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for Sample { labels, at, value } in samples.into_iter().filter(|sample| sample.value.is_finite()) {
        match series.last_mut() {
            Some(last) if last.labels == labels => last.points.push((at, value)),
            _ => series.push(Series { labels, points: vec![(at, value)] }),
        }
    }
    series
}
