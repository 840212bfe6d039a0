//! The join closes on the real node: every source of one moment, held against the others.

use edgebench::cluster::{Ask, VmRecord};
use edgebench::footprint::{Bound, Footprint, HeadroomVerdict};
use edgebench_sampler::process::Scratch;
use edgebench_sampler::procfs::ProcessFile;
use edgebench_sampler::{Bytes, Pid, ProcFs};
use edgebench_tests::{Host, phases};

use edgebench_tests::edge_cluster::{EdgeCluster, NODE};

const QEMU: Pid = Pid(13247);
const MIB: u64 = 1 << 20;

fn footprint(world: &EdgeCluster) -> Footprint {
    phases::footprint_asking("4-vm", &world.asker(""))
}

#[test]
fn what_virt_handler_says_of_qemu_is_what_its_stat_says() {
    let asked = EdgeCluster::new().asker("").ask();
    let said = asked.endpoints.iter().find_map(|endpoint| {
        let said = endpoint.said.as_ref()?;
        said.vmis.iter().find(|vmi| vmi.resident.is_some())
    });
    let said = said.unwrap();
    assert_eq!((said.namespace.as_str(), said.name.as_str()), ("default", "edge-vm"));
    assert_eq!(said.node.as_deref(), Some(NODE));

    let host = Host::unpack("node-kubevirt-1.9/4-vm/t1");
    let procfs = ProcFs::open(host.roots()).unwrap();
    let mut scratch = Scratch::default();
    let qemu = procfs.process(QEMU).unwrap();
    let stat = qemu.read(ProcessFile::Stat, &mut scratch.buffer).unwrap();
    let fields: Vec<_> =
        std::str::from_utf8(stat).unwrap().rsplit(") ").next().unwrap().split_ascii_whitespace().collect();
    // Fields are counted from 1 in proc_pid_stat(5), and two come before the closing parenthesis.
    let field = |number: usize| fields[number - 3].parse::<u64>().unwrap();
    assert_eq!(said.resident, Some(Bytes(field(24) * 4096)), "field 24 x page size");
    let ticks = field(14) + field(15);
    let said_ticks = said.cpu.unwrap().0 / 10_000_000;
    // virt-launcher's answers are up to 3.25 s old; qemu ran 11 ticks in the 11 s between t0 and t1.
    assert!(said_ticks <= ticks && ticks - said_ticks <= 4, "{said_ticks} of {ticks} ticks");
}

#[test]
fn every_source_says_288_mib_but_the_formula_of_a_version_that_lies() {
    let figures = footprint(&EdgeCluster::new());
    let vm = figures.vms[0].cluster.as_ref().unwrap();
    let sources: Vec<_> =
        vm.reserved.iter().map(|reserved| (reserved.source.as_str(), reserved.bytes.0)).collect();
    let expected =
        [("status", 288 * MIB), ("annotation", 301_989_888), ("metric", 301_989_888), ("formula", 268 * MIB)];
    assert_eq!(sources, expected);
    let terms: Vec<_> = vm.formula.iter().map(|term| (term.name.as_str(), term.bytes.0 / MIB)).collect();
    assert_eq!(terms, [("processes", 220), ("vCPUs", 8), ("I/O thread", 8), ("video", 32)]);
    assert_eq!(vm.launcher_version.as_deref(), Some("v1.9.0-rc.2"));
}

#[test]
fn what_the_pod_was_promised_and_what_it_holds() {
    let figures = footprint(&EdgeCluster::new());
    let row = &figures.vms[0];
    let vm = row.cluster.as_ref().unwrap();
    assert_eq!(
        (vm.pod.as_deref(), vm.phase.as_deref()),
        (Some("virt-launcher-edge-vm-4kfzr"), Some("Running"))
    );
    // requests.memory of compute is guest + overhead.
    assert_eq!(vm.request, Some(Bytes((512 + 288) * MIB)));
    let working_set = 204_640_256 - 117_108_736;
    assert_eq!(row.headroom.against, Some(Bound::Request(Bytes(800 * MIB))));
    assert_eq!(row.headroom.now.unwrap().0, (800 * MIB) as i64 - working_set);
    let untouched = (512 * MIB - 6_144 * 1024) as i64;
    assert_eq!(row.headroom.touched.unwrap().0, (800 * MIB) as i64 - working_set - untouched);
    assert_eq!(row.headroom.verdict, Some(HeadroomVerdict::NoLimit));
    assert_eq!(row.overhead_of_kubelet().unwrap().0, working_set - 6_144 * 1024);
    // Both containers' and the pod's own: what `kubectl top pod` sums, nearly.
    assert_eq!(row.pod.unwrap().working_set, Bytes(216_346_624 - 125_341_696));
    let kib: i64 = 688 + 8_406 + 8_499 + 58_150 + 20_224 + 46_495;
    assert_eq!(row.pod_proportional.unwrap().0, kib as u64 * 1024);
}

#[test]
fn the_environment_completes_itself_and_says_what_it_could_not_learn() {
    let world = EdgeCluster::new();
    let cluster = footprint(&world).cluster.unwrap();
    assert_eq!(cluster.kubernetes.as_deref(), Some("v1.36.2"));
    assert_eq!(cluster.kubevirt.as_deref(), Some("v1.9.0-rc.2"));
    assert_eq!(cluster.cdi.as_deref(), Some("v1.66.0"));
    let replicas: Vec<_> =
        cluster.deployments.iter().map(|row| (row.component.as_str(), row.wanted)).collect();
    for expected in [("virt-api", 1), ("virt-controller", 1), ("cdi-controller", 1), ("cdi-uploadproxy", 1)] {
        assert!(replicas.contains(&expected), "{expected:?} of {replicas:?}");
    }
    // The ConfigMap of the CA is not there.
    world.handler.becomes(edgebench_tests::fake_endpoint::Behaviour::status("503 Service Unavailable"));
    let unknown = footprint(&world).cluster.unwrap().unknown;
    assert!(unknown.iter().any(|what| what.contains("virt-handler") && what.contains("busy")), "{unknown:?}");
}

#[test]
fn without_an_api_server_all_that_proc_knows_is_there() {
    let world = EdgeCluster::new();
    world.api.stop();
    let figures = footprint(&world);
    let without = phases::footprint("4-vm");
    assert_eq!(figures.vms[0].overhead, without.vms[0].overhead);
    let cluster = figures.cluster.unwrap();
    assert_eq!(cluster.kubernetes, None);
    assert!(cluster.unknown.iter().any(|what| what.starts_with("virtualmachineinstances")), "{cluster:?}");
    // virt-handler speaks all the same.
    let VmRecord { reported_resident, reserved, .. } = figures.vms[0].cluster.clone().unwrap();
    assert_eq!(reported_resident, Some(Bytes(52_736_000)));
    assert_eq!(reserved[0].source, "metric");
}
