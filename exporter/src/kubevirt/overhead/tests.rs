use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn vm(request: u64, vcpus: u64) -> VmSpec {
    VmSpec {
        request: (request > 0).then_some(Bytes(request)),
        cpu: Some(CpuTopology { cores: vcpus, ..CpuTopology::default() }),
        graphics: true,
        ..VmSpec::default()
    }
}

fn total(at: &str, spec: &VmSpec) -> u64 {
    predict(version(at), spec, &Configuration::default()).unwrap().total.0
}

/// In MiB, of a VM of one vCPU that states no request.
fn mib(at: &str, change: impl Fn(&mut VmSpec)) -> u64 {
    let mut spec = vm(0, 1);
    change(&mut spec);
    let total = total(at, &spec);
    assert_eq!(total % MIB, 0);
    total / MIB
}

#[test]
fn worked_by_hand() {
    // 64,000,000 / 512 + (210 + 8 + 8 + 16) Mi
    assert_eq!(total("v1.2.2", &vm(64_000_000, 1)), 253_880_392);
    // 1 Gi is 1,073,742 kB: 1,073,742,000 / 512 + (220 + 16 + 8 + 32) Mi
    assert_eq!(total("v1.9.0", &vm(1 << 30, 2)), 291_504_128);
    // The real node: 512 Mi of guest and no request, as its tag says.
    assert_eq!(total("v1.9.0", &vm(0, 1)), 268 * MIB);
}

#[test]
fn the_fixed_part_of_every_release() {
    let fixed = |at: &str| mib(at, |spec| spec.graphics = false) - 8 - 8;
    for (at, expected) in [
        ("v0.49.0", 138),
        ("v0.52.0", 138),
        ("v0.53.0", 179),
        ("v0.53.1", 179),
        ("v0.53.2", 180),
        ("v0.54.0", 180),
        ("v0.55.0", 205),
        ("v0.56.1", 205),
        ("v0.57.0", 208),
        ("v0.58.0", 208),
        ("v0.58.1", 210),
        ("v0.59.0", 210),
        ("v1.0.0", 210),
        ("v1.4.1", 210),
        ("v1.5.0", 220),
        ("v1.9.0", 220),
    ] {
        assert_eq!(fixed(at), expected, "{at}");
    }
    assert_eq!(predict(version("v0.48.1"), &vm(0, 1), &Configuration::default()), None);
}

#[test]
fn a_release_that_nobody_looked_at_has_the_newest_formula_and_says_so() {
    let next = predict(version("v1.10.0"), &vm(0, 1), &Configuration::default()).unwrap();
    assert_eq!((next.total.0 / MIB, next.known), (240 + 8 + 8 + 32, false));
    assert!(predict(version("v1.9.3"), &vm(0, 1), &Configuration::default()).unwrap().known);
}

#[test]
fn a_candidate_has_the_formula_of_its_release() {
    assert_eq!(mib("v1.6.0-rc.1", |_| {}), mib("v1.6.0", |_| {}));
    assert_ne!(mib("v1.6.0-rc.1", |_| {}), mib("v1.5.2", |_| {}));
}

#[test]
fn video_takes_twice_as_much_since_1_6_and_nothing_without_graphics() {
    let video = |at: &str| mib(at, |_| {}) - mib(at, |spec| spec.graphics = false);
    assert_eq!((video("v0.49.0"), video("v1.5.3"), video("v1.6.0")), (16, 16, 32));
}

