//! A whole fake node in a temporary directory, in time steps.
//!
//! The idea is that of sysstat's test rig: a test is a sequence of `/proc` trees, each one time step later,
//! each carrying one nasty case. Here a tree comes from a capture of a real node ([`Host::unpack`]) or is
//! written in the test itself, where every file has a default, so that a test says only what matters:
//!
//! ```
//! use edgebench_tests::Host;
//!
//! let host = Host::new()
//!     .memory(&[("AnonPages", 400_000)])
//!     .process(1234, |p| p.exe("/usr/bin/virt-handler").cpu_ticks(10, 5).anon_kib(141_000));
//! // … take the first reading of `host.proc` …
//! host.step(|h| h.memory(&[("AnonPages", 410_000)]).process(1234, |p| p.cpu_ticks(30, 7)));
//! // … take the second …
//! assert!(host.proc.join("1234/smaps_rollup").exists());
//! ```
//!
//! Files are rewritten in place, never through an empty state: a reader that keeps one open, or has it
//! bind-mounted over the real one, sees the next step.
//!
//! The default host has 4 CPUs, 8 GiB, 4 KiB pages and 100 ticks a second, runs no process, and its used
//! memory is explained to the last KiB.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use edgebench_sampler::Roots;
use tempfile::TempDir;

use crate::process::{Process, with_kib};
use crate::ttar;

/// A fake node. Clones are the same node.
#[derive(Clone, Debug)]
pub struct Host {
    dir: Arc<TempDir>,
    /// Its procfs.
    pub proc: PathBuf,
    /// Its sysfs, with the cgroups below `fs/cgroup`.
    pub sys: PathBuf,
    processes: Arc<Mutex<BTreeMap<u32, Process>>>,
}

/// The ten columns of a CPU in `/proc/stat`, in ticks: user, nice, system, idle, iowait, irq, softirq,
/// steal, guest, guest_nice.
pub type CpuTicks = [u64; 10];

