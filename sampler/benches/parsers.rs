//! What a parser costs: the bytes are read once from the live `/proc`, so only parsing is timed.
//!
//! `cargo bench -p edgebench-sampler --bench parsers`

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros, and a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use edgebench_sampler::parse::{
    meminfo, pid_cgroup, pid_io, pid_schedstat, pid_smaps, pid_smaps_rollup, pid_stat, pid_statm, pid_status,
    stat, zoneinfo,
};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(format!("/proc/{name}")).unwrap()
}

fn parsers(c: &mut Criterion) {
    let mut time = |name: &str, file: &str, parse: &dyn Fn(&[u8]) -> bool| {
        let text = bytes(file);
        assert!(parse(&text), "{file} parses");
        c.bench_function(name, |b| b.iter(|| parse(black_box(&text))));
    };
    time("node/stat", "stat", &|text| stat::parse(text).is_ok());
    time("node/meminfo", "meminfo", &|text| meminfo::parse(text).is_ok());
    time("node/zoneinfo", "zoneinfo", &|text| zoneinfo::parse(text).is_ok());
    time("process/stat", "self/stat", &|text| pid_stat::parse(text).is_ok());
    time("process/statm", "self/statm", &|text| pid_statm::parse(text).is_ok());
    time("process/status", "self/status", &|text| pid_status::parse(text).is_ok());
    time("process/io", "self/io", &|text| pid_io::parse(text).is_ok());
    time("process/schedstat", "self/schedstat", &|text| pid_schedstat::parse(text).is_ok());
    time("process/smaps_rollup", "self/smaps_rollup", &|text| pid_smaps_rollup::parse(text).is_ok());
    time("process/smaps", "self/smaps", &|text| pid_smaps::mappings(text).all(|mapping| mapping.is_ok()));
    time("process/cgroup", "self/cgroup", &|text| {
        black_box(pid_cgroup::parse(text));
        true
    });
}

criterion_group!(benches, parsers);
criterion_main!(benches);
