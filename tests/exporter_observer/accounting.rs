//! Whatever processes do, the counters never decrease, and together they never show more than the kernel accounted.
//!
//! The kernel is played by [`Kernel`]: processes are born, call exec, use CPU time, end and are reaped, and most of
//! them are never seen. Where nobody is orphaned and everybody has been read once more, nothing is lost either: what
//! is missing is at most two ticks for each process that lives in a tracked pod. (The time that a parent reaps while
//! a supervisor of containers ended may be containers' time, which their pods count: it is not taken.)

use std::collections::{BTreeMap, BTreeSet};

use edgebench_exporter::view::View;
use edgebench_tests::{Host, Process};
use proptest::prelude::*;

use crate::told::Told;
use crate::watch::{TICK, Watch, all_cpu, decreased};

const INIT: u32 = 1;
const SHIM: u32 = 2;
/// The manager of a user's session, which asks for orphans too (`systemd --user`).
const SESSION: u32 = 3;
const PODS: [&str; 2] = ["11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"];
const CONTAINER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const PROGRAMS: [&str; 5] = [
    "/usr/bin/dash",
    "/usr/bin/virt-handler",
    "/usr/bin/virt-launcher-monitor",
    "/usr/bin/kubelet",
    "/usr/bin/runc",
];

/// Its pod is tracked.
const LAUNCHER: usize = 2;

/// Something that happens between two readings. Numbers choose among those who are there.
#[derive(Clone, Debug)]
enum Event {
    /// A process uses CPU time.
    Use { who: usize, user: u64, system: u64 },
    /// A process forks; the child calls exec.
    Fork { who: usize, program: usize },
    /// The runtime starts a container.
    Start { pod: usize, program: usize },
    /// A process calls exec.
    Exec { who: usize, program: usize },
    /// A process ends and is reaped.
    End { who: usize },
    /// A child is born, uses CPU time, and is reaped.
    Unseen { who: usize, user: u64 },
    /// All processes of a pod end.
    Stop { pod: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0..100_usize;
    let program = 0..PROGRAMS.len();
    let pod = 0..PODS.len();
    prop_oneof![
        4 => (who.clone(), 0..300_u64, 0..100_u64).prop_map(|(who, user, system)| Event::Use { who, user, system }),
        3 => (who.clone(), program.clone()).prop_map(|(who, program)| Event::Fork { who, program }),
        1 => (pod.clone(), program.clone()).prop_map(|(pod, program)| Event::Start { pod, program }),
        1 => (who.clone(), program).prop_map(|(who, program)| Event::Exec { who, program }),
        3 => who.clone().prop_map(|who| Event::End { who }),
        3 => (who, 0..50_u64).prop_map(|(who, user)| Event::Unseen { who, user }),
        1 => pod.prop_map(|pod| Event::Stop { pod }),
    ]
}

#[derive(Clone, Debug)]
struct Task {
    parent: u32,
    start: u64,
    program: usize,
    pod: Option<usize>,
    user: u64,
    system: u64,
    children: u64,
}

/// The kernel's books.
struct Kernel {
    tasks: BTreeMap<u32, Task>,
    free: Vec<u32>,
    time: u64,
    /// When the last reading was.
    shown: u64,
    /// Whose children ended since the last reading.
    bereaved: BTreeSet<u32>,
    /// All CPU time that was ever used, in ticks.
    used: u64,
    pods: [u64; PODS.len()],
    /// Whether a process that has children may end.
    orphans: bool,
    told: Told,
}

impl Kernel {
    fn new(orphans: bool) -> Kernel {
        let task = |parent, start, program| Task {
            parent,
            start,
            program,
            pod: None,
            user: 0,
            system: 0,
            children: 0,
        };
        // The second one is the shim: see `Kernel::write`.
        let tasks =
            BTreeMap::from([(INIT, task(0, 1, 0)), (SHIM, task(INIT, 2, 0)), (SESSION, task(INIT, 3, 0))]);
        // Few numbers, so that most are used again.
        Kernel {
            tasks,
            free: (4..40).rev().collect(),
            time: 1_000,
            shown: 0,
            bereaved: BTreeSet::new(),
            used: 0,
            pods: [0; PODS.len()],
            orphans,
            told: Told::default(),
        }
    }

