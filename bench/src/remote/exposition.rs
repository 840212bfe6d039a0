//! From the text of an exposition to a [`Scrape`].
//!
//! Families that are not in [`names`] are passed over: a newer exporter has more. One that a report can't do
//! without has to be there, and the error says what switches it off. A series that is there twice is no
//! answer to how much, so it is an error (`promtool check metrics` does not see it).

use std::collections::BTreeMap;

use edgebench_exporter::scrape_text::{Format, Line, Number, Sample, lines};
use edgebench_sampler::component::Stack;
use edgebench_sampler::vm::VmName;
use edgebench_sampler::{Bytes, BytesDelta, Malformed, Nanos};

use super::cluster::ClusterFamilies;
use super::names::{self, *};
use super::scrape::{
    About, ComponentScrape, CpuByMode, NodeCpu, NodeMemory, NodeScrape, Scrape, VmComponent, VmScrape,
    Workload,
};

/// Reads a scrape.
///
/// # Errors
/// Where the text is malformed (the line is named), is not edgebench-exporter's, or lacks what a report can't
/// do without.
pub fn read(text: &[u8], format: Format) -> Result<Scrape, String> {
    let malformed = |error: Malformed| format!("the exposition is malformed: {error}");
    let mut found = Found::default();
    let mut lines = lines(text, format).map_err(malformed)?;
    while let Some(line) = lines.next() {
        if let Line::Sample(sample) = line.map_err(malformed)? {
            found.first.get_or_insert_with(|| sample.name.to_owned());
            found.sample(&sample).map_err(|what| {
                malformed(Malformed::new(lines.number(), format!("{} {what}", sample.name)))
            })?;
        }
    }
    found.scrape()
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// Name of the first sample, whosever it is.
    first: Option<String>,
    version: Option<String>,
    taken: Option<Nanos>,
    start_time: Option<f64>,
    pressure: bool,
    cpu: BTreeMap<String, Nanos>,
    memory: BTreeMap<&'static str, i128>,
    kernel: BTreeMap<String, BytesDelta>,
    components: BTreeMap<(String, Stack), Component>,
    /// By node as well: an exporter has the VMs of one.
    vms: BTreeMap<(VmName, String), VmScrape>,
    vm_components: BTreeMap<(VmName, String, String), VmComponent>,
    names_outside_pods: Option<u64>,
    cluster: ClusterFamilies,
}

#[derive(Default)]
struct Component {
    cpu: BTreeMap<String, Nanos>,
    processes: Option<u64>,
    threads: Option<u64>,
    resident: Option<Bytes>,
    anonymous: Option<Bytes>,
    swap: Option<Bytes>,
    page_tables: Option<Bytes>,
    proportional: Option<Bytes>,
    proportional_anonymous: Option<Bytes>,
    proportional_age: Option<f64>,
    age: Option<f64>,
}

type Outcome = Result<(), String>;

