//! VMIs that migrate to this node.
//!
//! virt-controller sets the label `kubevirt.io/nodeName` of a VMI anew once the guest has switched over
//! (`pkg/virt-controller/watch/vmi`); until then the target knows of it by the launcher pod alone, which was started
//! there. So the VMIs of such pods are asked for by name, every few seconds for as long as there are such pods.

use std::collections::BTreeSet;

use tokio::time::sleep;

use super::asker::Asker;
use super::failure::Failure;
use super::items::LARGEST_OBJECT;
use crate::cluster::decode::{self, Object};
use crate::cluster::health::Subject;
use crate::cluster::index::{Key, Teller};
use crate::cluster::{Kind, Vmi};

/// Looks for them, for good.
pub(super) async fn follow(asker: &Asker) {
    loop {
        let refused = match look(asker).await {
            Ok(()) => {
                asker.good(Subject::MigratingVmis);
                false
            }
            Err(failure) => {
                asker.bad(Subject::MigratingVmis, &failure);
                if failure.wants_another_client() {
                    asker.connection.renew().await;
                }
                failure.is_final()
            }
        };
        sleep(if refused { asker.pace.refused } else { asker.pace.migrating }).await;
    }
}

/// Looks once.
pub(super) async fn look(asker: &Asker) -> Result<(), Failure> {
    let wanted = asker.handle.lock().index.unlabelled_vmis();
    let mut here: BTreeSet<Key> = BTreeSet::new();
    for key in wanted {
        match ask(asker, &key).await {
            Ok(Some(vmi)) if concerns(&vmi, &asker.node) => {
                let mut shared = asker.handle.lock();
                let identity = decode::Identity {
                    namespace: key.0.clone(),
                    name: key.1.clone(),
                    version: String::new(),
                };
                shared.index.put(Teller::Launcher, identity, Object::Vmi(vmi));
                here.insert(key);
            }
            Ok(_) => {}
            // It was deleted while its pod ends.
            Err(Failure::Refused { code: 404, .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    asker.handle.lock().index.keep_only(Teller::Launcher, &here);
    Ok(())
}

async fn ask(asker: &Asker, (namespace, name): &Key) -> Result<Option<Box<Vmi>>, Failure> {
    let url = format!("/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachineinstances/{name}");
    let mut answer = asker.connection.get(&url).await?;
    let all = tokio::time::timeout(asker.pace.answer, answer.all(LARGEST_OBJECT));
    let text = all.await.map_err(|_| Failure::Timeout("a VMI"))??;
    let malformed = |error: &dyn std::fmt::Display| Failure::Malformed(error.to_string());
    let text = std::str::from_utf8(&text).map_err(|error| malformed(&error))?;
    match decode::object(Kind::Vmis, text).map_err(|error| malformed(&error))? {
        (_, Object::Vmi(vmi)) => Ok(Some(vmi)),
        _ => Ok(None),
    }
}

/// Whether a VMI runs here, comes here, or has a pod here that counts.
fn concerns(vmi: &Vmi, node: &str) -> bool {
    vmi.node.as_deref() == Some(node)
        || vmi.migrates_to.as_deref() == Some(node)
        || vmi.active_pods.iter().any(|(_, on)| on == node)
}
