//! The real sar and edgebench on the same prepared readings, second by second.
//!
//! `sar 1 N`, `sar -r 1 N` and `edgebench footprint --samples N` start together, each in a mount namespace of
//! its own with its own copy of the two files over `/proc/stat` and `/proc/meminfo` (sar's collector inherits
//! the namespace). All copies step together, about half a second after the last of the three has read.
//!
//! That nobody missed a step, or saw one twice, is known from the files themselves: inotify tells of every
//! open and close, for one copy has one reader. A step is kept only if each of the three opened and closed
//! its files exactly once in it, and nobody while they were being rewritten; in the first step more is fine,
//! the last counts (edgebench looks at both files before it starts). All of them read N + 1 times, so the k-th
//! reading of each is then the k-th step. Where the machine was too busy for that the run slipped, and it is
//! repeated; the figures have no say in it.

use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::binaries;
use crate::sar::{PLAIN, Reading, Scenario};

/// What the three printed.
#[derive(Clone, Debug)]
pub struct Printed {
    /// `sar 1 N`
    pub sar_cpu: String,
    /// `sar -r 1 N`
    pub sar_memory: String,
    /// `edgebench footprint --samples N --format sar`
    pub edgebench: String,
}

/// How often a run may slip.
const ATTEMPTS: usize = 3;
/// From the last reading of a step to the next step: the others are due a second after their own.
const HALF: Duration = Duration::from_millis(450);
/// How long one reading may be late, or the start may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the three through the steps of `scenario`.
///
/// # Panics
/// If a mount namespace or a bind mount is refused, if a program fails, or if every attempt slipped.
pub fn run(scenario: &Scenario) -> Printed {
    let mut slipped = Vec::new();
    while slipped.len() < ATTEMPTS {
        let mut attempt = Attempt::start(scenario);
        match attempt.steps(scenario) {
            Ok(()) => return attempt.printed(),
            Err(slip) => {
                #[allow(clippy::print_stderr, reason = "a run that slips time and again should be seen")]
                {
                    eprintln!("{}: {slip}; from the start again", scenario.name);
                }
                slipped.push(slip);
            }
        }
    }
    panic!(
        "{}: the machine is too busy for lockstep; in {ATTEMPTS} attempts: {}",
        scenario.name,
        slipped.join("; ")
    )
}

/// One attempt. Its programs end when it is dropped.
struct Attempt {
    programs: Vec<Program>,
    watch: Watch,
    _dir: tempfile::TempDir,
}

/// A program that samples, and the files it takes for the kernel's.
struct Program {
    name: &'static str,
    child: Child,
    stat: File,
    meminfo: File,
}

impl Attempt {
    fn start(scenario: &Scenario) -> Attempt {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let samples = scenario.samples().to_string();
        let samples = samples.as_str();
        let edgebench = binaries::edgebench();
        let edgebench = edgebench.to_str().expect("a path in UTF-8");
        let plans: [(&str, &[&str], &[&str]); 3] = [
            ("sar", &["sar", "1", samples], &["stat"]),
            ("sar -r", &["sar", "-r", "1", samples], &["meminfo"]),
            (
                "edgebench",
                &[edgebench, "footprint", "--samples", samples, "--format", "sar"],
                &["stat", "meminfo"],
            ),
        ];
        let mut watch = Watch::new();
        let mut programs = Vec::new();
        for (index, (name, command, reads)) in plans.into_iter().enumerate() {
            let place = dir.path().join(index.to_string());
            fs::create_dir(&place).expect("a directory in it");
            let [stat, meminfo] = ["stat", "meminfo"].map(|file| create(&place.join(file)));
            rewrite(&stat, &scenario.readings[0].stat);
            rewrite(&meminfo, &scenario.readings[0].meminfo);
            for file in reads {
                watch.add(&place.join(file), format!("{name} ({file})"));
            }
            programs.push((name, command, place, stat, meminfo));
        }
        let programs = programs
            .into_iter()
            .map(|(name, command, place, stat, meminfo)| Program {
                name,
                child: over_proc(&place, command),
                stat,
                meminfo,
            })
            .collect();
        Attempt { programs, watch, _dir: dir }
    }

    /// Takes the files from step to step. Answers with what slipped.
    fn steps(&mut self, scenario: &Scenario) -> Result<(), String> {
        self.read_by_all(0)?;
        for (step, reading) in scenario.readings.iter().enumerate().skip(1) {
            sleep(HALF);
            self.watch.look();
            self.watch.once_each(step - 1)?;
            self.watch.next_step();
            self.write(reading);
            self.watch.look();
            self.watch.nobody_came(step)?;
            self.read_by_all(step)?;
        }
        self.end();
        self.watch.look();
        self.watch.once_each(scenario.samples())
    }

