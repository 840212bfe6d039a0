//! The messages of the process connector.
//!
//! A netlink message holds a `struct cn_msg` of 20 bytes (index, value, sequence, acknowledge, length,
//! flags: `include/uapi/linux/connector.h`) and in it a `struct proc_event` (`cn_proc.h`): what happened, on
//! which CPU, nanoseconds since boot, and then by kind the numbers of threads ("pid") and of the processes
//! that they belong to ("tgid"), as the first pid namespace counts them (`drivers/connector/cn_proc.c`).
//! Threads send the same messages as processes do.

use edgebench_sampler::units::Pid;

use super::netlink::{self, u32_at};

/// `CN_IDX_PROC`, also the multicast group, and `CN_VAL_PROC`.
pub(super) const PROCESSES: u32 = 1;

/// `PROC_EVENT_NONE`: the answer to a request.
const ANSWER: u32 = 0;
/// `PROC_EVENT_FORK`
const FORK: u32 = 0x1;
/// `PROC_EVENT_EXEC`
const EXEC: u32 = 0x2;
/// `PROC_EVENT_COMM`: a thread renamed itself or was renamed. An exec sends EXEC alone.
const COMM: u32 = 0x200;
/// `PROC_EVENT_EXIT`
const EXIT: u32 = 0x8000_0000;
/// `NLMSG_DONE`: the kind of message that the connector uses for everything.
const DONE: u16 = 3;
/// Length of `struct cn_msg`.
const CONNECTOR_HEADER: usize = 20;
/// Where the part of `struct proc_event` begins that depends on its kind.
const EVENT_DATA: usize = 16;

/// A thread and its process; the main thread bears the number of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) thread: Pid,
    pub(super) process: Pid,
}

impl Task {
    fn at(data: &[u8], offset: usize) -> Option<Task> {
        let thread = Pid(u32_at(data, offset)?);
        Some(Task { thread, process: Pid(u32_at(data, offset + 4)?) })
    }

    /// Whether it is the main thread, which stands for the process.
    pub(super) fn is_main(self) -> bool {
        self.thread == self.process
    }
}

/// What a message of the process connector says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The kernel answers a request: 0, or why it refuses.
    Answer(u32),
    Fork {
        parent: Pid,
        child: Task,
    },
    Exec(Task),
    Renamed(Task),
    Exited(Task),
}

/// Reads the payload of a netlink message. Absent for kinds nobody asked for and for damaged ones.
pub(super) fn parse(payload: &[u8]) -> Option<Notice> {
    let addressed = [u32_at(payload, 0)?, u32_at(payload, 4)?];
    let event = payload.get(CONNECTOR_HEADER..).filter(|_| addressed == [PROCESSES; 2])?;
    let data = event.get(EVENT_DATA..)?;
    match u32_at(event, 0)? {
        ANSWER => Some(Notice::Answer(u32_at(data, 0)?)),
        FORK => Some(Notice::Fork { parent: Task::at(data, 0)?.process, child: Task::at(data, 8)? }),
        EXEC => Some(Notice::Exec(Task::at(data, 0)?)),
        COMM => Some(Notice::Renamed(Task::at(data, 0)?)),
        EXIT => Some(Notice::Exited(Task::at(data, 0)?)),
        _ => None,
    }
}

/// A request to the process connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// `PROC_CN_MCAST_LISTEN` with a filter on kinds: Linux 6.6 and later. Others ignore it without a word.
    ListenFiltered,
    /// `PROC_CN_MCAST_LISTEN`: all kinds.
    ListenToAll,
    /// `PROC_CN_MCAST_IGNORE`. Before Linux 6.6 the kernel counts listeners by these requests alone, and a
    /// listener that ends without one makes every fork dearer until the next boot.
    Ignore,
}

impl Request {
    /// The message to send.
    pub(super) fn message(self) -> Vec<u8> {
        let operation: Vec<u8> = match self {
            Request::ListenFiltered => [1u32, FORK | EXEC | COMM | EXIT].map(u32::to_ne_bytes).concat(),
            Request::ListenToAll => 1u32.to_ne_bytes().to_vec(),
            Request::Ignore => 2u32.to_ne_bytes().to_vec(),
        };
        let mut payload = [PROCESSES, PROCESSES, 0, 0].map(u32::to_ne_bytes).concat();
        payload.extend((operation.len() as u16).to_ne_bytes());
        payload.extend([0; 2]);
        payload.extend(operation);
        netlink::message(DONE, &payload)
    }
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel_events::captured::process_connector;

    fn read(datagram: &[u8]) -> Option<Notice> {
        parse(netlink::messages(datagram).next()?.payload)
    }

    fn task(thread: u32, process: u32) -> Task {
        Task { thread: Pid(thread), process: Pid(process) }
    }

    #[test]
    fn real_messages_are_read() {
        let expected = [
            ("fork", Notice::Fork { parent: Pid(4966), child: task(5016, 5016) }),
            ("exec", Notice::Exec(task(5016, 5016))),
            ("renamed", Notice::Renamed(task(5016, 5016))),
            ("fork-of-a-thread", Notice::Fork { parent: Pid(4966), child: task(5017, 5016) }),
            ("exit-of-a-thread", Notice::Exited(task(5017, 5016))),
            ("exit", Notice::Exited(task(5016, 5016))),
            ("answer", Notice::Answer(0)),
        ];
        for (name, notice) in expected {
            assert_eq!(read(&process_connector(name)), Some(notice), "{name}");
        }
    }

    #[test]
    fn a_message_cut_short_says_nothing() {
        for (name, needed) in [("fork", 52), ("exec", 44), ("renamed", 44), ("exit", 44), ("answer", 40)] {
            let datagram = process_connector(name);
            let payload = &datagram[16..];
            for length in 0..needed {
                assert_eq!(parse(&payload[..length]), None, "{length} bytes of {name}");
            }
            assert!(parse(&payload[..needed]).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_not_of_the_process_connector_says_nothing() {
        let mut datagram = process_connector("exit");
        datagram[16] = 5;
        assert_eq!(read(&datagram), None);
    }

    #[test]
    fn kinds_that_nobody_asked_for_say_nothing() {
        let mut datagram = process_connector("exit");
        for kind in [0x4u32, 0x40, 0x80, 0x100, 0x4000_0000, 0x8000_0001] {
            datagram[36..40].copy_from_slice(&kind.to_ne_bytes());
            assert_eq!(read(&datagram), None, "kind {kind:#x}");
        }
    }

    #[test]
    fn a_request_is_what_the_kernel_checks_for() {
        let sizes = [(Request::ListenFiltered, 8), (Request::ListenToAll, 4), (Request::Ignore, 4)];
        for (request, size) in sizes {
            let message = request.message();
            let payload = netlink::messages(&message).next().unwrap().payload;
            assert_eq!([u32_at(payload, 0), u32_at(payload, 4)], [Some(1); 2]);
            assert_eq!(netlink::u16_at(payload, 16), Some(size), "the length that the payload claims");
            assert_eq!(payload.len(), CONNECTOR_HEADER + usize::from(size), "and has");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_damage_panics(at in 0usize..76, byte: u8, length in 0usize..77) {
            let mut datagram = process_connector("fork");
            datagram[at] = byte;
            let _ = read(&datagram[..length]);
        }
    }
}
