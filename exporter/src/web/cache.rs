//! One reading for all who scrape at about the same time.
//!
//! A reading costs 0.3 to 13 ms of the only thread. Prometheus servers in pairs, or 200 clients at once, ask
//! for the same figures: a reading younger than the age limit is served again, and each of its (at most four)
//! representations is rendered once. A body is `Bytes`, so 200 connections that are still sending share it.
//! A failed reading is kept as long as a good one: a node in trouble is not asked 200 times.

use std::io::Write as _;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use thiserror::Error;

use super::negotiate::Encoding;
use crate::exposition::Format;

/// Why there is nothing to scrape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ScrapeError(String);

impl ScrapeError {
    /// With the reason that the client is told.
    pub fn new(reason: impl Into<String>) -> ScrapeError {
        ScrapeError(reason.into())
    }
}

/// What is behind the telemetry path.
pub trait Source: Send + 'static {
    /// Takes a reading and keeps it for [`Source::write`], or says why none of it could be taken.
    fn read(&mut self) -> Result<(), ScrapeError>;

    /// Appends the reading taken last to `out`. Called only after a reading that succeeded.
    fn write(&mut self, format: Format, out: &mut Vec<u8>);
}

/// Tells the time: injected, so that tests can let it pass.
pub type Clock = Box<dyn Fn() -> Instant + Send>;

/// A source, and what was rendered of its last reading.
pub struct Cache {
    source: Box<dyn Source>,
    clock: Clock,
    max_age: Duration,
    /// When the reading taken last was complete, and how it ended.
    last: Option<(Instant, Result<(), ScrapeError>)>,
    ready: bool,
    bodies: [Body; 4],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Body {
    bytes: Bytes,
    fresh: bool,
}

impl Cache {
    /// A cache over `source` whose readings are served for `max_age`.
    pub fn new(source: Box<dyn Source>, max_age: Duration, clock: Clock) -> Cache {
        Cache { source, clock, max_age, last: None, ready: false, bodies: Default::default() }
    }

    /// The reading as text: of the reading taken last if it is young enough, else of a new one.
    pub fn scrape(&mut self, format: Format, encoding: Encoding) -> Result<Bytes, ScrapeError> {
        self.renew()?;
        let text = self.text(format);
        Ok(match encoding {
            Encoding::Identity => text,
            Encoding::Gzip => self.compressed(format, &text),
        })
    }

    /// Whether a reading has ever succeeded. Takes one if not: a node that nobody scrapes yet must become
    /// ready too.
    pub fn ready(&mut self) -> Result<(), ScrapeError> {
        if self.ready { Ok(()) } else { self.renew() }
    }

    fn renew(&mut self) -> Result<(), ScrapeError> {
        let now = (self.clock)();
        if let Some((taken, outcome)) = &self.last
            && now.saturating_duration_since(*taken) < self.max_age
        {
            return outcome.clone();
        }
        let outcome = self.source.read();
        for body in &mut self.bodies {
            body.fresh = false;
        }
        self.ready |= outcome.is_ok();
        // Age counts from the end of the reading: a slow node is not read once per waiting client.
        self.last = Some(((self.clock)(), outcome.clone()));
        outcome
    }

    fn text(&mut self, format: Format) -> Bytes {
        let body = &mut self.bodies[index(format, Encoding::Identity)];
        if !body.fresh {
            let mut out = emptied(&mut body.bytes);
            self.source.write(format, &mut out);
            *body = Body { bytes: settled(out), fresh: true };
        }
        body.bytes.clone()
    }

