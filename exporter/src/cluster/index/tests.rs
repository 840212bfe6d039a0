use super::*;
use crate::cluster::decode;

const VMIS: Teller = Teller::Kind(Kind::Vmis);
const PODS: Teller = Teller::Kind(Kind::LauncherPods);

fn put(index: &mut Index, kind: Kind, text: &str) -> Key {
    let (identity, object) = decode::object(kind, text).unwrap();
    let key = (identity.namespace.clone(), identity.name.clone());
    index.put(Teller::Kind(kind), identity, object);
    key
}

fn vmi(name: &str, phase: &str) -> String {
    format!(r#"{{"metadata":{{"namespace":"n","name":"{name}"}},"status":{{"phase":"{phase}"}}}}"#)
}

fn pod(vmi: &str, phase: &str) -> String {
    format!(
        r#"{{"metadata":{{"namespace":"n","name":"virt-launcher-{vmi}-x","annotations":{{"kubevirt.io/domain":"{vmi}"}}}},
            "status":{{"phase":"{phase}"}}}}"#
    )
}

fn names(index: &Index) -> Vec<&str> {
    index.cluster().vmis.iter().map(|vmi| vmi.name.as_str()).collect()
}

#[test]
fn an_object_is_replaced_by_its_next_version_and_tables_are_in_order() {
    let mut index = Index::default();
    for (name, phase) in [("b", "Pending"), ("a", "Running"), ("c", "Running"), ("b", "Running")] {
        put(&mut index, Kind::Vmis, &vmi(name, phase));
    }
    assert_eq!(names(&index), ["a", "b", "c"]);
    assert!(index.cluster().vmis.iter().all(|vmi| vmi.phase == "Running"));
}

#[test]
fn what_a_list_does_not_name_is_gone() {
    let mut index = Index::default();
    let [a, b] = ["a", "b"].map(|name| put(&mut index, Kind::Vmis, &vmi(name, "Running")));
    put(&mut index, Kind::LauncherPods, &pod("a", "Running"));
    index.keep_only(VMIS, &BTreeSet::from([b.clone()]));
    assert_eq!(names(&index), ["b"]);
    assert_eq!(index.cluster().launchers.len(), 1, "of another kind it says nothing");
    index.remove(VMIS, &a);
    assert_eq!(names(&index), ["b"], "gone already");
}

#[test]
fn the_same_name_in_two_namespaces_is_two_vms() {
    let mut index = Index::default();
    put(&mut index, Kind::Vmis, &vmi("a", "Running"));
    let other = put(&mut index, Kind::Vmis, &vmi("a", "Running").replace(r#""n""#, r#""m""#));
    assert_eq!(names(&index), ["a", "a"]);
    index.remove(VMIS, &other);
    assert_eq!(index.cluster().vmis[0].namespace, "n");
}

#[test]
fn a_migrating_vmi_is_known_by_its_pod_until_its_label_says_so_too() {
    let mut index = Index::default();
    put(&mut index, Kind::LauncherPods, &pod("a", "Pending"));
    assert!(index.unlabelled_vmis().is_empty(), "labelled ones are yet to be listed");
    index.keep_only(VMIS, &BTreeSet::new());
    let wanted = index.unlabelled_vmis();
    let key = ("n".to_owned(), "a".to_owned());
    assert_eq!(wanted, BTreeSet::from([key.clone()]));

    let (identity, object) = decode::object(Kind::Vmis, &vmi("a", "Running")).unwrap();
    index.put(Teller::Launcher, identity, object);
    assert_eq!(names(&index), ["a"]);

    // It has switched over: the label names this node now.
    put(&mut index, Kind::Vmis, &vmi("a", "Running"));
    assert!(index.unlabelled_vmis().is_empty());
    index.keep_only(Teller::Launcher, &BTreeSet::new());
    assert_eq!(names(&index), ["a"], "its label still tells of it");

    index.remove(VMIS, &key);
    assert!(names(&index).is_empty());
}

#[test]
fn a_pod_that_has_ended_runs_no_vmi() {
    let mut index = Index::default();
    put(&mut index, Kind::LauncherPods, &pod("a", "Succeeded"));
    put(&mut index, Kind::LauncherPods, &pod("b", "Failed"));
    index.keep_only(VMIS, &BTreeSet::new());
    assert!(index.unlabelled_vmis().is_empty());
    index.keep_only(PODS, &BTreeSet::new());
    assert!(index.cluster().launchers.is_empty());
}

#[test]
fn kubevirts_namespace_is_that_of_its_cr_else_of_its_pods() {
    let mut index = Index::default();
    assert_eq!(index.kubevirt_namespace(), None);
    let handler = r#"{"metadata":{"namespace":"virt","name":"h","labels":{"kubevirt.io":"virt-handler"}}}"#;
    put(&mut index, Kind::KubevirtPods, handler);
    assert_eq!(index.kubevirt_namespace(), Some("virt"));
    let cr = put(&mut index, Kind::Kubevirts, r#"{"metadata":{"namespace":"kubevirt","name":"kubevirt"}}"#);
    assert_eq!(index.kubevirt_namespace(), Some("kubevirt"));
    index.remove(Teller::Kind(Kind::Kubevirts), &cr);
    assert_eq!(index.cluster().kubevirt, None);
}

#[test]
fn of_two_installations_the_deployed_one_counts() {
    let mut index = Index::default();
    put(&mut index, Kind::Cdis, r#"{"metadata":{"name":"a"},"status":{"phase":"Error"}}"#);
    put(&mut index, Kind::Cdis, r#"{"metadata":{"name":"b"},"status":{"phase":"Deployed"}}"#);
    assert_eq!(index.cluster().cdi.as_ref().unwrap().phase, "Deployed");
    assert_eq!(index.cluster().kubevirt, None);
}

#[test]
fn without_its_configmap_there_is_no_authority() {
    let mut index = Index::default();
    let map = r#"{"metadata":{"namespace":"kubevirt","name":"kubevirt-ca"},"data":{"ca-bundle":"PEM"}}"#;
    let key = put(&mut index, Kind::Authority, map);
    assert_eq!(index.cluster().kubevirt_ca.as_deref(), Some("PEM"));
    index.remove(Teller::Kind(Kind::Authority), &key);
    assert_eq!(index.cluster().kubevirt_ca, None);
}
