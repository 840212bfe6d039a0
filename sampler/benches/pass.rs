//! What one pass over this machine costs, as it is: the number of processes is printed beside it.
//!
//! `cargo bench -p edgebench-sampler --bench pass`

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros, and a benchmark")]

use criterion::{Criterion, criterion_group, criterion_main};
use edgebench_sampler::classify::{Trust, classify};
use edgebench_sampler::process::{Denied, Scratch};
use edgebench_sampler::{ProcFs, Roots, proportional};

fn passes(c: &mut Criterion) {
    let procfs = ProcFs::open(Roots::of_this_machine()).unwrap();
    let mut scratch = Scratch::default();
    let processes = procfs.process_pass(&mut scratch).unwrap().processes;
    let mut group = c.benchmark_group(format!("{} processes", processes.len()));
    group.bench_function("node reading", |b| b.iter(|| procfs.node_reading(0, &mut scratch.buffer).unwrap()));
    group.bench_function("CPU pass", |b| b.iter(|| procfs.cpu_pass(&mut scratch).unwrap()));
    group.bench_function("full pass", |b| b.iter(|| procfs.process_pass(&mut scratch).unwrap()));
    group.bench_function("classify", |b| b.iter(|| classify(&processes, Trust::Any)));
    group.bench_function("PSS of what is not small", |b| {
        b.iter(|| {
            let mut pass = procfs.process_pass(&mut scratch).unwrap();
            let wanted = |_: usize, process: &edgebench_sampler::process::ProcessSample| {
                process.memory.is_some_and(|memory| memory.anonymous > proportional::SMALL)
            };
            proportional::read(&procfs, &mut pass.processes, wanted, &mut Denied::new(), &mut scratch.buffer)
                .unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, passes);
criterion_main!(benches);
