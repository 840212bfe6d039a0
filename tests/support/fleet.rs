//! Series of a fleet that nobody has at hand: so many nodes with so many VMs each, for hours.
//!
//! They are written in OpenMetrics, a file for every two hours (the length of Prometheus' own blocks), and loaded with
//! `promtool tsdb create-blocks-from openmetrics`. Only families that the dashboard Fleet uses, through its recording
//! rules, are written, five minutes apart. Rules are evaluated at the time that it is once all is loaded, so the series
//! go on beyond it, half as far apart. What rules would have recorded of nodes in the last day is written too, and the
//! hourly averages of components for eight days: a slope needs days.
//!
//! Every node is a cluster of its own, as at the edge.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;
use std::time::Instant;

use crate::dashboards::{self, Dashboard, interpolated};
use crate::prometheus::{Prometheus, create_blocks};

const MIB: u64 = 1 << 20;
const HOUR: u64 = 3600;
const BLOCK: u64 = 2 * HOUR;
const COARSE: u64 = 300;
const FINE: u64 = 150;
/// How long there are series for once all is loaded: rules and panels take their time.
const AHEAD: u64 = 1500;

/// The control plane, and what a component of it takes at the start, in MiB.
const COMPONENTS: &[(&str, &str, u64)] = &[
    ("virt-operator", "kubevirt", 95),
    ("virt-handler", "kubevirt", 60),
    ("virt-controller", "kubevirt", 85),
    ("virt-api", "kubevirt", 75),
    ("cdi-operator", "cdi", 30),
    ("cdi-controller", "cdi", 25),
    ("cdi-apiserver", "cdi", 20),
    ("cdi-uploadproxy", "cdi", 20),
    ("qemu-kvm", "vm-pod", 600),
];

/// How large, and when.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Nodes.
    pub nodes: u64,
    /// VMs on each of them.
    pub vms: u64,
    /// For how many hours.
    pub hours: u64,
    /// The moment at which loading begins, in seconds since 1970.
    pub now: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Series, those that rules would have recorded left out.
    pub series: u64,
    /// Samples of all.
    pub samples: u64,
}

/// How long a panel took.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its title.
    pub panel: String,
    /// Seconds from the first question to the last answer, one after the other.
    pub seconds: f64,
    /// Samples in each answer.
    pub samples: Vec<usize>,
}

/// Asks what the dashboard Fleet asks over the last day, as a screen of a thousand pixels would.
///
/// # Panics
/// If Prometheus does not understand it.
pub fn draw(prometheus: &Prometheus, now: u64) -> Vec<Drawn> {
    let dashboard =
        dashboards::all().into_iter().find(|dashboard| dashboard.file == "fleet.json").expect("Fleet");
    dashboard.drawn().map(|panel| draw_panel(prometheus, now, &dashboard, panel)).collect()
}

fn draw_panel(prometheus: &Prometheus, now: u64, dashboard: &Dashboard, panel: &dashboards::Panel) -> Drawn {
    let now = now as f64;
    let begun = Instant::now();
    let ask = |target: &dashboards::Target| {
        let exprs = dashboard.with_choices(&target.expr);
        let expr = interpolated(&exprs[0], "5m", &[("cluster", ".*")]);
        let step = 86_400.0 / f64::from(panel.max_data_points.unwrap_or(720));
        match target.instant {
            true => prometheus.query_at(&expr, now).len(),
            false => prometheus.query_range(&expr, [now - 86_400.0, now], step).len(),
        }
    };
    let samples = panel.targets.iter().map(ask).collect();
    Drawn { panel: panel.title.clone(), seconds: begun.elapsed().as_secs_f64(), samples }
}

/// Labels, and a value at a moment.
type Series<'a> = (&'a str, String, Value<'a>);
/// A value at a moment.
type Value<'a> = &'a dyn Fn(u64) -> u64;

