//! Debian's Prometheus and promtool.
//!
//! Prometheus listens on a port that the kernel chooses and names in its log. The kernel ends it with the
//! thread that started it (`PR_SET_PDEATHSIG`, prctl(2)), so it can't outlive a test that is killed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Message};

/// How long it may take to start, or to have scraped for the first time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A scrape job: every second, and the labels that the target sets stay (`honor_labels`).
#[derive(Clone, Debug)]
pub struct Job {
    name: String,
    target: String,
    settings: String,
}

/// A running Prometheus. It ends when this is dropped.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    dir: TempDir,
}

/// A series, and its value at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, its name (`__name__`) among them where the query keeps it.
    pub labels: BTreeMap<String, String>,
    /// When, in seconds since 1970.
    pub at: f64,
    /// Its value.
    pub value: f64,
}

impl Job {
    /// `http://TARGET/metrics`
    pub fn new(name: &str, target: SocketAddr) -> Job {
        Job { name: name.into(), target: target.to_string(), settings: String::new() }
    }

    /// With a user and a password.
    pub fn basic_auth(self, user: &str, password: &str) -> Job {
        self.setting(&format!("basic_auth: {{username: '{user}', password: '{password}'}}"))
    }

    /// By HTTPS, the server being known by this authority as `name`.
    pub fn tls(self, authority: &Path, name: &str) -> Job {
        let authority = authority.display();
        self.setting("scheme: https")
            .setting(&format!("tls_config: {{ca_file: '{authority}', server_name: '{name}'}}"))
    }

    /// Any other line of a scrape config.
    pub fn setting(mut self, line: &str) -> Job {
        let _ = writeln!(self.settings, "    {line}");
        self
    }

    fn config(&self) -> String {
        format!(
            "  - job_name: '{}'\n    honor_labels: true\n{}    static_configs:\n      - targets: ['{}']\n",
            self.name, self.settings, self.target
        )
    }
}

/// How it is set.
#[derive(Clone, Debug, Default)]
pub struct Setup<'a> {
    /// What it scrapes, every second.
    pub jobs: &'a [Job],
    /// Files of rules.
    pub rules: &'a [PathBuf],
    /// How often they are evaluated; every second if nothing is said.
    pub evaluation: Option<&'a str>,
    /// Where its blocks are, if it has some already. Rules then write among them, out of order.
    pub data: Option<&'a Path>,
}

impl Setup<'_> {
    fn config(&self) -> String {
        let evaluation = self.evaluation.unwrap_or("1s");
        let mut config = format!(
            "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: {evaluation}\n"
        );
        if self.data.is_some() {
            config += "storage:\n  tsdb:\n    out_of_order_time_window: 1d\n";
        }
        if !self.rules.is_empty() {
            config += "rule_files:\n";
        }
        for rules in self.rules {
            let _ = writeln!(config, "  - '{}'", rules.display());
        }
        config += "scrape_configs:\n";
        self.jobs.iter().fold(config, |config, job| config + &job.config())
    }
}

/// How a group of rules did.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// Its name.
    pub group: String,
    /// How long its last evaluation took, in seconds; 0 before the first one.
    pub seconds: f64,
    /// The errors of its rules.
    pub errors: Vec<String>,
}

impl Prometheus {
    /// Starts it with these jobs, and returns when it is ready.
    ///
    /// # Panics
    /// If it does not get ready, with its log.
    pub fn start(jobs: &[Job]) -> Prometheus {
        Prometheus::start_with(&Setup { jobs, ..Setup::default() })
    }

