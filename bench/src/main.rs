//! `edgebench`: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use edgebench::cli::Cli;

/// Bad input, or something that can't be done.
const ERROR: u8 = 2;

fn main() -> ExitCode {
    match edgebench::commands::run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Names in an error may hold anything; a terminal must not obey them.
            let text = edgebench::layout::clean_line(&format!("{error:#}"));
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("edgebench: {text}\n").as_bytes());
            ExitCode::from(ERROR)
        }
    }
}
