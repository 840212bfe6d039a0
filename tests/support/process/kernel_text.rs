//! What the kernel would print about a [`Process`].

use super::{Process, Thread};

/// The page size of a fake host, in KiB.
const PAGE_KIB: u64 = 4;

/// The lines of `status` after `Threads`, for a process of root with all capabilities.
const STATUS_TAIL: &str = "\
SigQ:\t0/96365
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000000
SigBlk:\t0000000000000000
SigIgn:\t0000000000000000
SigCgt:\t0000000000000000
CapInh:\t0000000000000000
CapPrm:\t000001ffffffffff
CapEff:\t000001ffffffffff
CapBnd:\t000001ffffffffff
CapAmb:\t0000000000000000
NoNewPrivs:\t0
Seccomp:\t0
Seccomp_filters:\t0
Cpus_allowed:\tf
Cpus_allowed_list:\t0-3
Mems_allowed:\t1
Mems_allowed_list:\t0
voluntary_ctxt_switches:\t0
nonvoluntary_ctxt_switches:\t0
";

impl Process {
    /// Its files by their names below `/proc/PID`.
    pub(super) fn generated(&self) -> Vec<(String, Vec<u8>)> {
        let name = self.name();
        let mut files: Vec<(String, Vec<u8>)> = vec![
            ("stat".into(), self.stat(self.pid, &name, self.user_ticks, self.system_ticks, self.guest_ticks)),
            ("statm".into(), self.statm_text().into()),
            ("status".into(), self.status_text()),
            ("comm".into(), line(&name)),
            ("cmdline".into(), self.command_line()),
            ("cgroup".into(), self.cgroup.clone().into()),
            ("io".into(), self.io_text().into()),
            ("schedstat".into(), schedstat(self.user_ticks + self.system_ticks, self.waited_ns)),
        ];
        if !self.kernel_thread {
            files.push(("smaps_rollup".into(), self.rollup_text().into()));
        }
        let rest = |all: u64, of: fn(&Thread) -> u64| {
            let others = self.threads.values().map(of).sum();
            all.checked_sub(others).expect("a process has the CPU time of all its threads")
        };
        let main = Thread {
            comm: name,
            user_ticks: rest(self.user_ticks, |thread| thread.user_ticks),
            system_ticks: rest(self.system_ticks, |thread| thread.system_ticks),
            guest_ticks: rest(self.guest_ticks, |thread| thread.guest_ticks),
        };
        for (tid, thread) in self.threads.iter().chain([(&self.pid, &main)]) {
            let stat =
                self.stat(*tid, &thread.comm, thread.user_ticks, thread.system_ticks, thread.guest_ticks);
            files.push((format!("task/{tid}/stat"), stat));
            files.push((format!("task/{tid}/comm"), line(&thread.comm)));
            let waited_ns = if *tid == self.pid { self.waited_ns } else { 0 };
            let schedstat = schedstat(thread.user_ticks + thread.system_ticks, waited_ns);
            files.push((format!("task/{tid}/schedstat"), schedstat));
        }
        files
    }

    fn name(&self) -> Vec<u8> {
        let exe = || self.exe.as_deref().unwrap_or(b"process");
        let base = || exe().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        self.comm.clone().unwrap_or_else(|| base().iter().copied().take(15).collect())
    }

    fn command_line(&self) -> Vec<u8> {
        let args = self.cmdline.clone().unwrap_or_else(|| self.exe.clone().into_iter().collect());
        args.into_iter().flat_map(|arg| arg.into_iter().chain([0])).collect()
    }

    fn resident_kib(&self) -> u64 {
        self.anon_kib + self.file_kib + self.shmem_kib
    }

    /// `stat` of the process or of one of its threads: 52 columns.
    fn stat(&self, id: u32, comm: &[u8], user: u64, system: u64, guest: u64) -> Vec<u8> {
        let Process { state, parent, major_faults, start_ticks, .. } = self;
        let (cutime, cstime) = if id == self.pid { self.children_ticks } else { (0, 0) };
        let (flags, wait) = if self.kernel_thread { (0x0020_8040, 1) } else { (0x0040_0000, 0) };
        let virtual_bytes = self.resident_kib() * 1024;
        let pages = self.resident_kib() / PAGE_KIB;
        let threads = 1 + self.threads.len();
        let mut text = format!("{id} (").into_bytes();
        text.extend(comm);
        text.extend(
            format!(
                ") {state} {parent} {id} {id} 0 -1 {flags} 0 0 {major_faults} 0 {user} {system} {cutime} {cstime} 20 0 {threads} 0 \
                 {start_ticks} {virtual_bytes} {pages} 18446744073709551615 1 1 0 0 0 0 0 0 0 {wait} 0 0 17 0 0 0 0 \
                 {guest} 0 0 0 0 0 0 0 0 0\n"
            )
            .bytes(),
        );
        text
    }

