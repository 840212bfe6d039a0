//! The guest's two scripts, run as its unit runs them, in a copy of this machine's file system that is thrown away.
//!
//! The copy is an overlay in a mount namespace of its own. What the scripts ask of the world stands in it: a signed
//! archive of packages, which apt reads through its method `copy` under the name of `https`, a `curl` that has
//! Microsoft's key, a `mount` that binds, and an `iotedge` that notes what it is told. apt, dpkg, gpg and the rest are
//! this machine's: Debian's, as Ubuntu has them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use edgebench_tests::workdir::{Outcome, outcome};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::guest::{secret, user_data};
use crate::sets::{CERTIFICATE, KEY, config, given};

const INSTALL: &str = "/usr/local/sbin/iot-edge-vm-install";
const CONFIGURE: &str = "/usr/local/sbin/iot-edge-vm-configure";

/// A machine's file system, and who keeps it mounted.
struct Guest {
    holder: Child,
    dir: TempDir,
}

impl Guest {
    /// One that has been told what the chart tells it, and in which the world of this file stands.
    fn new(values: Value) -> Guest {
        let dir = TempDir::new().unwrap();
        let script = r#"
            set -eu
            mount -t tmpfs tmpfs "$1"
            mkdir "$1/upper" "$1/work" "$1/root"
            mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
            mount -t tmpfs tmpfs "$1/root/run"
            mount -t tmpfs tmpfs "$1/root/tmp"
            mount -t tmpfs tmpfs "$1/root/dev"
            mknod -m 666 "$1/root/dev/null" c 1 3
            mknod -m 666 "$1/root/dev/urandom" c 1 9
            mount --bind /proc "$1/root/proc"
            echo ready
            exec sleep 600
        "#;
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", script, "sh", dir.path().to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready)
            .expect("root, and a kernel with overlayfs");
        let guest = Guest { holder, dir };
        let rendered = given(values).render();
        for file in user_data(&rendered).write_files {
            guest.write(&file.path, &file.content);
            let mode = u32::from_str_radix(&file.permissions, 8).unwrap();
            fs::set_permissions(guest.path(&file.path), fs::Permissions::from_mode(mode)).unwrap();
        }
        let disk = "/dev/disk/by-id/virtio-D23YZ9W6WA5DJ487";
        for key in ["userdata", "rootca", "devicecert", "devicekey"] {
            if let Some(text) = secret(&rendered, "-vm-aziotedgeconfig", key) {
                guest.write(&format!("{disk}/{key}"), &text);
            }
        }
        guest.write("/world", include_str!("world"));
        let outcome = guest.run(&["bash", "/world"]);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        guest
    }

    /// Where a file of it is, for this process: through the namespace of the holder.
    fn path(&self, path: &str) -> PathBuf {
        let root = format!("/proc/{}/root{}/root", self.holder.id(), self.dir.path().display());
        Path::new(&root).join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    fn run(&self, command: &[&str]) -> Outcome {
        let child = Command::new("nsenter")
            .arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()))
            .arg("chroot")
            .arg(self.dir.path().join("root"))
            .args(command)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        outcome(child)
    }

    fn must(&self, command: &[&str]) -> String {
        let outcome = self.run(command);
        assert_eq!(outcome.code, 0, "{command:?}: {}\n{}", outcome.stdout, outcome.stderr);
        outcome.stdout
    }

    fn version(&self, package: &str) -> String {
        self.must(&["dpkg-query", "--show", "--showformat", "${Version}", package])
    }

    /// What was called of what only notes that it was.
    fn calls(&self) -> Vec<String> {
        let calls = self.read("/calls").lines().map(str::to_owned).collect();
        self.write("/calls", "");
        calls
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.holder.kill().unwrap();
        self.holder.wait().unwrap();
    }
}

#[test]
#[ignore = "live: needs root, overlayfs, and Helm's engine"]
fn the_pinned_release_is_installed_once_with_what_it_depends_on() {
    let guest = Guest::new(json!({}));
    guest.must(&[INSTALL]);
    // The newest of 1.5, though there is 1.6; the identity service that it depends on, though there is a newer one.
    assert_eq!(guest.version("aziot-edge"), "1.5.35-1");
    assert_eq!(guest.version("aziot-identity-service"), "1.5.6-1");
    for package in ["moby-engine", "moby-cli", "qemu-guest-agent", "prometheus-node-exporter"] {
        assert_eq!(guest.version(package), "99-1", "{package}");
    }
    assert_eq!(guest.read("/etc/default/prometheus-node-exporter"), "ARGS=\"--web.listen-address=:9100\"\n");
    let daemon: Value = serde_json::from_str(&guest.read("/etc/docker/daemon.json")).unwrap();
    assert_eq!(daemon["log-driver"], "local");
    let store = fs::metadata(guest.path("/var/lib/edgehub")).unwrap();
    assert_eq!((store.uid(), store.mode() & 0o777), (1000, 0o700));
    // An upgrade of everything leaves it.
    guest.must(&["apt-get", "-y", "upgrade"]);
    assert_eq!(guest.version("aziot-edge"), "1.5.35-1");
    assert_eq!(guest.calls(), ["curl"]);
    guest.must(&[INSTALL]);
    assert_eq!(guest.calls(), [""; 0], "once");
}

