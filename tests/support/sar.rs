//! Readings of `/proc/stat` and `/proc/meminfo`, step by step, and what the real sar said of them.
//!
//! A scenario is `fixtures/sar/NAME.steps`: lines of the two files as the kernel prints them, in each step
//! those that changed, in the first one those that differ from `NODE`. `without KEY` takes a line out: a CPU
//! that goes offline takes its line with it, an older kernel has no `MemAvailable`.
//!
//! `golden/sar/NAME.txt` is what `sar 1 N` and `sar -r 1 N` of sysstat 12.6.1 printed while the files went
//! through these steps, one a second. `live_sar.rs` runs them, and writes the goldens anew with
//! `UPDATE_GOLDEN=1`; `sar.rs` compares on any machine.

use std::fs;
use std::path::{Path, PathBuf};

/// Files of a node that change from second to second.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name of its file.
    pub name: String,
    /// What is read at the start, and then at the end of each second.
    pub readings: Vec<Reading>,
}

/// What the two files hold at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `/proc/stat`
    pub stat: String,
    /// `/proc/meminfo`
    pub meminfo: String,
}

/// The environment in which sar prints 24 hours and no colours, wherever it runs.
pub const PLAIN: [(&str, &str); 3] = [("LC_ALL", "C"), ("S_TIME_FORMAT", "ISO"), ("S_COLORS", "never")];

impl Scenario {
    /// Every scenario there is, by name.
    pub fn all() -> Vec<Scenario> {
        let dir = beside_the_manifest("fixtures/sar");
        let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        let mut scenarios: Vec<_> = entries
            .map(|entry| entry.expect("an entry of the scenarios").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "steps"))
            .map(|path| Scenario::open(&path))
            .collect();
        scenarios.sort_by(|a, b| a.name.cmp(&b.name));
        scenarios
    }

    /// The scenario of this name.
    pub fn named(name: &str) -> Scenario {
        Scenario::open(&beside_the_manifest(&format!("fixtures/sar/{name}.steps")))
    }

    fn open(path: &Path) -> Scenario {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.file_stem().expect("it was just read").to_string_lossy().into_owned();
        let readings = readings(&text).unwrap_or_else(|what| panic!("{}: {what}", path.display()));
        Scenario { name, readings }
    }

    /// The N of `sar 1 N`: readings after the first.
    pub fn samples(&self) -> usize {
        self.readings.len() - 1
    }

    /// Where sar's words are kept, below `golden`.
    pub fn golden_name(&self) -> String {
        format!("sar/{}.txt", self.name)
    }

    /// What sar said, as [`told_from_the_start`].
    ///
    /// # Panics
    /// If that has not been written yet.
    pub fn golden(&self) -> String {
        let path = beside_the_manifest("golden").join(self.golden_name());
        fs::read_to_string(&path).unwrap_or_else(|e| {
            panic!("{}: {e}; UPDATE_GOLDEN=1 makes the live test live_sar write it", path.display())
        })
    }
}

fn beside_the_manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The node that every scenario begins with: two CPUs, 8 GB.
///
/// The line `cpu` stands still: sar adds up the others.
const NODE: &str = "\
cpu  1 2 3 4 5 6 7 8 9 10
cpu0 1000 0 500 8000 100 0 0 0 0 0
cpu1 1000 0 500 8000 100 0 0 0 0 0
ctxt 1
btime 1700000000
processes 1
MemTotal:        8000000 kB
MemFree:         5000000 kB
MemAvailable:    6500000 kB
Buffers:          100000 kB
Cached:          1600000 kB
Slab:             300000 kB
Active:           700000 kB
Inactive:         900000 kB
SwapTotal:       2000000 kB
SwapFree:        2000000 kB
Dirty:               200 kB
AnonPages:        800000 kB
Committed_AS:    1500000 kB
";

/// The lines of both files, by key; a line that is out has its place all the same.
type Lines = Vec<(String, Option<String>)>;

