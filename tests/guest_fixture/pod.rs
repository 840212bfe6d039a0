//! A VM's pod on a built host whose files agree with each other, from the mappings of its processes.
//!
//! The shapes are those of Linux 6.18: `smaps_rollup` sums `smaps`, `statm` and `status` hold what is
//! resident, huge pages are in neither Rss nor Pss, and shared memory in swap is in `Swap` of `smaps` but
//! not in `VmSwap`. The node's RAM used is what its processes and its kernel hold, to the KiB.

use edgebench_tests::{Host, Process};

/// What the VM was given, in KiB: 1 GiB.
pub(crate) const GUEST: u64 = 1 << 20;
/// What the processes hold for themselves, in KiB.
pub(crate) const QEMU: u64 = 60_000;
pub(crate) const LAUNCHER: u64 = 30_000;
pub(crate) const VIRTIOFSD: u64 = 8_000;
/// Page tables of each of them, in KiB.
pub(crate) const PAGE_TABLES: u64 = 2_400;

const UID: &str = "f626cce2-29b3-48e8-aa19-090cad4e2bf3";

/// A mapping as `smaps` shows it; sizes in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mapping {
    pub(crate) size: u64,
    pub(crate) permissions: &'static str,
    /// Of the file; 0 where there is none.
    pub(crate) inode: u64,
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    pub(crate) anonymous: u64,
    pub(crate) swap: u64,
    pub(crate) shared_hugetlb: u64,
    pub(crate) private_hugetlb: u64,
}

/// A mapping of nothing.
const NOTHING: Mapping = Mapping {
    size: 0,
    permissions: "rw-p",
    inode: 0,
    rss: 0,
    pss: 0,
    anonymous: 0,
    swap: 0,
    shared_hugetlb: 0,
    private_hugetlb: 0,
};

impl Mapping {
    /// Anonymous memory, of which so much is touched.
    pub(crate) fn anonymous(size: u64, touched: u64) -> Mapping {
        Mapping { size, rss: touched, pss: touched, anonymous: touched, ..NOTHING }
    }

    /// A memfd that others may map too: what of it this process has touched, and its share of that.
    pub(crate) fn memfd(size: u64, inode: u64, rss: u64, pss: u64) -> Mapping {
        Mapping { size, permissions: "rw-s", inode, rss, pss, ..NOTHING }
    }

    /// A memfd of huge pages, of which this process has touched so much, alone or as others did.
    pub(crate) fn huge(size: u64, inode: u64, private_hugetlb: u64, shared_hugetlb: u64) -> Mapping {
        Mapping { size, permissions: "rw-s", inode, private_hugetlb, shared_hugetlb, ..NOTHING }
    }

    /// With so much of it in swap.
    pub(crate) fn swapped(self, swap: u64) -> Mapping {
        Mapping { swap, ..self }
    }

    fn text(&self, start: u64) -> String {
        let Mapping { size, permissions, inode, rss, pss, anonymous, swap, .. } = self;
        let (device, path) = match inode {
            0 => ("00:00", ""),
            _ => ("00:01", "                    /memfd:memory-backend-memfd (deleted)"),
        };
        format!(
            "{start:x}-{end:x} {permissions} 00000000 {device} {inode} {path}\nSize: {size} kB\nRss: {rss} kB\n\
             Pss: {pss} kB\nAnonymous: {anonymous} kB\nShared_Hugetlb: {} kB\nPrivate_Hugetlb: {} kB\n\
             Swap: {swap} kB\nVmFlags: rd wr\n",
            self.shared_hugetlb,
            self.private_hugetlb,
            end = start + size * 1024,
        )
    }
}

/// The pod: launcher, qemu and virtiofsd, each with what it holds for itself and with these mappings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pod {
    /// The kind of qemu's memory backend.
    pub(crate) backend: &'static str,
    /// Guest RAM in qemu, each right behind the one before.
    pub(crate) qemu: Vec<Mapping>,
    /// Guest RAM in virtiofsd.
    pub(crate) virtiofsd: Vec<Mapping>,
}

