//! The only opener of files: everything else gets bytes.
//!
//! The root is a parameter (`/proc`, `/host/proc` in a container, an unpacked fixture in a test), and all
//! files of one process are opened relative to a descriptor of its directory. Such a descriptor pins the
//! kernel's `struct pid`: once the process is reaped every file below it answers `ESRCH`, even when the
//! number is in use again (`fs/proc/base.c`, `get_proc_task`). Two processes are therefore never mixed,
//! whatever happens between two reads.
//!
//! A file of `/proc` made by `single_open` comes whole in one `read` if the buffer is large enough, so
//! small files cost one read; the others are read to their end.

mod kept;
mod pieces;

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RawDir, SeekFrom};

pub use self::kept::{KeptFdDirectory, KeptFile};
use crate::error::{ReadError, Reason};
use crate::units::{Clock, Pid};

/// Where the kernel's file systems are mounted, as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// procfs: `/proc`, or the host's as mounted into a container.
    pub proc: PathBuf,
    /// sysfs, with the cgroup hierarchies below `fs/cgroup`.
    pub sys: PathBuf,
    /// The directory that holds `os-release`.
    pub etc: PathBuf,
}

impl Roots {
    /// The roots of this machine.
    pub fn of_this_machine() -> Roots {
        Roots { proc: "/proc".into(), sys: "/sys".into(), etc: "/etc".into() }
    }

    /// The roots that belong to `proc`: for `/host/proc`, `/host/sys` and `/host/etc`.
    pub fn beside(proc: &Path) -> Roots {
        let above = proc.parent().unwrap_or(Path::new("/"));
        Roots { proc: proc.to_path_buf(), sys: above.join("sys"), etc: above.join("etc") }
    }
}

/// Reads files into one buffer that is kept.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
}

/// How much a file may hold before reading stops: nothing that is read whole comes near it.
const LARGEST: usize = 64 << 20;

impl Buffer {
    /// Reads the file `name` below `dir` to its end, at most `limit` bytes.
    fn read(&mut self, dir: impl AsFd, name: &CStr, once: bool, limit: usize) -> rustix::io::Result<&[u8]> {
        let fd = rustix::fs::openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        self.bytes.clear();
        self.bytes.reserve(4096);
        loop {
            let room = self.bytes.capacity() - self.bytes.len();
            let got = match rustix::io::read(&fd, rustix::buffer::spare_capacity(&mut self.bytes)) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            if got == 0 || (once && got < room) || self.bytes.len() >= limit {
                break;
            }
            if self.bytes.len() == self.bytes.capacity() {
                self.bytes.reserve(self.bytes.capacity());
            }
        }
        self.bytes.truncate(limit);
        Ok(&self.bytes)
    }
}

/// An opened procfs.
#[derive(Debug)]
pub struct ProcFs {
    roots: Roots,
    clock: Clock,
    dir: OwnedFd,
}

