//! The messages of taskstats: what a thread used, sent by the kernel when it ends.
//!
//! The family `TASKSTATS` of generic netlink (`Documentation/accounting/taskstats.rst`) sends a message for
//! each ending thread: an attribute AGGR_PID with the thread's number and its `struct taskstats`, and, when
//! it is the last of a process that has had more than one, an AGGR_TGID with the process' number and a
//! `struct taskstats` of the whole process. That second one has run time, but neither a name nor, before a
//! change of 2026, user and system time (`fill_tgid_exit` in `kernel/taskstats.c`).
//!
//! New fields are added at the end of the struct, so it is read by offset as far as it reaches. Version 15
//! (Linux 6.14) alone put some in between: each record is checked by the number that it repeats.
//! The thread group (`ac_tgid`) and the flag of its last thread (AGROUP) came with version 12 (Linux 5.19).

use edgebench_sampler::units::{Nanos, Pid};

use super::netlink::{self, Attributes, Message, u16_at, u32_at, u64_at};

/// `GENL_ID_CTRL`, the family that knows the others; `CTRL_CMD_GETFAMILY` and its attributes.
const CONTROL: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;

/// `TASKSTATS_CMD_GET`, with which listeners register too.
const GET: u8 = 1;
/// `TASKSTATS_CMD_ATTR_PID`
const OF_THREAD: u16 = 1;
/// `TASKSTATS_CMD_ATTR_REGISTER_CPUMASK`
const REGISTER: u16 = 3;

/// `TASKSTATS_TYPE_*`
const TYPE_PID: u16 = 1;
const TYPE_TGID: u16 = 2;
const TYPE_STATS: u16 = 3;
const TYPE_AGGR_PID: u16 = 4;
const TYPE_AGGR_TGID: u16 = 5;

/// Offsets in `struct taskstats`, the same on all architectures: 8-byte fields are aligned by attribute.
mod offset {
    pub(super) const VERSION: usize = 0;
    pub(super) const FLAG: usize = 8;
    pub(super) const CPU_DELAY: usize = 24;
    pub(super) const RUN_VIRTUAL: usize = 72;
    pub(super) const COMM: usize = 80;
    pub(super) const PID: usize = 128;
    pub(super) const PARENT: usize = 132;
    pub(super) const ELAPSED: usize = 144;
    pub(super) const USER: usize = 152;
    pub(super) const SYSTEM: usize = 160;
    pub(super) const VOLUNTARY_SWITCHES: usize = 272;
    pub(super) const INVOLUNTARY_SWITCHES: usize = 280;
    pub(super) const PROCESS: usize = 368;
    pub(super) const PROCESS_ELAPSED: usize = 376;
}

/// The version that has `ac_tgid`.
const KNOWS_PROCESS: u16 = 12;
/// `AGROUP` of `ac_flag`: the last thread of its process.
const LAST_OF_PROCESS: u8 = 0x20;

/// What one thread used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskEnd {
    pub(super) thread: Pid,
    /// Its process, where the kernel says so.
    pub(super) process: Option<ItsProcess>,
    pub(super) parent: Pid,
    pub(super) comm: [u8; 16],
    pub(super) elapsed: Nanos,
    pub(super) ran: Ran,
    /// Ready to run and waiting for a CPU.
    pub(super) run_queue_wait: Nanos,
    pub(super) voluntary_switches: u64,
    pub(super) involuntary_switches: u64,
    /// Of all threads that its process had, if it was the last one of several.
    pub(super) whole_process: Option<(Pid, Ran)>,
}

/// The process of a thread that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ItsProcess {
    pub(super) pid: Pid,
    pub(super) elapsed: Nanos,
    /// Whether the thread was the last one.
    pub(super) ended: bool,
}

impl ItsProcess {
    fn of(stats: &[u8]) -> Option<ItsProcess> {
        if u16_at(stats, offset::VERSION)? < KNOWS_PROCESS {
            return None;
        }
        Some(ItsProcess {
            pid: Pid(u32_at(stats, offset::PROCESS)?),
            elapsed: micros(stats, offset::PROCESS_ELAPSED)?,
            ended: stats.get(offset::FLAG)? & LAST_OF_PROCESS != 0,
        })
    }
}

