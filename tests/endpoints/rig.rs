//! Asking on an event loop of the test's own, with the log in hand.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use edgebench_exporter::cluster::ComponentPod;
use edgebench_exporter::endpoints::{self, Endpoint, Found, Handle, Settings, SkipVerify};
use edgebench_exporter::scrape_text::Bounds;
use edgebench_exporter::scraper::Limits;
use edgebench_tests::fake_endpoint::FakeEndpoint;
use tracing_subscriber::fmt::MakeWriter;

/// Ends a test that would hang; no test relies on how long something takes.
const HANG: Duration = Duration::from_secs(60);

pub(crate) const LIMITS: Limits = Limits {
    time: Duration::from_secs(20),
    text: Bounds { bytes: 16 << 20, series: 200_000, line: 32 << 10 },
};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name))
    };
}
pub(crate) use fixture;

pub(crate) fn settings() -> Settings {
    Settings {
        fixed: Vec::new(),
        interval: Duration::from_millis(50),
        limits: LIMITS,
        keep: Duration::from_secs(3600),
        ca_file: None,
        token_file: None,
        skip_verify: SkipVerify::None,
        node: "edge-node".to_owned(),
    }
}

/// Endpoints that were given by flag.
pub(crate) fn asking(endpoints: &[(&str, &FakeEndpoint)]) -> Settings {
    let fixed =
        endpoints.iter().map(|(component, peer)| format!("{component}={}", peer.url()).parse().unwrap());
    Settings { fixed: fixed.collect(), ..settings() }
}

/// The pod of a component, as the API server would name it.
pub(crate) fn pod(component: &str, version: &str, peer: &FakeEndpoint) -> ComponentPod {
    ComponentPod {
        namespace: "kubevirt".into(),
        name: format!("{component}-abcde"),
        uid: format!("uid-of-{component}"),
        component: component.into(),
        node: Some("edge-node".into()),
        ip: Some(peer.address().ip().to_string()),
        version: Some(version.into()),
        port: Some(peer.address().port()),
        running: true,
    }
}

/// On an event loop with one thread, as the exporter's.
pub(crate) fn on_event_loop<R>(work: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// Waits until something is true of an endpoint, and gives the endpoint.
pub(crate) async fn eventually(handle: &Handle, component: &str, is: impl Fn(&Endpoint) -> bool) -> Endpoint {
    let started = Instant::now();
    loop {
        let found = handle
            .with(|endpoints| endpoints.iter().find(|endpoint| endpoint.component == component).cloned());
        match found {
            Some(endpoint) if is(&endpoint) => return endpoint,
            other => assert!(started.elapsed() < HANG, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks each once.
pub(crate) fn once(settings: Settings, found: Found) -> Vec<Endpoint> {
    on_event_loop(endpoints::once(settings, found))
}

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Of this thread, from now on.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
