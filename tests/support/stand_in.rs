//! Live processes of a known size, CPU use and name.
//!
//! `tests/stand_in.rs` is the program, copied here to the name of what it stands for: the kernel takes a
//! process' `comm` and `exe` from the file it was started from, so the copy is what a classifier sees.
//! Its settings travel in its environment, so that its command line is exactly the one a test gives it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::binaries;
use crate::pod::Container;

/// Enters the cgroups whose files are given before `--`, and becomes what comes after it.
const ENTER: &str = r#"while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@""#;

/// How large a process is to be, how busy, and what it calls itself.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    resident_kib: u64,
    guest_kib: u64,
    cpu_percent: f64,
    args: Vec<String>,
    user: Option<u32>,
    /// Files of cgroups that it enters.
    procs: Vec<PathBuf>,
}

/// A running stand-in. It ends when this is dropped, or when the test dies.
#[derive(Debug)]
pub struct StandIn {
    child: Child,
    /// The program it runs, named after what it stands for.
    pub exe: PathBuf,
}

impl Plan {
    /// A process that holds `resident_kib` (what `top` shows as RES, its own text and libc included) and does
    /// nothing.
    pub fn new(name: &str, resident_kib: u64) -> Plan {
        Plan {
            name: name.into(),
            resident_kib,
            guest_kib: 0,
            cpu_percent: 0.0,
            args: Vec::new(),
            user: None,
            procs: Vec::new(),
        }
    }

    /// Burns so many percent of one core.
    pub fn cpu_percent(self, percent: f64) -> Plan {
        Plan { cpu_percent: percent, ..self }
    }

    /// Holds this part of its resident memory in one mapping of exactly this size, as qemu does guest RAM.
    pub fn guest_kib(self, kib: u64) -> Plan {
        Plan { guest_kib: kib, ..self }
    }

    /// Its command line, after the program.
    pub fn args<A: Into<String>>(self, args: impl IntoIterator<Item = A>) -> Plan {
        Plan { args: args.into_iter().map(Into::into).collect(), ..self }
    }

    /// Runs as this user and group. The directory that it is started from must let it.
    pub fn user(self, id: u32) -> Plan {
        Plan { user: Some(id), ..self }
    }

    /// In this container from its first moment on, as what a kubelet starts.
    pub fn in_container(self, container: &Container) -> Plan {
        Plan { procs: container.procs().to_vec(), ..self }
    }

    /// Starts it from a copy in `dir`, and returns when all its memory is in place.
    ///
    /// # Panics
    /// If it can't be started, or says that it can't be that small.
    pub fn start(self, dir: &Path) -> StandIn {
        let exe = dir.join(&self.name);
        if !exe.exists() {
            fs::copy(binaries::stand_in(), &exe).unwrap_or_else(|e| panic!("{}: {e}", exe.display()));
        }
        let settings = format!(
            "--resident {}KiB --guest {}KiB --cpu {}",
            self.resident_kib, self.guest_kib, self.cpu_percent
        );
        let mut command = match &self.procs[..] {
            [] => Command::new(&exe),
            procs => {
                let mut shell = Command::new("sh");
                shell.args(["-c", ENTER, "sh"]).args(procs).arg("--").arg(&exe);
                shell
            }
        };
        command.args(&self.args).env("STAND_IN", settings);
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        let mut child = spawn(&mut command);
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its stdout is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line from the stand-in");
        let stand_in = StandIn { child, exe };
        assert_eq!(
            line, "ready\n",
            "{} ended before its memory was in place: see its message above",
            self.name
        );
        stand_in
    }
}

impl StandIn {
    /// Starts a stand-in for `name` from a copy in `dir`, and returns when all its memory is in place.
    ///
    /// # Panics
    /// If it can't be started, or says that it can't be that small.
    pub fn start(dir: &Path, name: &str, resident_kib: u64, cpu_percent: f64, args: &[&str]) -> StandIn {
        Plan::new(name, resident_kib).cpu_percent(cpu_percent).args(args.iter().copied()).start(dir)
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A file below its `/proc/PID`.
    pub fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.pid());
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What it holds now, as `top` shows it.
    pub fn resident_kib(&self) -> u64 {
        let pages: u64 =
            self.proc("statm").split(' ').nth(1).and_then(|n| n.parse().ok()).expect("the resident pages");
        pages * rustix::param::page_size() as u64 / 1024
    }

    /// A field of its `status` in KiB: `RssAnon`, `VmPTE`.
    pub fn status_kib(&self, name: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.split(':').next() == Some(name));
        line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok())
            .unwrap_or_else(|| panic!("{name}"))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Its stdin closes, so it ends by itself; the signal, to this one child, is for when it does not.
        drop(self.child.stdin.take());
        let patience = Instant::now() + Duration::from_secs(10);
        while Instant::now() < patience {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it. Another thread of this test may fork while the copy is still open for writing in it; the
/// kernel refuses to run such a file (`ETXTBSY`) until that fork has called exec.
fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        match command.spawn() {
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy && Instant::now() < patience => {
                thread::sleep(Duration::from_millis(10));
            }
            other => return other.unwrap_or_else(|e| panic!("{command:?}: {e}")),
        }
    }
}