impl Found {
    fn sample(&mut self, sample: &Sample<'_>) -> Outcome {
        self.cluster.take(sample)?;
        let value = sample.value;
        match sample.name {
            BUILD_INFO => put(&mut self.version, label(sample, VERSION)?),
            READING_TIMESTAMP => put(&mut self.taken, seconds(value)?),
            PROCESS_START => put(&mut self.start_time, value.real()),
            NAMES_OUTSIDE_PODS => put(&mut self.names_outside_pods, count(value)?),
            NODE_CPU => insert(&mut self.cpu, label(sample, MODE)?, seconds(value)?),
            NODE_MEMORY_TOTAL => insert(&mut self.memory, NODE_MEMORY_TOTAL, whole(value)?),
            NODE_MEMORY_USED => insert(&mut self.memory, NODE_MEMORY_USED, whole(value)?),
            NODE_MEMORY_UNAVAILABLE => insert(&mut self.memory, NODE_MEMORY_UNAVAILABLE, whole(value)?),
            NODE_MEMORY_ANONYMOUS => insert(&mut self.memory, NODE_MEMORY_ANONYMOUS, whole(value)?),
            NODE_MEMORY_HUGETLB_USED => insert(&mut self.memory, NODE_MEMORY_HUGETLB_USED, whole(value)?),
            NODE_MEMORY_KERNEL => insert(&mut self.kernel, label(sample, KIND)?, signed(value)?),
            NODE_PRESSURE => {
                self.pressure = true;
                Ok(())
            }
            COMPONENT_CPU => {
                let (mode, cpu) = (label(sample, MODE)?, seconds(value)?);
                insert(&mut self.component(sample)?.cpu, mode, cpu)
            }
            COMPONENT_PROCESSES => put(&mut self.component(sample)?.processes, count(value)?),
            COMPONENT_THREADS => put(&mut self.component(sample)?.threads, count(value)?),
            COMPONENT_RESIDENT => put(&mut self.component(sample)?.resident, bytes(value)?),
            COMPONENT_ANONYMOUS => put(&mut self.component(sample)?.anonymous, bytes(value)?),
            COMPONENT_SWAP => put(&mut self.component(sample)?.swap, bytes(value)?),
            COMPONENT_PAGE_TABLES => put(&mut self.component(sample)?.page_tables, bytes(value)?),
            COMPONENT_PROPORTIONAL => put(&mut self.component(sample)?.proportional, bytes(value)?),
            COMPONENT_PROPORTIONAL_ANONYMOUS => {
                put(&mut self.component(sample)?.proportional_anonymous, bytes(value)?)
            }
            COMPONENT_PROPORTIONAL_AGE => put(&mut self.component(sample)?.proportional_age, age(value)?),
            COMPONENT_AGE => put(&mut self.component(sample)?.age, age(value)?),
            name if name.starts_with("edgebench_vmi_") => self.vm_sample(sample),
            _ => Ok(()),
        }
    }

    fn vm_sample(&mut self, sample: &Sample<'_>) -> Outcome {
        let value = sample.value;
        match sample.name {
            VMI_INFO => {
                let said = |name| sample.label(name).map(|said| said.text().into_owned());
                let vm = self.vm(sample)?;
                vm.uid = said(UID).filter(|uid| !uid.is_empty());
                vm.pod_uid = said(POD_UID).filter(|uid| !uid.is_empty());
                Ok(())
            }
            VMI_VCPUS => {
                put(&mut self.vm(sample)?.vcpus, u32::try_from(count(value)?).map_err(|_| NO_COUNT)?)
            }
            VMI_GUEST_SIZE => put(&mut self.vm(sample)?.guest_size, bytes(value)?),
            VMI_GUEST_RESIDENT => put(&mut self.vm(sample)?.guest_resident, bytes(value)?),
            VMI_GUEST_PROPORTIONAL => put(&mut self.vm(sample)?.guest_proportional, bytes(value)?),
            VMI_GUEST_AGE => put(&mut self.vm(sample)?.guest_age, age(value)?),
            VMI_POD_PROPORTIONAL => put(&mut self.vm(sample)?.pod_proportional, bytes(value)?),
            VMI_OVERHEAD => put(&mut self.vm(sample)?.overhead, signed(value)?),
            VMI_WORKING_SET => put(&mut self.vm(sample)?.working_set, bytes(value)?),
            VMI_LIMIT => put(&mut self.vm(sample)?.limit, bytes(value)?),
            VMI_OOM_KILLS => put(&mut self.vm(sample)?.oom_kills, count(value)?),
            VMI_COMPONENT_RESIDENT => put(&mut self.vm_component(sample)?.resident, bytes(value)?),
            VMI_COMPONENT_ANONYMOUS => put(&mut self.vm_component(sample)?.anonymous, bytes(value)?),
            VMI_CPU => {
                let (mode, cpu) = (label(sample, MODE)?, seconds(value)?);
                let vm = &mut self.vm(sample)?.cpu;
                match mode.as_str() {
                    GUEST => put(&mut vm.guest, cpu),
                    OVERHEAD => put(&mut vm.overhead, cpu),
                    UNSPLIT => put(&mut vm.unsplit, cpu),
                    _ => Err(format!("has the mode {mode}, which this edgebench does not know")),
                }
            }
            _ => Ok(()),
        }
    }

