//! What is run for the pictures: a node on which KubeVirt and a VM are started while it is looked at, the libvirt domain
//! whose guest fills memory, and the series of a fleet.

use std::fmt::Write;
use std::io;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgebench_tests::dashboards;
use edgebench_tests::edge_node::{self, Emulator, NAMESPACE, NODE, Node, VM};
use edgebench_tests::exporter::Exporter;
use edgebench_tests::fleet::Fleet;
use edgebench_tests::pictures::{Asked, Recorded, record};
use edgebench_tests::prometheus::{Job, Prometheus, Setup};
use edgebench_tests::rules;
use edgebench_tests::scripted_api::{PODS, VMIS};

/// Every second is scraped, so four of them would do; a rate over more is smoother.
const RATE_INTERVAL: &str = "15s";

/// What is started on the node, and how many seconds after the start: names and sizes (in KiB) as in a process table of
/// a real node, percent of a core.
const STARTED: &[(u64, &str, u64, f64)] = &[
    (0, "k3s-server", 900_000, 6.0),
    (0, "containerd", 62_000, 1.0),
    (45, "virt-operator", 144_000, 2.0),
    (55, "virt-api", 137_000, 1.0),
    (58, "virt-controller", 141_000, 1.0),
    (65, "virt-handler", 141_000, 1.5),
    (90, "cdi-operator", 95_000, 1.0),
    (96, "cdi-controller", 64_000, 0.5),
    (98, "cdi-apiserver", 54_000, 0.5),
    (100, "cdi-uploadproxy", 44_000, 0.5),
];
/// When the VM is started, and how long all is looked at.
const VM_STARTED: u64 = 140;
const LOOKED_AT: u64 = 240;
const GUEST_KIB: u64 = 3 << 20;

const BY: &str = "Drawn by dashboards/scripts/pictures from Prometheus' answers to the panels' own queries";

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Until so many seconds after the beginning. The API server says each ten of them that nothing has happened, as a real one
/// does each minute.
fn wait_for(node: &Node, begin: f64, second: u64) {
    if second.is_multiple_of(10) {
        node.api.bookmark();
    }
    sleep(Duration::from_secs_f64((begin + second as f64 - now()).max(0.0)));
}

fn asked<'a>(
    prometheus: &'a Prometheus,
    range: [f64; 2],
    chosen: &'a [(&'a str, &'a str, &'a str)],
    source: &'a str,
) -> Asked<'a> {
    Asked { prometheus, range, chosen, rate_interval: RATE_INTERVAL, source }
}

fn recorded(file: &str, asked: &Asked<'_>) -> Recorded {
    let dashboard = dashboards::all().into_iter().find(|dashboard| dashboard.file == file).unwrap();
    record(&dashboard, asked)
}

/// A real exporter on the node, and Prometheus with the rules.
fn scraped(node: &Node, dir: &std::path::Path) -> (Exporter, Prometheus) {
    let mut flags = node.flags();
    // All that is said is of the same second: it is scraped every second, fifteen times as often as it would be elsewhere.
    flags.extend(["--discovery=list".to_owned(), "--discovery.recheck=1s".to_owned()]);
    let exporter = Exporter::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let job = Job::new("edgebench-exporter", exporter.address)
        .setting(&format!("relabel_configs: [{{target_label: node, replacement: '{NODE}'}}]"));
    let files = [rules::hastened(dir, "1s"), rules::directory().join("alerts.yaml")];
    let mut prometheus = Prometheus::start_with(&Setup { jobs: &[job], rules: &files, ..Setup::default() });
    prometheus.wait_for_rules();
    (exporter, prometheus)
}

/// Node footprint and Exporter.
pub(crate) fn node(say: &dyn Fn(&str)) -> Vec<Recorded> {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::empty((GUEST_KIB + (600 << 10)) << 10);
    // Its VM is not there yet.
    let (vmi, pod) = (node.api.selected(VMIS, "").remove(0), launcher_pod(&node));
    node.api.delete(VMIS, NAMESPACE, VM);
    node.api.delete(PODS, NAMESPACE, pod["metadata"]["name"].as_str().unwrap());
    let mut started = STARTED.iter().peekable();
    while let Some((_, name, kib, cpu)) = started.next_if(|(at, ..)| *at == 0) {
        node.start(name, *kib, *cpu);
    }
    let (exporter, prometheus) = scraped(&node, dir.path());
    sleep(Duration::from_secs(20));
    let begin = now();
    let mut has_vm = false;
    for second in 0..LOOKED_AT {
        while let Some((_, name, kib, cpu)) = started.next_if(|(at, ..)| *at <= second) {
            say(&format!("node: {second} s, {name}"));
            node.start(name, *kib, *cpu);
        }
        if second >= VM_STARTED && !has_vm {
            say(&format!("node: {second} s, the VM"));
            let (mut vmi, mut pod) = (vmi.clone(), pod.clone());
            for memory in ["guestAtBoot", "guestCurrent", "guestRequested"] {
                vmi["status"]["memory"][memory] = "3Gi".into();
            }
            vmi["spec"]["domain"]["memory"]["guest"] = "3Gi".into();
            pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = "3360Mi".into();
            node.api.put(VMIS, vmi);
            node.api.put(PODS, pod);
            node.start_vm(Emulator::StandIn(GUEST_KIB, 9.0));
            has_vm = true;
        }
        wait_for(&node, begin, second + 1);
    }
    let range = [begin, now() - 1.0];
    let source = format!(
        "{BY} on a real run: stand-ins for Kubernetes, KubeVirt and a VM of 3 GiB are started. \
         Grafana draws them in its own style."
    );
    let of_node = [("cluster", ".*", "All"), ("node", NODE, NODE)];
    let recorded = vec![
        recorded("node-footprint.json", &asked(&prometheus, range, &of_node, &source)),
        recorded("exporter.json", &asked(&prometheus, range, &of_node, &source)),
    ];
    drop((exporter, prometheus));
    recorded
}

