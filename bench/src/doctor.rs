//! What can be read here, what can't, what figures that costs, and what it takes.
//!
//! What a capability or a mount gives is said in the words of [`edgebench_exporter::permissions`], as in the chart's
//! README: whoever reads this in a pod of the chart finds the same there.

use edgebench_exporter::permissions;
use edgebench_sampler::access::{Access, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, Readable};
use edgebench_sampler::classify::{Trust, classify};
use edgebench_sampler::host::Host;
use edgebench_sampler::pod_cgroup::CgroupVersion;
use edgebench_sampler::process::{Denied, Scratch};
use edgebench_sampler::{ProcFs, ReadError, vm_reading};

use crate::layout::{Block, Document, Line, Tone};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is there.
    Ok,
    /// Something is missing that no column depends on, or that is worth knowing.
    Warn,
    /// A column is missing or an estimate.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it came out.
    pub outcome: Outcome,
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What is lost, and what stands in for it.
    pub lost: Option<String>,
    /// What to do.
    pub fix: Option<String>,
}

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Where, and as whom.
    pub title: String,
    /// What can be read.
    pub reading: Vec<Check>,
    /// What the figures are like here.
    pub figures: Vec<Check>,
}

impl Findings {
    /// Whether no column is missing.
    pub fn all_is_well(&self) -> bool {
        self.count(Outcome::Fail) == 0
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.reading.iter().chain(&self.figures).filter(|check| check.outcome == outcome).count()
    }
}

/// Looks.
///
/// # Errors
/// Where the node can't be measured at all.
pub fn examine(procfs: &ProcFs) -> Result<Findings, ReadError> {
    let mut scratch = Scratch::default();
    procfs.node_reading(0, &mut scratch.buffer)?;
    let access = procfs.access(&mut scratch)?;
    let host = procfs.host(&mut scratch.buffer);
    let pass = procfs.process_pass(&mut scratch)?;
    let classes = classify(&pass.processes, Trust::Any);
    let vms =
        vm_reading::read(procfs, &pass.processes, &classes, false, &mut Denied::new(), &mut scratch.buffer)?;
    let names: Vec<_> = vms.iter().map(|vm| vm.vm.to_string()).collect();
    let user = access.uid.map_or("unknown user".to_owned(), |uid| format!("uid {uid}"));
    let node = host.hostname.clone().unwrap_or_else(|| "this node".to_owned());
    Ok(Findings {
        title: format!(
            "edgebench {} on {node}, {user}, procfs at {}",
            env!("CARGO_PKG_VERSION"),
            procfs.roots().proc.display()
        ),
        reading: vec![
            node_files(&access),
            processes(&access),
            identity(&names),
            proportional(&access),
            io(&access),
            cgroups(&host, &names),
        ],
        figures: figures(&access, &host),
    })
}

fn check(outcome: Outcome, what: &str, found: impl Into<String>) -> Check {
    Check { outcome, what: what.to_owned(), found: found.into(), lost: None, fix: None }
}

fn readable(access: &Access, file: &str) -> Readable {
    access.processes.get(file).copied().unwrap_or_default()
}

fn of_all(readable: Readable) -> String {
    format!("{} of {}", readable.allowed, readable.allowed + readable.denied)
}

fn node_files(access: &Access) -> Check {
    let missing: Vec<_> =
        access.node.iter().filter(|(_, read)| !**read).map(|(name, _)| name.as_str()).collect();
    let there: Vec<_> =
        access.node.iter().filter(|(_, read)| **read).map(|(name, _)| name.as_str()).collect();
    let mut result = check(Outcome::Ok, "node CPU and memory", there.join(", "));
    if missing.contains(&"zoneinfo") {
        result.outcome = Outcome::Warn;
        result.lost =
            Some("pages in per-CPU free lists: they are in the unexplained part of RAM used".into());
        result.fix = Some("mount the host's whole /proc".into());
    }
    result
}

fn processes(access: &Access) -> Check {
    let stat = readable(access, "stat");
    let status = readable(access, "status");
    let mut result = check(Outcome::Ok, "processes: CPU, RES, anonymous", of_all(status));
    if stat.allowed <= 1 {
        result.outcome = Outcome::Warn;
        result.lost = Some(permissions::PROC.lost.into());
        result.fix = Some(format!(
            "--procfs with the host's /proc mounted ({}); where that has hidepid, capability SYS_PTRACE",
            permissions::PROC.value
        ));
    } else if status.denied > 0 {
        result.outcome = Outcome::Fail;
        result.lost = Some("RES, anonymous memory and swap of the others".into());
        result.fix = Some("capability SYS_PTRACE (hidepid=1 denies it)".into());
    }
    result
}

fn identity(vms: &[String]) -> Check {
    match vms {
        [] => check(Outcome::Ok, "VM identity", "no VM here"),
        [one] => {
            check(Outcome::Ok, "VM identity", format!("1 VM: {one} (from its command line, no API needed)"))
        }
        many => check(
            Outcome::Ok,
            "VM identity",
            format!("{} VMs (from their command lines, no API needed)", many.len()),
        ),
    }
}