impl Fleet {
    /// Writes the series and makes blocks of them in `data`. `scratch` holds one file of text at a time.
    ///
    /// # Errors
    /// Where a file can't be written.
    pub fn load(&self, scratch: &Path, data: &Path, mut progress: impl FnMut(&str)) -> Result<Written> {
        let begun = Instant::now();
        let mut written = Written::default();
        let file = scratch.join("series.txt");
        let first = self.now - self.hours * HOUR;
        // A rate over five minutes takes two points, from the first evaluation on.
        let last = self.now - 2 * COARSE;
        for from in (first / BLOCK * BLOCK..last).step_by(BLOCK as usize) {
            let times = times(from.max(first), (from + BLOCK).min(last), COARSE);
            if times.is_empty() {
                continue;
            }
            let mut lines = Lines::to(&file)?;
            self.write(&times, &mut lines)?;
            // All of them are in each file.
            written.series = lines.series;
            written.samples += lines.finish()?;
            create_blocks(&file, data, "2h");
            progress(&format!("{} h of {} h", (from + BLOCK).saturating_sub(first) / HOUR, self.hours));
        }
        // As long as a step of all series took, so long will those take that are still to come.
        let each = begun.elapsed().as_secs_f64() * written.series as f64 / written.samples as f64;
        let loaded = self.now + begun.elapsed().as_secs();
        let end = loaded + AHEAD + (30.0 * each) as u64;
        let mut lines = Lines::to(&file)?;
        self.write(&times(last, end, FINE), &mut lines)?;
        written.samples += lines.finish()?;
        create_blocks(&file, data, "2h");
        progress("what is to come");
        let mut lines = Lines::to(&file)?;
        self.write_history(&times(self.now - 24 * HOUR, loaded, COARSE), &mut lines)?;
        self.write_growth(&times(self.now - 2 * HOUR, end, HOUR / 2), &mut lines)?;
        self.write_averages(&mut lines)?;
        written.samples += lines.finish()?;
        create_blocks(&file, data, "192h");
        std::fs::remove_file(&file)?;
        Ok(written)
    }

    fn write(&self, times: &[u64], lines: &mut Lines) -> Result<()> {
        for node in 0..self.nodes {
            self.write_node(node, times, lines)?;
            for vm in 0..self.vms {
                write_vm(node, vm, times, lines)?;
            }
        }
        Ok(())
    }

    fn write_node(&self, node: u64, times: &[u64], lines: &mut Lines) -> Result<()> {
        let target = target(node);
        let used = |at: u64| used(node, at);
        let version = if node.is_multiple_of(5) { "v1.8.2" } else { "v1.9.0" };
        let cpus = |share: u64| move |at: u64| (at - self.start()) * share / 1000;
        let series: [Series<'_>; 12] = [
            ("edgebench_build_info", "version=\"0.1.0\",arch=\"x86_64\"".into(), &|_| 1),
            ("edgebench_node_memory_total_bytes", String::new(), &|_| TOTAL),
            ("edgebench_node_memory_unavailable_bytes", String::new(), &used),
            ("edgebench_node_cpu_seconds_total", "mode=\"idle\"".into(), &cpus(30_000)),
            ("edgebench_node_cpu_seconds_total", "mode=\"user\"".into(), &cpus(1_000)),
            ("edgebench_node_cpu_seconds_total", "mode=\"guest\"".into(), &cpus(1_000)),
            ("edgebench_installation_info", format!("product=\"kubevirt\",version=\"{version}\""), &|_| 1),
            ("edgebench_installation_info", "product=\"kubernetes\",version=\"v1.36.1\"".into(), &|_| 1),
            ("edgebench_deployment_replicas", "component=\"virt-api\"".into(), &|_| 1),
            ("edgebench_deployment_ready_replicas", "component=\"virt-api\"".into(), &|_| 1),
            ("edgebench_deployment_replicas", "component=\"virt-operator\"".into(), &|_| 2),
            ("edgebench_deployment_ready_replicas", "component=\"virt-operator\"".into(), &|_| 1),
        ];
        for (name, labels, value) in &series {
            lines.series(name, &[target.as_str(), labels], times, value)?;
        }
        for (component, stack, mib) in COMPONENTS {
            let labels = format!("component=\"{component}\",stack=\"{stack}\"");
            let size = match *stack {
                "vm-pod" => mib * self.vms,
                _ => size_at_start(*mib, node),
            };
            let anonymous = |at: u64| size * MIB + self.grown(component, node, at);
            let busy = |at: u64| (at - self.start()) * size / 100_000;
            let started = self.now - 9 * 24 * HOUR;
            let series: [Series<'_>; 6] = [
                ("edgebench_component_anonymous_memory_bytes", String::new(), &anonymous),
                ("edgebench_component_proportional_anonymous_memory_bytes", String::new(), &anonymous),
                ("edgebench_component_page_tables_bytes", String::new(), &|_| size * MIB / 256),
                ("edgebench_component_oldest_start_time_seconds", String::new(), &|_| started),
                ("edgebench_component_cpu_seconds_total", "mode=\"user\"".into(), &busy),
                ("edgebench_component_cpu_seconds_total", "mode=\"system\"".into(), &busy),
            ];
            for (name, more, value) in &series {
                lines.series(name, &[target.as_str(), &labels, more], times, value)?;
            }
        }
        Ok(())
    }

