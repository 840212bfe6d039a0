//! What an edgebench-exporter says of a host, built from the host's files: the families that
//! `edgebench footprint --exporter` reads, with figures that a local run reads from the same files.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use edgebench_sampler::classify::{Class, Trust, classify};
use edgebench_sampler::component::{KERNEL_THREADS, Stack};
use edgebench_sampler::explain::{KernelPart, node_parts};
use edgebench_sampler::ledger::{CpuTotals, Ledger};
use edgebench_sampler::process::{ProcessSample, Scratch};
use edgebench_sampler::vm::VmName;
use edgebench_sampler::vm_reading::{self, VmReading};
use edgebench_sampler::{Bytes, Nanos, ProcFs, Ticks, proportional, sysstat};

use crate::Host;

/// A host with an exporter on it: its totals go on from one exposition to the next.
pub struct Exporter {
    procfs: ProcFs,
    components: Ledger<(String, Stack)>,
    vms: Ledger<VmName>,
}

/// An exposition: a line for every sample.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposition {
    lines: Vec<String>,
}

impl Exporter {
    /// On `host`.
    pub fn on(host: &Host) -> Exporter {
        let procfs = ProcFs::open(host.roots()).expect("a procfs");
        Exporter { procfs, components: Ledger::default(), vms: Ledger::default() }
    }

    /// What it says of the host as it is, this long after the Unix epoch.
    pub fn says(&mut self, at: Duration) -> Exposition {
        let mut scratch = Scratch::default();
        let mut processes = self.procfs.process_pass(&mut scratch).expect("the processes").processes;
        let classes = classify(&processes, Trust::Any);
        let (denied, buffer) = (&mut BTreeMap::new(), &mut scratch.buffer);
        // Of all, so that every component has its PSS.
        proportional::read(
            &self.procfs,
            &mut processes,
            |_, process| process.memory.is_some(),
            denied,
            buffer,
        )
        .expect("smaps_rollup");
        let vms = vm_reading::read(&self.procfs, &processes, &classes, true, denied, buffer).expect("VMs");
        let with_class = || processes.iter().zip(&classes);
        self.components.observe(with_class().map(|(process, class)| (process.id, key(class), &process.cpu)));
        self.vms.observe(processes.iter().filter_map(|process| {
            let vm = vms.iter().find(|vm| vm.processes.contains(&process.id.pid))?;
            Some((process.id, vm.vm.clone(), &process.cpu))
        }));
        let mut said = Exposition::default();
        said.add("build_info{version=\"9.8.7\",revision=\"\"}", 1);
        said.lines.push("process_start_time_seconds 1795330000.25".to_owned());
        said.add("reading_timestamp_seconds", format!("{}.{:09}", at.as_secs(), at.subsec_nanos()));
        said.add("a_family_of_the_future{with=\"a \\\"label\\\"\"}", "NaN");
        self.node(&mut said);
        self.of_components(&mut said, &processes, &classes);
        self.of_vms(&mut said, &processes, &classes, &vms);
        said
    }

    fn node(&self, said: &mut Exposition) {
        let reading = self.procfs.node_reading(0, &mut Scratch::default().buffer).expect("the node");
        let mut sum = edgebench_sampler::parse::stat::CpuTimes::default();
        for row in &reading.stat.cpus {
            let (sum, row) = (&mut sum, row.times);
            sum.user += row.user;
            sum.nice += row.nice;
            sum.system += row.system;
            sum.idle += row.idle;
            sum.iowait += row.iowait;
            sum.irq += row.irq;
            sum.softirq += row.softirq;
            sum.steal += row.steal;
            sum.guest += row.guest;
            sum.guest_nice += row.guest_nice;
        }
        for (mode, ticks) in [
            ("user", Ticks(sum.user.0 - sum.guest.0)),
            ("nice", Ticks(sum.nice.0 - sum.guest_nice.0)),
            ("system", sum.system),
            ("iowait", sum.iowait),
            ("steal", sum.steal),
            ("irq", sum.irq),
            ("softirq", sum.softirq),
            ("guest", sum.guest),
            ("guest_nice", sum.guest_nice),
            ("idle", sum.idle),
        ] {
            said.add(&format!("node_cpu_seconds_total{{mode=\"{mode}\"}}"), seconds(ticks));
        }
        let parts = node_parts(&reading, self.procfs.clock().page_size);
        let kib = sysstat::memory_unavailable_kib(&reading.memory);
        said.add("node_memory_total_bytes", reading.memory.total.0);
        said.add("node_memory_used_bytes", parts.used.0);
        said.add("node_memory_unavailable_bytes", kib * 1024);
        said.add("node_memory_anonymous_bytes", parts.anonymous.0);
        said.add("node_memory_hugetlb_used_bytes", parts.hugetlb.0);
        said.add("node_memory_unexplained_bytes", parts.unexplained.0);
        said.add("node_memory_kernel_bytes{kind=\"page_tables\"}", parts.page_tables.0);
        for (part, bytes) in &parts.kernel {
            let kind = match part {
                KernelPart::SecPageTables => "sec_page_tables",
                KernelPart::KernelStack => "kernel_stack",
                KernelPart::Percpu => "percpu",
                KernelPart::PerCpuFree => "pcp",
                KernelPart::HugetlbFree => "hugetlb_free",
                KernelPart::SwapCache => "swap_cache",
                KernelPart::Reclaimable => "reclaimable",
                KernelPart::Zswap => "zswap",
                KernelPart::Balloon => "balloon",
                KernelPart::Bounce => "bounce",
                KernelPart::WritebackTmp => "writeback_tmp",
            };
            said.add(&format!("node_memory_kernel_bytes{{kind=\"{kind}\"}}"), bytes.0);
        }
        if reading.pressure.memory.is_some() {
            said.add("node_pressure_waiting_seconds_total{resource=\"memory\"}", "0.000001");
        }
    }

