//! What the command line promises: formats, comparisons, captures, exit codes, completions, the man page.
//!
//! The program is run as people run it, on hosts that the tests build, whose figures are known beforehand.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

mod comparing;
mod doctor;
mod formats;
mod help;
mod memory;
mod saving;
mod terminal;

use edgebench_tests::Host;

const FORMATS: [&str; 6] = ["table", "markdown", "json", "csv", "sar", "html"];

/// Anonymous memory of [`kubernetes`]' processes.
const KUBERNETES_KIB: u64 = 200_000;

/// A node with Kubernetes and nothing else.
fn kubernetes() -> Host {
    let host = Host::new().file("proc/sys/kernel/hostname", "edge-0417\n");
    host.process(10, |p| p.exe("/usr/bin/kubelet").anon_kib(KUBERNETES_KIB))
        .process(2, |p| p.kernel_thread("kthreadd"))
        .memory(&[("AnonPages", 400_000)])
}

/// The same node with KubeVirt, which takes `kib` of anonymous memory.
fn kubevirt(kib: u64) -> Host {
    kubernetes().process(20, |p| p.exe("/usr/bin/virt-handler").anon_kib(kib)).memory(&[
        ("AnonPages", 400_000 + kib),
        ("MemFree", 5_626_448 - kib),
        ("MemAvailable", 7_400_000 - kib),
    ])
}

/// Arguments of a measurement of `host` that is over at once, with `more` of them.
fn footprint<'a>(host: &'a Host, more: &[&'a str]) -> Vec<&'a str> {
    let procfs = host.proc.to_str().unwrap();
    [&["footprint", "--samples", "3", "--interval", "10ms", "--procfs", procfs], more].concat()
}
