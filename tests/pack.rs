//! Packs a host into a plain-text fixture.
//!
//! ```text
//! pack-host DIR OUT [PID…]
//! ```
//!
//! `DIR` holds `proc`, `sys` and `etc`: `/` for the host it runs on, or a copy of another one. `OUT` is the
//! archive to write, `tests/fixtures/NAME/t0.ttar`; run it again some seconds later for `t1.ttar`. With
//! process numbers only those processes are packed. Run it as root, or the files of other users' processes
//! are missing; what could not be read is counted at the end.
//!
//! Only the files that edgebench reads are packed: the lists below. The environment of a process is not
//! among them, its command line is: read the archive before you publish it.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use edgebench_tests::ttar::{Archive, Entry};

/// Paths from the host's root. `#` is any number, `*` any name, `*x` and `x*` any name that ends or begins
/// so, `**` this directory and all below it.
const NODE: &[&str] = &[
    "etc/os-release",
    "proc/cpuinfo",
    "proc/loadavg",
    "proc/meminfo",
    "proc/pressure/*",
    "proc/stat",
    "proc/swaps",
    "proc/sys/kernel/hostname",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/random/boot_id",
    "proc/uptime",
    "proc/version",
    "proc/vmstat",
    "proc/zoneinfo",
    "sys/class/dmi/id/product_name",
    "sys/class/dmi/id/sys_vendor",
    "sys/firmware/devicetree/base/model",
    "sys/fs/cgroup/cgroup.controllers",
    "sys/kernel/mm/hugepages/*/*hugepages",
    "sys/kernel/mm/ksm/*",
    "sys/kernel/mm/transparent_hugepage/enabled",
];

const PROCESS: &[&str] = &[
    "cgroup",
    "cmdline",
    "comm",
    "exe",
    "fd",
    "io",
    "schedstat",
    "smaps_rollup",
    "stat",
    "statm",
    "status",
    "task/#/comm",
    "task/#/schedstat",
    "task/#/stat",
];

/// Of these processes every mapping is packed too: guest RAM is found by its size. It is most of an archive.
const WITH_MAPPINGS: &[&str] = &[
    "qemu-kvm",
    "qemu-system-*",
    "virt-launcher",
    "virt-launcher-monitor",
    "virt-tail",
    "virtqemud",
    "virtlogd",
    "passt",
    "virtiofsd",
];

/// The cgroups of pods and machines, of both versions and both drivers.
const CGROUP: &[&str] = &[
    "cgroup.procs",
    "cpu.max",
    "cpu.stat",
    "cpuacct.stat",
    "cpuacct.usage",
    "memory.current",
    "memory.events",
    "memory.limit_in_bytes",
    "memory.max",
    "memory.max_usage_in_bytes",
    "memory.oom_control",
    "memory.stat",
    "memory.usage_in_bytes",
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let pids: Result<Vec<u32>, _> = args.iter().skip(2).map(|pid| pid.parse()).collect();
    let ([dir, out, ..], Ok(pids)) = (args.as_slice(), pids) else {
        let _ = writeln!(
            io::stderr(),
            "usage: pack-host DIR OUT [PID…]\nDIR holds proc, sys and etc, OUT is the .ttar to write"
        );
        return ExitCode::from(2);
    };
    let mut packer = Packer { root: PathBuf::from(dir), archive: Archive::new(), unreadable: 0 };
    packer.pack(&pids);
    if packer.archive.get("proc/stat").is_none() {
        let _ = writeln!(io::stderr(), "pack-host: there is no readable proc/stat below {dir}");
        return ExitCode::from(2);
    }
    if let Err(e) = fs::write(out, packer.archive.to_string()) {
        let _ = writeln!(io::stderr(), "pack-host: {out}: {e}");
        return ExitCode::from(2);
    }
    let count = packer.archive.iter().count();
    let _ = writeln!(io::stderr(), "{out}: {count} files; {} could not be read", packer.unreadable);
    ExitCode::SUCCESS
}

struct Packer {
    root: PathBuf,
    archive: Archive,
    unreadable: usize,
}

impl Packer {
    fn pack(&mut self, pids: &[u32]) {
        for pattern in NODE {
            self.all(pattern);
        }
        for file in CGROUP {
            for hierarchy in ["sys/fs/cgroup", "sys/fs/cgroup/*"] {
                for top in ["kubepods*", "machine*"] {
                    self.all(&format!("{hierarchy}/{top}/**/{file}"));
                }
            }
        }
        let mut processes = Vec::new();
        expand(&self.root, PathBuf::from("proc"), &["#"], &mut processes);
        for process in processes {
            let pid = process.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
            if pids.is_empty() || pid.is_some_and(|pid| pids.contains(&pid)) {
                self.process(&process);
            }
        }
    }

