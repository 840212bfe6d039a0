//! A node's KubeVirt footprint as Prometheus metrics.
//!
//! How a figure travels: a reading of `/proc` ([`observer`], [`proportional`], [`kernel_events`]) becomes an immutable
//! [`view::View`]; [`families`] says which metric families it has and walks it once; [`exposition`] writes what the
//! walk meets; [`web`] serves it. [`scrape_text`] reads what others serve: with the feature `serve` off, it is all
//! there is, for those who only ask.

#[cfg(feature = "serve")]
pub mod cli;
#[cfg(feature = "serve")]
pub mod exposition;
#[cfg(feature = "serve")]
pub mod families;
#[cfg(feature = "serve")]
pub mod kernel_events;
#[cfg(feature = "serve")]
mod logs;
#[cfg(feature = "serve")]
pub mod observer;
#[cfg(feature = "serve")]
pub mod proportional;
#[cfg(feature = "serve")]
pub mod run;
pub mod scrape_text;
#[cfg(feature = "serve")]
pub mod version;
#[cfg(feature = "serve")]
pub mod view;
#[cfg(feature = "serve")]
pub mod web;
