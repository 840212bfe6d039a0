//! `edgebench-exporter`: flags in, exit code out.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use edgebench_exporter::cli::Cli;
use edgebench_exporter::run::run;

/// It could not start.
const ERROR: u8 = 2;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A path in an error may hold anything; a terminal must not obey it.
            let text: String = format!("{error:#}")
                .chars()
                .map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c })
                .collect();
            let _ = writeln!(std::io::stderr(), "edgebench-exporter: {text}");
            ExitCode::from(ERROR)
        }
    }
}
