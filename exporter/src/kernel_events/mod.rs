//! What the kernel itself says of processes: that one was born, became another program, was renamed or
//! ended, and what it had used by then.
//!
//! Two netlink sockets. The process connector (`drivers/connector/cn_proc.c`, CONFIG_PROC_EVENTS) tells of
//! forks, execs, renames and exits at once; taskstats (`kernel/taskstats.c`) sends a record of each thread
//! that ends. With them nobody needs to look through `/proc` for what is new, and a process that lived and
//! died between two looks leaves its CPU time behind.
//!
//! Both speak only to root's (CAP_NET_ADMIN) processes in the first network, pid and user namespaces: a host
//! service, or a pod with `hostNetwork` and `hostPID`. Elsewhere some steps fail, and others succeed and no
//! message ever comes. So [`KernelEvents::open`] starts a thread and waits for what the kernel says of it
//! (`open.rs`), and whoever can't have events gets the reason and lists `/proc` instead.
//!
//! A drain takes 0.70 µs of CPU a message (median of 7 runs of 1,000 processes, which make 3 events and a
//! record each; release build, Linux 6.18, a busy machine of 2 cores).
//!
//! * `socket.rs` makes the system calls, everything else is functions of bytes:
//! * `netlink.rs` frames, `proc_event.rs` and `taskstats.rs` read and write the messages,
//! * `ended.rs` makes ends of processes from ends of threads.

#[cfg(test)]
#[cfg(target_endian = "little")]
mod captured;
mod ended;
mod netlink;
mod open;
mod proc_event;
mod socket;
mod taskstats;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use edgebench_sampler::units::{Bytes, Pid};
use rustix::io::Errno;

use self::ended::Ended;
pub use self::ended::ExitRecord;
pub use self::open::EventsUnavailable;
use self::proc_event::{Notice, Request};
use self::socket::{Received, Socket};

/// Something that happened to a process.
///
/// A pid is what the kernel has; which process bears it is for the reader to find out in `/proc`, and by
/// then it may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process was made. It is a copy of its parent, name and all, until it execs.
    Fork {
        /// The process whose child it is.
        parent: Pid,
        /// The new process.
        child: Pid,
    },
    /// A process runs another program now.
    Exec {
        /// The process.
        pid: Pid,
    },
    /// A process has another name now (its main thread, which is where `/proc/PID/comm` comes from).
    Renamed {
        /// The process.
        pid: Pid,
    },
    /// The main thread of a process ended. Nearly always that is the end of the process; while other threads
    /// go on (`pthread_exit` in `main`) it stays in `/proc`. It also stays until its parent waits for it.
    Exited {
        /// The process.
        pid: Pid,
    },
}

/// Whether a drain got everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// The kernel dropped events: `/proc` has to be listed once.
    pub events_lost: bool,
    /// The kernel dropped exit records: the CPU time of some ended processes has to come from elsewhere.
    pub records_lost: bool,
}

/// What is asked for, for each socket. The kernel doubles it, and a message takes about 0.9 KiB of it as an
/// event, 1.3 KiB as a record: tried out, 6,000 processes that fork, exec and end fit between two drains.
pub const RECEIVE_BUFFER: Bytes = Bytes(8 << 20);

/// How many datagrams of a socket one drain takes at most. The rest stays for the next.
const MOST: usize = 1 << 20;

/// Where messages about processes come from: the kernel, or a test that plays it.
pub trait Source: std::fmt::Debug + Send {
    /// Takes everything that is there, in order; never waits.
    ///
    /// The exit record of an [`Event::Exited`] comes in the same drain or came in one before, never later.
    ///
    /// # Errors
    /// Where nothing more can be heard for another reason than a full buffer.
    fn drain(&mut self, events: &mut Vec<Event>, exits: &mut Vec<ExitRecord>) -> Result<Drained, Errno>;
}

impl Source for KernelEvents {
    fn drain(&mut self, events: &mut Vec<Event>, exits: &mut Vec<ExitRecord>) -> Result<Drained, Errno> {
        KernelEvents::drain(self, events, exits)
    }
}

/// The kernel's messages about processes.
#[derive(Debug)]
pub struct KernelEvents {
    connector: Socket,
    records: Socket,
    family: u16,
    ended: Ended,
}

impl KernelEvents {
    /// Takes everything that is queued, in the order of the kernel; never waits.
    ///
    /// The exit record of an [`Event::Exited`] comes in the same drain or came in one before, never later.
    ///
    /// # Errors
    /// Where a socket fails for another reason than a full buffer.
    pub fn drain(&mut self, events: &mut Vec<Event>, exits: &mut Vec<ExitRecord>) -> Result<Drained, Errno> {
        let mut drained = Drained::default();
        // The connector first: the kernel sends a thread's record before it tells of its end.
        for _ in 0..MOST {
            match self.connector.receive()? {
                Received::Nothing => break,
                Received::Lost => {
                    drained.events_lost = true;
                    drained.records_lost |= self.ended.lost();
                }
                Received::Datagram(datagram) => {
                    let payloads = netlink::messages(datagram).map(|message| message.payload);
                    for notice in payloads.filter_map(proc_event::parse) {
                        events.extend(of_a_process(notice));
                        if let Notice::Exited(task) = notice {
                            exits.extend(self.ended.exited(task));
                        }
                    }
                }
            }
        }
        // Also where nobody's end was told of: a parent may have waited for a child by then whose record is here and whose
        // EXIT is yet to come (`do_exit`: `taskstats_exit`, `exit_notify`, `proc_exit_connector`).
        for _ in 0..MOST {
            match self.records.receive()? {
                Received::Nothing => break,
                Received::Lost => drained.records_lost = true,
                Received::Datagram(datagram) => {
                    let messages = netlink::messages(datagram).filter(|message| message.kind == self.family);
                    for end in messages.filter_map(|message| taskstats::parse(&message)) {
                        exits.extend(self.ended.recorded(end));
                    }
                }
            }
        }
        Ok(drained)
    }
}

/// What a message says of a process; threads are left out.
fn of_a_process(notice: Notice) -> Option<Event> {
    match notice {
        Notice::Fork { parent, child } if child.is_main() => {
            Some(Event::Fork { parent, child: child.process })
        }
        Notice::Exec(task) => Some(Event::Exec { pid: task.process }),
        Notice::Renamed(task) if task.is_main() => Some(Event::Renamed { pid: task.process }),
        Notice::Exited(task) if task.is_main() => Some(Event::Exited { pid: task.process }),
        _ => None,
    }
}

/// The socket of the process connector, to wait on. It becomes readable when a process ends too, so it
/// stands for both sockets. Wait for it, then a little longer, then drain: a drain for each event costs more
/// than all the events.
impl AsFd for KernelEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connector.as_fd()
    }
}

impl AsRawFd for KernelEvents {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl Drop for KernelEvents {
    fn drop(&mut self) {
        // A kernel that does not want to hear it has nothing to undo.
        let _ = self.connector.send(&Request::Ignore.message());
    }
}
