//! Which VM a process belongs to, from command lines alone: no API server is asked.
//!
//! * virt-launcher-monitor and virt-launcher carry `--name`, `--namespace` and `--uid` of the VMI
//!   (KubeVirt `pkg/virt-controller/services/template.go`);
//! * libvirt starts qemu with `-name guest=NAMESPACE_NAME,…`; neither part may hold `_`, so the first one
//!   splits them (`pkg/virt-launcher/virtwrap/api/schema.go`, `VMINamespaceKeyFunc`);
//! * qemu's graphics socket lies below `/var/run/kubevirt-private/UID/`;
//! * the exact guest RAM is the `size` of qemu's memory backends, in bytes in both of their spellings:
//!   `{"qom-type":"memory-backend-ram","id":"pc.ram","size":536870912}` (libvirt ≥ 7) and
//!   `memory-backend-ram,id=pc.ram,size=536870912`. `-m` is in MiB, or says its unit.

use serde::{Deserialize, Serialize};

use crate::units::Bytes;

/// A VM as its owner knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VmName {
    /// Kubernetes namespace; empty for a libvirt domain that is none of KubeVirt's.
    pub namespace: String,
    /// Name of the VMI, or of the libvirt domain.
    pub name: String,
}

impl std::fmt::Display for VmName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// What emulates the CPUs of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accelerator {
    /// Hardware virtualisation: guest time is visible in `/proc/PID/stat`.
    Kvm,
    /// Emulation: guest time is not visible.
    Tcg,
}

/// What a command line says of a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmArguments {
    /// The VM.
    pub vm: VmName,
    /// UID of the VMI, where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// What qemu alone says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// The machine that a qemu emulates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Guest RAM at start: `-m`, or the sum of the backends.
    pub memory: Option<Bytes>,
    /// Sizes of the memory backends of guest RAM.
    pub backends: Vec<Bytes>,
    /// vCPUs at start.
    pub vcpus: Option<u32>,
    /// KVM or emulation, where it is said.
    pub accelerator: Option<Accelerator>,
}

/// From the command line of virt-launcher or virt-launcher-monitor.
pub fn of_launcher<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> Option<VmArguments> {
    let (mut name, mut namespace, mut uid) = (None, None, None);
    let mut arguments = arguments.skip(1);
    while let Some(argument) = arguments.next() {
        let (flag, value) = match split_once(argument, b'=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (argument, None),
        };
        let slot = match flag {
            b"--name" => &mut name,
            b"--namespace" => &mut namespace,
            b"--uid" => &mut uid,
            _ => continue,
        };
        *slot = value.or_else(|| arguments.next()).map(text);
    }
    Some(VmArguments { vm: VmName { namespace: namespace?, name: name? }, uid, machine: None })
}

/// From the command line of qemu as libvirt writes it; nothing where there is no `guest=`.
pub fn of_qemu<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> Option<VmArguments> {
    let mut vm = None;
    let mut uid = None;
    let mut dash_m = None;
    let mut machine = Machine { memory: None, backends: Vec::new(), vcpus: None, accelerator: None };
    let mut arguments = arguments.skip(1);
    while let Some(flag) = arguments.next() {
        if !matches!(
            flag,
            b"-name" | b"-m" | b"-object" | b"-smp" | b"-accel" | b"-machine" | b"-vnc" | b"-chardev"
        ) {
            continue;
        }
        let Some(value) = arguments.next() else { break };
        match flag {
            b"-name" => vm = option(value, b"guest").map(vm_name),
            b"-m" => {
                dash_m = option(value, b"size").or(value.split(|b| *b == b',').next()).and_then(mebibytes)
            }
            b"-object" => machine.backends.extend(backend(value)),
            b"-smp" => {
                machine.vcpus = option(value, b"cpus")
                    .or(value.split(|b| *b == b',').next())
                    .and_then(number)
                    .and_then(|n| n.try_into().ok())
            }
            b"-accel" => {
                machine.accelerator = accelerator(value.split(|b| *b == b',').next().unwrap_or_default())
            }
            b"-machine" => {
                if let Some(found) = option(value, b"accel").and_then(accelerator) {
                    machine.accelerator = Some(found);
                }
            }
            _ => uid = uid.or_else(|| private_directory(value)),
        }
    }
    machine.memory =
        dash_m.or_else(|| (!machine.backends.is_empty()).then(|| machine.backends.iter().copied().sum()));
    Some(VmArguments { vm: vm?, uid, machine: Some(machine) })
}

