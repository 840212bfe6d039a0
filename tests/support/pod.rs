//! Pods on the live machine, as far as the kernel knows of them: cgroups that a kubelet would have made.
//!
//! With cgroup v1 they lie below the cgroup that the test runs in, so that whatever limits the test limits
//! its pods too; a sysfs that shows that cgroup as the root of its hierarchy is [`Pod::sysfs`]. With v2 they
//! lie at the root: a cgroup with processes in it can't give controllers to others below it (cgroups(7), "no
//! internal processes").

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const CGROUPS: &str = "/sys/fs/cgroup";

/// A pod of the class Burstable. Its cgroups are removed when this is dropped; its processes have to have
/// ended by then.
#[derive(Debug)]
pub struct Pod {
    /// Its UID.
    pub uid: String,
    /// From the outermost to the pod's own, of each hierarchy.
    levels: Vec<PathBuf>,
    own: Vec<PathBuf>,
    sysfs: Option<TempDir>,
}

/// A container of a pod.
#[derive(Debug)]
pub struct Container {
    /// Its ID.
    pub id: String,
    dirs: Vec<PathBuf>,
    procs: Vec<PathBuf>,
}

/// A hierarchy that has a controller of interest.
struct Hierarchy {
    /// Below `/sys/fs/cgroup`; nothing with v2.
    name: String,
    /// Where pods go.
    dir: PathBuf,
}

impl Pod {
    /// A pod without processes.
    ///
    /// # Panics
    /// If its cgroups can't be made.
    pub fn new(uid: &str) -> Pod {
        let hierarchies = hierarchies();
        let mut pod = Pod { uid: uid.into(), levels: Vec::new(), own: Vec::new(), sysfs: None };
        for hierarchy in &hierarchies {
            let mut dir = hierarchy.dir.clone();
            for level in ["kubepods", "burstable", &format!("pod{uid}")] {
                give_controllers(&dir);
                dir.push(level);
                make(&dir);
                pod.levels.push(dir.clone());
            }
            give_controllers(&dir);
            pod.own.push(dir);
        }
        if hierarchies.iter().any(|hierarchy| !hierarchy.name.is_empty()) {
            pod.sysfs = Some(sysfs_that_shows(&hierarchies));
        }
        pod
    }

    /// A container of it without processes. `number` tells them apart.
    ///
    /// # Panics
    /// If its cgroups can't be made.
    pub fn container(&self, number: u8) -> Container {
        let id = format!("{number:064x}");
        let dirs: Vec<_> = self.own.iter().map(|dir| dir.join(&id)).collect();
        dirs.iter().for_each(|dir| make(dir));
        let procs = dirs.iter().map(|dir| dir.join("cgroup.procs")).collect();
        Container { id, dirs, procs }
    }

    /// The sysfs to give a program that is to find the pod: it looks below `fs/cgroup`.
    pub fn sysfs(&self) -> &Path {
        self.sysfs.as_ref().map_or(Path::new("/sys"), |dir| dir.path())
    }
}

impl Container {
    /// The files that a process's number is written to, for it to enter.
    pub fn procs(&self) -> &[PathBuf] {
        &self.procs
    }

    /// Moves a process into it, and so all that it starts from now on.
    ///
    /// # Panics
    /// If the kernel refuses.
    pub fn add(&self, pid: u32) {
        for procs in &self.procs {
            fs::write(procs, pid.to_string()).unwrap_or_else(|e| panic!("{}: {e}", procs.display()));
        }
    }

    /// Sets its memory limit: `memory.limit_in_bytes`, with v2 `memory.max`.
    ///
    /// # Panics
    /// If the kernel refuses.
    pub fn limit_memory(&self, bytes: u64) {
        let files = ["memory.limit_in_bytes", "memory.max"];
        let mut files = self.dirs.iter().flat_map(|dir| files.map(|file| dir.join(file)));
        let file = files.find(|file| file.exists()).unwrap_or_else(|| panic!("no limit in {:?}", self.dirs));
        fs::write(&file, bytes.to_string()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// What a file of its cgroups says: `memory.usage_in_bytes`.
    ///
    /// # Panics
    /// If no hierarchy has it.
    pub fn file(&self, name: &str) -> String {
        let found = self.dirs.iter().find_map(|dir| fs::read_to_string(dir.join(name)).ok());
        found.unwrap_or_else(|| panic!("no {name} in {:?}", self.dirs))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.dirs.iter().for_each(|dir| remove(dir));
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // The levels above it may hold other pods.
        self.own.iter().for_each(|dir| remove(dir));
        for level in self.levels.iter().rev().filter(|level| !self.own.contains(level)) {
            let _ = fs::remove_dir(level);
        }
    }
}

/// Those of cgroup v1 that count memory and CPU time; with v2 the only one.
fn hierarchies() -> Vec<Hierarchy> {
    let own = fs::read_to_string("/proc/self/cgroup").expect("/proc/self/cgroup");
    let lines = own.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        Some((parts.next()?, parts.next()?))
    });
    let counting = |(controllers, _): &(&str, &str)| {
        controllers.split(',').any(|controller| matches!(controller, "memory" | "cpuacct"))
    };
    let v1: Vec<_> = lines
        .filter(counting)
        .map(|(controllers, path)| Hierarchy {
            name: controllers.into(),
            dir: Path::new(CGROUPS).join(controllers).join(path.trim_start_matches('/')),
        })
        .collect();
    if v1.is_empty() { vec![Hierarchy { name: String::new(), dir: CGROUPS.into() }] } else { v1 }
}

/// A sysfs whose hierarchies begin at our own cgroups; everything else is that of the machine.
fn sysfs_that_shows(hierarchies: &[Hierarchy]) -> TempDir {
    let dir = tempfile::Builder::new().prefix("edgebench-sysfs-").tempdir().expect("a directory");
    let link_all = |from: &Path, to: &Path, except: &str| {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
            let name = entry.expect("an entry").file_name();
            if name != except {
                symlink(from.join(&name), to.join(&name)).expect("a link");
            }
        }
    };
    link_all(Path::new("/sys"), dir.path(), "fs");
    link_all(Path::new("/sys/fs"), &dir.path().join("fs"), "cgroup");
    let cgroups = dir.path().join("fs/cgroup");
    fs::create_dir_all(&cgroups).expect("a directory");
    for hierarchy in hierarchies {
        symlink(&hierarchy.dir, cgroups.join(&hierarchy.name)).expect("a link");
    }
    dir
}

fn give_controllers(dir: &Path) {
    let control = dir.join("cgroup.subtree_control");
    if control.exists() {
        fs::write(&control, "+memory +cpu").unwrap_or_else(|e| panic!("{}: {e}", control.display()));
    }
}

fn make(dir: &Path) {
    match fs::create_dir(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => panic!("{}: {e}", dir.display()),
        _ => {}
    }
}

/// The kernel lets go of a cgroup some time after its last process has ended.
fn remove(dir: &Path) {
    let patience = Instant::now() + Duration::from_secs(10);
    while fs::remove_dir(dir).is_err() && dir.exists() && Instant::now() < patience {
        sleep(Duration::from_millis(10));
    }
}