fn readings(text: &str) -> Result<Vec<Reading>, String> {
    let mut readings = Vec::new();
    let mut lines: Lines =
        NODE.lines().map(|line| (key(line).to_owned(), Some(format!("{line}\n")))).collect();
    for (index, line) in text.lines().map(str::trim_end).enumerate() {
        let at = |what: &str| format!("line {}: {what}", index + 1);
        let Some(word) = line.split_ascii_whitespace().next().filter(|word| !word.starts_with('#')) else {
            continue;
        };
        match word {
            "step" => {
                let number = line["step".len()..].split(':').next().unwrap_or_default().trim();
                if number.parse() != Ok(readings.len()) {
                    return Err(at(&format!("step {} comes here", readings.len())));
                }
                readings.push(Reading { stat: String::new(), meminfo: String::new() });
            }
            _ if readings.is_empty() => return Err(at("no step has begun")),
            "without" => set(&mut lines, line["without".len()..].trim(), None),
            _ => set(&mut lines, key(line), Some(format!("{line}\n"))),
        }
        if let Some(reading) = readings.last_mut() {
            *reading = reading_of(&lines);
        }
    }
    if readings.len() < 2 {
        return Err("it takes two steps to make a sample".to_owned());
    }
    Ok(readings)
}

/// The first word of a line, without the colon of `meminfo`.
fn key(line: &str) -> &str {
    line.split_ascii_whitespace().next().unwrap_or_default().trim_end_matches(':')
}

fn set(lines: &mut Lines, key: &str, line: Option<String>) {
    match lines.iter_mut().find(|(known, _)| known == key) {
        Some(entry) => entry.1 = line,
        None => lines.push((key.to_owned(), line)),
    }
}

fn reading_of(lines: &Lines) -> Reading {
    let there = || lines.iter().filter_map(|(_, line)| line.as_deref());
    Reading {
        stat: there().filter(|line| !line.contains(':')).collect(),
        meminfo: there().filter(|line| line.contains(':')).collect(),
    }
}

/// What `sar 1 N` and `sar -r 1 N` printed, without what changes from run to run: the banner is left out
/// (kernel, host name, date), and the clock starts at 00:00:00.
///
/// # Panics
/// If that is not a banner, a heading, N rows and an average each.
pub fn told_from_the_start(cpu: &str, memory: &str, samples: usize) -> String {
    let [cpu, memory] = [cpu, memory].map(|printed| {
        let lines: Vec<_> = printed.lines().collect();
        let is_whole = lines.len() == samples + 4
            && lines[0].starts_with("Linux ")
            && lines[1].is_empty()
            && lines[samples + 3].starts_with("Average:");
        assert!(is_whole, "sar printed no banner, heading, {samples} rows and average:\n{printed}");
        let mut told = String::new();
        for (second, row) in lines[2..samples + 3].iter().enumerate() {
            told += &format!("{}{}\n", clock(second), &row[CLOCK..]);
        }
        told + lines[samples + 3] + "\n"
    });
    format!("{cpu}\n{memory}")
}

/// Width of `HH:MM:SS`.
const CLOCK: usize = 8;

/// The clock of a row, so many seconds after the start.
pub fn clock(second: usize) -> String {
    format!("00:{:02}:{:02}", second / 60, second % 60)
}

/// The `Average:` lines, in their order.
pub fn averages(printed: &str) -> Vec<&str> {
    printed.lines().filter(|line| line.starts_with("Average:")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_what_changed() {
        let text = "\
# A comment.
step 0: the start
cpu0 1
without cpu1
MemFree: 7 kB

step 1: the second CPU comes
cpu1 5
step 2: the first one goes
without cpu0
MemFree: 8 kB
";
        let readings = readings(text).unwrap();
        let cpus = |reading: &Reading| -> Vec<String> {
            let rows = reading.stat.lines().filter(|line| line.starts_with("cpu"));
            rows.skip(1).map(str::to_owned).collect()
        };
        assert_eq!(
            readings.iter().map(cpus).collect::<Vec<_>>(),
            [vec!["cpu0 1"], vec!["cpu0 1", "cpu1 5"], vec!["cpu1 5"]]
        );
        let free = |reading: &Reading| reading.meminfo.lines().nth(1).map(str::to_owned);
        assert_eq!(
            readings.iter().filter_map(free).collect::<Vec<_>>(),
            ["MemFree: 7 kB", "MemFree: 7 kB", "MemFree: 8 kB"]
        );
    }

    #[test]
    fn a_step_out_of_order_is_refused() {
        assert_eq!(readings("step 0\ncpu 1\nstep 2\n"), Err("line 3: step 1 comes here".to_owned()));
        assert_eq!(readings("cpu 1\n"), Err("line 1: no step has begun".to_owned()));
        assert_eq!(readings("step 0\ncpu 1\n"), Err("it takes two steps to make a sample".to_owned()));
    }
}
