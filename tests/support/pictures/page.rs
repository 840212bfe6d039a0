//! A dashboard as a page: panels in their places on Grafana's grid of 24 columns, whose lines are 30 pixels high and 8
//! apart. The page loads nothing and runs nothing.

use std::fmt::Write;
use std::ops::Range;

use edgebench::layout::html::escaped;

use super::axis::clock;
use super::{
    Answer, Recorded, Theme, View, bars, cells, gauge, histogram, px, stat, table, time_series, timeline,
};
use crate::dashboards::{Dashboard, GridPos, Panel};

const STYLE: &str = include_str!("style.css");
const COLUMNS: f64 = 24.0;
const LINE: f64 = 38.0;
const GAP: f64 = 8.0;
const ABOVE: f64 = 48.0;
const BELOW: f64 = 26.0;
/// Of a panel, above what it draws and around it.
const HEAD: f64 = 30.0;
const EDGE: f64 = 8.0;

/// A part of a dashboard, and how large its picture is.
#[derive(Clone, Debug)]
pub struct Extract {
    /// Lines of the grid.
    pub lines: Range<u64>,
    /// In pixels.
    pub width: u32,
}

impl Extract {
    /// In pixels.
    pub fn height(&self, dashboard: &Dashboard) -> u32 {
        let end = self.panels(dashboard).map(|panel| panel.grid_pos.y + panel.grid_pos.h).max().unwrap_or(0);
        let lines = end.saturating_sub(self.lines.start);
        (ABOVE + lines as f64 * LINE + BELOW) as u32
    }

    fn panels<'a>(&self, dashboard: &'a Dashboard) -> impl Iterator<Item = &'a Panel> {
        let lines = self.lines.clone();
        dashboard.panels.iter().filter(move |panel| lines.contains(&panel.grid_pos.y))
    }

    /// Left, top, width and height.
    fn place(&self, at: GridPos) -> [f64; 4] {
        let column = (f64::from(self.width) - GAP) / COLUMNS;
        let (x, y) = (GAP + at.x as f64 * column, ABOVE + (at.y - self.lines.start) as f64 * LINE);
        [x, y, at.w as f64 * column - GAP, at.h as f64 * LINE - GAP]
    }
}

/// The page of a dashboard.
///
/// # Panics
/// If a panel is of a kind that is not drawn.
pub fn page(dashboard: &Dashboard, recorded: &Recorded, extract: &Extract, theme: Theme) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\" class=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title><style>{STYLE}</style></head><body>",
        theme.name(),
        escaped(&dashboard.title)
    );
    html += &header(dashboard, recorded);
    for panel in extract.panels(dashboard) {
        let [x, y, width, height] = extract.place(panel.grid_pos);
        let place = format!("left:{}px;top:{}px;width:{}px;height:{}px", px(x), px(y), px(width), px(height));
        let title = with_chosen(&panel.title, dashboard, recorded);
        let title = escaped(&title);
        if panel.kind == "row" {
            let _ = write!(html, "<h2 class=\"row\" style=\"{place}\">{title}</h2>");
            continue;
        }
        let answers = recorded.panels.get(&panel.id).map_or(&[][..], |answers| &answers[..]);
        let room = [width - 2.0 * EDGE - 2.0, height - HEAD - EDGE - 2.0];
        let inside = draw(panel, answers, recorded, theme, room);
        let _ = write!(
            html,
            "<section style=\"{place}\"><h2>{title}</h2><div style=\"width:{}px;height:{}px\">{inside}</div></section>",
            px(room[0]),
            px(room[1])
        );
    }
    let foot = f64::from(extract.height(dashboard)) - BELOW + 2.0;
    let _ = write!(
        html,
        "<footer style=\"top:{}px\">{}</footer></body></html>",
        px(foot),
        escaped(&recorded.source)
    );
    html
}

