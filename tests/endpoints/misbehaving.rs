//! Peers that are down, slow, huge or lying. Each costs its own figures alone, is named, and heals.

use std::net::TcpListener;
use std::time::Duration;

use edgebench_exporter::endpoints::{Found, Settings, Trouble, start};
use edgebench_exporter::scrape_text::Bounds;
use edgebench_exporter::scraper::Limits;
use edgebench_tests::fake_endpoint::{Behaviour, FakeEndpoint};

use crate::rig::{LIMITS, Log, asking, eventually, fixture, on_event_loop};

const GOOD: &str = fixture!("kubevirt-metrics/virt-handler-1.9.prom");

/// Beside a peer that is good all the time, one misbehaves and heals.
fn costs_itself_alone(behaviour: Behaviour, trouble: Trouble, limits: Limits) -> (FakeEndpoint, Vec<String>) {
    let (bad, good) = (
        FakeEndpoint::new(Behaviour::Text(GOOD.to_owned())),
        FakeEndpoint::new(Behaviour::Text(GOOD.to_owned())),
    );
    let settings = Settings { limits, ..asking(&[("virt-api", &bad), ("virt-handler", &good)]) };
    let log = Log::default();
    let listening = log.listen();
    on_event_loop(async {
        let handle = start(settings, Found::default);
        let before = eventually(&handle, "virt-api", |it| it.said.is_some()).await;
        eventually(&handle, "virt-handler", |it| it.said.is_some()).await;

        bad.becomes(behaviour);
        let failed =
            eventually(&handle, "virt-api", |it| it.failures.iter().any(|(_, count)| *count >= 3)).await;
        assert_eq!(failed.trouble, Some(trouble));
        assert_eq!(failed.failures.len(), 1, "{:?}", failed.failures);
        assert_eq!(failed.said, before.said, "what it said before is kept for a while");
        assert!(failed.read_at >= before.read_at);

        let meanwhile = good.requests().len();
        let other = eventually(&handle, "virt-handler", |_| good.requests().len() > meanwhile + 2).await;
        assert_eq!((other.trouble, other.failures), (None, Vec::new()));

        bad.becomes(Behaviour::Text(GOOD.to_owned()));
        let healed = eventually(&handle, "virt-api", |it| it.trouble.is_none()).await;
        assert!(healed.read_at > failed.read_at);
        // Once more around, so that a second line would be there.
        let count = bad.requests().len();
        eventually(&handle, "virt-api", |_| bad.requests().len() > count + 2).await;
    });
    drop(listening);
    let lines = log.lines();
    let of_it = |line: &&String| line.contains("virt-api");
    let told: Vec<_> = lines.iter().filter(of_it).collect();
    assert_eq!(told.len(), 2, "{lines:#?}");
    assert!(
        told[0].contains("WARN") && told[0].contains(&format!("trouble=\"{}\"", trouble.name())),
        "{}",
        told[0]
    );
    assert!(told[1].contains("answers again"), "{}", told[1]);
    assert_eq!(lines.len(), 2, "the other one has nothing to say: {lines:#?}");
    (bad, lines)
}

fn misbehaves(behaviour: Behaviour, trouble: Trouble) {
    costs_itself_alone(behaviour, trouble, LIMITS);
}

fn impatient() -> Limits {
    Limits { time: Duration::from_millis(200), ..LIMITS }
}

#[test]
fn one_that_closes_the_connection() {
    misbehaves(Behaviour::Close, Trouble::Connection);
}

#[test]
fn one_that_is_down() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let good = FakeEndpoint::new(Behaviour::Text(GOOD.to_owned()));
    let mut settings = asking(&[("virt-handler", &good)]);
    settings.fixed.push(format!("virt-api=http://{nobody}/metrics").parse().unwrap());
    on_event_loop(async {
        let handle = start(settings, Found::default);
        let down =
            eventually(&handle, "virt-api", |it| it.failures.iter().any(|(_, count)| *count >= 3)).await;
        assert_eq!((down.trouble, down.said, down.read_at), (Some(Trouble::Connection), None, None));
        eventually(&handle, "virt-handler", |it| it.said.is_some() && it.trouble.is_none()).await;
    });
}

#[test]
fn one_that_hangs() {
    costs_itself_alone(Behaviour::Hang, Trouble::Timeout, impatient());
}

#[test]
fn one_that_is_slower_than_the_interval_is_asked_once_at_a_time() {
    let slow = FakeEndpoint::new(Behaviour::Late(Duration::from_millis(300), GOOD.to_owned()));
    on_event_loop(async {
        let handle = start(asking(&[("virt-handler", &slow)]), Found::default);
        eventually(&handle, "virt-handler", |_| slow.requests().len() >= 4).await;
    });
    assert!(slow.most_under_way() <= 2, "one, and the end of the one before: {}", slow.most_under_way());
}

