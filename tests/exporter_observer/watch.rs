//! An observer of a host, and its clock.

use std::collections::BTreeMap;
use std::time::Duration;

use edgebench_exporter::kernel_events::Source;
use edgebench_exporter::observer::{DiscoveryMode, Enabled, Moment, Observer, PssMode, Settings};
use edgebench_exporter::view::{ComponentFigures, CpuByMode, View, VmFigures};
use edgebench_sampler::Nanos;
use edgebench_sampler::classify::Trust;
use edgebench_tests::Host;

/// A tick of a built host, in nanoseconds.
pub(crate) const TICK: u64 = 10_000_000;
/// Seconds between two readings.
pub(crate) const BETWEEN: u64 = 15;
/// Readings within which every process is looked at again: `--discovery.recheck` is 60 s.
pub(crate) const RECHECK: usize = 4;

/// An observer that was started on a host.
pub(crate) struct Watch {
    pub(crate) host: Host,
    observer: Observer,
    seconds: u64,
    forks: u64,
}

impl Watch {
    pub(crate) fn new(host: &Host) -> Watch {
        Watch::with(host, |settings| settings)
    }

    /// One that is told of births and deaths by `source`.
    pub(crate) fn hearing(host: &Host, source: impl Source + 'static) -> Watch {
        Watch::of(host, |settings| settings, Some(Box::new(source)))
    }

    pub(crate) fn with(host: &Host, change: impl FnOnce(Settings) -> Settings) -> Watch {
        Watch::of(host, change, None)
    }

    fn of(host: &Host, change: impl FnOnce(Settings) -> Settings, source: Option<Box<dyn Source>>) -> Watch {
        let settings = Settings {
            roots: host.roots(),
            node: Some("node-1".into()),
            trust: Trust::Any,
            recheck: Duration::from_secs(60),
            enabled: Enabled::default(),
            pss: PssMode::AtOnce,
            descriptors: 10_000,
            discovery: DiscoveryMode::List,
        };
        let observer = Observer::start_hearing(change(settings), source).expect("an observer");
        Watch { host: host.clone(), observer, seconds: 1_000, forks: 50_000 }
    }

    /// Takes a reading 15 s after the last one, in which the kernel counted a fork.
    pub(crate) fn read(&mut self) -> View {
        self.forks += 1;
        self.host.step(|h| h.forks(self.forks));
        self.read_without_a_fork()
    }

    /// The same where nobody forked.
    pub(crate) fn read_without_a_fork(&mut self) -> View {
        self.seconds += BETWEEN;
        let unix = 1.8e9 + self.seconds as f64;
        self.observer.observe(Moment { monotonic: Nanos(self.seconds * 1_000_000_000), unix })
    }

    /// Takes a reading so many seconds after the last one.
    pub(crate) fn read_after(&mut self, seconds: u64) -> View {
        self.seconds += seconds - BETWEEN;
        self.read_without_a_fork()
    }

    /// Changes the host, then takes a reading.
    pub(crate) fn step(&mut self, change: impl FnOnce(Host) -> Host) -> View {
        self.host.step(change);
        self.read()
    }

    /// As many readings as it takes until everybody was looked at again; the last of them.
    pub(crate) fn recheck(&mut self) -> View {
        (1..RECHECK).for_each(|_| drop(self.read()));
        self.read()
    }
}

/// A component of a view.
pub(crate) fn component<'v>(view: &'v View, component: &str, stack: &str) -> Option<&'v ComponentFigures> {
    view.components.iter().find(|row| row.component == component && row.stack.name() == stack)
}

/// How many processes a component has.
pub(crate) fn processes(view: &View, name: &str, stack: &str) -> u64 {
    component(view, name, stack).and_then(|row| row.now.as_ref()).map_or(0, |now| now.processes)
}

fn total(cpu: &CpuByMode) -> Nanos {
    Nanos(cpu.user.0 + cpu.system.0 + cpu.guest.0)
}

/// CPU time of a component in ticks; 0 where there is no such row.
pub(crate) fn ticks(view: &View, name: &str, stack: &str) -> u64 {
    component(view, name, stack).map_or(0, |row| total(&row.cpu).0 / TICK)
}

/// CPU time of all components together, in nanoseconds.
pub(crate) fn all_cpu(view: &View) -> u64 {
    view.components.iter().map(|row| total(&row.cpu).0).sum()
}

/// Every counter of the component families.
pub(crate) fn counters(view: &View) -> BTreeMap<(&'static str, &'static str, &'static str), u64> {
    let mut counters = BTreeMap::new();
    for row in &view.components {
        let mut add = |name, value| counters.insert((row.component, row.stack.name(), name), value);
        add("user", row.cpu.user.0);
        add("system", row.cpu.system.0);
        add("guest", row.cpu.guest.0);
        if let Some(now) = &row.now {
            add("major_faults", now.major_faults);
            now.run_queue_wait.map(|wait| add("run_queue_wait", wait.0));
            now.context_switches.map(|count| add("context_switches", count));
            now.read.map(|bytes| add("read", bytes.0));
            now.written.map(|bytes| add("written", bytes.0));
        }
    }
    counters
}

/// The counters of `after` that are below what they were in `before`, or gone.
pub(crate) fn decreased(before: &View, after: &View) -> Vec<String> {
    let now = counters(after);
    let lower = |(key, then): (_, u64)| match now.get(&key) {
        Some(now) if *now >= then => None,
        now => Some(format!("{key:?}: {then}, then {now:?}")),
    };
    counters(before).into_iter().filter_map(lower).collect()
}

/// The VMI of this name.
pub(crate) fn vmi<'v>(view: &'v View, namespace: &str, name: &str) -> Option<&'v VmFigures> {
    view.vms.iter().find(|vm| vm.namespace == namespace && vm.name == name)
}

/// Whether a collector's last step succeeded.
pub(crate) fn success(view: &View, collector: &str) -> bool {
    view.collectors.iter().find(|health| health.collector == collector).expect(collector).success
}

/// How often a collector had this trouble.
pub(crate) fn errors(view: &View, collector: &str, reason: &str) -> u64 {
    let health = view.collectors.iter().find(|health| health.collector == collector).expect(collector);
    health.errors.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
}