    fn choose(&self, who: usize) -> u32 {
        *self.tasks.keys().nth(who % self.tasks.len()).expect("pid 1 never ends")
    }

    /// Where nothing may be lost no supervisor ends: what its parent reaps next is not trusted.
    fn allowed(&self, program: usize) -> usize {
        if !self.orphans && PROGRAMS[program].ends_with("runc") { 0 } else { program }
    }

    fn charge(&mut self, pid: u32, ticks: u64) {
        self.used += ticks;
        if let Some(pod) = self.tasks[&pid].pod {
            self.pods[pod] += ticks;
        }
    }

    fn born(&mut self, parent: u32, program: usize, pod: Option<usize>) {
        let program = self.allowed(program);
        let Some(pid) = self.free.pop() else { return };
        self.time += 1;
        let task = Task { parent, start: self.time, program, pod, user: 0, system: 0, children: 0 };
        self.tasks.insert(pid, task);
        self.told.forked(parent, pid);
        self.told.called_exec(pid);
    }

    fn end(&mut self, pid: u32) {
        let has_children = self.tasks.values().any(|task| task.parent == pid);
        // A container that comes and goes between two readings is never heard of.
        let unknown = self.tasks[&pid].parent == SHIM && self.tasks[&pid].start > self.shown;
        // Where a family ends at once it is not known who reaped whom: what was counted is owed to both.
        let family = self.tasks[&pid].pod.is_none() && self.bereaved.contains(&pid);
        if pid <= SESSION || !self.orphans && (has_children || unknown || family) {
            return;
        }
        self.bereaved.insert(self.tasks[&pid].parent);
        let task = self.tasks.remove(&pid).expect("a task");
        self.free.insert(0, pid);
        self.told.ended(pid, task.parent, task.user + task.system);
        // These ask for orphans (PR_SET_CHILD_SUBREAPER).
        let mut adopter = task.parent;
        while adopter > SESSION {
            adopter = self.tasks[&adopter].parent;
        }
        let orphans = self.tasks.values_mut().filter(|child| child.parent == pid);
        orphans.for_each(|child| child.parent = adopter);
        let parent = self.tasks.get_mut(&task.parent).expect("a parent");
        parent.children += task.user + task.system + task.children;
    }

    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Use { who, user, system } => {
                let pid = self.choose(who);
                let task = self.tasks.get_mut(&pid).expect("a task");
                (task.user, task.system) = (task.user + user, task.system + system);
                self.charge(pid, user + system);
            }
            Event::Fork { who, program } => {
                let parent = self.choose(who);
                // The shim's children are containers.
                let pod = self.tasks[&parent].pod;
                if parent != SHIM {
                    self.born(parent, program, pod);
                }
            }
            Event::Start { pod, program } => {
                // Of other pods what a container's first process used at last is lost: its cgroup is not read.
                self.born(SHIM, if self.orphans { program } else { LAUNCHER }, Some(pod));
            }
            Event::Exec { who, program } => {
                let pid = self.choose(who);
                if pid > SESSION && (self.orphans || self.tasks[&pid].parent != SHIM) {
                    self.tasks.get_mut(&pid).expect("a task").program = self.allowed(program);
                    self.told.called_exec(pid);
                }
            }
            Event::End { who } => self.end(self.choose(who)),
            Event::Unseen { who, user } => {
                let pid = self.choose(who);
                if pid != SHIM {
                    self.charge(pid, user);
                    self.tasks.get_mut(&pid).expect("a task").children += user;
                    if let Some(child) = self.free.pop() {
                        self.told.forked(pid, child);
                        self.told.ended(child, pid, user);
                        self.free.insert(0, child);
                    }
                }
            }
            Event::Stop { pod } => {
                // Children first: a container's pid 1 takes all others along.
                for _ in 0..self.tasks.len() {
                    let leaf = self.tasks.iter().rev().find(|(pid, task)| {
                        task.pod == Some(pod) && !self.tasks.values().any(|child| child.parent == **pid)
                    });
                    let Some((&pid, _)) = leaf else { break };
                    self.end(pid);
                }
            }
        }
    }

    /// Makes the host what the kernel shows.
    fn write(&self, host: Host, shown: &mut BTreeMap<u32, u64>) -> Host {
        let mut host = host;
        for (pid, start) in std::mem::take(shown) {
            match self.tasks.get(&pid) {
                Some(task) if task.start == start => drop(shown.insert(pid, start)),
                _ => host = host.ended(pid),
            }
        }
        for (&pid, task) in &self.tasks {
            shown.insert(pid, task.start);
            host = host.process(pid, |process| task.shown(pid, process));
        }
        PODS.iter().zip(self.pods).fold(host, |host, (uid, ticks)| host.pod_cpu(uid, ticks * TICK))
    }
}

