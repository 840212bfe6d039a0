//! The N + 1 scrapes of a measurement.
//!
//! An exporter gives the reading that it has where that is young (200 ms), and a proxy in between may give an
//! old one. Two scrapes of one reading are no sample, so each has to be newer than the one before by the
//! exporter's own clock; one that is not is asked for again for a while. An exporter that started anew counts
//! anew, and behind one name there may be several: then differences mean nothing, and the run ends.

use std::time::{Duration, Instant, SystemTime};

use edgebench_sampler::Nanos;
use edgebench_sampler::host::Host;

use super::client::Client;
use super::exposition;
use super::names::READING_TIMESTAMP;
use super::scrape::{CpuByMode, Exporter, Scrape};
use crate::capture::{CLUSTER_SCHEMA, CaptureFile, End, Header, REMOTE_SCHEMA, Record, Sink};
use crate::footprint::Fold;
use crate::measure::{MeasureError, Plan, Readings};

/// How long to wait before asking for a newer reading.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes the readings of one capture through an exporter.
pub struct RemoteRecorder<'a> {
    client: &'a Client,
    plan: &'a Plan,
    fold: &'a mut Fold,
    file: Option<&'a mut CaptureFile>,
    first: Option<Nanos>,
    last: Option<Scrape>,
    /// Whether the header says that the cluster is in it.
    clustered: bool,
    readings: u64,
    records: u64,
}

