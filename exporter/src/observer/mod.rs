//! Takes readings: the node's files, the processes, the VMs, and what was read of proportional memory meanwhile
//! become one [`View`].
//!
//! A reading is a series of steps, each with a switch and a health of its own. It is taken on whatever thread
//! asks for it and takes no longer than the files it reads; what is costly (`smaps`) is read elsewhere
//! ([`crate::proportional`]).

mod classes;
mod components;
mod counters;
mod health;
mod inventory;
mod kept;
mod node;
mod own;
mod pods;
mod reaped;
mod threads;
mod vmis;

pub use health::Enabled;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use edgebench_sampler::classify::Trust;
use edgebench_sampler::process::ProcessId;
use edgebench_sampler::procfs::{Buffer, ProcFs};
use edgebench_sampler::{Nanos, ReadError, Roots};
use thiserror::Error;

use self::health::Health;
use self::inventory::{Inventory, Rules};
use self::kept::Wanted;
use self::node::Node;
use self::own::Own;
use self::vmis::Vmis;
use crate::kernel_events::{self, EventsUnavailable, KernelEvents, Source};
use crate::proportional::{self, Reader, Readings};
use crate::view::{Discovery, View};

/// How readings are taken.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the kernel's file systems are.
    pub roots: Roots,
    /// Name of the node in the VMIs' labels; the host's own name where it is not given.
    pub node: Option<String>,
    /// Which names are believed.
    pub trust: Trust,
    /// Within which time every process is looked at again.
    pub recheck: Duration,
    /// Which steps are taken.
    pub enabled: Enabled,
    /// How proportional memory is read.
    pub pss: PssMode,
    /// How many files may be kept open.
    pub descriptors: usize,
    /// How new processes are found.
    pub discovery: DiscoveryMode,
}

/// How new processes are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiscoveryMode {
    /// By the kernel's events where they can be had, else by listing `/proc`.
    Auto,
    /// By listing `/proc`.
    #[default]
    List,
    /// By the kernel's events.
    Events,
}

/// How proportional memory is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PssMode {
    /// On a thread of its own, within a budget.
    Paced(proportional::Settings),
    /// Within each reading: for a program that takes one.
    AtOnce,
}

/// When a reading is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// CLOCK_MONOTONIC.
    pub monotonic: Nanos,
    /// Unix time, in seconds.
    pub unix: f64,
}

impl Moment {
    /// Now.
    pub fn now() -> Moment {
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Moment { monotonic: proportional::now(), unix: unix.as_secs_f64() }
    }
}

