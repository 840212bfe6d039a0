//! Loads the series of a fleet into a real Prometheus, has it evaluate the recording rules, and prints how long each
//! panel of the dashboard Fleet takes to be answered:
//!
//! ```text
//! measure-fleet [NODES [VMS-PER-NODE [HOURS]]]
//! ```
//!
//! 1000 nodes with 30 VMs each are 426,000 series; 24 hours of them take 4 GiB in the directory for temporary files and
//! half an hour, two hours of them seven minutes. It is started by `dashboards/scripts/fleet`.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use edgebench_tests::fleet::{Fleet, draw};
use edgebench_tests::prometheus::{Prometheus, Setup};
use edgebench_tests::rules;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "measure-fleet: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let mut argument = |default: u64| match arguments.next() {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| io::Error::other(format!("{text:?} is no number"))),
    };
    let (nodes, vms, hours) = (argument(1000)?, argument(30)?, argument(24)?);
    let directory = tempfile::Builder::new().prefix("edgebench-fleet-").tempdir()?;
    let data = directory.path().join("data");
    let mut out = io::stdout();

    let begun = Instant::now();
    let fleet = Fleet { nodes, vms, hours, now: now() };
    let written = fleet.load(directory.path(), &data, |text| {
        let _ = writeln!(io::stderr(), "loading: {text}, {:.0} s", begun.elapsed().as_secs_f64());
    })?;
    writeln!(
        out,
        "{nodes} nodes with {vms} VMs each, {hours} h: {} series, {} samples, loaded in {:.0} s",
        written.series,
        written.samples,
        begun.elapsed().as_secs_f64()
    )?;

    let files = ["recording.yaml", "alerts.yaml"].map(|file| rules::directory().join(file));
    let setup = Setup { rules: &files, evaluation: Some("1m"), data: Some(&data), ..Setup::default() };
    let prometheus = Prometheus::start_with(&setup);
    // Groups are made from each other's results; that of growth is due once an hour.
    std::thread::sleep(Duration::from_secs(200));
    writeln!(out, "\nrules, seconds of the last evaluation of each group")?;
    for group in prometheus.evaluated() {
        writeln!(out, "{:8.3}  {}", group.seconds, group.group)?;
        for error in group.errors {
            writeln!(out, "          {error}")?;
        }
    }
    for round in ["cold", "again"] {
        writeln!(out, "\npanels, {round}: seconds, samples of each query")?;
        let drawn = draw(&prometheus, now());
        for panel in &drawn {
            writeln!(out, "{:8.3}  {}  {:?}", panel.seconds, panel.panel, panel.samples)?;
        }
        writeln!(out, "{:8.3}  all of them", drawn.iter().map(|panel| panel.seconds).sum::<f64>())?;
    }
    Ok(())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