impl ProcFs {
    /// Opens the procfs at `roots.proc`.
    ///
    /// # Errors
    /// Where there is no directory, or none that holds a `stat` and a `meminfo`.
    pub fn open(roots: Roots) -> Result<ProcFs, ReadError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, &roots.proc, flags, Mode::empty())
            .map_err(|errno| ReadError::io(&roots.proc, errno.into()))?;
        let procfs = ProcFs { roots, clock: Clock::of_this_machine(), dir };
        let mut buffer = Buffer::default();
        procfs.file(c"stat", &mut buffer)?;
        procfs.file(c"meminfo", &mut buffer)?;
        Ok(procfs)
    }

    /// Real user id of this process, which decides what it may read.
    pub fn user_id() -> u32 {
        rustix::process::getuid().as_raw()
    }

    /// How to read its counters. All machines that can share a `/proc` share page size and tick.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Where the file systems are.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Reads a file of the node, such as `stat` or `pressure/memory`.
    pub fn file<'b>(&self, name: &CStr, buffer: &'b mut Buffer) -> Result<&'b [u8], ReadError> {
        buffer
            .read(&self.dir, name, false, LARGEST)
            .map_err(|errno| ReadError::io(&self.path(name), errno.into()))
    }

    /// The path of a node file, for messages.
    pub fn path(&self, name: &CStr) -> PathBuf {
        self.roots.proc.join(name.to_string_lossy().as_ref())
    }

    /// Reads a file by its path, for the environment and the cgroups: not for the hot path.
    pub fn file_at<'b>(&self, path: &Path, buffer: &'b mut Buffer) -> Result<&'b [u8], ReadError> {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::CString::new(path.as_os_str().as_bytes())
            .map_err(|_| ReadError::new(path, Reason::Vanished))?;
        buffer.read(CWD, &name, false, LARGEST).map_err(|errno| ReadError::io(path, errno.into()))
    }

    /// The numbers of all processes there are, in the order the kernel lists them (ascending).
    pub fn pids(&self, pids: &mut Vec<Pid>) -> Result<(), ReadError> {
        pids.clear();
        self.each_process(|entry| {
            pids.push(entry.pid);
            true
        })
    }

    /// All processes there are with the inode number of their directory, ascending by pid.
    ///
    /// Says how positions in the directory follow from pids, where they do: see [`ProcFs::listing_after`].
    pub fn listing(&self, listing: &mut Vec<Listed>) -> Result<Option<PidPositions>, ReadError> {
        listing.clear();
        let mut positions = Positions::default();
        self.each_process(|entry| {
            positions.see(entry);
            listing.push(Listed { pid: entry.pid, inode: entry.inode });
            true
        })?;
        // The kernel lists them so; a fixture's directory need not.
        if !listing.is_sorted() {
            listing.sort_unstable();
            return Ok(None);
        }
        Ok(positions.found())
    }

    /// The processes with numbers above `after`, and up to `until` at least: what is beyond may be left out.
    ///
    /// A listing of `/proc` goes by pid (`fs/proc/base.c`, `proc_pid_readdir`), and the position of an entry is its
    /// pid and a constant. So it can begin in the middle, and costs what it finds.
    pub fn listing_after(
        &self,
        after: Pid,
        until: Pid,
        positions: PidPositions,
        listing: &mut Vec<Listed>,
    ) -> Result<(), ReadError> {
        listing.clear();
        let from = positions.0.saturating_add(u64::from(after.0) + 1);
        self.each_from(from, |entry| {
            listing.push(Listed { pid: entry.pid, inode: entry.inode });
            entry.pid <= until
        })
    }

    fn each_process(&self, visit: impl FnMut(Entry) -> bool) -> Result<(), ReadError> {
        self.each_from(0, visit)
    }

    /// Visits processes from a position of the directory on, while `visit` says to go on.
    fn each_from(&self, position: u64, mut visit: impl FnMut(Entry) -> bool) -> Result<(), ReadError> {
        let failed = |errno: rustix::io::Errno| ReadError::io(&self.roots.proc, errno.into());
        // A descriptor of its own: the position in a directory belongs to the open file.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&self.dir, c".", flags, Mode::empty()).map_err(failed)?;
        if position > 0 {
            rustix::fs::seek(&dir, SeekFrom::Start(position)).map_err(failed)?;
        }
        let mut space = [MaybeUninit::uninit(); 16 << 10];
        // Who wants a few is to be given a few: the kernel fills what room there is, 32 bytes for each process, and
        // looks each of them up.
        let room = if position > 0 { 256 } else { space.len() };
        let mut entries = RawDir::new(dir, &mut space[..room]);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(failed)?;
            let Some(pid) = number(entry.file_name().to_bytes()) else { continue };
            let (inode, next) = (entry.ino(), entry.next_entry_cookie());
            if !visit(Entry { pid: Pid(pid), inode, next }) {
                break;
            }
        }
        Ok(())
    }

    /// Our own number in this procfs, which may be of another pid namespace than ours (`proc_self_get_link`); nothing
    /// where it does not know us.
    pub fn own_pid(&self) -> Option<Pid> {
        let target = rustix::fs::readlinkat(&self.dir, c"self", Vec::new()).ok()?;
        number(target.to_bytes()).map(Pid)
    }

    /// Keeps a file of the node open.
    pub fn keep(&self, name: &CStr) -> Result<KeptFile, ReadError> {
        // Made by `single_open` (`fs/proc/stat.c`, `fs/proc/meminfo.c`, `kernel/sched/psi.c`).
        let text = name.to_bytes();
        let in_one_read = matches!(text, b"stat" | b"meminfo") || text.starts_with(b"pressure/");
        rustix::fs::openat(&self.dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map(|fd| KeptFile::new(fd, in_one_read))
            .map_err(|errno| ReadError::io(&self.path(name), errno.into()))
    }

    /// Keeps a file open that is known by its path: those of cgroups.
    pub fn keep_at(&self, path: &Path) -> Result<KeptFile, ReadError> {
        rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map(|fd| KeptFile::new(fd, true))
            .map_err(|errno| ReadError::io(path, errno.into()))
    }

    /// Reads `stat` of a process without opening its directory: the cheapest look there is.
    pub fn stat<'b>(&self, pid: Pid, buffer: &'b mut Buffer) -> Result<&'b [u8], ReadError> {
        let name = PidPath::new(pid, b"/stat");
        buffer
            .read(&self.dir, name.as_c_str(), true, LARGEST)
            .map_err(|errno| ReadError::io(&self.roots.proc.join(format!("{pid}/stat")), errno.into()))
    }

    /// Opens the directory of a process.
    pub fn process(&self, pid: Pid) -> Result<ProcessDir<'_>, ReadError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let name = PidPath::new(pid, b"");
        let dir = rustix::fs::openat(&self.dir, name.as_c_str(), flags, Mode::empty())
            .map_err(|errno| ReadError::io(&self.roots.proc.join(pid.to_string()), errno.into()))?;
        Ok(ProcessDir { proc: &self.roots.proc, pid, dir })
    }
}

