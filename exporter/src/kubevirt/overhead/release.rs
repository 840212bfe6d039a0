//! What differs between KubeVirt's releases.
//!
//! The fixed part is the sum of constants that stand for the `ps` RSS of each process of the pod's container
//! `compute`. Read at the tags; patch releases of v0.56, v0.57 and v1.1 to v1.4 at .0 only.

use crate::kubevirt::version::Version;

pub(super) const MIB: u64 = 1 << 20;

/// Where a term stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordering {
    /// It is multiplied by the ratio.
    BeforeRatio,
    /// It is not.
    AfterRatio,
}

/// When passt counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passt {
    /// Never.
    No,
    /// 800 Mi where an interface has it and lists no ports.
    WithoutPorts,
    /// 250 Mi where any interface has it, whatever the ratio.
    Any,
}

/// The formula's data from one release on. Amounts are in MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Release {
    since: Version,
    /// Processes: monitor, launcher, virtlogd, libvirtd or virtqemud, qemu.
    pub(super) fixed: u64,
    pub(super) video: u64,
    pub(super) tpm: bool,
    pub(super) sev_snp: bool,
    /// 100 Mi for dedicated CPUs or guaranteed quality of service.
    pub(super) exclusive: Option<Ordering>,
    pub(super) passt: Passt,
    pub(super) added: bool,
    pub(super) ratio: bool,
    pub(super) network: bool,
}

const fn since(major: u32, minor: u32, patch: u32) -> Version {
    Version::new(major, minor, patch)
}

/// A minor release's candidates have its formula: they count from the first of them.
const fn from_candidates(major: u32, minor: u32) -> Version {
    Version { major, minor, patch: 0, before_release: true }
}

const V0_49: Release = Release {
    since: from_candidates(0, 49),
    // One lump, before it was split by process.
    fixed: 138,
    video: 16,
    tpm: false,
    sev_snp: false,
    exclusive: None,
    passt: Passt::No,
    added: false,
    ratio: false,
    network: false,
};
const V0_53: Release =
    Release { since: from_candidates(0, 53), fixed: 25 + 75 + 16 + 33 + 30, tpm: true, ..V0_49 };
const V0_53_2: Release = Release { since: since(0, 53, 2), fixed: 25 + 75 + 17 + 33 + 30, ..V0_53 };
const V0_55: Release = Release { since: from_candidates(0, 55), fixed: 25 + 100 + 17 + 33 + 30, ..V0_53_2 };
const V0_57: Release = Release { since: from_candidates(0, 57), fixed: 25 + 100 + 18 + 35 + 30, ..V0_55 };
const V0_58_1: Release = Release { since: since(0, 58, 1), fixed: 25 + 100 + 20 + 35 + 30, ..V0_57 };
const V0_58_2: Release = Release { since: since(0, 58, 2), ratio: true, ..V0_58_1 };
const V0_59: Release =
    Release { since: from_candidates(0, 59), ratio: false, passt: Passt::WithoutPorts, ..V0_58_2 };
const V0_59_1: Release = Release { since: since(0, 59, 1), ratio: true, ..V0_59 };
const V1_1: Release =
    Release { since: from_candidates(1, 1), exclusive: Some(Ordering::AfterRatio), ..V0_59_1 };
const V1_3: Release = Release { since: from_candidates(1, 3), passt: Passt::No, network: true, ..V1_1 };
const V1_5: Release = Release { since: from_candidates(1, 5), fixed: 25 + 100 + 25 + 40 + 30, ..V1_3 };
const V1_6: Release =
    Release { since: from_candidates(1, 6), video: 32, exclusive: Some(Ordering::BeforeRatio), ..V1_5 };
const V1_7: Release = Release { since: from_candidates(1, 7), sev_snp: true, ..V1_6 };
const V1_8: Release = Release { since: from_candidates(1, 8), passt: Passt::Any, added: true, ..V1_7 };
/// main after v1.9.0, as seen on 2026-08-22.
const V1_10: Release = Release { since: from_candidates(1, 10), fixed: 25 + 100 + 25 + 40 + 50, ..V1_8 };

const RELEASES: [Release; 16] = [
    V0_49, V0_53, V0_53_2, V0_55, V0_57, V0_58_1, V0_58_2, V0_59, V0_59_1, V1_1, V1_3, V1_5, V1_6, V1_7,
    V1_8, V1_10,
];

impl Release {
    /// The formula that a version has.
    pub(super) fn of(version: Version) -> Option<Release> {
        RELEASES.into_iter().rev().find(|release| release.since <= version)
    }

    /// Whether somebody has looked at this version's code.
    pub(super) fn known(&self, version: Version) -> bool {
        version < from_candidates(1, 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_in_their_order() {
        assert!(RELEASES.is_sorted_by(|one, next| one.since < next.since));
    }
}
