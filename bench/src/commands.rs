//! What each command does, from its arguments to its exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::CommandFactory;
use edgebench_sampler::ProcFs;
use edgebench_sampler::classify::Trust;
use edgebench_sampler::process::Scratch;
use edgebench_sampler::procfs::Buffer;

use crate::capture::CaptureFile;
use crate::cli::{Cli, Command, CompareArgs, DoctorArgs, FootprintArgs, Format, OutputArgs, roots};
use crate::cluster::Ask;
use crate::comparison::{Comparison, Side};
use crate::footprint::{Fold, Footprint};
use crate::interrupt::Interrupt;
use crate::machine::mismatches;
use crate::measure::{Plan, Recorder, measure};
use crate::progress::Progress;
use crate::remote::client::Client;
use crate::remote::recorder::RemoteRecorder;
use crate::report::{self, Options};
use crate::whole_file::WholeFile;
use crate::{doctor, man, output};

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
        Command::Completions { shell } => {
            // The generator panics where it can't write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "edgebench", &mut script);
            output::write_to(None, |out| out.write_all(&script)).map(|()| ExitCode::SUCCESS)
        }
        Command::Man => output::write_to(None, man::page).map(|()| ExitCode::SUCCESS),
    }
}

fn footprint(arguments: &FootprintArgs) -> Result<ExitCode> {
    let trust = Trust::from(arguments.source.trust);
    // What can fail without measuring fails before it.
    let targets = arguments.save.iter().chain(&arguments.output.output);
    keep_apart(targets.clone(), &arguments.baseline)?;
    let baseline = read_side(&arguments.baseline, trust)?;
    let source = Source::open(arguments)?;
    // From here on no signal ends the program, so that it leaves no half of a file behind.
    let interrupt = Interrupt::install().context("can't watch for Ctrl-C")?;
    for path in targets {
        WholeFile::check(path).with_context(|| format!("{}: can't be written", path.display()))?;
    }
    let plan = Plan {
        samples: arguments.samples,
        interval: arguments.interval,
        label: arguments.label.clone(),
        proportional: !arguments.no_pss,
        trust,
    };
    let cluster = match &source {
        Source::Here(procfs) => arguments.cluster.asker(procfs.host(&mut Buffer::default()).hostname)?,
        // It has asked already.
        Source::Exporter(_) => None,
    };
    let mut file = arguments.save.as_deref().map(CaptureFile::create).transpose()?;
    let mut fold = Fold::new(&arguments.source.procfs);
    let mut progress = Progress::new(&source.name(), plan.samples, plan.interval);
    let interrupted = match &source {
        Source::Here(procfs) => {
            let recorder = Recorder::new(procfs, &plan, &mut fold, file.as_mut())
                .asking(cluster.as_ref().map(|cluster| cluster as &dyn Ask));
            measure(recorder, &plan, &interrupt, &mut progress)?
        }
        Source::Exporter(client) => {
            let recorder = RemoteRecorder::new(client, &plan, &mut fold, file.as_mut());
            measure(recorder, &plan, &interrupt, &mut progress)?
        }
    };
    let saved = file.map(CaptureFile::finish).transpose();
    let capture = fold.footprint(trust)?;
    let side = Side::new(vec![capture]).context("nothing was measured")?;
    if let Some(baseline) = &baseline {
        check_machine(&arguments.output, baseline, &side)?;
    }
    let file = saved.as_ref().ok().and_then(Option::as_ref);
    let options = Options { all: arguments.output.all, saved: file.map(|path| path.display().to_string()) };
    // The figures are printed even where the disk had no room for the capture.
    let written = write(&arguments.output, &options, &[Comparison::new(baseline, side)]);
    match (saved, written) {
        (Err(saved), Err(written)) => return Err(anyhow!("{saved}; {written:#}")),
        (saved, written) => {
            saved?;
            written?;
        }
    }
    Ok(if interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// What is measured.
enum Source {
    Here(ProcFs),
    Exporter(Box<Client>),
}

impl Source {
    fn open(arguments: &FootprintArgs) -> Result<Source> {
        Ok(match arguments.exporter.access() {
            Some(access) => Source::Exporter(Box::new(Client::new(&access)?)),
            None => Source::Here(open(&arguments.source.procfs, arguments.source.sysfs.as_ref())?),
        })
    }

    /// For a progress line.
    fn name(&self) -> String {
        match self {
            Source::Here(procfs) => {
                let host = procfs.host(&mut Scratch::default().buffer);
                host.hostname.unwrap_or_else(|| "this node".to_owned())
            }
            Source::Exporter(client) => client.name().to_owned(),
        }
    }
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
    keep_apart(arguments.output.output.iter(), baseline.iter().chain(&captures))?;
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

/// Refuses to write a file twice, or over one that is read: a capture would be lost.
fn keep_apart<'a>(
    written: impl Iterator<Item = &'a PathBuf>,
    read: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<()> {
    // A file that does not exist yet is known by its name; a device may be named as often as one likes.
    let file = |path: &PathBuf| match path.canonicalize() {
        Ok(path) => path.is_file().then_some(path),
        Err(_) => std::path::absolute(path).ok(),
    };
    let mut taken: Vec<_> = read.into_iter().filter_map(file).collect();
    for path in written {
        match file(path) {
            Some(file) if taken.contains(&file) => bail!(
                "{}: can't be written: this command reads it, or writes it twice; give another name",
                path.display()
            ),
            Some(file) => taken.push(file),
            None => {}
        }
    }
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
    if !output.same_machine {
        return Ok(());
    }
    let first = baseline.shown();
    let name = |capture: &Footprint| capture.capture.file.clone().unwrap_or_else(|| "this run".to_owned());
    for other in baseline.captures.iter().chain(&capture.captures) {
        let found: Vec<_> = mismatches(first, other).iter().map(ToString::to_string).collect();
        if !found.is_empty() {
            bail!("--same-machine: {} and {} differ in {}", name(first), name(other), found.join("; "));
        }
    }
    Ok(())
}

fn write(output: &OutputArgs, options: &Options, comparisons: &[Comparison]) -> Result<()> {
    let path = output.output.as_deref();
    output::write_to(path, |out| match output.format {
        Format::Json => report::json(comparisons, out),
        Format::Csv => report::csv(comparisons, out),
        Format::Sar => report::sar(comparisons, out),
        Format::Html => report::html(comparisons, options, out),
        Format::Table => {
            let document = match comparisons {
                [one] => report::document(one, options),
                several => report::sides(several),
            };
            output::text(&document, path.is_some(), out)
        }
        Format::Markdown => comparisons.iter().enumerate().try_for_each(|(index, comparison)| {
            if index > 0 {
                writeln!(out)?;
            }
            report::markdown(comparison, options, out)
        }),
    })
}
