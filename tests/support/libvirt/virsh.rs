//! Debian's virsh, on the socket of a libvirtd of ours.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

use super::DOMAIN;

/// A connection.
#[derive(Debug)]
pub(super) struct Virsh {
    uri: String,
}

/// What libvirt says of the domain.
#[derive(Clone, Debug)]
pub struct Stats {
    /// `cpu.time` of `domstats`, in nanoseconds: without cgroups utime + stime of `/proc/PID/stat`.
    pub cpu_ns: u64,
    /// `cpu.user`
    pub user_ns: u64,
    /// `cpu.system`
    pub system_ns: u64,
    /// `rss` of `dommemstat` in KiB: field 24 of `/proc/PID/stat`. KubeVirt exports this.
    pub rss_kib: u64,
    /// `vcpu.N.time`, in nanoseconds: of the vCPU threads.
    pub vcpu_ns: Vec<u64>,
}

impl Virsh {
    /// To the libvirtd whose socket is in `dir`.
    pub(super) fn new(dir: &Path) -> Virsh {
        Virsh { uri: format!("qemu+unix:///system?socket={}/libvirt-sock", dir.display()) }
    }

    /// Runs a command, and answers what it prints.
    pub(super) fn run(&self, arguments: &[&str]) -> io::Result<String> {
        let output =
            Command::new("virsh").args(["--quiet", "--connect", &self.uri]).args(arguments).output()?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("virsh {arguments:?}: {}: {message}", output.status)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(super) fn stats(&self) -> io::Result<Stats> {
        let domain = self.run(&["domstats", "--cpu-total", "--vcpu", DOMAIN])?;
        let memory = self.run(&["dommemstat", DOMAIN])?;
        let domain = pairs(&domain, '=');
        let vcpus = (0..).map_while(|n| domain.get(format!("vcpu.{n}.time").as_str()).copied());
        let of = |pairs: &BTreeMap<&str, u64>, name: &str| {
            pairs.get(name).copied().ok_or_else(|| io::Error::other(format!("virsh does not say {name}")))
        };
        Ok(Stats {
            cpu_ns: of(&domain, "cpu.time")?,
            user_ns: of(&domain, "cpu.user")?,
            system_ns: of(&domain, "cpu.system")?,
            rss_kib: of(&pairs(&memory, ' '), "rss")?,
            vcpu_ns: vcpus.collect(),
        })
    }
}

/// The lines that are a name and a number.
fn pairs(text: &str, between: char) -> BTreeMap<&str, u64> {
    text.lines()
        .filter_map(|line| line.trim().split_once(between))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect()
}
