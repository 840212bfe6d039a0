//! Parts of a document as HTML: for the page that `report::html` writes.
//!
//! Text never acts as markup: what is written here is cleaned as everywhere, and then `&`, `<`, `>` and both quotes are
//! character references, which is enough between tags and inside of quoted attributes (HTML Living Standard, 13.1.2.3
//! and 13.1.4). Nothing from outside is ever written anywhere else.

use std::fmt;
use std::io::{self, Write};

use super::clean::{NAME_LIMIT, PROSE_LIMIT, clean_within};
use super::model::{Align, Block, Cell, Column, Line, Part, Row, Table, Tone};

/// A table with more columns than this is set closer.
const WIDE: usize = 9;

/// A name, a heading or a cell: cleaned and escaped as it is written.
pub fn escaped(text: &str) -> impl fmt::Display {
    Escaped(clean_within(text, NAME_LIMIT))
}

/// A line of prose, which may be longer. What stands between two backticks is code.
pub fn prose(text: &str) -> impl fmt::Display {
    Prose(clean_within(text, PROSE_LIMIT))
}

struct Escaped(String);

impl fmt::Display for Escaped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(&self.0, out)
    }
}

struct Prose(String);

impl fmt::Display for Prose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pieces: Vec<&str> = self.0.split('`').collect();
        // A backtick without a partner is one.
        if pieces.len().is_multiple_of(2) {
            return write_escaped(&self.0, out);
        }
        for (at, piece) in pieces.iter().enumerate() {
            let is_code = at % 2 == 1;
            out.write_str(if is_code { "<code>" } else { "" })?;
            write_escaped(piece, out)?;
            out.write_str(if is_code { "</code>" } else { "" })?;
        }
        Ok(())
    }
}

fn write_escaped(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}

/// A heading, and what stands behind it in parentheses: units and conditions, which caption the table below.
pub fn heading(text: &str) -> (&str, Option<&str>) {
    match text.strip_suffix(')').and_then(|text| text.split_once(" (")) {
        Some((heading, qualifier)) => (heading, Some(qualifier)),
        None => (text, None),
    }
}

/// Writes all that stands under a block's heading. `id` begins the ids of its tables.
///
/// # Errors
/// Where `out` can't be written.
pub fn body(block: &Block, id: &str, out: &mut dyn Write) -> io::Result<()> {
    let (heading, qualifier) = heading(block.heading.as_deref().unwrap_or_default());
    for (at, part) in block.body.iter().enumerate() {
        match part {
            Part::Table(table) => {
                self::table(table, heading, qualifier, &format!("{id}-table-{at}"), out)?;
            }
            Part::Pairs(pairs) => self::pairs(pairs, out)?,
            Part::Lines(lines) => self::lines(lines, out)?,
        }
    }
    Ok(())
}

/// Writes a table, which scrolls where it is wider than the page. `name` says what it is to who can't see where it stands;
/// `qualifier` is seen
/// by all.
///
/// # Errors
/// Where `out` can't be written.
pub fn table(
    table: &Table,
    name: &str,
    qualifier: Option<&str>,
    id: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    // A caption is as wide as its table, which may be wider than the screen.
    if let Some(qualifier) = qualifier {
        writeln!(out, "<p class=\"qualifier\" aria-hidden=\"true\">{}</p>", escaped(qualifier))?;
    }
    writeln!(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{id}\">")?;
    writeln!(out, "<table{}>", if table.columns.len() > WIDE { " class=\"wide\"" } else { "" })?;
    write!(out, "<caption class=\"unseen\" id=\"{id}\">{}", escaped(name))?;
    if let Some(qualifier) = qualifier {
        write!(out, ": {}", escaped(qualifier))?;
    }
    writeln!(out, "</caption>")?;
    if table.columns.iter().any(|column| !column.title.is_empty()) {
        write!(out, "<thead><tr>")?;
        for column in &table.columns {
            let align = align(column);
            match column.title.as_str() {
                "" => write!(out, "<td{align}></td>")?,
                title => write!(out, "<th scope=\"col\"{align}>{}</th>", escaped(title))?,
            }
        }
        writeln!(out, "</tr></thead>")?;
    }
    writeln!(out, "<tbody>")?;
    // A row is called by its first words.
    let names = table.columns.iter().position(|column| column.align == Align::Left);
    for row in &table.rows {
        match row {
            Row::Cells(cells) => cells_of(cells, &table.columns, names, out)?,
            Row::Rule => writeln!(out, "</tbody>\n<tbody>")?,
            Row::Span(line) => writeln!(
                out,
                "<tr class=\"remark\"><td colspan=\"{}\"{}>{}</td></tr>",
                table.columns.len(),
                class(&[tone(line.tone)]),
                prose(line.text.trim())
            )?,
        }
    }
    writeln!(out, "</tbody>\n</table>\n</div>")
}

fn cells_of(cells: &[Cell], columns: &[Column], names: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<tr>")?;
    let empty = Cell::default();
    for (at, column) in columns.iter().enumerate() {
        let cell = cells.get(at).unwrap_or(&empty);
        // The plot beside the table draws it.
        let text = if cell.is_bar { "" } else { cell.text.as_str() };
        let side = if column.align == Align::Right { "r" } else { "" };
        let class = class(&[side, indent(text), tone(cell.tone)]);
        let text = text.trim();
        if names == Some(at) && !text.is_empty() {
            write!(out, "<th scope=\"row\"{class}>{}</th>", escaped(text))?;
        } else {
            write!(out, "<td{class}>{}</td>", escaped(text))?;
        }
    }
    writeln!(out, "</tr>")
}

