//! What the guest boots: Debian's cloud kernel, and an initramfs of busybox and one script.

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binaries;

/// The script that the kernel runs.
const INIT: &str = include_str!("init.sh");

/// Puts `vmlinuz` and `initramfs` into a directory.
pub(super) fn write_to(dir: &Path) {
    let kernel = kernel();
    fs::copy(&kernel, dir.join("vmlinuz")).unwrap_or_else(|e| panic!("{}: {e}", kernel.display()));
    fs::write(dir.join("initramfs"), initramfs(&dir.join("userland"))).expect("the initramfs");
}

/// Where the kernel is: `tests/run` has put it there and says where, else it is put beside the programs
/// under test.
fn kernel() -> PathBuf {
    if let Some(path) = env::var_os("EDGEBENCH_TEST_KERNEL") {
        return path.into();
    }
    let path = binaries::stand_in().with_file_name("guest-kernel").join("vmlinuz");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/guest-kernel");
    let status = Command::new(script).arg(&path).status().unwrap_or_else(|e| panic!("{script}: {e}"));
    assert!(status.success(), "{script}: {status}");
    path
}

/// An archive in the form that the kernel unpacks (`Documentation/driver-api/early-userspace/buffer-format.rst`).
fn initramfs(userland: &Path) -> Vec<u8> {
    for name in ["bin", "dev", "ram"] {
        fs::create_dir_all(userland.join(name)).expect("a directory");
    }
    fs::copy("/bin/busybox", userland.join("bin/busybox")).expect("busybox-static");
    fs::write(userland.join("init"), INIT).expect("the script");
    fs::set_permissions(userland.join("init"), fs::Permissions::from_mode(0o755)).expect("it can be run");
    let mut cpio = Command::new("cpio")
        .args(["--quiet", "--create", "--format=newc", "--owner=0:0"])
        .current_dir(userland)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cpio");
    let names = b"bin\nbin/busybox\ndev\nram\ninit\n";
    cpio.stdin.take().expect("its stdin is a pipe").write_all(names).expect("cpio reads the names");
    let output = cpio.wait_with_output().expect("cpio ends");
    assert!(output.status.success(), "cpio: {}", output.status);
    output.stdout
}
