//! What each command does, from its arguments to its exit code.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::CommandFactory;
use edgebench_sampler::ProcFs;
use edgebench_sampler::classify::Trust;
use edgebench_sampler::process::Scratch;

use crate::capture::CaptureFile;
use crate::cli::{Cli, Command, CompareArgs, DoctorArgs, FootprintArgs, Format, OutputArgs, roots};
use crate::comparison::{Comparison, Side};
use crate::footprint::{Fold, Footprint};
use crate::interrupt::Interrupt;
use crate::machine::mismatches;
use crate::measure::{Plan, Recorder, measure};
use crate::progress::Progress;
use crate::report::{self, Options};
use crate::{doctor, output};

/// Stopped by a signal, as shells say it: 128 + SIGINT.
const INTERRUPTED: u8 = 130;
/// Some figures are missing here.
const SOME_MISSING: u8 = 1;

/// Runs a command.
///
/// # Errors
/// Where it can't be done; nothing is left half written then.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Footprint(arguments) => footprint(&arguments),
        Command::Compare(arguments) => compare(&arguments),
        Command::Doctor(arguments) => examine(&arguments),
        Command::Completions { shell } => output::write_to(None, |out| {
            clap_complete::generate(shell, &mut Cli::command(), "edgebench", &mut QuietPipe(out));
            Ok(())
        })
        .map(|()| ExitCode::SUCCESS),
        Command::Man => {
            output::write_to(None, |out| clap_mangen::Man::new(Cli::command()).render(&mut &mut *out))
                .map(|()| ExitCode::SUCCESS)
        }
    }
}

fn footprint(arguments: &FootprintArgs) -> Result<ExitCode> {
    let trust = Trust::from(arguments.source.trust);
    // What can fail without measuring fails before it.
    let baseline = read_side(&arguments.baseline, trust)?;
    let procfs = open(&arguments.source.procfs, arguments.source.sysfs.as_ref())?;
    let mut file = arguments.save.as_deref().map(CaptureFile::create).transpose()?;
    if let Some(path) = &arguments.output.output {
        writable(path)?;
    }
    let plan = Plan {
        samples: arguments.samples,
        interval: arguments.interval,
        label: arguments.label.clone(),
        proportional: !arguments.no_pss,
        trust,
    };
    let interrupt = Interrupt::install().context("can't watch for Ctrl-C")?;
    let mut fold = Fold::new(&arguments.source.procfs);
    let host = procfs.host(&mut Scratch::default().buffer);
    let mut progress =
        Progress::new(host.hostname.as_deref().unwrap_or("this node"), plan.samples, plan.interval);
    let recorder = Recorder::new(&procfs, &plan, &mut fold, file.as_mut());
    let interrupted = measure(recorder, &interrupt, &mut progress)?;
    let saved = file.map(CaptureFile::finish).transpose()?;
    let capture = fold.footprint(trust)?;
    let side = Side::new(vec![capture]).context("nothing was measured")?;
    if let Some(baseline) = &baseline {
        check_machine(&arguments.output, baseline, &side)?;
    }
    let options = Options { all: arguments.output.all, saved: saved.map(|path| path.display().to_string()) };
    write(&arguments.output, &options, &[Comparison::new(baseline, side)])?;
    Ok(if interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

fn compare(arguments: &CompareArgs) -> Result<ExitCode> {
    let trust = Trust::from(arguments.trust);
    let (baseline, captures) = match (arguments.baseline.as_slice(), arguments.with.as_slice()) {
        ([baseline, capture], []) => (vec![baseline.clone()], vec![capture.clone()]),
        (_, []) => bail!(
            "which of these is the capture? Give two files, BASELINE and CAPTURE, or name the captures: \
             edgebench compare BASELINE… --with CAPTURE…"
        ),
        (baseline, with) => (baseline.to_vec(), with.to_vec()),
    };
    let baseline = read_side(&baseline, trust)?.context("no baseline was given")?;
    let sides = sides(read_all(&captures, trust)?);
    for side in &sides {
        check_machine(&arguments.output, &baseline, side)?;
    }
    let comparisons: Vec<_> =
        sides.into_iter().map(|side| Comparison::new(Some(baseline.clone()), side)).collect();
    let options = Options { all: arguments.output.all, saved: None };
    write(&arguments.output, &options, &comparisons)?;
    Ok(ExitCode::SUCCESS)
}

fn examine(arguments: &DoctorArgs) -> Result<ExitCode> {
    let procfs = open(&arguments.procfs, arguments.sysfs.as_ref())?;
    let findings = doctor::examine(&procfs)?;
    output::write_to(None, |out| output::text(&doctor::document(&findings), false, out))?;
    Ok(if findings.all_is_well() { ExitCode::SUCCESS } else { ExitCode::from(SOME_MISSING) })
}

fn open(procfs: &Path, sysfs: Option<&PathBuf>) -> Result<ProcFs> {
    ProcFs::open(roots(procfs, sysfs)).with_context(|| {
        format!("{} is no procfs that can be read: give --procfs the mount point of one", procfs.display())
    })
}

fn writable(path: &Path) -> Result<()> {
    let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        bail!("{}: can't be written: it is a directory", path.display());
    }
    tempfile::tempfile_in(directory).with_context(|| format!("{}: can't be written", path.display()))?;
    Ok(())
}

fn read_all(files: &[PathBuf], trust: Trust) -> Result<Vec<Footprint>> {
    files.iter().map(|path| Ok(Fold::file(path, trust)?)).collect()
}

/// Captures of one side, whatever their labels; nothing for no files.
fn read_side(files: &[PathBuf], trust: Trust) -> Result<Option<Side>> {
    Ok(Side::new(read_all(files, trust)?))
}

/// Captures by label; one without a label is a side of its own.
fn sides(captures: Vec<Footprint>) -> Vec<Side> {
    let mut groups: Vec<Vec<Footprint>> = Vec::new();
    for capture in captures {
        let label = capture.capture.label.clone();
        let same = groups.iter_mut().find(|group| label.is_some() && group[0].capture.label == label);
        match same {
            Some(group) => group.push(capture),
            None => groups.push(vec![capture]),
        }
    }
    groups.into_iter().filter_map(Side::new).collect()
}

fn check_machine(output: &OutputArgs, baseline: &Side, capture: &Side) -> Result<()> {
    let found: Vec<_> =
        mismatches(baseline.shown(), capture.shown()).iter().map(ToString::to_string).collect();
    if output.same_machine && !found.is_empty() {
        bail!("--same-machine: {} and {} differ in {}", baseline.name, capture.name, found.join("; "));
    }
    Ok(())
}

fn write(output: &OutputArgs, options: &Options, comparisons: &[Comparison]) -> Result<()> {
    let path = output.output.as_deref();
    output::write_to(path, |out| {
        match output.format {
            Format::Table if comparisons.len() > 1 => {
                return output::text(&report::sides(comparisons), path.is_some(), out);
            }
            Format::Json => return report::json(comparisons, out),
            Format::Csv => return report::csv(comparisons, out),
            Format::Table | Format::Markdown | Format::Sar => {}
        }
        for (index, comparison) in comparisons.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            match output.format {
                Format::Markdown => report::markdown(comparison, options, out)?,
                Format::Sar => report::sar(comparison, out)?,
                _ => output::text(&report::document(comparison, options), path.is_some(), out)?,
            }
        }
        Ok(())
    })
}

/// The completion generator panics when it can't write; a closed pipe must not be a panic.
struct QuietPipe<'a>(&'a mut dyn Write);

impl Write for QuietPipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
