//! Ten thousand events leave memory where it was: for the index to the byte in the exporter's own tests, here for all
//! of it, as far as that can be said of a process that holds the server too.

use std::fs;

use edgebench_tests::scripted_api::{PODS, ScriptedApi, VMIS, answer};
use serde_json::{Value, json};

use crate::rig::{Rig, eventually};

const VMS: usize = 50;

/// Private memory of this process in KiB.
fn anonymous() -> u64 {
    let text = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn named(object: &Value, number: usize, changed: usize) -> Value {
    let mut object = object.clone();
    let name = format!("{}-{number}", object["metadata"]["name"].as_str().unwrap());
    object["metadata"]["name"] = json!(name);
    object["metadata"]["uid"] = json!(format!("{number}"));
    object["metadata"]["annotations"]["changed"] = json!(changed.to_string());
    object["status"]["phase"] = json!(if changed.is_multiple_of(2) { "Running" } else { "Scheduled" });
    object
}

#[test]
fn ten_thousand_events_leave_memory_where_it_was() {
    let api = ScriptedApi::real();
    let vmi = answer("virtualmachineinstances.json")["items"][0].clone();
    let pod = answer("pods-kubevirt.json")["items"][0].clone();
    let rig = Rig::start(&api);
    let round = |changed: usize| {
        for number in 0..VMS {
            api.put(VMIS, named(&vmi, number, changed));
            // A pod changes less often than its VMI.
            if changed.is_multiple_of(10) {
                api.put(PODS, named(&pod, number, changed));
            }
        }
        // The server's own history is no part of what is measured.
        if changed % 5 == 4 {
            rig.converges(&api, "after some rounds");
            eventually("the watches", || api.watches() == 9);
            api.trim();
        }
    };
    for changed in 0..20 {
        round(changed);
    }
    let before = anonymous();
    for changed in 20..220 {
        round(changed);
    }
    let after = anonymous();
    rig.handle.with(|cluster| assert_eq!((cluster.vmis.len(), cluster.launchers.len()), (VMS + 1, VMS + 1)));
    // One event kept whole has 4 KB or more: ten thousand would be 40 MB.
    assert!(after < before + 16 * 1024, "{before} KiB before, {after} KiB after 10,000 events");
    assert!(rig.handle.health().success());
}
