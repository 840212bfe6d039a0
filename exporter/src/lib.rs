//! A node's KubeVirt footprint as Prometheus metrics.
//!
//! How a figure travels: a reading of `/proc` ([`observer`], [`proportional`], [`kernel_events`]) becomes an immutable
//! [`view::View`]; [`families`] says which metric families it has and walks it once; [`exposition`] writes what the
//! walk meets; [`web`] serves it. [`scrape_text`] reads what others serve: with the feature `serve` off, it is all
//! there is, for those who only ask.

#[cfg(feature = "serve")]
pub mod cli;
pub mod cluster;
#[cfg(feature = "ask")]
mod duration;
pub mod endpoints;
#[cfg(feature = "serve")]
pub mod exposition;
#[cfg(feature = "serve")]
pub mod families;
pub mod guests;
pub mod join;
#[cfg(feature = "serve")]
pub mod kernel_events;
pub mod kubevirt;
#[cfg(feature = "serve")]
mod logs;
#[cfg(feature = "serve")]
pub mod observer;
#[cfg(feature = "serve")]
mod own_text;
pub mod permissions;
#[cfg(feature = "serve")]
pub mod proportional;
#[cfg(feature = "serve")]
pub mod run;
pub mod scrape_text;
#[cfg(feature = "ask")]
pub mod scraper;
#[cfg(feature = "ask")]
pub mod sources;
#[cfg(feature = "ask")]
pub mod version;
pub mod view;
#[cfg(feature = "serve")]
pub mod web;
