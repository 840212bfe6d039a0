//! What a series costs to write, beside the `prometheus` crate on the same view.
//!
//! `cargo bench -p edgebench-exporter --bench exposition` ends in nanoseconds a series and their ratio.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "criterion's macros, and a benchmark"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use edgebench_exporter::exposition::{Format, ViewCollector, write};
use edgebench_exporter::families::stats::Stats;
use edgebench_exporter::view::{View, example};
use prometheus::{Encoder, Registry, TextEncoder};

/// VMs of the view: about 2,000 series.
const VMS: usize = 50;

/// For the ratio the sides run in turns, and of each the fastest turn counts: what else runs on the machine
/// only slows one down.
const TURNS: usize = 200;
const TURN: Duration = Duration::from_millis(5);

fn registry(view: &Arc<View>) -> Registry {
    let (registry, view) = (Registry::new(), Arc::clone(view));
    let collector = ViewCollector::new(Arc::new(move || Arc::clone(&view))).unwrap();
    registry.register(Box::new(collector)).unwrap();
    registry
}

fn rewrite(view: &View, format: Format, buffer: &mut Vec<u8>) {
    buffer.clear();
    write(black_box(view), &[], format, buffer);
}

fn encode(registry: &Registry, buffer: &mut Vec<u8>) {
    buffer.clear();
    TextEncoder::new().encode(&registry.gather(), buffer).unwrap();
}

fn expositions(c: &mut Criterion) {
    let view = Arc::new(example::node(VMS));
    let series = Stats::of(&view, &[]).series();
    let (registry, mut buffer) = (registry(&view), Vec::new());

    let mut group = c.benchmark_group(format!("{series} series"));
    group.throughput(Throughput::Elements(series));
    group.bench_function("text 0.0.4", |b| b.iter(|| rewrite(&view, Format::Text, &mut buffer)));
    group.bench_function("OpenMetrics 1.0", |b| {
        b.iter(|| rewrite(&view, Format::OpenMetrics, &mut buffer));
    });
    group.bench_function("prometheus crate", |b| b.iter(|| encode(&registry, &mut buffer)));
    group.finish();

    let [mut ours, mut theirs] = [f64::INFINITY; 2];
    for _ in 0..TURNS {
        ours = ours.min(nanoseconds(|| rewrite(&view, Format::Text, &mut buffer)));
        theirs = theirs.min(nanoseconds(|| encode(&registry, &mut buffer)));
    }
    let [ours, theirs] = [ours, theirs].map(|fastest| fastest / series as f64);
    println!("a series: {ours:.1} ns, prometheus crate {theirs:.1} ns, ratio 1/{:.1}", theirs / ours);
}

/// Mean time of a call during one turn.
fn nanoseconds(mut call: impl FnMut()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0u32);
    while start.elapsed() < TURN {
        call();
        calls += 1;
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

criterion_group!(benches, expositions);
criterion_main!(benches);
