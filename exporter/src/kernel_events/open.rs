//! Opening both sockets, and making sure that the kernel speaks to us.
//!
//! What goes wrong where, as tried: without CAP_NET_ADMIN joining the group or registering fails with EPERM;
//! in another network namespace the group can be joined, but nobody is there to hear a request
//! (ECONNREFUSED); in another pid namespace the connector does not answer and taskstats says EINVAL. So what
//! counts is that the messages about a thread of our own arrive, with the number that we know it by.
//!
//! The filter on kinds of events is ignored without a word before Linux 6.6, and there the messages come to
//! all as long as anyone has asked. So the old request comes first and the filter second: a kernel that
//! knows it counts us once and narrows what we get.

use std::time::{Duration, Instant};

use edgebench_sampler::procfs::Buffer;
use edgebench_sampler::units::{Bytes, Nanos, Pid};
use edgebench_sampler::{ProcFs, ReadError};
use rustix::io::Errno;
use rustix::net::netlink::{CONNECTOR, GENERIC};

use super::ended::Ended;
use super::netlink::{self, Message};
use super::proc_event::{self, Notice, PROCESSES, Request, Task};
use super::socket::{Received, Socket};
use super::{KernelEvents, taskstats};

/// Why the kernel's events can't be had.
#[derive(Debug, thiserror::Error)]
pub enum EventsUnavailable {
    /// A socket could not be opened, or a request failed.
    #[error("{what}: {errno}{}", hint(.errno))]
    Refused {
        /// Which of the two, and what was tried.
        what: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// All went well, and no message came.
    #[error(
        "{what} sends nothing here: it needs the first pid and network namespace (a host service, or hostPID \
         and hostNetwork)"
    )]
    Silent {
        /// Which of the two.
        what: &'static str,
    },
    /// The processes of `/proc` have other numbers than the kernel's messages.
    #[error("{procfs} is of another pid namespace than the kernel's events: this process is not {own} there")]
    OtherNumbers {
        /// Where the procfs is.
        procfs: String,
        /// What the kernel's messages call this process.
        own: Pid,
    },
    /// The records have a layout that is not known.
    #[error("the taskstats of this kernel (version {version}) have an unknown layout")]
    UnknownLayout {
        /// Their version.
        version: u16,
    },
    /// A file that is needed could not be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

fn hint(errno: &Errno) -> &'static str {
    match *errno {
        Errno::PERM | Errno::ACCESS => " (CAP_NET_ADMIN is needed)",
        Errno::CONNREFUSED => " (the first network namespace is needed: a host service, or hostNetwork)",
        Errno::INVAL => " (the first pid and user namespaces are needed: a host service, or hostPID)",
        Errno::NOENT => " (the kernel is built without it)",
        _ => "",
    }
}

const EVENTS: &str = "process connector";
const RECORDS: &str = "taskstats";

/// How often a thread is started to see whether messages come, and how long they are waited for.
const ATTEMPTS: usize = 20;
const PATIENCE: Duration = Duration::from_millis(50);

impl KernelEvents {
    /// Opens both sockets and makes sure that messages come. List `/proc` afterwards, not before.
    ///
    /// # Errors
    /// Where there are none to be had, with the reason.
    pub fn open(procfs: &ProcFs, receive_buffer: Bytes) -> Result<KernelEvents, EventsUnavailable> {
        let mut buffer = Buffer::default();
        let possible = procfs.roots().sys.join("devices/system/cpu/possible");
        let cpus = String::from_utf8_lossy(procfs.file_at(&possible, &mut buffer)?).trim().to_owned();

        let refused = |what| move |errno| EventsUnavailable::Refused { what, errno };
        let connector = Socket::open(CONNECTOR, PROCESSES, receive_buffer).map_err(refused(EVENTS))?;
        let mut records = Socket::open(GENERIC, 0, receive_buffer).map_err(refused(RECORDS))?;
        let family = ask(&mut records, &taskstats::ask_for_family(), |message| taskstats::family(&message))?;
        check_layout(&mut records, family)?;
        ask(&mut records, &taskstats::listen(family, &cpus), |message| message.answer().map(drop))?;

        let mut opened = KernelEvents { connector, records, family, ended: Ended::new(tick()) };
        opened.listen()?;
        let own = own_pid();
        let stat = procfs.file(c"self/stat", &mut buffer).unwrap_or_default();
        if !stat.starts_with(format!("{own} ").as_bytes()) {
            let procfs = procfs.roots().proc.display().to_string();
            return Err(EventsUnavailable::OtherNumbers { procfs, own });
        }
        Ok(opened)
    }

