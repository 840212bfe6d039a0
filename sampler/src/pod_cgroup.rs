//! The cgroups of a pod: what the kubelet counts, and what it holds the pod to.
//!
//! A pod's directory is found by its UID below the mounted hierarchy. Joining the path from
//! `/proc/PID/cgroup` would be wrong in a container: from a private cgroup namespace it reads `/../../…`
//! (cgroup_namespaces(7)). The hierarchy is v2 at the mount itself, v1 below `memory/` and `cpuacct/`.
//!
//! Working set is the kubelet's word: usage − inactive file pages, not below 0
//! (cadvisor `container/libcontainer/handler.go`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Malformed, ReadError, Reason};
use crate::parse::cgroup_cpu::{parse_cpu_stat_v2, parse_cpuacct_usage_v1};
use crate::parse::cgroup_memory::{
    MemoryStat, parse_bytes_file, parse_limit, parse_oom_kills, parse_stat_v1, parse_stat_v2,
};
use crate::parse::pid_cgroup::{self, ContainerId, PodUid};
use crate::procfs::{Buffer, KeptFile, ProcFs};
use crate::units::{Bytes, Nanos};

/// What the memory and CPU controllers say of one cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupFigures {
    /// memory.current, memory.usage_in_bytes
    pub usage: Bytes,
    /// usage − inactive_file
    pub working_set: Bytes,
    /// memory.max, memory.limit_in_bytes; absent where there is none.
    pub limit: Option<Bytes>,
    /// Processes the kernel killed in it for memory.
    pub oom_kills: Option<u64>,
    /// CPU time used by all processes it ever held.
    pub cpu: Option<Nanos>,
}

/// Which hierarchy the memory controller is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CgroupVersion {
    /// One hierarchy for all controllers.
    V2,
    /// A hierarchy for each controller.
    V1,
    /// Controllers in v1, and a v2 hierarchy without them beside it.
    Hybrid,
}

impl CgroupVersion {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            CgroupVersion::V2 => "v2",
            CgroupVersion::V1 => "v1",
            CgroupVersion::Hybrid => "v1 (hybrid)",
        }
    }
}

/// How deep below the hierarchy a pod's directory may lie: nested clusters (kind) go to five.
const DEEPEST: usize = 6;

impl ProcFs {
    /// Which cgroup version the memory controller of this node uses; nothing where none is mounted here.
    pub fn cgroup_version(&self) -> Option<CgroupVersion> {
        let mount = self.cgroup_mount();
        if mount.join("cgroup.controllers").exists() {
            return Some(CgroupVersion::V2);
        }
        if !mount.join("memory").is_dir() {
            return None;
        }
        let hybrid = mount.join("unified").is_dir();
        Some(if hybrid { CgroupVersion::Hybrid } else { CgroupVersion::V1 })
    }

    /// Reads the figures of a container of a pod; of the whole pod where no container is named.
    ///
    /// Nothing where the hierarchy is not mounted here or has no such pod.
    ///
    /// # Errors
    /// Where a file is malformed or denied.
    pub fn pod_figures(
        &self,
        pod: &PodUid,
        container: Option<&ContainerId>,
        buffer: &mut Buffer,
    ) -> Result<Option<CgroupFigures>, ReadError> {
        let Some(cgroup) = self.keep_pod(pod, container)? else { return Ok(None) };
        let read = |buffer: &mut Buffer| {
            let cpu = cgroup.cpu(buffer)?;
            Ok(cgroup.memory(buffer)?.map(|memory| CgroupFigures { cpu, ..memory }))
        };
        match read(buffer) {
            // The pod went while it was read.
            Err(error) if ReadError::is_vanished(&error) => Ok(None),
            other => other,
        }
    }

