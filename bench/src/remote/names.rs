//! The families and labels of edgebench-exporter that are read here: whoever renames one there renames it in
//! one line here.

/// Its own version.
pub const BUILD_INFO: &str = "edgebench_build_info";
/// When the reading behind a scrape was taken.
pub const READING_TIMESTAMP: &str = "edgebench_reading_timestamp_seconds";
/// When the exporter started: of every client library.
pub const PROCESS_START: &str = "process_start_time_seconds";
/// Names of KubeVirt's or CDI's outside of any pod.
pub const NAMES_OUTSIDE_PODS: &str = "edgebench_discovery_names_outside_pods";

/// CPU time of the node, by mode.
pub const NODE_CPU: &str = "edgebench_node_cpu_seconds_total";
/// The step that gives it: `--no-collector.NAME` takes it away.
pub const CPU_COLLECTOR: &str = "cpu";
/// MemTotal.
pub const NODE_MEMORY_TOTAL: &str = "edgebench_node_memory_total_bytes";
/// RAM used by sar's formula.
pub const NODE_MEMORY_USED: &str = "edgebench_node_memory_used_bytes";
/// MemTotal − MemAvailable.
pub const NODE_MEMORY_UNAVAILABLE: &str = "edgebench_node_memory_unavailable_bytes";
/// AnonPages.
pub const NODE_MEMORY_ANONYMOUS: &str = "edgebench_node_memory_anonymous_bytes";
/// Hugetlb pages handed out.
pub const NODE_MEMORY_HUGETLB_USED: &str = "edgebench_node_memory_hugetlb_used_bytes";
/// What belongs to the kernel, by kind.
pub const NODE_MEMORY_KERNEL: &str = "edgebench_node_memory_kernel_bytes";
/// The kind that is split over processes.
pub const PAGE_TABLES: &str = "page_tables";
/// The step that gives them.
pub const MEMORY_COLLECTOR: &str = "memory";
/// Pressure; there is no figure of it in a report, only whether the kernel has it.
pub const NODE_PRESSURE: &str = "edgebench_node_pressure_waiting_seconds_total";

/// CPU time of a component, by mode.
pub const COMPONENT_CPU: &str = "edgebench_component_cpu_seconds_total";
/// Its processes.
pub const COMPONENT_PROCESSES: &str = "edgebench_component_processes";
/// Their threads.
pub const COMPONENT_THREADS: &str = "edgebench_component_threads";
/// RES.
pub const COMPONENT_RESIDENT: &str = "edgebench_component_resident_memory_bytes";
/// RssAnon.
pub const COMPONENT_ANONYMOUS: &str = "edgebench_component_anonymous_memory_bytes";
/// VmSwap.
pub const COMPONENT_SWAP: &str = "edgebench_component_swap_bytes";
/// VmPTE.
pub const COMPONENT_PAGE_TABLES: &str = "edgebench_component_page_tables_bytes";
/// PSS with the share of hugetlb pages.
pub const COMPONENT_PROPORTIONAL: &str = "edgebench_component_proportional_memory_bytes";
/// Pss_Anon.
pub const COMPONENT_PROPORTIONAL_ANONYMOUS: &str = "edgebench_component_proportional_anonymous_memory_bytes";
/// How long ago the oldest part of the two was read.
pub const COMPONENT_PROPORTIONAL_AGE: &str = "edgebench_component_proportional_memory_age_seconds";
/// How long ago the oldest figure of the row was read.
pub const COMPONENT_AGE: &str = "edgebench_component_age_seconds";
/// The step that gives components.
pub const COMPONENT_COLLECTOR: &str = "component";
/// The component that is a VM's hypervisor.
pub const EMULATOR: &str = "qemu-kvm";
/// The component of processes that no reading saw.
pub const EXITED: &str = "exited";
/// The component of threads of the kernel, by another name than in the component table.
pub const KERNEL_THREADS: &str = "kernel-threads";