fn proportional(access: &Access) -> Check {
    let rollup = readable(access, "smaps_rollup");
    let mut result =
        check(Outcome::Ok, "PSS, guest RAM, VM overhead", format!("{} (smaps_rollup)", of_all(rollup)));
    if rollup.denied > 0 {
        result.outcome = Outcome::Fail;
        result.lost = Some(format!(
            "{}; anonymous memory (RssAnon) stands in for PSS in the ledger",
            permissions::SYS_PTRACE.lost
        ));
        result.fix = Some(if access.has(CAP_SYS_PTRACE) {
            "SYS_PTRACE is there: a security module (AppArmor, SELinux) or a user namespace denies it".into()
        } else {
            format!(
                "root, or capability SYS_PTRACE: sudo edgebench …; in a pod of the chart {}",
                permissions::SYS_PTRACE.value
            )
        });
    } else if rollup.allowed == 0 {
        result.outcome = Outcome::Fail;
        result.lost =
            Some("PSS, guest RAM and VM overhead: this kernel has no smaps_rollup (Linux < 4.14)".into());
        result.fix = Some("a newer kernel; the ledger uses anonymous memory (RssAnon)".into());
    }
    result
}

fn io(access: &Access) -> Check {
    let io = readable(access, "io");
    let mut result = check(Outcome::Ok, "I/O bytes", of_all(io));
    if io.denied > 0 {
        // No column of a footprint depends on it.
        result.outcome = Outcome::Warn;
        let (ptrace, search) = (access.has(CAP_SYS_PTRACE), access.has(CAP_DAC_READ_SEARCH));
        result.lost = Some(match search {
            true => "bytes read and written of these processes".into(),
            false => permissions::DAC_READ_SEARCH.lost.into(),
        });
        result.fix = Some(match (ptrace, search) {
            (true, true) => "both capabilities are there: a security module denies it".into(),
            (false, true) => "root, or capability SYS_PTRACE".into(),
            (true, false) => format!(
                "also capability DAC_READ_SEARCH, the file is mode 0400; in a pod of the chart {}",
                permissions::DAC_READ_SEARCH.value
            ),
            (false, false) => "root, or capabilities SYS_PTRACE and DAC_READ_SEARCH".into(),
        });
    }
    result
}

fn cgroups(host: &Host, vms: &[String]) -> Check {
    match host.cgroup {
        Some(version) => {
            let hierarchy = match version {
                CgroupVersion::V2 => "v2, one hierarchy",
                CgroupVersion::V1 => "v1, memory controller mounted",
                CgroupVersion::Hybrid => "v1, with a v2 hierarchy beside it",
            };
            check(Outcome::Ok, "pod working set and limit", hierarchy)
        }
        None => Check {
            outcome: if vms.is_empty() { Outcome::Warn } else { Outcome::Fail },
            lost: Some(permissions::CGROUP.lost.into()),
            fix: Some(format!(
                "mount the host's /sys/fs/cgroup read-only (--sysfs where it is not beside procfs); in a pod of the chart {}",
                permissions::CGROUP.value
            )),
            ..check(
                Outcome::Fail,
                "pod working set and limit",
                "no cgroup hierarchy with a memory controller here",
            )
        },
    }
}

fn figures(access: &Access, host: &Host) -> Vec<Check> {
    let mut checks = Vec::new();
    let pressure = access.node.get("pressure/memory").copied().unwrap_or_default();
    let word = |on: bool| if on { "on" } else { "off" };
    checks.push(check(
        Outcome::Ok,
        "kernel",
        format!(
            "{}, PSI {}, THP {}, KSM {}",
            host.kernel.as_deref().unwrap_or("unknown"),
            word(pressure),
            host.transparent_hugepages.as_deref().unwrap_or("unknown"),
            host.samepage_merging.map_or("unknown", word)
        ),
    ));
    if host.samepage_merging == Some(true) {
        let lost = "pages that KSM merged count once in PSS, but in RES and RssAnon once for each process";
        checks.push(Check { lost: Some(lost.into()), ..check(Outcome::Warn, "KSM", "runs") });
    }
    checks
}

/// What was found, for people.
pub fn document(findings: &Findings) -> Document {
    let mut document = Document::new();
    let mut title = Block::untitled();
    title.line(findings.title.as_str());
    document.push(title);
    for (heading, checks) in [("can read", &findings.reading), ("figures", &findings.figures)] {
        let mut block = Block::new(heading);
        for check in checks {
            block.lines(lines(check));
        }
        document.push(block);
    }
    let mut summary = Block::untitled();
    summary.line(match (findings.count(Outcome::Fail), findings.count(Outcome::Warn)) {
        (0, 0) => "All figures can be measured here.".to_owned(),
        (0, warnings) => format!("All figures can be measured here; warnings: {warnings}."),
        (failed, warnings) => format!(
            "Failed: {failed}, warnings: {warnings}. Without the fixes node and process tables are complete but for the \
             columns named above."
        ),
    });
    document.push(summary);
    document
}

fn lines(check: &Check) -> Vec<Line> {
    let (word, tone) = match check.outcome {
        Outcome::Ok => ("ok  ", Tone::Plain),
        Outcome::Warn => ("warn", Tone::Warning),
        Outcome::Fail => ("FAIL", Tone::Warning),
    };
    let mut lines = vec![Line::new(format!("{word}  {:<31} {}", check.what, check.found)).tone(tone)];
    lines.extend(check.lost.iter().map(|lost| Line::new(format!("        lost: {lost}"))));
    lines.extend(check.fix.iter().map(|fix| Line::new(format!("        fix:  {fix}"))));
    lines
}
