use super::*;
use crate::scrape_text::{Arriving, Bounds, Format, Refusal};

const BOUNDS: Bounds = Bounds { bytes: 4 << 20, series: 50_000, line: 32 << 10 };

const FIXTURE: &str = include_str!("../../../../tests/fixtures/iotedge/edgeagent.prom");

fn hearing(text: &str) -> Result<Hearing, Refusal> {
    let mut hearing = Hearing::default();
    let mut arriving = Arriving::new(Format::Text, BOUNDS);
    arriving.push(text.as_bytes(), &mut hearing)?;
    arriving.finish().map(|_| hearing)
}

fn hear(text: &str) -> IotEdge {
    hearing(text).unwrap().finish(1000.0, None)
}

/// As if these had written it.
fn of(daemon: &str, image: &str) -> IotEdge {
    hear(
        &FIXTURE
            .replace("\\\"1.4.20\\\"", &format!("\\\"{daemon}\\\""))
            .replace("=\"1.4.20.69076946", &format!("=\"{image}")),
    )
}

#[test]
fn modules_have_memory_and_cpu() {
    let edge = hear(FIXTURE);
    assert_eq!(edge.version.as_deref(), Some("1.4.20.69076946 (44ba1b7d5a1fa4ac31ad34d1bb5a4c7c0f7e2ab4)"));
    assert_eq!(edge.daemon_version.as_deref(), Some("1.4.20"));
    assert_eq!(edge.instance.as_deref(), Some("5f0c1f4e-6f5e-4b52-a5c1-5a2c8f5a9d11"));
    let rows: Vec<_> =
        edge.modules.iter().map(|m| (m.name.as_str(), m.memory.unwrap().0, m.cpu_percent)).collect();
    assert_eq!(
        rows,
        [
            ("SimulatedTemperatureSensor", 41_287_680, None),
            ("edgeAgent", 54_992_896, Some(0.35)),
            ("edgeHub", 131_170_304, Some(0.5)),
            ("host", 524_288_000, Some(2.75)),
        ]
    );
    assert!(edge.modules.iter().all(|module| module.total == Some(Bytes(1_020_264_448))));
}

#[test]
fn the_unit_of_the_host_is_mended_by_the_release_of_the_daemon() {
    for (daemon, used) in [
        ("1.2.10", Some(536_870_912)),
        ("1.3.0", Some(524_288_000)),
        ("1.4.0", Some(512_000_000)),
        ("1.4.8", Some(512_000_000)),
        ("1.4.9", Some(512_000)),
        ("1.4.10", Some(524_288_000)),
        ("1.5.21", Some(524_288_000)),
        ("1.6.1", Some(524_288_000)),
        ("1.4.10~rc1", Some(524_288_000)),
        ("1.0.10~rc2", None),
        ("unknown", None),
    ] {
        let edge = of(daemon, "1.5.0");
        let module =
            |name: &str| edge.modules.iter().find(|module| module.name == name).unwrap().memory.map(|m| m.0);
        assert_eq!(module("host"), used, "{daemon}");
        assert_eq!(module("edgeHub"), Some(131_170_304), "a module's unit was never wrong");
    }
}

#[test]
fn where_the_daemon_does_not_say_its_release_the_images_counts() {
    let silent = FIXTURE.replace("\\\"Version\\\"", "\\\"Other\\\"").replace("1.4.20.69076946", "1.4.9");
    assert_eq!(hear(&silent).modules[3].memory, Some(Bytes(512_000)));
}

#[test]
fn what_a_modules_memory_holds_follows_from_the_image() {
    let holds = |image| of("1.5.0", image).module_memory;
    assert_eq!(holds("1.5.30"), Some(ModuleMemory::PageCacheUnderV2));
    assert_eq!(holds("1.5.31"), Some(ModuleMemory::ActivePageCache));
    assert_eq!(holds("1.4.20"), Some(ModuleMemory::PageCacheUnderV2));
    assert_eq!(holds("edge"), None);
}

#[test]
fn the_real_line_of_metadata_is_read() {
    let line = include_str!("../../../../tests/fixtures/iotedge/edgeagent-metadata.prom");
    let edge = hear(line);
    assert_eq!(
        edge.version.as_deref(),
        Some("1.0.10-rc2.34217022 (029016ef1bf82dec749161d95c6b73aa5ee9baf1)")
    );
    assert_eq!(edge.daemon_version.as_deref(), Some("1.0.10~rc2"));
    assert_eq!(version(edge.version.as_deref().unwrap()), Some(Version::new(1, 0, 10)));
}

#[test]
fn values_that_stay_the_same_keep_the_moment_they_came() {
    let first = hearing(FIXTURE).unwrap().finish(1000.0, None);
    let second = hearing(FIXTURE).unwrap().finish(1060.0, Some(&first));
    assert_eq!((second.read_at, second.changed_at), (1060.0, 1000.0));
    let text = FIXTURE.replace(" 131170304\n", " 131170305\n");
    let third = hearing(&text).unwrap().finish(1120.0, Some(&second));
    assert_eq!((third.read_at, third.changed_at), (1120.0, 1120.0));
    let restarted = text.replace("5f0c1f4e", "00000000");
    assert_eq!(hearing(&restarted).unwrap().finish(1180.0, Some(&third)).changed_at, 1180.0);
}

#[test]
fn an_agent_that_has_just_started_has_no_figures() {
    let bare: String =
        FIXTURE.lines().filter(|line| line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(hear(&bare).modules, []);
}

#[test]
fn a_series_twice_is_not_believed() {
    let line = FIXTURE.lines().find(|line| line.starts_with("edgeAgent_used_memory_bytes{")).unwrap();
    assert!(matches!(hearing(&format!("{line}\n{line}\n")), Err(Refusal::Duplicate(_))));
}
