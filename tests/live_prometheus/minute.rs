//! A minute of scrapes, one a second, in both formats.

use std::io::Read;
use std::time::{Duration, Instant, SystemTime};

use edgebench_tests::StandIn;
use edgebench_tests::exporter::Exporter;
use edgebench_tests::exposition::Exposition;
use edgebench_tests::http::{self, Message};
use edgebench_tests::prometheus::{Job, Prometheus, Sample, promtool_check_metrics};
use edgebench_tests::relay::Relay;

const SCRAPES: u32 = 60;

/// How long after the moment that a reading names a process is read at the latest. A second of a busy machine;
/// the stand-in's clock advances by three ticks in it.
const READING: f64 = 1.0;

/// Idle, busy, and one of two processes. Nothing else on a test machine has these names.
const IDLE: &str = "virt-exportserver";
const BUSY: &str = "cdi-uploadserver";

#[test]
#[ignore = "live: runs Prometheus for a minute"]
fn its_queries_return_what_proc_says_in_both_formats() {
    let dir = tempfile::tempdir().unwrap();
    let idle = StandIn::start(dir.path(), IDLE, 60_000, 0.0, &[]);
    let busy = [40_000, 50_000].map(|kib| StandIn::start(dir.path(), BUSY, kib, 3.0, &[]));
    let exporter = Exporter::start(&[]);
    let formats = [
        ("openmetrics", "application/openmetrics-text; version=1.0.0; charset=utf-8", None),
        ("text", "text/plain; version=0.0.4; charset=utf-8", Some("text/plain;version=0.0.4")),
    ];
    let relays = formats.map(|(_, _, accept)| Relay::start(exporter.address, accept));
    let jobs = [0, 1].map(|at| Job::new(formats[at].0, relays[at].address));
    let mut seen = Vec::new();
    let mut look = || {
        seen.push((unix_now(), busy.iter().map(own_ticks).sum::<u64>()));
    };
    look();
    let prometheus = Prometheus::start(&jobs);
    let patience = Instant::now() + Duration::from_secs(3 * u64::from(SCRAPES));
    while prometheus.scrapes() < SCRAPES {
        assert!(Instant::now() < patience, "{}", prometheus.log());
        look();
        std::thread::sleep(Duration::from_millis(100));
    }
    // So that every value that counts was read between two looks.
    std::thread::sleep(Duration::from_secs_f64(READING));
    look();
    let (seen, end) = (seen, unix_now());

    for ((job, content_type, _), relay) in formats.iter().zip(&relays) {
        let of_job = |name: &str, labels: &str| prometheus.samples(&format!("{name}{{job='{job}'{labels}}}"));
        let up = of_job("up", "");
        assert!(up.len() >= SCRAPES as usize && up.iter().all(|sample| sample.value == 1.0), "{up:?}");
        assert!(prometheus.target_errors().values().all(String::is_empty));

        let scraped = of_job("scrape_samples_scraped", "");
        let answers = relay.answers();
        for answer in &answers {
            assert_eq!(answer.status(), Some(200));
            assert_eq!(answer.header("content-type"), Some(*content_type));
            assert_eq!(answer.header("content-encoding"), Some("gzip"));
        }
        let bodies: Vec<_> = answers.iter().map(body).collect();
        // Every line came in, none was dropped, and each series is what the line says.
        let lines: Vec<_> = bodies.iter().map(|body| body.len() as f64).collect();
        assert!(scraped.len() > 50 && lines.len() >= scraped.len());
        assert_eq!(values(&scraped), lines[..scraped.len()]);
        let after_relabelling = of_job("scrape_samples_post_metric_relabeling", "");
        assert_eq!(values(&after_relabelling)[..scraped.len()], values(&scraped));
        for at in [0, scraped.len() / 2, scraped.len() - 1] {
            assert_holds(&prometheus, job, &scraped[at], &bodies[at]);
        }

        let labels = format!(", component='{IDLE}'");
        let resident = of_job("edgebench_component_resident_memory_bytes", &labels);
        assert!(resident.len() >= 60);
        let statm = (idle.resident_kib() * 1024) as f64;
        assert!(resident.iter().all(|sample| sample.value == statm), "{statm} by /proc, {resident:?}");

        let labels = format!(", component='{BUSY}'");
        let processes = of_job("edgebench_component_processes", &labels);
        assert!(processes.iter().all(|sample| sample.value == 2.0), "{processes:?}");
        let read_at = of_job("edgebench_reading_timestamp_seconds", "");
        let modes = ["user", "system", "guest"]
            .map(|mode| of_job("edgebench_component_cpu_seconds_total", &format!("{labels}, mode='{mode}'")));
        // Prometheus goes on while it is asked.
        let seen_all = |read_at: &&Sample| read_at.value + READING <= end;
        for (at, read_at) in read_at.iter().take_while(seen_all).enumerate() {
            assert!(modes.iter().all(|mode| mode[at].at == read_at.at), "in every scrape");
            let seconds: f64 = modes.iter().map(|mode| mode[at].value).sum();
            let ticks = (seconds * ticks_per_second()).round() as u64;
            let range = looked_at(&seen, read_at.value);
            assert!(range.contains(&ticks), "{ticks} ticks at {}, by /proc {range:?}", read_at.value);
        }
        // What people ask for: how much it was. Three percent for a minute, twice.
        let total = format!("edgebench_component_cpu_seconds_total{{job='{job}'{labels}}}");
        let increase = prometheus.query_at(&format!("sum({total}) - sum({total} offset 50s)"), end - READING);
        let increase = (increase[0].value * ticks_per_second()).round() as u64;
        // The last value there is at a moment can be a scrape old, and that a fifth of a second more.
        let [last, first] = [end - READING, end - READING - 50.0].map(|at| {
            let [oldest, newest] = [looked_at(&seen, at - 1.5), looked_at(&seen, at)];
            *oldest.start()..=*newest.end()
        });
        let range = last.start() - first.end()..=last.end() - first.start();
        assert!(range.contains(&increase) && increase > 200, "{increase} ticks, by /proc {range:?}");
    }

    let (openmetrics, text) = one_reading(&exporter, formats.map(|(_, content_type, _)| content_type));
    assert!(openmetrics.text.ends_with("\n# EOF\n"));
    let names = |exposition: &Exposition| exposition.series().into_keys().collect::<Vec<_>>();
    assert_eq!(names(&openmetrics), names(&text), "the same series in both formats");
    assert_eq!(promtool_check_metrics(&text.text), "");
}

