//! The guest's second serial line, on which it is told what to do.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Emulated on a busy machine it boots in a minute.
const PATIENCE: Duration = Duration::from_secs(300);

/// A line to a guest that is up.
#[derive(Debug)]
pub(super) struct Console {
    line: BufReader<UnixStream>,
}

impl Console {
    /// Waits until the guest says that it is up.
    pub(super) fn open(socket: &Path) -> io::Result<Console> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut console = Console { line: BufReader::new(stream) };
        console.expect("ready")?;
        Ok(console)
    }

    /// Has it fill so many MiB of its memory.
    pub(super) fn fill(&mut self, mib: u64) -> io::Result<()> {
        writeln!(self.line.get_mut(), "fill {mib}")?;
        self.expect(&format!("filled {mib}"))
    }

    fn expect(&mut self, answer: &str) -> io::Result<()> {
        let mut line = String::new();
        self.line.read_line(&mut line)?;
        if line.trim_end() == answer {
            return Ok(());
        }
        Err(io::Error::other(format!("the guest says {line:?}, not {answer:?}")))
    }
}
