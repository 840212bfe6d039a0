//! Tables: the answers to several queries side by side, joined on the labels that they share (Grafana's transformation
//! `merge`), with columns left out and renamed (`organize`), sorted by one of them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

use edgebench::layout::html::escaped;
use serde_json::Value;

use super::field::Field;
use super::{NO_DATA, View};

/// A line, in pixels.
const LINE: f64 = 29.0;

/// What is in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(f64),
}

/// Cells by the names of their columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row(BTreeMap<String, Cell>);

/// Its columns from left to right.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Row {
    pub(super) fn number(&self, column: &str) -> Option<f64> {
        match self.0.get(column) {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

impl Table {
    /// What a panel shows of its answers.
    pub(super) fn of(view: &View<'_>) -> Table {
        let mut table = Table::default();
        let (mut labels, mut values) = (Vec::new(), Vec::new());
        for answer in view.answers {
            let value =
                if view.answers.len() > 1 { format!("Value #{}", answer.ref_id) } else { "Value".to_owned() };
            for series in &answer.series {
                let Some((_, number)) = series.points.last() else { continue };
                let texts = series.labels.iter().map(|(name, text)| (name.clone(), Cell::Text(text.clone())));
                let cells: BTreeMap<_, _> = texts.collect();
                labels
                    .extend(cells.keys().filter(|name| !labels.contains(*name)).cloned().collect::<Vec<_>>());
                if !values.contains(&value) {
                    values.push(value.clone());
                }
                table.merge(cells, &value, *number);
            }
        }
        table.columns = labels.into_iter().chain(values).collect();
        for transformation in view.panel.transformations.iter().filter(|all| all["id"] == "organize") {
            table.organize(&transformation["options"]);
        }
        table.columns.retain(|column| !Field::of(view.panel, column).custom.hidden);
        table.sort(&view.panel.options["sortBy"]);
        table
    }

    /// Into the row that says nothing else in the columns that both have.
    fn merge(&mut self, cells: BTreeMap<String, Cell>, value: &str, number: f64) {
        let agrees = |row: &&mut Row| {
            let texts = row.0.iter().filter(|(_, cell)| matches!(cell, Cell::Text(_)));
            let mut shared = texts.filter_map(|(name, cell)| Some((cell, cells.get(name)?))).peekable();
            !row.0.contains_key(value) && shared.peek().is_some() && shared.all(|(one, other)| one == other)
        };
        match self.rows.iter_mut().find(agrees) {
            Some(row) => {
                row.0.extend(cells);
                row.0.insert(value.to_owned(), Cell::Number(number));
            }
            None => {
                let mut row = Row(cells);
                row.0.insert(value.to_owned(), Cell::Number(number));
                self.rows.push(row);
            }
        }
    }

    fn organize(&mut self, options: &Value) {
        self.columns.retain(|column| options["excludeByName"].get(column) != Some(&Value::Bool(true)));
        for column in &mut self.columns {
            let Some(name) = options["renameByName"].get(&*column).and_then(Value::as_str) else { continue };
            for row in &mut self.rows {
                if let Some(cell) = row.0.remove(column) {
                    row.0.insert(name.to_owned(), cell);
                }
            }
            name.clone_into(column);
        }
    }

    fn sort(&mut self, by: &Value) {
        let Some(column) = by[0]["displayName"].as_str() else { return };
        let descends = by[0]["desc"] == true;
        self.rows.sort_by(|one, other| match (one.0.get(column), other.0.get(column)) {
            (Some(Cell::Number(one)), Some(Cell::Number(other))) if descends => other.total_cmp(one),
            (Some(Cell::Number(one)), Some(Cell::Number(other))) => one.total_cmp(other),
            // What is not known comes last.
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            _ => Ordering::Equal,
        });
    }

    /// The columns of numbers.
    pub(super) fn numbers(&self) -> Vec<String> {
        let has = |column: &&String| self.rows.iter().any(|row| row.number(column).is_some());
        self.columns.iter().filter(has).cloned().collect()
    }

    /// What stands in a column of texts, line by line.
    pub(super) fn texts(&self, column: &str) -> Vec<String> {
        let text = |row: &Row| match row.0.get(column) {
            Some(Cell::Text(text)) => text.clone(),
            _ => String::new(),
        };
        self.rows.iter().map(text).collect()
    }
}

pub(super) fn draw(view: &View<'_>) -> String {
    let table = Table::of(view);
    if table.rows.is_empty() {
        return NO_DATA.to_owned();
    }
    let numbers = table.numbers();
    let class = |column: &String| if numbers.contains(column) { "r" } else { "" };
    let mut html = String::from("<table class=\"cells\"><tr>");
    for column in &table.columns {
        let _ = write!(html, "<th class=\"{}\">{}</th>", class(column), escaped(column));
    }
    html += "</tr>";
    let fits = ((view.height - LINE) / LINE) as usize;
    let shown = if table.rows.len() > fits { fits - 1 } else { table.rows.len() };
    for row in &table.rows[..shown] {
        html += "<tr>";
        for column in &table.columns {
            let text = match row.0.get(column) {
                Some(Cell::Text(text)) => text.clone(),
                Some(Cell::Number(number)) => Field::of(view.panel, column).shown(*number).to_string(),
                None => String::new(),
            };
            let _ = write!(html, "<td class=\"{}\">{}</td>", class(column), escaped(&text));
        }
        html += "</tr>";
    }
    html += "</table>";
    if shown < table.rows.len() {
        let _ = write!(html, "<p class=\"more\">{} more rows</p>", table.rows.len() - shown);
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::tests::{Labels, Said, drawn, target};

    fn panel() -> serde_json::Value {
        serde_json::json!({
            "id": 1, "type": "table", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
            "options": { "sortBy": [{ "displayName": "PSS", "desc": true }] },
            "targets": [target("A", ""), target("B", "")],
            "fieldConfig": {
                "defaults": { "unit": "bytes" },
                "overrides": [
                    { "matcher": { "id": "byName", "options": "runs for" }, "properties": [{ "id": "unit", "value": "s" }] },
                    { "matcher": { "id": "byName", "options": "site" }, "properties": [{ "id": "custom.hidden", "value": true }] },
                ],
            },
            "transformations": [{ "id": "merge", "options": {} }, { "id": "organize", "options": {
                "excludeByName": { "Time": true, "node": true }, "indexByName": {},
                "renameByName": { "Value #A": "PSS", "Value #B": "runs for" },
            } }],
        })
    }

    #[test]
    fn answers_stand_side_by_side_sorted_without_what_is_left_out() {
        let (small, large): (Labels<'_>, Labels<'_>) = (
            &[("component", "cdi-operator"), ("node", "n"), ("site", "s")],
            &[("component", "virt-api"), ("node", "n"), ("site", "s")],
        );
        let html = drawn(
            panel(),
            &[("A", &[(small, &[1024.0]), (large, &[2048.0])]), ("B", &[(small, &[60.0])])],
            draw,
        );
        assert_eq!(
            html,
            "<table class=\"cells\"><tr><th class=\"\">component</th><th class=\"r\">PSS</th><th class=\"r\">runs for</th></tr>\
             <tr><td class=\"\">virt-api</td><td class=\"r\">2 KiB</td><td class=\"r\"></td></tr>\
             <tr><td class=\"\">cdi-operator</td><td class=\"r\">1 KiB</td><td class=\"r\">1 mins</td></tr></table>"
        );
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let names: Vec<_> = (0..20).map(|number| number.to_string()).collect();
        let labels: Vec<[(&str, &str); 1]> =
            names.iter().map(|name| [("component", name.as_str())]).collect();
        let series: Vec<Said<'_>> = labels.iter().map(|labels| (&labels[..], &[1.0][..])).collect();
        let html = drawn(panel(), &[("A", &series)], draw);
        assert!(html.contains("<p class=\"more\">16 more rows</p>"), "{html}");
        assert_eq!(html.matches("<tr>").count(), 5);
    }
}
