//! A process is a number and when it started: nothing is ever read of one and told of another.
//!
//! The kernel gives a number to the next process once its owner is reaped (`kernel/pid.c`), so between two
//! passes, and between two reads of one pass, a number may have changed hands. A directory of `/proc` that
//! was opened before answers for the old process alone, which is gone.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use edgebench::comparison::{Comparison, Side};
use edgebench::footprint::{ComponentRow, Footprint, Group, PartKey, Proportion};
use edgebench::notes::notes;
use edgebench_sampler::classify::{Trust, classify};
use edgebench_sampler::process::{Denied, ProcessPass, Proportional, Scratch};
use edgebench_sampler::procfs::{Buffer, ProcessFile};
use edgebench_sampler::{Bytes, Pid, ProcFs, proportional, vm_reading};
use edgebench_tests::one_sample::{footprint, measured};
use edgebench_tests::{Host, Process};

fn row<'a>(footprint: &'a Footprint, name: &str) -> &'a ComponentRow {
    footprint.components.iter().find(|row| row.component == name).unwrap()
}

fn pass(procfs: &ProcFs) -> ProcessPass {
    procfs.process_pass(&mut Scratch::default()).unwrap()
}

fn handler(process: Process) -> Process {
    process.exe("/usr/bin/virt-handler").anon_kib(40_000)
}

#[test]
fn a_successor_of_the_same_number_and_name_starts_from_nothing() {
    // Its CPU time is above, below and between what its predecessor had.
    for (user, system) in [(9_050, 1_000), (7, 3), (8_000, 2_000)] {
        let host = Host::new().process(1234, |p| handler(p).started_at(5000).cpu_ticks(9_000, 1_000));
        let footprint = footprint(&host, |h| {
            h.ended(1234).process(1234, |p| handler(p).started_at(9999).cpu_ticks(user, system))
        });
        let row = row(&footprint, "virt-handler");
        assert_eq!((row.cpu.user.0, row.cpu.system.0), (user, system));
        assert_eq!(footprint.remarks.counter_resets, 0, "another process, not a counter that stepped back");
        assert_eq!(row.processes, 1);
    }
}

#[test]
fn the_same_process_is_known_again() {
    let host = Host::new().process(1234, |p| handler(p).cpu_ticks(9_000, 1_000));
    let footprint = footprint(&host, |h| h.process(1234, |p| p.cpu_ticks(9_030, 1_007)));
    let row = row(&footprint, "virt-handler");
    assert_eq!((row.cpu.user.0, row.cpu.system.0), (30, 7));
}

#[test]
fn a_process_that_became_another_program_is_what_it_is_now() {
    // runc starts a container, and then becomes it: number and start stay.
    let host = Host::new().process(1234, |p| p.exe("/usr/bin/runc").cpu_ticks(10, 0));
    let footprint = footprint(&host, |h| h.process(1234, |p| handler(p).cpu_ticks(15, 0)));
    assert_eq!(row(&footprint, "virt-handler").cpu.user.0, 5);
    assert!(footprint.components.iter().all(|row| row.component != "runc"));
}

#[test]
fn proportional_memory_is_not_read_of_a_successor() {
    let host = Host::new()
        .process(1234, |p| handler(p).started_at(5000))
        .process(1300, |p| p.exe("/usr/bin/virt-api").anon_kib(50_000));
    let procfs = ProcFs::open(host.roots()).unwrap();
    let mut processes = pass(&procfs).processes;
    host.step(|h| h.ended(1234).process(1234, |p| handler(p).started_at(9999).anon_kib(999_000)));
    let (mut denied, mut buffer) = (Denied::new(), Buffer::default());
    proportional::read(&procfs, &mut processes, |_, _| true, &mut denied, &mut buffer).unwrap();
    let memory = processes.iter().map(|process| process.memory.unwrap()).collect::<Vec<_>>();
    assert_eq!(memory[0].proportional, Proportional::NotRead);
    assert_eq!(memory[0].anonymous, Bytes::from_kib(40_000), "what was read before it ended stays");
    assert_eq!(memory[1].pss(), Some(Bytes::from_kib(50_000)));
    assert_eq!(denied, Denied::new());
}