/// Run time in two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ran {
    /// The scheduler's, to the nanosecond, as of the last timer tick or change of thread
    /// (`cpu_run_virtual_total`). 0 where the kernel keeps no delay accounting.
    pub(super) exactly: Nanos,
    /// By ticks: whoever runs when the timer ticks is charged the whole tick. In user mode.
    pub(super) user_by_ticks: Nanos,
    /// In the kernel.
    pub(super) system_by_ticks: Nanos,
}

impl Ran {
    fn of(stats: &[u8]) -> Option<Ran> {
        Some(Ran {
            exactly: Nanos(u64_at(stats, offset::RUN_VIRTUAL)?),
            user_by_ticks: micros(stats, offset::USER)?,
            system_by_ticks: micros(stats, offset::SYSTEM)?,
        })
    }
}

/// Asks for the number of the family.
pub(super) fn ask_for_family() -> Vec<u8> {
    netlink::generic(CONTROL, GET_FAMILY, (FAMILY_NAME, b"TASKSTATS\0"), false)
}

/// The number of the family, in the answer.
pub(super) fn family(message: &Message<'_>) -> Option<u16> {
    u16_at(message.attributes().value(FAMILY_ID).filter(|_| message.kind == CONTROL)?, 0)
}

/// Asks for the ends of all threads on these CPUs, such as `0-3`.
pub(super) fn listen(family: u16, cpus: &str) -> Vec<u8> {
    let mut list = cpus.as_bytes().to_vec();
    list.push(0);
    netlink::generic(family, GET, (REGISTER, &list), true)
}

/// Asks for what a thread has used so far: the answer has the layout of the messages at the end.
pub(super) fn ask_for_thread(family: u16, thread: Pid) -> Vec<u8> {
    netlink::generic(family, GET, (OF_THREAD, &thread.0.to_ne_bytes()), false)
}

/// The version of the layout in a message of the family.
pub(super) fn version(message: &Message<'_>) -> Option<u16> {
    let stats = Attributes::of(message.attributes().value(TYPE_AGGR_PID)?).value(TYPE_STATS)?;
    u16_at(stats, offset::VERSION)
}

/// Reads a message of the family. Absent where it is another one, cut short or of an unknown layout.
pub(super) fn parse(message: &Message<'_>) -> Option<TaskEnd> {
    let thread = Attributes::of(message.attributes().value(TYPE_AGGR_PID)?);
    let number = u32_at(thread.value(TYPE_PID)?, 0)?;
    let stats = thread.value(TYPE_STATS)?;
    if u32_at(stats, offset::PID)? != number {
        return None;
    }
    Some(TaskEnd {
        thread: Pid(number),
        process: ItsProcess::of(stats),
        parent: Pid(u32_at(stats, offset::PARENT)?),
        comm: *stats.get(offset::COMM..)?.first_chunk()?,
        elapsed: micros(stats, offset::ELAPSED)?,
        ran: Ran::of(stats)?,
        run_queue_wait: Nanos(u64_at(stats, offset::CPU_DELAY)?),
        voluntary_switches: u64_at(stats, offset::VOLUNTARY_SWITCHES)?,
        involuntary_switches: u64_at(stats, offset::INVOLUNTARY_SWITCHES)?,
        whole_process: whole_process(message),
    })
}

fn micros(stats: &[u8], offset: usize) -> Option<Nanos> {
    u64_at(stats, offset).map(|micros| Nanos(micros.saturating_mul(1000)))
}

