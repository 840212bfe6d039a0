//! A host built in a test says to the sampler what the test said to it.
//!
//! The parsers are tested on literal text, on properties and on captures of real nodes; this is about the
//! builder, on which tests of figures rest.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use edgebench_sampler::process::{ProcessPass, Scratch};
use edgebench_sampler::procfs::Buffer;
use edgebench_sampler::{Bytes, Pages, ProcFs, Ticks};
use edgebench_tests::Host;

fn pass(host: &Host) -> ProcessPass {
    ProcFs::open(host.roots()).unwrap().process_pass(&mut Scratch::default()).unwrap()
}

#[test]
fn a_process_is_what_it_was_given() {
    let pod = "f626cce2-29b3-48e8-aa19-090cad4e2bf3";
    let host = Host::new().process(7, |p| {
        p.exe("/usr/bin/virt-launcher-monitor")
            .parent(3)
            .started_at(99)
            .cpu_ticks(30, 5)
            .guest_ticks(20)
            .thread(8, "CPU 0/KVM", 25, 3, 20)
            .anon_kib(400)
            .file_kib(80)
            .shmem_kib(20)
            .swap_kib(12)
            .page_tables_kib(16)
            .hugetlb_kib(2048)
            .in_pod(pod, &"5".repeat(64))
    });
    let pass = pass(&host);
    let process = &pass.processes[0];
    assert_eq!((process.id.pid.0, process.id.start.0, process.parent.0, process.threads), (7, 99, 3, 2));
    assert_eq!(process.names.comm, "virt-launcher-m");
    assert_eq!(process.names.exe.as_deref(), Some("virt-launcher-monitor"));
    assert_eq!((process.cpu.user, process.cpu.system, process.cpu.guest), (Ticks(30), Ticks(5), Ticks(20)));
    assert_eq!(process.membership.pod.as_ref().map(|pod| pod.as_str()), Some(pod));
    let memory = process.memory.as_ref().unwrap();
    assert_eq!(
        [memory.anonymous, memory.file, memory.shared, memory.swap, memory.page_tables, memory.hugetlb],
        [400, 80, 20, 12, 16, 2048].map(Bytes::from_kib)
    );
}

#[test]
fn a_kernel_thread_is_one() {
    let pass = pass(&Host::new().process(14, |p| p.kernel_thread("ksoftirqd/0").cpu_ticks(0, 77)));
    assert!(pass.processes[0].kernel_thread);
    assert_eq!(pass.processes[0].memory, None);
}

#[test]
fn any_name_is_read() {
    for name in [&b"a) R 1 (b"[..], b"two\nlines", b"\xff\xfe", b"\x1b[31mred", b"", b"\\n"] {
        let pass = pass(&Host::new().process(7, |p| p.comm(name).started_at(99)));
        assert_eq!(pass.processes[0].id.start.0, 99, "{}", name.escape_ascii());
    }
}

#[test]
fn a_step_is_the_next_reading() {
    let host = Host::new().cpus(&[[100; 10]; 2]).memory(&[("MemFree", 7)]).pcp_pages(77);
    let procfs = ProcFs::open(host.roots()).unwrap();
    let mut buffer = Buffer::default();
    let first = procfs.node_reading(0, &mut buffer).unwrap();
    assert_eq!(first.per_cpu_free, Some(Pages(77)));
    host.step(|h| h.memory(&[("MemFree", 9)]).without("proc/zoneinfo"));
    let second = procfs.node_reading(1_000_000_000, &mut buffer).unwrap();
    assert_eq!((first.memory.free, second.memory.free), (Bytes::from_kib(7), Bytes::from_kib(9)));
    assert_eq!(second.per_cpu_free, None);
    assert_eq!(first.stat, second.stat);
}
