//! Running `edgebench` as people do: in a directory of its own, with arguments, and a look at what it says
//! and at what it leaves behind.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

use crate::binaries;

/// No command of a test takes this long: one that does hangs.
const HANGS: Duration = Duration::from_secs(120);

/// A directory to run `edgebench` in.
#[derive(Debug)]
pub struct Workdir {
    dir: TempDir,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit code; 128 + N where signal N killed it, as shells say it.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Workdir {
    /// An empty directory.
    #[allow(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Workdir {
        Workdir { dir: tempfile::Builder::new().prefix("edgebench-work-").tempdir().expect("a directory") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into it.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).expect("a file in the directory");
    }

    /// The content of one of its files.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path().join(name);
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Every file in it with its content, and every directory and special file with none.
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.path()).expect("the directory");
        let paths = entries.map(|entry| entry.expect("an entry of the directory").path());
        paths.map(|path| (path.clone(), if path.is_file() { self.read(&path) } else { Vec::new() })).collect()
    }

    /// `edgebench` with these arguments, to be run here, without a terminal.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(binaries::edgebench());
        command.args(arguments).current_dir(self.path());
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `edgebench` with these arguments here.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        outcome(self.command(arguments).spawn().expect("edgebench starts"))
    }

    /// Runs `edgebench`, which has to succeed and to be silent on stderr. Answers what it wrote.
    pub fn shows<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let outcome = self.run(arguments);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{}", outcome.stdout);
        outcome.stdout
    }

    /// Runs `edgebench`, which has to refuse: with exit code 2, nothing on stdout, one line on stderr that
    /// holds all of `words`, and nothing in this directory changed. Answers that line.
    pub fn refuses<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, words: &[&str]) -> String {
        let before = self.contents();
        let Outcome { code, stdout, stderr } = self.run(arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{words:?}: {stderr}");
        let message = stderr.strip_suffix('\n').expect("a line on stderr");
        assert!(message.starts_with("edgebench: ") && !message.contains('\n'), "one line: {stderr}");
        assert!(!message.chars().any(char::is_control), "{message:?}");
        for word in words {
            assert!(message.contains(word), "no {word:?} in: {message}");
        }
        assert!(self.contents() == before, "the directory is as it was: {:?}", self.contents().keys());
        message.to_owned()
    }
}

/// Waits for a program that was started with [`Workdir::command`].
pub fn outcome(mut child: Child) -> Outcome {
    let stdout = text_of(child.stdout.take());
    let stderr = text_of(child.stderr.take());
    let since = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child to wait for") {
            Some(status) => break status,
            None if since.elapsed() > HANGS => {
                let _ = child.kill();
                panic!("edgebench does not end");
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default();
    Outcome { code: status.code().unwrap_or(128 + signal), stdout: stdout(), stderr: stderr() }
}

/// Reads a pipe to its end beside the test, as a pipe that is full stops the program.
fn text_of(pipe: Option<impl Read + Send + 'static>) -> impl FnOnce() -> String {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        // The test may have ended.
        let _ = sender.send((bytes, read));
    });
    move || {
        let (bytes, read) = receiver.recv_timeout(HANGS).expect("the pipe's end");
        read.transpose().expect("a pipe");
        String::from_utf8(bytes).expect("all that edgebench writes is UTF-8")
    }
}

/// Sends a signal to a program that was started with [`Workdir::command`].
pub fn send(signal: Signal, child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    kill_process(pid, signal).expect("a program to send a signal to");
}

/// Waits until `done`, at most half a minute.
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(30), "waited half a minute for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
