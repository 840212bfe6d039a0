//! The families that are read are those of the exporter's own table, written by its own writer.

use edgebench::remote::exposition::read;
use edgebench::remote::names::*;
use edgebench::remote::scrape::{CpuByMode, VmScrape};
use edgebench_exporter::exposition::{Format, write};
use edgebench_exporter::families::table::OF_VIEW;
use edgebench_exporter::scrape_text;
use edgebench_exporter::view::{View, VmCpu, example};
use edgebench_sampler::{Bytes, Nanos};

/// Every family that is read, with the step that gives it where an error names that.
const READ: [(&str, Option<&str>, &[&str]); 36] = [
    (BUILD_INFO, None, &[VERSION]),
    (READING_TIMESTAMP, None, &[]),
    (PROCESS_START, None, &[]),
    (NAMES_OUTSIDE_PODS, None, &[]),
    (NODE_CPU, Some(CPU_COLLECTOR), &[MODE]),
    (NODE_MEMORY_TOTAL, Some(MEMORY_COLLECTOR), &[]),
    (NODE_MEMORY_USED, Some(MEMORY_COLLECTOR), &[]),
    (NODE_MEMORY_UNAVAILABLE, Some(MEMORY_COLLECTOR), &[]),
    (NODE_MEMORY_ANONYMOUS, Some(MEMORY_COLLECTOR), &[]),
    (NODE_MEMORY_HUGETLB_USED, Some(MEMORY_COLLECTOR), &[]),
    (NODE_MEMORY_KERNEL, Some(MEMORY_COLLECTOR), &[KIND]),
    (NODE_PRESSURE, None, &[]),
    (COMPONENT_CPU, Some(COMPONENT_COLLECTOR), &[COMPONENT, STACK, MODE]),
    (COMPONENT_PROCESSES, None, &[COMPONENT, STACK]),
    (COMPONENT_THREADS, None, &[COMPONENT, STACK]),
    (COMPONENT_RESIDENT, None, &[COMPONENT, STACK]),
    (COMPONENT_ANONYMOUS, None, &[COMPONENT, STACK]),
    (COMPONENT_SWAP, None, &[COMPONENT, STACK]),
    (COMPONENT_PAGE_TABLES, None, &[COMPONENT, STACK]),
    (COMPONENT_PROPORTIONAL, None, &[COMPONENT, STACK]),
    (COMPONENT_PROPORTIONAL_ANONYMOUS, None, &[COMPONENT, STACK]),
    (COMPONENT_PROPORTIONAL_AGE, None, &[COMPONENT, STACK]),
    (COMPONENT_AGE, None, &[COMPONENT, STACK]),
    (VMI_INFO, None, &[NODE, NAMESPACE, NAME, UID, POD_UID]),
    (VMI_VCPUS, None, &[NODE, NAMESPACE, NAME]),
    (VMI_GUEST_SIZE, None, &[NODE, NAMESPACE, NAME]),
    (VMI_GUEST_RESIDENT, None, &[NODE, NAMESPACE, NAME]),
    (VMI_GUEST_PROPORTIONAL, None, &[NODE, NAMESPACE, NAME]),
    (VMI_GUEST_AGE, None, &[NODE, NAMESPACE, NAME]),
    (VMI_OVERHEAD, None, &[NODE, NAMESPACE, NAME]),
    (VMI_WORKING_SET, None, &[NODE, NAMESPACE, NAME]),
    (VMI_LIMIT, None, &[NODE, NAMESPACE, NAME]),
    (VMI_OOM_KILLS, None, &[NODE, NAMESPACE, NAME]),
    (VMI_COMPONENT_RESIDENT, None, &[NODE, NAMESPACE, NAME, COMPONENT]),
    (VMI_COMPONENT_ANONYMOUS, None, &[NODE, NAMESPACE, NAME, COMPONENT]),
    (VMI_CPU, None, &[NODE, NAMESPACE, NAME, MODE]),
];

#[test]
fn every_family_that_is_read_is_in_the_exporters_table() {
    for (name, collector, labels) in READ {
        let family = OF_VIEW.iter().find(|family| family.name == name);
        let family = family.unwrap_or_else(|| panic!("the exporter has no {name}"));
        assert!(collector.is_none_or(|collector| collector == family.collector), "{name}");
        for label in labels {
            assert!(family.labels.contains(label), "{name} has no label {label}");
        }
    }
}

/// The example view as it is read back.
fn through(view: &View, format: Format) -> edgebench::remote::scrape::Scrape {
    let mut text = Vec::new();
    write(view, &[], format, &mut text);
    let format = match format {
        Format::Text => scrape_text::Format::Text,
        Format::OpenMetrics => scrape_text::Format::OpenMetrics,
    };
    read(&text, format).unwrap()
}