#[test]
fn guest_ram_is_not_read_of_a_successor() {
    let qemu = |p: Process| {
        let smaps = "7f0000000000-7f0004000000 rw-p 00000000 00:00 0 \nRss: 65536 kB\nPss: 65536 kB\n\
                     Anonymous: 65536 kB\nSwap: 0 kB\nShared_Hugetlb: 0 kB\nPrivate_Hugetlb: 0 kB\n";
        let args = ["qemu-kvm", "-name", "guest=default_vm", "-object", "memory-backend-ram,id=a,size=64M"];
        p.exe("/usr/libexec/qemu-kvm").cmdline(args).anon_kib(70_000).file("smaps", smaps)
    };
    let host = Host::new().process(1234, |p| qemu(p).started_at(5000));
    let procfs = ProcFs::open(host.roots()).unwrap();
    let processes = pass(&procfs).processes;
    let classes = classify(&processes, Trust::Any);
    let vms = || {
        let (mut denied, mut buffer) = (Denied::new(), Buffer::default());
        vm_reading::read(&procfs, &processes, &classes, true, &mut denied, &mut buffer).unwrap()
    };
    assert_eq!(vms()[0].guest.unwrap().resident, Bytes(64 << 20));
    host.step(|h| h.ended(1234).process(1234, |p| qemu(p).started_at(9999)));
    assert_eq!(vms()[0].guest, None);
}

#[test]
fn an_opened_directory_does_not_lead_to_a_successor() {
    let host = Host::new().process(1234, |p| handler(p).started_at(5000));
    let procfs = ProcFs::open(host.roots()).unwrap();
    let mut buffer = Buffer::default();
    let dir = procfs.process(Pid(1234)).unwrap();
    let id = pass(&procfs).processes[0].id;
    host.step(|h| h.ended(1234).process(1234, |p| handler(p).started_at(9999)));
    for file in [ProcessFile::Stat, ProcessFile::Status, ProcessFile::SmapsRollup] {
        assert!(dir.read(file, &mut buffer).unwrap_err().is_vanished());
    }
    assert!(procfs.process_that_is(id, &mut buffer).unwrap_err().is_vanished());
}

#[test]
fn a_process_that_ends_while_it_is_read_is_left_out_whole() {
    for file in ["stat", "statm", "status", "cgroup", "cmdline"] {
        let host = Host::new()
            .process(7, |p| handler(p).without(file))
            .process(8, |p| p.exe("/usr/bin/virt-api").anon_kib(50_000));
        let footprint = footprint(&host, |h| h);
        let names: Vec<_> = footprint.components.iter().map(|row| row.component.as_str()).collect();
        assert_eq!(names, ["virt-api"], "{file} was gone");
        assert_eq!(footprint.remarks.denied, Denied::new(), "nothing was denied");
    }
}

#[test]
fn a_process_that_ends_before_its_pss_is_read_keeps_the_rest() {
    let host = Host::new().process(7, |p| handler(p).file_kib(8_000).without("smaps_rollup"));
    let footprint = footprint(&host, |h| h);
    let row = row(&footprint, "virt-handler");
    assert_eq!(row.resident, Bytes::from_kib(48_000));
    assert_eq!(row.proportional, Proportion::Estimate(Bytes::from_kib(40_000)));
}

#[test]
fn what_a_process_used_before_it_ended_is_its_parents_to_tell() {
    // cutime and cstime are fields 16 and 17; the process had used 10,000 ticks before the run, 40 in it.
    let reaped = |host: &Host, user: &str| {
        let stat = host.read("proc/1/stat");
        let mut fields: Vec<_> = stat.split(' ').collect();
        fields[15] = user;
        fields.join(" ")
    };
    let host = Host::new()
        .process(1, |p| p.exe("/sbin/init").parent(0))
        .process(1234, |p| handler(p).cpu_ticks(9_000, 1_000));
    let footprint = footprint(&host, |h| {
        let stat = reaped(&h, "10040");
        h.ended(1234).process(1, |p| p.file("stat", stat))
    });
    assert_eq!(footprint.cpu.parts[&PartKey::whole(Group::Ended)], 40);
    assert_eq!(row(&footprint, "init").cpu.total().0, 0, "its own time it is not");
}

