//! One process of the table, and what one reading of its `stat` says.

use edgebench_sampler::parse::pid_stat::{self, PidStat};
use edgebench_sampler::process::ProcessCpu;
use edgebench_sampler::procfs::{Buffer, KeptFile, ProcFs};
use edgebench_sampler::{Bytes, Nanos, Pid, ReadError, Reason, StartTicks};

use crate::observer::classes::{ClassIndex, Classes, Held};
use crate::observer::counters::CpuTicks;
use crate::observer::reaped::Reaped;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Kept,
    Watched,
    Swept,
    KernelThread,
}

/// One process.
#[derive(Debug)]
pub(in crate::observer) struct Row {
    pub(super) start: StartTicks,
    pub(super) inode: u64,
    pub(super) parent: Pid,
    /// Absent until it is classified.
    pub(super) class: Option<ClassIndex>,
    pub(super) tier: Tier,
    pub(super) comm: [u8; 16],
    /// CPU time so far.
    pub(in crate::observer) cpu: CpuTicks,
    pub(super) major_faults: u64,
    pub(super) reaped: Reaped,
    /// Whether it supervises containers, whose time it reaps.
    pub(super) supervisor: bool,
    /// Whether it is known to take orphans below it for its children.
    pub(super) takes_orphans: bool,
    /// Whether it would be kept open if there were descriptors left.
    pub(super) not_kept: bool,
    /// Whether it was counted that some of its files are denied.
    pub(super) denial_told: bool,
    /// Whether it has a name of KubeVirt's or CDI's outside of any pod.
    pub(super) outside_pods: bool,
    pub(in crate::observer) held: Held,
    /// RES as `stat` said it last. `statm` is exact since Linux 6.16, and `stat` lags by some pages for each CPU: it is
    /// compared with itself, and says nothing of a process that does something.
    pub(super) resident: Bytes,
    /// Whether `resident` changed since its memory was read.
    pub(super) memory_stale: bool,
    /// How many times in a row it was found to have done nothing.
    pub(super) rest: u8,
    /// The reading in which it was last looked at.
    pub(super) looked: u64,
    pub(super) read_at: Nanos,
    /// When it became another program; 0 where it did not.
    pub(in crate::observer) changed: Nanos,
}

/// What one reading of `stat` said.
pub(super) struct StatRead {
    /// Its comm is another: it called exec, or renamed itself.
    pub(super) changed: bool,
    /// There is something to settle of what its children used.
    pub(super) reaped: bool,
    pub(super) threads: u64,
    /// It used no CPU time and reaped none since the reading before.
    pub(super) idle: bool,
}

pub(super) fn read_stat(
    procfs: &ProcFs,
    pid: Pid,
    file: &KeptFile,
    row: &mut Row,
    classes: &mut Classes,
    now: Nanos,
    buffer: &mut Buffer,
) -> Result<StatRead, ReadError> {
    let failed = |reason| ReadError::new(procfs.roots().proc.join(format!("{pid}/stat")), reason);
    let text = file.read(buffer).map_err(failed)?;
    parse_stat(procfs, pid, text, row, classes, now)
}

/// Takes in the text of `stat`.
pub(super) fn parse_stat(
    procfs: &ProcFs,
    pid: Pid,
    text: &[u8],
    row: &mut Row,
    classes: &mut Classes,
    now: Nanos,
) -> Result<StatRead, ReadError> {
    let stat = pid_stat::parse(text).map_err(|error| {
        ReadError::new(procfs.roots().proc.join(format!("{pid}/stat")), Reason::Malformed(error))
    })?;
    Ok(take(procfs, &stat, row, classes, now))
}

/// Reads `stat` of a process that is not kept open; nothing where it is gone, or its pid is another's by now.
pub(super) fn stat_of(
    procfs: &ProcFs,
    pid: Pid,
    row: &mut Row,
    classes: &mut Classes,
    now: Nanos,
    buffer: &mut Buffer,
) -> Result<Option<StatRead>, ReadError> {
    let stat = stat(procfs, pid, row, buffer)?;
    Ok(stat.map(|stat| take(procfs, &stat, row, classes, now)))
}

fn stat<'b>(
    procfs: &ProcFs,
    pid: Pid,
    row: &Row,
    buffer: &'b mut Buffer,
) -> Result<Option<PidStat<'b>>, ReadError> {
    let text = match procfs.stat(pid, buffer) {
        Ok(text) => text,
        Err(error) if error.is_vanished() || error.is_denied() => return Ok(None),
        Err(error) => return Err(error),
    };
    let stat = pid_stat::parse(text).map_err(|error| {
        ReadError::new(procfs.roots().proc.join(format!("{pid}/stat")), Reason::Malformed(error))
    })?;
    Ok((stat.start == row.start).then_some(stat))
}

/// Who a process is by now.
pub(super) struct Peek {
    pub(super) parent: Pid,
    /// Its comm is another.
    pub(super) changed: bool,
}

/// Looks whether a process is still there, and counts nothing; nothing where its pid is another's by now.
pub(super) fn peek(
    procfs: &ProcFs,
    pid: Pid,
    row: &Row,
    buffer: &mut Buffer,
) -> Result<Option<Peek>, ReadError> {
    let stat = stat(procfs, pid, row, buffer)?;
    Ok(stat.map(|stat| Peek { parent: stat.parent, changed: has_changed(row, &stat) }))
}

fn has_changed(row: &Row, stat: &PidStat<'_>) -> bool {
    match row.tier {
        // A worker of the kernel says in its name what it works on; it can't call exec and stay one.
        Tier::KernelThread => !stat.is_kernel_thread(),
        _ => row.comm != comm(stat.comm),
    }
}

fn take(procfs: &ProcFs, stat: &PidStat<'_>, row: &mut Row, classes: &mut Classes, now: Nanos) -> StatRead {
    let used = row.cpu.advance(&CpuTicks::of(&ProcessCpu::of(stat)));
    let faults = stat.major_faults.saturating_sub(row.major_faults);
    row.major_faults = row.major_faults.max(stat.major_faults);
    if let Some(class) = row.class {
        let totals = &mut classes[class].totals;
        totals.add_cpu(used.nanos(procfs.clock()));
        totals.major_faults += faults;
        let held = Held { threads: u64::from(stat.threads), ..row.held };
        classes[class].change(&row.held, &held);
        row.held = held;
    }
    row.parent = stat.parent;
    row.read_at = now;
    let resident = Bytes::from_pages(stat.resident, procfs.clock().page_size);
    row.memory_stale |= std::mem::replace(&mut row.resident, resident) != resident;
    let reaped = row.reaped.read(children(stat));
    StatRead {
        changed: has_changed(row, stat),
        reaped,
        threads: u64::from(stat.threads),
        idle: used == CpuTicks::default() && faults == 0 && !reaped,
    }
}

pub(super) fn children(stat: &PidStat<'_>) -> u64 {
    (stat.children_user + stat.children_system).0
}

/// A comm in a row of fixed size; a kernel thread's may be longer, its beginning is enough to see a change.
pub(super) fn comm(name: &[u8]) -> [u8; 16] {
    let mut comm = [0; 16];
    let length = name.len().min(15);
    comm[..length].copy_from_slice(&name[..length]);
    comm
}
