//! States over time: a band for each series, in the colour of its value's word; equal values that follow each other are
//! one piece.

use std::fmt::Write;

use edgebench::layout::html::escaped;

use super::field::Field;
use super::plot::{Plot, longest, svg};
use super::{NO_DATA, View, px};

pub(super) fn draw(view: &View<'_>) -> String {
    let curves = view.curves();
    if curves.is_empty() {
        return NO_DATA.to_owned();
    }
    let letters = longest(curves.iter().map(|curve| curve.name.as_str()));
    let plot = Plot::new([view.width, view.height], letters, [view.from, view.to]);
    let pitch = plot.height / curves.len() as f64;
    let high = (pitch * view.panel.options["rowHeight"].as_f64().unwrap_or(0.9)).min(44.0);
    let mut marks = String::new();
    plot.time(&mut marks);
    for (index, curve) in curves.iter().enumerate() {
        let field = Field::of(view.panel, &curve.name);
        let middle = plot.top + (index as f64 + 0.5) * pitch;
        let _ = write!(
            marks,
            "<text class=\"end\" x=\"{}\" y=\"{}\">{}</text>",
            px(plot.left - 8.0),
            px(middle + 4.0),
            escaped(&curve.name)
        );
        let is_same =
            |one: &(f64, f64), next: &(f64, f64)| one.1 == next.1 && next.0 - one.0 < 1.5 * curve.step;
        for piece in curve.points.chunk_by(is_same) {
            let (from, to) = (piece[0].0, (piece[piece.len() - 1].0 + curve.step).min(view.to));
            let _ = write!(
                marks,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"fill:{};fill-opacity:{}\"/>",
                px(plot.x(from)),
                px(middle - high / 2.0),
                px(plot.x(to) - plot.x(from)),
                px(high),
                field.colour(piece[0].1, view.theme),
                field.custom.fill_opacity / 100.0
            );
        }
    }
    svg([view.width, view.height], &marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{drawn, target};

    #[test]
    fn equal_values_that_follow_each_other_are_one_piece() {
        let panel = serde_json::json!({
            "id": 1, "type": "state-timeline", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 9 },
            "options": { "rowHeight": 0.8 }, "targets": [target("A", "{{collector}}")],
            "fieldConfig": { "overrides": [], "defaults": { "custom": { "fillOpacity": 70 }, "mappings": [
                { "type": "value", "options": { "0": { "text": "fails", "color": "red" }, "1": { "text": "works", "color": "green" } } },
            ] } },
        });
        let html = drawn(panel, &[("A", &[(&[("collector", "pss")], &[1.0, 1.0, 0.0, 1.0])])], draw);
        assert_eq!(html.matches("<rect").count(), 3, "{html}");
        assert!(html.contains("#C4162A") && html.contains(">pss</text>"), "{html}");
    }
}
