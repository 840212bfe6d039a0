//! Runs what the dashboards are to show, and draws them:
//!
//! ```text
//! dashboard-pictures record FILE    runs for ten minutes, as root, and keeps what Prometheus answers
//! dashboard-pictures draw FILE DIR  writes a page for each picture into DIR, and says how large it is
//! ```
//!
//! It is started by `dashboards/scripts/pictures`, which has Chromium make pictures of the pages.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it is built on test support, and run by hand"
)]

mod runs;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use edgebench_tests::dashboards;
use edgebench_tests::pictures::{Extract, Recorded, Theme, page};

/// Which lines of which dashboard: file, picture, lines of its grid.
const PICTURES: &[(&str, &str, std::ops::Range<u64>)] = &[
    ("node-footprint.json", "node-footprint", 0..43),
    ("vm-cost.json", "vm-cost", 0..46),
    ("fleet.json", "fleet", 0..50),
    ("exporter.json", "exporter", 0..45),
];
const WIDTH: u32 = 1200;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["record", file] => record(Path::new(file)),
        ["draw", file, directory] => draw(Path::new(file), Path::new(directory)),
        _ => Err(io::Error::other("usage: dashboard-pictures record FILE | draw FILE DIR")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "dashboard-pictures: {error}");
            ExitCode::from(2)
        }
    }
}

fn record(file: &Path) -> io::Result<()> {
    let say = |text: &str| {
        let _ = writeln!(io::stderr(), "{text}");
    };
    let recorded = [runs::node(&say), runs::vm(&say), runs::fleet(&say)?].concat();
    fs::write(file, serde_json::to_vec(&recorded)?)
}

fn draw(file: &Path, directory: &Path) -> io::Result<()> {
    let recorded: Vec<Recorded> = serde_json::from_slice(&fs::read(file)?)?;
    let mut out = io::stdout();
    for (file, picture, lines) in PICTURES {
        let dashboard =
            dashboards::all().into_iter().find(|dashboard| dashboard.file == *file).expect("a dashboard");
        let recorded = recorded.iter().find(|recorded| recorded.file == *file);
        let recorded = recorded.ok_or_else(|| io::Error::other(format!("{file} was not recorded")))?;
        let extract = Extract { lines: lines.clone(), width: WIDTH };
        for theme in [Theme::Light, Theme::Dark] {
            let name = format!("{picture}-{}", theme.name());
            fs::write(directory.join(format!("{name}.html")), page(&dashboard, recorded, &extract, theme))?;
            writeln!(out, "{name} {WIDTH} {}", extract.height(&dashboard))?;
        }
    }
    Ok(())
}