#[test]
fn each_option_in_the_releases_that_have_it() {
    let more = |at: &str, change: fn(&mut VmSpec)| mib(at, change) - mib(at, |_| {});
    assert_eq!(more("v0.49.0", |spec| spec.arm64 = true), 128);
    assert_eq!(more("v0.49.0", |spec| spec.vfio = true), 1024);
    assert_eq!(more("v0.49.0", |spec| spec.downward_metrics = true), 1);
    assert_eq!(more("v0.49.0", |spec| spec.liveness_exec = true), 110);
    let both = |spec: &mut VmSpec| (spec.liveness_exec, spec.readiness_exec) = (true, true);
    assert_eq!(more("v0.49.0", both), 120);
    assert_eq!(more("v0.49.0", |spec| spec.sev = true), 256);
    assert_eq!(more("v1.6.2", |spec| spec.sev_snp = true), 0);
    assert_eq!(more("v1.7.0", |spec| spec.sev_snp = true), 256);
    assert_eq!(more("v1.7.0", |spec| (spec.sev, spec.sev_snp) = (true, true)), 256, "once");
    assert_eq!(more("v0.52.0", |spec| spec.tpm = true), 0);
    assert_eq!(more("v0.53.0", |spec| spec.tpm = true), 53);
    assert_eq!(more("v1.0.0", |spec| spec.dedicated_cpu = true), 0);
    assert_eq!(more("v1.1.0", |spec| spec.dedicated_cpu = true), 100);
    assert_eq!(more("v1.1.0", |spec| (spec.dedicated_cpu, spec.guaranteed) = (true, true)), 100, "once");
    assert_eq!(more("v0.58.1", |spec| spec.passt_without_ports = true), 0);
    assert_eq!(more("v1.2.2", |spec| spec.passt_without_ports = true), 800);
    assert_eq!(more("v1.3.0", |spec| spec.passt_without_ports = true), 0);
    assert_eq!(more("v1.7.0", |spec| spec.passt = true), 0);
    assert_eq!(more("v1.8.0", |spec| spec.passt = true), 250);
    assert_eq!(more("v1.7.0", |spec| spec.added = Some(Bytes(64 * MIB))), 0);
    assert_eq!(more("v1.8.0", |spec| spec.added = Some(Bytes(64 * MIB))), 64);
}

#[test]
fn vcpus_come_from_the_topology_then_from_limits_and_are_at_least_one() {
    let vcpus = |cpu, cpus| VmSpec { cpu, cpus, ..VmSpec::default() }.vcpus();
    assert_eq!(vcpus(Some(CpuTopology { sockets: 2, cores: 3, threads: 2 }), Some(1)), 12);
    assert_eq!(vcpus(Some(CpuTopology { cores: 4, ..CpuTopology::default() }), None), 4);
    assert_eq!(vcpus(Some(CpuTopology::default()), Some(4)), 1);
    assert_eq!(vcpus(None, Some(4)), 4);
    assert_eq!(vcpus(None, None), 1);
}

#[test]
fn the_ratio_multiplies_what_stands_before_it() {
    let configuration = Configuration { ratio: Some(1.5), ..Configuration::default() };
    let with = |at: &str, spec: &VmSpec| predict(version(at), spec, &configuration).unwrap().total.0;
    // (210 + 8 + 8 + 16) Mi = 253,755,392: 253,756 kB × 0.5 = 126,878 kB more.
    assert_eq!(with("v1.0.0", &vm(0, 1)), 253_755_392 + 126_878_000);
    assert_eq!(with("v0.58.1", &vm(0, 1)), 242 * MIB, "not yet there");
    assert_eq!(with("v0.58.2", &vm(0, 1)), 253_755_392 + 126_878_000);
    assert_eq!(with("v0.59.0", &vm(0, 1)), 242 * MIB, "it came to this line with .1");
    let dedicated = VmSpec { dedicated_cpu: true, ..vm(0, 1) };
    assert_eq!(with("v1.5.0", &dedicated) - with("v1.5.0", &vm(0, 1)), 100 * MIB, "after it");
    // (268 + 100) Mi = 385,875,968: 385,876 kB × 0.5 = 192,938 kB.
    assert_eq!(with("v1.6.0", &dedicated), 385_875_968 + 192_938_000, "before it");
}

#[test]
fn network_bindings_count_once_each_and_whatever_the_ratio() {
    let bindings = vec![("slirp".to_owned(), Bytes(30 * MIB)), ("other".to_owned(), Bytes(MIB))];
    let configuration = Configuration { ratio: Some(2.0), bindings };
    let spec = VmSpec { bindings: vec!["slirp".into()], ..vm(0, 1) };
    let more = |at: &str| {
        let total = |spec| predict(version(at), spec, &configuration).unwrap().total.0;
        (total(&spec) - total(&vm(0, 1))) / MIB
    };
    assert_eq!((more("v1.2.2"), more("v1.3.0")), (0, 30));
}

#[test]
fn the_terms_add_up_and_each_is_there_once() {
    let spec = VmSpec { tpm: true, liveness_exec: true, passt: true, ..vm(1 << 30, 2) };
    let configuration = Configuration { ratio: Some(1.1), ..Configuration::default() };
    let overhead = predict(version("v1.9.0"), &spec, &configuration).unwrap();
    assert_eq!(overhead.terms.iter().map(|term| term.bytes).sum::<Bytes>(), overhead.total);
    let names: Vec<_> = overhead.terms.iter().map(|term| term.name).collect();
    let expected =
        ["page tables", "processes", "vCPUs", "I/O thread", "video", "exec probes", "TPM", "ratio", "passt"];
    assert_eq!(names, expected);
}
