//! The flags, named as those of every exporter of the Prometheus project (exporter-toolkit, node_exporter).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Parser, ValueEnum};
use edgebench_sampler::Bytes;
use edgebench_sampler::classify::Trust;

use crate::cluster;
use crate::duration::duration;
use crate::endpoints::EndpointFlags;
use crate::families::collectors::COLLECTORS;
use crate::guests::GuestFlags;
use crate::observer::{self, Enabled};
use crate::web::{ListenAddress, TelemetryPath};

/// A node's KubeVirt footprint as Prometheus metrics.
///
/// Samples qemu-kvm, virt-*, cdi-* and libvirtd from /proc and serves what they hold and use, for each component and
/// each VM. Needs no privilege to start; `edgebench doctor` says which figures want one.
#[derive(Debug, Parser)]
#[command(name = "edgebench-exporter", version = version(), after_help = EXIT_CODES)]
pub struct Cli {
    /// Addresses to serve on; may be given several times.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":9971", help_heading = WEB)]
    pub listen: Vec<ListenAddress>,
    /// Path of the metrics.
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics", help_heading = WEB)]
    pub telemetry_path: TelemetryPath,
    /// Web configuration: TLS and users, in the exporter toolkit's YAML.
    #[arg(long = "web.config.file", value_name = "FILE", help_heading = WEB)]
    pub web_config: Option<PathBuf>,
    /// Connections that may be open; beyond it the one idle longest is closed.
    #[arg(long = "web.max-connections", value_name = "N", default_value = "64", help_heading = WEB,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub max_connections: u16,

    /// Where procfs is mounted: /host/proc in a container.
    #[arg(long = "path.procfs", value_name = "DIR", default_value = "/proc", help_heading = PATHS)]
    pub procfs: PathBuf,
    /// Where sysfs is mounted [default: `sys` beside procfs]
    #[arg(long = "path.sysfs", value_name = "DIR", help_heading = PATHS)]
    pub sysfs: Option<PathBuf>,
    /// Name of the node in the VMIs' labels [default: the host's name]
    #[arg(long = "node-name", value_name = "NAME", env = "NODE_NAME", help_heading = PATHS)]
    pub node_name: Option<String>,

    /// How new processes are found: by listing /proc, or by the kernel's events, which need CAP_NET_ADMIN in the first
    /// network namespace (a host service, not a pod).
    #[arg(long = "discovery", value_name = "MODE", default_value = "auto", help_heading = DISCOVERY)]
    pub discovery: DiscoveryMode,
    /// Within which time every process is looked at again: an older one outside of pods that calls exec is seen by then,
    /// and the components of Kubernetes and others are that old (with events, older as far as they sleep).
    #[arg(long = "discovery.recheck", value_name = "TIME", default_value = "60s", value_parser = duration,
          help_heading = DISCOVERY)]
    pub recheck: Duration,
    /// Whose names are believed: KubeVirt's and CDI's anywhere, or in pods only.
    #[arg(long = "discovery.trust", value_name = "WHERE", default_value = "any", help_heading = DISCOVERY)]
    pub trust: TrustMode,

    /// Whether the API server is asked for VMIs, pods and KubeVirt's state: auto where a service account is mounted or a
    /// kubeconfig is named.
    #[arg(long = "kube", value_name = "WHETHER", default_value = "auto", help_heading = KUBERNETES)]
    pub kube: KubeMode,
    /// How to reach the API server [default: the service account's; with --kube=on also $KUBECONFIG]
    #[arg(long = "kube.kubeconfig", value_name = "FILE", help_heading = KUBERNETES)]
    pub kubeconfig: Option<PathBuf>,
    /// Which pods of KubeVirt's and CDI's control plane are asked for: those on this node, or all of the cluster's, which
    /// one exporter is enough for.
    #[arg(long = "kubevirt.scope", value_name = "SCOPE", default_value = "node", help_heading = KUBERNETES)]
    pub kubevirt_scope: KubevirtScope,

    /// Share of one core that reading proportional memory may use, as `0.1%` or `0.001`.
    #[arg(long = "pss.budget", value_name = "SHARE", default_value = "0.1%", value_parser = share, help_heading = PSS)]
    pub pss_budget: f64,
    /// Processes and VMs with more resident memory are read only once the whole of their cost has been earned.
    #[arg(long = "pss.max-resident", value_name = "SIZE", default_value = "4GiB", value_parser = size,
          help_heading = PSS)]
    pub pss_max_resident: Bytes,
    /// How long after a reading the next one of the same process or VM comes, if the budget allows.
    #[arg(long = "pss.interval", value_name = "TIME", default_value = "15s", value_parser = duration,
          help_heading = PSS)]
    pub pss_interval: Duration,

    /// Whom of KubeVirt and CDI to ask.
    #[command(flatten)]
    pub endpoints: EndpointFlags,
    /// What to ask inside of VMs.
    #[command(flatten)]
    pub guests: GuestFlags,

    /// Which steps are taken.
    #[command(flatten)]
    pub collectors: Collectors,

    /// Messages of this level and above are logged, to stderr.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", help_heading = LOG)]
    pub log_level: LogLevel,
    /// How messages look.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt", help_heading = LOG)]
    pub log_format: LogFormat,

    /// Takes one reading, prints it to stdout in the text format, and ends.
    #[arg(long)]
    pub once: bool,
    /// With --once: prints how many series there are, for the node and for each VM, instead of the series.
    #[arg(long, requires = "once")]
    pub stats: bool,
}

