//! `/proc/PID/cmdline`: the arguments a process was started with, or what it wrote over them.
//!
//! Each argument ends in a NUL (`proc_pid_cmdline_read` in `fs/proc/base.c`; proc_pid_cmdline(5)). Empty for
//! a kernel thread and a zombie. A process may write over it (setproctitle), and then there may be no NUL at
//! all, or many at the end.

/// The arguments in the text of `/proc/PID/cmdline`.
pub fn arguments(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    // A NUL ends an argument rather than parts two: the last one is not followed by another, empty argument.
    let ended = text.strip_suffix(b"\0").unwrap_or(text);
    let one = if text.is_empty() { None } else { Some(ended.split(|&byte| byte == 0)) };
    one.into_iter().flatten()
}

/// The last part of a path, without the ` (deleted)` that the kernel appends to the target of `/proc/PID/exe`
/// when the file has no name any more (`d_path` in `fs/d_path.c`): after an upgrade, or in a memfd.
pub fn basename(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &[u8]) -> Vec<&[u8]> {
        arguments(text).collect()
    }

    #[test]
    fn every_argument_ends_in_a_nul() {
        let text = b"/usr/libexec/qemu-kvm\0-name\0guest=default_edge-vm,debug-threads=on\0-S\0";
        let expected: [&[u8]; 4] =
            [b"/usr/libexec/qemu-kvm", b"-name", b"guest=default_edge-vm,debug-threads=on", b"-S"];
        assert_eq!(list(text), expected);
    }

    #[test]
    fn a_kernel_thread_has_none() {
        assert!(list(b"").is_empty());
    }

    #[test]
    fn an_argument_may_be_empty() {
        assert_eq!(list(b"\0"), [b""]);
        assert_eq!(list(b"sh\0-c\0\0"), [b"sh".as_slice(), b"-c", b""]);
        assert_eq!(list(b"sh\0\0x\0"), [b"sh".as_slice(), b"", b"x"]);
    }

    #[test]
    fn a_title_without_nul_is_one_argument() {
        assert_eq!(list(b"nginx: worker process"), [b"nginx: worker process"]);
    }

    #[test]
    fn a_command_line_that_was_cut_keeps_its_last_part() {
        assert_eq!(list(b"qemu-kvm\0-na"), [b"qemu-kvm".as_slice(), b"-na"]);
    }

    #[test]
    fn the_basename_is_what_follows_the_last_slash() {
        for (path, name) in [
            ("/usr/bin/virt-handler", "virt-handler"),
            ("virt-handler", "virt-handler"),
            ("/usr/libexec/qemu-kvm (deleted)", "qemu-kvm"),
            ("/memfd:runc_cloned:/proc/self/exe (deleted)", "exe"),
            ("/usr/bin/", ""),
            ("/", ""),
            ("", ""),
            (" (deleted)", ""),
        ] {
            assert_eq!(basename(path.as_bytes()), name.as_bytes(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn arguments_are_read_back(
            expected in prop::collection::vec(prop::collection::vec(1..=u8::MAX, 0..12), 0..8),
        ) {
            let text: Vec<u8> = expected.iter().flat_map(|one| one.iter().copied().chain([0])).collect();
            prop_assert_eq!(list(&text), expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            let _ = (arguments(&text).count(), basename(&text));
        }

        #[test]
        fn a_basename_has_no_slash(path: Vec<u8>) {
            prop_assert!(!basename(&path).contains(&b'/'));
        }
    }
}