impl Task {
    fn shown(&self, pid: u32, process: Process) -> Process {
        let program = match pid {
            INIT => "/usr/lib/systemd/systemd",
            SHIM => "/usr/bin/containerd-shim-runc-v2",
            _ => PROGRAMS[self.program],
        };
        let process = process
            .exe(program)
            .parent(self.parent)
            .started_at(self.start)
            .cpu_ticks(self.user, self.system)
            .children_ticks(self.children, 0);
        match self.pod {
            Some(pod) => process.in_pod(PODS[pod], CONTAINER),
            None => process,
        }
    }
}

/// How an observer learns of births and deaths.
#[derive(Clone, Copy, Debug)]
enum By {
    Listing,
    Events,
    /// The kernel drops its messages before each reading of an even number.
    SomeEvents,
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![2 => Just(By::Listing), 2 => Just(By::Events), 1 => Just(By::SomeEvents)]
}

/// Plays the events, a reading after each step, then reads until everybody was read again.
fn play(steps: &[Vec<Event>], orphans: bool, by: By) -> Result<(Kernel, View), TestCaseError> {
    let mut kernel = Kernel::new(orphans);
    let mut shown = BTreeMap::new();
    let host = kernel.write(Host::new(), &mut shown);
    let mut watch = match by {
        By::Listing => Watch::new(&host),
        By::Events | By::SomeEvents => Watch::hearing(&host, kernel.told.clone()),
    };
    let mut before = watch.read();
    let readings = steps.iter().map(Vec::as_slice).chain([&[][..]; 12]);
    for (number, events) in readings.enumerate() {
        events.iter().for_each(|event| kernel.happens(event));
        if matches!(by, By::SomeEvents) && number % 2 == 0 {
            kernel.told.lose();
        }
        let view = watch.step(|h| kernel.write(h, &mut shown));
        prop_assert_eq!(decreased(&before, &view), Vec::<String>::new());
        let only_losses =
            |errors: &[(&str, u64)]| errors.iter().all(|(what, _)| *what == "exit_records_lost");
        prop_assert!(view.collectors.iter().all(|health| health.success && only_losses(&health.errors)));
        let (counted, used) = (all_cpu(&view), kernel.used * TICK);
        prop_assert!(counted <= used, "{} ticks counted, {} used", counted / TICK, kernel.used);
        kernel.shown = kernel.time;
        kernel.bereaved.clear();
        before = view;
    }
    Ok((kernel, before))
}

fn steps() -> impl Strategy<Value = Vec<Vec<Event>>> {
    prop::collection::vec(prop::collection::vec(event(), 0..12), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_counter_decreases_and_nothing_is_counted_twice(steps in steps(), by in by()) {
        play(&steps, true, by)?;
    }

    #[test]
    fn nothing_is_lost_where_nobody_is_orphaned(steps in steps(), by in by()) {
        let (kernel, view) = play(&steps, false, by)?;
        let in_pods = kernel.tasks.values().filter(|task| task.pod.is_some()).count() as u64;
        let missing = kernel.used - all_cpu(&view) / TICK;
        prop_assert!(missing <= 2 * in_pods, "{missing} ticks are missing, {in_pods} processes live in pods");
    }

    #[test]
    fn the_processes_of_the_table_are_those_that_live(steps in steps(), by in by()) {
        let (kernel, view) = play(&steps, true, by)?;
        let counted: u64 = view.components.iter().filter_map(|row| Some(row.now.as_ref()?.processes)).sum();
        prop_assert_eq!(counted, kernel.tasks.len() as u64);
        prop_assert_eq!(view.discovery.processes, kernel.tasks.len() as u64);
    }
}
