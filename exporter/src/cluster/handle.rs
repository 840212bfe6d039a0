//! What a scrape holds of the index: it reads in place, nothing is copied.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::health::Ledger;
use super::index::Index;
use super::{Cluster, Health};

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) index: Index,
    pub(super) ledger: Ledger,
}

/// The cluster as far as it is known, kept up to date by tasks of the event loop.
#[derive(Clone, Debug, Default)]
pub struct Handle {
    shared: Arc<Mutex<Shared>>,
}

impl Handle {
    /// Calls `read` with what is known. No event is taken in meanwhile, so it had better be short.
    pub fn with<R>(&self, read: impl FnOnce(&Cluster) -> R) -> R {
        read(self.lock().index.cluster())
    }

    /// How asking goes.
    pub fn health(&self) -> Health {
        self.lock().ledger.health()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing panics while it is held: a release build would have ended.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
