//! From a view to bytes on the wire, and to the `prometheus` crate.
//!
//! One walk ([`crate::families::emit`]) feeds both: [`write`] formats into a buffer that the caller keeps,
//! [`ViewCollector`] builds the families that a `prometheus::Registry` gathers. A test holds them together.

mod collector;
mod format;
pub(crate) mod number;
mod text;

#[cfg(test)]
mod reader;

pub use collector::ViewCollector;
pub use format::Format;
pub use text::{write, write_with};
