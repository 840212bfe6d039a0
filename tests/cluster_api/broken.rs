//! Everything that can go wrong between the two, and what is known when it is over.

use std::time::Duration;

use edgebench_exporter::cluster::health::Subject;
use edgebench_exporter::cluster::{Kind, State};
use edgebench_tests::scripted_api::{Fault, ScriptedApi, VMIS, answer_text};
use serde_json::json;

use crate::rig::{Rig, eventually};

const VMI_WATCH: &str = "virtualmachineinstances?labelSelector=kubevirt.io%2FnodeName%3Dedge-node&watch=true";
const FOREVER: usize = usize::MAX;

fn known() -> (ScriptedApi, Rig) {
    let api = ScriptedApi::real();
    let rig = Rig::start(&api);
    rig.converges(&api, "at first");
    eventually("the watches", || api.watches() == 9);
    (api, rig)
}

fn add_vmi(api: &ScriptedApi, name: &str) {
    let labels = json!({ "kubevirt.io/nodeName": "edge-node" });
    let metadata = json!({ "namespace": "default", "name": name, "uid": name, "labels": labels });
    api.put(VMIS, json!({ "metadata": metadata, "status": { "phase": "Running" } }));
}

#[test]
fn a_version_that_is_too_old_takes_another_list() {
    let (api, rig) = known();
    api.forget();
    api.delete(VMIS, "default", "edge-vm");
    add_vmi(&api, "other");
    rig.converges(&api, "after 410");
    rig.fails("expired");
    assert!(rig.handle.health().success(), "410 is in the order of things");
}

#[test]
fn a_watch_that_is_refused_with_410_takes_another_list_too() {
    let (api, rig) = known();
    api.fail(VMI_WATCH, Fault::Status(410, answer_text("error-410-watch.ndjson")), 3);
    api.break_connections();
    add_vmi(&api, "other");
    rig.converges(&api, "after 410 as a status");
    rig.fails("expired");
}

#[test]
fn the_real_answer_of_a_server_without_watch_list_is_survived() {
    let (api, rig) = known();
    api.fail(VMI_WATCH, Fault::Line(answer_text("error-500-watch-list.ndjson")), 3);
    api.break_connections();
    add_vmi(&api, "other");
    rig.converges(&api, "after 500 in a watch");
    rig.fails("server");
    assert!(!api.requests().iter().any(|url| url.contains("sendInitialEvents")), "it is never asked for");
}

#[test]
fn a_server_that_is_ill_heals() {
    let api = ScriptedApi::real();
    api.fail("", Fault::Status(500, "{}".into()), 30);
    api.fail("", Fault::Status(503, "<html>".into()), 10);
    api.fail("", Fault::Status(429, String::new()), 10);
    api.fail("", Fault::Instead("<html>not json</html>".into()), 10);
    let rig = Rig::start(&api);
    rig.converges(&api, "after 60 bad answers");
    eventually("health", || rig.handle.health().success());
    assert_eq!(rig.errors("server"), 40);
    assert_eq!((rig.errors("throttled"), rig.errors("malformed")), (10, 10));
}

#[test]
fn a_list_that_is_cut_anywhere_is_asked_for_again_and_removes_nothing() {
    let api = ScriptedApi::real();
    for bytes in [0, 1, 100, 1000, 3000, 10_000, 20_000] {
        api.fail("resourceVersion=0", Fault::Cut(bytes), 9);
    }
    let rig = Rig::start(&api);
    rig.converges(&api, "after cuts");
    rig.fails("connection");

    // The same once something is known: it is there all the time.
    for bytes in [0, 1, 100, 1000] {
        api.fail("virtualmachineinstances", Fault::Cut(bytes), 2);
    }
    api.break_connections();
    let begun = api.requests().len();
    eventually("another round", || {
        rig.handle.with(|cluster| assert_eq!(cluster.vmis.len(), 1));
        api.requests().iter().skip(begun).filter(|url| url.contains("virtualmachineinstances")).count() > 9
    });
}

#[test]
fn a_watch_that_is_cut_in_mid_object_is_made_up_for() {
    let (api, rig) = known();
    for bytes in [0, 1, 17, 100, 200] {
        api.fail(VMI_WATCH, Fault::Cut(bytes), 1);
    }
    api.break_connections();
    for name in ["a", "b", "c", "d"] {
        add_vmi(&api, name);
        rig.converges(&api, "after a cut");
    }
    api.delete(VMIS, "default", "a");
    rig.converges(&api, "after a deletion");
}