/// An entry of `/proc` that is a process.
///
/// The kernel gives the directory of each process an inode number of its own when it is first looked up
/// (`fs/proc/base.c`, `proc_pid_make_inode`), and forgets it under memory pressure: the same pid with another
/// inode may be another process, with the same inode it is the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its number.
    pub pid: Pid,
    /// Inode number of its directory.
    pub inode: u64,
}

/// How the position of a process in the directory `/proc` follows from its pid: by adding this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PidPositions(u64);

/// An entry as it is met.
#[derive(Clone, Copy)]
struct Entry {
    pid: Pid,
    inode: u64,
    /// Position of the next entry.
    next: u64,
}

/// Finds out whether positions follow from pids.
#[derive(Default)]
struct Positions {
    /// What the entry before said of this one's position.
    here: Option<u64>,
    /// Position − pid of all so far, and of how many.
    constant: Option<(u64, usize)>,
    broken: bool,
}

impl Positions {
    fn see(&mut self, entry: Entry) {
        let here = self.here.replace(entry.next);
        let Some(constant) = here.and_then(|here| here.checked_sub(u64::from(entry.pid.0))) else {
            // Of the first one's position nobody has told.
            self.broken |= here.is_some();
            return;
        };
        match &mut self.constant {
            Some((known, count)) if *known == constant => *count += 1,
            Some(_) => self.broken = true,
            none => *none = Some((constant, 1)),
        }
    }

    fn found(self) -> Option<PidPositions> {
        // A few could agree by chance.
        let (constant, _) = self.constant.filter(|(_, count)| *count >= 8 && !self.broken)?;
        Some(PidPositions(constant))
    }
}

/// A file of a process that is read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessFile {
    /// `stat`
    Stat,
    /// `statm`
    Statm,
    /// `status`
    Status,
    /// `smaps_rollup`: walks the page tables, needs `PTRACE_MODE_READ`.
    SmapsRollup,
    /// `smaps`: the same for each mapping.
    Smaps,
    /// `io`: mode 0400.
    Io,
    /// `schedstat`
    SchedStat,
    /// `cgroup`
    Cgroup,
    /// `comm`
    Comm,
}

impl ProcessFile {
    /// Its name below `/proc/PID`.
    pub fn name(self) -> &'static CStr {
        match self {
            ProcessFile::Stat => c"stat",
            ProcessFile::Statm => c"statm",
            ProcessFile::Status => c"status",
            ProcessFile::SmapsRollup => c"smaps_rollup",
            ProcessFile::Smaps => c"smaps",
            ProcessFile::Io => c"io",
            ProcessFile::SchedStat => c"schedstat",
            ProcessFile::Cgroup => c"cgroup",
            ProcessFile::Comm => c"comm",
        }
    }

    /// Whether one `read` gives it whole (`single_open`).
    fn in_one_read(self) -> bool {
        !matches!(self, ProcessFile::Smaps)
    }
}

/// A file of a thread that is read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadFile {
    /// `stat`
    Stat,
    /// `schedstat`
    SchedStat,
    /// `comm`
    Comm,
}

