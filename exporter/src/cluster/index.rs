//! What the answers to lists and watches leave: one [`Cluster`], kept up to date object by object.
//!
//! A list says what there is, so what it does not name is gone; a watch says what changes. Both are told by the kind
//! that was asked for: a VMI may be known by two of them, by its label and as what a launcher pod of this node runs,
//! and is gone when neither knows it. An object is known by namespace and name: at any moment no two have both.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{Identity, Object};
use super::{Cluster, ComponentPod, Deployment, Installation, Kind, LauncherPod, Vmi};

/// Namespace and name.
pub type Key = (String, String);

/// Who told of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Teller {
    /// The list and watch of a kind.
    Kind(Kind),
    /// The launcher pod of this node that runs it.
    Launcher,
}

/// The cluster as far as it was told.
#[derive(Debug, Default)]
pub struct Index {
    cluster: Cluster,
    kubevirts: BTreeMap<Key, Installation>,
    cdis: BTreeMap<Key, Installation>,
    told: BTreeMap<Teller, BTreeSet<Key>>,
    /// Who has told all that there is.
    complete: BTreeSet<Teller>,
}

impl Index {
    /// What is known.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// `gitVersion` of `/version`.
    pub fn set_kubernetes(&mut self, version: String) {
        self.cluster.kubernetes = Some(version);
    }

    /// An object is there, as it is now.
    pub fn put(&mut self, teller: Teller, identity: Identity, object: Object) {
        let key = (identity.namespace, identity.name);
        match object {
            Object::Launcher(pod) => put(&mut self.cluster.launchers, *pod),
            Object::Component(pod) => put(&mut self.cluster.components, *pod),
            Object::Vmi(vmi) => put(&mut self.cluster.vmis, *vmi),
            Object::Deployment(deployment) => put(&mut self.cluster.deployments, *deployment),
            Object::Authority(pem) => self.cluster.kubevirt_ca = pem,
            Object::Installation(installation) => {
                match teller {
                    Teller::Kind(Kind::Cdis) => self.cdis.insert(key.clone(), *installation),
                    _ => self.kubevirts.insert(key.clone(), *installation),
                };
                self.choose_installations();
            }
        }
        self.told.entry(teller).or_default().insert(key);
    }

    /// An object is gone, as far as this teller knows it.
    pub fn remove(&mut self, teller: Teller, key: &Key) {
        let was_told = self.told.get_mut(&teller).is_some_and(|keys| keys.remove(key));
        if !was_told {
            return;
        }
        match teller {
            Teller::Kind(Kind::LauncherPods) => remove(&mut self.cluster.launchers, key),
            Teller::Kind(Kind::KubevirtPods | Kind::CdiPods) => remove(&mut self.cluster.components, key),
            Teller::Kind(Kind::KubevirtDeployments | Kind::CdiDeployments) => {
                remove(&mut self.cluster.deployments, key);
            }
            Teller::Kind(Kind::Vmis) | Teller::Launcher => {
                let other = [Teller::Kind(Kind::Vmis), Teller::Launcher];
                if !other.iter().any(|teller| self.has(*teller, key)) {
                    remove(&mut self.cluster.vmis, key);
                }
            }
            Teller::Kind(Kind::Authority) => self.cluster.kubevirt_ca = None,
            Teller::Kind(Kind::Kubevirts) => {
                self.kubevirts.remove(key);
                self.choose_installations();
            }
            Teller::Kind(Kind::Cdis) => {
                self.cdis.remove(key);
                self.choose_installations();
            }
        }
    }

    /// These are all there are.
    pub fn keep_only(&mut self, teller: Teller, keys: &BTreeSet<Key>) {
        let gone: Vec<Key> = match self.told.get(&teller) {
            Some(told) => told.difference(keys).cloned().collect(),
            None => Vec::new(),
        };
        for key in &gone {
            self.remove(teller, key);
        }
        self.complete.insert(teller);
    }

    /// What a teller told of is no longer known.
    pub fn forget(&mut self, teller: Teller) {
        self.keep_only(teller, &BTreeSet::new());
        self.complete.remove(&teller);
    }

    /// How many objects a teller told of.
    pub fn count(&self, teller: Teller) -> usize {
        self.told.get(&teller).map_or(0, BTreeSet::len)
    }

    /// Whether a teller told of it.
    pub fn has(&self, teller: Teller, key: &Key) -> bool {
        self.told.get(&teller).is_some_and(|keys| keys.contains(key))
    }

    /// VMIs that a living launcher pod of this node runs and whose label names another node: they migrate to it, or
    /// have just left it. Nothing before all labelled ones are known.
    pub fn unlabelled_vmis(&self) -> BTreeSet<Key> {
        if !self.complete.contains(&Teller::Kind(Kind::Vmis)) {
            return BTreeSet::new();
        }
        let lives = |pod: &&LauncherPod| !matches!(pod.phase.as_str(), "Succeeded" | "Failed");
        let key = |pod: &LauncherPod| pod.vmi_name.clone().map(|name| (pod.namespace.clone(), name));
        let launchers = self.cluster.launchers.iter().filter(lives);
        launchers.filter_map(key).filter(|key| !self.has(Teller::Kind(Kind::Vmis), key)).collect()
    }

    /// The namespace that KubeVirt is installed in, as the CR or its pods have it.
    pub fn kubevirt_namespace(&self) -> Option<&str> {
        let cr = self.cluster.kubevirt.as_ref().map(|kubevirt| kubevirt.namespace.as_str());
        let pod = |pod: &&ComponentPod| pod.component.starts_with("virt-");
        cr.or_else(|| self.cluster.components.iter().find(pod).map(|pod| pod.namespace.as_str()))
    }

    /// KubeVirt and CDI refuse a second CR; where there is one nevertheless, the deployed one counts.
    fn choose_installations(&mut self) {
        let choose = |all: &BTreeMap<Key, Installation>| {
            all.values().find(|cr| cr.phase == "Deployed").or(all.values().next()).cloned()
        };
        self.cluster.kubevirt = choose(&self.kubevirts);
        self.cluster.cdi = choose(&self.cdis);
    }
}

trait Row {
    fn key(&self) -> (&str, &str);
}

macro_rules! rows {
    ($($row:ty),*) => {
        $(impl Row for $row {
            fn key(&self) -> (&str, &str) {
                (&self.namespace, &self.name)
            }
        })*
    };
}

rows!(LauncherPod, ComponentPod, Vmi, Deployment);

/// Tables are in order, so that the same objects are the same table however they were told of.
fn position<R: Row>(table: &[R], key: (&str, &str)) -> Result<usize, usize> {
    table.binary_search_by(|row| row.key().cmp(&key))
}

fn put<R: Row>(table: &mut Vec<R>, row: R) {
    match position(table, row.key()) {
        Ok(at) => {
            if let Some(known) = table.get_mut(at) {
                *known = row;
            }
        }
        Err(at) => table.insert(at, row),
    }
}

fn remove<R: Row>(table: &mut Vec<R>, (namespace, name): &Key) {
    if let Ok(at) = position(table, (namespace, name)) {
        table.remove(at);
    }
}

#[cfg(test)]
mod tests;
