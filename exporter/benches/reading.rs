//! What a reading costs beside its floor: `/proc` listed once, and `stat` and `statm` of the tracked processes read
//! through descriptors that stay open.
//!
//! `cargo bench -p edgebench-exporter --bench reading` ends in the ratio. It measures this machine as it is:
//! `exporter/benches/peers --hold` puts twelve stand-ins of KubeVirt's processes on it for as long as it runs.
//!
//! A process is born before each turn, else a reading would skip the listing.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "criterion's macros, and a benchmark"
)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use edgebench_exporter::observer::{DiscoveryMode, Enabled, Moment, Observer, PssMode, Settings};
use edgebench_sampler::component;
use edgebench_sampler::process::Scratch;
use edgebench_sampler::procfs::{Buffer, KeptFile, Listed, ProcessFile};
use edgebench_sampler::{ProcFs, Roots};

const TURNS: usize = 100;

fn observer(collectors: &[&str]) -> Observer {
    let mut enabled = Enabled::default();
    for name in ["cpu", "memory", "pressure", "component", "thread", "io", "pss", "vmi", "cgroup"] {
        enabled.set(name, collectors.contains(&name));
    }
    Observer::start(Settings {
        roots: Roots::of_this_machine(),
        node: None,
        trust: edgebench_sampler::classify::Trust::Any,
        recheck: Duration::from_secs(60),
        enabled,
        pss: PssMode::AtOnce,
        descriptors: 10_000,
        discovery: DiscoveryMode::List,
    })
    .unwrap()
}

/// `stat` and `statm` of the processes whose name is a tracked component's.
fn floor(procfs: &ProcFs) -> Vec<KeptFile> {
    let processes = procfs.process_pass(&mut Scratch::default()).unwrap().processes;
    let tracked = processes.iter().filter(|process| {
        let row = component::by_comm(process.names.comm.as_bytes());
        row.is_some_and(|row| row.stack.is_tracked())
    });
    tracked
        .flat_map(|process| {
            let dir = procfs.process(process.id.pid).unwrap();
            [dir.keep(ProcessFile::Stat).unwrap(), dir.keep(ProcessFile::Statm).unwrap()]
        })
        .collect()
}

fn read_floor(procfs: &ProcFs, kept: &[KeptFile], listing: &mut Vec<Listed>, buffer: &mut Buffer) {
    procfs.listing(listing).unwrap();
    for file in kept {
        file.read(buffer).unwrap();
    }
}

/// A process is born and ends.
fn fork() {
    Command::new("true").stdin(Stdio::null()).status().unwrap();
}

/// How long `turn` takes after each of so many births.
fn times(count: u64, mut turn: impl FnMut()) -> Duration {
    (0..count)
        .map(|_| {
            fork();
            let began = Instant::now();
            turn();
            began.elapsed()
        })
        .sum()
}

fn median(turns: &mut [Duration]) -> Duration {
    turns.sort_unstable();
    turns[turns.len() / 2]
}

fn readings(c: &mut Criterion) {
    let procfs = ProcFs::open(Roots::of_this_machine()).unwrap();
    let (kept, mut listing, mut buffer) = (floor(&procfs), Vec::new(), Buffer::default());
    let mut processes = observer(&["component"]);
    let mut all = observer(&["cpu", "memory", "pressure", "component", "thread", "io", "vmi", "cgroup"]);
    procfs.listing(&mut listing).unwrap();
    let mut group = c.benchmark_group(format!("{} tracked among {}", kept.len() / 2, listing.len()));
    group.bench_function("floor", |b| {
        b.iter_custom(|count| times(count, || read_floor(&procfs, &kept, &mut listing, &mut buffer)));
    });
    group.bench_function("processes", |b| {
        b.iter_custom(|count| times(count, || drop(processes.observe(Moment::now()))));
    });
    group.bench_function("all but PSS", |b| {
        b.iter_custom(|count| times(count, || drop(all.observe(Moment::now()))));
    });
    group.finish();

    // In turns, so that what else runs slows both sides alike.
    let (mut floors, mut passes, mut readings) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        floors.push(times(1, || read_floor(&procfs, &kept, &mut listing, &mut buffer)));
        passes.push(times(1, || drop(processes.observe(Moment::now()))));
        readings.push(times(1, || drop(all.observe(Moment::now()))));
    }
    let (floor, pass, reading) = (median(&mut floors), median(&mut passes), median(&mut readings));
    let ratio = |side: Duration| side.as_secs_f64() / floor.as_secs_f64();
    println!(
        "{} tracked among {} processes, medians of {TURNS} turns: floor {floor:.1?}, processes {pass:.1?} ({:.1}x), \
         all but PSS {reading:.1?} ({:.1}x)",
        kept.len() / 2,
        listing.len(),
        ratio(pass),
        ratio(reading)
    );
}

criterion_group!(benches, readings);
criterion_main!(benches);
