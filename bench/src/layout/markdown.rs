//! A document as GitHub-flavoured markdown: for issues, pull requests, wikis.

use std::io::{self, Write};

use super::clean::{NAME_LIMIT, PROSE_LIMIT, clean_within};
use super::model::{Align, Block, Cell, Document, Line, Part, Row, Table, Tone};

/// Writes `document` with headings of the second level and all columns of its tables. Text never acts as
/// markup. A remark in a table follows below it, under the name of the row it belongs to; lines that hold
/// columns of their own become a code block, the only place where markdown keeps spaces.
pub fn markdown(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let pieces: Vec<String> = document.blocks.iter().flat_map(pieces).collect();
    // Each piece ends its own lines; a blank line between two, and none at the end.
    out.write_all(pieces.join("\n").as_bytes())
}

/// The block-level elements of one block.
fn pieces(block: &Block) -> Vec<String> {
    let mut pieces = Vec::new();
    if let Some(heading) = &block.heading {
        pieces.push(format!("## {}\n", escape_heading(heading)));
    }
    for part in &block.body {
        match part {
            Part::Table(table) => pieces.extend(table_pieces(table)),
            Part::Pairs(pairs) => {
                let item = |(name, value): &(String, String)| {
                    format!("- {}: {}\n", bold(&escape(name, NAME_LIMIT)), escape(value, PROSE_LIMIT))
                };
                pieces.push(pairs.iter().map(item).collect());
            }
            Part::Lines(lines) => pieces.extend(line_pieces(lines)),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn table_pieces(table: &Table) -> Vec<String> {
    if table.columns.is_empty() {
        return Vec::new();
    }
    let mut text = String::new();
    text.push_str(&table_row(table.columns.iter().map(|column| escape(&column.title, NAME_LIMIT))));
    text.push_str(&table_row(table.columns.iter().map(|column| match column.align {
        Align::Left => ":--".to_owned(),
        Align::Right => "--:".to_owned(),
    })));

    let mut remarks = String::new();
    let mut row_name = String::new();
    for row in &table.rows {
        match row {
            Row::Cells(cells) => {
                row_name = cells
                    .iter()
                    .map(|c| escape(&c.text, NAME_LIMIT))
                    .find(|c| !c.is_empty())
                    .unwrap_or_default();
                text.push_str(&table_row(
                    (0..table.columns.len()).map(|i| cells.get(i).map_or(String::new(), cell)),
                ));
            }
            // Markdown's tables have no lines of their own.
            Row::Rule => row_name.clear(),
            Row::Span(line) if row_name.is_empty() => remarks.push_str(&item(line)),
            Row::Span(line) => {
                remarks.push_str(&format!("- {}: {}\n", bold(&row_name), emphasised(&line.text, line.tone)));
            }
        }
    }
    vec![text, remarks]
}

fn table_row(cells: impl Iterator<Item = String>) -> String {
    let mut row = String::from("|");
    for cell in cells {
        row.push(' ');
        row.push_str(&cell);
        row.push_str(if cell.is_empty() { "|" } else { " |" });
    }
    row.push('\n');
    row
}

fn cell(cell: &Cell) -> String {
    let text = escape(&cell.text, NAME_LIMIT);
    // There are no colours, so what is to be acted on is bold as well.
    let text = if matches!(cell.tone, Tone::Strong | Tone::Warning) { bold(&text) } else { text };
    // A cell's indent shows what it is a part of, and markdown would drop it.
    let indent = cell.text.len() - cell.text.trim_start_matches(' ').len();
    "&nbsp;".repeat(if text.is_empty() { 0 } else { indent.min(NAME_LIMIT) }) + &text
}

/// Lines as paragraphs; notes and items as lists; neighbouring lines with columns as a code block.
fn line_pieces(lines: &[Line]) -> Vec<String> {
    let mut pieces = Vec::new();
    for group in lines.chunk_by(|a, b| kind(a) == kind(b)) {
        match group.first().map(kind) {
            // One line alone is aligned with nothing.
            Some(Kind::Columns) if group.len() > 1 => pieces.push(code_block(group)),
            Some(Kind::Item) => pieces.push(group.iter().map(item).collect()),
            _ => pieces.extend(group.iter().map(paragraph)),
        }
    }
    pieces
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Paragraph,
    Item,
    Columns,
}

fn kind(line: &Line) -> Kind {
    let text = line.text.trim();
    if text.starts_with("! ") || text.starts_with("- ") {
        Kind::Item
    } else if text.contains("  ") {
        Kind::Columns
    } else {
        Kind::Paragraph
    }
}

fn paragraph(line: &Line) -> String {
    let text = emphasised(&line.text, line.tone);
    if text.is_empty() { text } else { text + "\n" }
}

fn item(line: &Line) -> String {
    let text = line.text.trim();
    let text = text.strip_prefix("! ").or_else(|| text.strip_prefix("- ")).unwrap_or(text);
    // A note is a warning by being one; bold would only shout.
    let tone = if line.tone == Tone::Strong { Tone::Strong } else { Tone::Plain };
    format!("- {}\n", emphasised(text, tone))
}

fn code_block(lines: &[Line]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| clean_within(&line.text, PROSE_LIMIT)).collect();
    // A fence that is longer than any run of backticks inside cannot be closed from inside.
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut block = format!("{fence}text\n");
    for line in &lines {
        block.push_str(line.trim_end());
        block.push('\n');
    }
    block + &fence + "\n"
}

fn emphasised(text: &str, tone: Tone) -> String {
    let text = escape(text, PROSE_LIMIT);
    if tone == Tone::Strong { bold(&text) } else { escape_start(text) }
}

fn bold(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("**{text}**") }
}

/// Cleans `text`, joins its words with single spaces as markdown would, and escapes what would be markup
/// inside a line.
fn escape(text: &str, limit: usize) -> String {
    let text = clean_within(text, limit);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if is_markup(before, character, characters.peek().copied()) {
            escaped.push('\\');
        }
        escaped.push(character);
        before = Some(character);
    }
    escaped
}