    fn statm_text(&self) -> String {
        let [resident, shared, anon] =
            [self.resident_kib(), self.file_kib + self.shmem_kib, self.anon_kib].map(|kib| kib / PAGE_KIB);
        format!("{resident} {resident} {shared} 0 0 {anon} 0\n")
    }

    fn status_text(&self) -> Vec<u8> {
        let Process { pid, parent, .. } = self;
        let mut text = b"Name:\t".to_vec();
        // As the kernel does: fs/proc/array.c escapes newlines and backslashes in the name.
        for byte in self.name() {
            match byte {
                b'\n' => text.extend(b"\\n"),
                b'\\' => text.extend(b"\\\\"),
                byte => text.push(byte),
            }
        }
        let state = match self.state {
            'R' => "R (running)",
            'D' => "D (disk sleep)",
            'Z' => "Z (zombie)",
            _ => "S (sleeping)",
        };
        let mut rest = format!(
            "\nUmask:\t0022\nState:\t{state}\nTgid:\t{pid}\nNgid:\t0\nPid:\t{pid}\nPPid:\t{parent}\nTracerPid:\t0\n\
             Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t \nNStgid:\t{pid}\nNSpid:\t{pid}\n\
             NSpgid:\t{pid}\nNSsid:\t{pid}\nKthread:\t{}\n",
            u8::from(self.kernel_thread)
        );
        if !self.kernel_thread {
            let resident = self.resident_kib();
            for (name, kib) in [
                ("VmPeak", resident),
                ("VmSize", resident),
                ("VmLck", 0),
                ("VmPin", 0),
                ("VmHWM", resident),
                ("VmRSS", resident),
                ("RssAnon", self.anon_kib),
                ("RssFile", self.file_kib),
                ("RssShmem", self.shmem_kib),
                ("VmData", self.anon_kib),
                ("VmStk", 0),
                ("VmExe", self.file_kib),
                ("VmLib", 0),
                ("VmPTE", self.page_tables_kib),
                ("VmSwap", self.swap_kib),
                ("HugetlbPages", self.hugetlb_kib),
            ] {
                rest += &format!("{name}:\t{kib:8} kB\n");
            }
        }
        rest += &format!("Threads:\t{}\n", 1 + self.threads.len());
        rest += STATUS_TAIL;
        text.extend(rest.bytes());
        text
    }

    fn rollup_text(&self) -> String {
        let [anon, file, shmem] = self.pss_kib.unwrap_or([self.anon_kib, self.file_kib, self.shmem_kib]);
        let mut text =
            String::from("00400000-7fff00000000 ---p 00000000 00:00 0                          [rollup]\n");
        for (name, kib) in [
            ("Rss", self.resident_kib()),
            ("Pss", anon + file + shmem),
            ("Pss_Dirty", anon + shmem),
            ("Pss_Anon", anon),
            ("Pss_File", file),
            ("Pss_Shmem", shmem),
            ("Shared_Clean", 0),
            ("Shared_Dirty", 0),
            ("Private_Clean", self.file_kib),
            ("Private_Dirty", self.anon_kib + self.shmem_kib),
            ("Referenced", self.resident_kib()),
            ("Anonymous", self.anon_kib),
            ("KSM", 0),
            ("LazyFree", 0),
            ("AnonHugePages", 0),
            ("ShmemPmdMapped", 0),
            ("FilePmdMapped", 0),
            ("Shared_Hugetlb", 0),
            ("Private_Hugetlb", self.hugetlb_kib),
            ("Swap", self.swap_kib),
            ("SwapPss", self.swap_kib),
            ("Locked", 0),
        ] {
            text += &kib_line(name, kib);
        }
        text
    }

    fn io_text(&self) -> String {
        let Process { read_bytes, written_bytes, .. } = self;
        format!(
            "rchar: {read_bytes}\nwchar: {written_bytes}\nsyscr: 0\nsyscw: 0\nread_bytes: {read_bytes}\n\
             write_bytes: {written_bytes}\ncancelled_write_bytes: 0\n"
        )
    }
}

