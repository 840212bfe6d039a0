//! What there is to lay out: a document of blocks, a block of tables, pairs and lines.
//!
//! Plain data with short constructors. Nothing here measures or escapes: that is the renderers' part.

/// A whole report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// From the top of the screen to the bottom; a blank line stands between two blocks.
    pub blocks: Vec<Block>,
}

impl Document {
    /// A document without blocks.
    pub fn new() -> Document {
        Document::default()
    }

    /// Adds a block at the bottom.
    pub fn push(&mut self, block: Block) -> &mut Document {
        self.blocks.push(block);
        self
    }
}

impl From<Block> for Document {
    fn from(block: Block) -> Document {
        Document { blocks: vec![block] }
    }
}

impl FromIterator<Block> for Document {
    fn from_iter<I: IntoIterator<Item = Block>>(blocks: I) -> Document {
        Document { blocks: blocks.into_iter().collect() }
    }
}

/// A heading and what stands under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Stands at the left margin. Without one, the block's [`Part::Lines`] stand at the margin themselves.
    pub heading: Option<String>,
    /// Follow one another without a blank line.
    pub body: Vec<Part>,
}

impl Block {
    /// A block under `heading`.
    pub fn new(heading: impl Into<String>) -> Block {
        Block { heading: Some(heading.into()), body: Vec::new() }
    }

    /// A block without a heading.
    pub fn untitled() -> Block {
        Block::default()
    }

    /// Adds a part.
    pub fn push(&mut self, part: impl Into<Part>) -> &mut Block {
        self.body.push(part.into());
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Block {
        self.push(table)
    }

    /// Adds one pair of a name and its value.
    pub fn pair(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Block {
        let pair = (name.into(), value.into());
        // Pairs share the width of their names, so neighbours belong to one part.
        if let Some(Part::Pairs(pairs)) = self.body.last_mut() {
            pairs.push(pair);
            return self;
        }
        self.push(Part::Pairs(vec![pair]))
    }

    /// Adds one line.
    pub fn line(&mut self, line: impl Into<Line>) -> &mut Block {
        let line = line.into();
        if let Some(Part::Lines(lines)) = self.body.last_mut() {
            lines.push(line);
            return self;
        }
        self.push(Part::Lines(vec![line]))
    }

    /// Adds lines.
    pub fn lines<L: Into<Line>>(&mut self, lines: impl IntoIterator<Item = L>) -> &mut Block {
        for line in lines {
            self.line(line);
        }
        self
    }

    /// Adds a note: "! " and the text, as a warning.
    pub fn note(&mut self, text: impl AsRef<str>) -> &mut Block {
        self.line(Line::note(text))
    }

    /// Whether nothing stands under the heading; for blocks that are worth showing only if something does.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }
}

/// A piece of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A table.
    Table(Table),
    /// Names with values in a second column. A long value wraps below itself.
    Pairs(Vec<(String, String)>),
    /// Free lines. A long one wraps below its first word: its leading spaces, and "! " if it is a note, are
    /// kept as indent. Spaces between words are kept, so a line may hold columns of its own.
    Lines(Vec<Line>),
}

impl From<Table> for Part {
    fn from(table: Table) -> Part {
        Part::Table(table)
    }
}

impl From<Line> for Part {
    fn from(line: Line) -> Part {
        Part::Lines(vec![line])
    }
}

impl From<Vec<Line>> for Part {
    fn from(lines: Vec<Line>) -> Part {
        Part::Lines(lines)
    }
}

impl From<Vec<(String, String)>> for Part {
    fn from(pairs: Vec<(String, String)>) -> Part {
        Part::Pairs(pairs)
    }
}

/// What a text means to its reader. Never the only carrier of that meaning: a pipe has no colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary.
    #[default]
    Plain,
    /// The figure to look at.
    Strong,
    /// There for completeness.
    Faint,
    /// As it should be.
    Good,
    /// Something to act on.
    Warning,
}

