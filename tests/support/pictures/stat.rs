//! Large figures: the last value of each series, with its name where there are several, over a line of how it came about.

use std::fmt::Write;

use edgebench::layout::html::escaped;

use super::field::Field;
use super::{Curve, NO_DATA, View, px};

/// How much of the height a line has.
const SPARK: f64 = 0.34;

pub(super) fn draw(view: &View<'_>) -> String {
    let curves = view.curves();
    if curves.is_empty() {
        return NO_DATA.to_owned();
    }
    let options = &view.panel.options;
    let is_named =
        options["textMode"] == "value_and_name" || (options["textMode"] == "auto" && curves.len() > 1);
    let has_line = options["graphMode"] == "area" && curves.iter().any(|curve| curve.points.len() > 1);
    let width = view.width / curves.len() as f64;
    let mut html = String::from("<div class=\"stats\">");
    for curve in &curves {
        html += &one(view, curve, width, is_named, has_line);
    }
    html + "</div>"
}

fn one(view: &View<'_>, curve: &Curve<'_>, width: f64, is_named: bool, has_line: bool) -> String {
    let field = Field::of(view.panel, &curve.name);
    let value = curve.last().unwrap_or(0.0);
    let (shown, colour) = (field.shown(value), field.colour(value, view.theme));
    let letters = shown.number.chars().count() as f64 + shown.suffix.chars().count() as f64 * 0.65;
    // The lower part is that of the line.
    let room = view.height * if has_line { 1.0 - SPARK } else { 1.0 };
    let height = room * if is_named { 0.62 } else { 0.8 };
    let size = ((width - 16.0) / (letters * 0.6)).min(height).min(40.0);
    let mut html =
        format!("<div class=\"stat\" style=\"width:{}px;height:{}px;color:{colour}\">", px(width), px(room));
    if has_line && curve.points.len() > 1 {
        html += &sparkline(view, curve, width, colour);
    }
    if is_named {
        let _ = write!(html, "<span class=\"name\">{}</span>", escaped(&curve.name));
    }
    let _ = write!(
        html,
        "<b style=\"font-size:{}px\">{}<small>{}</small></b></div>",
        px(size),
        escaped(&shown.number),
        escaped(&shown.suffix)
    );
    html
}

/// The lower part of the panel.
fn sparkline(view: &View<'_>, curve: &Curve<'_>, width: f64, colour: &str) -> String {
    let height = view.height * SPARK;
    let values = curve.points.iter().map(|(_, value)| *value);
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let y = |value: f64| {
        if high > low { 2.0 + (high - value) / (high - low) * (height - 4.0) } else { height / 2.0 }
    };
    let x = |at: f64| (at - view.from) / (view.to - view.from) * width;
    let points: Vec<_> =
        curve.points.iter().map(|(at, value)| format!("{} {}", px(x(*at)), px(y(*value)))).collect();
    let (first, last) = (x(curve.points[0].0), x(curve.points[curve.points.len() - 1].0));
    let line = points.join("L");
    format!(
        "<svg class=\"spark\" style=\"top:{4}px\" width=\"{0}\" height=\"{1}\"><path d=\"M{line}L{3} {1}L{2} {1}Z\" style=\"fill:{colour};fill-opacity:.14\"/>\
         <path class=\"line\" d=\"M{line}\" style=\"stroke:{colour};stroke-opacity:.6\"/></svg>",
        px(width),
        px(height),
        px(first),
        px(last),
        px(view.height - height + 6.0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{drawn, target};

    fn panel(text_mode: &str) -> serde_json::Value {
        serde_json::json!({
            "id": 1, "type": "stat", "gridPos": { "x": 0, "y": 0, "w": 4, "h": 4 },
            "options": { "textMode": text_mode, "graphMode": "area" },
            "targets": [target("A", "used"), target("B", "of")],
            "fieldConfig": { "overrides": [], "defaults": { "unit": "percentunit", "thresholds": { "steps": [
                { "color": "green", "value": null }, { "color": "red", "value": 0.9 },
            ] } } },
        })
    }

    #[test]
    fn the_last_value_is_shown_in_the_colour_of_its_threshold() {
        let html = drawn(panel("auto"), &[("A", &[(&[], &[0.5, 0.95])])], draw);
        assert!(html.contains(">95<small>%</small>") && html.contains("#C4162A"), "{html}");
        assert!(html.contains("class=\"spark\"") && !html.contains("class=\"name\""), "{html}");
    }

    #[test]
    fn several_have_their_names() {
        let html = drawn(panel("auto"), &[("A", &[(&[], &[0.5])]), ("B", &[(&[], &[1.0])])], draw);
        assert!(html.contains(">used</span>") && html.contains(">of</span>"), "{html}");
    }

    #[test]
    fn without_a_value_it_says_so() {
        assert_eq!(drawn(panel("auto"), &[], draw), NO_DATA);
    }
}