/// `text` with the field `name` at `kib`, in its place or at the end: `meminfo` and `smaps` are such lists.
pub(crate) fn with_kib(text: &str, name: &str, kib: u64) -> String {
    let is_it = |line: &str| line.split(':').next() == Some(name);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(String::from).collect();
    match lines.iter_mut().find(|line| is_it(line)) {
        Some(line) => *line = kib_line(name, kib),
        None => lines.push(kib_line(name, kib)),
    }
    lines.concat()
}

/// `HugePages_*` of `meminfo` are counts, everything else is in "kB".
fn kib_line(name: &str, kib: u64) -> String {
    let unit = if name.starts_with("HugePages_") { "" } else { " kB" };
    format!("{:<16}{kib:8}{unit}\n", format!("{name}:"))
}

fn line(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().chain([b'\n']).collect()
}

/// A tick is 10 ms.
fn schedstat(ticks: u64, waited_ns: u64) -> Vec<u8> {
    format!("{} {waited_ns} {ticks}\n", ticks * 10_000_000).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files(process: &Process) -> BTreeMap<String, String> {
        process
            .generated()
            .into_iter()
            .map(|(name, text)| (name, String::from_utf8_lossy(&text).into_owned()))
            .collect()
    }

    #[test]
    fn a_stat_has_the_kernels_52_columns() {
        let process = Process::new(7)
            .comm("a) R (b")
            .parent(3)
            .started_at(99)
            .cpu_ticks(1, 2)
            .guest_ticks(1)
            .anon_kib(8);
        let stat = &files(&process)["stat"];
        let (head, tail) = stat.rsplit_once(") ").unwrap();
        assert_eq!(head, "7 (a) R (b");
        let columns: Vec<&str> = tail.split_ascii_whitespace().collect();
        let column = |number: usize| columns[number - 3];
        assert_eq!(columns.len(), 50);
        assert_eq!([3, 4, 14, 15, 20, 22, 24, 43].map(column), ["S", "3", "1", "2", "1", "99", "2", "1"]);
    }

    #[test]
    fn the_files_agree_on_the_memory() {
        let all =
            files(&Process::new(7).anon_kib(400).file_kib(80).shmem_kib(20).swap_kib(12).page_tables_kib(16));
        assert_eq!(all["statm"], "125 125 25 0 0 100 0\n");
        for line in
            ["VmRSS:\t     500 kB", "RssAnon:\t     400 kB", "VmPTE:\t      16 kB", "VmSwap:\t      12 kB"]
        {
            assert!(all["status"].lines().any(|l| l == line), "{line}");
        }
        for line in
            ["Rss:                 500 kB", "Pss:                 500 kB", "Pss_Shmem:            20 kB"]
        {
            assert!(all["smaps_rollup"].lines().any(|l| l == line), "{line}");
        }
    }

    #[test]
    fn name_and_command_line_follow_the_exe_unless_set() {
        let followed = files(&Process::new(7).exe("/usr/bin/virt-launcher-monitor"));
        assert_eq!(followed["comm"], "virt-launcher-m\n");
        assert_eq!(followed["cmdline"], "/usr/bin/virt-launcher-monitor\0");
        let set = files(&Process::new(7).exe("/usr/bin/a").comm("b").cmdline(["c", "d"]));
        assert_eq!([&set["comm"], &set["cmdline"]], ["b\n", "c\0d\0"]);
    }

    #[test]
    fn a_kernel_thread_has_no_memory_to_show() {
        let all = files(&Process::new(14).kernel_thread("ksoftirqd/0").cpu_ticks(0, 77));
        assert!(!all.contains_key("smaps_rollup") && !all["status"].contains("Vm"));
        assert_eq!(all["cmdline"], "");
        assert!(all["status"].contains("\nKthread:\t1\n"));
    }

    #[test]
    fn threads_share_the_time_of_their_process() {
        let all = files(&Process::new(7).cpu_ticks(30, 5).guest_ticks(20).thread(8, "CPU 0/KVM", 25, 3, 20));
        let ticks = |stat: &str| stat.split(' ').rev().take(39).last().unwrap().to_owned();
        assert_eq!([&all["task/7/stat"], &all["task/8/stat"]].map(|stat| ticks(stat)), ["5", "25"]);
        assert_eq!(all["task/8/comm"], "CPU 0/KVM\n");
    }
}