#[test]
#[ignore = "live: needs root, overlayfs, and Helm's engine"]
fn one_release_can_be_wanted_and_node_exporter_left_out() {
    let guest = Guest::new(json!({"iotEdge": {"version": "1.5.21"}, "metrics": {"nodeExporterPort": 0}}));
    // What this machine has, it keeps.
    let has = guest.run(&["dpkg-query", "--show", "prometheus-node-exporter"]).stdout;
    guest.must(&[INSTALL]);
    assert_eq!(guest.version("aziot-edge"), "1.5.21-1");
    assert_eq!(guest.version("aziot-identity-service"), "1.5.5-1");
    assert_eq!(guest.run(&["dpkg-query", "--show", "prometheus-node-exporter"]).stdout, has);
}

#[test]
#[ignore = "live: needs root, overlayfs, and Helm's engine"]
fn what_can_not_be_had_is_said_and_tried_again() {
    let guest = Guest::new(json!({"iotEdge": {"version": "1.7"}}));
    let outcome = guest.run(&[INSTALL]);
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("has no aziot-edge 1.7 for Ubuntu 22.04"), "{outcome:?}");
    // Tomorrow there is one.
    guest.must(&["sed", "-i", "s/'1.7'/'1.6'/", "/etc/iot-edge-vm/settings"]);
    guest.must(&[INSTALL]);
    assert_eq!(guest.version("aziot-edge"), "1.6.1-1");

    let other = Guest::new(json!({}));
    other.must(&[
        "sed",
        "-i",
        "s/^APT_KEY_FINGERPRINT=.*/APT_KEY_FINGERPRINT=0000000000000000000000000000000000000000/",
        "/etc/iot-edge-vm/settings",
    ]);
    let outcome = other.run(&[INSTALL]);
    assert_ne!(outcome.code, 0);
    assert!(outcome.stderr.contains("serves no key 0000000000"), "{outcome:?}");
    assert!(!other.path("/usr/share/keyrings/microsoft-prod.gpg").exists());
    assert!(!other.path("/usr/bin/iotedge").exists());
}

#[test]
#[ignore = "live: needs root, overlayfs, and Helm's engine"]
fn the_disk_s_files_are_put_where_iot_edge_reads_them_and_applied_when_they_change() {
    let guest = Guest::new(json!({"rootCA": CERTIFICATE, "deviceCACert": CERTIFICATE, "deviceCAKey": KEY}));
    guest.must(&[INSTALL]);
    guest.calls();
    guest.must(&[CONFIGURE]);
    let calls = ["update-ca-certificates", "systemctl restart docker", "iotedge config apply"];
    assert_eq!(guest.calls(), calls);
    let user = |name: &str| guest.must(&["id", "--user", name]).trim().parse::<u32>().unwrap();
    let certificates = "/etc/aziot/certificates";
    for (path, content, owner, mode) in [
        ("/etc/aziot/config.toml".to_owned(), config(), 0, 0o600),
        (format!("{certificates}/azure-iot.root.ca.cert.pem"), CERTIFICATE.into(), user("aziotcs"), 0o644),
        (
            format!("{certificates}/iot-edge-device.full-chain.cert.pem"),
            CERTIFICATE.into(),
            user("aziotcs"),
            0o644,
        ),
        (format!("{certificates}/iot-edge-device.key.pem"), KEY.into(), user("aziotks"), 0o600),
        (
            "/usr/local/share/ca-certificates/azure-iot.root.ca.cert.pem.crt".into(),
            CERTIFICATE.into(),
            0,
            0o644,
        ),
    ] {
        assert_eq!(guest.read(&path), content, "{path}");
        let metadata = fs::metadata(guest.path(&path)).unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o7777), (owner, mode), "{path}");
    }
    assert_eq!(fs::read_dir(guest.path("/run/iot-edge-vm/disk")).unwrap().count(), 0, "it is unmounted");

    guest.must(&[CONFIGURE]);
    assert_eq!(guest.calls(), [""; 0], "nothing has changed");

    let disk = "/dev/disk/by-id/virtio-D23YZ9W6WA5DJ487";
    guest.write(&format!("{disk}/userdata"), "[provisioning]\nsource = \"manual\"\n");
    guest.write("/iotedge-fails", "");
    assert_ne!(guest.run(&[CONFIGURE]).code, 0);
    guest.must(&["rm", "/iotedge-fails"]);
    guest.calls();
    guest.must(&[CONFIGURE]);
    assert_eq!(guest.calls().last().unwrap(), "iotedge config apply", "what failed is tried again");
    assert_eq!(guest.read("/etc/aziot/config.toml"), "[provisioning]\nsource = \"manual\"\n");

    guest.write(&format!("{disk}/userdata"), "");
    let outcome = guest.run(&[CONFIGURE]);
    assert!(outcome.code != 0 && outcome.stderr.contains("has no userdata"), "{outcome:?}");
    assert_eq!(guest.read("/etc/aziot/config.toml"), "[provisioning]\nsource = \"manual\"\n");
}
