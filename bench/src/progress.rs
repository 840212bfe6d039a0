//! One line on a terminal while measuring, and nothing at all in a pipe.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::layout::clean;

/// The line.
pub struct Progress {
    bar: ProgressBar,
    samples: u64,
    interval: Duration,
}

impl Progress {
    /// A line for this many samples of a node, on stderr if that is a terminal.
    pub fn new(node: &str, samples: u64, interval: Duration) -> Progress {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(samples), target);
        // Without this template the bar is only plainer: nothing to fail for.
        if let Ok(style) = ProgressStyle::with_template("Sampling {prefix}  [{bar:30}]  {pos}/{len}  {msg}") {
            bar.set_style(style.progress_chars("##-"));
        }
        bar.set_prefix(clean(node));
        Progress { bar, samples, interval }
    }

    /// This many samples are in; the last of them says `cpu` and `ram` percent.
    pub fn sample(&mut self, done: u64, latest: Option<(f64, f64)>) {
        if self.bar.is_hidden() {
            return;
        }
        let left = (self.samples - done.min(self.samples)) as f64 * self.interval.as_secs_f64();
        let mut message =
            if left < 120.0 { format!("{left:.0} s left") } else { format!("{:.0} min left", left / 60.0) };
        if let Some((cpu, ram)) = latest {
            message += &format!("   cpu {cpu:.2} %  ram {ram:.2} %");
        }
        self.bar.set_message(message);
        self.bar.set_position(done);
    }

    /// Takes the line away.
    pub fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}
