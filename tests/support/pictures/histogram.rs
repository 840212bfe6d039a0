//! How many series have a value of about this size. The width of a bar is a round number, of which there are about
//! thirty from the least to the largest value (Grafana picks it so too).

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis::{Axis, round_step};
use super::colour::classic;
use super::field::Field;
use super::plot::svg;
use super::{Curve, NO_DATA, View, px};

const BARS: f64 = 30.0;
const LEFT: f64 = 34.0;
const BELOW: f64 = 22.0;

pub(super) fn draw(view: &View<'_>) -> String {
    let values: Vec<_> = view.curves().iter().filter_map(Curve::last).collect();
    let (Some(least), Some(largest)) =
        (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max))
    else {
        return NO_DATA.to_owned();
    };
    let field = Field::of(view.panel, "");
    let wide = round_step(&field.unit, ((largest - least) / BARS).max(largest.abs() * 1e-3));
    let mut bars: BTreeMap<i64, u32> = BTreeMap::new();
    for value in values {
        *bars.entry((value / wide).floor() as i64).or_default() += 1;
    }
    let (first, last) = ((least / wide).floor() as i64, (largest / wide).floor() as i64 + 1);
    let most = bars.values().copied().max().unwrap_or(1);
    let axis = Axis::new("none", 0.0, f64::from(most), 5);
    let (width, height) = (view.width - LEFT - 10.0, view.height - BELOW - 6.0);
    let x = |number: f64| LEFT + (number - first as f64) / (last - first) as f64 * width;
    let y = |count: f64| 6.0 + (1.0 - axis.share(count)) * height;
    let mut marks = String::new();
    for (at, _) in axis.ticks.iter().filter(|(at, _)| at.fract() == 0.0) {
        let _ = write!(marks, "<path class=\"grid\" d=\"M{LEFT} {0}H{1}\"/>", px(y(*at)), px(LEFT + width));
        let _ = write!(
            marks,
            "<text class=\"tick end\" x=\"{}\" y=\"{}\">{at}</text>",
            px(LEFT - 8.0),
            px(y(*at) + 4.0)
        );
    }
    let each = ((last - first) as f64 / (width / 80.0)).ceil() as usize;
    // None that would end beyond the right edge.
    let fits = |number: &i64| x(*number as f64) < view.width - 50.0;
    for number in (first..last).step_by(each.max(1)).filter(fits) {
        let text = field.shown(number as f64 * wide);
        let _ = write!(
            marks,
            "<text class=\"tick\" x=\"{}\" y=\"{}\">{text}</text>",
            px(x(number as f64)),
            px(view.height - 6.0)
        );
    }
    for (number, count) in bars {
        let (left, right, top) = (x(number as f64), x(number as f64 + 1.0), y(f64::from(count)));
        let _ = write!(
            marks,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"fill:{};fill-opacity:.8\"/>",
            px(left),
            px(top),
            px(right - left - 1.0),
            px(6.0 + height - top),
            classic(0)
        );
    }
    svg([view.width, view.height], &marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{Answers, drawn, target};

    #[test]
    fn values_of_about_one_size_are_one_bar() {
        let panel = serde_json::json!({
            "id": 1, "type": "histogram", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 9 }, "targets": [target("A", "tax")],
            "fieldConfig": { "overrides": [], "defaults": { "unit": "none" } },
        });
        let answers: Answers<'_> = &[(
            "A",
            &[(&[("node", "a")], &[10.0]), (&[("node", "b")], &[10.1]), (&[("node", "c")], &[40.0])],
        )];
        let html = drawn(panel, answers, draw);
        assert_eq!(html.matches("<rect").count(), 2, "{html}");
        assert!(html.contains(">2</text>"), "{html}");
    }
}
