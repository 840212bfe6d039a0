//! Peers that are slow, endless, oversized or too many.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use edgebench_exporter::exposition::Format;
use edgebench_exporter::web::{Limits, ScrapeError, Server, Source, WebMetrics};
use prometheus::{Registry, TextEncoder};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::client::Client;
use crate::rig::{HANG, Rig, eventually, options, with_limits};

/// Short, so that the tests are.
const SHORT: Duration = Duration::from_millis(200);

/// More than the kernel's buffers of a connection hold.
const HUGE: u64 = 64 * 1024 * 1024;

#[test]
fn a_peer_that_sends_its_headers_slowly_is_cut_off() {
    let rig = Rig::start(with_limits(Limits { headers: SHORT, ..Limits::default() }));
    let mut slow = rig.connect();
    slow.send(b"GET /metrics HTTP/1.1\r\n").unwrap();
    // A byte at a time: each on its own is in time.
    while rig.closed("headers_timeout") == 0.0 {
        let _ = slow.stream.write_all(b"X");
        assert_eq!(rig.get("/metrics", "").status, 200, "others are answered meanwhile");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(slow.until_closed(), b"");
}

#[test]
fn a_peer_that_says_nothing_is_cut_off() {
    let rig = Rig::start(with_limits(Limits { headers: SHORT, ..Limits::default() }));
    assert_eq!(rig.connect().until_closed(), b"");
    rig.expect_closed("headers_timeout", 1.0);
}

#[test]
fn a_scraper_may_be_silent_between_two_scrapes_for_longer_than_headers_may_take() {
    let rig = Rig::start(with_limits(Limits { headers: SHORT, ..Limits::default() }));
    let mut scraper = rig.connect();
    assert_eq!(scraper.get("/metrics", "").status, 200);
    // A peer that came after the scrape is cut off by the very limit that the scraper outlives.
    assert_eq!(rig.connect().until_closed(), b"");
    assert_eq!(scraper.get("/metrics", "").status, 200);
    // The second request's headers have the limit again.
    scraper.send(b"GET /metrics HTTP/1.1\r\n").unwrap();
    assert_eq!(scraper.until_closed(), b"");
    rig.expect_closed("headers_timeout", 2.0);
}

#[test]
fn a_connection_that_is_not_used_any_more_is_closed() {
    let rig = Rig::start(with_limits(Limits { idle: SHORT, ..Limits::default() }));
    let mut client = rig.connect();
    assert_eq!(client.get("/metrics", "").status, 200);
    assert_eq!(client.until_closed(), b"");
    rig.expect_closed("idle_timeout", 1.0);
}

#[test]
fn headers_without_end_are_refused() {
    let rig = Rig::start(options());
    let mut client = rig.connect();
    client.send(b"GET /metrics HTTP/1.1\r\nX-Endless: ").unwrap();
    // The server stops reading and closes; then a write fails.
    while client.stream.write_all(&[b'x'; 1024]).is_ok() {}
    assert_eq!(rig.get("/metrics", "").status, 200);
}

#[test]
fn headers_that_are_too_large_or_too_many_are_refused_with_the_reason() {
    let rig = Rig::start(options());
    let start = "GET /metrics HTTP/1.1\r\nX-Large: ";
    // No more than it reads, so that the answer isn't lost by a reset.
    let large = format!("{start}{}", "x".repeat(16 * 1024 - start.len()));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X-A: b\r\n".repeat(101));
    for request in [large, many] {
        let mut client = rig.connect();
        client.send(request.as_bytes()).unwrap();
        let seen = String::from_utf8(client.until_closed()).unwrap();
        assert!(seen.starts_with("HTTP/1.1 431 "), "{seen}");
    }
    assert_eq!(rig.get("/metrics", &format!("X-Large: {}\r\n", "x".repeat(12 * 1024))).status, 200);
}

#[test]
fn silent_connections_beyond_the_cap_do_not_keep_a_scraper_out() {
    let rig = Rig::start(with_limits(Limits { connections: 4, headers: HANG * 2, ..Limits::default() }));
    let silent: Vec<_> = (0..40).map(|_| rig.connect()).collect();
    assert_eq!(rig.get("/metrics", "").status, 200);
    assert!(rig.closed("evicted") >= 37.0, "{}", rig.closed("evicted"));
    assert!(rig.metric("edgebench_web_connections") <= 4.0);
    drop(silent);
}

#[test]
fn a_peer_that_never_asked_goes_before_a_scraper_between_two_scrapes() {
    let rig = Rig::start(with_limits(Limits { connections: 4, headers: HANG * 2, ..Limits::default() }));
    let mut scraper = rig.connect();
    assert_eq!(scraper.get("/metrics", "").status, 200);
    let silent: Vec<_> = (0..3).map(|_| rig.connect()).collect();
    eventually("the third silent peer", || rig.metric("edgebench_web_connections") == 4.0);
    // Until they may be closed.
    std::thread::sleep(Limits::default().grace);
    for _ in 0..3 {
        assert_eq!(rig.get("/metrics", "Connection: close\r\n").status, 200);
    }
    assert_eq!(scraper.get("/metrics", "").status, 200, "the same connection");
    drop(silent);
}

#[test]
fn connections_that_wait_for_the_next_scrape_give_way_when_there_are_too_many() {
    let rig = Rig::start(with_limits(Limits { connections: 4, grace: HANG * 2, ..Limits::default() }));
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut client = rig.connect();
        assert_eq!(client.get("/metrics", "").status, 200);
        open.push(client);
    }
    rig.expect_closed("evicted", 36.0);
    assert_eq!(open.pop().unwrap().get("/metrics", "").status, 200, "the youngest is still there");
    assert!(open.remove(0).try_get("/metrics", "").is_err(), "the oldest is not");
}