    /// Subscribes to events, and makes sure that they come.
    fn listen(&mut self) -> Result<(), EventsUnavailable> {
        let refused = |errno| EventsUnavailable::Refused { what: EVENTS, errno };
        for request in [Request::ListenToAll, Request::ListenFiltered] {
            self.connector.send(&request.message()).map_err(refused)?;
        }
        let mut heard = Heard::default();
        for _ in 0..ATTEMPTS {
            heard.threads.push(thread_that_ended()?);
            let until = Instant::now() + PATIENCE;
            while Instant::now() < until {
                self.hear(&mut heard)?;
                if heard.event && heard.record {
                    return Ok(());
                }
                std::thread::sleep(PATIENCE / 50);
            }
        }
        Err(match heard {
            Heard { event: true, .. } => EventsUnavailable::Silent { what: RECORDS },
            Heard { refusal: Some(errno), .. } => refused(errno),
            Heard { .. } => EventsUnavailable::Silent { what: EVENTS },
        })
    }

    /// Takes what both sockets have at the moment.
    fn hear(&mut self, heard: &mut Heard) -> Result<(), EventsUnavailable> {
        let failed = |what| move |errno| EventsUnavailable::Refused { what, errno };
        while let Received::Datagram(datagram) = self.connector.receive().map_err(failed(EVENTS))? {
            let payloads = netlink::messages(datagram).map(|message| message.payload);
            payloads.filter_map(proc_event::parse).for_each(|notice| heard.notice(notice));
        }
        while let Received::Datagram(datagram) = self.records.receive().map_err(failed(RECORDS))? {
            let mut ends = netlink::messages(datagram).filter_map(|message| taskstats::parse(&message));
            heard.record |= ends.any(|end| heard.threads.iter().any(|task| task.thread == end.thread));
        }
        Ok(())
    }
}

/// What came of the threads that were started to hear of them.
#[derive(Default)]
struct Heard {
    threads: Vec<Task>,
    event: bool,
    record: bool,
    refusal: Option<Errno>,
}

impl Heard {
    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Exited(task) => self.event |= self.threads.contains(&task),
            // Other listeners' answers come here too, so it is no more than a likely reason.
            Notice::Answer(code) if code != 0 => {
                self.refusal = Some(Errno::from_raw_os_error(code as i32));
            }
            _ => {}
        }
    }
}

fn thread_that_ended() -> Result<Task, EventsUnavailable> {
    let failed = |errno| EventsUnavailable::Refused { what: "a thread to hear of", errno };
    let number = || Pid(rustix::thread::gettid().as_raw_pid().unsigned_abs());
    let thread = std::thread::Builder::new()
        .name("events?".into())
        .spawn(number)
        .map_err(|error| failed(Errno::from_io_error(&error).unwrap_or(Errno::AGAIN)))?;
    let thread = thread.join().map_err(|_| failed(Errno::AGAIN))?;
    Ok(Task { thread, process: own_pid() })
}

/// Sends a request and reads the answer, which is there when the request has been taken.
fn ask<T>(
    records: &mut Socket,
    request: &[u8],
    read: impl Fn(Message<'_>) -> Option<T>,
) -> Result<T, EventsUnavailable> {
    let refused = |errno| EventsUnavailable::Refused { what: RECORDS, errno };
    records.send(request).map_err(refused)?;
    while let Received::Datagram(datagram) = records.receive().map_err(refused)? {
        for message in netlink::messages(datagram) {
            if let Some(code) = message.answer().filter(|&code| code != 0) {
                return Err(refused(Errno::from_raw_os_error(code)));
            }
            if let Some(answer) = read(message) {
                return Ok(answer);
            }
        }
    }
    Err(EventsUnavailable::Silent { what: RECORDS })
}

/// Asks for this thread's own statistics: the number in them must be where it is looked for.
fn check_layout(records: &mut Socket, family: u16) -> Result<(), EventsUnavailable> {
    let request = taskstats::ask_for_thread(family, own_pid());
    let (version, understood) = ask(records, &request, |message| {
        Some((taskstats::version(&message)?, taskstats::parse(&message).is_some()))
    })?;
    if understood { Ok(()) } else { Err(EventsUnavailable::UnknownLayout { version }) }
}

fn own_pid() -> Pid {
    Pid(std::process::id())
}

/// The time between two timer ticks: what the coarse clock can tell apart.
fn tick() -> Nanos {
    let resolution = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
    Nanos(resolution.tv_nsec.unsigned_abs())
}
