//! The container that the chart's DaemonSet describes, as a runtime would start it, but for the image.
//!
//! A runtime gives a container's first process the user, and as permitted, effective and bounding set the capabilities
//! that are left of its defaults after `drop` and `add`; the inheritable and the ambient set are empty
//! (CVE-2022-24769), so that of another user's capabilities none is effective after exec. It has a pid namespace and a
//! `/proc` of its own, and the node's through a bind mount that is read-only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use edgebench_tests::exposition::Exposition;
use serde_json::Value;
use tempfile::TempDir;

/// A started pod of the DaemonSet would look like this.
pub(crate) struct Container {
    uid: u64,
    gid: u64,
    capabilities: Vec<String>,
    no_new_privileges: bool,
    args: Vec<String>,
    /// Where from and where to.
    mounts: Vec<(String, String)>,
}

impl Container {
    /// Reads the first container of a DaemonSet.
    pub(crate) fn of(daemonset: &Value) -> Container {
        let pod = &daemonset["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let of_pod = &pod["securityContext"];
        let own = &container["securityContext"];
        let number = |name: &str| own[name].as_u64().or(of_pod[name].as_u64()).unwrap();
        let words = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(words(&own["capabilities"]["drop"]), ["ALL"]);
        assert_eq!((&pod["hostPID"], &pod["hostNetwork"]), (&false.into(), &false.into()));
        let volume = |name: &Value| {
            let volumes = pod["volumes"].as_array().unwrap();
            let volume = volumes.iter().find(|volume| volume["name"] == *name).unwrap();
            volume["hostPath"]["path"].as_str().unwrap().to_owned()
        };
        let mount = |mount: &Value| {
            assert_eq!(mount["readOnly"], true);
            (volume(&mount["name"]), mount["mountPath"].as_str().unwrap().to_owned())
        };
        Container {
            uid: number("runAsUser"),
            gid: number("runAsGroup"),
            capabilities: words(&own["capabilities"]["add"]),
            no_new_privileges: own["allowPrivilegeEscalation"] == false,
            args: words(&container["args"]),
            mounts: container["volumeMounts"].as_array().unwrap().iter().map(mount).collect(),
        }
    }

    /// Without a capability.
    pub(crate) fn without(mut self, capability: &str) -> Container {
        let before = self.capabilities.len();
        self.capabilities.retain(|own| own != capability);
        assert_eq!(self.capabilities.len(), before - 1, "it had no {capability}");
        self
    }

    /// As another user.
    pub(crate) fn by_user(self, uid: u64) -> Container {
        Container { uid, gid: uid, ..self }
    }

    /// Its capabilities as the kernel's mask, were they all effective.
    pub(crate) fn mask(&self) -> u64 {
        let bit = |name: &String| match name.as_str() {
            "DAC_READ_SEARCH" => 1 << 2,
            "SYS_PTRACE" => 1 << 19,
            other => panic!("which bit is {other}?"),
        };
        self.capabilities.iter().map(bit).sum()
    }

    /// Runs a program in it. `{host}` in an argument is where `/host` is.
    fn run(&self, cgroups: &Path, program: &Path, arguments: &[String]) -> Output {
        let root = Root::new(program);
        let mut script = "set -eu\n".to_owned();
        for (from, to) in &self.mounts {
            let from = if from == "/sys/fs/cgroup" { cgroups.display().to_string() } else { from.clone() };
            let to = root.path(to);
            fs::create_dir_all(&to).unwrap();
            script.push_str(&format!(
                "mount --bind '{from}' '{to}'\nmount -o remount,bind,ro '{to}'\n! touch '{to}/a' 2>/dev/null\n"
            ));
        }
        let set: String = self.capabilities.iter().map(|name| format!(",+{}", name.to_lowercase())).collect();
        script.push_str(&format!(
            "exec unshare --pid --fork --kill-child --mount-proc setpriv --reuid={} --regid={} --clear-groups {} \
             --bounding-set=-all{set} --inh-caps=-all --ambient-caps=-all sh -c 'cat /proc/self/status >\"$0\"; exec \"$@\"' \
             \"$@\"",
            self.uid,
            self.gid,
            if self.no_new_privileges { "--no-new-privs" } else { "" },
        ));
        let status = root.dir.path().join("status");
        fs::write(&status, "").unwrap();
        fs::set_permissions(&status, Permissions::from_mode(0o666)).unwrap();
        let arguments = arguments.iter().map(|argument| argument.replace("/host/", &root.path("/host/")));
        let output = Command::new("unshare")
            .args(["--mount", "--propagation=private", "sh", "-c", &script, "sh"])
            .arg(&status)
            .arg(root.dir.path().join("program"))
            .args(arguments)
            .env("NODE_NAME", "edge-node")
            .output()
            .unwrap();
        self.is_as_meant(&fs::read_to_string(&status).unwrap());
        output
    }

    /// The kernel's word on it.
    fn is_as_meant(&self, status: &str) {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            line.unwrap_or_else(|| panic!("no {name} in {status:?}")).to_owned()
        };
        let mask = |name: &str| u64::from_str_radix(&field(name), 16).unwrap();
        assert_eq!(field("Uid"), format!("{0}\t{0}\t{0}\t{0}", self.uid));
        assert_eq!(field("Groups").trim(), "");
        assert_eq!(mask("CapEff"), if self.uid == 0 { self.mask() } else { 0 });
        assert_eq!(mask("CapBnd"), self.mask());
        assert_eq!((mask("CapAmb"), mask("CapInh")), (0, 0));
        assert_eq!(field("NoNewPrivs"), if self.no_new_privileges { "1" } else { "0" });
    }

    /// One reading of the exporter, with the DaemonSet's arguments.
    pub(crate) fn once(&self, cgroups: &Path) -> Exposition {
        let mut arguments = self.args.clone();
        arguments.push("--once".to_owned());
        let output = self.run(cgroups, &edgebench_tests::binaries::exporter(), &arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Exposition::read(String::from_utf8(output.stdout).unwrap())
    }

    /// What `edgebench doctor` says in it, and its exit code.
    pub(crate) fn doctor(&self, cgroups: &Path) -> (String, i32) {
        let procfs = self.args.iter().find_map(|argument| argument.strip_prefix("--path.procfs="));
        let arguments = ["doctor", "--procfs", procfs.unwrap()].map(str::to_owned);
        let output = self.run(cgroups, &edgebench_tests::binaries::edgebench(), &arguments);
        (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
    }
}

/// A directory for `/host` and the program, which every user may run.
struct Root {
    dir: TempDir,
}

impl Root {
    fn new(program: &Path) -> Root {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("program");
        fs::copy(program, &copy).unwrap();
        for path in [dir.path(), &copy] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        Root { dir }
    }

    fn path(&self, below: &str) -> String {
        format!("{}{below}", self.dir.path().display())
    }
}