#[test]
fn a_peer_that_does_not_take_its_answer_is_cut_off() {
    let rig = Rig::start(with_limits(Limits { stalled: SHORT, ..Limits::default() }));
    rig.behind.padding.store(HUGE, Relaxed);
    let mut greedy = rig.connect();
    greedy.request("GET", "/metrics", "").unwrap();
    eventually("the end of the answer", || rig.closed("write_timeout") == 1.0);
    assert!((greedy.until_closed().len() as u64) < HUGE);
}

#[test]
fn a_peer_that_takes_its_answer_slowly_gives_way_when_there_are_too_many() {
    let rig = Rig::start(with_limits(Limits { connections: 2, stalled: HANG * 2, ..Limits::default() }));
    rig.behind.padding.store(HUGE, Relaxed);
    let greedy = [(); 2].map(|()| {
        let mut greedy = rig.connect();
        greedy.request("GET", "/metrics", "").unwrap();
        greedy
    });
    eventually("two answers", || rig.metric("edgebench_web_connections") == 2.0);
    assert_eq!(rig.get("/-/healthy", "").status, 200);
    rig.expect_closed("evicted", 1.0);
    drop(greedy);
}

#[test]
fn nothing_is_left_of_connections_that_are_gone() {
    let rig = Rig::start(options());
    for _ in 0..3 {
        let open: Vec<_> = (0..200).map(|_| rig.connect()).collect();
        drop(open);
        eventually("the last to leave", || rig.metric("edgebench_web_connections") == 0.0);
    }
    assert_eq!(rig.get("/metrics", "").status, 200);
}

/// Set in the process of the server whose file descriptors run out.
const STARVED: &str = "EDGEBENCH_TEST_STARVED";

/// Serves its own metrics.
struct OwnMetrics(Registry);

impl Source for OwnMetrics {
    fn read(&mut self) -> Result<(), ScrapeError> {
        Ok(())
    }

    fn write(&mut self, _: Format, out: &mut Vec<u8>) {
        out.extend(TextEncoder::new().encode_to_string(&self.0.gather()).unwrap().bytes());
    }
}

/// A server with 24 file descriptors, which tells its address on standard output and serves until it is killed.
fn serve_starved() {
    setrlimit(Resource::Nofile, Rlimit { current: Some(24), maximum: Some(24) }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let registry = Registry::new();
        let metrics = WebMetrics::new().unwrap();
        metrics.register(&registry).unwrap();
        let server = Server::bind(&options(), Box::new(OwnMetrics(registry)), &metrics).unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nlistening {}", server.addresses()[0]).unwrap();
        server.serve(std::future::pending()).await;
    });
}

#[test]
fn when_file_descriptors_run_out_silent_peers_give_way() {
    if std::env::var_os(STARVED).is_some() {
        return serve_starved();
    }
    let name = "limits::when_file_descriptors_run_out_silent_peers_give_way";
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(STARVED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address =
        lines.map(|line| line.unwrap()).find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
    let address = address.unwrap();
    let connect = || {
        let stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        Client::new(stream)
    };
    let silent: Vec<_> = (0..40).map(|_| connect()).collect();
    let scraped = connect().try_get("/metrics", "");
    drop(silent);
    server.kill().unwrap();
    server.wait().unwrap();
    let scraped = scraped.unwrap();
    let errors =
        scraped.text().lines().find_map(|line| line.strip_prefix("edgebench_web_accept_errors_total "));
    let errors: u64 = errors.unwrap().parse().unwrap();
    // One for each pause, not one for each turn of a loop.
    assert!((1..1000).contains(&errors), "{errors}");
}
