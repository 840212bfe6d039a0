//! What can be asked for on the command line. Help, completions and the man page come from here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use edgebench_exporter::cluster::StartError;
use edgebench_exporter::endpoints::{EndpointFlags, Fixed, SkipVerifyFlag};
use edgebench_exporter::guests::GuestFlags;
use edgebench_exporter::guests::targets::Flag as GuestFlag;

use crate::cluster::Asker;
use crate::remote::client::Access;

/// Where did this node's memory and CPU go, and how much of it is KubeVirt?
#[derive(Debug, Parser)]
#[command(
    name = "edgebench",
    version,
    about,
    propagate_version = true,
    after_help = "Exit codes: 0 done; 1 (doctor) some figures are missing here; 2 an error, with nothing half written; \
                  130 stopped by Ctrl-C, with the figures so far printed."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure this node: what sar, sar -r and top say, with and without KubeVirt
    Footprint(Box<FootprintArgs>),
    /// Compare saved captures
    Compare(CompareArgs),
    /// Say what can be read here, what can't, and what it takes
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page
    Man,
}

/// How to measure, and what to do with it.
#[derive(Debug, Args)]
pub struct FootprintArgs {
    /// Samples to take: the N of `sar 1 N`
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N", value_parser = samples)]
    pub samples: u64,
    /// Time between two samples: 1s, 500ms, or a number of seconds; at least 10ms
    #[arg(short, long, default_value = "1s", value_name = "TIME", value_parser = interval)]
    pub interval: Duration,
    /// Name of the side this capture belongs to: captures of one label are repeats of each other
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Save the capture; compressed if the name ends in .gz
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Capture of this node without KubeVirt; several are repeats of each other
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub baseline: Vec<PathBuf>,
    /// Leave out PSS, guest RAM and VM overhead: they cost a walk of the page tables
    #[arg(long)]
    pub no_pss: bool,
    /// How to write the result.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where to read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The exporter to measure through.
    #[command(flatten)]
    pub exporter: ExporterArgs,
    /// The cluster to ask.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Captures without KubeVirt; of two files alone the second is the capture
    #[arg(required = true, value_name = "BASELINE")]
    pub baseline: Vec<PathBuf>,
    /// Captures to hold against them; those of one label are repeats of each other
    #[arg(long, value_name = "CAPTURE", num_args = 1..)]
    pub with: Vec<PathBuf>,
    /// How to write the result.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Which names are believed
    #[arg(long, value_enum, default_value_t = TrustArg::Any)]
    pub trust: TrustArg,
}

/// Where to look.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// procfs to read: /host/proc in a container
    #[arg(long, value_name = "DIR", default_value = "/proc")]
    pub procfs: PathBuf,
    /// sysfs to read; by default the one beside procfs
    #[arg(long, value_name = "DIR")]
    pub sysfs: Option<PathBuf>,
}

/// How to write the result.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// How to write the result
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write the result to a file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show every row instead of folding the small ones
    #[arg(long)]
    pub all: bool,
    /// Refuse to compare captures of machines or set-ups that differ
    #[arg(long)]
    pub same_machine: bool,
}

/// Where to read.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// procfs to read: /host/proc in a container
    #[arg(long, value_name = "DIR", default_value = "/proc")]
    pub procfs: PathBuf,
    /// sysfs to read; by default the one beside procfs
    #[arg(long, value_name = "DIR")]
    pub sysfs: Option<PathBuf>,
    /// Which names are believed
    #[arg(long, value_enum, default_value_t = TrustArg::Any)]
    pub trust: TrustArg,
}

/// An exporter to measure through, instead of reading here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Through an exporter")]
pub struct ExporterArgs {
    /// Measure the node of this edgebench-exporter: http://NODE:9971, or https
    #[arg(
        long = "exporter",
        value_name = "URL",
        conflicts_with_all = ["procfs", "sysfs", "trust", "no_pss"]
    )]
    pub url: Option<String>,
    /// CAs that its certificate may be of, instead of the system's (PEM)
    #[arg(long = "exporter-ca-file", value_name = "FILE", requires = "url")]
    pub ca_file: Option<PathBuf>,
    /// Certificate to show it (PEM)
    #[arg(long = "exporter-cert-file", value_name = "FILE", requires_all = ["url", "key_file"])]
    pub cert_file: Option<PathBuf>,
    /// Key of that certificate (PEM)
    #[arg(long = "exporter-key-file", value_name = "FILE", requires_all = ["url", "cert_file"])]
    pub key_file: Option<PathBuf>,
    /// Take any certificate from it: whoever stands in between can read and change all
    #[arg(long = "exporter-insecure-skip-verify", requires = "url")]
    pub insecure_skip_verify: bool,
    /// User name for it
    #[arg(long = "exporter-username", value_name = "NAME", requires_all = ["url", "password_file"])]
    pub username: Option<String>,
    /// File with the password of that user
    #[arg(long = "exporter-password-file", value_name = "FILE", requires_all = ["url", "username"])]
    pub password_file: Option<PathBuf>,
    /// File with a token for it
    #[arg(
        long = "exporter-bearer-token-file",
        value_name = "FILE",
        requires = "url",
        conflicts_with = "username"
    )]
    pub bearer_token_file: Option<PathBuf>,
    /// What one scrape may take, and how long to wait for one that is newer than the last
    #[arg(
        long = "exporter-timeout",
        value_name = "TIME",
        default_value = "10s",
        value_parser = interval,
        requires = "url"
    )]
    pub timeout: Duration,
}