    fn component(&mut self, sample: &Sample<'_>) -> Result<&mut Component, String> {
        let stack = label(sample, STACK)?;
        let stack = stack_by_name(&stack)
            .ok_or_else(|| format!("has the stack {stack}, which this edgebench does not know"))?;
        Ok(self.components.entry((label(sample, COMPONENT)?, stack)).or_default())
    }

    fn vm(&mut self, sample: &Sample<'_>) -> Result<&mut VmScrape, String> {
        let (vm, node) = vm_of(sample)?;
        let row = self.vms.entry((vm, node));
        Ok(row.or_insert_with_key(|(vm, _)| VmScrape { vm: vm.clone(), ..VmScrape::default() }))
    }

    fn vm_component(&mut self, sample: &Sample<'_>) -> Result<&mut VmComponent, String> {
        let (vm, node) = vm_of(sample)?;
        Ok(self.vm_components.entry((vm, node, label(sample, COMPONENT)?)).or_default())
    }

    fn scrape(mut self) -> Result<Scrape, String> {
        let Some(version) = self.version.take() else { return Err(foreign(self.first.as_deref())) };
        let taken = self.taken.ok_or_else(|| {
            format!("its exposition has no {READING_TIMESTAMP}, so what it says can't be dated: it takes a newer exporter")
        })?;
        let node = NodeScrape { at: 0, cpu: self.node_cpu()?, memory: self.node_memory()? };
        if self.components.values().all(|row| row.cpu.is_empty()) {
            return Err(missing(COMPONENT_CPU, COMPONENT_COLLECTOR));
        }
        for ((vm, node, component), figures) in self.vm_components {
            if let Some(row) = self.vms.get_mut(&(vm, node)) {
                row.components.insert(component, figures);
            }
        }
        let node_name = self.vms.keys().map(|(_, node)| node.clone()).find(|node| !node.is_empty());
        Ok(Scrape {
            taken,
            exporter: About { version, start_time: self.start_time },
            node_name,
            pressure: self.pressure,
            node,
            cluster: self.cluster.record(),
            workload: Workload {
                components: self.components.into_iter().map(|(key, row)| row.of(key)).collect(),
                vms: self.vms.into_values().collect(),
                names_outside_pods: self.names_outside_pods,
            },
        })
    }

    fn node_cpu(&self) -> Result<NodeCpu, String> {
        if self.cpu.is_empty() {
            return Err(missing(NODE_CPU, CPU_COLLECTOR));
        }
        let mode = |name: &str| {
            self.cpu.get(name).copied().ok_or_else(|| format!("its {NODE_CPU} has no {MODE} {name}"))
        };
        Ok(NodeCpu {
            user: mode("user")?,
            nice: mode("nice")?,
            system: mode("system")?,
            iowait: mode("iowait")?,
            steal: mode("steal")?,
            irq: mode("irq")?,
            softirq: mode("softirq")?,
            guest: mode("guest")?,
            guest_nice: mode("guest_nice")?,
            idle: mode("idle")?,
        })
    }

    fn node_memory(&self) -> Result<NodeMemory, String> {
        let of = |name: &'static str| {
            self.memory.get(name).copied().ok_or_else(|| missing(name, MEMORY_COLLECTOR))
        };
        let bytes = |name| u64::try_from(of(name)?).map(Bytes).map_err(|_| format!("its {name} {NO_SIZE}"));
        let signed =
            |name| i64::try_from(of(name)?).map(BytesDelta).map_err(|_| format!("its {name} {NO_SIZE}"));
        Ok(NodeMemory {
            total: bytes(NODE_MEMORY_TOTAL)?,
            used: signed(NODE_MEMORY_USED)?,
            unavailable: signed(NODE_MEMORY_UNAVAILABLE)?,
            anonymous: bytes(NODE_MEMORY_ANONYMOUS)?,
            hugetlb_used: bytes(NODE_MEMORY_HUGETLB_USED)?,
            kernel: self.kernel.clone(),
        })
    }
}