    fn of_components(&self, said: &mut Exposition, processes: &[ProcessSample], classes: &[Class]) {
        for ((component, stack), cpu) in self.components.totals() {
            let labels = format!("component=\"{component}\",stack=\"{}\"", stack.name());
            said.cpu("component_cpu_seconds_total", &labels, cpu);
            let members: Vec<_> = processes
                .iter()
                .zip(classes)
                .filter(|(_, class)| key(class) == (component.clone(), *stack))
                .map(|(process, _)| process)
                .collect();
            let memory = || members.iter().filter_map(|process| process.memory.as_ref());
            let mut gauge =
                |name: &str, value: u64| said.add(&format!("component_{name}{{{labels}}}"), value);
            gauge("processes", members.len() as u64);
            gauge("threads", members.iter().map(|process| u64::from(process.threads)).sum());
            gauge("resident_memory_bytes", memory().map(|memory| memory.resident).sum::<Bytes>().0);
            gauge("anonymous_memory_bytes", memory().map(|memory| memory.anonymous).sum::<Bytes>().0);
            gauge("swap_bytes", memory().map(|memory| memory.swap).sum::<Bytes>().0);
            gauge("page_tables_bytes", memory().map(|memory| memory.page_tables).sum::<Bytes>().0);
            if let Some(pss) = memory().map(|memory| memory.pss()).sum::<Option<Bytes>>() {
                gauge("proportional_memory_bytes", pss.0);
                let charges = memory().map(|memory| edgebench_sampler::explain::charge(memory).anonymous);
                gauge("proportional_anonymous_memory_bytes", charges.sum::<Bytes>().0);
                gauge("proportional_memory_age_seconds", 0);
            }
            gauge("age_seconds", 0);
        }
    }

