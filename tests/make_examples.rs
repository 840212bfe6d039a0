//! Writes the captures in `bench/examples`, or into the directory that is named:
//!
//! ```text
//! make-examples [DIR]
//! ```
//!
//! They come from the fixtures, with the moment they were captured at, and gzip gets no time of its own: two
//! runs write the same bytes.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use edgebench_tests::examples::{self, EXAMPLES};

fn main() -> ExitCode {
    let directory = env::args_os().nth(1).map_or_else(examples::directory, PathBuf::from);
    for (name, phase) in EXAMPLES {
        let path = directory.join(name);
        if let Err(error) = examples::write(phase, &path) {
            let _ = writeln!(io::stderr(), "make-examples: {error}");
            return ExitCode::from(2);
        }
        let _ = writeln!(io::stdout(), "{}", path.display());
    }
    ExitCode::SUCCESS
}
