//! The fixtures are what they were packed from, and carry what their README says of them.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use edgebench_tests::host::{Host, fixture};
use edgebench_tests::ttar::{self, Archive};

/// All captures, by their names.
fn captures() -> BTreeMap<String, PathBuf> {
    fn below(dir: &Path, found: &mut BTreeMap<String, PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "ttar") {
                let name = path.with_extension("");
                found.insert(name.strip_prefix(fixture("")).unwrap().to_str().unwrap().into(), path);
            }
        }
    }
    let mut found = BTreeMap::new();
    below(&fixture(""), &mut found);
    found
}

/// The programs of a host by process number; a kernel thread has none.
fn programs(host: &Host) -> BTreeMap<u32, String> {
    let pids = fs::read_dir(&host.proc)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.map(|pid: u32| {
        let exe = fs::read_link(host.proc.join(pid.to_string()).join("exe"));
        (pid, exe.map(|exe| exe.file_name().unwrap().to_str().unwrap().to_owned()).unwrap_or_default())
    })
    .collect()
}

#[test]
fn every_capture_comes_back_from_the_disk_as_it_is_written() {
    let captures = captures();
    assert_eq!(captures.len(), 7);
    for (name, path) in captures {
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(ttar::pack(Host::unpack(&name).path()), text, "{name}");
    }
}

#[test]
fn no_capture_depends_on_an_editor_that_leaves_blanks_at_line_ends() {
    for (name, path) in captures() {
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.lines().any(|line| line.ends_with([' ', '\t', '\r'])), "{name}");
    }
}

#[test]
fn the_real_node_gains_kubevirt_and_cdi_and_then_a_vm() {
    let host = Host::unpack("node-kubevirt-1.9/1-kubernetes/t1");
    assert_eq!(programs(&host).len(), 11, "seven of Kubernetes, four of the kernel");
    host.step_to("node-kubevirt-1.9/3-cdi/t1");
    assert_eq!(programs(&host).len(), 19);
    host.step_to("node-kubevirt-1.9/4-vm/t1");
    let programs = programs(&host);
    assert_eq!(programs.len(), 26);
    for (pid, program) in [(13_247, "qemu-kvm"), (13_169, "virt-launcher"), (13_123, "virt-tail"), (14, "")] {
        assert_eq!(programs[&pid], program);
    }
}

#[test]
fn a_process_of_a_fixture_looks_like_one() {
    let host = Host::unpack("node-kubevirt-1.9/4-vm/t1");
    let qemu = host.proc.join("13247");
    let cmdline = fs::read(qemu.join("cmdline")).unwrap();
    let args: Vec<_> = cmdline.split(|byte| *byte == 0).collect();
    assert_eq!(
        args[..3],
        [&b"/usr/libexec/qemu-kvm"[..], b"-name", b"guest=default_edge-vm,debug-threads=on"]
    );
    assert_eq!(args.last(), Some(&&b""[..]), "it ends in a NUL");
    assert_eq!(fs::read_dir(qemu.join("fd")).unwrap().count(), 20);
    assert_eq!(fs::read_dir(qemu.join("task")).unwrap().count(), 5);
    assert!(fs::read(host.proc.join("14/cmdline")).unwrap().is_empty());
}

#[test]
fn the_pods_cgroups_are_there() {
    let host = Host::unpack("node-kubevirt-1.9/4-vm/t1");
    let pod = "fs/cgroup/memory/kubepods/burstable/podf626cce2-29b3-48e8-aa19-090cad4e2bf3";
    let compute = host.sys.join(pod).join("f5f40ab567b054bbddb7ab4eecb78935f2a28b2aae155c586368da9ae64964af");
    assert!(fs::read_to_string(compute.join("cgroup.procs")).unwrap().lines().any(|pid| pid == "13247"));
    assert!(compute.join("memory.usage_in_bytes").exists());
}

#[test]
fn between_two_time_steps_the_clock_goes_on_and_the_processes_stay() {
    for phase in ["1-kubernetes", "3-cdi", "4-vm"] {
        let host = Host::unpack(&format!("node-kubevirt-1.9/{phase}/t0"));
        let uptime =
            |host: &Host| host.read("proc/uptime").split(' ').next().unwrap().parse::<f64>().unwrap();
        let (before, running) = (uptime(&host), programs(&host));
        host.step_to(&format!("node-kubevirt-1.9/{phase}/t1"));
        assert!((5.0..60.0).contains(&(uptime(&host) - before)), "{phase}");
        assert_eq!(programs(&host), running, "{phase}");
    }
}

#[test]
fn a_libvirt_host_has_a_vm_outside_any_pod() {
    let host = Host::unpack("libvirt-host/t0");
    let programs: Vec<_> = programs(&host).into_iter().collect();
    assert_eq!(
        programs,
        [(49_333, "virtlogd".into()), (49_334, "libvirtd".into()), (49_453, "qemu-kvm".into())]
    );
    assert!(host.read("proc/49453/cgroup").contains("memory:/machine.slice\n"));
    assert_eq!(host.read("proc/49453/task/49461/comm"), "CPU 0/TCG\n");
}

#[test]
fn an_archive_names_where_it_is_broken() {
    let text = fs::read_to_string(fixture("libvirt-host/t0.ttar")).unwrap();
    let cut: String = text.lines().take(40).map(|line| format!("{line}\n")).collect();
    assert_eq!(Archive::parse(&cut).unwrap_err().line, 41);
}