fn header(dashboard: &Dashboard, recorded: &Recorded) -> String {
    let (folder, name) = dashboard.title.split_once(" / ").unwrap_or(("", &dashboard.title));
    let chosen = recorded.chosen.iter().fold(String::new(), |html, (label, text)| {
        format!("{html}<label><span>{}</span><b>{}</b></label>", escaped(label), escaped(text))
    });
    let [from, to] = [recorded.from, recorded.to].map(|at| clock(at, true));
    let time = match ((recorded.to - recorded.from) / 3600.0).round() {
        0.0 => format!("{from} to {to} UTC"),
        hours => format!("Last {hours} hours"),
    };
    format!(
        "<header><h1><span>{} / </span>{}</h1><div>{chosen}<label><b>{time}</b></label></div></header>",
        escaped(folder),
        escaped(name)
    )
}

/// The title of a row that comes again for each value of a variable names it.
fn with_chosen(title: &str, dashboard: &Dashboard, recorded: &Recorded) -> String {
    dashboard.templating.list.iter().fold(title.to_owned(), |title, variable| {
        let chosen = recorded.chosen.iter().find(|(label, _)| *label == variable.label);
        chosen.map_or(title.clone(), |(_, text)| title.replace(&format!("${}", variable.name), text))
    })
}

fn draw(
    panel: &Panel,
    answers: &[Answer],
    recorded: &Recorded,
    theme: Theme,
    [width, height]: [f64; 2],
) -> String {
    let view = View { panel, answers, theme, from: recorded.from, to: recorded.to, width, height };
    match panel.kind.as_str() {
        "stat" => stat::draw(&view),
        "gauge" => gauge::draw(&view),
        "timeseries" => time_series::draw(&view),
        "bargauge" => bars::gauges(&view),
        "barchart" => bars::chart(&view),
        "table" => table::draw(&view),
        "heatmap" => cells::draw(&view),
        "histogram" => histogram::draw(&view),
        "state-timeline" => timeline::draw(&view),
        other => panic!("how is {other} drawn?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboards::all;
    use crate::pictures::NO_DATA;

    fn whole() -> Extract {
        Extract { lines: 0..u64::MAX, width: 1200 }
    }

    fn empty(dashboard: &Dashboard) -> Recorded {
        Recorded {
            file: dashboard.file.clone(),
            chosen: vec![("VM".into(), "a<b".into())],
            from: 0.0,
            to: 60.0,
            source: "nowhere".into(),
            panels: [].into(),
        }
    }

    #[test]
    fn every_panel_of_every_dashboard_is_drawn_without_data_too() {
        for dashboard in all() {
            let html = page(&dashboard, &empty(&dashboard), &whole(), Theme::Light);
            assert_eq!(html.matches(NO_DATA).count(), dashboard.drawn().count(), "{}", dashboard.file);
            assert_eq!(html.matches("<section").count(), dashboard.drawn().count(), "{}", dashboard.file);
        }
    }

    #[test]
    fn what_is_chosen_is_named_and_is_no_markup() {
        let dashboard = all().into_iter().find(|dashboard| dashboard.file == "vm-cost.json").unwrap();
        let html = page(&dashboard, &empty(&dashboard), &whole(), Theme::Dark);
        assert!(html.contains("<span>VM</span><b>a&lt;b</b>") && html.contains(">a&lt;b</h2>"), "{html}");
        assert!(!html.contains("a<b"));
    }

    #[test]
    fn a_part_ends_with_its_last_panel() {
        let dashboard = all().into_iter().find(|dashboard| dashboard.file == "fleet.json").unwrap();
        let part = Extract { lines: 5..16, width: 1200 };
        let heights =
            part.panels(&dashboard).map(|panel| panel.grid_pos.y + panel.grid_pos.h).max().unwrap() - 5;
        assert_eq!(part.height(&dashboard), (ABOVE + heights as f64 * LINE + BELOW) as u32);
    }
}
