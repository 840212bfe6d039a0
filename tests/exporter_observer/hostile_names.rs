//! Names that were chosen to break what reads them end up as label values, or nowhere.

use edgebench_exporter::exposition::{self, Format};
use edgebench_exporter::observer::Settings;
use edgebench_tests::{Host, Process};

use crate::watch::{Watch, processes};

const POD: &str = "11111111-2222-3333-4444-555555555555";
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const HOSTILE: [&[u8]; 10] = [
    b"a\"} 1\nedgebench_build_info{x=\"",
    b"back\\slash",
    b"new\nline",
    b"carriage\rreturn",
    b"\xff\xfe\x80",
    b"\x1b[31mred",
    b"",
    b" ",
    b"# HELP edgebench_up no",
    "\u{202e}right-to-left \u{0}".as_bytes(),
];

/// Every line is a comment, or a sample: a name, balanced labels with escaped values, a number.
fn assert_is_exposition(text: &[u8], format: Format) {
    let text = std::str::from_utf8(text).expect("UTF-8");
    assert!(!text.contains('\r') || text.lines().count() == text.split('\n').count() - 1);
    for line in text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut rest = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        if let Some(labels) = rest.strip_prefix('{') {
            let (mut quoted, mut escaped, mut end) = (false, false, None);
            for (at, c) in labels.char_indices() {
                if escaped {
                    assert!(matches!(c, '\\' | '"' | 'n'), "{format:?}: {line}");
                    escaped = false;
                } else if quoted && c == '\\' {
                    escaped = true;
                } else if c == '"' {
                    quoted = !quoted;
                } else if c == '}' && !quoted {
                    end = Some(at);
                    break;
                }
            }
            rest = &labels[end.unwrap_or_else(|| panic!("{format:?}: {line}")) + 1..];
        }
        assert!(rest.trim().parse::<f64>().is_ok(), "{format:?}: {line}");
    }
}

fn assert_is_readable(host: &Host, node: Option<&[u8]>) {
    let node = node.map(|node| String::from_utf8_lossy(node).into_owned());
    let mut watch =
        Watch::with(host, |settings| Settings { node: node.or(settings.node.clone()), ..settings });
    watch.read();
    let view = watch.read();
    assert!(view.collectors.iter().all(|health| health.success), "{:?}", view.collectors);
    for format in [Format::Text, Format::OpenMetrics] {
        let mut text = Vec::new();
        exposition::write(&view, &[], format, &mut text);
        assert_is_exposition(&text, format);
    }
}

#[test]
fn a_process_may_be_called_anything() {
    for name in HOSTILE {
        let path = [b"/usr/bin/", name].concat();
        let nul_free: Vec<u8> = path.iter().copied().filter(|byte| *byte != 0).collect();
        let host = Host::new()
            .process(10, |p| p.exe(&nul_free).comm(name))
            .process(11, |p| p.exe(&nul_free).comm(name).cmdline([name, name]).in_pod(POD, CONTAINER))
            .process(12, |p| p.kernel_thread(&String::from_utf8_lossy(name)));
        assert_is_readable(&host, None);
        assert_eq!(processes(&Watch::new(&host).read(), "other", "other"), 2, "{}", name.escape_ascii());
    }
}

#[test]
fn a_vmi_may_be_called_anything() {
    for name in HOSTILE {
        let launcher = |p: Process| {
            let args: [&[u8]; 7] =
                [b"virt-launcher-monitor", b"--name", name, b"--uid", name, b"--namespace", name];
            p.exe("/usr/bin/virt-launcher-monitor").cmdline(args).in_pod(POD, CONTAINER)
        };
        let guest = [b"guest=", name, b"_", name, b",debug-threads=on"].concat();
        let args: [&[u8]; 5] = [b"qemu-kvm", b"-name", &guest, b"-m", b"size=1024k"];
        let host = Host::new()
            .process(10, launcher)
            .process(11, |p| p.exe("/usr/libexec/qemu-kvm").cmdline(args))
            .process(12, |p| p.exe("/usr/libexec/qemu-kvm").cmdline(args).in_pod(POD, CONTAINER));
        assert_is_readable(&host, None);
    }
}

#[test]
fn a_node_may_be_called_anything() {
    let args = ["virt-launcher-monitor", "--name", "edge-vm", "--uid", "u-1", "--namespace", "default"];
    let host = Host::new()
        .process(10, |p| p.exe("/usr/bin/virt-launcher-monitor").cmdline(args).in_pod(POD, CONTAINER));
    for name in HOSTILE {
        assert_is_readable(&host, Some(name));
    }
}

#[test]
fn a_command_line_may_be_endless() {
    let endless = vec![b'x'; 2 << 20];
    let args: [&[u8]; 3] = [b"qemu-kvm", b"-name", &endless];
    let host = Host::new()
        .process(10, |p| p.exe("/usr/libexec/qemu-kvm").cmdline(args).in_pod(POD, CONTAINER))
        .process(11, |p| p.exe("/usr/bin/x").cmdline([&endless]).comm("virt-handler"));
    assert_is_readable(&host, None);
}