    /// Opens the files of a container of a pod, or of the whole pod, to read them again and again.
    ///
    /// # Errors
    /// Where a file that has to be there is denied.
    pub fn keep_pod(
        &self,
        pod: &PodUid,
        container: Option<&ContainerId>,
    ) -> Result<Option<KeptCgroup>, ReadError> {
        let mount = self.cgroup_mount();
        let unified = self.cgroup_version() == Some(CgroupVersion::V2);
        let find = |hierarchy: &Path| {
            let pod = find_pod(hierarchy, pod, DEEPEST)?;
            match container {
                None => Some(pod),
                Some(container) => find_container(&pod, container),
            }
        };
        let controller = |names: &[&str]| {
            if unified { find(&mount) } else { names.iter().find_map(|name| find(&mount.join(name))) }
        };
        let names = if unified { &NAMES_V2 } else { &NAMES_V1 };
        let keep = |dir: &Option<PathBuf>, name: &'static str| {
            let Some(dir) = dir else { return Ok(None) };
            let path = dir.join(name);
            match self.keep_at(&path) {
                Ok(file) => Ok(Some(CgroupFile { path, file })),
                Err(error) if error.is_vanished() => Ok(None),
                Err(error) => Err(error),
            }
        };
        let (memory, cpu) = (controller(&["memory"]), controller(&["cpuacct", "cpu,cpuacct"]));
        if memory.is_none() && cpu.is_none() {
            return Ok(None);
        }
        Ok(Some(KeptCgroup {
            unified,
            usage: keep(&memory, names.usage)?,
            stat: keep(&memory, names.stat)?,
            limit: keep(&memory, names.limit)?,
            events: keep(&memory, names.events)?,
            cpu: keep(&cpu, names.cpu)?,
        }))
    }

    fn cgroup_mount(&self) -> PathBuf {
        self.roots().sys.join("fs/cgroup")
    }
}

/// The files of one cgroup that are read.
struct Names {
    usage: &'static str,
    stat: &'static str,
    limit: &'static str,
    events: &'static str,
    cpu: &'static str,
}

const NAMES_V2: Names = Names {
    usage: "memory.current",
    stat: "memory.stat",
    limit: "memory.max",
    events: "memory.events",
    cpu: "cpu.stat",
};

const NAMES_V1: Names = Names {
    usage: "memory.usage_in_bytes",
    stat: "memory.stat",
    limit: "memory.limit_in_bytes",
    events: "memory.oom_control",
    cpu: "cpuacct.usage",
};

/// The files of a cgroup, kept open. Once it is removed every read says that it vanished (`ENODEV`).
#[derive(Debug)]
pub struct KeptCgroup {
    unified: bool,
    usage: Option<CgroupFile>,
    stat: Option<CgroupFile>,
    limit: Option<CgroupFile>,
    events: Option<CgroupFile>,
    cpu: Option<CgroupFile>,
}

#[derive(Debug)]
struct CgroupFile {
    path: PathBuf,
    file: KeptFile,
}

impl KeptCgroup {
    /// CPU time used by all processes that it and the cgroups below it ever held; nothing where the controller
    /// is not there.
    ///
    /// # Errors
    /// `Vanished` where it was removed.
    pub fn cpu(&self, buffer: &mut Buffer) -> Result<Option<Nanos>, ReadError> {
        let parse = if self.unified { parse_cpu_stat_v2 } else { parse_cpuacct_usage_v1 };
        parsed(self.cpu.as_ref(), parse, buffer)
    }

    /// What the memory controller says; nothing where it is not there. CPU time is left out.
    ///
    /// # Errors
    /// `Vanished` where it was removed.
    pub fn memory(&self, buffer: &mut Buffer) -> Result<Option<CgroupFigures>, ReadError> {
        let parse_stat = if self.unified { parse_stat_v2 } else { parse_stat_v1 };
        let usage = parsed(self.usage.as_ref(), parse_bytes_file, buffer)?;
        let stat = parsed(self.stat.as_ref(), parse_stat, buffer)?;
        let (Some(usage), Some(stat)) = (usage, stat) else { return Ok(None) };
        Ok(Some(CgroupFigures {
            limit: parsed(self.limit.as_ref(), parse_limit, buffer)?.flatten(),
            oom_kills: parsed(self.events.as_ref(), parse_oom_kills, buffer)?.flatten(),
            ..of_memory(usage, &stat)
        }))
    }
}

fn parsed<T>(
    file: Option<&CgroupFile>,
    parse: fn(&[u8]) -> Result<T, Malformed>,
    buffer: &mut Buffer,
) -> Result<Option<T>, ReadError> {
    let Some(CgroupFile { path, file }) = file else { return Ok(None) };
    let failed = |reason| ReadError::new(path, reason);
    let text = file.read(buffer).map_err(failed)?;
    parse(text).map(Some).map_err(|error| failed(Reason::Malformed(error)))
}

fn of_memory(usage: Bytes, stat: &MemoryStat) -> CgroupFigures {
    CgroupFigures { usage, working_set: usage.saturating_sub(stat.inactive_file), ..CgroupFigures::default() }
}

fn find_pod(dir: &Path, pod: &PodUid, depth: usize) -> Option<PathBuf> {
    let inside = children(dir);
    let is_pod = |path: &&PathBuf| membership(path).pod.as_ref() == Some(pod);
    if let Some(found) = inside.iter().find(is_pod) {
        return Some(found.clone());
    }
    if depth == 0 {
        return None;
    }
    // Only directories that can lead to pods: slices, the kubelet's, and a runtime's own service.
    let leads_on = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        ["kube", "burstable", "besteffort", "guaranteed"].iter().any(|part| name.contains(part))
            || name.ends_with(".slice")
            || name.ends_with(".service")
            || name == "k3s"
    };
    inside.iter().filter(leads_on).find_map(|path| find_pod(path, pod, depth - 1))
}

