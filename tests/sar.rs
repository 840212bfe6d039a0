//! CPU and RAM used are sar's, in every digit: on readings that the real sar has seen too.
//!
//! What sar printed, rows and averages, is in `golden/sar`; `live_sar.rs` wrote it there and checks that sar
//! still says so. The averages come out of the whole of edgebench, the rows of the sampler alone, for
//! edgebench prints none.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use edgebench::comparison::{Comparison, Side};
use edgebench::report;
use edgebench_sampler::parse;
use edgebench_sampler::sysstat::{CpuAverage, CpuShares, MemoryAverage, MemoryLine};
use edgebench_tests::sar::{Reading, Scenario, averages, clock};
use edgebench_tests::{Host, one_sample};

/// What `edgebench footprint --format sar` prints after these readings.
fn printed_by_edgebench(scenario: &Scenario) -> String {
    let step = |reading: &Reading| {
        let (stat, meminfo) = (reading.stat.clone(), reading.meminfo.clone());
        move |host: Host| host.file("proc/stat", stat).file("proc/meminfo", meminfo)
    };
    let (first, others) = scenario.readings.split_first().unwrap();
    let host = Host::new();
    host.step(step(first));
    let side = Side::new(vec![one_sample::measured(&host, others.iter().map(step)).unwrap()]).unwrap();
    let mut out = Vec::new();
    report::sar(&[Comparison::new(None, side)], &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The rows of `sar 1 N`, but for the heading.
fn cpu_rows(scenario: &Scenario) -> Vec<String> {
    let mut average = CpuAverage::default();
    let intervals = scenario.readings.iter().enumerate().filter_map(|(second, reading)| {
        let shares = average.push(&parse::stat::parse(reading.stat.as_bytes()).unwrap())?;
        Some(format!("{}        all{}", clock(second), cpu_columns(&shares)))
    });
    intervals.collect()
}

fn cpu_columns(cpu: &CpuShares) -> String {
    let shares = [cpu.user, cpu.nice, cpu.system, cpu.iowait, cpu.steal, cpu.idle];
    shares.iter().map(|share| format!(" {share:9.2}")).collect()
}

/// The rows of `sar -r 1 N`, but for the heading: used memory below zero is printed as none.
fn memory_rows(scenario: &Scenario) -> Vec<String> {
    let samples = scenario.readings.iter().enumerate().skip(1).map(|(second, reading)| {
        let mut average = MemoryAverage::default();
        average.push(&parse::meminfo::parse(reading.meminfo.as_bytes()).unwrap());
        let line = average.average().unwrap();
        format!("{}   {}", clock(second), memory_columns(&line))
    });
    samples.collect()
}

fn memory_columns(m: &MemoryLine) -> String {
    let columns = [
        (m.free, 0),
        (m.available, 0),
        (m.used.max(0.0), 0),
        (m.used_percent.max(0.0), 2),
        (m.buffers, 0),
        (m.cached, 0),
        (m.committed, 0),
        (m.committed_percent, 2),
        (m.active, 0),
        (m.inactive, 0),
        (m.dirty, 0),
    ];
    columns.iter().map(|(figure, digits)| format!(" {figure:9.digits$}")).collect()
}

/// What sar prints in a row, a figure a column, after the clock.
fn figures(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().skip(1).collect()
}

/// The rows and the average of one of the two tables that sar printed.
fn table<'a>(golden: &'a str, first_column: &str) -> Vec<&'a str> {
    let table = golden.split("\n\n").find(|table| table.contains(first_column)).unwrap();
    table.lines().skip(1).collect()
}

#[test]
fn every_average_is_sars() {
    for scenario in Scenario::all() {
        let printed = printed_by_edgebench(&scenario);
        assert_eq!(averages(&printed), averages(&scenario.golden()), "{}", scenario.name);
    }
}

#[test]
fn every_row_is_sars() {
    for scenario in Scenario::all() {
        let golden = scenario.golden();
        let rows: Vec<_> = golden.lines().filter(|line| line.starts_with("00:")).map(str::to_owned).collect();
        let [cpu, memory] = rows.chunks(scenario.samples() + 1).collect::<Vec<_>>()[..] else {
            panic!("{}: not two tables", scenario.name)
        };
        assert_eq!(cpu_rows(&scenario), cpu[1..], "{}", scenario.name);
        assert_eq!(memory_rows(&scenario), memory[1..], "{}", scenario.name);
    }
}

#[test]
fn the_headings_are_sars_without_the_clock() {
    let scenario = Scenario::named("cpu-modes");
    let (printed, golden) = (printed_by_edgebench(&scenario), scenario.golden());
    let headings = |text: &str| -> Vec<String> {
        let headings = text.lines().filter(|line| line.contains('%'));
        headings.map(|line| line["00:00:00".len()..].to_owned()).collect()
    };
    assert_eq!(headings(&printed), headings(&golden));
}

// That the scenarios hold what they are there for: sar itself says so.

#[test]
fn rows_are_clipped_at_zero_and_the_average_is_not() {
    let golden = Scenario::named("memory-below-zero").golden();
    let table = table(&golden, "kbmemused");
    let (average, rows) = table.split_last().unwrap();
    assert!(rows.iter().all(|row| figures(row)[2..4] == ["0", "0.00"]), "{rows:?}");
    assert!(figures(average)[2..4].iter().all(|figure| figure.starts_with('-')), "{average}");
}

#[test]
fn an_average_of_a_half_rounds_to_even() {
    let golden = Scenario::named("memory-halves").golden();
    let table = table(&golden, "kbmemused");
    let rounded: Vec<u64> =
        [0, 1, 4, 5].map(|column| figures(table.last().unwrap())[column].parse().unwrap()).into();
    assert_eq!(rounded, [102, 202, 12, 22], "of 101.5, 202.5, 11.5 and 22.5");
}

#[test]
fn a_cpu_without_a_line_counts_in_the_average_but_not_in_its_second() {
    let golden = Scenario::named("cpu-gone-at-the-end").golden();
    let table = table(&golden, "%idle");
    assert_eq!(figures(table[2])[1], "6.00", "cpu1 alone used 6 ticks of 100");
    assert_eq!(figures(table[3])[1], "24.75", "80 ticks of cpu0 and 19 of cpu1, of 400");
}
