//! `/proc/PID/cgroup`: which pod and which container a process belongs to.
//!
//! One line for each hierarchy, `number:controllers:path` (cgroups(7)): many with cgroup v1, `0::path` alone
//! with v2. The path is written by the kubelet down to the pod and by the container runtime below it:
//!
//! | driver, runtime | path |
//! |---|---|
//! | systemd, containerd | `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope` |
//! | systemd, CRI-O | the same with `crio-<id>.scope`; with crun a `/container` follows |
//! | cgroupfs | `/kubepods/burstable/pod<uid>/<id>` |
//! | kind | `/kubelet.slice/kubelet-kubepods.slice/…/kubelet-kubepods-besteffort-pod<uid>.slice/cri-containerd-<id>.scope` |
//! | kubelet systemd, containerd cgroupfs | `/system.slice/containerd.service/kubepods-burstable-pod<uid>.slice:cri-containerd:<id>` |
//! | from another cgroup namespace | `/../../kubepods-burstable.slice/…` |
//!
//! (`pkg/kubelet/cm/cgroup_manager_linux.go` and `pod_container_manager_linux.go` in kubernetes/kubernetes;
//! kubevirt/kubevirt `pkg/virt-handler/cgroup`; KubeVirt issues 8258 and 11168.) The part for the QoS class
//! is not there for Guaranteed. With systemd the dashes of the UID are `_`, since a dash parts the levels of
//! a slice's name. A static pod has for UID an MD5 sum, 32 digits without dashes
//! (`pkg/kubelet/config/common.go`, `applyDefaults`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scan::Lines;

/// The UID of a pod in the form of the API: lower case, with dashes where the API has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodUid(String);

impl PodUid {
    /// From `text` in the form of the API or of a systemd slice's name (`_` for `-`), or the 32 digits of a
    /// static pod; nothing where it is none of these.
    pub fn new(text: &str) -> Option<PodUid> {
        let (uid, rest) = leading_uid(text.as_bytes())?;
        if rest.is_empty() { Some(uid) } else { None }
    }

    /// The UID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ID of a container: 64 hexadecimal digits, lower case, without the runtime's `containerd://`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContainerId(String);

impl ContainerId {
    /// From 64 hexadecimal digits; nothing where `text` is anything else.
    pub fn new(text: &str) -> Option<ContainerId> {
        container_id(text.as_bytes())
    }

