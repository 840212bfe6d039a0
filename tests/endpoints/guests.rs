//! node_exporter, edgeAgent and edgeHub inside of VMs.

use std::time::{Duration, Instant};

use edgebench_exporter::cluster::{Cluster, LauncherPod, Vmi};
use edgebench_exporter::endpoints::Trouble;
use edgebench_exporter::guests::targets::Flag;
use edgebench_exporter::guests::{Found, Guest, Handle, Settings, once, start};
use edgebench_sampler::Bytes;
use edgebench_tests::fake_endpoint::{Behaviour, FakeEndpoint};

use crate::rig::{LIMITS, Log, fixture, on_event_loop};

const AGENT: &str = fixture!("iotedge/edgeagent.prom");
const HUB: &str = fixture!("iotedge/edgehub.prom");
const NODE: &str = "\
node_memory_MemTotal_bytes 1.020264448e+09
node_memory_MemAvailable_bytes 5.0e+08
node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 8000.5
";

fn settings() -> Settings {
    Settings {
        interval: Duration::from_millis(50),
        limits: LIMITS,
        keep: Duration::from_secs(3600),
        node: "edge-node".into(),
    }
}

fn serving(text: &str) -> FakeEndpoint {
    FakeEndpoint::new(Behaviour::Text(text.to_owned()))
}

/// A VM at 127.0.0.1 whose annotation names these ports.
fn vm(name: &str, annotation: String) -> Cluster {
    let uid = format!("uid-of-{name}");
    let vmi = Vmi {
        namespace: "default".into(),
        name: name.into(),
        uid: uid.clone(),
        node: Some("edge-node".into()),
        phase: "Running".into(),
        guest_targets: Some(annotation),
        ..Vmi::default()
    };
    let pod = LauncherPod {
        namespace: "default".into(),
        vmi_uid: Some(uid),
        node: Some("edge-node".into()),
        phase: "Running".into(),
        ip: Some("127.0.0.1".into()),
        ..LauncherPod::default()
    };
    Cluster { vmis: vec![vmi], launchers: vec![pod], ..Cluster::default() }
}