impl Pod {
    /// A node that runs nothing else. Of the guest's memory `cached` lies in tmpfs, and the pool of huge pages
    /// has so many KiB, `pool_free` of them unused.
    pub(crate) fn node(&self, cached: u64, pool: u64, pool_free: u64) -> Host {
        let host = self.on(Host::new());
        let all = || self.qemu.iter().chain(&self.virtiofsd);
        let anonymous: u64 = QEMU + LAUNCHER + VIRTIOFSD + all().map(|m| m.anonymous).sum::<u64>();
        // Those of the default host, which runs nothing.
        let (total, buffers, slab, kernel) = (8_147_448, 60_000, 240_000, 5_000 + 3_000 + 4 * 1_000);
        let cached = 1_800_000 + cached;
        let used = anonymous + 3 * PAGE_TABLES + kernel + pool;
        host.memory(&[
            ("MemFree", total - buffers - slab - cached - used),
            ("Cached", cached),
            ("AnonPages", anonymous),
            ("PageTables", 3 * PAGE_TABLES),
            ("HugePages_Total", pool / 2048),
            ("HugePages_Free", pool_free / 2048),
            ("Hugetlb", pool),
        ])
    }

    /// Its processes on this host.
    pub(crate) fn on(&self, host: Host) -> Host {
        let launcher =
            ["virt-launcher-monitor", "--name", "edge-vm", "--namespace", "default", "--uid", "7764d18d"];
        let in_pod = |p: Process| p.in_pod(UID, &"5".repeat(64)).page_tables_kib(PAGE_TABLES);
        host.process(100, |p| {
            let p = in_pod(p).exe("/usr/bin/virt-launcher-monitor").cmdline(launcher);
            holding(p, LAUNCHER, &[])
        })
        .process(101, |p| {
            let p = in_pod(p).exe("/usr/libexec/qemu-kvm").cmdline(qemu_args(self.backend));
            holding(p, QEMU, &self.qemu)
        })
        .process(102, |p| holding(in_pod(p).exe("/usr/libexec/virtiofsd"), VIRTIOFSD, &self.virtiofsd))
    }
}

/// A process with so much anonymous memory of its own, and these mappings one behind the other.
fn holding(process: Process, own: u64, mappings: &[Mapping]) -> Process {
    let own = Mapping::anonymous(own, own);
    let mut at = 0x7f00_0000_0000;
    let mut smaps = own.text(0x5500_0000_0000);
    for mapping in mappings {
        smaps += &mapping.text(at);
        at += mapping.size * 1024;
    }
    let sum = |part: fn(&Mapping) -> u64| part(&own) + mappings.iter().map(part).sum::<u64>();
    let (rss, pss, anonymous) = (sum(|m| m.rss), sum(|m| m.pss), sum(|m| m.anonymous));
    let (shared_hugetlb, private_hugetlb) = (sum(|m| m.shared_hugetlb), sum(|m| m.private_hugetlb));
    let (swap, own_swap) = (sum(|m| m.swap), sum(|m| if m.inode == 0 { m.swap } else { 0 }));
    process
        .anon_kib(anonymous)
        .shmem_kib(rss - anonymous)
        .swap_kib(own_swap)
        .hugetlb_kib(shared_hugetlb + private_hugetlb)
        .file("smaps", smaps)
        .rollup(&format!(
            "550000000000-7fff00000000 ---p 00000000 00:00 0 [rollup]\nRss: {rss} kB\nPss: {pss} kB\n\
             Pss_Anon: {anonymous} kB\nPss_File: 0 kB\nPss_Shmem: {} kB\nAnonymous: {anonymous} kB\n\
             Shared_Hugetlb: {shared_hugetlb} kB\nPrivate_Hugetlb: {private_hugetlb} kB\nSwap: {swap} kB\n\
             SwapPss: {own_swap} kB\n",
            pss - anonymous,
        ))
}

/// The command line of qemu with a guest of [`GUEST`], as libvirt writes it.
fn qemu_args(backend: &str) -> Vec<String> {
    let object = format!("{{\"qom-type\":\"{backend}\",\"id\":\"pc.ram\",\"size\":{}}}", GUEST << 10);
    let name = "guest=default_edge-vm,debug-threads=on";
    ["qemu-kvm", "-name", name, "-accel", "kvm", "-m", "size=1048576k", "-object", &object, "-smp", "2"]
        .map(String::from)
        .to_vec()
}
