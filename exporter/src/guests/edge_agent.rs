//! edgeAgent's figures of IoT Edge's modules.
//!
//! Three programs have a part in them, each with defects of its own:
//!
//! * aziot-edged measures the host (module `host`). Its unit was wrong in some releases
//!   (edgelet-docker/src/runtime.rs at each tag; Azure/iotedge#6943 mended it in 1.4.10):
//!
//!   | aziot-edged | what it states for a byte | mended by |
//!   |---|---|---|
//!   | 1.2.x | 1000/1024 | × 1024 / 1000 |
//!   | 1.3.0 | 1 | – |
//!   | 1.4.0 to 1.4.8 | 1024/1000 | × 1000 / 1024 |
//!   | 1.4.9 | 1024 | / 1024 |
//!   | 1.4.10 and later, 1.5, 1.6 | 1 | – |
//!
//!   What is used was total − free − buffers − cached − reclaimable slab up to 1.4.8, total − available since.
//! * Docker measures the modules, and the image of edgeAgent takes page cache off: [`ModuleMemory`].
//! * edgeAgent states what it was told last. It asks every `PerformanceMetricsUpdateFrequency` (5 min; 5 s at least), so
//!   a value may be that much older than the scrape. Nothing in an answer says how old: what is known is since when the
//!   values are the same, and that `instance_number` is another one after a restart, when families have no samples
//!   until it asks for the first time. A module that was removed keeps its last values until then.
//!
//! `edgeAgent_used_cpu_percent` is a summary over the last ten minutes: percent of the whole guest, for modules too.

use edgebench_sampler::Bytes;

use super::{IotEdge, Module};
use crate::endpoints::said::whole;
use crate::kubevirt::version::Version;
use crate::scrape_text::{Objection, Sample, Wants};

/// The module that is the guest itself.
pub const HOST: &str = "host";

/// Modules that are kept of an answer: a device runs a dozen.
const MOST_MODULES: usize = 256;

/// The longest name or version that is kept.
const LONGEST: usize = 256;

/// What a module's memory holds beside what it allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleMemory {
    /// Up to 1.5.30: without page cache under cgroup v1; under v2 (Ubuntu 22.04) with all of it, since Docker calls it
    /// by another name there.
    PageCacheUnderV2,
    /// From 1.5.31 on: without the page cache that is not active.
    ActivePageCache,
}

const NAMES: [&str; 4] = [
    "edgeAgent_used_memory_bytes",
    "edgeAgent_total_memory_bytes",
    "edgeAgent_used_cpu_percent",
    "edgeAgent_metadata",
];

/// Takes the samples of one answer.
#[derive(Debug, Default)]
pub struct Hearing {
    edge: IotEdge,
    metadata_seen: bool,
    /// Of each module, which of [`NAMES`] were there.
    seen: Vec<u8>,
}

impl Wants for Hearing {
    fn wants(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }

    fn take(&mut self, sample: &Sample<'_>) -> Result<(), Objection> {
        let text = |label: &str| {
            let text = sample.label(label).map(|value| value.text());
            text.filter(|text| text.len() <= LONGEST).map(|text| text.into_owned())
        };
        let Some(at) = NAMES.iter().position(|name| *name == sample.name) else { return Ok(()) };
        if self.edge.instance.is_none() {
            self.edge.instance = text("instance_number");
        }
        if at == 3 {
            if std::mem::replace(&mut self.metadata_seen, true) {
                return Err(Objection::Duplicate);
            }
            self.edge.version = text("edge_agent_version");
            let host = sample.label("host_information").map(|value| value.text());
            self.edge.daemon_version = host.and_then(|host| daemon_version(&host));
            return Ok(());
        }
        // Of the CPU's quantiles the median; sum and count have other names.
        if at == 2 && sample.label("quantile").is_none_or(|quantile| quantile.text() != "0.5") {
            return Ok(());
        }
        let Some(name) = text("module_name") else { return Ok(()) };
        let place = match self.edge.modules.iter().position(|module| module.name == name) {
            Some(place) => place,
            None if self.edge.modules.len() >= MOST_MODULES => return Err(Objection::TooMany),
            None => {
                self.edge.modules.push(Module { name, ..Module::default() });
                self.seen.push(0);
                self.seen.len() - 1
            }
        };
        if self.seen[place] & 1 << at != 0 {
            return Err(Objection::Duplicate);
        }
        self.seen[place] |= 1 << at;
        let module = &mut self.edge.modules[place];
        match at {
            0 => module.memory = whole(sample.value).map(Bytes),
            1 => module.total = whole(sample.value).map(Bytes),
            // NaN where nothing was observed for ten minutes.
            _ => {
                module.cpu_percent =
                    Some(sample.value.real()).filter(|value| value.is_finite() && *value >= 0.0)
            }
        }
        Ok(())
    }
}

impl Hearing {
    /// What was said, units mended. `before` is what the scrape before gave.
    pub fn finish(self, read_at: f64, before: Option<&IotEdge>) -> IotEdge {
        let mut edge = self.edge;
        edge.modules.sort_by(|a, b| a.name.cmp(&b.name));
        // An image without a word on the host is of a release that has the same number.
        let daemon = edge.daemon_version.as_deref().or(edge.version.as_deref()).and_then(version);
        for module in edge.modules.iter_mut().filter(|module| module.name == HOST) {
            let mend = |stated: Bytes| mended(stated, daemon);
            module.memory = module.memory.and_then(mend);
            module.total = module.total.and_then(mend);
        }
        edge.module_memory = edge.version.as_deref().and_then(version).map(|image| match image {
            image if image >= Version::new(1, 5, 31) => ModuleMemory::ActivePageCache,
            _ => ModuleMemory::PageCacheUnderV2,
        });
        edge.read_at = read_at;
        let same = before.filter(|before| before.modules == edge.modules && before.instance == edge.instance);
        edge.changed_at = same.map_or(read_at, |before| before.changed_at);
        edge
    }
}

/// Memory of the host; nothing where the release, and so the unit, is not known.
fn mended(stated: Bytes, daemon: Option<Version>) -> Option<Bytes> {
    let daemon = daemon?;
    let since = |minor, patch| daemon >= Version::new(1, minor, patch);
    let (times, over) = match () {
        () if since(4, 10) => (1, 1),
        () if since(4, 9) => (1, 1024),
        () if since(4, 0) => (1000, 1024),
        () if since(3, 0) => (1, 1),
        () if since(2, 0) => (1024, 1000),
        // 1.0 and 1.1 were not looked at.
        () => return None,
    };
    (u128::from(stated.0) * times / over).try_into().ok().map(Bytes)
}

/// `1.4.10 (8e21b9bb…)`, `1.0.10~rc2`: as an image and as a package call themselves. A candidate has what its release has.
fn version(text: &str) -> Option<Version> {
    let number = text.trim().split([' ', '~', '-']).next()?;
    Version::parse(number)
}

/// `Version` of `host_information`, a JSON object in which there are `ServerVersion` and `KernelVersion` too.
fn daemon_version(json: &str) -> Option<String> {
    let (_, rest) = json.split_once("\"Version\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (version, _) = rest.split_once('"')?;
    (version.len() <= LONGEST && !version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests;