    fn process(&mut self, process: &Path) {
        for file in PROCESS {
            self.all(&process.join(file).to_string_lossy());
        }
        let exe = self.archive.get(process.join("exe"));
        let program = match exe {
            Some(Entry::Symlink(target)) => Path::new(target).file_name().and_then(|name| name.to_str()),
            _ => None,
        };
        if program.is_some_and(|program| WITH_MAPPINGS.iter().any(|pattern| matches(pattern, program))) {
            self.all(&process.join("smaps").to_string_lossy());
        }
    }

    fn all(&mut self, pattern: &str) {
        let mut paths = Vec::new();
        let segments: Vec<&str> = pattern.split('/').collect();
        expand(&self.root, PathBuf::new(), &segments, &mut paths);
        for path in paths {
            let at = self.root.join(&path);
            let entry = match path.file_name().is_some_and(|name| name == "fd") {
                true => fs::read_dir(&at).map(|entries| Entry::Descriptors(entries.count())),
                false => Entry::read(&at),
            };
            match entry {
                Ok(entry) => self.archive.insert(path, entry),
                // What a kernel thread does not have (`exe`: ENOENT, `smaps_rollup`: ESRCH), and whatever ended
                // in the meantime.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) if e.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {}
                Err(_) => self.unreadable += 1,
            }
        }
    }
}

/// The paths below `at` that `pattern` names and that exist.
fn expand(root: &Path, at: PathBuf, pattern: &[&str], found: &mut Vec<PathBuf>) {
    let Some((segment, rest)) = pattern.split_first() else {
        return found.push(at);
    };
    if *segment == "**" {
        expand(root, at.clone(), rest, found);
        for name in names(&root.join(&at), "*") {
            // Links are not followed: they may lead back up.
            if fs::symlink_metadata(root.join(&at).join(&name)).is_ok_and(|metadata| metadata.is_dir()) {
                expand(root, at.join(name), pattern, found);
            }
        }
    } else if segment.contains(['*', '#']) {
        for name in names(&root.join(&at), segment) {
            expand(root, at.join(name), rest, found);
        }
    } else if fs::symlink_metadata(root.join(&at).join(segment)).is_ok() {
        expand(root, at.join(segment), rest, found);
    }
}

fn names(dir: &Path, pattern: &str) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| matches(pattern, name))
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None if pattern == "#" => name.parse::<u32>().is_ok(),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use edgebench_tests::Host;

    use super::*;

    fn packed(host: &Host, pids: &[u32]) -> Archive {
        let mut packer = Packer { root: host.path().into(), archive: Archive::new(), unreadable: 0 };
        packer.pack(pids);
        assert_eq!(packer.unreadable, 0);
        packer.archive
    }

    #[test]
    fn a_host_is_packed_without_what_is_nobodys_business() {
        let host = Host::new()
            .process(7, |p| {
                p.exe("/usr/libexec/qemu-kvm")
                    .descriptors(20)
                    .file("smaps", "x\n")
                    .file("environ", "SECRET=1\0")
            })
            .process(8, |p| p.exe("/usr/bin/bash").file("smaps", "y\n"))
            .file("sys/fs/cgroup/memory/kubepods/burstable/podx/c/memory.stat", "cache 1\n");
        let archive = packed(&host, &[]);
        assert_eq!(archive.get("proc/7/exe"), Some(&Entry::Symlink("/usr/libexec/qemu-kvm".into())));
        assert_eq!(archive.get("proc/7/fd"), Some(&Entry::Descriptors(20)));
        assert!(archive.get("proc/7/task/7/stat").is_some());
        assert!(archive.get("proc/7/smaps").is_some() && archive.get("proc/8/smaps").is_none());
        assert!(archive.get("proc/7/environ").is_none());
        assert!(archive.get("sys/fs/cgroup/memory/kubepods/burstable/podx/c/memory.stat").is_some());
    }

    #[test]
    fn nothing_the_default_host_has_is_forgotten() {
        let host = Host::new();
        let all = Archive::read(host.path()).unwrap();
        assert_eq!(packed(&host, &[]), all);
    }

    #[test]
    fn single_processes_can_be_chosen() {
        let host = Host::new().process(7, |p| p).process(8, |p| p);
        let archive = packed(&host, &[8]);
        assert!(archive.get("proc/7/stat").is_none() && archive.get("proc/8/stat").is_some());
    }
}