fn vm_name(domain: &[u8]) -> VmName {
    match split_once(domain, b'_') {
        // A second `_` is in no name of KubeVirt's: a domain of somebody else's.
        Some((namespace, name)) if !name.contains(&b'_') => {
            VmName { namespace: text(namespace), name: text(name) }
        }
        _ => VmName { namespace: String::new(), name: text(domain) },
    }
}

/// Size of a backend of guest RAM; NVDIMMs and shared-memory devices are no guest RAM.
fn backend(object: &[u8]) -> Option<Bytes> {
    let json = object.first() == Some(&b'{');
    let (kind, id, size) = if json {
        (
            json_text(object, b"\"qom-type\":\"")?,
            json_text(object, b"\"id\":\"")?,
            json_number(object, b"\"size\":")?,
        )
    } else {
        let kind = object.split(|b| *b == b',').next()?;
        (kind, option(object, b"id")?, bytes(option(object, b"size")?)?)
    };
    let is_ram =
        kind.starts_with(b"memory-backend-") && !id.starts_with(b"memnvdimm") && !id.starts_with(b"shmmem");
    (is_ram && size != Bytes::ZERO).then_some(size)
}

fn json_text<'a>(object: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = after(object, key)?;
    rest.split(|b| *b == b'"').next()
}

fn json_number(object: &[u8], key: &[u8]) -> Option<Bytes> {
    let rest = after(object, key)?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    number(&rest[..digits]).map(Bytes)
}

fn after<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(key.len()).position(|window| window == key)?;
    Some(&text[at + key.len()..])
}

/// The value of `key=` in a comma-separated option list.
fn option<'a>(list: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    list.split(|b| *b == b',')
        .filter_map(|item| split_once(item, b'='))
        .find(|(k, _)| *k == key)
        .map(|(_, v)| v)
}

fn split_once(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|b| *b == at)?;
    Some((&text[..position], &text[position + 1..]))
}

/// qemu's sizes where a bare number is bytes.
fn bytes(text: &[u8]) -> Option<Bytes> {
    scaled(text, 1)
}

/// `-m`: a bare number is MiB.
fn mebibytes(text: &[u8]) -> Option<Bytes> {
    scaled(text, 1 << 20)
}

fn scaled(text: &[u8], bare: u64) -> Option<Bytes> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let unit = match text[digits..].first().map(u8::to_ascii_lowercase) {
        None => bare,
        Some(b'b') => 1,
        Some(b'k') => 1 << 10,
        Some(b'm') => 1 << 20,
        Some(b'g') => 1 << 30,
        Some(b't') => 1 << 40,
        Some(_) => return None,
    };
    number(&text[..digits])?.checked_mul(unit).map(Bytes)
}

fn accelerator(name: &[u8]) -> Option<Accelerator> {
    match name.split(|b| *b == b':').next()? {
        b"kvm" => Some(Accelerator::Kvm),
        b"tcg" => Some(Accelerator::Tcg),
        _ => None,
    }
}

