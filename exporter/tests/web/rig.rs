//! A server on a thread of its own, with a source that counts.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use edgebench_exporter::exposition::Format;
use edgebench_exporter::web::{Limits, Options, Product, ScrapeError, Server, Source, WebError, WebMetrics};
use prometheus::Registry;
use tokio::sync::oneshot;

use crate::client::{Client, Response};

/// Ends a test that would hang; no test relies on how long something takes.
pub(crate) const HANG: Duration = Duration::from_secs(30);

/// What the source has seen, and what it does.
#[derive(Default)]
pub(crate) struct Behind {
    pub readings: AtomicU64,
    pub failing: AtomicBool,
    /// Bytes that each answer has in addition.
    pub padding: AtomicU64,
}

struct Counting(Arc<Behind>);

impl Source for Counting {
    fn read(&mut self) -> Result<(), ScrapeError> {
        self.0.readings.fetch_add(1, Relaxed);
        if self.0.failing.load(Relaxed) { Err(ScrapeError::new("/proc is gone")) } else { Ok(()) }
    }

    fn write(&mut self, format: Format, out: &mut Vec<u8>) {
        let readings = self.0.readings.load(Relaxed);
        out.extend(format!("# {format:?}\nreadings_total {readings}\n").bytes());
        out.resize(out.len() + self.0.padding.load(Relaxed) as usize, b'x');
    }
}

pub(crate) struct Rig {
    pub address: SocketAddr,
    pub behind: Arc<Behind>,
    registry: Registry,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Port 0 on loopback, and readings that stay young for the whole test.
pub(crate) fn options() -> Options {
    Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        telemetry_path: "/metrics".parse().unwrap(),
        config_file: None,
        max_age: Duration::from_secs(3600),
        limits: Limits::default(),
        product: Product { name: "edgebench-exporter", description: "A test.", version: "0.0.0".to_owned() },
    }
}

pub(crate) fn with_config(path: &Path) -> Options {
    Options { config_file: Some(path.to_owned()), ..options() }
}

pub(crate) fn with_limits(limits: Limits) -> Options {
    Options { limits, ..options() }
}

impl Rig {
    pub(crate) fn start(options: Options) -> Rig {
        Rig::try_start(options).unwrap()
    }

    pub(crate) fn try_start(options: Options) -> Result<Rig, WebError> {
        let behind = Arc::<Behind>::default();
        let registry = Registry::new();
        let metrics = WebMetrics::new().unwrap();
        metrics.register(&registry).unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let source = Box::new(Counting(behind.clone()));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                match Server::bind(&options, source, &metrics) {
                    Ok(server) => {
                        tell.send(Ok(server.addresses()[0])).unwrap();
                        let shutdown = async {
                            let _ = ended.await;
                        };
                        server.serve(shutdown).await;
                    }
                    Err(error) => tell.send(Err(error)).unwrap(),
                }
            });
        });
        let address = told.recv().unwrap()?;
        Ok(Rig { address, behind, registry, end: Some(end), thread: Some(thread) })
    }

    /// A connection.
    pub(crate) fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        Client::new(stream)
    }

    /// A request on a connection of its own.
    pub(crate) fn get(&self, path: &str, headers: &str) -> Response {
        self.connect().get(path, headers)
    }

    pub(crate) fn readings(&self) -> u64 {
        self.behind.readings.load(Relaxed)
    }

    /// The value of a series of the server's own metrics, such as `name{label="value"}`; 0 if it is not there.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = prometheus::TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub(crate) fn closed(&self, reason: &str) -> f64 {
        self.metric(&format!("edgebench_web_connections_closed_total{{reason=\"{reason}\"}}"))
    }

    /// Waits until that many were closed for `reason`: the peer can see the end before it is counted.
    pub(crate) fn expect_closed(&self, reason: &str, count: f64) {
        eventually(reason, || self.closed(reason) >= count);
        assert_eq!(self.closed(reason), count);
    }

    /// Tells the server to end.
    pub(crate) fn tell_to_end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn wait_for_end(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

/// Waits until `condition` holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < HANG, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}
