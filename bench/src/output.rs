//! Where a result goes: stdout or a file, in the format that was asked for.
//!
//! A reader that closes its pipe early (`| head`) has what it wants, so that is a quiet end. A file is
//! complete or absent.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::layout::{self, Document, Style};
use crate::whole_file::WholeFile;

/// A terminal is taken to be this wide where it does not say; a pipe and a file always are.
const WIDTH: usize = 100;

/// Writes a result with `write` to `path`, or to stdout.
///
/// # Errors
/// Where it can't be written; a closed pipe is none.
pub fn write_to(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let Some(path) = path else {
        return written(BufWriter::new(io::stdout().lock()), write)
            .context("can't write the result to stdout");
    };
    let failed = || format!("{}: can't be written; nothing was written", path.display());
    let target = WholeFile::create(path).with_context(failed)?;
    written(BufWriter::new(target.file()), write).with_context(failed)?;
    target.finish().with_context(failed)
}

fn written<W: Write>(
    mut out: BufWriter<W>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let result = write(&mut out).and_then(|()| out.flush());
    // What is still buffered has no reader or no room: dropping it must not write again.
    let _ = out.into_parts();
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// How text is to look where it goes: the terminal's width and colours, or neither.
pub fn style(to_file: bool) -> Style {
    let terminal = !to_file && io::stdout().is_terminal();
    let width = if terminal {
        terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
    } else {
        WIDTH
    };
    // Tables are made for 100 columns; a wider terminal only moves the bars away from their names.
    Style { width: width.min(WIDTH), colour: terminal && colour_is_wanted() }
}

/// https://no-color.org: any value but an empty one says no. A dumb terminal knows no colours.
fn colour_is_wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Writes a document as text for people.
///
/// # Errors
/// Where `out` can't be written.
pub fn text(document: &Document, to_file: bool, out: &mut dyn Write) -> io::Result<()> {
    layout::text(document, &style(to_file), out)
}
