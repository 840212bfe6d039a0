//! A document as text: for a terminal, a log, a mail.

use std::io::{self, Write};

use anstyle::AnsiColor;

use super::clean::{PROSE_LIMIT, clean, clean_within};
use super::fit::{Fit, GAP, INDENT, Wish, fit};
use super::model::{Align, Block, Document, Line, Part, Row, Style, Table, Tone};
use super::wrap::{cut, width, wrap};

/// Any narrower, and there is no room for a name and a number.
const NARROWEST: usize = 20;
/// Spaces between a name and its value. One more than between columns, as names are not numbers: the eye has
/// no right edge to follow.
const PAIR_GAP: usize = 3;
/// Spaces before a remark in a table: a step further in than the row it belongs to.
const REMARK_INDENT: usize = INDENT + 2;

/// Writes `document` so that no line is wider than `style.width`. Tables never wrap: they cut their flexible
/// columns and leave out the optional ones. Everything else wraps.
pub fn text(document: &Document, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.max(NARROWEST);
    let mut page = Page { out, width, colour: style.colour, gap: 0 };
    for (i, block) in document.blocks.iter().enumerate() {
        if i > 0 {
            page.end_line()?;
        }
        page.block(block)?;
    }
    Ok(())
}

struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    colour: bool,
    /// Spaces that are due before the next text. Written only with it, so that no line ends in spaces.
    gap: usize,
}

impl Page<'_> {
    fn block(&mut self, block: &Block) -> io::Result<()> {
        if let Some(heading) = &block.heading {
            self.wrapped(&clean(heading), 0, Tone::Strong)?;
        }
        let indent = if block.heading.is_some() { INDENT } else { 0 };
        for part in &block.body {
            match part {
                Part::Table(table) => self.table(table)?,
                Part::Pairs(pairs) => self.pairs(pairs)?,
                Part::Lines(lines) => {
                    for line in lines {
                        self.line(line, indent)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Line, indent: usize) -> io::Result<()> {
        self.wrapped(&clean_within(&line.text, PROSE_LIMIT), indent, line.tone)
    }

    fn wrapped(&mut self, text: &str, indent: usize, tone: Tone) -> io::Result<()> {
        for line in wrap(text, self.width - indent) {
            // Colours begin at the first word.
            let words = line.trim_start_matches(' ');
            self.gap = indent + line.len() - words.len();
            self.word(words, tone)?;
            self.end_line()?;
        }
        Ok(())
    }

    fn pairs(&mut self, pairs: &[(String, String)]) -> io::Result<()> {
        let names: Vec<String> =
            pairs.iter().map(|(name, _)| cut(&clean_cell(name), self.width / 3)).collect();
        let column = names.iter().map(|name| width(name)).max().unwrap_or(0);
        let indent = INDENT + column + PAIR_GAP;
        for (name, (_, value)) in names.iter().zip(pairs) {
            let value = clean_within(value, PROSE_LIMIT);
            self.gap = INDENT;
            self.word(name, Tone::Plain)?;
            self.gap += indent - INDENT - width(name);
            for line in wrap(value.trim_start_matches(' '), self.width - indent) {
                self.word(&line, Tone::Plain)?;
                self.end_line()?;
                self.gap = indent;
            }
        }
        self.gap = 0;
        Ok(())
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        let titles: Vec<String> = table.columns.iter().map(|column| clean_cell(&column.title)).collect();
        let rows: Vec<CleanRow<'_>> = table.rows.iter().map(CleanRow::of).collect();
        let fit = fit(&wishes(table, &titles, &rows), self.width);
        if fit.columns.is_empty() {
            return Ok(());
        }

        if titles.iter().any(|title| !title.is_empty()) {
            self.row(table, &fit, |i| (titles.get(i).map_or("", String::as_str), Tone::Plain))?;
            self.end_line()?;
        }
        for row in &rows {
            match row {
                CleanRow::Cells(cells) => {
                    self.row(table, &fit, |i| {
                        cells.get(i).map_or(("", Tone::Plain), |(text, tone)| (text, *tone))
                    })?;
                    self.end_line()?;
                }
                CleanRow::Rule => {
                    self.gap = INDENT;
                    self.word(&"-".repeat(fit.width()), Tone::Plain)?;
                    self.end_line()?;
                }
                CleanRow::Span(line) => self.line(line, REMARK_INDENT)?,
            }
        }
        Ok(())
    }

    /// Writes the cells of one row; the caller ends the line.
    fn row<'t>(
        &mut self,
        table: &Table,
        fit: &Fit,
        cell: impl Fn(usize) -> (&'t str, Tone),
    ) -> io::Result<()> {
        self.gap = INDENT;
        for &(index, column) in &fit.columns {
            let (text, tone) = cell(index);
            let text = cut(text, column);
            let rest = column - width(&text);
            let align = table.columns.get(index).map_or(Align::Left, |column| column.align);
            let (before, after) = if align == Align::Right { (rest, 0) } else { (0, rest) };
            self.gap += before;
            self.word(&text, tone)?;
            self.gap += after + GAP;
        }
        if fit.is_cut {
            self.word("…", Tone::Plain)?;
        }
        Ok(())
    }

    fn word(&mut self, text: &str, tone: Tone) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let gap = std::mem::take(&mut self.gap);
        write!(self.out, "{:gap$}", "")?;
        match look(tone).filter(|_| self.colour) {
            Some(look) => write!(self.out, "{look}{text}{look:#}"),
            None => write!(self.out, "{text}"),
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.gap = 0;
        writeln!(self.out)
    }
}

/// A row that is safe to measure and to show.
enum CleanRow<'a> {
    Cells(Vec<(String, Tone)>),
    Rule,
    Span(&'a Line),
}

impl CleanRow<'_> {
    fn of(row: &Row) -> CleanRow<'_> {
        match row {
            Row::Cells(cells) => {
                CleanRow::Cells(cells.iter().map(|cell| (clean_cell(&cell.text), cell.tone)).collect())
            }
            Row::Rule => CleanRow::Rule,
            Row::Span(line) => CleanRow::Span(line),
        }
    }
}

/// Spaces at the end of a cell would make its column wider than what is seen.
fn clean_cell(text: &str) -> String {
    clean(text).trim_end().to_owned()
}

fn wishes(table: &Table, titles: &[String], rows: &[CleanRow<'_>]) -> Vec<Wish> {
    let widest_cell = |i: usize| {
        let cells = rows.iter().filter_map(|row| match row {
            CleanRow::Cells(cells) => cells.get(i).map(|(text, _)| width(text)),
            CleanRow::Rule | CleanRow::Span(_) => None,
        });
        cells.max().unwrap_or(0)
    };
    let columns = table.columns.iter().zip(titles).enumerate();
    columns
        .map(|(i, (column, title))| Wish {
            width: width(title).max(widest_cell(i)),
            keep: column.keep,
            flexible: column.flexible,
            is_text: column.align == Align::Left,
        })
        .collect()
}

/// Only the sixteen colours that every terminal has its own, readable, shades of.
fn look(tone: Tone) -> Option<anstyle::Style> {
    match tone {
        Tone::Plain => None,
        Tone::Strong => Some(anstyle::Style::new().bold()),
        Tone::Faint => Some(anstyle::Style::new().dimmed()),
        Tone::Good => Some(AnsiColor::Green.on_default()),
        Tone::Warning => Some(AnsiColor::Yellow.on_default()),
    }
}

#[cfg(test)]
mod tests;