impl ThreadFile {
    fn name(self) -> &'static str {
        match self {
            ThreadFile::Stat => "stat",
            ThreadFile::Comm => "comm",
            ThreadFile::SchedStat => "schedstat",
        }
    }
}

/// The opened directory of one process.
#[derive(Debug)]
pub struct ProcessDir<'p> {
    proc: &'p Path,
    pid: Pid,
    dir: OwnedFd,
}

impl ProcessDir<'_> {
    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The path of one of its files, for messages.
    pub fn path(&self, name: &CStr) -> PathBuf {
        self.proc.join(self.pid.to_string()).join(name.to_string_lossy().as_ref())
    }

    /// Reads one of its files.
    pub fn read<'b>(&self, file: ProcessFile, buffer: &'b mut Buffer) -> Result<&'b [u8], ReadError> {
        buffer
            .read(&self.dir, file.name(), file.in_one_read(), LARGEST)
            .map_err(|errno| self.failed(file.name(), errno))
    }

    /// Whether one of its files may be opened, without reading it.
    pub fn may_open(&self, file: ProcessFile) -> Result<(), ReadError> {
        self.keep(file).map(drop)
    }

    /// Keeps one of its files open.
    pub fn keep(&self, file: ProcessFile) -> Result<KeptFile, ReadError> {
        rustix::fs::openat(&self.dir, file.name(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map(|fd| KeptFile::new(fd, file.in_one_read()))
            .map_err(|errno| self.failed(file.name(), errno))
    }

    /// Keeps a file of one of its threads open.
    pub fn keep_thread(&self, thread: Pid, file: ThreadFile) -> Result<KeptFile, ReadError> {
        let path = std::ffi::CString::new(format!("task/{thread}/{}", file.name())).unwrap_or_default();
        rustix::fs::openat(&self.dir, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map(|fd| KeptFile::new(fd, true))
            .map_err(|errno| ReadError::io(&self.thread_path(thread, file), errno.into()))
    }

    /// Keeps its directory `fd` to count its entries.
    pub fn keep_fd_directory(&self) -> Result<KeptFdDirectory, ReadError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.dir, c"fd", flags, Mode::empty())
            .map(|fd| KeptFdDirectory { fd })
            .map_err(|errno| self.failed(c"fd", errno))
    }

    /// Reads its command line, at most `limit` bytes: a process may make it 2 MiB long.
    pub fn command_line<'b>(&self, limit: usize, buffer: &'b mut Buffer) -> Result<&'b [u8], ReadError> {
        buffer.read(&self.dir, c"cmdline", false, limit).map_err(|errno| self.failed(c"cmdline", errno))
    }

    /// What its `exe` points to; may end in ` (deleted)`.
    pub fn exe(&self) -> Result<Vec<u8>, ReadError> {
        rustix::fs::readlinkat(&self.dir, c"exe", Vec::new())
            .map(|target| target.into_bytes())
            .map_err(|errno| self.failed(c"exe", errno))
    }

    /// The numbers of its threads, ascending.
    pub fn threads(&self) -> Result<Vec<Pid>, ReadError> {
        let failed = |errno| self.failed(c"task", errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let task = rustix::fs::openat(&self.dir, c"task", flags, Mode::empty()).map_err(failed)?;
        let mut space = [MaybeUninit::uninit(); 8 << 10];
        let mut entries = RawDir::new(task, &mut space);
        let mut threads = Vec::new();
        while let Some(entry) = entries.next() {
            threads.extend(number(entry.map_err(failed)?.file_name().to_bytes()).map(Pid));
        }
        threads.sort_unstable();
        Ok(threads)
    }

    /// Reads a file of one of its threads.
    pub fn read_thread<'b>(
        &self,
        thread: Pid,
        file: ThreadFile,
        buffer: &'b mut Buffer,
    ) -> Result<&'b [u8], ReadError> {
        let path = std::ffi::CString::new(format!("task/{thread}/{}", file.name())).unwrap_or_default();
        buffer
            .read(&self.dir, &path, true, LARGEST)
            .map_err(|errno| ReadError::io(&self.thread_path(thread, file), errno.into()))
    }

    /// The path of a file of a thread, for messages.
    pub fn thread_path(&self, thread: Pid, file: ThreadFile) -> PathBuf {
        self.proc.join(self.pid.to_string()).join(format!("task/{thread}/{}", file.name()))
    }

    fn failed(&self, name: &CStr, errno: rustix::io::Errno) -> ReadError {
        ReadError::io(&self.path(name), errno.into())
    }
}