    /// What the rule that is evaluated once an hour would have recorded.
    fn write_growth(&self, times: &[u64], lines: &mut Lines) -> Result<()> {
        let name = "node_component:edgebench_component_growth_bytes_per_day:deriv";
        for node in 0..self.nodes {
            for (component, stack, _) in COMPONENTS.iter().filter(|(_, stack, _)| *stack != "vm-pod") {
                let labels = format!("component=\"{component}\",stack=\"{stack}\"");
                let per_day = growth(component, node);
                lines.series(name, &[level(node).as_str(), &labels], times, &|_| per_day)?;
            }
        }
        Ok(())
    }

    /// What rules would have recorded of a node in the last day.
    fn write_history(&self, times: &[u64], lines: &mut Lines) -> Result<()> {
        for node in 0..self.nodes {
            let level = level(node);
            let tax = |at: u64| (460 + node % 97 + at % 13) * MIB;
            let percent = |at: u64| used(node, at) * 100 / TOTAL;
            let series: [(&str, Value<'_>, f64); 6] = [
                ("node:edgebench_vmis:count", &|_| self.vms, 1.0),
                ("node:edgebench_guest_memory_resident_bytes:sum", &|_| 600 * MIB * self.vms, 1.0),
                ("node:edgebench_tax_memory_bytes:sum", &tax, 1.0),
                ("node:edgebench_tax_memory_per_vm_bytes:div", &|at| tax(at) / self.vms.max(1), 1.0),
                ("node:edgebench_tax_cpu_cores:rate5m", &|_| 75, 0.001),
                ("node:edgebench_node_memory_unavailable:ratio", &percent, 0.01),
            ];
            for (name, value, factor) in series {
                lines.scaled(name, &[level.as_str()], times, &|at| value(at) as f64 * factor)?;
            }
        }
        Ok(())
    }

    /// The hourly averages of eight days.
    fn write_averages(&self, lines: &mut Lines) -> Result<()> {
        let last = self.now / HOUR * HOUR;
        let times: Vec<_> = (1..=8 * 24).rev().map(|hours| last - hours * HOUR).collect();
        for node in 0..self.nodes {
            for (component, stack, mib) in COMPONENTS.iter().filter(|(_, stack, _)| *stack != "vm-pod") {
                let labels = format!("component=\"{component}\",stack=\"{stack}\"");
                let size = size_at_start(*mib, node);
                let average = |at: u64| size * MIB + self.grown(component, node, at);
                let name = "node_component:edgebench_component_anonymous_memory_bytes:avg1h";
                lines.series(name, &[level(node).as_str(), &labels], &times, &average)?;
            }
        }
        Ok(())
    }

    /// The bytes that a component has grown by since nine days before.
    fn grown(&self, component: &str, node: u64, at: u64) -> u64 {
        (at - self.start()) * growth(component, node) / (24 * HOUR)
    }

    fn start(&self) -> u64 {
        self.now - 9 * 24 * HOUR
    }
}

/// No two nodes are alike: in MiB.
fn size_at_start(mib: u64, node: u64) -> u64 {
    mib + (node + mib) % 17
}

/// Bytes a day: virt-handler grows everywhere, virt-api on some nodes.
fn growth(component: &str, node: u64) -> u64 {
    match component {
        "virt-handler" => 2 * MIB,
        "virt-api" if node.is_multiple_of(7) => (1 + node % 11) * MIB,
        _ => 0,
    }
}

fn times(from: u64, to: u64, step: u64) -> Vec<u64> {
    (from.next_multiple_of(step)..to).step_by(step as usize).collect()
}

const TOTAL: u64 = 65_536 * MIB;

/// Some nodes are fuller than others, and all breathe.
fn used(node: u64, at: u64) -> u64 {
    (20_000 + node * 7919 % 40_000 + (at / COARSE + node) % 600) * MIB
}

fn target(node: u64) -> String {
    format!("{},job=\"edgebench-exporter\",instance=\"10.0.0.1:9971\"", level(node))
}

/// What is left of a target in the series of a rule.
fn level(node: u64) -> String {
    format!("cluster=\"site-{node}\",node=\"edge-node\"")
}

fn write_vm(node: u64, vm: u64, times: &[u64], lines: &mut Lines) -> Result<()> {
    let target = target(node);
    let name = format!("namespace=\"iot\",name=\"edge-vm-{vm}\"");
    let qemu = "component=\"qemu-kvm\"";
    let resident = 500 + (node + vm * 31) % 400;
    let room = (node * 13 + vm * 7) % 500;
    let busy = |share: u64| move |at: u64| at % (90 * 24 * HOUR) * share / 100;
    let series: [(&str, &str, Value<'_>); 12] = [
        ("edgebench_vmi_info", "phase=\"Running\"", &|_| 1),
        ("edgebench_vmi_guest_memory_size_bytes", "", &|_| 1024 * MIB),
        ("edgebench_vmi_guest_memory_resident_bytes", "", &|_| resident * MIB),
        ("edgebench_vmi_guest_memory_proportional_bytes", "", &|_| resident * MIB),
        ("edgebench_vmi_component_anonymous_memory_bytes", qemu, &|_| (resident + 40) * MIB),
        ("edgebench_vmi_component_resident_memory_bytes", qemu, &|_| (resident + 90) * MIB),
        ("edgebench_vmi_pod_working_set_bytes", "", &|_| (resident + 200) * MIB),
        ("edgebench_vmi_pod_memory_limit_bytes", "", &|_| (1220 + room) * MIB),
        ("edgebench_vmi_memory_overhead_bytes", "", &|_| (180 + vm) * MIB),
        ("edgebench_vmi_memory_overhead_reserved_bytes", "source=\"status\"", &|_| 288 * MIB),
        ("edgebench_vmi_cpu_seconds_total", "mode=\"guest\"", &busy(20)),
        ("edgebench_vmi_cpu_seconds_total", "mode=\"overhead\"", &busy(4)),
    ];
    for (family, labels, value) in series {
        lines.series(family, &[target.as_str(), &name, labels], times, value)?;
    }
    Ok(())
}

/// A file in OpenMetrics.
struct Lines {
    out: BufWriter<File>,
    series: u64,
    samples: u64,
}

impl Lines {
    fn to(path: &Path) -> Result<Lines> {
        Ok(Lines { out: BufWriter::with_capacity(1 << 20, File::create(path)?), series: 0, samples: 0 })
    }

    fn series(
        &mut self,
        name: &str,
        labels: &[&str],
        times: &[u64],
        value: &dyn Fn(u64) -> u64,
    ) -> Result<()> {
        let head = self.head(name, labels, times);
        for at in times {
            writeln!(self.out, "{head} {} {at}", value(*at))?;
        }
        Ok(())
    }

    fn scaled(
        &mut self,
        name: &str,
        labels: &[&str],
        times: &[u64],
        value: &dyn Fn(u64) -> f64,
    ) -> Result<()> {
        let head = self.head(name, labels, times);
        for at in times {
            writeln!(self.out, "{head} {} {at}", value(*at))?;
        }
        Ok(())
    }

    fn head(&mut self, name: &str, labels: &[&str], times: &[u64]) -> String {
        self.series += 1;
        self.samples += times.len() as u64;
        let labels: Vec<_> = labels.iter().copied().filter(|labels| !labels.is_empty()).collect();
        format!("{name}{{{}}}", labels.join(","))
    }

    fn finish(mut self) -> Result<u64> {
        writeln!(self.out, "# EOF")?;
        self.out.flush()?;
        Ok(self.samples)
    }
}
