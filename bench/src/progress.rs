//! One line on a terminal while measuring, and nothing at all in a pipe.
//!
//! The cursor stays behind the line, and the line ends before the edge of the terminal: there a terminal
//! shows `^C`, and what has wrapped can't be taken away again.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::layout::clean;

/// Back to the first column, and erase the line (ECMA-48: CR, EL 2).
const ERASE: &str = "\r\x1b[2K";
/// Columns for `^C`.
const FREE: usize = 3;
/// Length of the bar, as far as there is room.
const BAR: usize = 30;
const SHORTEST_BAR: usize = 5;
/// The longest `   cpu 4.21 %  ram 38.69 %`.
const FIGURES: usize = 29;
/// More often than this nobody can read it.
const LEAST: Duration = Duration::from_millis(50);

/// The line.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
    drawn: Option<Instant>,
    node: String,
    samples: u64,
    interval: Duration,
}

impl Progress {
    /// A line for this many samples of a node, on stderr if that is a terminal.
    pub fn new(node: &str, samples: u64, interval: Duration) -> Progress {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_shown = std::io::stderr().is_terminal() && !is_dumb;
        Progress { is_shown, drawn: None, node: clean(node), samples, interval }
    }

    /// This many samples are in; the last of them says `cpu` and `ram` percent.
    pub fn sample(&mut self, done: u64, latest: Option<(f64, f64)>) {
        if !self.is_shown || self.drawn.is_some_and(|drawn| drawn.elapsed() < LEAST) {
            return;
        }
        let size = terminal_size::terminal_size_of(std::io::stderr());
        let line = self.line(done, latest, size.map_or(80, |(columns, _)| usize::from(columns.0)));
        self.drawn = Some(Instant::now());
        // A terminal that is gone needs no progress.
        let _ = std::io::stderr().write_all(format!("{ERASE}{line}").as_bytes());
    }

    /// Takes the line away.
    pub fn finish(&mut self) {
        if self.drawn.take().is_some() {
            let _ = std::io::stderr().write_all(ERASE.as_bytes());
        }
    }

    fn line(&self, done: u64, latest: Option<(f64, f64)>, columns: usize) -> String {
        let done = done.min(self.samples);
        let left = |samples: u64| {
            let seconds = samples as f64 * self.interval.as_secs_f64();
            if seconds < 120.0 {
                format!("{seconds:.0} s left")
            } else {
                format!("{:.0} min left", seconds / 60.0)
            }
        };
        let node: String = self.node.chars().take(columns / 4).collect();
        let count = self.samples.to_string().len();
        // Of the longest line of this run, so that the bar keeps its length.
        let frame = format!("Sampling {node}  []  {0}/{0}  {1}", "9".repeat(count), left(self.samples));
        let room = columns.saturating_sub(frame.chars().count() + FREE);
        let figures = latest.filter(|_| room >= FIGURES + SHORTEST_BAR);
        let bar = if room >= FIGURES + SHORTEST_BAR { room - FIGURES } else { room }.min(BAR);
        let filled = (bar as f64 * done as f64 / self.samples.max(1) as f64) as usize;
        let bar = "#".repeat(filled) + &"-".repeat(bar - filled);
        let figures = figures.map(|(cpu, ram)| format!("   cpu {cpu:.2} %  ram {ram:.2} %"));
        let line = format!(
            "Sampling {node}  [{bar}]  {done:>count$}/{}  {}{}",
            self.samples,
            left(self.samples - done),
            figures.unwrap_or_default()
        );
        line.chars().take(columns.saturating_sub(FREE)).collect()
    }
}

impl Drop for Progress {
    /// What follows may be an error.
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_left() {
        let progress = Progress::new("edge-0417", 10, Duration::from_secs(1));
        assert_eq!(
            progress.line(6, Some((4.21, 38.69)), 100),
            "Sampling edge-0417  [################------------]   6/10  4 s left   cpu 4.21 %  ram 38.69 %"
        );
        assert_eq!(
            progress.line(10, Some((4.21, 38.69)), 80),
            "Sampling edge-0417  [########]  10/10  0 s left   cpu 4.21 %  ram 38.69 %"
        );
        assert_eq!(progress.line(0, None, 60), "Sampling edge-0417  [-----------------]   0/10  10 s left");
    }

    #[test]
    fn the_line_leaves_room_at_the_edge() {
        for (samples, interval) in [(1, 1), (10, 1), (3600, 1), (100_000, 60)] {
            for node in ["n", "edge-0417", &"long-".repeat(50)] {
                let progress = Progress::new(node, samples, Duration::from_secs(interval));
                for columns in [60, 80, 100, 200] {
                    for done in [0, 1, samples / 2, samples, samples + 1] {
                        let line = progress.line(done, Some((100.0, 100.0)), columns);
                        assert!(line.len() + FREE <= columns, "{columns} columns: {line}");
                    }
                }
            }
        }
    }
}