/// A decimal number, and nothing else.
fn number(name: &[u8]) -> Option<u32> {
    if name.is_empty() || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    name.iter().try_fold(0u32, |n, digit| n.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

/// `PID` or `PID/stat` as a C string without an allocation.
struct PidPath {
    bytes: [u8; 24],
}

impl PidPath {
    fn new(pid: Pid, suffix: &[u8]) -> PidPath {
        let mut digits = [0u8; 10];
        let mut at = digits.len();
        let mut rest = pid.0;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let digits = &digits[at..];
        let mut bytes = [0u8; 24];
        bytes[..digits.len()].copy_from_slice(digits);
        bytes[digits.len()..digits.len() + suffix.len()].copy_from_slice(suffix);
        PidPath { bytes }
    }

    fn as_c_str(&self) -> &CStr {
        // There is always a NUL: ten digits and the longest suffix leave room for it.
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_processes() {
        assert_eq!(number(b"4711"), Some(4711));
        for name in [&b""[..], b"self", b"12a", b"-1", b"99999999999"] {
            assert_eq!(number(name), None);
        }
    }

    #[test]
    fn a_pid_becomes_a_path() {
        assert_eq!(PidPath::new(Pid(0), b"").as_c_str(), c"0");
        assert_eq!(PidPath::new(Pid(u32::MAX), b"/stat").as_c_str(), c"4294967295/stat");
    }

    #[test]
    fn a_directory_without_a_stat_is_no_procfs() {
        let dir = tempfile::tempdir().unwrap();
        let error = ProcFs::open(Roots::beside(dir.path())).unwrap_err();
        assert_eq!(error.path, dir.path().join("stat"));
        assert!(error.is_vanished());
    }

    #[test]
    fn a_listing_can_begin_in_the_middle() {
        let procfs = ProcFs::open(Roots::of_this_machine()).unwrap();
        let own = Pid(std::process::id());
        assert_eq!(procfs.own_pid(), Some(own));
        let mut all = Vec::new();
        let positions = procfs.listing(&mut all).unwrap().expect("the kernel lists by pid");
        let mut after = Vec::new();
        procfs.listing_after(Pid(own.0 - 1), Pid(u32::MAX), positions, &mut after).unwrap();
        assert_eq!(after[0].pid, own);
        let mut others = Vec::new();
        procfs.listing_after(own, own, positions, &mut others).unwrap();
        assert!(others.iter().all(|entry| entry.pid > own) && others.len() <= 1, "{others:?}");
        let same = all.iter().filter(|entry| after.contains(entry)).count();
        assert!(same >= 1, "the same inodes");
    }

    #[test]
    fn a_directory_that_is_no_procfs_has_no_positions() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["stat", "meminfo"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        for pid in 1..40 {
            std::fs::create_dir(dir.path().join((pid * 7).to_string())).unwrap();
        }
        let procfs = ProcFs::open(Roots::beside(dir.path())).unwrap();
        let mut listing = Vec::new();
        assert_eq!(procfs.listing(&mut listing).unwrap(), None);
        assert_eq!(listing.len(), 39);
    }

    #[test]
    fn a_large_file_is_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("stat"), "x".repeat(100_000)).unwrap();
        std::fs::write(dir.path().join("meminfo"), "").unwrap();
        let procfs = ProcFs::open(Roots::beside(dir.path())).unwrap();
        assert_eq!(procfs.file(c"stat", &mut Buffer::default()).unwrap().len(), 100_000);
    }

    #[test]
    fn a_command_line_is_read_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["stat", "meminfo"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("7")).unwrap();
        std::fs::write(dir.path().join("7/cmdline"), vec![b'a'; 2 << 20]).unwrap();
        let procfs = ProcFs::open(Roots::beside(dir.path())).unwrap();
        let process = procfs.process(Pid(7)).unwrap();
        let mut buffer = Buffer::default();
        assert_eq!(process.command_line(4096, &mut buffer).unwrap().len(), 4096);
        assert!(buffer.bytes.capacity() < 64 << 10, "what is not asked for is not read");
    }
}
