//! What one peer may take: time, bytes, connections.
//!
//! hyper's own `header_read_timeout` starts when the last answer is sent (`poll_read_head` in
//! `proto/h1/conn.rs`, hyper 1.12), so it would end the keep-alive connection of every scraper after 5 s. Hence
//! our own limits by what a connection is doing.

use std::time::Duration;

/// The limits of the web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections (`--web.max-connections`). At the limit the one that has waited longest is closed.
    pub connections: usize,
    /// How long a new connection is left in peace before it can be closed in favour of another: one round trip
    /// of a slow link.
    pub grace: Duration,
    /// From the first byte of a request (or the start of the connection) to the end of its headers.
    pub headers: Duration,
    /// Between an answer and the next request. Longer than any usual scrape interval.
    pub idle: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For forming an answer, the wait for a password check included.
    pub answer: Duration,
    /// Without a byte that the peer takes from us.
    pub stalled: Duration,
    /// For taking a whole answer.
    pub write: Duration,
    /// Bytes of a request's headers. hyper's least is 8 KiB.
    pub header_bytes: usize,
    /// For answers in progress when the server ends.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 64,
            grace: Duration::from_millis(250),
            headers: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            handshake: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            stalled: Duration::from_secs(10),
            write: Duration::from_secs(60),
            header_bytes: 16 * 1024,
            drain: Duration::from_secs(5),
        }
    }
}