/// The same reading in two formats: scrapes within 200 ms share one.
fn one_reading(exporter: &Exporter, formats: [&str; 2]) -> (Exposition, Exposition) {
    for _ in 0..100 {
        let [a, b] = formats.map(|accept| {
            let request = Message::get("/metrics").with("Accept", accept);
            Exposition::read(http::ask(exporter.address, &request).unwrap().text())
        });
        let [first, second] = [&a, &b].map(|body| body.value("edgebench_reading_timestamp_seconds", &[]));
        if first == second {
            return (a, b);
        }
    }
    panic!("no two scrapes share a reading");
}

/// Prometheus has what the exposition says, and nothing else but what it adds itself.
fn assert_holds(prometheus: &Prometheus, job: &str, scrape: &Sample, body: &Exposition) {
    let stored = prometheus.query_at(&format!("{{job='{job}', __name__!~'up|scrape_.*'}}"), scrape.at);
    let mut expected = body.series();
    for sample in &stored {
        let mut labels = sample.labels.clone();
        assert_eq!(labels.remove("job").as_deref(), Some(job));
        assert!(labels.remove("instance").is_some());
        let name = labels.remove("__name__").unwrap();
        // An empty label is none.
        let served = expected.keys().find(|(other, own)| {
            *other == name && own.iter().filter(|(_, value)| !value.is_empty()).eq(&labels)
        });
        let served = served.unwrap_or_else(|| panic!("{name} {labels:?} is not served")).clone();
        assert_eq!(expected.remove(&served), Some(sample.value), "{served:?}");
    }
    assert!(expected.is_empty(), "not stored: {expected:?}");
}

fn body(answer: &Message) -> Exposition {
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    Exposition::read(text)
}

fn values(samples: &[Sample]) -> Vec<f64> {
    samples.iter().map(|sample| sample.value).collect()
}

/// utime and stime of a process.
fn own_ticks(process: &StandIn) -> u64 {
    let stat = process.proc("stat");
    let after_comm = stat.rsplit_once(") ").unwrap().1;
    let words: Vec<_> = after_comm.split(' ').collect();
    words[11].parse::<u64>().unwrap() + words[12].parse::<u64>().unwrap()
}

/// From the last look before a reading to the first one after it.
fn looked_at(seen: &[(f64, u64)], read_at: f64) -> std::ops::RangeInclusive<u64> {
    let before = seen.iter().rev().find(|(at, _)| *at <= read_at).unwrap_or(&seen[0]);
    let after = seen.iter().find(|(at, _)| *at >= read_at + READING).unwrap_or(&seen[seen.len() - 1]);
    before.1..=after.1
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}
