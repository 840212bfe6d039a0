//! Whether two captures are of one machine, set up the same way: if not, a difference between them is not
//! KubeVirt's alone.

use crate::footprint::Footprint;

/// A way in which two captures differ besides what they were taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs.
    pub what: &'static str,
    /// In the baseline.
    pub baseline: String,
    /// In the capture.
    pub capture: String,
    /// What that does to the result.
    pub effect: &'static str,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} before, {} now: {}", self.what, self.baseline, self.capture, self.effect)
    }
}

/// All the ways in which `capture` was not taken on the machine of `baseline`.
pub fn mismatches(baseline: &Footprint, capture: &Footprint) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut compare = |what, a: Option<String>, b: Option<String>, effect| {
        // What one side does not know can't differ.
        if let (Some(baseline), Some(capture)) = (a, b)
            && baseline != capture
        {
            found.push(Mismatch { what, baseline, capture, effect });
        }
    };
    let (a, b) = (&baseline.host, &capture.host);
    compare("node name", a.hostname.clone(), b.hostname.clone(), "these may be two machines");
    compare(
        "memory",
        Some(format!("{} KiB", baseline.node.memory_total.kib())),
        Some(format!("{} KiB", capture.node.memory_total.kib())),
        "percentages are of different sizes, and so is what the kernel keeps for itself",
    );
    compare("CPU model", a.cpu_model.clone(), b.cpu_model.clone(), "CPU figures are not of one kind");
    // Through an exporter the number of CPUs is an estimate.
    let cpus =
        |footprint: &Footprint| footprint.capture.exporter.is_none().then(|| footprint.node.cpus.to_string());
    compare("CPUs", cpus(baseline), cpus(capture), "100 % is another amount of CPU");
    compare("kernel", a.kernel.clone(), b.kernel.clone(), "the difference is KubeVirt's and the kernel's");
    compare("operating system", a.os.clone(), b.os.clone(), "the difference is KubeVirt's and the system's");
    compare(
        "swap",
        baseline.node.swap_total.map(|total| format!("{} KiB", total.kib())),
        capture.node.swap_total.map(|total| format!("{} KiB", total.kib())),
        "memory that was swapped out is not in RAM used",
    );
    compare(
        "transparent hugepages",
        a.transparent_hugepages.clone(),
        b.transparent_hugepages.clone(),
        "the same programs take another amount of memory",
    );
    compare(
        "PSS",
        Some(readability(baseline).to_owned()),
        Some(readability(capture).to_owned()),
        "anonymous memory is split by two measures, so single parts may be off; their sum is not",
    );
    found
}

fn readability(footprint: &Footprint) -> &'static str {
    if footprint.remarks.scrape.as_ref().is_some_and(|scrape| !scrape.without_proportional.is_empty()) {
        return "read for some";
    }
    match (footprint.capture.proportional, footprint.remarks.resident_for_proportional) {
        (false, _) => "not read",
        (true, 0) => "readable",
        (true, _) => "denied for some",
    }
}