    fn compressed(&mut self, format: Format, text: &[u8]) -> Bytes {
        let body = &mut self.bodies[index(format, Encoding::Gzip)];
        if !body.fresh {
            // Level 1: on this text a sixth larger than level 6 at a fraction of its CPU.
            let mut encoder = GzEncoder::new(emptied(&mut body.bytes), Compression::fast());
            // Writing to a vector does not fail.
            let written = encoder.write_all(text).and_then(|()| encoder.finish());
            *body = Body { bytes: settled(written.unwrap_or_default()), fresh: true };
        }
        body.bytes.clone()
    }
}

const fn index(format: Format, encoding: Encoding) -> usize {
    let format = match format {
        Format::Text => 0,
        Format::OpenMetrics => 2,
    };
    match encoding {
        Encoding::Identity => format,
        Encoding::Gzip => format + 1,
    }
}

/// The buffer of the last body, emptied; a new one while a client still reads from it.
fn emptied(last: &mut Bytes) -> Vec<u8> {
    let mut last = std::mem::take(last);
    let length = last.len();
    if last.is_unique() {
        // Of what is left of it a copy would be made.
        last.truncate(1);
        let mut buffer = Vec::from(last);
        buffer.clear();
        buffer
    } else {
        // The next body is about as long as the last.
        Vec::with_capacity(length + length / 8)
    }
}

/// The body. A buffer that became far too large (a thousand VMs have left) is given back.
fn settled(mut buffer: Vec<u8>) -> Bytes {
    if buffer.capacity() > 4 * buffer.len() {
        buffer.shrink_to_fit();
    }
    Bytes::from(buffer)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Default)]
    struct Counts {
        readings: AtomicU64,
        renderings: AtomicU64,
    }

    struct Counting {
        counts: Arc<Counts>,
        failing: Arc<Mutex<bool>>,
    }

    impl Source for Counting {
        fn read(&mut self) -> Result<(), ScrapeError> {
            self.counts.readings.fetch_add(1, Relaxed);
            if *self.failing.lock().unwrap() { Err(ScrapeError::new("no /proc here")) } else { Ok(()) }
        }

        fn write(&mut self, format: Format, out: &mut Vec<u8>) {
            self.counts.renderings.fetch_add(1, Relaxed);
            writeln!(out, "{format:?} {}", self.counts.readings.load(Relaxed)).unwrap();
        }
    }

    struct Bench {
        cache: Cache,
        counts: Arc<Counts>,
        failing: Arc<Mutex<bool>>,
        now: Arc<Mutex<Instant>>,
    }

    impl Bench {
        fn new() -> Bench {
            let counts = Arc::<Counts>::default();
            let failing = Arc::<Mutex<bool>>::default();
            let now = Arc::new(Mutex::new(Instant::now()));
            let source = Counting { counts: counts.clone(), failing: failing.clone() };
            let clock = now.clone();
            let cache = Cache::new(
                Box::new(source),
                Duration::from_millis(200),
                Box::new(move || *clock.lock().unwrap()),
            );
            Bench { cache, counts, failing, now }
        }

        fn pass(&self, milliseconds: u64) {
            *self.now.lock().unwrap() += Duration::from_millis(milliseconds);
        }

        fn scrape(&mut self) -> Result<Bytes, ScrapeError> {
            self.cache.scrape(Format::Text, Encoding::Identity)
        }

        fn readings(&self) -> u64 {
            self.counts.readings.load(Relaxed)
        }
    }

    #[test]
    fn a_reading_younger_than_the_limit_is_served_again() {
        let mut bench = Bench::new();
        for _ in 0..200 {
            assert_eq!(bench.scrape().unwrap(), "Text 1\n");
        }
        bench.pass(199);
        bench.scrape().unwrap();
        assert_eq!((bench.readings(), bench.counts.renderings.load(Relaxed)), (1, 1));
        bench.pass(1);
        assert_eq!(bench.scrape().unwrap(), "Text 2\n");
    }

    #[test]
    fn each_representation_is_rendered_once_from_the_same_reading() {
        let mut bench = Bench::new();
        for _ in 0..3 {
            for format in [Format::Text, Format::OpenMetrics] {
                let text = bench.cache.scrape(format, Encoding::Identity).unwrap();
                let packed = bench.cache.scrape(format, Encoding::Gzip).unwrap();
                let mut unpacked = Vec::new();
                flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
                assert_eq!(unpacked, text);
                assert_eq!(text, format!("{format:?} 1\n"));
            }
        }
        assert_eq!((bench.readings(), bench.counts.renderings.load(Relaxed)), (1, 2));
    }

    #[test]
    fn a_body_that_a_client_still_reads_is_not_written_over() {
        let mut bench = Bench::new();
        let first = bench.scrape().unwrap();
        bench.pass(200);
        let second = bench.scrape().unwrap();
        assert_eq!((first, second), (Bytes::from("Text 1\n"), Bytes::from("Text 2\n")));
    }

    #[test]
    fn the_buffer_of_a_body_that_nobody_reads_any_more_is_used_again() {
        let mut bench = Bench::new();
        let first = bench.scrape().unwrap().as_ptr();
        bench.pass(200);
        assert_eq!(bench.scrape().unwrap().as_ptr(), first);
    }

    #[test]
    fn a_failed_reading_is_not_repeated_within_the_limit() {
        let mut bench = Bench::new();
        *bench.failing.lock().unwrap() = true;
        for _ in 0..200 {
            assert_eq!(bench.scrape().unwrap_err().to_string(), "no /proc here");
        }
        assert_eq!(bench.readings(), 1);
        *bench.failing.lock().unwrap() = false;
        bench.pass(200);
        assert_eq!(bench.scrape().unwrap(), "Text 2\n");
    }

    #[test]
    fn ready_means_that_a_reading_has_succeeded_once() {
        let mut bench = Bench::new();
        *bench.failing.lock().unwrap() = true;
        assert!(bench.cache.ready().is_err());
        *bench.failing.lock().unwrap() = false;
        assert!(bench.cache.ready().is_err(), "the failure is younger than the limit");
        bench.pass(200);
        assert_eq!(bench.cache.ready(), Ok(()));
        *bench.failing.lock().unwrap() = true;
        bench.pass(200);
        assert!(bench.scrape().is_err());
        assert_eq!(bench.cache.ready(), Ok(()), "ready once, ready ever");
        assert_eq!(bench.readings(), 3);
    }
}