/// The UID in `…/kubevirt-private/UID/…`.
fn private_directory(value: &[u8]) -> Option<String> {
    let rest = after(value, b"/kubevirt-private/")?;
    let uid = rest.split(|b| *b == b'/').next()?;
    let is_uid = uid.len() == 36 && uid.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    is_uid.then(|| text(uid))
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qemu(line: &str) -> Option<VmArguments> {
        of_qemu(line.split(' ').map(str::as_bytes))
    }

    #[test]
    fn qemu_of_v0_49() {
        let vm = qemu(
            "/usr/libexec/qemu-kvm -name guest=default_testvm-2,debug-threads=on -S \
             -machine pc-q35-rhel8.4.0,accel=kvm,usb=off,memory-backend=pc.ram -m 62 \
             -object memory-backend-ram,id=pc.ram,size=65011712 -overcommit mem-lock=off \
             -smp 1,sockets=1,dies=1,cores=1,threads=1",
        )
        .unwrap();
        assert_eq!(vm.vm.to_string(), "default/testvm-2");
        assert_eq!(vm.uid, None);
        let machine = vm.machine.unwrap();
        assert_eq!(machine.memory, Some(Bytes(65_011_712)));
        assert_eq!(machine.backends, [Bytes(65_011_712)]);
        assert_eq!((machine.vcpus, machine.accelerator), (Some(1), Some(Accelerator::Kvm)));
    }

    #[test]
    fn qemu_of_v1_2_with_its_vmi_uid() {
        let vm = qemu(
            "/usr/libexec/qemu-kvm -name guest=default_vmi-ephemeral,debug-threads=on -accel kvm -m size=131072k \
             -object {\"qom-type\":\"memory-backend-ram\",\"id\":\"pc.ram\",\"size\":134217728} \
             -object {\"qom-type\":\"iothread\",\"id\":\"iothread1\"} -smp 2,maxcpus=4,sockets=4 \
             -vnc vnc=unix:/var/run/kubevirt-private/3a8f7774-7ec7-4cfb-97ce-581db52ee053/virt-vnc,audiodev=audio1",
        )
        .unwrap();
        assert_eq!(vm.uid.as_deref(), Some("3a8f7774-7ec7-4cfb-97ce-581db52ee053"));
        let machine = vm.machine.unwrap();
        assert_eq!(machine.memory, Some(Bytes::from_kib(131_072)));
        assert_eq!((machine.backends.len(), machine.vcpus), (1, Some(2)));
    }

    #[test]
    fn memory_that_can_grow_and_two_numa_nodes() {
        let machine = qemu(
            "qemu -name guest=a_b -m size=1048576k,slots=16,maxmem=4194304k \
             -object {\"qom-type\":\"memory-backend-memfd\",\"id\":\"ram-node0\",\"share\":true,\"size\":536870912} \
             -object {\"qom-type\":\"memory-backend-memfd\",\"id\":\"ram-node1\",\"share\":true,\"size\":536870912} \
             -object {\"qom-type\":\"memory-backend-file\",\"id\":\"memnvdimm0\",\"mem-path\":\"/x\",\"size\":1048576}",
        )
        .unwrap()
        .machine
        .unwrap();
        assert_eq!(machine.memory, Some(Bytes(1 << 30)));
        assert_eq!(machine.backends, [Bytes(512 << 20), Bytes(512 << 20)]);
    }

    #[test]
    fn an_emulator_without_a_guest_name_is_no_vm() {
        assert_eq!(qemu("qemu-system-x86_64 -m 512 -name test"), None);
        assert_eq!(qemu("qemu-img convert -O qcow2 a b"), None);
    }

    #[test]
    fn a_libvirt_domain_of_a_host_has_no_namespace() {
        assert_eq!(qemu("qemu -name guest=web,debug-threads=on").unwrap().vm.to_string(), "web");
        assert_eq!(qemu("qemu -name guest=my_old_web").unwrap().vm.to_string(), "my_old_web");
    }

    #[test]
    fn the_launcher_names_its_vmi() {
        for line in [
            "/usr/bin/virt-launcher-monitor --qemu-timeout 345s --name edge-vm --uid 7764d18d --namespace default --x",
            "/usr/bin/virt-launcher --name=edge-vm --uid=7764d18d --namespace=default",
        ] {
            let vm = of_launcher(line.split(' ').map(str::as_bytes)).unwrap();
            assert_eq!((vm.vm.to_string(), vm.uid.as_deref()), ("default/edge-vm".into(), Some("7764d18d")));
        }
        assert_eq!(of_launcher("virt-launcher --name".split(' ').map(str::as_bytes)), None);
    }
}