/// Whether a character acts as markup between its neighbours.
fn is_markup(before: Option<char>, character: char, after: Option<char>) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match character {
        // `~` strikes out, `$` begins a formula on GitHub. Without a `<` or a `[`, a `>` or `]` ends nothing.
        '\\' | '`' | '*' | '[' | '<' | '|' | '~' | '$' => true,
        // Inside a word it is literal, and metric names are easier to read without backslashes.
        '_' => !(is_word(before) && is_word(after)),
        '&' => is_word(after) || after == Some('#'),
        _ => false,
    }
}

/// Escapes what would make a line a heading, a quote, a list or a rule. Expects a text that is escaped inside.
fn escape_start(text: String) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = text.bytes().skip(digits);
    let (sign, after) = (rest.next(), rest.next());
    let ends_marker = matches!(after, None | Some(b' '));
    match sign {
        Some(b'>') if digits == 0 => format!("\\{text}"),
        // "-0.10" and "+2.04" are numbers.
        Some(b'#' | b'-' | b'+' | b'=') if digits == 0 && (ends_marker || after == sign) => {
            format!("\\{text}")
        }
        Some(b'.' | b')') if digits > 0 && ends_marker => format!("{}\\{}", &text[..digits], &text[digits..]),
        _ => text,
    }
}

