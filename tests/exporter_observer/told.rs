//! The kernel's messages as a test writes them.
//!
//! A reading empties the queue twice: before it reads anything, and once the parents of who ended are read. What a test
//! says comes half in the first and half in the second, as if it had happened meanwhile.

use std::sync::{Arc, Mutex};

use edgebench_exporter::kernel_events::{Drained, Event, ExitRecord, Source};
use edgebench_sampler::{Nanos, Pid};
use rustix::io::Errno;

use crate::watch::TICK;

#[derive(Clone, Debug)]
enum Message {
    Event(Event),
    Exit(ExitRecord),
}

#[derive(Debug, Default)]
struct Queue {
    messages: Vec<Message>,
    drained: Drained,
    /// Whether the next drain is the second one of a reading.
    second: bool,
}

/// A queue of messages. Clones are the same queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<Queue>>);

impl Told {
    fn say(&self, message: Message) {
        self.0.lock().expect("no test panicked here").messages.push(message);
    }

    pub(crate) fn forked(&self, parent: u32, child: u32) {
        self.say(Message::Event(Event::Fork { parent: Pid(parent), child: Pid(child) }));
    }

    pub(crate) fn called_exec(&self, pid: u32) {
        self.say(Message::Event(Event::Exec { pid: Pid(pid) }));
    }

    /// A process ended that had used so many ticks: its record misses the last of them.
    pub(crate) fn ended(&self, pid: u32, parent: u32, ticks: u64) {
        self.ended_as(b"dash", pid, parent, ticks);
    }

    pub(crate) fn ended_as(&self, name: &[u8], pid: u32, parent: u32, ticks: u64) {
        let (cpu, at_least) = (ticks * TICK, (ticks * TICK).saturating_sub(TICK / 3));
        let record = ExitRecord::new(Pid(pid), Pid(parent), name, Nanos(cpu), Nanos(at_least));
        self.say(Message::Exit(record));
        self.say(Message::Event(Event::Exited { pid: Pid(pid) }));
    }

    /// The kernel drops what is queued.
    pub(crate) fn lose(&self) {
        let mut queue = self.0.lock().expect("no test panicked here");
        queue.messages.clear();
        queue.drained = Drained { events_lost: true, records_lost: true };
    }
}

impl Source for Told {
    fn drain(&mut self, events: &mut Vec<Event>, exits: &mut Vec<ExitRecord>) -> Result<Drained, Errno> {
        let mut queue = self.0.lock().expect("no test panicked here");
        let all = queue.messages.len();
        let some = if queue.second { all } else { all / 2 };
        queue.second = !queue.second;
        let left = queue.messages.split_off(some);
        for message in std::mem::replace(&mut queue.messages, left) {
            match message {
                Message::Event(event) => events.push(event),
                Message::Exit(exit) => exits.push(exit),
            }
        }
        Ok(std::mem::take(&mut queue.drained))
    }
}
