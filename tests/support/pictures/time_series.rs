//! Lines over time, on top of each other where the panel stacks them, with a legend at the right: the last value and the
//! largest of each, the largest last value first.

use std::fmt::Write;

use edgebench::layout::html::escaped;

use super::axis::Axis;
use super::colour::classic;
use super::field::Field;
use super::plot::{Plot, longest, svg};
use super::{Curve, NO_DATA, View, px};

/// A line of the legend, in pixels.
const LINE: f64 = 20.0;
/// A point further from the next than so many steps ends its line.
const GAP: f64 = 1.5;

struct Line<'a> {
    curve: Curve<'a>,
    field: Field,
    colour: &'static str,
    /// Where it lies: on nothing, or on those below it.
    points: Vec<(f64, f64, f64)>,
}

pub(super) fn draw(view: &View<'_>) -> String {
    let lines = lines(view);
    let Some(first) = lines.first() else { return NO_DATA.to_owned() };
    let unit = first.field.unit.clone();
    let ends = lines.iter().flat_map(|line| &line.points).flat_map(|(_, low, high)| [*low, *high]);
    let (smallest, largest) = ends.fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let legend = legend(&lines, view);
    let width = view.width - legend.width;
    let axis = Axis::new(&unit, smallest, largest, ((view.height - 28.0) / 34.0) as usize);
    let letters = longest(axis.ticks.iter().map(|(_, text)| text.as_str()));
    let plot = Plot::new([width, view.height], letters, [view.from, view.to]);
    let mut marks = String::new();
    plot.time(&mut marks);
    plot.values(&axis, &mut marks);
    for line in &lines {
        line.write(&plot, &axis, &mut marks);
    }
    format!("<div class=\"beside\">{}{}</div>", svg([width, view.height], &marks), legend.html)
}

fn lines<'a>(view: &View<'a>) -> Vec<Line<'a>> {
    let mut sums: Vec<(f64, f64)> = Vec::new();
    let mut lines = Vec::new();
    for (index, curve) in view.curves().into_iter().enumerate() {
        let field = Field::of(view.panel, &curve.name);
        let colour = field.fixed_colour(view.theme).unwrap_or_else(|| classic(index));
        let stacks = field.is_stacked();
        let points = curve.points.iter().map(|(at, value)| {
            if !stacks {
                return (*at, 0.0, *value);
            }
            let low = match sums.iter_mut().find(|(moment, _)| (moment - at).abs() < curve.step / 2.0) {
                Some((_, sum)) => std::mem::replace(sum, *sum + value),
                None => {
                    sums.push((*at, *value));
                    0.0
                }
            };
            (*at, low, low + value)
        });
        let points = points.collect();
        lines.push(Line { curve, field, colour, points });
    }
    lines
}

impl Line<'_> {
    fn write(&self, plot: &Plot, axis: &Axis, out: &mut String) {
        let colour = self.colour;
        let x = |at: f64| px(plot.x(at));
        let y = |value: f64| px(plot.y(axis.share(value)));
        for part in self.points.chunk_by(|one, next| next.0 - one.0 < GAP * self.curve.step) {
            let line: Vec<_> = part.iter().map(|(at, _, high)| format!("{} {}", x(*at), y(*high))).collect();
            let line = line.join("L");
            if self.field.custom.fill_opacity > 0.0 {
                let back: Vec<_> =
                    part.iter().rev().map(|(at, low, _)| format!("{} {}", x(*at), y(*low))).collect();
                let opacity = self.field.custom.fill_opacity / 100.0;
                let _ = write!(
                    out,
                    "<path d=\"M{line}L{}Z\" style=\"fill:{colour};fill-opacity:{opacity}\"/>",
                    back.join("L")
                );
            }
            let width = self.field.custom.line_width.max(1.0) * 1.25;
            let _ = write!(
                out,
                "<path class=\"line\" d=\"M{line}\" style=\"stroke:{colour};stroke-width:{width}\"/>"
            );
        }
    }
}

struct Legend {
    html: String,
    width: f64,
}

fn legend(lines: &[Line<'_>], view: &View<'_>) -> Legend {
    let mut lines: Vec<_> = lines.iter().collect();
    lines.sort_by(|one, other| other.curve.last().unwrap_or(0.0).total_cmp(&one.curve.last().unwrap_or(0.0)));
    let fits = ((view.height - 12.0) / LINE) as usize - 1;
    let shown = if lines.len() > fits { fits - 1 } else { lines.len() };
    let mut rows = String::new();
    for line in &lines[..shown] {
        let text =
            |value: Option<f64>| value.map_or_else(String::new, |value| line.field.shown(value).to_string());
        let _ = write!(
            rows,
            "<tr><td><i style=\"background:{}\"></i>{}</td><td>{}</td><td>{}</td></tr>",
            line.colour,
            escaped(&line.curve.name),
            text(line.curve.last()),
            text(line.curve.largest()),
        );
    }
    if shown < lines.len() {
        let _ = write!(rows, "<tr class=\"more\"><td colspan=\"3\">{} more</td></tr>", lines.len() - shown);
    }
    let names = longest(lines[..shown].iter().map(|line| line.curve.name.as_str()));
    // Where there is little room a line needs less of it than a name.
    let share = if view.width < 420.0 { 0.62 } else { 0.5 };
    let width = (names as f64 * 6.3 + 172.0).min(view.width * share).round();
    let html = format!(
        "<table class=\"legend\" style=\"width:{width}px\"><tr><th></th><th>Last *</th><th>Max</th></tr>{rows}</table>"
    );
    Legend { html, width }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{Said, drawn, target};

    fn panel(stacking: &str) -> serde_json::Value {
        serde_json::json!({
            "id": 1, "type": "timeseries", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "targets": [target("A", "{{stack}}")],
            "fieldConfig": { "overrides": [], "defaults": {
                "unit": "bytes", "custom": { "fillOpacity": 70, "lineWidth": 1, "stacking": { "mode": stacking } },
            } },
        })
    }

    const TWO: &[Said<'_>] =
        &[(&[("stack", "cdi")], &[1024.0, 2048.0]), (&[("stack", "kubevirt")], &[4096.0, 3072.0])];

    #[test]
    fn the_legend_has_last_and_largest_values_the_largest_first() {
        let html = drawn(panel("none"), &[("A", TWO)], draw);
        let kubevirt = html.find("kubevirt</td><td>3 KiB</td><td>4 KiB").unwrap();
        assert!(kubevirt < html.find("cdi</td><td>2 KiB</td><td>2 KiB").unwrap(), "{html}");
    }

    #[test]
    fn what_is_stacked_lies_on_what_came_before() {
        let (apart, stacked) =
            (drawn(panel("none"), &[("A", TWO)], draw), drawn(panel("normal"), &[("A", TWO)], draw));
        // An area that ends on the ground.
        let on_the_ground = |html: &str| html.matches(" 178Z").count();
        assert_eq!((on_the_ground(&apart), on_the_ground(&stacked)), (2, 1), "{stacked}");
    }

    #[test]
    fn without_a_series_it_says_so() {
        assert_eq!(drawn(panel("none"), &[("A", &[])], draw), NO_DATA);
    }
}