    /// Starts it, and returns when it is ready.
    ///
    /// # Panics
    /// If it does not get ready, with its log.
    pub fn start_with(setup: &Setup<'_>) -> Prometheus {
        let dir = tempfile::Builder::new().prefix("edgebench-prometheus-").tempdir().expect("a directory");
        let config = setup.config();
        let data = setup.data.unwrap_or(Path::new("data"));
        fs::write(dir.path().join("prometheus.yml"), config).expect("its configuration");
        let log = File::create(dir.path().join("log")).expect("its log");
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "prometheus", "--web.listen-address=127.0.0.1:0"])
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path"])
            .arg(data)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("setpriv: {e}"));
        // Until its port is known there is none of its own to ask.
        let mut prometheus = Prometheus { child, address: ([127, 0, 0, 1], 0).into(), dir };
        prometheus.wait("it listens", |prometheus| {
            let port = port(&prometheus.log());
            prometheus.address.set_port(port.unwrap_or_default());
            port.is_some()
        });
        prometheus.wait("it is ready", |prometheus| {
            http::ask(prometheus.address, &Message::get("/-/ready")).is_ok_and(|a| a.status() == Some(200))
        });
        prometheus
    }

    /// What an instant query answers now, a vector or a scalar.
    ///
    /// # Panics
    /// If Prometheus does not understand it.
    pub fn query(&self, query: &str) -> Vec<Sample> {
        self.ask_for_samples(&format!("/api/v1/query?query={}", encoded(query)))
    }

    /// The same at a moment, in seconds since 1970.
    ///
    /// # Panics
    /// If Prometheus does not understand it.
    pub fn query_at(&self, query: &str, at: f64) -> Vec<Sample> {
        self.ask_for_samples(&format!("/api/v1/query?time={at}&query={}", encoded(query)))
    }

    /// What a query answers over a range of time, so many seconds apart; times are in seconds since 1970.
    ///
    /// # Panics
    /// If Prometheus does not understand it.
    pub fn query_range(&self, query: &str, [from, to]: [f64; 2], step: f64) -> Vec<Sample> {
        let query = encoded(query);
        self.ask_for_samples(&format!("/api/v1/query_range?start={from}&end={to}&step={step}&query={query}"))
    }

    /// How its groups of rules did.
    ///
    /// # Panics
    /// If Prometheus does not say.
    pub fn evaluated(&self) -> Vec<Evaluated> {
        let answer = self.api("/api/v1/rules");
        let groups = answer["data"]["groups"].as_array().expect("groups").iter();
        let evaluated = |group: &Value| {
            let rules = group["rules"].as_array().expect("rules").iter();
            let errors = rules.filter_map(|rule| {
                let error = rule["lastError"].as_str().filter(|error| !error.is_empty())?;
                Some(format!("{}: {error}", rule["name"]))
            });
            // The zero time of Go is that of a group that was not evaluated yet.
            let is_due = group["lastEvaluation"].as_str().is_some_and(|at| at.starts_with("0001-"));
            Evaluated {
                group: group["name"].as_str().expect("a name").to_owned(),
                seconds: if is_due {
                    0.0
                } else {
                    group["evaluationTime"].as_f64().expect("seconds").max(1e-9)
                },
                errors: errors.collect(),
            }
        };
        groups.map(evaluated).collect()
    }

    /// Waits until every group of rules was evaluated.
    ///
    /// # Panics
    /// If one is not.
    pub fn wait_for_rules(&mut self) {
        self.wait("rules are evaluated", |prometheus| {
            prometheus.evaluated().iter().all(|group| group.seconds > 0.0)
        });
    }

    /// The one value that a query answers.
    ///
    /// # Panics
    /// If it answers none, or several.
    pub fn value(&self, query: &str) -> f64 {
        let samples = self.query(query);
        let [sample] = &samples[..] else { panic!("{query}: {samples:?}\n{}", self.log()) };
        sample.value
    }

    /// Every sample that it has of a series, oldest first, in seconds since 1970; of several series one after
    /// the other.
    ///
    /// # Panics
    /// If Prometheus does not understand the selector.
    pub fn samples(&self, selector: &str) -> Vec<Sample> {
        self.ask_for_samples(&format!("/api/v1/query?query={}", encoded(&format!("{selector}[1h]"))))
    }

    /// The last error of each job's target, empty where its last scrape was good.
    ///
    /// # Panics
    /// If Prometheus does not say.
    pub fn target_errors(&self) -> BTreeMap<String, String> {
        let answer = self.api("/api/v1/targets?state=active");
        let targets = answer["data"]["activeTargets"].as_array().expect("targets").iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        targets.map(|target| (text(&target["scrapePool"]), text(&target["lastError"]))).collect()
    }

    /// How many times it has scraped the target that it has scraped least.
    ///
    /// # Panics
    /// If it does not say.
    pub fn scrapes(&self) -> u32 {
        let least = self.query("min(count_over_time(up[1h]))");
        least.first().map_or(0, |least| least.value as u32)
    }

    /// Waits until it has scraped every target so many times.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait_for_scrapes(&mut self, scrapes: u32) {
        self.wait("it scrapes", |prometheus| prometheus.scrapes() >= scrapes);
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn wait(&mut self, what: &str, done: impl Fn(&mut Prometheus) -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !done(self) {
            let ended = self.child.try_wait().expect("a child to wait for");
            assert!(ended.is_none() && Instant::now() < patience, "not so: {what}\n{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    fn api(&self, path: &str) -> Value {
        let answer = http::ask(self.address, &Message::get(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(value["status"], "success", "{path}: {value}");
        value
    }

    fn ask_for_samples(&self, path: &str) -> Vec<Sample> {
        let answer = self.api(path);
        let (kind, result) = (&answer["data"]["resultType"], &answer["data"]["result"]);
        if kind == "scalar" {
            return vec![sample(BTreeMap::new(), result)];
        }
        let series = result.as_array().expect("series").iter();
        series
            .flat_map(|series| {
                let labels = series["metric"].as_object().expect("labels").iter();
                let labels: BTreeMap<_, _> = labels
                    .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()))
                    .collect();
                let values = match series["values"].as_array() {
                    Some(values) => values.iter().collect(),
                    None => vec![&series["value"]],
                };
                values.into_iter().map(|value| sample(labels.clone(), value)).collect::<Vec<_>>()
            })
            .collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // What it has stored is thrown away: nothing is lost by ending it at once.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes blocks of a file in OpenMetrics, none longer than this.
///
/// # Panics
/// If promtool can't.
pub fn create_blocks(file: &Path, data: &Path, longest: &str) {
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "--max-block-duration", longest, "openmetrics"])
        .args([file, data])
        .output()
        .expect("promtool starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What `promtool check metrics` has to say of an exposition in the text format; nothing if all is well.
///
/// # Panics
/// If it does not run, or fails without a word.
pub fn promtool_check_metrics(exposition: &str) -> String {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = child.stdin.take().expect("its stdin is a pipe");
    let output = std::thread::scope(|scope| {
        // It may stop reading at the first error.
        scope.spawn(move || stdin.write_all(exposition.as_bytes()));
        child.wait_with_output().expect("promtool ends")
    });
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() || !said.is_empty(), "promtool: {}", output.status);
    said
}

fn sample(labels: BTreeMap<String, String>, value: &Value) -> Sample {
    let number = value[1].as_str().and_then(|text| text.parse().ok()).expect("a value");
    Sample { labels, at: value[0].as_f64().expect("a time"), value: number }
}

/// `… msg="Listening on" address=127.0.0.1:40003`
fn port(log: &str) -> Option<u16> {
    let line = log.lines().find(|line| line.contains("msg=\"Listening on\""))?;
    line.split("address=127.0.0.1:").nth(1)?.split(' ').next()?.parse().ok()
}

/// For a query string: everything but letters and digits as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(encoded, "{}", byte as char),
            other => write!(encoded, "%{other:02X}"),
        };
        encoded
    })
}