async fn eventually(handle: &Handle, is: impl Fn(&Guest) -> bool) -> Guest {
    let started = Instant::now();
    loop {
        match handle.with(|guests| guests.first().cloned()) {
            Some(guest) if is(&guest) => return guest,
            other => assert!(started.elapsed() < Duration::from_secs(60), "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn a_vm_is_asked_at_the_ports_that_its_annotation_names() {
    let (node, agent, hub) = (serving(NODE), serving(AGENT), serving(HUB));
    let port = |peer: &FakeEndpoint| peer.address().port();
    let annotation =
        format!("node_exporter={},edgeAgent={},edgeHub={}", port(&node), port(&agent), port(&hub));
    let found = Found::of(&[], &vm("edge-vm", annotation), "edge-node");
    let guests = on_event_loop(once(&settings(), &found));
    let [guest] = guests.as_slice() else { panic!("{guests:?}") };
    assert_eq!((guest.namespace.as_str(), guest.name.as_str()), ("default", "edge-vm"));
    assert_eq!(guest.system.unwrap().used_available, Some(Bytes(520_264_448)));
    let edge = guest.iot_edge.as_ref().unwrap();
    assert_eq!(edge.modules.len(), 4);
    assert_eq!(edge.changed_at, edge.read_at);
    let targets: Vec<_> =
        guest.targets.iter().map(|target| (target.kind, target.trouble, target.series)).collect();
    assert_eq!(targets, [("node_exporter", None, 3), ("edgeAgent", None, 52), ("edgeHub", None, 8)]);
    assert!(
        guest
            .targets
            .iter()
            .all(|target| target.read_at.is_some() && target.address.starts_with("127.0.0.1:"))
    );
}

#[test]
fn a_flag_says_where_a_vm_is() {
    let node = serving(NODE);
    let flag: Flag =
        format!("default/edge-vm@127.0.0.1=node_exporter={}", node.address().port()).parse().unwrap();
    let found = Found::of(&[flag], &Cluster::default(), "edge-node");
    let guests = on_event_loop(once(&settings(), &found));
    assert_eq!(guests[0].system.unwrap().total, Some(Bytes(1_020_264_448)));
}

#[test]
fn a_module_that_hangs_costs_its_own_figures_alone_and_heals() {
    let (node, agent) = (serving(NODE), serving(AGENT));
    let annotation = format!("node_exporter={},edgeAgent={}", node.address().port(), agent.address().port());
    let cluster = vm("edge-vm", annotation);
    let mut settings = settings();
    settings.limits.time = Duration::from_millis(200);
    let log = Log::default();
    let listening = log.listen();
    on_event_loop(async {
        let handle = start(settings, move || Found::of(&[], &cluster, "edge-node"));
        let before = eventually(&handle, |guest| guest.iot_edge.is_some() && guest.system.is_some()).await;
        agent.becomes(Behaviour::Hang);
        let failed =
            eventually(&handle, |guest| guest.targets[1].failures.iter().any(|(_, count)| *count >= 3)).await;
        assert_eq!(failed.targets[1].trouble, Some(Trouble::Timeout));
        assert_eq!(failed.targets[0].trouble, None);
        let edge =
            |guest: &Guest| guest.iot_edge.as_ref().map(|edge| (edge.modules.clone(), edge.changed_at));
        assert_eq!(edge(&failed), edge(&before), "what it said is kept, with its age");
        assert!(failed.system.unwrap().read_at > before.system.unwrap().read_at);
        agent.becomes(Behaviour::Text(AGENT.to_owned()));
        let healed = eventually(&handle, |guest| guest.targets[1].trouble.is_none()).await;
        assert_eq!(edge(&healed), edge(&before), "the same values have been there since");
        assert!(healed.iot_edge.unwrap().read_at > before.iot_edge.unwrap().read_at);
    });
    drop(listening);
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("edgeAgent") && lines[0].contains("timeout"), "{}", lines[0]);
    assert!(lines[1].contains("answers again"), "{}", lines[1]);
}

#[test]
fn figures_that_are_too_old_are_not_served() {
    let agent = serving(AGENT);
    let cluster = vm("edge-vm", format!("edgeAgent={}", agent.address().port()));
    let settings = Settings { keep: Duration::from_millis(300), ..settings() };
    on_event_loop(async {
        let handle = start(settings, move || Found::of(&[], &cluster, "edge-node"));
        eventually(&handle, |guest| guest.iot_edge.is_some()).await;
        agent.becomes(Behaviour::Close);
        let guest = eventually(&handle, |guest| guest.iot_edge.is_none()).await;
        assert_eq!(guest.targets[0].trouble, Some(Trouble::Connection));
    });
}

#[test]
fn a_mistake_in_an_annotation_is_said_once() {
    let node = serving(NODE);
    let cluster = vm("edge-vm", format!("telegraf=9273,node_exporter={}", node.address().port()));
    let log = Log::default();
    let listening = log.listen();
    on_event_loop(async {
        let handle = start(settings(), move || Found::of(&[], &cluster, "edge-node"));
        let guest = eventually(&handle, |guest| guest.system.is_some() && node.requests().len() > 5).await;
        assert!(guest.mistake.unwrap().contains("telegraf"));
    });
    drop(listening);
    assert_eq!(log.lines().len(), 1, "{:#?}", log.lines());
}

#[test]
fn a_vm_that_is_gone_is_gone() {
    let node = serving(NODE);
    let cluster = std::sync::Arc::new(std::sync::Mutex::new(vm(
        "edge-vm",
        format!("node_exporter={}", node.address().port()),
    )));
    let seen = cluster.clone();
    on_event_loop(async {
        let handle = start(settings(), move || Found::of(&[], &seen.lock().unwrap(), "edge-node"));
        eventually(&handle, |guest| guest.system.is_some()).await;
        *cluster.lock().unwrap() = Cluster::default();
        let started = Instant::now();
        while handle.with(|guests| !guests.is_empty()) {
            assert!(started.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}
