//! `/version`, which anyone who is known may read: it changes when the control plane is updated.

use tokio::time::{sleep, timeout};

use super::asker::{Asker, Waits, spread};
use super::failure::Failure;
use crate::cluster::decode;
use crate::cluster::health::Subject;

/// Reads it from time to time, for good.
pub(super) async fn follow(asker: &Asker) {
    let mut waits = Waits::default();
    loop {
        match look(asker).await {
            Ok(()) => {
                asker.good(Subject::Version);
                waits.reset();
                sleep(spread(asker.pace.version)).await;
            }
            Err(failure) => {
                asker.bad(Subject::Version, &failure);
                asker.pause(&failure, &mut waits).await;
            }
        }
    }
}

/// Reads it once.
pub(super) async fn look(asker: &Asker) -> Result<(), Failure> {
    let mut answer = asker.connection.get("/version").await?;
    let all = timeout(asker.pace.answer, answer.all(64 << 10)).await;
    let text = String::from_utf8_lossy(&all.map_err(|_| Failure::Timeout("the version"))??).into_owned();
    let version = decode::kubernetes_version(&text);
    let version = version.ok_or_else(|| Failure::Malformed("/version names none".to_owned()))?;
    asker.handle.lock().index.set_kubernetes(version);
    Ok(())
}
