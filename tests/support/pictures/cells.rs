//! A heatmap of a histogram's buckets: each `le` counts what is at most so large, so a cell is a bucket less the one
//! below it. The darker, the more; the scale is a power (Grafana's `exponent`), so that few are seen beside many.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::colour::orange;
use super::plot::{Plot, longest, svg};
use super::{NO_DATA, View, px, unit};

pub(super) fn draw(view: &View<'_>) -> String {
    let mut buckets: Vec<(f64, BTreeMap<i64, f64>)> = Vec::new();
    for series in view.answers.iter().flat_map(|answer| &answer.series) {
        let Some(le) = series.labels.get("le").and_then(|le| le.replace("+Inf", "inf").parse().ok()) else {
            continue;
        };
        buckets.push((le, series.points.iter().map(|(at, value)| (*at as i64, *value)).collect()));
    }
    if buckets.is_empty() {
        return NO_DATA.to_owned();
    }
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    let step = view.answers.first().map_or(1.0, |answer| answer.step);
    let options = &view.panel.options;
    let unit = options["yAxis"]["unit"].as_str().unwrap_or("none");
    let names: Vec<_> = buckets.iter().map(|(le, _)| unit::shown(unit, *le, None).to_string()).collect();
    let cells = cells(&buckets);
    let most = cells.iter().map(|(_, _, count)| *count).fold(0.0, f64::max);
    let exponent = options["color"]["exponent"].as_f64().unwrap_or(1.0);

    let plot =
        Plot::new([view.width, view.height], longest(names.iter().map(String::as_str)), [view.from, view.to]);
    let mut marks = String::new();
    plot.time(&mut marks);
    let share = |row: usize| row as f64 / buckets.len() as f64;
    for (row, name) in names.iter().enumerate() {
        let y = plot.y(share(row + 1)) + 4.0;
        let _ = write!(
            marks,
            "<text class=\"tick end\" x=\"{}\" y=\"{}\">{name}</text>",
            px(plot.left - 8.0),
            px(y.max(10.0))
        );
    }
    for (row, at, count) in cells {
        let (left, right) = (plot.x(at as f64 - step).max(plot.left), plot.x(at as f64));
        let (top, below) = (plot.y(share(row + 1)), plot.y(share(row)));
        if right > left {
            let _ = write!(
                marks,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"fill:{}\"/>",
                px(left),
                px(top + 1.0),
                px(right - left - 1.0),
                px(below - top - 1.0),
                orange((count / most).powf(exponent), view.theme)
            );
        }
    }
    svg([view.width, view.height], &marks)
}

/// Row, moment, and how many are in it, where there are any.
fn cells(buckets: &[(f64, BTreeMap<i64, f64>)]) -> Vec<(usize, i64, f64)> {
    let of_row = |(row, (_, counts)): (usize, &(f64, BTreeMap<i64, f64>))| {
        let below = row.checked_sub(1).map(|below| &buckets[below].1);
        let cell = |(at, count): (&i64, &f64)| {
            (row, *at, count - below.and_then(|below| below.get(at)).unwrap_or(&0.0))
        };
        counts.iter().map(cell).filter(|(_, _, count)| *count > 0.0).collect::<Vec<_>>()
    };
    buckets.iter().enumerate().flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{Answers, drawn, target};

    #[test]
    fn a_cell_is_a_bucket_less_the_one_below_it() {
        let panel = serde_json::json!({
            "id": 1, "type": "heatmap", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 9 }, "targets": [target("A", "{{le}}")],
            "options": { "yAxis": { "unit": "percentunit" }, "color": { "exponent": 0.5 } },
        });
        let answers: Answers<'_> = &[(
            "A",
            &[
                (&[("le", "1")], &[0.0, 4.0]),
                (&[("le", "0.5")], &[0.0, 3.0]),
                (&[("le", "0.2")], &[0.0, 3.0]),
            ],
        )];
        let html = drawn(panel, answers, draw);
        // Three below a fifth, none between, one above a half.
        assert_eq!(html.matches("<rect").count(), 2, "{html}");
        let (most, fewest) = (
            orange(1.0, crate::pictures::Theme::Light),
            orange((1.0_f64 / 3.0).sqrt(), crate::pictures::Theme::Light),
        );
        assert!(html.contains(&most) && html.contains(&fewest), "{html}");
        assert!(html.find(">20%<").unwrap() < html.find(">100%<").unwrap());
    }
}
