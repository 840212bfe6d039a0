//! The domain as libvirt wants it described (libvirt.org/formatdomain.html).

use std::path::Path;

/// Name of the domain: KubeVirt's, `NAMESPACE_NAME`.
pub const DOMAIN: &str = "default_edge-vm";
/// Namespace of the VMI.
pub const NAMESPACE: &str = "default";
/// Name of the VMI.
pub const NAME: &str = "edge-vm";
/// UID of the VMI.
pub const UID: &str = "a726afe8-d14f-4930-8240-86b47a25b547";
/// Its memory.
pub const RAM_MIB: u64 = 256;
/// Its CPUs.
pub const VCPUS: u32 = 2;

/// What backs the guest's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ram {
    /// Anonymous memory of qemu: the default.
    #[default]
    Anonymous,
    /// A memfd, shared, as virtiofsd and passt need it.
    Memfd,
    /// Huge pages, all of them taken at start. The machine's pool must hold as much.
    HugePages,
}

impl Ram {
    fn backing(self) -> &'static str {
        match self {
            Ram::Anonymous => "",
            Ram::Memfd => "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
            Ram::HugePages => "<memoryBacking><hugepages/></memoryBacking>",
        }
    }
}

/// What the guest fills has to be new to the host. Its kernel uses much memory while it boots and then frees
/// it, and would give that out first. So it is to keep what it uses below 96 MiB, where it then stays
/// (`nokaslr`), and not to free the initramfs, which lies at the top; files in memory are movable, and lie in
/// the rest (`Documentation/admin-guide/kernel-parameters.txt`).
const KERNEL_KEEPS: &str = "kernelcore=96M nokaslr retain_initrd";

/// The description of the VM whose kernel, initramfs, console and serial line are in `dir`.
///
/// Its screen is at the path where KubeVirt has it, which holds the UID of the VMI
/// (`pkg/virt-launcher/virtwrap/converter`), and never looked at.
pub(super) fn description(dir: &Path, ram: Ram) -> String {
    let (dir, backing) = (dir.display(), ram.backing());
    format!(
        "<domain type='qemu'>
  <name>{DOMAIN}</name>
  <memory unit='MiB'>{RAM_MIB}</memory>
  {backing}
  <vcpu>{VCPUS}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{dir}/vmlinuz</kernel>
    <initrd>{dir}/initramfs</initrd>
    <cmdline>console=ttyS0 panic=-1 {KERNEL_KEEPS}</cmdline>
  </os>
  <on_reboot>destroy</on_reboot>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <video><model type='none'/></video>
    <graphics type='vnc'><listen type='socket' socket='/var/run/kubevirt-private/{UID}/virt-vnc'/></graphics>
    <serial type='file'><source path='{dir}/console.log'/></serial>
    <serial type='unix'><source mode='bind' path='{dir}/guest'/></serial>
  </devices>
</domain>
"
    )
}
