//! The tasks, one for each kind: what one waits for keeps no other waiting.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::asker::Asker;
use super::connection::Connection;
use super::watch::{Wanted, list, path};
use super::{migrating, version, watch};
use crate::cluster::health::Subject;
use crate::cluster::{Handle, Kind, Settings, StartError};

/// Starts to ask the API server, on the event loop that this is called on; nothing where nobody is to be asked.
/// Whether it answers does not matter: it may come up later.
///
/// # Errors
/// Where the configuration can't be used, or there is none and there should be.
pub async fn start(settings: &Settings) -> Result<Option<Handle>, StartError> {
    let Some(asker) = asker(settings).await? else { return Ok(None) };
    let asker = Arc::new(asker);
    for kind in Kind::ALL {
        let asker = asker.clone();
        tokio::spawn(async move { watch::follow(&asker, kind).await });
    }
    let for_version = asker.clone();
    tokio::spawn(async move { version::follow(&for_version).await });
    let for_migrating = asker.clone();
    tokio::spawn(async move { migrating::follow(&for_migrating).await });
    Ok(Some(asker.handle.clone()))
}

/// Asks once, within `limit`, and for as long as that takes; for those who want to know how things are and end. The
/// handle's health says what was not answered.
///
/// # Errors
/// Where the configuration can't be used, or there is none and there should be.
pub fn read_once(settings: &Settings, limit: Duration) -> Result<Option<Handle>, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Client(error.to_string()))?;
    runtime.block_on(async {
        let Some(asker) = asker(settings).await? else { return Ok(None) };
        // What is not answered by then shows as not answered.
        let _ = timeout(limit, ask_all(&asker)).await;
        Ok(Some(asker.handle))
    })
}

async fn ask_all(asker: &Asker) {
    let told = |subject, result| match result {
        Ok(()) => asker.good(subject),
        Err(failure) => asker.bad(subject, &failure),
    };
    told(Subject::Version, version::look(asker).await);
    for kind in Kind::ALL {
        if let Some(path) = path(asker, kind) {
            told(Subject::Kind(kind), list(asker, kind, &path, &Wanted::Any).await.map(drop));
        }
    }
    told(Subject::MigratingVmis, migrating::look(asker).await);
}

async fn asker(settings: &Settings) -> Result<Option<Asker>, StartError> {
    let Some(connection) = Connection::find(settings).await? else { return Ok(None) };
    let asker = Asker {
        connection,
        handle: Handle::default(),
        node: settings.node.clone(),
        scope: settings.scope,
        pace: settings.pace,
    };
    let subjects = Kind::ALL.map(Subject::Kind);
    for subject in subjects.into_iter().chain([Subject::Version, Subject::MigratingVmis]) {
        asker.handle.lock().ledger.expect(subject);
    }
    Ok(Some(asker))
}
