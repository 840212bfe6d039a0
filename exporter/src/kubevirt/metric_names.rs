//! What KubeVirt's releases call a figure, and in which unit they state it.
//!
//! From `docs/metrics.md` of every minor release from v0.49.0 to v1.9.0 and, for the units, from the code of each tag.
//! No name ever meant two things, so a name says the figure whatever the version: a version can lie (a build between
//! two releases calls itself by the older one). A unit does depend on it:
//!
//! * `kubevirt_vmi_vcpu_seconds_total` holds milliseconds from v1.2.1 to v1.5: libvirt's nanoseconds were divided by
//!   10^6. v1.6.0 mended it. (A VM of v1.2.2 whose qemu used 397.3 s says 238,300.)
//! * `kubevirt_vmi_vcpu_wait_seconds[_total]` holds milliseconds up to v1.0, and again in v1.2.1 and v1.2.2.

use super::version::Version;

/// A figure that a component states of a VMI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// RES of qemu.
    Resident,
    /// What the balloon leaves the guest.
    Domain,
    /// The guest's MemTotal.
    Available,
    /// The guest's MemAvailable.
    Usable,
    /// The guest's MemFree.
    Unused,
    /// The guest's page cache.
    Cached,
    /// CPU time of qemu.
    Cpu,
    /// CPU time of a vCPU.
    VcpuCpu,
    /// What the scheduler calls `wait_sum` of a vCPU.
    VcpuWait,
    /// Time of a vCPU in the run queue.
    VcpuDelay,
    /// What virt-controller reserves beyond the guest.
    Overhead,
}

/// One of the names that a figure has had.
#[derive(Clone, Copy, Debug)]
pub struct MetricName {
    /// As in an exposition.
    pub name: &'static str,
    /// What it is.
    pub figure: Figure,
    /// The first minor release that documents it.
    pub first: Version,
    /// The last one; nothing where it is today's.
    pub last: Option<Version>,
}

const V0_49: Version = Version::new(0, 49, 0);
const V1_0: Version = Version::new(1, 0, 0);
const V1_1: Version = Version::new(1, 1, 0);

/// Every name of every figure.
pub const NAMES: &[MetricName] = &[
    today("kubevirt_vmi_memory_resident_bytes", Figure::Resident, V0_49),
    today("kubevirt_vmi_memory_domain_bytes", Figure::Domain, V1_1),
    former("kubevirt_vmi_memory_domain_bytes_total", Figure::Domain, Version::new(0, 58, 0), V1_0),
    former(
        "kubevirt_vmi_memory_domain_total_bytes",
        Figure::Domain,
        Version::new(0, 50, 0),
        Version::new(0, 56, 0),
    ),
    former("kubevirt_vmi_memory_used_total_bytes", Figure::Domain, V0_49, V0_49),
    today("kubevirt_vmi_memory_available_bytes", Figure::Available, V0_49),
    today("kubevirt_vmi_memory_usable_bytes", Figure::Usable, V0_49),
    today("kubevirt_vmi_memory_unused_bytes", Figure::Unused, V0_49),
    today("kubevirt_vmi_memory_cached_bytes", Figure::Cached, V1_0),
    today("kubevirt_vmi_cpu_usage_seconds_total", Figure::Cpu, V1_1),
    former("kubevirt_vmi_cpu_usage_seconds", Figure::Cpu, Version::new(0, 59, 0), V1_0),
    today("kubevirt_vmi_vcpu_seconds_total", Figure::VcpuCpu, V1_1),
    former("kubevirt_vmi_vcpu_seconds", Figure::VcpuCpu, V0_49, V1_0),
    today("kubevirt_vmi_vcpu_wait_seconds_total", Figure::VcpuWait, V1_1),
    former("kubevirt_vmi_vcpu_wait_seconds", Figure::VcpuWait, V0_49, V1_0),
    today("kubevirt_vmi_vcpu_delay_seconds_total", Figure::VcpuDelay, V1_1),
    today("kubevirt_vmi_launcher_memory_overhead_bytes", Figure::Overhead, Version::new(1, 3, 0)),
];

const fn today(name: &'static str, figure: Figure, first: Version) -> MetricName {
    MetricName { name, figure, first, last: None }
}

const fn former(name: &'static str, figure: Figure, first: Version, last: Version) -> MetricName {
    MetricName { name, figure, first, last: Some(last) }
}

/// The place in [`NAMES`] of a name, if it is there.
pub fn place(name: &str) -> Option<usize> {
    // Nearly all names of an answer are others.
    let rest = name.strip_prefix("kubevirt_vmi_")?;
    if !rest.starts_with("memory")
        && !rest.starts_with("cpu")
        && !rest.starts_with("vcpu")
        && !rest.starts_with("launcher")
    {
        return None;
    }
    NAMES.iter().position(|row| row.name == name)
}

/// What a time is stated in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// As the name says.
    Seconds,
    /// A thousandth of what the name says.
    Milliseconds,
}

impl TimeUnit {
    /// How many decimals make nanoseconds of it.
    pub fn decimals(self) -> u32 {
        match self {
            TimeUnit::Seconds => 9,
            TimeUnit::Milliseconds => 6,
        }
    }
}

/// Releases that state a time in milliseconds: from the first to before the second.
const MILLISECONDS: &[(Figure, Version, Version)] = &[
    (Figure::VcpuCpu, Version::new(1, 2, 1), Version::new(1, 6, 0)),
    (Figure::VcpuWait, Version::new(0, 0, 0), V1_1),
    (Figure::VcpuWait, Version::new(1, 2, 1), Version::new(1, 3, 0)),
];

