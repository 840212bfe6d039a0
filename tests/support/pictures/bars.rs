//! Bars that lie: one for each series with its value at the right (bar gauge), or one for each row of a table with a
//! part for each of its columns (bar chart).

use std::fmt::Write;

use edgebench::layout::html::escaped;

use super::axis::Axis;
use super::colour::classic;
use super::field::Field;
use super::gauge::ends;
use super::plot::{longest, svg};
use super::table::Table;
use super::{Curve, NO_DATA, View, px};

/// Of a letter, in pixels.
const LETTER: f64 = 6.8;
/// Of a legend below, two lines high.
const LEGEND: f64 = 38.0;

/// A bar for each series.
pub(super) fn gauges(view: &View<'_>) -> String {
    let curves: Vec<_> = view.curves();
    let values: Vec<_> = curves.iter().filter_map(Curve::last).collect();
    if values.is_empty() {
        return NO_DATA.to_owned();
    }
    let names = longest(curves.iter().map(|curve| curve.name.as_str())) as f64 * LETTER + 14.0;
    let pitch = (view.height / curves.len() as f64).min(34.0);
    let mut marks = String::new();
    for (index, (curve, value)) in curves.iter().zip(&values).enumerate() {
        let field = Field::of(view.panel, &curve.name);
        let [from, to] = ends(&field, &values);
        let room = view.width - names - 84.0;
        let long = ((value - from) / (to - from)).clamp(0.0, 1.0) * room;
        let (top, high) = (index as f64 * pitch, (pitch - 4.0).max(3.0));
        let colour = field.colour(*value, view.theme);
        let base = top + high / 2.0 + 4.5;
        let _ = write!(
            marks,
            "<text class=\"end\" x=\"{0}\" y=\"{1}\">{2}</text>\
             <rect x=\"{3}\" y=\"{4}\" width=\"{5}\" height=\"{6}\" style=\"fill:var(--empty)\"/>\
             <rect x=\"{3}\" y=\"{4}\" width=\"{7}\" height=\"{6}\" style=\"fill:{colour};fill-opacity:.75\"/>\
             <text class=\"strong\" x=\"{8}\" y=\"{1}\" style=\"fill:{colour}\">{9}</text>",
            px(names - 10.0),
            px(base),
            escaped(&curve.name),
            px(names),
            px(top),
            px(room),
            px(high),
            px(long),
            px(names + room + 10.0),
            escaped(&field.shown(*value).to_string())
        );
    }
    svg([view.width, view.height], &marks)
}

/// A bar for each row, a part for each column of numbers.
pub(super) fn chart(view: &View<'_>) -> String {
    let table = Table::of(view);
    let columns = table.numbers();
    if table.rows.is_empty() || columns.is_empty() {
        return NO_DATA.to_owned();
    }
    let of_row = |row: &[Option<f64>]| row.iter().flatten().sum::<f64>();
    let names = table.texts(view.panel.options["xField"].as_str().unwrap_or_default());
    let rows: Vec<Vec<Option<f64>>> =
        table.rows.iter().map(|row| columns.iter().map(|c| row.number(c)).collect()).collect();
    let largest = rows.iter().map(|row| of_row(row)).fold(0.0, f64::max);
    let field = Field::of(view.panel, "");
    let axis = Axis::new(&field.unit, 0.0, largest, ((view.width - 100.0) / 90.0) as usize);
    let left = longest(names.iter().map(String::as_str)) as f64 * LETTER + 16.0;
    let (width, below) = (view.width - left - 14.0, view.height - LEGEND - 24.0);
    let mut marks = String::new();
    for (at, text) in &axis.ticks {
        let x = left + axis.share(*at) * width;
        let _ = write!(marks, "<path class=\"grid\" d=\"M{} 0V{}\"/>", px(x), px(below));
        if x < left + width - 16.0 {
            let _ = write!(
                marks,
                "<text class=\"tick middle\" x=\"{}\" y=\"{}\">{text}</text>",
                px(x),
                px(below + 17.0)
            );
        }
    }
    let pitch = below / rows.len() as f64;
    for (index, (row, name)) in rows.iter().zip(&names).enumerate() {
        let (high, middle) = ((pitch * 0.7).min(72.0), (index as f64 + 0.5) * pitch);
        let _ = write!(
            marks,
            "<text class=\"end\" x=\"{}\" y=\"{}\">{}</text>",
            px(left - 10.0),
            px(middle + 4.0),
            escaped(name)
        );
        let mut x = left;
        for (column, value) in row.iter().enumerate() {
            let long = value.unwrap_or(0.0) / (axis.to - axis.from) * width;
            let _ = write!(
                marks,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"fill:{};fill-opacity:.8\"/>",
                px(x),
                px(middle - high / 2.0),
                px(long),
                px(high),
                classic(column)
            );
            let text = field.shown(value.unwrap_or(0.0)).to_string();
            if long > text.chars().count() as f64 * LETTER + 6.0 {
                let _ = write!(
                    marks,
                    "<text class=\"middle on\" x=\"{}\" y=\"{}\">{text}</text>",
                    px(x + long / 2.0),
                    px(middle + 4.0)
                );
            }
            x += long;
        }
    }
    let legend: String = columns.iter().enumerate().fold(String::new(), |legend, (index, column)| {
        format!("{legend}<span><i style=\"background:{}\"></i>{}</span>", classic(index), escaped(column))
    });
    format!("{}<p class=\"below\">{legend}</p>", svg([view.width, view.height - LEGEND], &marks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{Answers, Labels, drawn, target};

    #[test]
    fn the_longest_bar_is_that_of_the_largest_value() {
        let panel = serde_json::json!({
            "id": 1, "type": "bargauge", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "targets": [target("A", "{{component}}")],
            "fieldConfig": { "overrides": [], "defaults": { "unit": "bytes", "min": 0, "thresholds": { "steps": [
                { "color": "green", "value": null },
            ] } } },
        });
        let answers: Answers<'_> = &[(
            "A",
            &[(&[("component", "virt-api")], &[1024.0]), (&[("component", "virt-handler")], &[2048.0])],
        )];
        let html = drawn(panel, answers, gauges);
        let room = 400.0 - 12.0 * LETTER - 14.0 - 84.0;
        assert!(html.contains(&format!("width=\"{}\"", px(room / 2.0))), "{html}");
        assert!(html.contains(">virt-handler</text>") && html.contains(">2 KiB</text>"), "{html}");
    }

    #[test]
    fn a_chart_has_a_part_for_each_column() {
        let panel = serde_json::json!({
            "id": 1, "type": "barchart", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "options": { "xField": "name" }, "targets": [target("A", ""), target("B", "")],
            "fieldConfig": { "overrides": [], "defaults": { "unit": "bytes" } },
            "transformations": [{ "id": "merge", "options": {} }, { "id": "organize", "options": {
                "excludeByName": { "Time": true, "node": true }, "indexByName": {},
                "renameByName": { "Value #A": "guest", "Value #B": "overhead" },
            } }],
        });
        let labels: Labels<'_> = &[("name", "edge-vm"), ("node", "n")];
        let html = drawn(panel, &[("A", &[(labels, &[65_536.0])]), ("B", &[(labels, &[16_384.0])])], chart);
        assert_eq!(html.matches("<rect").count(), 2, "{html}");
        assert!(html.contains(">64 KiB</text>") && html.contains("</i>overhead</span>"), "{html}");
        assert!(html.contains(">edge-vm</text>"), "{html}");
    }
}
