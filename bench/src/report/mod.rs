//! What a comparison says, in blocks for people and in formats for machines.
//!
//! The blocks follow each other from the machine to the answer: environment, node, processes, VMs, where it
//! went, notes, and last the summary, which is what stays on the screen.

mod csv;
mod environment;
mod explained;
mod html;
mod json;
mod markdown;
mod matryoshka;
mod node;
mod processes;
mod ring;
mod sar;
mod sides;
mod summary;
mod vms;

pub use csv::csv;
pub use html::html;
pub use json::{SCHEMA, json};
pub use markdown::markdown;
pub use sar::sar;
pub use sides::sides;

use crate::comparison::{Baseline, Comparison};
use crate::layout::{Block, Document};
use crate::notes::notes;

/// How much to show, and what happened besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Every row, instead of folding the small ones.
    pub all: bool,
    /// Where the capture was saved.
    pub saved: Option<String>,
}

/// The whole report for people.
pub fn document(comparison: &Comparison, options: &Options) -> Document {
    let mut document = Document::new();
    document.push(environment::title(comparison));
    document.push(environment::block(comparison));
    document.push(node::block(comparison));
    document.push(processes::block(comparison, options));
    if let Some(block) = vms::block(comparison) {
        document.push(block);
    }
    if let Some(block) = matryoshka::block(comparison, options.all) {
        document.push(block);
    }
    document.push(explained::memory(comparison, options));
    document.push(explained::cpu(comparison));
    let notes = notes(comparison);
    if !notes.is_empty() {
        let mut block = Block::new("Notes");
        for note in &notes {
            block.note(note.to_string());
        }
        document.push(block);
    }
    document.push(summary::block(comparison, options));
    document
}

/// The names of the two columns.
fn columns(comparison: &Comparison) -> (&'static str, &'static str) {
    match &comparison.baseline {
        Baseline::Measured(before) if before.has_kubevirt() || !comparison.capture.has_kubevirt() => {
            ("BASELINE", "CAPTURE")
        }
        Baseline::Measured(_) => ("NO KUBEVIRT", "KUBEVIRT"),
        Baseline::Estimated => ("~NO KUBEVIRT", "KUBEVIRT"),
        Baseline::Nothing => ("", "THIS NODE"),
    }
}
