//! The same figures by `top`, by `smem` and by the kernel itself.
//!
//! `top` prints RES in the smallest unit in which it fits into six columns (procps 4: KiB, else `m`, else
//! `g` with one decimal), from field 2 of `statm`. `smem` sums the lines `Pss` of `smaps`, each of which the
//! kernel has cut to a KiB, so it may be smaller than `smaps_rollup` by a KiB for every mapping.

use std::fs;
use std::process::Command;

/// A row of `top`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Top {
    /// RES as printed.
    pub(crate) resident: String,
    /// %MEM as printed.
    pub(crate) percent: String,
}

/// What `top` says of a process, with sizes in KiB (`k`) or MiB (`m`) where they fit.
pub(crate) fn top(pid: u32, unit: &str) -> Top {
    // A toprc of the user would change columns and units.
    let output = Command::new("top")
        .args(["-b", "-n", "1", "-w", "200", "-e", unit, "-p", &pid.to_string()])
        .env("HOME", "/nonexistent")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words = |line: &str| line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines().map(words).skip_while(|line| line.first().is_none_or(|word| word != "PID"));
    let (heading, row) = (lines.next().unwrap(), lines.next().unwrap());
    let cell = |name: &str| row[heading.iter().position(|word| word == name).unwrap()].clone();
    assert_eq!(cell("PID"), pid.to_string());
    Top { resident: cell("RES"), percent: cell("%MEM") }
}

/// PSS in KiB as `smem` says it.
pub(crate) fn smem_pss_kib(pid: u32) -> u64 {
    let output = Command::new("smem").args(["-H", "-c", "pid pss"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let mut own = rows.filter(|row| row[0] == pid.to_string());
    own.next().unwrap_or_else(|| panic!("smem does not know {pid}"))[1].parse().unwrap()
}

/// A line of a file of `/proc/PID` in KiB: `Pss_Anon` of `smaps_rollup`, `VmPTE` of `status`.
pub(crate) fn kernel_kib(pid: u32, file: &str, name: &str) -> u64 {
    let path = format!("/proc/{pid}/{file}");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let line = text.lines().find(|line| line.split(':').next() == Some(name));
    line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok())
        .unwrap_or_else(|| panic!("{path} has no {name}"))
}

/// The processes whose `comm` is this.
pub(crate) fn pids(comm: &str) -> Vec<u32> {
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    all.filter(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == comm))
        .collect()
}
