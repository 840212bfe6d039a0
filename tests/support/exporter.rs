//! `edgebench-exporter` as people run it: once, or as a server on a port that the kernel chooses.

use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binaries;
use crate::exposition::Exposition;
use crate::http::{self, Message};

/// Within a fifth of a second the same reading is served again.
const READING: Duration = Duration::from_millis(220);

/// A running exporter. It ends when this is dropped, and with the test that is killed.
#[derive(Debug)]
pub struct Exporter {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    dir: TempDir,
}

/// What `edgebench-exporter --once` prints.
///
/// # Panics
/// If it fails.
pub fn once(flags: &[&str]) -> Exposition {
    let output = program(&[], &binaries::exporter(), flags)
        .arg("--once")
        .stderr(Stdio::inherit())
        .output()
        .expect("the exporter starts");
    assert!(output.status.success(), "{flags:?}: {}", output.status);
    Exposition::read(String::from_utf8(output.stdout).expect("an exposition is UTF-8"))
}

impl Exporter {
    /// Starts it, and returns when it listens.
    ///
    /// # Panics
    /// If it does not, with its log.
    pub fn start(flags: &[&str]) -> Exporter {
        Exporter::run(&[], |_| binaries::exporter(), flags)
    }

    /// The same as a user without any privilege: nobody (65534), in no other group.
    ///
    /// # Panics
    /// As [`Exporter::start`], or where this is not root.
    pub fn start_as_nobody(flags: &[&str]) -> Exporter {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        // A copy where every user can run it.
        let copy = |dir: &Path| {
            let program = dir.join("edgebench-exporter");
            fs::copy(binaries::exporter(), &program).expect("a copy of it");
            for path in [dir, &program] {
                fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a path of ours");
            }
            program
        };
        Exporter::run(&nobody, copy, flags)
    }

    fn run(setpriv: &[&str], binary: impl FnOnce(&Path) -> PathBuf, flags: &[&str]) -> Exporter {
        let dir = tempfile::Builder::new().prefix("edgebench-exporter-").tempdir().expect("a directory");
        let log = File::create(dir.path().join("log")).expect("its log");
        let child = program(setpriv, &binary(dir.path()), flags)
            .args(["--web.listen-address", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("setpriv");
        let mut exporter = Exporter { child, address: ([127, 0, 0, 1], 0).into(), dir };
        let patience = Instant::now() + Duration::from_secs(60);
        exporter.address = loop {
            if let Some(address) = address(&exporter.log()) {
                break address;
            }
            let ended = exporter.child.try_wait().expect("a child to wait for");
            assert!(ended.is_none() && Instant::now() < patience, "{ended:?}: {}", exporter.log());
            sleep(Duration::from_millis(10));
        };
        exporter
    }

    /// Scrapes it, in the text format. The reading was taken after this was called.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn scrape(&self) -> Exposition {
        sleep(READING);
        let answer = http::ask(self.address, &Message::get("/metrics")).expect("an answer");
        assert_eq!(answer.status(), Some(200), "{}", answer.text());
        Exposition::read(answer.text())
    }

    /// Scrapes it until `done` says that it is.
    ///
    /// # Panics
    /// If it is not within a minute.
    pub fn scrape_until(&self, what: &str, done: impl Fn(&Exposition) -> bool) -> Exposition {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            let exposition = self.scrape();
            if done(&exposition) {
                return exposition;
            }
            assert!(Instant::now() < patience, "not within a minute: {what}\n{}", exposition.text);
        }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(setpriv: &[&str], binary: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(setpriv).arg(binary).args(flags);
    command.env_remove("NODE_NAME").stdin(Stdio::null());
    command
}

/// `level=info msg=listening address=127.0.0.1:40003 …`
fn address(log: &str) -> Option<SocketAddr> {
    let line =
        log.lines().find(|line| line.contains("msg=listening") || line.contains("msg=\"listening\""))?;
    line.split("address=").nth(1)?.split(' ').next()?.trim_matches('"').parse().ok()
}
