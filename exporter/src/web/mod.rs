//! The web server: everything between a TCP socket and the text of a scrape.
//!
//! It follows the Prometheus exporter toolkit (github.com/prometheus/exporter-toolkit): its flags, its web
//! configuration, its landing page. It knows nothing of what is measured: behind it is a [`Source`].
//!
//! ```text
//! listen.rs ─► server.rs ─► stream.rs, connections.rs ─► auth.rs, rate_limit.rs ─► routes.rs ─► cache.rs ─► Source
//!              (accept)     (limits by what it does)      (reload.rs, config/)      (negotiate.rs)
//! ```

mod auth;
mod cache;
pub mod config;
mod connection;
mod connections;
mod credentials;
mod error;
mod landing;
mod limits;
mod listen;
mod metrics;
mod negotiate;
mod rate_limit;
mod reload;
mod routes;
mod server;
mod signals;
mod stream;

pub use cache::{Cache, Clock, ScrapeError, Source};
pub use error::{ConfigError, WebError};
pub use landing::Product;
pub use limits::Limits;
pub use listen::ListenAddress;
pub use metrics::WebMetrics;
pub use negotiate::Encoding;
pub use routes::TelemetryPath;
pub use server::{Options, Server};
pub use signals::termination;