/// The unit of a time in a release; nothing where it depends on the release, and that is not known.
pub fn time_unit(figure: Figure, version: Option<Version>) -> Option<TimeUnit> {
    let mut defects = MILLISECONDS.iter().filter(|row| row.0 == figure).peekable();
    if defects.peek().is_none() {
        return Some(TimeUnit::Seconds);
    }
    let version = version?;
    // A candidate has what its release has.
    let version = Version { before_release: false, ..version };
    Some(match defects.any(|(_, from, before)| (*from..*before).contains(&version)) {
        true => TimeUnit::Milliseconds,
        false => TimeUnit::Seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each documented name the tags that have it.
    const DOCUMENTED: &str = include_str!("../../../tests/fixtures/kubevirt-metrics/names-by-version.tsv");

    fn tags() -> Vec<Version> {
        let heads = DOCUMENTED.lines().next().unwrap().split('\t').skip(3);
        heads.map(|tag| Version::parse(tag).unwrap()).collect()
    }

    fn has(name: &str, tag: usize) -> bool {
        let line = DOCUMENTED.lines().find(|line| line.split('\t').next() == Some(name));
        line.is_some_and(|line| line.split('\t').nth(3 + tag) == Some("1"))
    }

    #[test]
    fn at_every_tag_a_figure_has_the_name_that_its_documentation_says() {
        let since = |figure: Figure| {
            NAMES.iter().filter(|row| row.figure == figure).map(|row| row.first).min().unwrap()
        };
        for (at, tag) in tags().into_iter().enumerate() {
            for row in NAMES {
                let in_range = row.first <= tag && row.last.is_none_or(|last| tag <= last);
                assert_eq!(has(row.name, at), in_range, "{} at {tag}", row.name);
                assert_eq!(place(row.name).map(|at| NAMES[at].figure), Some(row.figure));
            }
            for figure in NAMES.iter().map(|row| row.figure) {
                let names = NAMES.iter().filter(|row| row.figure == figure && has(row.name, at)).count();
                assert_eq!(names, usize::from(tag >= since(figure)), "{figure:?} at {tag}");
            }
        }
    }

    #[test]
    fn every_documented_name_of_a_vmis_memory_and_cpu_is_known_or_left_out_on_purpose() {
        const LEFT_OUT: [&str; 9] = [
            "kubevirt_vmi_memory_actual_balloon_bytes", // the same as domain
            "kubevirt_vmi_memory_pgmajfault",           // the guest's own faults
            "kubevirt_vmi_memory_pgminfault",
            "kubevirt_vmi_memory_swap_",      // the guest's own swap
            "kubevirt_vmi_memory_used_bytes", // a rule of Prometheus', on no endpoint
            "kubevirt_vmi_cpu_affinity",
            "kubevirt_vmi_cpu_system_usage_", // parts of cpu_usage
            "kubevirt_vmi_cpu_user_usage_",
            "kubevirt_vmi_vcpu_count", // a rule
        ];
        let kinds = ["memory", "cpu", "vcpu", "launcher"].map(|kind| format!("kubevirt_vmi_{kind}_"));
        let names = DOCUMENTED.lines().skip(1).filter_map(|line| line.split('\t').next());
        let mut seen = 0;
        for name in names.filter(|name| kinds.iter().any(|kind| name.starts_with(kind))) {
            let left_out = LEFT_OUT.iter().any(|start| name.starts_with(start));
            assert!(place(name).is_some() != left_out, "{name}");
            seen += 1;
        }
        assert!(seen > 25, "{seen}");
    }

    #[test]
    fn units_are_mended_where_a_release_has_them_wrong() {
        let unit = |figure, version: &str| time_unit(figure, Version::parse(version)).unwrap();
        for (version, cpu, wait) in [
            ("v0.49.0", TimeUnit::Seconds, TimeUnit::Milliseconds),
            ("v1.0.1", TimeUnit::Seconds, TimeUnit::Milliseconds),
            ("v1.1.0-rc.0", TimeUnit::Seconds, TimeUnit::Seconds),
            ("v1.1.1", TimeUnit::Seconds, TimeUnit::Seconds),
            ("v1.2.0", TimeUnit::Seconds, TimeUnit::Seconds),
            ("v1.2.1", TimeUnit::Milliseconds, TimeUnit::Milliseconds),
            ("v1.2.2", TimeUnit::Milliseconds, TimeUnit::Milliseconds),
            ("v1.3.0", TimeUnit::Milliseconds, TimeUnit::Seconds),
            ("v1.4.1", TimeUnit::Milliseconds, TimeUnit::Seconds),
            ("v1.5.3", TimeUnit::Milliseconds, TimeUnit::Seconds),
            ("v1.6.0", TimeUnit::Seconds, TimeUnit::Seconds),
            ("v1.9.0-rc.2", TimeUnit::Seconds, TimeUnit::Seconds),
        ] {
            assert_eq!(
                (unit(Figure::VcpuCpu, version), unit(Figure::VcpuWait, version)),
                (cpu, wait),
                "{version}"
            );
            assert_eq!(unit(Figure::Cpu, version), TimeUnit::Seconds);
        }
        assert_eq!(time_unit(Figure::VcpuCpu, None), None, "nobody knows");
        assert_eq!(time_unit(Figure::Cpu, None), Some(TimeUnit::Seconds));
    }
}
