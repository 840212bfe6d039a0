//! What `edgebench footprint` says of this machine now: what it prints, and what it saves.
//!
//! The saved capture holds every process by its number, so that a figure can be held against the files of
//! that very process; the footprint is what the printed tables are made of.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use edgebench::capture::{self, CaptureError, Record, Sink};
use edgebench::footprint::{ComponentRow, Fold, Footprint, Group, VmRow};
use edgebench_sampler::classify::Trust;
use edgebench_sampler::node::NodeReading;
use edgebench_sampler::process::{ProcessMemory, ProcessSample};
use edgebench_tests::binaries;
use tempfile::TempDir;

/// One sample of this machine.
pub(crate) struct Measured {
    /// What was printed.
    pub(crate) text: String,
    /// The figures.
    pub(crate) footprint: Footprint,
    records: Records,
}

#[derive(Default)]
struct Records {
    processes: BTreeMap<u32, ProcessSample>,
    last: Option<NodeReading>,
}

impl Sink for Records {
    fn record(&mut self, record: Record) -> Result<(), CaptureError> {
        match record {
            Record::Process(process) => {
                self.processes.insert(process.id.pid.0, *process);
            }
            Record::Reading(reading) => self.last = Some(*reading),
            _ => {}
        }
        Ok(())
    }
}

/// Measures as the user who runs the test.
pub(crate) fn now() -> Measured {
    let dir = tempfile::tempdir().unwrap();
    let capture = dir.path().join("capture.json");
    let mut command = Command::new(binaries::edgebench());
    measured(command.args(FOOTPRINT).args(AT_ONCE).arg("--save").arg(&capture), &capture)
}

/// Measures one sample of this length, while something is done.
pub(crate) fn during(interval: &str, act: impl FnOnce()) -> Measured {
    let dir = tempfile::tempdir().unwrap();
    let capture = dir.path().join("capture.json");
    let mut command = Command::new(binaries::edgebench());
    command.args(FOOTPRINT).args(["--interval", interval]).arg("--save").arg(&capture);
    std::thread::scope(|scope| {
        let measured = scope.spawn(|| measured(&mut command, &capture));
        act();
        measured.join().unwrap()
    })
}

/// One sample, and every row.
const FOOTPRINT: [&str; 4] = ["footprint", "--samples", "1", "--all"];
/// A short one: what is measured here is at rest.
const AT_ONCE: [&str; 2] = ["--interval", "50ms"];

fn measured(command: &mut Command, capture: &Path) -> Measured {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut records = Records::default();
    capture::read(capture, &mut records).unwrap();
    let footprint = Fold::file(capture, Trust::Any).unwrap();
    let measured = Measured { text, footprint, records };
    measured.closes();
    measured
}

/// A copy of `edgebench` where every user can run it, and a directory where every user may write.
pub(crate) struct Program {
    dir: TempDir,
}

impl Program {
    /// The copy.
    pub(crate) fn new() -> Program {
        let dir = tempfile::tempdir().unwrap();
        let everybody = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        everybody(dir.path());
        let program = Program { dir };
        fs::copy(binaries::edgebench(), program.path()).unwrap();
        everybody(&program.path());
        program
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("edgebench")
    }

    /// It, as a user without any privilege: nobody (65534), in no other group.
    fn as_nobody(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(self.path());
        command
    }

    /// Measures as nobody; `source` says where to read, if not on this machine.
    pub(crate) fn measured_as_nobody(&self, source: &[&str]) -> Measured {
        let capture = self.dir.path().join("capture-of-nobody.json");
        let mut command = self.as_nobody();
        command.args(FOOTPRINT).args(AT_ONCE).args(source).arg("--save").arg(&capture);
        measured(&mut command, &capture)
    }

    /// `edgebench doctor` as nobody.
    pub(crate) fn doctor_as_nobody(&self, source: &[&str]) -> Output {
        self.as_nobody().arg("doctor").args(source).output().unwrap()
    }
}

