//! SIGTERM (Kubernetes, systemd) and SIGINT (Ctrl-C) end the server cleanly.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Catches both from now on; the future is ready when one comes. To be called inside of a runtime.
pub fn termination() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "ending");
    })
}
