//! The program: from flags to a server that runs until it is told to end.

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use edgebench_sampler::Roots;
use prometheus::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::MissedTickBehavior;

use crate::cli::Cli;
use crate::exposition::{self, Format};
use crate::families::stats::Stats;
use crate::observer::{DiscoveryMode, Moment, Observer, PssMode, Settings};
use crate::sources::{self, Sources, Wanted};
use crate::version::VERSION;
use crate::view::View;
use crate::web::{Limits, Options, Product, ScrapeError, Server, Source, WebMetrics, termination};
use crate::{cluster, logs, own_text, proportional};

/// A reading younger than this is served again.
const MAX_AGE: Duration = Duration::from_millis(200);

/// How long `--once` waits for the API server.
const ASKING: Duration = Duration::from_secs(10);

/// Runs the program.
///
/// # Errors
/// Where it can't start.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    logs::start(cli.log_level, cli.log_format);
    let paced = proportional::Settings {
        budget: cli.pss_budget,
        largest: cli.pss_max_resident,
        cadence: cli.pss_interval,
    };
    let mut roots =
        if cli.procfs.as_os_str() == "/proc" { Roots::of_this_machine() } else { Roots::beside(&cli.procfs) };
    if let Some(sysfs) = &cli.sysfs {
        roots.sys.clone_from(sysfs);
    }
    let observer = Observer::start(Settings {
        roots,
        node: cli.node_name.clone().filter(|name| !name.is_empty()),
        trust: cli.trust.into(),
        recheck: cli.recheck,
        enabled: cli.collectors.0.clone(),
        pss: if cli.once { PssMode::AtOnce } else { PssMode::Paced(paced) },
        descriptors: raise_open_files(usize::from(cli.max_connections)),
        // One reading has nothing to wait for.
        discovery: if cli.once { DiscoveryMode::List } else { cli.discovery.into() },
    })?;
    if cli.once { once(observer, cli) } else { serve(observer, cli) }
}

fn once(mut observer: Observer, cli: &Cli) -> anyhow::Result<()> {
    // Asked first: what they say is then as old as asking takes, and the reading is of now.
    let answers = sources::ask_once(&wanted(&observer, cli), ASKING)?;
    let mut view = observer.observe(Moment::now());
    sources::join_once(&mut view, &answers);
    // A scrape has the web server's families too.
    let registry = Registry::new();
    WebMetrics::new()?.register(&registry)?;
    let gathered = registry.gather();
    let mut out = Vec::new();
    if cli.stats {
        out = Stats::of(&view, &gathered).to_string().into_bytes();
    } else {
        exposition::write(&view, &gathered, Format::Text, &mut out);
    }
    let mut stdout = std::io::stdout();
    match stdout.write_all(&out).and_then(|()| stdout.flush()) {
        // Who reads with `head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("can't write to stdout"),
    }
}

fn serve(observer: Observer, cli: &Cli) -> anyhow::Result<()> {
    let metrics = WebMetrics::new()?;
    let options = Options {
        listen: cli.listen.clone(),
        telemetry_path: cli.telemetry_path.clone(),
        config_file: cli.web_config.clone(),
        max_age: MAX_AGE,
        limits: Limits { connections: usize::from(cli.max_connections), ..Limits::default() },
        product: Product {
            name: "edgebench-exporter",
            description: "A node's KubeVirt footprint as Prometheus metrics",
            version: VERSION.to_owned(),
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the event loop")?;
    runtime.block_on(async {
        // Signals are caught before anybody can connect.
        let shutdown = termination().context("can't catch signals")?;
        let hears = observer.hears();
        let sources = Sources::start(wanted(&observer, cli)).await?;
        let observer = Arc::new(Mutex::new(observer));
        let source =
            Readings { observer: observer.clone(), sources, view: View::default(), metrics: metrics.clone() };
        let server = Server::bind(&options, Box::new(source), &metrics)?;
        if hears {
            tokio::spawn(listen(observer));
        }
        tokio::spawn(give_back());
        server.serve(shutdown).await;
        Ok(())
    })
}

/// Whom to ask beside `/proc`.
fn wanted(observer: &Observer, cli: &Cli) -> Wanted {
    let node = observer.node_name();
    let enabled = &cli.collectors.0;
    let cluster = cluster::Settings {
        mode: cli.kube.into(),
        kubeconfig: cli.kubeconfig.clone(),
        node: node.to_owned(),
        scope: cli.kubevirt_scope.into(),
        pace: cluster::Pace::default(),
    };
    Wanted {
        cluster: enabled.has("kubernetes").then_some(cluster),
        endpoints: enabled.has("endpoint").then(|| cli.endpoints.settings(node)),
        guests: enabled.has("guest").then(|| cli.guests.settings(node)),
        guest_flags: cli.guests.targets.clone(),
        node: node.to_owned(),
    }
}

/// Empties the kernel's queue of events before it runs over. Looking once a second costs less than waking for each
/// event, and the queue holds those of thousands of processes.
async fn listen(observer: Arc<Mutex<Observer>>) {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every_second.tick().await;
        lock(&observer).listen();
    }
}

/// Keeps out of this process what of its own code is not in use.
async fn give_back() {
    for wait in own_text::FIRST.into_iter().chain(std::iter::repeat(own_text::EVERY)) {
        tokio::time::sleep(wait).await;
        own_text::give_back();
    }
}

fn lock(observer: &Mutex<Observer>) -> MutexGuard<'_, Observer> {
    // Nothing panics while it is held: a release build would have ended.
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is behind the telemetry path.
struct Readings {
    observer: Arc<Mutex<Observer>>,
    sources: Sources,
    view: View,
    metrics: WebMetrics,
}

impl Source for Readings {
    fn read(&mut self) -> Result<(), ScrapeError> {
        lock(&self.observer).observe_into(Moment::now(), &mut self.view);
        // Partial figures are figures; nothing at all is an error.
        if self.view.failed() {
            return Err(ScrapeError::new("no step of the reading succeeded; see the log"));
        }
        self.sources.join(&mut self.view);
        Ok(())
    }

    fn write(&mut self, format: Format, out: &mut Vec<u8>) {
        exposition::write_with(&self.view, &self.metrics, format, out);
    }
}

/// Raises the limit of open files as far as it goes without privilege, and says how many may be kept open for
/// processes: connections and everything else need some too.
fn raise_open_files(connections: usize) -> usize {
    const ENOUGH: u64 = 65_536;
    const OTHERS: usize = 64;
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH).max(limit.current.unwrap_or(ENOUGH).min(ENOUGH));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    let files = if raised.is_ok() { wanted } else { limit.current.unwrap_or(ENOUGH) };
    (files as usize).saturating_sub(connections + OTHERS)
}
