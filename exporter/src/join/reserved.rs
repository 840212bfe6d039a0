//! What KubeVirt reserves for a VM beyond its guest, by everybody who says it.
//!
//! virt-controller reserved it when it rendered the pod, so the tag of the pod's image is the version whose formula
//! counts; after an upgrade a VM that was not restarted still has the old one. A version can lie: where the sources
//! disagree all of them are shown.

use super::{Identity, Tables, tag};
use crate::cluster::{Installation, LauncherPod, Vmi};
use crate::kubevirt::overhead::{Configuration, Overhead, predict};
use crate::kubevirt::version::Version;
use crate::view::joined::{Reserved, ReservedSource};

pub(super) fn reserved(
    of: &Identity<'_>,
    vmi: Option<&Vmi>,
    launcher: Option<&LauncherPod>,
    tables: &Tables<'_>,
) -> Vec<Reserved> {
    let metric = tables.endpoints.iter().filter_map(|endpoint| endpoint.said.as_ref()).find_map(|said| {
        said.vmis.iter().filter(|vmi| of.is(&vmi.namespace, &vmi.name)).find_map(|vmi| vmi.overhead)
    });
    let formula = vmi.and_then(|vmi| formula(vmi, tables)).map(|overhead| overhead.total);
    let all = [
        (ReservedSource::Status, vmi.and_then(|vmi| vmi.overhead)),
        (ReservedSource::Annotation, launcher.and_then(|pod| pod.overhead)),
        (ReservedSource::Metric, metric),
        (ReservedSource::Formula, formula),
    ];
    all.into_iter().filter_map(|(source, bytes)| Some(Reserved { source, bytes: bytes? })).collect()
}

/// By the formula of the version that rendered the pod.
pub(super) fn formula(vmi: &Vmi, tables: &Tables<'_>) -> Option<Overhead> {
    let configuration = tables.cluster.kubevirt.as_ref().map(configuration).unwrap_or_default();
    predict(version(vmi, tables)?, &vmi.spec, &configuration)
}

/// The version that rendered the VM's pod: by the tag of its image, else by the KubeVirt CR, else by virt-handler.
fn version(vmi: &Vmi, tables: &Tables<'_>) -> Option<Version> {
    let image = vmi.launcher_image.as_deref().and_then(tag).and_then(Version::parse);
    let installed = || Version::parse(tables.cluster.kubevirt.as_ref()?.version.as_deref()?);
    let said = || {
        let mut said = tables.endpoints.iter().filter_map(|endpoint| endpoint.said.as_ref());
        said.find_map(|said| Version::parse(said.kubevirt_version.as_deref()?))
    };
    image.or_else(installed).or_else(said)
}

fn configuration(kubevirt: &Installation) -> Configuration {
    let ratio = kubevirt.overhead_ratio.as_deref().and_then(|ratio| ratio.parse().ok());
    Configuration { ratio, bindings: kubevirt.bindings.clone() }
}