/// The directory of a container: below the pod's, or the pod's own where a runtime names both in one.
fn find_container(pod: &Path, container: &ContainerId) -> Option<PathBuf> {
    let of_container = |path: &PathBuf| membership(path).container.as_ref() == Some(container);
    if of_container(&pod.to_path_buf()) {
        return Some(pod.to_path_buf());
    }
    children(pod).into_iter().find(of_container)
}

/// What the path of a cgroup says: the last two components are enough for pod and container.
fn membership(path: &Path) -> pid_cgroup::Membership {
    let line = format!("0::{}\n", path.display());
    pid_cgroup::parse(line.as_bytes())
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut dirs: Vec<_> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    dirs.sort_unstable();
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::Roots;

    const UID: &str = "f626cce2-29b3-48e8-aa19-090cad4e2bf3";
    const CONTAINER: &str = "f5f40ab567b054bbddb7ab4eecb78935f2a28b2aae155c586368da9ae64964af";

    /// A host with nothing but these cgroup files.
    fn host(files: &[(String, &str)]) -> (tempfile::TempDir, ProcFs) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["proc/stat", "proc/meminfo"] {
            std::fs::create_dir_all(dir.path().join("proc")).unwrap();
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        for (name, content) in files {
            let path = dir.path().join("sys/fs/cgroup").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let procfs = ProcFs::open(Roots::beside(&dir.path().join("proc"))).unwrap();
        (dir, procfs)
    }

    fn read(procfs: &ProcFs) -> Option<CgroupFigures> {
        let pod = pid_cgroup::parse(format!("0::/pod{UID}/{CONTAINER}").as_bytes());
        procfs.pod_figures(&pod.pod.unwrap(), pod.container.as_ref(), &mut Buffer::default()).unwrap()
    }

    #[test]
    fn v2_with_the_systemd_driver() {
        let dir = format!(
            "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-containerd-{CONTAINER}.scope",
            UID.replace('-', "_")
        );
        let file = |name: &str| format!("{dir}/{name}");
        let (_dir, procfs) = host(&[
            ("cgroup.controllers".into(), "cpu memory\n"),
            (file("memory.current"), "1000000\n"),
            (file("memory.stat"), "anon 5\nfile 400000\ninactive_file 300000\nshmem 0\n"),
            (file("memory.max"), "max\n"),
            (file("memory.events"), "oom 2\noom_kill 1\n"),
            (file("cpu.stat"), "usage_usec 2500\nuser_usec 2000\n"),
        ]);
        assert_eq!(procfs.cgroup_version(), Some(CgroupVersion::V2));
        assert_eq!(
            read(&procfs),
            Some(CgroupFigures {
                usage: Bytes(1_000_000),
                working_set: Bytes(700_000),
                limit: None,
                oom_kills: Some(1),
                cpu: Some(Nanos(2_500_000)),
            })
        );
    }

    #[test]
    fn v1_with_the_cgroupfs_driver() {
        let file = |name: &str| {
            format!("{}/kubepods/burstable/pod{UID}/{CONTAINER}/{}", name.split('.').next().unwrap(), name)
        };
        let (_dir, procfs) = host(&[
            (file("memory.usage_in_bytes"), "1000\n"),
            (
                file("memory.stat"),
                "cache 1\ntotal_cache 5\ntotal_rss 6\ntotal_shmem 0\ntotal_inactive_file 2000\n",
            ),
            (file("memory.limit_in_bytes"), "419430400\n"),
            (file("cpuacct.usage"), "77\n"),
        ]);
        assert_eq!(procfs.cgroup_version(), Some(CgroupVersion::V1));
        let figures = read(&procfs).unwrap();
        assert_eq!((figures.working_set, figures.limit), (Bytes::ZERO, Some(Bytes(419_430_400))));
        assert_eq!((figures.cpu, figures.oom_kills), (Some(Nanos(77)), None));
    }

    #[test]
    fn a_pod_that_is_not_there_has_no_figures() {
        let (_dir, procfs) = host(&[("cgroup.controllers".into(), "memory\n")]);
        assert_eq!(read(&procfs), None);
        let (_dir, procfs) = host(&[]);
        assert_eq!((procfs.cgroup_version(), read(&procfs)), (None, None));
    }
}
