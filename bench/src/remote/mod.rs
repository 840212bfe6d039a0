//! Measuring a node through its edgebench-exporter instead of its own `/proc`.
//!
//! ```text
//! Client ──► scrape_text ──► Scrape ──► RemoteRecorder ──► Record ──► capture, Fold
//! (HTTP)     (of the         (plain     (each newer than
//!             exporter)       data)      the one before)
//! ```
//!
//! * [`client`] asks for the exposition, with TLS and credentials as they are wanted;
//! * [`names`] is the one table of the families and labels that are read;
//! * [`exposition`] makes a [`scrape::Scrape`] of the text;
//! * [`recorder`] takes the N + 1 scrapes of a measurement.
//!
//! A scrape carries what the exporter knows, no more: no process by itself, no swap, no slab, and of the
//! machine nothing but what its VMs' labels say. What is not carried is absent from every output.

pub mod client;
mod cluster;
pub mod exposition;
pub mod names;
pub mod recorder;
pub mod scrape;

use thiserror::Error;

/// An exporter that can't be measured through.
#[derive(Debug, Error)]
#[error("{exporter}: {what}")]
pub struct RemoteError {
    /// Where it is, without credentials.
    pub exporter: String,
    /// What is wrong, and what to do.
    pub what: String,
}