#[test]
fn one_that_sends_a_byte_a_second() {
    costs_itself_alone(Behaviour::Trickle, Trouble::Timeout, impatient());
}

#[test]
fn one_that_is_busy() {
    misbehaves(Behaviour::status("503 Service Unavailable"), Trouble::Busy);
}

#[test]
fn one_that_wants_a_token() {
    misbehaves(Behaviour::status("401 Unauthorized"), Trouble::Unauthorized);
}

#[test]
fn one_that_forbids() {
    misbehaves(Behaviour::status("403 Forbidden"), Trouble::Unauthorized);
}

#[test]
fn one_that_fails() {
    misbehaves(Behaviour::status("500 Internal Server Error"), Trouble::Status);
}

#[test]
fn one_that_leads_elsewhere() {
    let elsewhere = FakeEndpoint::new(Behaviour::Text(GOOD.to_owned()));
    misbehaves(Behaviour::status(&format!("302 Found\r\nLocation: {}", elsewhere.url())), Trouble::Status);
    assert_eq!(elsewhere.requests(), [] as [String; 0]);
}

#[test]
fn one_that_answers_with_a_page() {
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>\n";
    misbehaves(Behaviour::with("Content-Type: text/html", page), Trouble::Malformed);
}

#[test]
fn one_that_calls_a_page_a_text() {
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>\n";
    misbehaves(Behaviour::with("Content-Type: text/plain", page), Trouble::Malformed);
}

#[test]
fn one_that_compresses_unasked() {
    let header = "Content-Type: text/plain\r\nContent-Encoding: gzip";
    misbehaves(Behaviour::with(header, &b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..]), Trouble::Malformed);
}

#[test]
fn one_that_is_no_http_at_all() {
    misbehaves(Behaviour::Answer("SSH-2.0-OpenSSH_9.9".to_owned(), Vec::new()), Trouble::Malformed);
}

#[test]
fn one_that_ends_in_a_half_line() {
    misbehaves(
        Behaviour::Text("process_open_fds 12\nprocess_resident_memory_by".to_owned()),
        Trouble::Malformed,
    );
    misbehaves(
        Behaviour::Text("process_open_fds 12\nprocess_resident_memory_bytes 8.5".to_owned()),
        Trouble::Malformed,
    );
}

#[test]
fn one_that_breaks_off() {
    let header = "Content-Type: text/plain\r\nContent-Length: 1000";
    misbehaves(Behaviour::with(header, "process_open_fds 12\n"), Trouble::Connection);
}

#[test]
fn one_that_says_a_series_twice() {
    let twice = Behaviour::Text(format!("{GOOD}process_open_fds 12\n"));
    let (_, lines) = costs_itself_alone(twice, Trouble::Duplicate, LIMITS);
    assert!(lines[0].contains("process_open_fds is there twice"), "{}", lines[0]);
}

#[test]
fn one_that_never_ends() {
    let line = "some_family_of_a_stranger{with=\"a label\"} 1\n";
    let limits = Limits { text: Bounds { series: u64::MAX, ..LIMITS.text }, ..LIMITS };
    let (bad, _) = costs_itself_alone(Behaviour::Endless(line.to_owned()), Trouble::TooLarge, limits);
    // Three times and at most two more: what it could write is what we read and what sockets hold.
    assert!(bad.sent() < 5 * (LIMITS.text.bytes + (8 << 20)), "{}", bad.sent());
}

#[test]
fn one_that_announces_a_gigabyte() {
    let (bad, _) = costs_itself_alone(Behaviour::Announced(1 << 30), Trouble::TooLarge, LIMITS);
    assert!(bad.sent() < 5 * (8 << 20), "nothing of it is read: {}", bad.sent());
}

#[test]
fn one_with_a_line_that_never_ends() {
    let line = "kubevirt_vmi_memory_resident_bytes{name=\"".to_owned() + &"x".repeat(100_000);
    misbehaves(Behaviour::Endless(line), Trouble::Malformed);
}

#[test]
fn one_with_two_million_series() {
    misbehaves(Behaviour::Endless("some_family 1\n".to_owned()), Trouble::TooMany);
}

#[test]
fn one_with_two_million_vms() {
    let mut text = String::new();
    for vm in 0..20_000 {
        text += &format!("kubevirt_vmi_memory_resident_bytes{{name=\"vm-{vm}\",namespace=\"a\"}} 1\n");
    }
    misbehaves(Behaviour::Text(text), Trouble::TooMany);
}

#[test]
fn a_reason_that_quotes_the_peer_stays_short() {
    let name = "process_resident_memory_bytes{".to_owned() + &"x".repeat(20_000) + "=1} 1\n";
    let (_, lines) = costs_itself_alone(Behaviour::Text(name), Trouble::Malformed, LIMITS);
    assert!(lines[0].len() < 700, "{}", lines[0].len());
}
