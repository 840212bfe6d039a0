//! How results are laid out for people.
//!
//! A report builds a [`Document`] once, out of headings, tables and lines, and says nothing about widths or
//! escapes. A renderer lays it out: [`text`] for a terminal or a log, [`markdown`] for an issue or a wiki,
//! [`html`] for a page.
//! This module knows no measurement: it sees words and numbers that are already written out (by
//! [`figures`]) and already add up (by [`rounding`]).
//!
//! Names of processes, VMs and captures come from outside and may hold anything; all renderers pass every
//! text through [`clean`], so that no caller can forget to.
//!
//! ```
//! use edgebench::layout::{Block, Document, Style, Table, left, right, text};
//!
//! let mut table = Table::new([left("COMPONENT").flexible(), right("RES MiB"), right("PSS MiB").from(90)]);
//! table.row(["virt-handler", "137.8", "135.2"]);
//!
//! let mut processes = Block::new("Processes");
//! processes.table(table).line("RES counts shared pages once per process: do not add it up.");
//!
//! let mut out = Vec::new();
//! text(&Document::from(processes), &Style::plain(80), &mut out)?;
//! assert_eq!(
//!     String::from_utf8_lossy(&out),
//!     "Processes\n  \
//!        COMPONENT     RES MiB\n  \
//!        virt-handler    137.8\n  \
//!        RES counts shared pages once per process: do not add it up.\n"
//! );
//! # Ok::<(), std::io::Error>(())
//! ```

mod clean;
pub mod figures;
mod fit;
pub mod html;
mod markdown;
mod model;
pub mod rounding;
mod text;
mod wrap;

pub use clean::{clean, clean_line, is_shown};
pub use markdown::markdown;
pub use model::{
    Align, Block, Cell, Column, Document, Keep, Line, Part, Row, Style, Table, Tone, left, right,
};
pub use text::text;