/// Spaces before a text show what it is a part of; a step is two of them.
fn indent(text: &str) -> &'static str {
    const STEPS: [&str; 9] = ["", "in", "in2", "in3", "in4", "in5", "in6", "in7", "in8"];
    let spaces = text.len() - text.trim_start_matches(' ').len();
    STEPS[spaces.div_ceil(2).min(STEPS.len() - 1)]
}

fn align(column: &Column) -> &'static str {
    match column.align {
        Align::Left => "",
        Align::Right => " class=\"r\"",
    }
}

fn class(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().copied().filter(|name| !name.is_empty()).collect();
    if names.is_empty() { String::new() } else { format!(" class=\"{}\"", names.join(" ")) }
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Strong => "strong",
        Tone::Faint => "faint",
        Tone::Good => "good",
        Tone::Warning => "warning",
    }
}

/// Writes names with their values.
///
/// # Errors
/// Where `out` can't be written.
pub fn pairs(pairs: &[(String, String)], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<dl>")?;
    for (name, value) in pairs {
        writeln!(out, "<dt>{}</dt><dd>{}</dd>", escaped(name), prose(value))?;
    }
    writeln!(out, "</dl>")
}

/// Writes lines as paragraphs, and notes as a list.
///
/// # Errors
/// Where `out` can't be written.
pub fn lines(lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
    for group in lines.chunk_by(|a, b| note(a).is_some() == note(b).is_some()) {
        if group.iter().any(|line| note(line).is_some()) {
            writeln!(out, "<ul class=\"notes\">")?;
            for text in group.iter().filter_map(note) {
                writeln!(out, "<li>{}</li>", prose(text))?;
            }
            writeln!(out, "</ul>")?;
            continue;
        }
        for line in group {
            let class = class(&[indent(&line.text), tone(line.tone)]);
            writeln!(out, "<p{class}>{}</p>", prose(line.text.trim()))?;
        }
    }
    Ok(())
}

fn note(line: &Line) -> Option<&str> {
    line.text.strip_prefix("! ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::model::{left, right};
    use super::*;

    fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_no_markup() {
        assert_eq!(escaped("<b>\"R&D\"'</b>").to_string(), "&lt;b&gt;&quot;R&amp;D&quot;&#39;&lt;/b&gt;");
        assert_eq!(escaped("&lt;").to_string(), "&amp;lt;");
        assert_eq!(escaped("\u{202e}exe\0").to_string(), r"\u{202e}exe\x00");
        assert_eq!(prose("run `edgebench <x>` now").to_string(), "run <code>edgebench &lt;x&gt;</code> now");
        assert_eq!(prose("a ` alone").to_string(), "a ` alone");
    }

    #[test]
    fn a_heading_says_its_conditions_apart() {
        assert_eq!(heading("Virtual machines (MiB)"), ("Virtual machines", Some("MiB")));
        assert_eq!(heading("Node"), ("Node", None));
    }

    #[test]
    fn a_table_says_which_figure_is_whose() {
        let mut table = Table::new([left("NAME"), right("MiB"), left("")]);
        table.row([Cell::from("a<b"), "1.0".into(), Cell::bar(0.5, 4)]);
        table.rule();
        table.row(["", "2.0"]);
        table.span(Line::new("none").tone(Tone::Faint));
        let text = written(|out| self::table(&table, "Sizes", Some("MiB"), "t", out));
        let expected = "<p class=\"qualifier\" aria-hidden=\"true\">MiB</p>\n\
            <div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"t\">\n<table>\n\
            <caption class=\"unseen\" id=\"t\">Sizes: MiB</caption>\n\
            <thead><tr><th scope=\"col\">NAME</th><th scope=\"col\" class=\"r\">MiB</th><td></td></tr></thead>\n<tbody>\n\
            <tr><th scope=\"row\">a&lt;b</th><td class=\"r\">1.0</td><td class=\"faint\"></td></tr>\n</tbody>\n<tbody>\n\
            <tr><td></td><td class=\"r\">2.0</td><td></td></tr>\n\
            <tr class=\"remark\"><td colspan=\"3\" class=\"faint\">none</td></tr>\n</tbody>\n</table>\n</div>\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn notes_are_a_list() {
        let lines = [Line::new("so").tone(Tone::Strong), Line::note("x"), Line::note("y"), Line::new("  z")];
        let text = written(|out| self::lines(&lines, out));
        let expected = "<p class=\"strong\">so</p>\n<ul class=\"notes\">\n<li>x</li>\n<li>y</li>\n</ul>\n\
                        <p class=\"in\">z</p>\n";
        assert_eq!(text, expected);
    }

    proptest! {
        #[test]
        fn no_text_opens_a_tag_or_leaves_an_attribute(text in any::<String>()) {
            let escaped = escaped(&text).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let rest = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().fold(escaped, |rest, known| rest.replace(known, ""));
            prop_assert!(!rest.contains('&'));
        }
    }
}