const WEB: &str = "Web server";
const PATHS: &str = "The node";
const DISCOVERY: &str = "Processes";
const KUBERNETES: &str = "Kubernetes";
const PSS: &str = "Proportional memory";
const COLLECT: &str = "Collectors";
const LOG: &str = "Log";

const EXIT_CODES: &str = "Exit codes: 0 ended by SIGTERM or SIGINT, or --once printed; 2 it could not start: an unknown \
                          flag, no procfs, a web configuration or a kubeconfig that can't be used, a port in use.";

fn version() -> String {
    use crate::version::{ARCHITECTURE, LIBC, REVISION, VERSION};
    let revision = if REVISION.is_empty() { "unknown" } else { REVISION };
    format!("{VERSION} (revision {revision}, {ARCHITECTURE}, {LIBC})")
}

/// How new processes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiscoveryMode {
    /// Events where they can be had, else list.
    Auto,
    /// By listing /proc.
    List,
    /// By the process connector.
    Events,
}

impl From<DiscoveryMode> for observer::DiscoveryMode {
    fn from(mode: DiscoveryMode) -> observer::DiscoveryMode {
        match mode {
            DiscoveryMode::Auto => observer::DiscoveryMode::Auto,
            DiscoveryMode::List => observer::DiscoveryMode::List,
            DiscoveryMode::Events => observer::DiscoveryMode::Events,
        }
    }
}

/// Whose names are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustMode {
    /// Anybody's.
    Any,
    /// Those in pods.
    Pod,
}

impl From<TrustMode> for Trust {
    fn from(mode: TrustMode) -> Trust {
        match mode {
            TrustMode::Any => Trust::Any,
            TrustMode::Pod => Trust::Pod,
        }
    }
}

/// Whether the API server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KubeMode {
    /// Where there is a configuration.
    Auto,
    /// Never.
    Off,
    /// Always; without a configuration it does not start.
    On,
}

impl From<KubeMode> for cluster::Mode {
    fn from(mode: KubeMode) -> cluster::Mode {
        match mode {
            KubeMode::Auto => cluster::Mode::Auto,
            KubeMode::Off => cluster::Mode::Off,
            KubeMode::On => cluster::Mode::On,
        }
    }
}

/// Whose control plane is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KubevirtScope {
    /// This node's.
    Node,
    /// The whole cluster's.
    Cluster,
}