impl Measured {
    /// The row of a component, or of the processes of this `comm`.
    pub(crate) fn row(&self, name: &str) -> &ComponentRow {
        let row = self.footprint.components.iter().find(|row| row.component == name);
        row.unwrap_or_else(|| panic!("no row `{name}` in:\n{}", self.text))
    }

    /// PSS of a row in KiB, which must have been read of every process.
    pub(crate) fn pss_kib(&self, name: &str) -> u64 {
        match self.row(name).proportional {
            edgebench::footprint::Proportion::Exact(bytes) => bytes.kib(),
            other => panic!("PSS of {name} is {other:?}"),
        }
    }

    /// What RAM used holds for the processes of a row, in KiB.
    pub(crate) fn charge_kib(&self, name: &str) -> i64 {
        let parts = self.footprint.memory.parts.iter();
        parts.filter(|(key, _)| key.name == name).map(|(_, kib)| *kib).sum()
    }

    /// A part of RAM used in KiB; nothing where there is none of it.
    pub(crate) fn part_kib(&self, group: Group, name: &str) -> i64 {
        let parts = self.footprint.memory.parts.iter();
        parts.filter(|(key, _)| key.group == group && key.name == name).map(|(_, kib)| *kib).sum()
    }

    /// What no part of RAM used holds, in KiB.
    pub(crate) fn unexplained_kib(&self) -> i64 {
        self.part_kib(Group::Unexplained, "")
    }

    /// RAM used by both formulas in KiB: sar's, and what is not available.
    pub(crate) fn used_kib(&self) -> [i64; 2] {
        [self.footprint.memory.used_kib, self.footprint.node.memory_unavailable_kib.round() as i64]
    }

    /// The last reading of the node.
    pub(crate) fn node(&self) -> &NodeReading {
        self.records.last.as_ref().unwrap()
    }

    /// A process that was there.
    pub(crate) fn process(&self, pid: u32) -> &ProcessSample {
        self.records.processes.get(&pid).unwrap_or_else(|| panic!("process {pid} is not in the capture"))
    }

    /// The memory of a process that was there.
    pub(crate) fn memory(&self, pid: u32) -> &ProcessMemory {
        self.process(pid).memory.as_ref().unwrap_or_else(|| panic!("process {pid} holds no memory"))
    }

    /// A row of the VM table.
    pub(crate) fn vm(&self, name: &str) -> &VmRow {
        let vm = self.footprint.vms.iter().find(|vm| vm.full_name() == name);
        vm.unwrap_or_else(|| panic!("no VM `{name}` in:\n{}", self.text))
    }

    /// The printed cell of the row that begins with `row`, below the heading `column`. Columns of numbers end
    /// where their heading ends.
    pub(crate) fn printed(&self, row: &str, column: &str) -> &str {
        let lines: Vec<_> = self.text.lines().collect();
        let at = lines.iter().position(|line| line.trim_start().split("  ").next() == Some(row));
        let at = at.unwrap_or_else(|| panic!("no row `{row}` in:\n{}", self.text));
        let end_of = |heading: &&str| {
            let end = heading.find(&format!(" {column}"))? + 1 + column.len();
            (end == heading.len() || heading[end..].starts_with("  ")).then_some(end)
        };
        let end = lines[..at].iter().rev().find_map(end_of);
        let end = end.unwrap_or_else(|| panic!("no column `{column}` in:\n{}", self.text));
        lines[at][..end].rsplit(' ').next().unwrap()
    }

    /// What is printed below "Notes", in one line.
    pub(crate) fn notes(&self) -> String {
        let notes = self.text.lines().skip_while(|line| *line != "Notes").take_while(|line| !line.is_empty());
        notes.map(str::trim).collect::<Vec<_>>().join(" ")
    }

    /// Both ledgers sum to what they explain, to the KiB and to the tick.
    fn closes(&self) {
        let (memory, cpu) = (&self.footprint.memory, &self.footprint.cpu);
        assert_eq!(memory.parts.values().sum::<i64>(), memory.used_kib, "the parts of RAM used");
        assert_eq!(cpu.parts.values().sum::<i64>(), cpu.used_ticks, "the parts of CPU used");
    }
}
