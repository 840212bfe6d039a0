//! `edgebench`: where did this node's memory and CPU go, and how much of it is KubeVirt?
//!
//! ```text
//! measure ──► Record ──► capture (file) ──► Record ──► Footprint ──► Comparison ──► report ──► layout
//!                 └──────────────────────────┘
//! ```
//!
//! * [`measure`] takes readings through `edgebench_sampler`, or through an exporter ([`remote`]), as [`capture`]
//!   records;
//! * [`footprint`] folds the records of one capture into figures, live or from a file alike;
//! * [`comparison`] puts two sides against each other, with the verdicts of [`statistics`];
//! * [`report`] says it in tables, in formats for machines and on a page, through [`layout`] and [`plot`];
//! * [`doctor`] says what can be read here, and what it takes to read the rest.

#![forbid(unsafe_code)]

pub mod capture;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod comparison;
pub mod doctor;
pub mod footprint;
pub mod interrupt;
pub mod layout;
pub mod machine;
pub mod man;
pub mod measure;
pub mod notes;
pub mod output;
pub mod plot;
pub mod progress;
pub mod remote;
pub mod report;
pub mod statistics;
pub mod whole_file;