/// One line of text. Holds no newline: a caller splits its text into lines itself, because a newline that
/// came in with a name is shown as `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// As it is to be read.
    pub text: String,
    /// For the whole line.
    pub tone: Tone,
}

impl Line {
    /// A plain line.
    pub fn new(text: impl Into<String>) -> Line {
        Line { text: text.into(), tone: Tone::Plain }
    }

    /// A note: "! " and the text, as a warning.
    pub fn note(text: impl AsRef<str>) -> Line {
        Line::new(format!("! {}", text.as_ref())).tone(Tone::Warning)
    }

    /// The same line in another tone.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Line {
        self.tone = tone;
        self
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Line {
        Line::new(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Line {
        Line::new(text)
    }
}

/// Rows under titles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// From left to right. If every title is empty, no line of titles is shown.
    pub columns: Vec<Column>,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Table {
        Table { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row of cells. Cells that are missing at its end are empty.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) -> &mut Table {
        self.rows.push(Row::Cells(cells.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds a line of dashes.
    pub fn rule(&mut self) -> &mut Table {
        self.rows.push(Row::Rule);
        self
    }

    /// Adds a remark on the row above. A remark on the whole table is a line of the block.
    pub fn span(&mut self, line: impl Into<Line>) -> &mut Table {
        self.rows.push(Row::Span(line.into()));
        self
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// In capitals by custom, with the unit as it is written: "PSS MiB".
    pub title: String,
    /// Of the title and of every cell.
    pub align: Align,
    /// When it is shown.
    pub keep: Keep,
    /// Holds text that may be cut with `…` so that the table fits. A table should have one such column: without,
    /// a narrow terminal shows only the columns that fit, from the left, and a `…` at the end of each row.
    pub flexible: bool,
}

/// A column of text.
pub fn left(title: impl Into<String>) -> Column {
    Column { title: title.into(), align: Align::Left, keep: Keep::Always, flexible: false }
}

/// A column of numbers.
pub fn right(title: impl Into<String>) -> Column {
    Column { align: Align::Right, ..left(title) }
}

impl Column {
    /// The same column, shown only where the terminal has at least this many columns, and where it fits.
    #[must_use]
    pub fn from(mut self, width: usize) -> Column {
        self.keep = Keep::From(width);
        self
    }

    /// The same column, whose text may be cut.
    #[must_use]
    pub fn flexible(mut self) -> Column {
        self.flexible = true;
        self
    }
}

/// The side on which a column is flush.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// For text.
    #[default]
    Left,
    /// For numbers, so that their units stand below each other.
    Right,
}

/// When a column is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// On every terminal.
    #[default]
    Always,
    /// Left out where the terminal is narrower than this, or where the rest would not fit. Markdown has all
    /// columns.
    From(usize),
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// One cell for each column.
    Cells(Vec<Cell>),
    /// A line of dashes as wide as the table.
    Rule,
    /// A remark on the row above, across all columns.
    Span(Line),
}

/// One cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// As it is to be read.
    pub text: String,
    /// Of this cell alone.
    pub tone: Tone,
    /// Draws what another cell says; where there are plots it is left out.
    pub is_bar: bool,
}

impl Cell {
    /// A plain cell.
    pub fn new(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), tone: Tone::Plain, is_bar: false }
    }

    /// A bar: see [`super::figures::bar`].
    pub fn bar(share: f64, width: usize) -> Cell {
        Cell { text: super::figures::bar(share, width), tone: Tone::Faint, is_bar: true }
    }

    /// The same cell in another tone.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Cell {
        self.tone = tone;
        self
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::new(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::new(text)
    }
}

/// What could not be read is shown as `-`, never as 0 and never as nothing.
impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Cell {
        Cell::new(text.unwrap_or_else(|| "-".to_owned()))
    }
}

/// Where text is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal. Below 20 it is taken as 20.
    pub width: usize,
    /// Whether tones become colours. Without, no escape byte is written.
    pub colour: bool,
}

impl Style {
    /// Without colours.
    pub fn plain(width: usize) -> Style {
        Style { width, colour: false }
    }
}