fn launcher_pod(node: &Node) -> serde_json::Value {
    let pods = node.api.selected(PODS, "");
    let pod = pods.into_iter().find(|pod| pod["metadata"]["labels"]["kubevirt.io"] == "virt-launcher");
    pod.expect("a virt-launcher")
}

/// VM cost.
pub(crate) fn vm(say: &dyn Fn(&str)) -> Vec<Recorded> {
    let dir = tempfile::tempdir().unwrap();
    say("VM: libvirt");
    let mut node = edge_node::start(Emulator::Libvirt);
    let mut smaller = launcher_pod(&node);
    smaller["spec"]["containers"][0]["resources"]["requests"]["memory"] = "480Mi".into();
    node.api.put(PODS, smaller);
    let mut filled = 32;
    says(&node, filled, 0);
    let (exporter, prometheus) = scraped(&node, dir.path());
    sleep(Duration::from_secs(30));
    let begin = now();
    for second in 0..180 {
        // Twelve times, with a break in the middle.
        if second % 10 == 9 && !(70..110).contains(&second) && filled < 136 {
            filled += 8;
            say(&format!("VM: {second} s, the guest fills 8 MiB more"));
            node.fill(8);
        }
        says(&node, filled, second);
        wait_for(&node, begin, second + 1);
    }
    let range = [begin, now() - 1.0];
    let source = format!(
        "{BY} on a real run: a libvirt domain of 256 MiB (TCG: its CPU is not split); endpoints are samples. \
         Grafana draws them in its own style."
    );
    let chosen =
        [("cluster", ".*", "All"), ("node", ".*", "All"), ("namespace", ".*", "All"), ("name", VM, VM)];
    let recorded = vec![recorded("vm-cost.json", &asked(&prometheus, range, &chosen, &source))];
    drop((exporter, prometheus));
    recorded
}

/// What is said inside of a guest of 256 MiB that has filled so many MiB: edgeAgent a quarter of what a real one said in a
/// guest of 1 GiB.
fn says(node: &Node, filled_mib: u64, second: u64) {
    let total = 243 << 20;
    let mut node_exporter = String::new();
    let _ = writeln!(node_exporter, "node_memory_MemTotal_bytes {total}");
    let _ = writeln!(node_exporter, "node_memory_MemAvailable_bytes {}", total - ((66 + filled_mib) << 20));
    let modes =
        [("idle", 0.95), ("iowait", 0.0), ("irq", 0.0), ("nice", 0.0), ("softirq", 0.01), ("steal", 0.0)];
    for (mode, each) in modes.into_iter().chain([("system", 0.008), ("user", 0.022)]) {
        let value = 100.0 + each * second as f64;
        let _ = writeln!(node_exporter, "node_cpu_seconds_total{{cpu=\"0\",mode=\"{mode}\"}} {value}");
    }
    let quarter = |line: &str| match line.rsplit_once(' ') {
        Some((series, value)) if line.starts_with("edgeAgent_") && line.contains("_memory_bytes{") => {
            format!("{series} {}\n", value.parse::<u64>().unwrap() / 4)
        }
        _ => format!("{line}\n"),
    };
    node.says_inside(node_exporter, Node::edge_agent().lines().map(quarter).collect());
}

/// Fleet.
pub(crate) fn fleet(say: &dyn Fn(&str)) -> io::Result<Vec<Recorded>> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let fleet = Fleet { nodes: 48, vms: 6, hours: 24, now: now() as u64 };
    fleet.load(dir.path(), &data, |text| say(&format!("fleet: {text}")))?;
    let files = [rules::hastened(dir.path(), "1s"), rules::directory().join("alerts.yaml")];
    let mut prometheus =
        Prometheus::start_with(&Setup { rules: &files, data: Some(&data), ..Setup::default() });
    prometheus.wait_for_rules();
    // Groups are made from each other's results.
    sleep(Duration::from_secs(15));
    let now = now();
    let source = format!(
        "{BY} on generated series of 48 nodes with 6 VMs each. \
         Grafana draws them in its own style."
    );
    let chosen = [("cluster", ".*", "All")];
    let mut asked = asked(&prometheus, [now - 86_400.0, now], &chosen, &source);
    asked.rate_interval = "5m";
    Ok(vec![recorded("fleet.json", &asked)])
}