impl ExporterArgs {
    /// How to reach it; nothing where none is wanted.
    pub fn access(&self) -> Option<Access> {
        Some(Access {
            url: self.url.clone()?,
            ca_file: self.ca_file.clone(),
            client_certificate: self.cert_file.clone().zip(self.key_file.clone()),
            skip_verify: self.insecure_skip_verify,
            basic: self.username.clone().zip(self.password_file.clone()),
            bearer_token_file: self.bearer_token_file.clone(),
            timeout: self.timeout,
        })
    }
}

/// Whom to ask what `/proc` does not know: what is reserved for each VM, what its guest uses, which versions run.
#[derive(Debug, Args)]
#[command(next_help_heading = "The cluster")]
pub struct ClusterArgs {
    /// How to reach the API server; without it the service account's of the pod that this runs in, if it runs in one
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub kubeconfig: Option<PathBuf>,
    /// Name of this node in the cluster [default: the host's name]
    #[arg(long, value_name = "NAME", env = "NODE_NAME", conflicts_with = "url")]
    pub node_name: Option<String>,
    /// Ask nobody
    #[arg(long, conflicts_with_all = ["kubeconfig", "endpoints", "guest_targets"])]
    pub no_cluster: bool,
    /// An endpoint beside those that the API server names: virt-handler=https://10.42.0.17:8443/metrics; may be given
    /// several times
    #[arg(
        id = "endpoints",
        long = "kubevirt-endpoint",
        value_name = "COMPONENT=URL",
        conflicts_with = "url"
    )]
    pub endpoints: Vec<Fixed>,
    /// CA of the components' certificates (PEM), instead of the ConfigMap kubevirt-ca
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub kubevirt_ca_file: Option<PathBuf>,
    /// A bearer token for CDI from 1.66 on and for whoever asks for one; sent over TLS only
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub kubevirt_token_file: Option<PathBuf>,
    /// Believe any certificate, and show the token to whoever has it: of cdi or of all
    #[arg(long, value_name = "WHOSE", default_value = "none", conflicts_with = "url")]
    pub kubevirt_insecure_skip_verify: SkipVerifyFlag,
    /// What answers inside of VMs: node_exporter,edgeAgent,edgeHub of all, or NAMESPACE/NAME[@ADDRESS]=node_exporter=9100;
    /// may be given several times. A VM can say so itself by the annotation edgebench.io/guest-targets
    #[arg(id = "guest_targets", long = "guest-targets", value_name = "TARGETS", conflicts_with = "url")]
    pub guests: Vec<GuestFlag>,
}

impl ClusterArgs {
    /// Whom to ask; nothing where nobody is named, and this is no pod.
    ///
    /// # Errors
    /// Where the kubeconfig can't be used.
    pub fn asker(&self, hostname: Option<String>) -> Result<Option<Asker>, StartError> {
        let named = self.kubeconfig.is_some() || !self.endpoints.is_empty() || !self.guests.is_empty();
        let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        if self.no_cluster || !(named || in_cluster) {
            return Ok(None);
        }
        // Asked once: there is no cadence.
        let (interval, timeout) = (Duration::from_secs(60), Duration::from_secs(12));
        let endpoints = EndpointFlags {
            fixed: self.endpoints.clone(),
            interval,
            timeout,
            ca_file: self.kubevirt_ca_file.clone(),
            token_file: self.kubevirt_token_file.clone(),
            skip_verify: self.kubevirt_insecure_skip_verify,
        };
        let guests = GuestFlags { targets: self.guests.clone(), interval, timeout };
        let node = self.node_name.clone().filter(|name| !name.is_empty()).or(hostname).unwrap_or_default();
        Asker::new(self.kubeconfig.clone(), node, &endpoints, &guests).map(Some)
    }
}

/// Formats of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Table,
    /// Tables that paste as the source document's
    Markdown,
    /// Everything, at full precision
    Json,
    /// A row for every figure
    Csv,
    /// The Average: lines as sar prints them
    Sar,
    /// A page with plots, which loads nothing and runs nothing
    Html,
}

/// Which names are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustArg {
    /// Any process that is called like a component
    Any,
    /// KubeVirt's and CDI's names only inside of pods
    Pod,
}

impl From<TrustArg> for edgebench_sampler::classify::Trust {
    fn from(trust: TrustArg) -> Self {
        match trust {
            TrustArg::Any => edgebench_sampler::classify::Trust::Any,
            TrustArg::Pod => edgebench_sampler::classify::Trust::Pod,
        }
    }
}

/// The roots that `--procfs` and `--sysfs` name.
pub fn roots(procfs: &Path, sysfs: Option<&PathBuf>) -> edgebench_sampler::Roots {
    let roots = if procfs == Path::new("/proc") {
        edgebench_sampler::Roots::of_this_machine()
    } else {
        edgebench_sampler::Roots::beside(procfs)
    };
    match sysfs {
        Some(sys) => edgebench_sampler::Roots { sys: sys.clone(), ..roots },
        None => roots,
    }
}

fn samples(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 sample is needed".to_owned()),
        Ok(samples) => Ok(samples),
        Err(error) => Err(format!("{error}: give a number of samples, such as 10")),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    /// Below this the tick of /proc/stat (10 ms) is coarser than the interval.
    const SHORTEST: Duration = Duration::from_millis(10);
    /// Above this a run is no run any more.
    const LONGEST: Duration = Duration::from_secs(86_400);
    let duration = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?,
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string())?,
    };
    if duration < SHORTEST {
        return Err(
            "the interval must be at least 10ms: the kernel counts CPU time in ticks of 10 ms".to_owned()
        );
    }
    if duration > LONGEST {
        return Err("the interval must be at most one day".to_owned());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_interval_is_a_time_or_a_number_of_seconds() {
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(interval("1"), Ok(Duration::from_secs(1)));
        assert_eq!(interval("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("10ms"), Ok(Duration::from_millis(10)));
        for wrong in ["9ms", "0", "-1", "nan", "inf", "2 fortnights", "", "1e300"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
