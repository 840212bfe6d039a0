//! The rig leaves nothing behind: what comes after it measures this machine too.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use edgebench_tests::libvirt::Plan;
use edgebench_tests::pod::Pod;

#[test]
#[ignore = "live: starts libvirtd and a VM of 256 MiB"]
fn a_test_that_panics_takes_its_vm_along() {
    let mut pids = Vec::new();
    let mut cgroups = Vec::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let pod = Pod::new("5f0c2a1e-7c1d-4b57-9f0a-2b6c7d8e9f03");
        let compute = pod.container(1);
        let vm = Plan::new().in_container(&compute).start();
        pids = vm.processes();
        cgroups = compute.procs().to_vec();
        panic!("as a test does that fails");
    }));
    assert!(panicked.is_err());
    assert!(pids.len() == 3 && !cgroups.is_empty(), "it had not started: {pids:?} {cgroups:?}");
    let left: Vec<_> = pids.iter().filter(|pid| fs::exists(format!("/proc/{pid}")).unwrap()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(cgroups.iter().all(|procs| !procs.exists()), "{cgroups:?}");
}