fn whole_process(message: &Message<'_>) -> Option<(Pid, Ran)> {
    let process = Attributes::of(message.attributes().value(TYPE_AGGR_TGID)?);
    let number = Pid(u32_at(process.value(TYPE_TGID)?, 0)?);
    Some((number, Ran::of(process.value(TYPE_STATS)?)?))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel_events::captured;

    /// A datagram whose thread's record is cut to `length` bytes and says to be of `version`.
    fn older(name: &str, version: u16, length: usize) -> Vec<u8> {
        let datagram = captured::taskstats(name);
        let message = netlink::messages(&datagram).next().unwrap();
        let thread = message.attributes().value(TYPE_AGGR_PID).unwrap();
        let mut stats = Attributes::of(thread).value(TYPE_STATS).unwrap()[..length].to_vec();
        stats[..2].copy_from_slice(&version.to_ne_bytes());
        let value = [(TYPE_PID, &thread[4..8]), (TYPE_STATS, &stats)];
        let value = value.map(|(kind, content)| netlink::attribute(kind, content)).concat();
        netlink::generic(message.kind, 2, (TYPE_AGGR_PID, &value), false)
    }

    fn read(datagram: &[u8]) -> Option<TaskEnd> {
        parse(&netlink::messages(datagram).next()?)
    }

    #[test]
    fn a_real_process_of_one_thread_is_read() {
        let expected = TaskEnd {
            thread: Pid(5982),
            process: Some(ItsProcess { pid: Pid(5982), elapsed: Nanos(50_907_000), ended: true }),
            parent: Pid(5934),
            comm: *b"burn\0\0\0\0\0\0\0\0\0\0\0\0",
            elapsed: Nanos(50_907_000),
            ran: Ran {
                exactly: Nanos(45_878_514),
                user_by_ticks: Nanos(44_000_000),
                system_by_ticks: Nanos(0),
            },
            run_queue_wait: Nanos(4_441_129),
            voluntary_switches: 0,
            involuntary_switches: 19,
            whole_process: None,
        };
        assert_eq!(read(&captured::taskstats("one-thread")), Some(expected));
    }

    #[test]
    fn the_last_of_several_threads_brings_the_whole_process() {
        let first = read(&captured::taskstats("a-thread-of-two")).unwrap();
        let process = first.process.unwrap();
        assert_eq!((first.thread, process.pid, process.ended), (Pid(5017), Pid(5016), false));
        assert_eq!(first.whole_process, None);
        let last = read(&captured::taskstats("the-last-of-two")).unwrap();
        let process = last.process.unwrap();
        assert_eq!((last.thread, process.pid, process.ended), (Pid(5016), Pid(5016), true));
        let (process, whole) = last.whole_process.unwrap();
        assert_eq!(process, Pid(5016));
        assert_eq!(whole.exactly.0, first.ran.exactly.0 + last.ran.exactly.0);
    }

    #[test]
    fn an_older_record_does_not_say_which_process_it_is_of() {
        // Version 10 (Linux 5.10) ends behind ac_btime64.
        let old = read(&older("a-thread-of-two", 10, 352)).unwrap();
        let new = read(&captured::taskstats("a-thread-of-two")).unwrap();
        assert_eq!(old, TaskEnd { process: None, ..new });
    }

    #[test]
    fn a_layout_in_which_the_number_is_elsewhere_is_no_record() {
        let mut datagram = captured::taskstats("one-thread");
        let stats = 16 + 4 + 4 + 8 + 4;
        assert_eq!(u32_at(&datagram, stats + offset::PID), Some(5982));
        datagram.copy_within(stats + 32..stats + 400, stats + 48);
        assert_eq!(read(&datagram), None);
    }

    #[test]
    fn a_record_without_the_fields_that_are_needed_is_none() {
        assert!(read(&older("one-thread", 8, 288)).is_some());
        for length in 2..288 {
            assert_eq!(read(&older("one-thread", 8, length)), None, "{length} bytes");
        }
    }

    #[test]
    fn real_answers_are_read() {
        let answer = |name| {
            let datagram = captured::taskstats(name);
            let message = netlink::messages(&datagram).next().unwrap();
            (family(&message), message.answer())
        };
        assert_eq!(answer("family"), (Some(31), None));
        assert_eq!(answer("acknowledged"), (None, Some(0)));
        assert_eq!(answer("refused"), (None, Some(34)), "ERANGE: more CPUs than there can be");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_damage_panics(at in 0usize..1172, byte: u8, length in 0usize..1173) {
            let mut datagram = captured::taskstats("the-last-of-two");
            datagram[at] = byte;
            let _ = read(&datagram[..length]);
            let _ = netlink::messages(&datagram).next().and_then(|message| version(&message));
        }
    }
}