#[test]
fn slow_streams_arrive() {
    let (api, rig) = known();
    api.fail(VMI_WATCH, Fault::Slow(50), FOREVER);
    api.break_connections();
    add_vmi(&api, "other");
    rig.converges(&api, "slowly");
    eventually("health", || rig.handle.health().success());
}

#[test]
fn a_list_that_takes_for_ever_is_given_up() {
    let api = ScriptedApi::real();
    api.fail("virtualmachineinstances?", Fault::Slow(1), 1);
    let rig = Rig::adjusted(&api, |settings| settings.pace.list = Duration::from_millis(300));
    rig.fails("timeout");
    rig.converges(&api, "at the second attempt");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let api = ScriptedApi::real();
    api.fail("virtualmachineinstances?", Fault::Hang, 1);
    let rig = Rig::adjusted(&api, |settings| settings.pace.answer = Duration::from_millis(200));
    rig.fails("timeout");
    rig.converges(&api, "at the second attempt");
}

#[test]
fn a_watch_that_hangs_silently_is_found_by_its_end() {
    let (api, rig) = {
        let api = ScriptedApi::real();
        let rig = Rig::adjusted(&api, |settings| {
            settings.pace.watch = Duration::from_secs(1);
            settings.pace.answer = Duration::from_millis(500);
        });
        (api, rig)
    };
    rig.converges(&api, "at first");
    api.fail(VMI_WATCH, Fault::Silent, 2);
    api.break_connections();
    eventually("a silent watch", || rig.errors("timeout") > 0);
    add_vmi(&api, "other");
    rig.converges(&api, "after silence");
}

#[test]
fn a_watch_that_ends_is_taken_up_where_it_was() {
    let api = ScriptedApi::real();
    let rig = Rig::adjusted(&api, |settings| settings.pace.watch = Duration::from_secs(1));
    rig.converges(&api, "at first");
    let watches = || api.requests().iter().filter(|url| url.contains(VMI_WATCH)).count();
    eventually("some ends", || watches() > 3);
    add_vmi(&api, "other");
    rig.converges(&api, "in a later watch");
    let lists = api
        .requests()
        .iter()
        .filter(|url| url.contains("virtualmachineinstances") && !url.contains("watch"))
        .count();
    assert_eq!(lists, 1, "no list was needed");
    assert_eq!(rig.handle.health().errors().len(), 0);
}

#[test]
fn a_server_that_restarts_is_asked_again_and_what_was_known_stays_meanwhile() {
    let (api, rig) = known();
    api.stop();
    rig.becomes(Subject::Kind(Kind::Vmis), State::Failing);
    rig.handle.with(|cluster| assert_eq!(cluster.vmis.len(), 1, "the VM runs on without an API server"));
    assert!(!rig.handle.health().success());
    api.delete(VMIS, "default", "edge-vm");
    add_vmi(&api, "other");
    api.restart();
    rig.converges(&api, "after a restart");
    eventually("health", || rig.handle.health().success());
}

#[test]
fn a_server_that_was_restored_from_a_backup_is_believed() {
    let (api, rig) = known();
    api.stop();
    rig.becomes(Subject::Kind(Kind::Vmis), State::Failing);
    api.delete(VMIS, "default", "edge-vm");
    api.restart_with_lower_versions();
    rig.converges(&api, "with versions that start anew");
    add_vmi(&api, "other");
    rig.converges(&api, "and count on");
}

#[test]
fn an_object_that_cant_be_read_hides_no_other() {
    let api = ScriptedApi::real();
    let nonsense = r#"{"metadata":{"resourceVersion":"1000"},"items":[7,{"metadata":7},{"metadata":{"name":"ok","namespace":"n"}}]}"#;
    api.fail("virtualmachineinstances?", Fault::Instead(nonsense.replace("7,{", "{")), 1);
    // The watch from there on hangs, so that the list is what is seen.
    api.fail(VMI_WATCH, Fault::Silent, 1);
    let rig = Rig::start(&api);
    eventually("the other", || rig.handle.with(|cluster| cluster.vmis.iter().any(|vmi| vmi.name == "ok")));
    assert_eq!(rig.errors("malformed"), 1);
}