impl<'a> RemoteRecorder<'a> {
    /// Records go to the figures in `fold`, and to `file` where one is wanted.
    pub fn new(
        client: &'a Client,
        plan: &'a Plan,
        fold: &'a mut Fold,
        file: Option<&'a mut CaptureFile>,
    ) -> RemoteRecorder<'a> {
        RemoteRecorder {
            client,
            plan,
            fold,
            file,
            first: None,
            last: None,
            clustered: false,
            readings: 0,
            records: 0,
        }
    }

    /// A scrape that is newer than the last one.
    fn newer(&self) -> Result<Scrape, MeasureError> {
        let asked = Instant::now();
        loop {
            let answer = self.client.ask()?;
            let scrape =
                exposition::read(&answer.body, answer.format).map_err(|what| self.client.error(what))?;
            let Some(last) = &self.last else { return Ok(scrape) };
            if let Some(what) = broken(last, &scrape) {
                return Err(self.client.error(what).into());
            }
            if scrape.taken > last.taken {
                return Ok(scrape);
            }
            if asked.elapsed() >= self.client.timeout() {
                return Err(self.client.error(stale(last, &scrape, self.client.timeout())).into());
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn header(&self, scrape: &Scrape) -> Header {
        let started = SystemTime::UNIX_EPOCH + Duration::from_nanos(scrape.taken.0);
        Header {
            edgebench_capture: if scrape.cluster.is_some() { CLUSTER_SCHEMA } else { REMOTE_SCHEMA },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            label: self.plan.label.clone(),
            started: humantime::format_rfc3339_seconds(started).to_string(),
            interval_ms: u64::try_from(self.plan.interval.as_millis()).unwrap_or(u64::MAX),
            samples: self.plan.samples,
            proportional: true,
            uid: None,
            clock: None,
            host: Host { hostname: scrape.node_name.clone(), pressure: scrape.pressure, ..Host::default() },
            exporter: Some(Exporter {
                url: self.client.name().to_owned(),
                version: scrape.exporter.version.clone(),
            }),
        }
    }

    fn workload(&mut self) -> Result<(), MeasureError> {
        match self.last.as_ref().map(|last| last.workload.clone()) {
            Some(workload) => self.record(Record::Workload(Box::new(workload))),
            None => Ok(()),
        }
    }

    fn record(&mut self, record: Record) -> Result<(), MeasureError> {
        self.records += 1;
        if let Some(file) = &mut self.file {
            file.append(&record);
        }
        Ok(self.fold.record(record)?)
    }
}

impl Readings for RemoteRecorder<'_> {
    /// What the header says is known with the first scrape.
    fn start(&mut self, _started: SystemTime) -> Result<(), MeasureError> {
        Ok(())
    }

    /// The time of a reading is the exporter's.
    fn reading(&mut self, _at: Duration) -> Result<(), MeasureError> {
        let scrape = self.newer()?;
        let first = match self.first {
            Some(first) => first,
            None => {
                self.first = Some(scrape.taken);
                self.clustered = scrape.cluster.is_some();
                let header = self.header(&scrape);
                self.record(Record::Header(Box::new(header)))?;
                scrape.taken
            }
        };
        let mut node = scrape.node.clone();
        node.at = scrape.taken.0.saturating_sub(first.0);
        self.readings += 1;
        self.last = Some(scrape);
        self.record(Record::Scrape(Box::new(node)))
    }

    fn before(&mut self) -> Result<(), MeasureError> {
        self.workload()
    }

    fn taken(&self) -> u64 {
        self.readings
    }

    fn latest(&self) -> Option<(f64, f64)> {
        self.fold.latest()
    }

    fn end(mut self, interrupted: bool) -> Result<(), MeasureError> {
        self.workload()?;
        // An older reader has been told of it, or it is left out.
        if let Some(cluster) =
            self.last.as_ref().and_then(|last| last.cluster.clone()).filter(|_| self.clustered)
        {
            self.record(Record::Cluster(Box::new(cluster)))?;
        }
        let (readings, lines) = (self.readings, Some(self.records));
        self.record(Record::End(End { interrupted, readings, lines, ..End::default() }))
    }
}

/// Why differences between two scrapes mean nothing, if they do.
fn broken(last: &Scrape, scrape: &Scrape) -> Option<String> {
    const ANEW: &str = "the exporter started anew during the run, or another one answered under this name: measure \
                        again, and name the node itself rather than a service";
    let (then, now) = (&last.exporter, &scrape.exporter);
    if then.start_time.zip(now.start_time).is_some_and(|(then, now)| then != now)
        || then.version != now.version
    {
        return Some(ANEW.to_owned());
    }
    // Older readings may come from a cache.
    if scrape.taken < last.taken {
        return None;
    }
    let less = |then: CpuByMode, now: CpuByMode| {
        now.user < then.user || now.system < then.system || now.guest < then.guest
    };
    let stepped_back = last.workload.components.iter().find(|then| {
        let now = scrape.workload.component(&then.component, then.stack);
        now.is_some_and(|now| less(then.cpu, now.cpu))
    });
    stepped_back.map(|row| {
        format!("the CPU time of {} ({}) stepped back, so {ANEW}", row.component, row.stack.name())
    })
}

fn stale(last: &Scrape, scrape: &Scrape, waited: Duration) -> String {
    let how = match scrape.taken < last.taken {
        true => "is older than the one before",
        false => "is the one before",
    };
    format!(
        "its reading {how} after {waited:?} of asking again ({READING_TIMESTAMP} does not go on): does a cache or a \
         proxy stand in between?"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::scrape::{About, ComponentScrape, NodeScrape, Workload};
    use edgebench_sampler::component::Stack;

    fn scrape(taken: u64, user: u64, start_time: f64) -> Scrape {
        let row = ComponentScrape {
            component: "virt-handler".into(),
            stack: Stack::Kubevirt,
            cpu: CpuByMode { user: Nanos(user), ..CpuByMode::default() },
            processes: None,
            threads: None,
            resident: None,
            anonymous: None,
            swap: None,
            page_tables: None,
            proportional: None,
            proportional_anonymous: None,
            proportional_age: None,
            age: None,
        };
        Scrape {
            taken: Nanos(taken),
            exporter: About { version: "1".into(), start_time: Some(start_time) },
            node_name: None,
            pressure: false,
            node: NodeScrape::default(),
            workload: Workload { components: vec![row], ..Workload::default() },
            cluster: None,
        }
    }

    #[test]
    fn an_exporter_that_goes_on_is_the_same() {
        assert_eq!(broken(&scrape(1, 5, 7.25), &scrape(2, 5, 7.25)), None);
    }

    #[test]
    fn another_start_is_another_exporter() {
        let what = broken(&scrape(1, 5, 7.25), &scrape(2, 5, 7.5)).unwrap();
        assert!(what.contains("started anew"), "{what}");
    }

    #[test]
    fn a_counter_that_steps_back_names_its_component() {
        let what = broken(&scrape(1, 5, 7.25), &scrape(2, 4, 7.25)).unwrap();
        assert!(what.contains("virt-handler (kubevirt)"), "{what}");
    }

    #[test]
    fn an_older_reading_may_have_smaller_counters() {
        assert_eq!(broken(&scrape(2, 5, 7.25), &scrape(1, 4, 7.25)), None);
    }
}
