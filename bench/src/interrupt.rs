//! Ctrl-C and SIGTERM end the measurement, not the program: what was measured is printed.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

/// Waits that a signal cuts short.
#[derive(Debug)]
pub struct Interrupt {
    signals: Receiver<()>,
}

impl Interrupt {
    /// From now on SIGINT, SIGTERM and SIGHUP only end waits.
    ///
    /// # Errors
    /// Where the operating system refuses a handler.
    pub fn install() -> Result<Interrupt, ctrlc::Error> {
        let (sender, signals) = channel();
        ctrlc::set_handler(move || {
            // The receiver lives as long as the program measures; afterwards nobody waits.
            let _ = sender.send(());
        })?;
        Ok(Interrupt { signals })
    }

    /// Waits until `due`. Answers whether a signal came instead.
    pub fn wait_until(&self, due: Instant) -> bool {
        let left = due.saturating_duration_since(Instant::now());
        match self.signals.recv_timeout(left) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                false
            }
        }
    }
}