    /// The ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a process belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// Its pod; absent outside of pods.
    pub pod: Option<PodUid>,
    /// Its container, which may be one outside of any pod.
    pub container: Option<ContainerId>,
}

/// Reads the text of `/proc/PID/cgroup`. What is not understood is no pod: this cannot fail.
pub fn parse(text: &[u8]) -> Membership {
    let mut best = Membership::default();
    // With v1 a process can be in its pod for some controllers only: the line that says most is taken.
    for line in Lines::of(text) {
        let Some(path) = line.text.splitn(3, |&byte| byte == b':').nth(2) else { continue };
        let found = membership(path);
        if (found.pod.is_some(), found.container.is_some()) > (best.pod.is_some(), best.container.is_some()) {
            best = found;
        }
        if best.pod.is_some() && best.container.is_some() {
            break;
        }
    }
    best
}

fn membership(path: &[u8]) -> Membership {
    // The kernel says so of a cgroup that was removed while a zombie is still in it.
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    match last_pod(path) {
        // Below its pod, the container is the first that comes: a container may make more cgroups inside.
        Some((pod, below)) => {
            Membership { pod: Some(pod), container: components(below).find_map(container_in) }
        }
        None => Membership { pod: None, container: components(path).rev().find_map(container_in) },
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/')
}

/// The last `pod<uid>` of a path and what follows it: the last, because a node may itself be a container
/// (kind).
fn last_pod(path: &[u8]) -> Option<(PodUid, &[u8])> {
    let starts = path.windows(3).enumerate().filter(|(_, window)| *window == b"pod").map(|(at, _)| at);
    // At the start of a component, or after the dash of a slice's name: "libpod-<id>" is no pod.
    let starts = starts.filter(|&at| at == 0 || matches!(path.get(at - 1), Some(b'/' | b'-')));
    let mut found = starts.filter_map(|at| leading_uid(path.get(at + 3..)?));
    found.rfind(|(_, rest)| matches!(rest.first(), None | Some(b'/' | b'.' | b':')))
}

/// The pod UID at the start of `text`, and the rest.
fn leading_uid(text: &[u8]) -> Option<(PodUid, &[u8])> {
    let (uid, rest) =
        dashed_uid(text).or_else(|| text.split_at_checked(32).filter(|(uid, _)| is_hexadecimal(uid)))?;
    // 33 digits and more are something else.
    if rest.first().is_some_and(u8::is_ascii_hexdigit) {
        return None;
    }
    let canonical = |byte: &u8| if *byte == b'_' { '-' } else { char::from(byte.to_ascii_lowercase()) };
    Some((PodUid(uid.iter().map(canonical).collect()), rest))
}

/// 8-4-4-4-12 hexadecimal digits with one kind of separator.
fn dashed_uid(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (uid, rest) = text.split_at_checked(36)?;
    let separator = *uid.get(8).filter(|byte| matches!(byte, b'-' | b'_'))?;
    let mut groups = uid.split(|&byte| byte == separator);
    let as_it_should = [8, 4, 4, 4, 12]
        .iter()
        .all(|&length| groups.next().is_some_and(|group| group.len() == length && is_hexadecimal(group)));
    if as_it_should && groups.next().is_none() { Some((uid, rest)) } else { None }
}

/// The container that a component of a path is named after.
fn container_in(component: &[u8]) -> Option<ContainerId> {
    let mut parts = component.split(|byte| matches!(byte, b'-' | b':' | b'.'));
    // conmon watches a container of CRI-O or podman from a cgroup of its own, which bears the container's ID.
    if parts.clone().any(|part| part == b"conmon") {
        return None;
    }
    parts.find_map(container_id)
}

fn container_id(text: &[u8]) -> Option<ContainerId> {
    if text.len() != 64 || !is_hexadecimal(text) {
        return None;
    }
    Some(ContainerId(text.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect()))
}

fn is_hexadecimal(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UID: &str = "a5c1f8d5-1919-434d-add7-4afaafdaef89";
    const UID_SYSTEMD: &str = "a5c1f8d5_1919_434d_add7_4afaafdaef89";
    const STATIC: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    const OUTER: &str = "1e597579-417e-4b6c-8e1d-0123456789ab";
    const OUTER_SYSTEMD: &str = "1e597579_417e_4b6c_8e1d_0123456789ab";
    const ID: &str = "f5f40ab567b054bbddb7ab4eecb78935f2a28b2aae155c586368da9ae64964af";
    const OTHER_ID: &str = "833b9f581dcf9299372ed60b47b8a1e427cb3a562e83f81534d73a5d9b001e91";

    /// `{uid}` and others in `form` replaced by what they stand for.
    fn text(form: &str) -> String {
        form.replace("{uid}", UID)
            .replace("{uid_}", UID_SYSTEMD)
            .replace("{static}", STATIC)
            .replace("{outer}", OUTER)
            .replace("{outer_}", OUTER_SYSTEMD)
            .replace("{id}", ID)
            .replace("{other}", OTHER_ID)
    }

    fn pod_and_container(text: &str) -> (Option<String>, Option<String>) {
        let membership = parse(text.as_bytes());
        (membership.pod.map(|pod| pod.to_string()), membership.container.map(|id| id.to_string()))
    }

    /// What runtimes and drivers call the cgroup of a container in a pod.
    const IN_A_CONTAINER: &[(&str, &str)] = &[
        (
            "v2, systemd, containerd",
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/cri-containerd-{id}.scope",
        ),
        (
            "v2, systemd, CRI-O with runc",
            "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{uid_}.slice/crio-{id}.scope",
        ),
        (
            "v2, systemd, CRI-O with crun",
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/crio-{id}.scope/container",
        ),
        ("v2, systemd, Guaranteed", "0::/kubepods.slice/kubepods-pod{uid_}.slice/cri-containerd-{id}.scope"),
        (
            "v1, systemd, CRI-O",
            "13:freezer:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/crio-{id}.scope",
        ),
        (
            "v1, systemd, the hierarchy with a name",
            "1:name=systemd:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/crio-{id}.scope",
        ),
        (
            "systemd, cri-dockerd",
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/docker-{id}.scope",
        ),
        ("v2, cgroupfs", "0::/kubepods/burstable/pod{uid}/{id}"),
        ("v1, cgroupfs", "4:memory:/kubepods/burstable/pod{uid}/{id}"),
        ("cgroupfs, Guaranteed", "0::/kubepods/pod{uid}/{id}"),
        (
            "kind",
            "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/\
            kubelet-kubepods-besteffort-pod{uid_}.slice/cri-containerd-{id}.scope",
        ),
        (
            "kind on v1, seen from its host",
            "12:memory:/docker/{other}/kubelet/kubepods/besteffort/pod{uid}/{id}",
        ),
        (
            "kubelet with systemd, containerd with cgroupfs",
            "0::/system.slice/containerd.service/kubepods-burstable-pod{uid_}.slice:cri-containerd:{id}",
        ),
        ("dedicated CPUs, cgroupfs", "3:cpuset:/kubepods/pod{uid}/{id}/housekeeping"),
        (
            "dedicated CPUs, systemd",
            "0::/kubepods.slice/kubepods-pod{uid_}.slice/cri-containerd-{id}.scope/housekeeping",
        ),
        (
            "seen from another cgroup namespace, systemd",
            "0::/../../kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/cri-containerd-{id}.scope",
        ),
        ("seen from another cgroup namespace, cgroupfs", "0::/../../pod{uid}/{id}"),
        ("seen from its sister container", "0::/../../../../burstable/pod{uid}/{id}"),
        ("a container that made cgroups of its own", "0::/kubepods/burstable/pod{uid}/{id}/init.scope"),
        ("docker in the container", "0::/kubepods/burstable/pod{uid}/{id}/docker/{other}"),
        (
            "a node that is itself a pod's container",
            "0::/kubepods.slice/kubepods-pod{outer_}.slice/cri-containerd-{other}.scope/kubelet.slice/\
            kubelet-kubepods-pod{uid_}.slice/cri-containerd-{id}.scope",
        ),
        ("a zombie, its container gone", "0::/kubepods/burstable/pod{uid}/{id} (deleted)"),
    ];

    #[test]
    fn every_form_names_pod_and_container() {
        for (form, line) in IN_A_CONTAINER {
            let text = format!("{}\n", text(line));
            assert_eq!(pod_and_container(&text), (Some(UID.into()), Some(ID.into())), "{form}");
        }
    }

    #[test]
    fn a_static_pod_has_a_uid_without_dashes() {
        for line in [
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{static}.slice/cri-containerd-{id}.scope",
            "0::/kubepods/burstable/pod{static}/{id}",
            "0::/system.slice/containerd.service/kubepods-burstable-pod{static}.slice:cri-containerd:{id}",
        ] {
            assert_eq!(pod_and_container(&text(line)), (Some(STATIC.into()), Some(ID.into())), "{line}");
        }
    }

    #[test]
    fn a_pods_own_cgroup_has_no_container() {
        for line in [
            "0::/kubepods/burstable/pod{uid}",
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice",
            "0::/kubepods/burstable/pod{uid}/not-an-id",
            // conmon runs beside the container it watches.
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid_}.slice/crio-conmon-{id}.scope",
            "0::/docker/{other}/kubepods/burstable/pod{uid}",
        ] {
            assert_eq!(pod_and_container(&text(line)), (Some(UID.into()), None), "{line}");
        }
    }

    #[test]
    fn a_container_outside_of_pods_has_no_pod() {
        for line in [
            "0::/docker/{id}",
            "0::/system.slice/docker-{id}.scope",
            "0::/machine.slice/libpod-{id}.scope",
            "0::/machine.slice/libpod-{id}.scope/container",
            "0::/docker/{other}/docker/{id}",
        ] {
            assert_eq!(pod_and_container(&text(line)), (None, Some(ID.into())), "{line}");
        }
    }

    #[test]
    fn what_is_no_pod_is_none() {
        for line in [
            "",
            "0::",
            "0::/",
            "not a line of cgroup",
            "0::/init.scope",
            "0::/system.slice/containerd.service",
            "0::/system.slice/k3s.service",
            "0::/user.slice/user-1000.slice/session-3.scope",
            "0::/kubepods.slice/kubepods-burstable.slice",
            "0::/kubepods/besteffort",
            "0::/machine.slice/machine-qemu\\x2d1\\x2dpodman.scope",
            // A UID that is not a pod's.
            "0::/system.slice/{uid}",
            "0::/machine.slice/libpod-{uid}.scope",
            "0::/user.slice/tripod{uid}",
            // Not quite a UID, not quite an ID.
            "0::/kubepods/pod{uid}0/x",
            "0::/kubepods/pod{uid}x/x",
            "0::/kubepods/pod{static}0/x",
            "0::/kubepods/poda5c1f8d5-1919_434d-add7-4afaafdaef89/x",
            "0::/kubepods/poda5c1f8d51-919-434d-add7-4afaafdaef89/x",
            "0::/kubepods/podg5c1f8d5-1919-434d-add7-4afaafdaef89/x",
            "0::/docker/{id}0",
            "0::/machine.slice/libpod-conmon-{id}.scope",
            "0::/process_api/{static}",
        ] {
            assert_eq!(pod_and_container(&text(line)), (None, None), "{line}");
        }
    }

    #[test]
    fn a_name_that_a_user_gave_to_a_cgroup_does_not_end_the_search() {
        let line = "0::/kubepods/burstable/pod{uid}/{id}/podman/pod-x/pod";
        assert_eq!(pod_and_container(&text(line)), (Some(UID.into()), Some(ID.into())));
    }

    #[test]
    fn with_v1_the_hierarchy_that_knows_most_counts() {
        // A virt-launcher pod's process, and one that is in its pod for memory alone.
        let everywhere: String = (0..10)
            .map(|number| text(&format!("{number}:x{number}:/kubepods/burstable/pod{{uid}}/{{id}}\n")))
            .collect();
        assert_eq!(pod_and_container(&everywhere), (Some(UID.into()), Some(ID.into())));
        let memory_alone = text(
            "9:name=systemd:/\n8:pids:/docker/{other}\n5:cpu:/kubepods/pod{uid}\n\
            4:memory:/kubepods/pod{uid}/{id}\n0::/\n",
        );
        assert_eq!(pod_and_container(&memory_alone), (Some(UID.into()), Some(ID.into())));
        let control_plane = "9:name=systemd:/\n4:memory:/system.slice/k8s.service\n0::/\n";
        assert_eq!(pod_and_container(control_plane), (None, None));
    }

    #[test]
    fn a_uid_is_lower_case_with_dashes() {
        for uid in [UID, UID_SYSTEMD, &UID.to_uppercase()] {
            assert_eq!(PodUid::new(uid).unwrap().as_str(), UID);
        }
        assert_eq!(PodUid::new(STATIC).unwrap().as_str(), STATIC);
        for no_uid in ["", "x", &UID[1..], &format!("{UID}0"), &format!("{UID}/"), &STATIC[1..]] {
            assert_eq!(PodUid::new(no_uid), None, "{no_uid}");
        }
        assert_eq!(ContainerId::new(&ID.to_uppercase()).unwrap().as_str(), ID);
        for no_id in ["", &ID[1..], &format!("{ID}0"), &format!("containerd://{ID}")] {
            assert_eq!(ContainerId::new(no_id), None, "{no_id}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn paths_like_it_do_not_panic(
            path in "(/|pod|-|_|:|\\.|slice|a5c1f8d5|1919|4afaafdaef89|[0-9a-f]{30,66}|\u{fc}|\n){0,40}",
        ) {
            let _ = parse(format!("0::{path}").as_bytes());
        }

        #[test]
        fn any_uid_and_id_are_found_in_every_form(
            uid in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", id in "[0-9a-f]{64}",
        ) {
            for (form, line) in IN_A_CONTAINER {
                let line = line.replace("{uid}", &uid).replace("{uid_}", &uid.replace('-', "_")).replace("{id}", &id);
                let expected = (Some(uid.clone()), Some(id.clone()));
                prop_assert_eq!(pod_and_container(&text(&line)), expected, "{}", form);
            }
        }
    }
}