#[test]
fn a_zombie_has_cpu_time_and_no_memory() {
    let status = "Name:\tvirt-handler\nState:\tZ (zombie)\nUid:\t0\t0\t0\t0\nThreads:\t1\nCapEff:\t0\n\
                  voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n";
    let zombie = |p: Process| {
        p.comm("virt-handler")
            .without_exe()
            .cmdline([""; 0])
            .state('Z')
            .statm("0 0 0 0 0 0 0\n")
            .status(status)
            .without("smaps_rollup")
    };
    let host = Host::new().process(7, |p| zombie(p).cpu_ticks(100, 0));
    let footprint = footprint(&host, |h| h.process(7, |p| p.cpu_ticks(104, 1)));
    let row = row(&footprint, "virt-handler");
    assert_eq!((row.processes, row.cpu.total().0), (1, 5));
    assert_eq!((row.resident, row.proportional), (Bytes::ZERO, Proportion::Exact(Bytes::ZERO)));
    assert_eq!(footprint.remarks.denied, Denied::new());
}

#[test]
fn threads_of_the_kernel_are_a_row_of_their_own_whatever_their_name() {
    let host = Host::new()
        .process(14, |p| p.kernel_thread("ksoftirqd/0").cpu_ticks(0, 10))
        .process(15, |p| p.kernel_thread("virt-handler"));
    let footprint =
        footprint(&host, |h| h.process(14, |p| p.cpu_ticks(0, 13)).process(15, |p| p.cpu_ticks(0, 4)));
    let row = row(&footprint, "kernel threads");
    assert_eq!((row.processes, row.cpu.total().0, row.resident), (2, 7, Bytes::ZERO));
    assert_eq!((footprint.node.processes, footprint.node.kernel_threads), (0, 2));
    assert_eq!(footprint.cpu.parts[&PartKey::new(Group::Kernel, 0, "kernel threads")], 7);
    assert!(!footprint.has_kubevirt());
}

#[test]
fn a_counter_that_steps_back_is_no_negative_time_and_is_told() {
    let host = Host::new().process(7, |p| handler(p).cpu_ticks(500, 60));
    let footprint = footprint(&host, |h| h.process(7, |p| p.cpu_ticks(400, 65)));
    let row = row(&footprint, "virt-handler");
    assert_eq!((row.cpu.user.0, row.cpu.system.0), (0, 5));
    assert_eq!(footprint.remarks.counter_resets, 1);
    let comparison = Comparison::new(None, Side::new(vec![footprint]).unwrap());
    let notes: Vec<_> = notes(&comparison).iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.contains("stepped back")), "{notes:?}");
}

/// A CPU that was busy for so many of its ticks.
fn cpu(busy: u64, idle: u64) -> [u64; 10] {
    [busy, 0, 0, idle, 0, 0, 0, 0, 0, 0]
}

#[test]
fn a_cpu_that_goes_offline_counts_with_the_ticks_it_had() {
    let host = Host::new().cpus(&[cpu(1000, 1000), cpu(1000, 1000)]);
    let footprint = measured(
        &host,
        [
            vec![(0, cpu(1050, 1050)), (1, cpu(1010, 1090))],
            vec![(0, cpu(1100, 1100))],
            vec![(0, cpu(1150, 1150))],
        ]
        .map(|rows| move |h: Host| h.cpu_rows(&rows)),
    )
    .unwrap();
    assert_eq!((footprint.cpu.used_ticks, footprint.cpu.interval_ticks), (150 + 10, 300 + 100));
    assert_eq!(footprint.node.cpu_used_percent, 40.0);
    assert_eq!(footprint.node.cpus, 1);
}

#[test]
fn a_cpu_that_comes_back_counts_from_where_it_left() {
    let host = Host::new().cpus(&[cpu(1000, 1000), cpu(1000, 1000)]);
    let footprint = measured(
        &host,
        [vec![(0, cpu(1050, 1050))], vec![(0, cpu(1100, 1100)), (1, cpu(1020, 1080))]]
            .map(|rows| move |h: Host| h.cpu_rows(&rows)),
    )
    .unwrap();
    assert_eq!((footprint.cpu.used_ticks, footprint.cpu.interval_ticks), (100 + 20, 200 + 100));
    assert_eq!(footprint.node.cpu_used_percent, 40.0);
    assert_eq!(footprint.cpu.parts.values().sum::<i64>(), 120);
}