    fn write(&self, reading: &Reading) {
        for program in &self.programs {
            rewrite(&program.stat, &reading.stat);
            rewrite(&program.meminfo, &reading.meminfo);
        }
    }

    /// Waits until every file has been read in this step.
    fn read_by_all(&mut self, step: usize) -> Result<(), String> {
        let since = Instant::now();
        while !self.watch.all_read() {
            if since.elapsed() > PATIENCE {
                return Err(format!("step {step} was not read by all in {} s", PATIENCE.as_secs()));
            }
            for program in &mut self.programs {
                program.has_not_failed();
            }
            sleep(Duration::from_millis(2));
            self.watch.look();
        }
        Ok(())
    }

    /// Waits until the three have printed their averages.
    fn end(&mut self) {
        for program in &mut self.programs {
            program.child.wait().expect("a child to wait for");
            program.has_not_failed();
        }
    }

    fn printed(mut self) -> Printed {
        let mut outputs = self.programs.iter_mut().map(|program| read_pipe(program.child.stdout.take()));
        let mut next = || outputs.next().expect("three programs");
        Printed { sar_cpu: next(), sar_memory: next(), edgebench: next() }
    }
}

impl Program {
    fn has_not_failed(&mut self) {
        let ended = self.child.try_wait().expect("a child to ask");
        if let Some(status) = ended.filter(|status| !status.success()) {
            panic!(
                "{}: {status}: {}\nLockstep needs root and a private mount namespace (`unshare --mount`), and \
                 it is never left out.",
                self.name,
                read_pipe(self.child.stderr.take()).trim_end()
            );
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // sar's collector ends by itself: it writes to a pipe that nobody reads any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `command` where the files in `place` are `/proc/stat` and `/proc/meminfo`.
fn over_proc(place: &Path, command: &[&str]) -> Child {
    const BIND: &str = r#"set -e
mount --bind "$0/stat" /proc/stat
mount --bind "$0/meminfo" /proc/meminfo
exec "$@""#;
    Command::new("unshare")
        .args(["--mount", "--", "sh", "-c", BIND])
        .arg(place)
        .args(command)
        .envs(PLAIN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("unshare (util-linux): {e}"))
}

fn create(path: &PathBuf) -> File {
    File::create_new(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// One write from the start, then the end: the file is the same, and never empty.
fn rewrite(file: &File, text: &str) {
    file.write_all_at(text.as_bytes(), 0).expect("the next step can be written");
    file.set_len(text.len() as u64).expect("the next step has its length");
}

fn read_pipe(pipe: Option<impl std::io::Read>) -> String {
    let mut text = String::new();
    pipe.expect("a pipe, read once").read_to_string(&mut text).expect("text from the program");
    text
}

/// Counts how often each file is opened and closed.
struct Watch {
    inotify: OwnedFd,
    files: Vec<Watched>,
}

struct Watched {
    id: i32,
    name: String,
    opened: usize,
    closed: usize,
}

impl Watch {
    fn new() -> Watch {
        let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
        Watch { inotify: inotify::init(flags).expect("an inotify instance"), files: Vec::new() }
    }

    fn add(&mut self, path: &Path, name: String) {
        let flags = WatchFlags::OPEN | WatchFlags::CLOSE_NOWRITE;
        let id = inotify::add_watch(&self.inotify, path, flags).expect("an inotify watch");
        self.files.push(Watched { id, name, opened: 0, closed: 0 });
    }

    /// Takes in what happened since the last look.
    fn look(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = match events.next() {
                Err(Errno::AGAIN) => return,
                event => event.expect("an inotify event"),
            };
            assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW), "inotify lost events");
            if let Some(file) = self.files.iter_mut().find(|file| file.id == event.wd()) {
                file.opened += usize::from(event.events().contains(ReadFlags::OPEN));
                file.closed += usize::from(event.events().contains(ReadFlags::CLOSE_NOWRITE));
            }
        }
    }

    fn next_step(&mut self) {
        for file in &mut self.files {
            (file.opened, file.closed) = (0, 0);
        }
    }

    fn all_read(&self) -> bool {
        self.files.iter().all(|file| file.closed > 0)
    }

    /// Nobody has opened a file in this step, which has just been written.
    fn nobody_came(&self, step: usize) -> Result<(), String> {
        let early = self.files.iter().find(|file| file.opened + file.closed > 0);
        early.map_or(Ok(()), |file| Err(format!("{} was read while step {step} was written", file.name)))
    }

    /// Every file was read exactly once in this step, or at least once in the first.
    fn once_each(&self, step: usize) -> Result<(), String> {
        let slipped = self
            .files
            .iter()
            .find(|file| file.opened != file.closed || file.closed == 0 || (step > 0 && file.closed != 1));
        slipped.map_or(Ok(()), |file| {
            Err(format!(
                "{} was opened {} and closed {} times in step {step}",
                file.name, file.opened, file.closed
            ))
        })
    }
}