#[test]
fn what_the_exporter_writes_is_read_to_the_last_digit() {
    let view = example::node(3);
    for format in [Format::Text, Format::OpenMetrics] {
        let scrape = through(&view, format);
        assert_eq!(scrape.taken, Nanos((view.taken * 1e3) as u64 * 1_000_000));
        assert_eq!(scrape.exporter.version, edgebench_exporter::version::VERSION);
        assert!(scrape.exporter.start_time.is_some() && scrape.pressure);
        assert_eq!(scrape.node_name.as_deref(), Some(view.vms[0].node.as_str()));
        assert_eq!(scrape.workload.names_outside_pods, Some(view.discovery.names_outside_pods));

        let (cpu, theirs) = (scrape.node.cpu, view.node_cpu.unwrap());
        assert_eq!((cpu.user, cpu.nice, cpu.system), (theirs.user, theirs.nice, theirs.system));
        assert_eq!((cpu.iowait, cpu.steal, cpu.idle), (theirs.iowait, theirs.steal, theirs.idle));
        assert_eq!((cpu.irq, cpu.softirq), (theirs.irq, theirs.softirq));
        assert_eq!((cpu.guest, cpu.guest_nice), (theirs.guest, theirs.guest_nice));

        let (memory, theirs) = (&scrape.node.memory, view.node_memory.as_ref().unwrap());
        assert_eq!((memory.total, memory.used), (theirs.total, theirs.used));
        assert_eq!(Some(memory.unavailable), theirs.unavailable);
        assert_eq!((memory.anonymous, memory.hugetlb_used), (theirs.anonymous, theirs.hugetlb_used));
        assert_eq!(memory.kernel[PAGE_TABLES], theirs.page_tables.signed());
        assert_eq!(memory.kernel.len(), theirs.kernel.len() + 1);

        assert_eq!(scrape.workload.components.len(), view.components.len());
        for theirs in &view.components {
            let ours = scrape.workload.component(theirs.component, theirs.stack).unwrap();
            let cpu = CpuByMode { user: theirs.cpu.user, system: theirs.cpu.system, guest: theirs.cpu.guest };
            assert_eq!(ours.cpu, cpu);
            let now = theirs.now.as_ref();
            assert_eq!(ours.processes, now.map(|now| now.processes));
            assert_eq!(ours.threads, now.map(|now| now.threads));
            assert_eq!(ours.resident, now.map(|now| now.resident));
            assert_eq!(ours.anonymous, now.map(|now| now.anonymous));
            assert_eq!(ours.swap, now.map(|now| now.swap));
            assert_eq!(ours.page_tables, now.map(|now| now.page_tables));
            assert_eq!(ours.age, now.map(|now| now.age));
            let proportional = now.and_then(|now| now.proportional);
            assert_eq!(ours.proportional, proportional.map(|proportional| proportional.pss));
            assert_eq!(
                ours.proportional_anonymous,
                proportional.and_then(|proportional| proportional.anonymous)
            );
            assert_eq!(ours.proportional_age, proportional.map(|proportional| proportional.age));
        }
        assert_eq!(scrape.workload.vms.len(), view.vms.len());
        for (ours, theirs) in scrape.workload.vms.iter().zip(&view.vms) {
            same_vm(ours, theirs);
        }
    }
}

fn same_vm(ours: &VmScrape, theirs: &edgebench_exporter::view::VmFigures) {
    assert_eq!((&ours.vm.namespace, &ours.vm.name), (&theirs.namespace, &theirs.name));
    assert_eq!((&ours.uid, &ours.pod_uid), (&theirs.uid, &theirs.pod_uid));
    assert_eq!(ours.vcpus.map(u64::from), theirs.vcpus);
    assert_eq!(ours.guest_size, theirs.guest_size);
    assert_eq!(ours.guest_resident, theirs.guest.map(|guest| guest.resident));
    assert_eq!(ours.guest_proportional, theirs.guest.map(|guest| guest.proportional));
    assert_eq!(ours.guest_age, theirs.guest.map(|guest| guest.age));
    assert_eq!(ours.overhead, theirs.overhead);
    assert_eq!((ours.working_set, ours.limit), (theirs.working_set, theirs.limit));
    assert_eq!(ours.oom_kills, theirs.oom_kills);
    let cpu = match theirs.cpu {
        VmCpu::Split { guest, overhead } => (Some(guest), Some(overhead), None),
        VmCpu::Whole(whole) => (None, None, Some(whole)),
    };
    assert_eq!((ours.cpu.guest, ours.cpu.overhead, ours.cpu.unsplit), cpu);
    assert_eq!(ours.components.len(), theirs.components.len());
    for component in &theirs.components {
        let row = ours.components[component.component];
        assert_eq!((row.resident, row.anonymous), (Some(component.resident), Some(component.anonymous)));
    }
    assert_ne!(ours.guest_size, Some(Bytes::ZERO));
}