/// Why no reading can be taken at all.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no procfs where one was said to be.
    #[error("{0}; is this the /proc of a Linux machine? Say where it is with --path.procfs")]
    ProcFs(#[from] ReadError),
    /// Proportional memory can't be read as asked for.
    #[error(transparent)]
    Pss(#[from] proportional::StartError),
    /// The kernel's events were asked for and can't be had.
    #[error("--discovery=events: {0}; --discovery=list needs no privilege")]
    Events(#[from] EventsUnavailable),
}

/// Takes readings.
#[derive(Debug)]
pub struct Observer {
    settings: Settings,
    procfs: ProcFs,
    buffer: Buffer,
    node_files: Node,
    inventory: Inventory,
    vmis: Vmis,
    own: Own,
    own_id: Option<ProcessId>,
    health: Health,
    pss: Option<Reader>,
    at_once: Arc<Readings>,
    /// The inventory's membership and the time at which the targets were set.
    targeted: Option<(u64, Nanos)>,
    /// How often each denied file and each error of the reader was told.
    pss_told: BTreeMap<&'static str, u64>,
    boot: f64,
    node_name: String,
    threads_counted: bool,
    events: Option<Box<dyn Source>>,
    records_lost_told: u64,
}

impl Observer {
    /// Opens what is read every time.
    ///
    /// # Errors
    /// Where there is no procfs, or the budget for proportional memory is none.
    pub fn start(settings: Settings) -> Result<Observer, StartError> {
        Observer::start_hearing(settings, None)
    }

    /// The same with a source of the kernel's events in the place of the kernel.
    ///
    /// # Errors
    /// As those of [`Observer::start`].
    pub fn start_hearing(
        settings: Settings,
        source: Option<Box<dyn Source>>,
    ) -> Result<Observer, StartError> {
        let procfs = ProcFs::open(settings.roots.clone())?;
        let mut buffer = Buffer::default();
        let enabled = &settings.enabled;
        let pss = match settings.pss {
            PssMode::Paced(paced) if enabled.has("pss") => {
                Some(Reader::start(settings.roots.clone(), paced)?)
            }
            _ => None,
        };
        let threads_counted = threads_are_counted(&procfs, &mut buffer);
        let open = || -> Result<Box<dyn Source>, EventsUnavailable> {
            Ok(Box::new(KernelEvents::open(&procfs, kernel_events::RECEIVE_BUFFER)?))
        };
        let events = match settings.discovery {
            _ if source.is_some() => source,
            DiscoveryMode::List => None,
            _ if !enabled.has("component") => None,
            DiscoveryMode::Events => Some(open()?),
            DiscoveryMode::Auto => match open() {
                Ok(events) => Some(events),
                Err(reason) => {
                    tracing::info!(%reason, "processes are found by listing /proc");
                    None
                }
            },
        };
        let rules = Rules {
            trust: settings.trust,
            recheck: Nanos(settings.recheck.as_nanos() as u64),
            wanted: Wanted { io: enabled.has("io"), threads: enabled.has("thread") && threads_counted },
            descriptors: settings.descriptors,
            events: events.is_some(),
        };
        let host = settings.node.clone().or_else(|| procfs.host(&mut buffer).hostname);
        let own = Own::open(&mut buffer)?;
        Ok(Observer {
            node_files: Node::open(&procfs)?,
            inventory: Inventory::new(rules),
            vmis: Vmis::default(),
            own_id: own.id_in(&procfs),
            own,
            health: Health::default(),
            pss,
            at_once: Arc::default(),
            targeted: None,
            pss_told: BTreeMap::new(),
            boot: node::boot_time(&procfs, &mut buffer).unwrap_or_default(),
            node_name: host.unwrap_or_default(),
            threads_counted,
            events,
            records_lost_told: 0,
            settings,
            procfs,
            buffer,
        })
    }

    /// Takes a reading. It can't fail: a step that does takes its own families away and says so.
    pub fn observe(&mut self, now: Moment) -> View {
        let mut view = View::default();
        self.observe_into(now, &mut view);
        view
    }

    /// Takes a reading into a view whose rows are used again. (With musl, memory that is given back goes to the kernel,
    /// and comes back as a fault.)
    pub fn observe_into(&mut self, now: Moment, view: &mut View) {
        view.clear();
        view.taken = now.unix;
        let forks = self.read_node(now, view);
        if self.settings.enabled.has("component") {
            self.read_processes(now, forks, view);
            view.discovery = Discovery {
                mode: if self.events.is_some() { "events" } else { "list" },
                processes: self.inventory.len() as u64,
                listings: self.inventory.listings,
                looks: self.inventory.looks,
                names_outside_pods: self.inventory.names_outside_pods(),
            };
        }
        let kept = self.own_id.and_then(|id| self.inventory.kept(id));
        view.own = self.own.figures(kept, &mut self.buffer);
        self.health.figures(&mut view.collectors);
    }

    /// Takes in what the kernel has to say so far. Each reading does so first; between readings it keeps the kernel's
    /// queue from running over.
    pub fn listen(&mut self) {
        if let Some(kernel) = &mut self.events {
            self.inventory.listen(kernel.as_mut());
        }
    }

    /// Name of the node, as in the VMIs' labels.
    pub fn node_name(&self) -> &str {
        &self.node_name
    }

    /// Whether the kernel tells of births and deaths.
    pub fn hears(&self) -> bool {
        self.events.is_some()
    }

    /// The node's own files; says how many forks the kernel counted.
    fn read_node(&mut self, now: Moment, view: &mut View) -> u64 {
        let Observer { settings, procfs, buffer, node_files, health, .. } = self;
        let mut clock = Stopwatch::start();
        let stat = node_files.stat(procfs, buffer);
        let forks = stat.as_ref().map_or(0, |stat| stat.forks);
        if settings.enabled.has("cpu") {
            let cpu = stat.map(|stat| node_files.cpu(&stat, procfs.clock()));
            view.node_cpu = health.note("cpu", clock.lap(), now.unix, cpu);
        }
        if settings.enabled.has("memory") {
            let memory = node_files.memory(procfs, buffer);
            view.node_memory = health.note("memory", clock.lap(), now.unix, memory);
        }
        if settings.enabled.has("pressure") {
            let pressure = node_files.pressure(procfs, buffer, &mut view.pressure);
            if health.note("pressure", clock.lap(), now.unix, pressure).is_none() {
                view.pressure.clear();
            }
        }
        forks
    }

    fn read_processes(&mut self, now: Moment, forks: u64, view: &mut View) {
        let mut clock = Stopwatch::start();
        self.listen();
        let events = self.events.as_deref_mut().map(|events| events as &mut dyn Source);
        let observed = self.inventory.observe(&self.procfs, now.monotonic, forks, events, &mut self.buffer);
        let took = clock.lap();
        let mut trouble = std::mem::take(&mut self.inventory.trouble);
        for (file, times) in &trouble.denied {
            let collector = if matches!(file.as_str(), "io" | "fd") { "io" } else { "component" };
            self.health.denied(collector, file, u64::from(*times));
        }
        if let Some(errno) = trouble.events.take() {
            self.health.error("component", "events", &errno);
        }
        for _ in 0..trouble.too_many_files {
            self.health.error(
                "component",
                "too_many_open_files",
                &"raise the limit of open files (RLIMIT_NOFILE)",
            );
        }
        for _ in self.records_lost_told..self.inventory.records_lost {
            self.health.error(
                "component",
                "exit_records_lost",
                &"the CPU time of some ended processes that nobody waited for is missing",
            );
        }
        self.records_lost_told = self.inventory.records_lost;
        let threads = trouble.threads.take().map_or(Ok(()), Err);
        let io = trouble.io.take().map_or(Ok(()), Err);
        let all = self.health.note("component", took, now.unix, observed).is_some();
        // Threads and io are read together with the processes they belong to: their time is in that step's.
        let mut can = components::Can { threads: self.threads_counted, io: true };
        if self.settings.enabled.has("thread") {
            can.threads &= self.health.note("thread", Nanos(0), now.unix, threads).is_some();
        }
        if self.settings.enabled.has("io") {
            can.io = self.health.note("io", Nanos(0), now.unix, io).is_some();
        }
        can.threads &= self.settings.enabled.has("thread");
        can.io &= self.settings.enabled.has("io");
        self.inventory.mend_oldest();
        let pss = self.settings.enabled.has("pss").then(|| self.proportional(now, view));
        let time = components::Time { now: now.monotonic, boot: self.boot, clock: self.procfs.clock() };
        if all {
            components::figures(&self.inventory, pss.as_deref(), can, &time, &mut view.components);
        }
        clock.lap();
        if self.settings.enabled.has("vmi") {
            self.vmis.read_vcpus = can.threads;
            let broken = |pid| trouble.has_broken(pid);
            let (pss, node) = (pss.as_deref(), &self.node_name);
            self.vmis.figures(&self.inventory, broken, pss, node, &time, &mut view.vms);
            self.health.note("vmi", clock.lap(), now.unix, Ok(()));
            if self.settings.enabled.has("cgroup") {
                let cgroups =
                    self.vmis.read_cgroups(&self.procfs, &self.inventory, &mut view.vms, &mut self.buffer);
                let denied = std::mem::take(&mut self.inventory.pods.denied);
                self.health.denied("cgroup", "cgroup", denied);
                let usage = self.inventory.pods.error.take().map_or(Ok(()), Err);
                self.health.note("cgroup", clock.lap(), now.unix, usage.and(cgroups));
            }
        }
    }

    /// What was read of proportional memory, and which processes it is to be read of from now on.
    fn proportional(&mut self, now: Moment, view: &mut View) -> Arc<Readings> {
        const RETARGET: u64 = 60_000_000_000;
        let membership = self.inventory.membership();
        let stale = self
            .targeted
            .is_none_or(|(then, at)| then != membership || now.monotonic.0.saturating_sub(at.0) >= RETARGET);
        let mut clock = Stopwatch::start();
        let (readings, budget) = match (&self.pss, self.settings.pss) {
            (Some(reader), PssMode::Paced(paced)) => {
                if stale {
                    reader.retarget(vmis::targets(&self.inventory));
                }
                (reader.readings(), paced.budget)
            }
            _ => {
                self.at_once =
                    Arc::new(proportional::read_once(&self.procfs, &vmis::targets(&self.inventory)));
                (self.at_once.clone(), 1.0)
            }
        };
        if stale {
            self.targeted = Some((membership, now.monotonic));
        }
        view.pss = Some(readings.cost(budget));
        let (denied, errors) = (&readings.denied, &readings.errors);
        for (&what, &times) in denied.iter().chain(errors) {
            let told = std::mem::replace(self.pss_told.entry(what).or_default(), times);
            let new = times.saturating_sub(told);
            match denied.contains_key(what) {
                true => self.health.denied("pss", what, new),
                false => {
                    (0..new).for_each(|_| self.health.error("pss", what, &"see the message of the reader"))
                }
            }
        }
        self.health.note("pss", clock.lap(), now.unix, Ok(()));
        readings
    }
}

/// Whether this kernel counts waiting in run queues (CONFIG_SCHED_INFO): where it does not, `schedstat` is missing
/// or all zero, also for pid 1, which has run.
fn threads_are_counted(procfs: &ProcFs, buffer: &mut Buffer) -> bool {
    use edgebench_sampler::parse::pid_schedstat;
    let Ok(init) = procfs.process(edgebench_sampler::Pid(1)) else { return true };
    match init.read(edgebench_sampler::procfs::ProcessFile::SchedStat, buffer).map(pid_schedstat::parse) {
        Ok(Ok(init)) => init.on_cpu.0 > 0,
        Ok(Err(_)) => true,
        Err(error) => !error.is_vanished(),
    }
}

/// Measures how long steps take.
struct Stopwatch {
    last: Nanos,
}

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch { last: proportional::now() }
    }

    fn lap(&mut self) -> Nanos {
        let now = proportional::now();
        let took = Nanos(now.0.saturating_sub(self.last.0));
        self.last = now;
        took
    }
}