impl From<KubevirtScope> for cluster::Scope {
    fn from(scope: KubevirtScope) -> cluster::Scope {
        match scope {
            KubevirtScope::Node => cluster::Scope::Node,
            KubevirtScope::Cluster => cluster::Scope::Cluster,
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// All.
    Debug,
    /// What happens rarely.
    Info,
    /// What should not happen.
    Warn,
    /// What must not happen.
    Error,
}

/// How a message looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// key=value
    Logfmt,
    /// An object a line.
    Json,
}

/// `--collector.NAME` and `--no-collector.NAME`, the last one given counts.
#[derive(Clone, Debug, Default)]
pub struct Collectors(pub Enabled);

impl Args for Collectors {
    fn augment_args(command: Command) -> Command {
        COLLECTORS.iter().filter(|collector| collector.is_optional()).fold(command, |command, collector| {
            let (on, off) =
                (format!("collector.{}", collector.name), format!("no-collector.{}", collector.name));
            let flag = |name: &str| {
                Arg::new(name.to_owned())
                    .long(name.to_owned())
                    .action(ArgAction::SetTrue)
                    .help_heading(COLLECT)
            };
            command.arg(flag(&on).overrides_with(off.clone()).hide(true)).arg(
                flag(&off)
                    .overrides_with(on)
                    .help(format!("Leaves out what comes from {}.", collector.reads)),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Collectors::augment_args(command)
    }
}

impl FromArgMatches for Collectors {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Collectors, clap::Error> {
        let mut collectors = Collectors::default();
        collectors.update_from_arg_matches(matches)?;
        Ok(collectors)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for collector in COLLECTORS.iter().filter(|collector| collector.is_optional()) {
            if matches.get_flag(&format!("no-collector.{}", collector.name)) {
                self.0.set(collector.name, false);
            }
        }
        Ok(())
    }
}

fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim(), 0.01),
        None => (text, 1.0),
    };
    match number.parse::<f64>().map(|number| number * scale) {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        Ok(_) => Err("must be above 0 and at most 100%".into()),
        Err(_) => Err("is no share of a core, such as 0.1% or 0.001".into()),
    }
}

fn size(text: &str) -> Result<Bytes, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" | "Ki" => 10,
        "MiB" | "Mi" => 20,
        "GiB" | "Gi" => 30,
        "TiB" | "Ti" => 40,
        other => return Err(format!("`{other}` is no unit: B, KiB, MiB, GiB or TiB")),
    };
    let number: u64 = number.parse().map_err(|_| "is no size, such as 4GiB".to_owned())?;
    number.checked_mul(1 << shift).map(Bytes).ok_or_else(|| "is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["edgebench-exporter"], arguments].concat())
    }

    #[test]
    fn the_flags_are_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_collector_is_on_until_it_is_switched_off_and_the_last_word_counts() {
        let has = |arguments: &[&str]| parse(arguments).unwrap().collectors.0.has("pss");
        assert!(has(&[]));
        assert!(!has(&["--no-collector.pss"]));
        assert!(has(&["--no-collector.pss", "--collector.pss"]));
        assert!(!has(&["--collector.pss", "--no-collector.pss"]));
        assert!(parse(&["--no-collector.exporter"]).is_err(), "its word on itself has no switch");
    }

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        assert_eq!(share("0.1%"), Ok(0.001));
        assert_eq!(share("0.001"), Ok(0.001));
        assert!(
            share("0").is_err() && share("101%").is_err() && share("much").is_err() && share("NaN").is_err()
        );
    }

    #[test]
    fn a_size_has_a_binary_unit() {
        assert_eq!(size("4GiB"), Ok(Bytes(4 << 30)));
        assert_eq!(size("512Mi"), Ok(Bytes(512 << 20)));
        assert_eq!(size("4096"), Ok(Bytes(4096)));
        assert!(size("4GB").is_err() && size("GiB").is_err() && size("99999999TiB").is_err());
    }

    #[test]
    fn statistics_come_with_one_reading_only() {
        assert!(parse(&["--stats"]).is_err());
        assert!(parse(&["--once", "--stats"]).unwrap().stats);
    }
}