impl Host {
    /// The default host.
    #[allow(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Host {
        let host = Host::empty();
        ttar::unpack(include_str!("default_host.ttar"), host.path());
        host
    }

    /// A host without a single file.
    pub fn empty() -> Host {
        let dir = scratch();
        Host {
            proc: dir.path().join("proc"),
            sys: dir.path().join("sys"),
            dir: Arc::new(dir),
            processes: Arc::default(),
        }
    }

    /// The host captured in `tests/fixtures/NAME.ttar`.
    pub fn unpack(name: &str) -> Host {
        let host = Host::empty();
        host.unpack_here(name);
        host
    }

    /// Makes this host the one captured in `tests/fixtures/NAME.ttar`: the next time step of a capture.
    ///
    /// The mount points (`proc`, `sys`) stay the same directories, as on a real host, since a reader keeps
    /// them open.
    pub fn step_to(&self, name: &str) {
        for mount in fs::read_dir(self.path()).expect("the host's directory") {
            for entry in fs::read_dir(mount.expect("a mount point").path()).expect("a mount point") {
                let path = entry.expect("an entry of a mount point").path();
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.expect("the last time step can be removed");
            }
        }
        self.unpack_here(name);
    }

    /// Makes this host the one captured in `tests/fixtures/NAME.ttar`, file by file in place: to a reader that keeps
    /// files open of a process that is in both, time goes on, as it does on a real host.
    pub fn go_on_to(&self, name: &str) {
        let path = fixture(&format!("{name}.ttar"));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let next = ttar::Archive::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let now = ttar::Archive::read(self.path()).expect("the host");
        for (path, entry) in now.iter().filter(|(path, _)| next.get(path).is_none()) {
            let path = self.path().join(path);
            let is_directory = matches!(entry, ttar::Entry::Directory | ttar::Entry::Descriptors(_));
            let removed = if is_directory { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let above = path.ancestors().skip(1).take_while(|dir| dir != &self.path());
            // Until one is not empty.
            let _ = above.map(fs::remove_dir).find(Result::is_err);
        }
        ttar::unpack(&text, self.path());
    }

    /// The kernel has counted so many forks since it booted.
    pub fn forks(self, count: u64) -> Host {
        let text: String =
            self.read("proc/stat")
                .split_inclusive('\n')
                .map(|line| {
                    if line.starts_with("processes ") { format!("processes {count}\n") } else { line.into() }
                })
                .collect();
        self.stat(&text)
    }

    /// Pod `uid` has used so many nanoseconds of CPU time: cgroup v2 with the systemd driver, which counts
    /// microseconds.
    pub fn pod_cpu(self, uid: &str, nanoseconds: u64) -> Host {
        let pod = uid.replace('-', "_");
        let dir = format!(
            "sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod}.slice"
        );
        let usec = nanoseconds / 1000;
        self.file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n")
            .file(&format!("{dir}/cpu.stat"), format!("usage_usec {usec}\nuser_usec {usec}\nsystem_usec 0\n"))
    }

    /// The same in cgroup v1 with the cgroupfs driver.
    pub fn pod_cpu_v1(self, uid: &str, nanoseconds: u64) -> Host {
        let unified = self.path().join("sys/fs/cgroup/cgroup.controllers");
        if unified.exists() {
            fs::remove_file(unified).expect("the unified hierarchy can be taken away");
        }
        let path = format!("sys/fs/cgroup/cpu,cpuacct/kubepods/burstable/pod{uid}/cpuacct.usage");
        self.file(&path, format!("{nanoseconds}\n"))
    }

    fn unpack_here(&self, name: &str) {
        let path = fixture(&format!("{name}.ttar"));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        ttar::unpack(&text, self.path());
    }

    /// The next time step of a host built in the test. A process that `change` does not name stays as it is.
    pub fn step(&self, change: impl FnOnce(Host) -> Host) {
        change(self.clone());
    }

    /// The directory that holds `proc`, `sys` and `etc`.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the sampler finds it.
    pub fn roots(&self) -> Roots {
        Roots::beside(&self.proc)
    }

    /// Writes any file, by its path from the host's root: `proc/swaps`, `sys/fs/cgroup/memory.stat`.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Host {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a path below the host")).expect("a directory in the host");
        ttar::replace(&path, content.as_ref()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        self
    }

    /// Takes away a file or a directory, by its path from the host's root.
    pub fn without(self, path: &str) -> Host {
        let path = self.path().join(path);
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        self
    }

    /// The content of a file of the host.
    pub fn read(&self, path: &str) -> String {
        let path = self.path().join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Writes `/proc/stat`.
    pub fn stat(self, text: &str) -> Host {
        self.file("proc/stat", text)
    }

    /// Writes the CPU rows of `/proc/stat`: CPU 0, 1 and so on, and their sum as the first row.
    pub fn cpus(self, cpus: &[CpuTicks]) -> Host {
        let rows: Vec<_> = (0..).zip(cpus.iter().copied()).collect();
        self.cpu_rows(&rows)
    }

    /// The same where some CPUs are offline: only the numbers given have a row.
    pub fn cpu_rows(self, cpus: &[(u32, CpuTicks)]) -> Host {
        let row = |name: &str, ticks: &CpuTicks| {
            let columns: Vec<String> = ticks.iter().map(u64::to_string).collect();
            format!("{name} {}\n", columns.join(" "))
        };
        let sum = |column| cpus.iter().map(|(_, ticks): &(u32, CpuTicks)| ticks[column]).sum();
        // The kernel pads the first name to the width of the others.
        let mut text = row("cpu ", &std::array::from_fn(sum));
        for (number, ticks) in cpus {
            text += &row(&format!("cpu{number}"), ticks);
        }
        text.extend(self.read("proc/stat").split_inclusive('\n').filter(|line| !line.starts_with("cpu")));
        self.stat(&text)
    }

    /// Writes `/proc/meminfo`.
    pub fn meminfo(self, text: &str) -> Host {
        self.file("proc/meminfo", text)
    }

    /// Sets single fields of `/proc/meminfo`, in KiB (`HugePages_*`: in pages).
    pub fn memory(self, fields: &[(&str, u64)]) -> Host {
        let text =
            fields.iter().fold(self.read("proc/meminfo"), |text, (name, kib)| with_kib(&text, name, *kib));
        self.meminfo(&text)
    }

    /// Writes `/proc/zoneinfo`.
    pub fn zoneinfo(self, text: &str) -> Host {
        self.file("proc/zoneinfo", text)
    }

    /// Has `pages` pages in the per-CPU free lists, in all zones and CPUs together.
    pub fn pcp_pages(self, pages: u64) -> Host {
        let mut left = pages;
        let text: String = self
            .read("proc/zoneinfo")
            .lines()
            .map(|line| match line.split_once("count:") {
                Some((indent, _)) => format!("{indent}count:    {}\n", std::mem::take(&mut left)),
                None => format!("{line}\n"),
            })
            .collect();
        self.zoneinfo(&text)
    }

    /// Writes `/proc/vmstat`.
    pub fn vmstat(self, text: &str) -> Host {
        self.file("proc/vmstat", text)
    }

    /// Writes `/proc/loadavg`.
    pub fn loadavg(self, text: &str) -> Host {
        self.file("proc/loadavg", text)
    }

    /// Writes `/proc/pressure/RESOURCE`.
    pub fn pressure(self, resource: &str, text: &str) -> Host {
        self.file(&format!("proc/pressure/{resource}"), text)
    }

    /// Starts process `pid`, or changes it if it runs.
    pub fn process(self, pid: u32, change: impl FnOnce(Process) -> Process) -> Host {
        {
            let mut processes = self.processes.lock().expect("no other test panicked here");
            let process = change(processes.remove(&pid).unwrap_or_else(|| Process::new(pid)));
            process.write(&self.proc.join(pid.to_string())).unwrap_or_else(|e| panic!("process {pid}: {e}"));
            processes.insert(pid, process);
        }
        self
    }

    /// Ends process `pid`. A process given the same number later is another one.
    pub fn ended(self, pid: u32) -> Host {
        self.processes.lock().expect("no other test panicked here").remove(&pid);
        self.without(&format!("proc/{pid}"))
    }
}

/// A real node is a thousand small files: in memory they are there in a tenth of the time. `TMPDIR` decides
/// otherwise where it is set.
fn scratch() -> TempDir {
    let tempdir = |dir: &Path| tempfile::Builder::new().prefix("edgebench-host-").tempdir_in(dir);
    let in_memory = match std::env::var_os("TMPDIR") {
        Some(_) => None,
        None => tempdir(Path::new("/dev/shm")).ok(),
    };
    in_memory.unwrap_or_else(|| tempdir(&std::env::temp_dir()).expect("a temporary directory"))
}

/// The path of a file below `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kib(text: &str, name: &str) -> u64 {
        let line = text.lines().find(|line| line.split(':').next() == Some(name)).expect(name);
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn the_default_hosts_used_memory_is_explained() {
        let host = Host::new();
        let meminfo = host.read("proc/meminfo");
        let sum = |names: &[&str]| names.iter().map(|name| kib(&meminfo, name)).sum::<u64>();
        let used = kib(&meminfo, "MemTotal") - sum(&["MemFree", "Buffers", "Cached", "Slab"]);
        let counts = host.read("proc/zoneinfo");
        let pcp: u64 =
            counts.lines().filter_map(|l| l.trim().strip_prefix("count:")?.trim().parse::<u64>().ok()).sum();
        assert_eq!(
            used,
            sum(&["AnonPages", "PageTables", "SecPageTables", "KernelStack", "Percpu"]) + 4 * pcp
        );
        assert_eq!(sum(&["SReclaimable", "SUnreclaim"]), kib(&meminfo, "Slab"));
    }

    #[test]
    fn a_field_is_set_where_it_stands_and_added_where_it_does_not() {
        let host = Host::new().memory(&[("MemFree", 7), ("Brand-new", 9)]);
        let meminfo = host.read("proc/meminfo");
        assert_eq!(meminfo.lines().nth(1), Some("MemFree:               7 kB"));
        assert_eq!(meminfo.lines().last(), Some("Brand-new:             9 kB"));
    }

    #[test]
    fn the_first_cpu_row_is_the_sum() {
        let host = Host::new().cpu_rows(&[(0, [1; 10]), (3, [2; 10])]);
        let stat = host.read("proc/stat");
        let rows: Vec<_> = stat.lines().take(4).collect();
        assert_eq!(
            rows[..3],
            ["cpu  3 3 3 3 3 3 3 3 3 3", "cpu0 1 1 1 1 1 1 1 1 1 1", "cpu3 2 2 2 2 2 2 2 2 2 2"]
        );
        assert!(rows[3].starts_with("intr "));
    }

    #[test]
    fn pages_in_free_lists_are_counted_once() {
        let zoneinfo = Host::new().pcp_pages(77).read("proc/zoneinfo");
        let counts: Vec<_> = zoneinfo.lines().filter(|line| line.contains("count:")).map(str::trim).collect();
        assert_eq!(counts[0], "count:    77");
        assert!(counts[1..].iter().all(|count| *count == "count:    0"));
    }

    #[test]
    fn a_step_changes_only_what_it_names() {
        let host = Host::new().process(7, |p| p.exe("/usr/bin/virt-handler").cpu_ticks(10, 5).anon_kib(4000));
        host.step(|h| h.process(7, |p| p.cpu_ticks(30, 7)));
        assert_eq!(host.read("proc/7/comm"), "virt-handler\n");
        assert_eq!(host.read("proc/7/stat").split(' ').skip(13).take(2).collect::<Vec<_>>(), ["30", "7"]);
        assert_eq!(host.read("proc/7/statm"), "1000 1000 0 0 0 1000 0\n");
    }

    #[test]
    fn a_process_that_ended_leaves_nothing_to_the_next_of_its_number() {
        let host = Host::new().process(7, |p| p.exe("/bin/a").started_at(10).file("smaps", "x"));
        host.step(|h| h.ended(7).process(7, |p| p.started_at(20)));
        assert_eq!(host.read("proc/7/comm"), "process\n");
        assert!(!host.proc.join("7/smaps").exists());
    }
}
