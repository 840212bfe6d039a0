//! The namespaces that libvirtd and its VM run in.

use std::fmt::Display;
use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What the first process of the namespaces runs.
const SETUP: &str = include_str!("setup.sh");

/// Its files say what went wrong.
const LOGS: [&str; 3] = ["output", "libvirtd.log", "console.log"];

/// Namespaces with all that runs in them.
#[derive(Debug)]
pub(super) struct Namespace {
    /// `unshare`, which is outside of them and waits for their first process.
    outside: Child,
    dir: PathBuf,
}

impl Namespace {
    /// Starts libvirtd in namespaces of its own, with sockets and logs in `dir` and in the cgroups whose
    /// `cgroup.procs` are `cgroups`. `first` is the program that their first process becomes; it has to end
    /// when its stdin does.
    pub(super) fn start(dir: &Path, cgroups: &[PathBuf], first: Vec<String>) -> Namespace {
        let output = File::create(dir.join("output")).expect("a file in the directory");
        let cgroups: Vec<_> = cgroups.iter().map(|path| path.display().to_string()).collect();
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-euc", SETUP, "setup.sh"])
            .arg(dir)
            .arg(cgroups.join(" "))
            .arg(super::UID)
            .args(first)
            .env("STAND_IN", "--resident 12MiB")
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("another descriptor"))
            .stderr(output);
        // qemu asks for huge pages for its guest wherever the machine lets it choose, and then a page that
        // the guest touches brings 2 MiB into memory. What starts now inherits that there are none.
        rustix::thread::disable_transparent_huge_pages(true).expect("prctl(2)");
        let outside = command.spawn().unwrap_or_else(|e| panic!("unshare: {e}"));
        rustix::thread::disable_transparent_huge_pages(false).expect("prctl(2)");
        Namespace { outside, dir: dir.to_owned() }
    }

    /// Waits until somebody listens at a socket.
    pub(super) fn wait_for(&mut self, socket: &Path) {
        let patience = Instant::now() + Duration::from_secs(120);
        while UnixStream::connect(socket).is_err() {
            let ended = self.outside.try_wait().expect("a child to wait for");
            let late = Instant::now() >= patience;
            if late || ended.is_some() {
                self.explain(&format!("no libvirtd at {}; ended: {ended:?}", socket.display()));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// The numbers of its processes on the host.
    pub(super) fn processes(&self) -> Vec<u32> {
        let outside = self.outside.id();
        let inside =
            fs::read_link(format!("/proc/{outside}/ns/pid_for_children")).expect("its PID namespace");
        let all = fs::read_dir("/proc").expect("/proc");
        all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|own| own == inside))
            .collect()
    }

    /// What a step answers, or a panic that shows all logs.
    pub(super) fn or_explain<T, E: Display>(&self, step: Result<T, E>) -> T {
        step.unwrap_or_else(|error| self.explain(&error.to_string()))
    }

    fn explain(&self, error: &str) -> ! {
        let logs = LOGS.map(|name| {
            let log = fs::read(self.dir.join(name)).unwrap_or_default();
            format!("== {name}\n{}", String::from_utf8_lossy(&log))
        });
        panic!("{error}\n{}", logs.join("\n"));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The first process ends with its stdin, and all others with it; `unshare` ends after them.
        drop(self.outside.stdin.take());
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience {
            match self.outside.try_wait() {
                Ok(None) => sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        // `--kill-child` takes the first process along.
        let _ = self.outside.kill();
        let _ = self.outside.wait();
    }
}