/// `#` at the end of a heading would be taken for its closing mark.
fn escape_heading(heading: &str) -> String {
    let text = escape(heading, NAME_LIMIT);
    match text.strip_suffix('#') {
        Some(rest) => format!("{rest}\\#"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{left, right};
    use super::*;

    fn written(block: Block) -> String {
        let mut out = Vec::new();
        markdown(&Document::from(block), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report() {
        let mut vms =
            Table::new([left("VM").flexible(), right("USED").from(90), right("LIMIT"), left("VERDICT")]);
        vms.row([
            Cell::from("line-2/plc-gw"),
            "1766.0".into(),
            "2356.0".into(),
            Cell::from("TOO SMALL").tone(Tone::Warning),
        ]);
        vms.span("6.9 MiB to its limit; at the limit the kernel kills qemu, the VM dies.");
        vms.row(["  edge-vm", "412.6", "(none)"]);
        vms.rule().row(["2 VMs", "2178.6"]);

        let mut document = Document::new();
        let mut environment = Block::new("Environment");
        environment.pair("hardware", "4 vCPU, 7.76 GiB").pair("os", "Ubuntu 20.04.6");
        document.push(environment);
        let mut block = Block::new("Virtual machines (MiB)");
        block.table(vms).note("RAM still rose.").note("%steal was 1.2 %.");
        block.line("Of 1 GiB given to the VM, the modules use 240 MiB.");
        block.lines(["|- qemu itself   67.7  #", "`- guest RAM   1022.0  ####"]);
        document.push(block);

        let mut out = Vec::new();
        markdown(&document, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
## Environment

- **hardware**: 4 vCPU, 7.76 GiB
- **os**: Ubuntu 20.04.6

## Virtual machines (MiB)

| VM | USED | LIMIT | VERDICT |
| :-- | --: | --: | :-- |
| line-2/plc-gw | 1766.0 | 2356.0 | **TOO SMALL** |
| &nbsp;&nbsp;edge-vm | 412.6 | (none) | |
| 2 VMs | 2178.6 | | |

- **line-2/plc-gw**: 6.9 MiB to its limit; at the limit the kernel kills qemu, the VM dies.

- RAM still rose.
- %steal was 1.2 %.

Of 1 GiB given to the VM, the modules use 240 MiB.

```text
|- qemu itself   67.7  #
`- guest RAM   1022.0  ####
```
"
        );
    }

    #[test]
    fn an_empty_table_keeps_its_titles() {
        let mut block = Block::untitled();
        block.table(Table::new([left("VM"), right("USED")]));
        assert_eq!(written(block), "| VM | USED |\n| :-- | --: |\n");
        assert_eq!(written(Block::untitled()), "");
    }

    #[test]
    fn text_never_acts_as_markup() {
        for (text, expected) in [
            ("a|b", r"a\|b"),
            ("**bold** `code`", r"\*\*bold\*\* \`code\`"),
            ("[link](https://example.org)", r"\[link](https://example.org)"),
            ("![image](x)", r"!\[image](x)"),
            ("<script>", r"\<script>"),
            ("&lt; R&D & co", r"\&lt; R\&D & co"),
            ("~2.04 $x$", r"\~2.04 \$x\$"),
            ("cpu_seconds_total _em_", r"cpu_seconds_total \_em\_"),
            (r"C:\*", r"C:\\\*"),
            ("new\nline\x1b[0m", r"new\\nline\\x1b\[0m"),
            (">= 1.8", r"\>= 1.8"),
            ("# heading", r"\# heading"),
            ("---", r"\---"),
            ("+ item", r"\+ item"),
            ("12. item", r"12\. item"),
            ("1.00 GiB", "1.00 GiB"),
            ("-0.10 pt", "-0.10 pt"),
            ("虚拟机", "虚拟机"),
        ] {
            let mut block = Block::untitled();
            block.line(text);
            assert_eq!(written(block), format!("{expected}\n"));
        }
        assert_eq!(written(Block::new("C ##")), "## C #\\#\n");
    }

    #[test]
    fn cells_cannot_leave_their_table() {
        let mut table = Table::new([left("A|B"), right("N")]);
        table.row(["x | y\n| forged | 1 |", "-"]);
        let mut block = Block::untitled();
        block.table(table);
        assert_eq!(
            written(block),
            "| A\\|B | N |\n| :-- | --: |\n| x \\| y\\\\n\\| forged \\| 1 \\| | - |\n"
        );
    }

    #[test]
    fn a_code_block_cannot_be_closed_from_inside() {
        let mut block = Block::untitled();
        block.lines(["a  b", "````  c"]);
        assert_eq!(written(block), "`````text\na  b\n````  c\n`````\n");
    }
}
