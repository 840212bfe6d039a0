//! Gauges: an arc as far as the value goes, inside of a thin one with the thresholds. Where a panel says nothing of its
//! ends they are the smallest and the largest value that it has (Grafana's "standard options").

use std::f64::consts::PI;
use std::fmt::Write;

use edgebench::layout::html::escaped;

use super::colour::named;
use super::field::Field;
use super::{NO_DATA, View, px};

/// Where an arc begins and how far it goes, in half turns.
const BEGINS: f64 = 1.1;
const TURNS: f64 = 1.2;

/// The ends of a scale for all values of a panel.
pub(super) fn ends(field: &Field, values: &[f64]) -> [f64; 2] {
    let from = field.min.or_else(|| values.iter().copied().reduce(f64::min)).unwrap_or(0.0);
    let to = field.max.or_else(|| values.iter().copied().reduce(f64::max)).unwrap_or(100.0);
    if to > from { [from, to] } else { [from, from + 1.0] }
}

pub(super) fn draw(view: &View<'_>) -> String {
    let curves = view.curves();
    if curves.is_empty() {
        return NO_DATA.to_owned();
    }
    let values: Vec<_> = curves.iter().filter_map(super::Curve::last).collect();
    let width = view.width / curves.len() as f64;
    let mut html = String::from("<div class=\"stats\">");
    for curve in &curves {
        let field = Field::of(view.panel, &curve.name);
        let value = curve.last().unwrap_or(0.0);
        let name = if curves.len() > 1 { curve.name.as_str() } else { "" };
        html += &one(view, &field, value, ends(&field, &values), name, width);
    }
    html + "</div>"
}

fn one(view: &View<'_>, field: &Field, value: f64, [from, to]: [f64; 2], name: &str, width: f64) -> String {
    let height = view.height - if name.is_empty() { 0.0 } else { 20.0 };
    // Below its middle an arc goes down by a third of its radius.
    let radius = (width / 2.0 - 8.0).min((height - 6.0) / 1.32);
    let (x, y) = (width / 2.0, radius + 3.0);
    let share = |value: f64| ((value - from) / (to - from)).clamp(0.0, 1.0);
    let thick = radius * 0.24;
    let mut marks = arc(x, y, radius - 6.0 - thick / 2.0, [0.0, 1.0], thick, "var(--empty)");
    marks +=
        &arc(x, y, radius - 6.0 - thick / 2.0, [0.0, share(value)], thick, field.colour(value, view.theme));
    let steps = field.steps();
    for (index, step) in steps.iter().enumerate() {
        let begin = step.value.map_or(0.0, share);
        let end = steps.get(index + 1).and_then(|next| next.value).map_or(1.0, share);
        marks += &arc(x, y, radius - 2.0, [begin, end], 3.0, named(&step.color, view.theme));
    }
    let shown = field.shown(value).to_string();
    let size = (radius * 2.0 / (shown.chars().count() as f64 * 0.6) * 0.62).min(26.0);
    let _ = write!(
        marks,
        "<text class=\"middle strong\" x=\"{}\" y=\"{}\" style=\"font-size:{}px;fill:{}\">{}</text>",
        px(x),
        px(y + size * 0.35),
        px(size),
        field.colour(value, view.theme),
        escaped(&shown)
    );
    format!(
        "<div class=\"stat\" style=\"width:{0}px\"><svg width=\"{0}\" height=\"{1}\">{marks}</svg>\
         <span class=\"name\">{2}</span></div>",
        px(width),
        px(height),
        escaped(name)
    )
}

fn arc(x: f64, y: f64, radius: f64, [from, to]: [f64; 2], thick: f64, colour: &str) -> String {
    if to <= from {
        return String::new();
    }
    let place = |share: f64| {
        let angle = PI * (-BEGINS + TURNS * share);
        format!("{} {}", px(x + radius * angle.cos()), px(y + radius * angle.sin()))
    };
    let is_long = u8::from((to - from) * TURNS > 1.0);
    let radius = px(radius);
    format!(
        "<path d=\"M{}A{radius} {radius} 0 {is_long} 1 {}\" style=\"fill:none;stroke:{colour};stroke-width:{}\"/>",
        place(from),
        place(to),
        px(thick)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{Answers, drawn, target};

    fn panel(min: Option<f64>) -> serde_json::Value {
        serde_json::json!({
            "id": 1, "type": "gauge", "gridPos": { "x": 0, "y": 0, "w": 8, "h": 5 },
            "targets": [target("A", "to its {{against}}"), target("B", "guest full")],
            "fieldConfig": { "overrides": [], "defaults": { "unit": "bytes", "min": min, "thresholds": { "steps": [
                { "color": "red", "value": null }, { "color": "green", "value": 20.0 },
            ] } } },
        })
    }

    const ANSWERS: Answers<'_> = &[("A", &[(&[("against", "limit")], &[40.0])]), ("B", &[(&[], &[10.0])])];

    #[test]
    fn each_value_is_in_the_colour_of_its_threshold_and_has_its_name() {
        let html = drawn(panel(Some(0.0)), ANSWERS, draw);
        assert!(html.contains("#37872D\">40 B</text>") && html.contains("#C4162A\">10 B</text>"), "{html}");
        assert!(html.contains(">to its limit</span>"), "{html}");
    }

    #[test]
    fn without_a_least_value_of_the_panel_the_least_of_all_has_no_arc() {
        let arcs = |min| drawn(panel(min), ANSWERS, draw).matches("<path").count();
        assert_eq!(arcs(Some(0.0)), arcs(None) + 1);
    }
}