impl Component {
    fn of(self, (component, stack): (String, Stack)) -> ComponentScrape {
        // A component that never ran a guest need not have the mode.
        let mode = |name: &str| self.cpu.get(name).copied().unwrap_or_default();
        ComponentScrape {
            component,
            stack,
            cpu: CpuByMode { user: mode("user"), system: mode("system"), guest: mode("guest") },
            processes: self.processes,
            threads: self.threads,
            resident: self.resident,
            anonymous: self.anonymous,
            swap: self.swap,
            page_tables: self.page_tables,
            proportional: self.proportional,
            proportional_anonymous: self.proportional_anonymous,
            proportional_age: self.proportional_age,
            age: self.age,
        }
    }
}

fn missing(family: &str, collector: &str) -> String {
    format!("its exposition has no {family}: start the exporter without --no-collector.{collector}")
}

/// Whose metrics these are, as far as the first one says.
fn foreign(first: Option<&str>) -> String {
    let whose = match first {
        None => "it has no metrics at all".to_owned(),
        Some(name) if name.starts_with("node_") => "these are metrics of node_exporter".to_owned(),
        Some(name) if name.starts_with("namedprocess_") => "these are metrics of process-exporter".to_owned(),
        Some(name) => format!("its first metric is {name}"),
    };
    format!("this is no edgebench-exporter: there is no {BUILD_INFO}; {whose}")
}

fn stack_by_name(name: &str) -> Option<Stack> {
    use Stack::*;
    [Kubevirt, Cdi, VmPod, Kubernetes, Edgebench, Other].into_iter().find(|stack| stack.name() == name)
}

pub(super) fn vm_of(sample: &Sample<'_>) -> Result<(VmName, String), String> {
    let name = VmName { namespace: label(sample, NAMESPACE)?, name: label(sample, NAME)? };
    Ok((name, label(sample, names::NODE)?))
}

pub(super) fn label(sample: &Sample<'_>, name: &str) -> Result<String, String> {
    sample.label(name).map(|value| value.text().into_owned()).ok_or_else(|| format!("has no label {name}"))
}

const TWICE: &str = "is there twice";
const NO_SIZE: &str = "is no size";
const NO_COUNT: &str = "is no count";

fn put<T>(slot: &mut Option<T>, value: T) -> Outcome {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(TWICE.to_owned()),
    }
}

fn insert<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) -> Outcome {
    match map.insert(key, value) {
        None => Ok(()),
        Some(_) => Err(TWICE.to_owned()),
    }
}

fn seconds(value: Number<'_>) -> Result<Nanos, String> {
    let nanos = value.scaled(9).and_then(|nanos| u64::try_from(nanos).ok());
    nanos.map(Nanos).ok_or_else(|| "is no time".to_owned())
}

fn whole(value: Number<'_>) -> Result<i128, String> {
    value.scaled(0).ok_or_else(|| NO_SIZE.to_owned())
}

pub(super) fn bytes(value: Number<'_>) -> Result<Bytes, String> {
    u64::try_from(whole(value)?).map(Bytes).map_err(|_| NO_SIZE.to_owned())
}

fn signed(value: Number<'_>) -> Result<BytesDelta, String> {
    i64::try_from(whole(value)?).map(BytesDelta).map_err(|_| NO_SIZE.to_owned())
}

pub(super) fn count(value: Number<'_>) -> Result<u64, String> {
    value.scaled(0).and_then(|count| u64::try_from(count).ok()).ok_or_else(|| NO_COUNT.to_owned())
}

pub(super) fn age(value: Number<'_>) -> Result<f64, String> {
    let seconds = value.real();
    if seconds >= 0.0 && seconds.is_finite() { Ok(seconds) } else { Err("is no age".to_owned()) }
}