/// Identity of a VM.
pub const VMI_INFO: &str = "edgebench_vmi_info";
/// vCPUs at start.
pub const VMI_VCPUS: &str = "edgebench_vmi_vcpus";
/// Guest RAM as qemu was told.
pub const VMI_GUEST_SIZE: &str = "edgebench_vmi_guest_memory_size_bytes";
/// Guest RAM as the node holds it.
pub const VMI_GUEST_RESIDENT: &str = "edgebench_vmi_guest_memory_resident_bytes";
/// The same, proportional.
pub const VMI_GUEST_PROPORTIONAL: &str = "edgebench_vmi_guest_memory_proportional_bytes";
/// How long ago it was read.
pub const VMI_GUEST_AGE: &str = "edgebench_vmi_guest_memory_age_seconds";
/// What the node pays beyond the guest.
pub const VMI_OVERHEAD: &str = "edgebench_vmi_memory_overhead_bytes";
/// Working set of `compute`.
pub const VMI_WORKING_SET: &str = "edgebench_vmi_pod_working_set_bytes";
/// Its limit, where there is one.
pub const VMI_LIMIT: &str = "edgebench_vmi_pod_memory_limit_bytes";
/// Its processes that the kernel killed for memory.
pub const VMI_OOM_KILLS: &str = "edgebench_vmi_pod_oom_kills_total";
/// RES by component.
pub const VMI_COMPONENT_RESIDENT: &str = "edgebench_vmi_component_resident_memory_bytes";
/// RssAnon by component.
pub const VMI_COMPONENT_ANONYMOUS: &str = "edgebench_vmi_component_anonymous_memory_bytes";
/// CPU time of the pod, by mode.
pub const VMI_CPU: &str = "edgebench_vmi_cpu_seconds_total";
/// Its mode for what the guest ran.
pub const GUEST: &str = "guest";
/// Its mode for everything else in the pod.
pub const OVERHEAD: &str = "overhead";
/// Its mode where the two can't be told apart.
pub const UNSPLIT: &str = "unsplit";

/// PSS of the whole pod.
pub const VMI_POD_PROPORTIONAL: &str = "edgebench_vmi_pod_proportional_memory_bytes";
/// What `compute` requests.
pub const VMI_REQUEST: &str = "edgebench_vmi_pod_memory_request_bytes";
/// What KubeVirt reserves, by source.
pub const VMI_RESERVED: &str = "edgebench_vmi_memory_overhead_reserved_bytes";
/// RES of qemu by virt-handler's word.
pub const VMI_REPORTED_RESIDENT: &str = "edgebench_vmi_reported_resident_memory_bytes";
/// Memory that the guest uses, by source.
pub const VMI_GUEST_USED: &str = "edgebench_vmi_guest_memory_used_bytes";
/// Memory that the guest has, by source.
pub const VMI_GUEST_TOTAL: &str = "edgebench_vmi_guest_memory_total_bytes";
/// How long ago the source was asked.
pub const VMI_GUEST_REPORTED_AGE: &str = "edgebench_vmi_guest_reported_age_seconds";
/// Memory of a module of IoT Edge.
pub const MODULE_MEMORY: &str = "edgebench_guest_module_memory_bytes";
/// How long ago edgeAgent was asked.
pub const MODULE_AGE: &str = "edgebench_guest_module_age_seconds";

/// What runs on the cluster.
pub const INSTALLATION: &str = "edgebench_installation_info";
/// Replicas wanted.
pub const REPLICAS: &str = "edgebench_deployment_replicas";
/// Replicas ready.
pub const READY_REPLICAS: &str = "edgebench_deployment_ready_replicas";

/// `user`, `system`, …
pub const MODE: &str = "mode";
/// Kind of kernel memory.
pub const KIND: &str = "kind";
/// Component.
pub const COMPONENT: &str = "component";
/// Stack.
pub const STACK: &str = "stack";
/// Node of a VM.
pub const NODE: &str = "node";
/// Namespace of a VM.
pub const NAMESPACE: &str = "namespace";
/// Name of a VM.
pub const NAME: &str = "name";
/// UID of a VMI.
pub const UID: &str = "uid";
/// UID of its pod.
pub const POD_UID: &str = "pod_uid";
/// Version of the exporter.
pub const VERSION: &str = "version";
/// Name of the pod of a VMI.
pub const VMI_POD: &str = "vmi_pod";
/// Phase of a VMI.
pub const PHASE: &str = "phase";
/// Version that rendered the pod of a VMI.
pub const LAUNCHER_VERSION: &str = "launcher_version";
/// `kubernetes`, `kubevirt`, `cdi`.
pub const PRODUCT: &str = "product";
/// Who says it.
pub const SOURCE: &str = "source";
/// Module of IoT Edge.
pub const MODULE: &str = "module";
