//! However much a peer sends, no more than a buffer and a line of it is held.
//!
//! `allocation-counter` is this program's global allocator and counts what the event loop's thread has allocated at
//! the same time; the peer is another thread.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test program")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use edgebench_exporter::endpoints::{Endpoint, Found, Settings, SkipVerify, Trouble, once};
use edgebench_exporter::scrape_text::Bounds;
use edgebench_exporter::scraper::Limits;

/// hyper's buffer, ours of a line, and what an endpoint and a connection are.
const ENOUGH: u64 = 192 * 1024;

/// Asks a peer that sends `piece` so many times, or as often as it can; gives the endpoint and the most that was
/// allocated at a time.
fn ask(piece: Vec<u8>, times: usize, bounds: Bounds) -> (Endpoint, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes());
        for _ in 0..times {
            sent = sent.and_then(|()| stream.write_all(&piece));
        }
    });
    let settings = Settings {
        fixed: vec![format!("virt-handler=http://{address}/metrics").parse().unwrap()],
        interval: Duration::from_secs(30),
        limits: Limits { time: Duration::from_secs(60), text: bounds },
        keep: Duration::from_secs(90),
        ca_file: None,
        token_file: None,
        skip_verify: SkipVerify::None,
        node: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut endpoints = Vec::new();
    let used = measure(|| endpoints = runtime.block_on(once(settings, Found::default())));
    peer.join().unwrap();
    (endpoints.remove(0), used.bytes_max)
}

const BOUNDS: Bounds = Bounds { bytes: 16 << 20, series: 200_000, line: 32 << 10 };

#[test]
fn an_answer_of_half_a_megabyte_is_not_held_as_a_whole() {
    let buckets =
        "kubevirt_rest_client_request_latency_seconds_bucket{le=\"9.999999999999999e-06\",verb=\"GET\"} 12\n";
    let mut text = buckets.repeat(5000);
    text += "process_resident_memory_bytes 8.6552576e+07\n";
    let size = text.len() as u64;
    let (endpoint, most) = ask(text.into_bytes(), 1, BOUNDS);
    assert_eq!((endpoint.trouble, endpoint.bytes, endpoint.series), (None, size, 5001));
    assert!(endpoint.said.unwrap().process.resident.is_some());
    assert!(size > 450_000 && most < ENOUGH, "{most} of {size}");
}

#[test]
fn of_a_gigabyte_no_more_is_held() {
    let line = "a_family_of_a_stranger{label=\"value\"} 1\n".repeat(1 << 10);
    let unbounded = Bounds { series: u64::MAX, ..BOUNDS };
    let times = (1 << 30) / line.len();
    let (endpoint, most) = ask(line.into_bytes(), times, unbounded);
    assert_eq!(endpoint.trouble, Some(Trouble::TooLarge));
    assert!(most < ENOUGH, "{most}");
}

#[test]
fn of_two_million_series_no_more_is_held() {
    let (endpoint, most) = ask(b"a 1\n".repeat(20_000), 100, BOUNDS);
    assert_eq!((endpoint.trouble, endpoint.series), (Some(Trouble::TooMany), BOUNDS.series + 1));
    assert!(most < ENOUGH, "{most}");
}

#[test]
fn of_a_line_without_an_end_no_more_is_held() {
    for begins in
        ["kubevirt_vmi_memory_resident_bytes{name=\"", "a_stranger{name=\"", "a_name_without_an_end"]
    {
        let (endpoint, most) = ask([begins.as_bytes(), &[b'x'; 10_000]].concat(), 10_000, BOUNDS);
        assert!(
            matches!(endpoint.trouble, Some(Trouble::Malformed | Trouble::TooLarge)),
            "{:?}",
            endpoint.trouble
        );
        assert!(most < ENOUGH, "{begins}: {most}");
    }
}