    fn of_vms(
        &self,
        said: &mut Exposition,
        processes: &[ProcessSample],
        classes: &[Class],
        vms: &[VmReading],
    ) {
        for vm in vms {
            let labels =
                format!("node=\"edge-0417\",namespace=\"{}\",name=\"{}\"", vm.vm.namespace, vm.vm.name);
            let uid = vm.uid.as_deref().unwrap_or_default();
            let pod = vm.pod.as_ref().map(|pod| pod.as_str()).unwrap_or_default();
            said.add(&format!("vmi_info{{{labels},uid=\"{uid}\",pod_uid=\"{pod}\"}}"), 1);
            let members: Vec<_> = processes
                .iter()
                .zip(classes)
                .filter(|(process, _)| vm.processes.contains(&process.id.pid))
                .collect();
            let memory = || members.iter().filter_map(|(process, _)| process.memory.as_ref());
            let mut add = |name: &str, value: Option<i128>| {
                if let Some(value) = value {
                    said.add(&format!("vmi_{name}{{{labels}}}"), value);
                }
            };
            let bytes = |bytes: Bytes| i128::from(bytes.0);
            let machine = vm.machine.as_ref();
            add("vcpus", machine.and_then(|machine| machine.vcpus).map(i128::from));
            add("guest_memory_size_bytes", machine.and_then(|machine| machine.memory).map(bytes));
            add("guest_memory_resident_bytes", vm.guest.map(|guest| bytes(guest.resident)));
            add("guest_memory_proportional_bytes", vm.guest.map(|guest| bytes(guest.proportional)));
            add("guest_memory_age_seconds", vm.guest.map(|_| 0));
            let pss = memory().map(|memory| memory.pss()).sum::<Option<Bytes>>();
            add("pod_proportional_memory_bytes", pss.map(bytes));
            let tables = memory().map(|memory| memory.page_tables).sum::<Bytes>();
            let overhead =
                pss.zip(vm.guest).map(|(pss, guest)| bytes(pss) - bytes(guest.proportional) + bytes(tables));
            add("memory_overhead_bytes", overhead);
            add("pod_working_set_bytes", vm.compute.map(|figures| bytes(figures.working_set)));
            add("pod_memory_limit_bytes", vm.compute.and_then(|figures| figures.limit).map(bytes));
            add("pod_oom_kills_total", vm.compute.and_then(|figures| figures.oom_kills).map(i128::from));
            let cpu = self.vms.totals().get(&vm.vm).copied().unwrap_or_default();
            let all = Ticks(cpu.user.0 + cpu.system.0 + cpu.guest.0);
            let mut mode = |mode: &str, ticks: Ticks| {
                said.add(&format!("vmi_cpu_seconds_total{{{labels},mode=\"{mode}\"}}"), seconds(ticks));
            };
            if cpu.guest == Ticks::ZERO {
                mode("unsplit", all);
            } else {
                mode("guest", cpu.guest);
                mode("overhead", Ticks(all.0 - cpu.guest.0));
            }
            let mut by_component: BTreeMap<&str, (Bytes, Bytes)> = BTreeMap::new();
            for (process, class) in &members {
                let Some(memory) = &process.memory else { continue };
                let sums = by_component.entry(class.component.name).or_default();
                sums.0 += memory.resident;
                sums.1 += memory.anonymous;
            }
            for (component, (resident, anonymous)) in by_component {
                let labels = format!("{labels},component=\"{component}\"");
                said.add(&format!("vmi_component_resident_memory_bytes{{{labels}}}"), resident.0);
                said.add(&format!("vmi_component_anonymous_memory_bytes{{{labels}}}"), anonymous.0);
            }
        }
    }
}

fn key(class: &Class) -> (String, Stack) {
    let name = if *class.component == KERNEL_THREADS { "kernel-threads" } else { class.component.name };
    (name.to_owned(), class.stack)
}

/// An exact decimal of whole ticks.
fn seconds(ticks: Ticks) -> String {
    let Nanos(nanos) = Nanos(ticks.0 * 10_000_000);
    format!("{}.{:02}", nanos / 1_000_000_000, nanos / 10_000_000 % 100)
}

impl Exposition {
    fn add(&mut self, series: &str, value: impl Display) {
        self.lines.push(format!("edgebench_{series} {value}"));
    }

    fn cpu(&mut self, family: &str, labels: &str, cpu: &CpuTotals) {
        for (mode, ticks) in [("user", cpu.user), ("system", cpu.system), ("guest", cpu.guest)] {
            self.add(&format!("{family}{{{labels},mode=\"{mode}\"}}"), seconds(ticks));
        }
    }

    /// The same without the samples that begin so.
    pub fn without(mut self, start: &str) -> Exposition {
        let before = self.lines.len();
        self.lines.retain(|line| !line.starts_with(start));
        assert!(self.lines.len() < before, "there is no {start}");
        self
    }

    /// The same with another value for the samples that begin so.
    pub fn with(mut self, start: &str, value: impl Display) -> Exposition {
        let mut found = false;
        for line in self.lines.iter_mut().filter(|line| line.starts_with(start)) {
            let series = line.rsplit_once(' ').expect("a sample").0;
            *line = format!("{series} {value}");
            found = true;
        }
        assert!(found, "there is no {start}");
        self
    }

    /// The same with a line more.
    pub fn and(mut self, line: &str) -> Exposition {
        self.lines.push(line.to_owned());
        self
    }

    /// In text 0.0.4.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut family = "";
        for line in &self.lines {
            let name = line.split(['{', ' ']).next().expect("a name");
            if name != family {
                let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
                text += &format!("# HELP {name} What it says.\n# TYPE {name} {kind}\n");
                family = name;
            }
            text += line;
            text.push('\n');
        }
        text
    }

    /// In OpenMetrics.
    pub fn openmetrics(&self) -> String {
        let metadata = |line: &str| match line.strip_suffix("_total counter") {
            Some(rest) => format!("{rest} counter\n"),
            None => format!("{line}\n"),
        };
        let text = self.text();
        let lines = text.lines().filter(|line| !line.starts_with("# HELP")).map(metadata);
        lines.chain(["# EOF\n".to_owned()]).collect()
    }
}
