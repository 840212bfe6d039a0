use super::*;
use crate::scrape_text::{Arriving, Bounds, Format, Refusal};

const BOUNDS: Bounds = Bounds { bytes: 4 << 20, series: 50_000, line: 32 << 10 };

const TEXT: &str = "\
node_memory_MemTotal_bytes 1.020264448e+09
node_memory_MemFree_bytes 1.2e+08
node_memory_MemAvailable_bytes 5.0e+08
node_memory_Buffers_bytes 2e+07
node_memory_Cached_bytes 4e+08
node_memory_Slab_bytes 6e+07
node_cpu_guest_seconds_total{cpu=\"0\",mode=\"user\"} 1000
node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 8000.5
node_cpu_seconds_total{cpu=\"0\",mode=\"iowait\"} 12
node_cpu_seconds_total{cpu=\"0\",mode=\"irq\"} 1
node_cpu_seconds_total{cpu=\"0\",mode=\"nice\"} 2
node_cpu_seconds_total{cpu=\"0\",mode=\"softirq\"} 3.25
node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 40
node_cpu_seconds_total{cpu=\"0\",mode=\"system\"} 5
node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 6
node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"} 8000
node_cpu_seconds_total{cpu=\"1\",mode=\"iowait\"} 12
node_cpu_seconds_total{cpu=\"1\",mode=\"irq\"} 0
node_cpu_seconds_total{cpu=\"1\",mode=\"nice\"} 0
node_cpu_seconds_total{cpu=\"1\",mode=\"softirq\"} 0
node_cpu_seconds_total{cpu=\"1\",mode=\"steal\"} 0.5
node_cpu_seconds_total{cpu=\"1\",mode=\"system\"} 0
node_cpu_seconds_total{cpu=\"1\",mode=\"user\"} 10
";

fn hearing(text: &str) -> Result<Hearing, Refusal> {
    let mut hearing = Hearing::default();
    let mut arriving = Arriving::new(Format::Text, BOUNDS);
    arriving.push(text.as_bytes(), &mut hearing)?;
    arriving.finish().map(|_| hearing)
}

fn hear(text: &str) -> Option<System> {
    hearing(text).unwrap().finish(1000.0)
}

#[test]
fn used_memory_by_both_formulas_and_cpu_time() {
    let system = hear(TEXT).unwrap();
    assert_eq!(
        system,
        System {
            total: Some(Bytes(1_020_264_448)),
            used_available: Some(Bytes(520_264_448)),
            used_sar: Some(Bytes(420_264_448)),
            cpu_busy: Some(Nanos(27_250_000_000)),
            cpu_stolen: Some(Nanos(40_500_000_000)),
            cpus: 2,
            read_at: 1000.0,
        }
    );
}

#[test]
fn a_sum_with_a_part_that_is_not_there_is_absent() {
    let without = |start: &str| {
        let lines = TEXT.lines().filter(|line| !line.starts_with(start)).flat_map(|line| [line, "\n"]);
        hear(&lines.collect::<String>()).unwrap()
    };
    let system = without("node_memory_Slab");
    assert_eq!((system.used_sar, system.used_available), (None, Some(Bytes(520_264_448))));
    assert_eq!(without("node_memory_MemAvailable").used_available, None);
    assert_eq!(without("node_cpu_seconds_total{cpu=\"1\",mode=\"nice\"").cpu_busy, None);
    let system = without("node_cpu_seconds_total{cpu=\"1\",mode=\"steal\"");
    assert_eq!((system.cpu_stolen, system.cpu_busy), (None, Some(Nanos(27_250_000_000))));
    assert_eq!(without("node_cpu_seconds_total").cpu_busy, None);
    let broken = TEXT.replace("mode=\"user\"} 10\n", "mode=\"user\"} NaN\n");
    assert_eq!(hear(&broken).unwrap().cpu_busy, None);
}

#[test]
fn a_cpu_that_is_offline_is_not_counted() {
    let text = TEXT.replace("cpu=\"1\"", "cpu=\"7\"");
    let system = hear(&text).unwrap();
    assert_eq!((system.cpus, system.cpu_busy), (2, Some(Nanos(27_250_000_000))));
}

#[test]
fn who_is_no_node_exporter_says_nothing() {
    assert_eq!(hear(include_str!("../../../../tests/fixtures/iotedge/edgehub.prom")), None);
}

#[test]
fn what_is_there_twice_or_of_no_cpu_is_not_believed() {
    let line = "node_cpu_seconds_total{cpu=\"1\",mode=\"user\"} 10\n";
    assert!(matches!(hearing(&line.repeat(2)), Err(Refusal::Duplicate(_))));
    assert!(matches!(hearing(&"node_memory_Slab_bytes 1\n".repeat(2)), Err(Refusal::Duplicate(_))));
    for cpu in ["", "x", "8192", "-1"] {
        let line = format!("node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"user\"}} 10\n");
        assert!(matches!(hearing(&line), Err(Refusal::Malformed(_))), "{cpu}");
    }
}
