//! The end of the server.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use edgebench_exporter::web::{Limits, termination};

use crate::rig::{HANG, Rig, eventually, options, with_limits};

/// More than the kernel's buffers of a connection hold.
const HUGE: u64 = 64 * 1024 * 1024;

#[test]
fn an_answer_in_progress_is_sent_to_its_end() {
    let mut rig = Rig::start(with_limits(Limits { drain: HANG * 2, ..Limits::default() }));
    rig.behind.padding.store(HUGE, Relaxed);
    let mut client = rig.connect();
    client.request("GET", "/metrics", "").unwrap();
    eventually("the reading", || rig.readings() == 1);
    rig.tell_to_end();
    eventually("the end of listening", || std::net::TcpStream::connect(rig.address).is_err());
    let response = client.response(true).unwrap();
    assert_eq!(
        (response.status, response.body.len() as u64),
        (200, HUGE + "# Text\nreadings_total 1\n".len() as u64)
    );
    assert_eq!(client.until_closed(), b"");
    rig.wait_for_end();
}

#[test]
fn connections_without_a_request_do_not_hold_it_up() {
    let mut rig = Rig::start(with_limits(Limits { drain: HANG * 2, ..Limits::default() }));
    let mut silent = rig.connect();
    let mut slow = rig.connect();
    slow.send(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let mut scraper = rig.connect();
    assert_eq!(scraper.get("/metrics", "").status, 200);
    eventually("the silent peer", || rig.metric("edgebench_web_connections") == 3.0);
    rig.tell_to_end();
    for client in [&mut silent, &mut slow, &mut scraper] {
        assert_eq!(client.until_closed(), b"");
    }
    rig.wait_for_end();
}

#[test]
fn an_answer_that_is_not_taken_holds_it_up_for_a_bounded_time() {
    let limits = Limits { drain: Duration::from_millis(200), stalled: HANG * 2, ..Limits::default() };
    let mut rig = Rig::start(with_limits(limits));
    rig.behind.padding.store(HUGE, Relaxed);
    let mut client = rig.connect();
    client.request("GET", "/metrics", "").unwrap();
    eventually("the reading", || rig.readings() == 1);
    rig.tell_to_end();
    rig.wait_for_end();
    assert!((client.until_closed().len() as u64) < HUGE);
}

#[test]
fn a_port_is_free_again_at_once() {
    let mut rig = Rig::start(options());
    assert_eq!(rig.get("/metrics", "").status, 200);
    rig.tell_to_end();
    rig.wait_for_end();
    let mut again = options();
    again.listen = vec![rig.address.to_string().parse().unwrap()];
    assert_eq!(Rig::start(again).get("/metrics", "").status, 200);
}

#[test]
fn sigterm_and_sigint_are_caught() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        runtime.block_on(async {
            let told = termination().unwrap();
            rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
            tokio::time::timeout(HANG, told).await.expect("a signal");
        });
    }
}
