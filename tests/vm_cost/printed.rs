//! The VM table and the matryoshka, as people see them.
//!
//! The tables are kept in `tests/golden/vm-cost`; `UPDATE_GOLDEN=1` rewrites them.

use std::fs;

use edgebench::capture::CaptureFile;
use edgebench::comparison::{Comparison, Side};
use edgebench::footprint::{Fold, Footprint};
use edgebench::layout::{self, Style};
use edgebench::report::{self, Options};
use edgebench_sampler::classify::Trust;
use edgebench_tests::fake_endpoint::Behaviour;
use edgebench_tests::golden::assert_golden;
use edgebench_tests::host::fixture;
use edgebench_tests::phases;

use edgebench_tests::edge_cluster::{Dated, EdgeCluster};

const GIB: u64 = 1 << 30;

fn text(figures: Footprint, width: usize) -> String {
    let comparison = Comparison::new(None, Side::new(vec![figures]).unwrap());
    let mut out = Vec::new();
    layout::text(&report::document(&comparison, &Options::default()), &Style::plain(width), &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// From the heading to the next empty line.
fn block<'a>(text: &'a str, heading: &str) -> &'a str {
    let start = text.find(heading).unwrap_or_else(|| panic!("no {heading} in {text}"));
    text[start..].split("\n\n").next().unwrap()
}

/// A guest that speaks for itself; its firmware alone ran, so what it says is made up and fits into 6 MiB.
fn speaking() -> EdgeCluster {
    let world = EdgeCluster::new();
    let node =
        format!("node_memory_MemTotal_bytes {}\nnode_memory_MemAvailable_bytes {}\n", 6 << 20, 2 << 20);
    world.node_exporter.becomes(Behaviour::Text(node));
    world
}

#[test]
fn the_real_node_with_all_that_is_said_of_its_vm() {
    let world = EdgeCluster::new();
    let figures = phases::footprint_asking("4-vm", &Dated(world.asker("")));
    for width in [80, 100, 140] {
        let text = text(figures.clone(), width);
        assert!(text.lines().all(|line| line.chars().count() <= width && !line.ends_with(' ')), "{text}");
        assert_golden(&format!("vm-cost/real-node-{width}.txt"), &text);
    }
}

#[test]
fn below_the_border_the_guest_counts() {
    let world = speaking();
    let figures = phases::footprint_asking("4-vm", &Dated(world.asker(&world.guests())));
    let text = text(figures, 100);
    let matryoshka = block(&text, "The matryoshka");
    assert_golden("vm-cost/matryoshka.txt", matryoshka);
    let rows: Vec<_> = matryoshka.lines().collect();
    let border = rows.iter().position(|row| row.contains("==== by node exporter, 12 s old ====")).unwrap();
    assert!(rows[border - 1].contains("guest RAM"), "{matryoshka}");
    assert!(rows[border + 1].contains("cache, free") && rows[border + 2].contains("used"), "{matryoshka}");
}

#[test]
fn modules_are_the_innermost_ring() {
    let world = speaking();
    let agent = fs::read_to_string(fixture("iotedge/edgeagent.prom")).unwrap();
    world.edge_agent.becomes(Behaviour::Text(agent));
    let mut figures = phases::footprint_asking("4-vm", &Dated(world.asker(&world.guests())));
    // A guest that is as large as its modules need it.
    let vm = &mut figures.vms[0];
    let rings = vm.rings.as_mut().unwrap();
    rings.guest.0 = GIB as i64;
    for memory in &mut vm.cluster.as_mut().unwrap().guest {
        memory.used = Some(edgebench_sampler::Bytes(GIB / 2));
    }
    let text = text(figures, 120);
    let matryoshka = block(&text, "The matryoshka");
    for module in ["edgeAgent", "edgeHub", "the rest"] {
        assert!(matryoshka.contains(module), "{matryoshka}");
    }
    assert!(matryoshka.contains("of which its modules use"), "{matryoshka}");
}

#[test]
fn every_ring_is_the_sum_of_those_inside_of_it_as_printed() {
    let world = speaking();
    let figures = phases::footprint_asking("4-vm", &Dated(world.asker(&world.guests())));
    let text = text(figures, 100);
    let rows: Vec<(usize, f64)> = block(&text, "The matryoshka")
        .lines()
        .skip(2)
        .take_while(|line| !line.starts_with("  Down"))
        .filter_map(|line| {
            let depth = line.find(|c: char| c.is_alphanumeric())?;
            let number = line
                .split_ascii_whitespace()
                .find(|word| word.contains('.') && word.parse::<f64>().is_ok())?;
            Some((depth, number.parse().unwrap()))
        })
        .collect();
    assert!(rows.len() > 10, "{rows:?}");
    for (at, (depth, size)) in rows.iter().enumerate() {
        let inside: Vec<_> = rows[at + 1..].iter().take_while(|(deeper, _)| deeper > depth).collect();
        let Some(first) = inside.first() else { continue };
        let sum: f64 = inside.iter().filter(|(deeper, _)| *deeper == first.0).map(|(_, size)| size).sum();
        assert!((sum - size).abs() < 0.05, "{size} holds {sum}: {text}");
    }
}

#[test]
fn a_saved_capture_says_the_same_again_and_an_older_reader_refuses_it() {
    let world = EdgeCluster::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("capture.json");
    let mut file = CaptureFile::create(&path).unwrap();
    let asker = Dated(world.asker(""));
    let live = phases::record_asking("4-vm", None, Some(&mut file), Some(&asker));
    file.finish().unwrap();
    let live = live.footprint(Trust::Any).unwrap();
    let again = Fold::file(&path, Trust::Any).unwrap();
    assert_eq!(live.cluster, again.cluster);
    assert!(live.cluster.is_some());
    assert_eq!(text(live, 100), text(again, 100));
    let header = fs::read_to_string(&path).unwrap();
    assert!(header.starts_with(r#"{"header":{"edgebench_capture":3,"#), "{}", &header[..80]);
}
