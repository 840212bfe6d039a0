//! What is answered to whom.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use edgebench_exporter::web::Options;

use crate::rig::{Rig, options};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "Accept: application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n";

#[test]
fn a_scrape_without_wishes_is_the_text_format() {
    let rig = Rig::start(options());
    let response = rig.get("/metrics", "");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some(TEXT));
    assert_eq!(response.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(response.header("content-encoding"), None);
    assert_eq!(response.text(), "# Text\nreadings_total 1\n");
    assert_eq!(rig.metric("edgebench_web_requests_total{code=\"200\",handler=\"metrics\"}"), 1.0);
}

#[test]
fn prometheus_gets_open_metrics() {
    let rig = Rig::start(options());
    let response = rig.get("/metrics", PROMETHEUS);
    assert_eq!(response.header("content-type"), Some(OPEN_METRICS));
    assert_eq!(response.text(), "# OpenMetrics\nreadings_total 1\n");
}

#[test]
fn a_compressed_body_is_the_same_text() {
    let rig = Rig::start(options());
    rig.behind.padding.store(100_000, Relaxed);
    for accept in ["", PROMETHEUS] {
        let plain = rig.get("/metrics", accept);
        let packed = rig.get("/metrics", &format!("{accept}Accept-Encoding: gzip\r\n"));
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert_eq!(packed.header("content-type"), plain.header("content-type"));
        assert!(packed.body.len() < plain.body.len());
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).unwrap();
        assert!(text == plain.body);
    }
    assert_eq!(rig.readings(), 1);
}

#[test]
fn two_accept_headers_are_one_list() {
    let rig = Rig::start(options());
    let headers = "Accept: text/plain;q=0.1\r\nAccept: application/openmetrics-text\r\n";
    assert_eq!(rig.get("/metrics", headers).header("content-type"), Some(OPEN_METRICS));
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let rig = Rig::start(options());
    let mut client = rig.connect();
    let get = client.get("/metrics", "");
    client.request("HEAD", "/metrics", "").unwrap();
    let head = client.response(false).unwrap();
    assert_eq!(head.status, 200);
    for name in ["content-type", "content-length", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(client.get("/-/healthy", "").text(), "Healthy\n", "the next answer follows at once");
}

#[test]
fn other_methods_are_told_which_are_allowed() {
    let rig = Rig::start(options());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND"] {
        let mut client = rig.connect();
        client.request(method, "/metrics", "Content-Length: 0\r\n").unwrap();
        let response = client.response(true).unwrap();
        assert_eq!((response.status, response.header("allow")), (405, Some("GET,HEAD")), "{method}");
    }
    assert_eq!(rig.readings(), 0);
}

#[test]
fn a_body_is_refused_unread() {
    let rig = Rig::start(options());
    for headers in ["Content-Length: 1000000000\r\n", "Transfer-Encoding: chunked\r\n"] {
        for (method, status) in [("GET", 413), ("POST", 405)] {
            let mut client = rig.connect();
            client.request(method, "/metrics", headers).unwrap();
            let response = client.response(true).unwrap();
            let seen = (response.status, response.header("connection"));
            assert_eq!(seen, (status, Some("close")), "{method} {headers}");
            assert_eq!(client.until_closed(), b"");
        }
    }
    assert_eq!(rig.readings(), 0);
}

#[test]
fn pages_besides_the_scrape() {
    let rig = Rig::start(options());
    let mut client = rig.connect();
    for path in ["/-/healthy", "/healthz"] {
        assert_eq!(client.get(path, "").text(), "Healthy\n");
    }
    let landing = client.get("/", "");
    assert_eq!(landing.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(landing.text().contains("<a href=\"/metrics\">"));
    for path in ["/metrics/", "/metric", "/-/reload", "//", "/%6detrics", "*", "/metrics%00"] {
        assert_eq!(client.get(path, "").status, 404, "{path}");
    }
    assert_eq!(rig.readings(), 0);
    assert_eq!(client.get("/metrics?collect[]=node", "").status, 200);
    assert_eq!(rig.metric("edgebench_web_requests_total{code=\"404\",handler=\"other\"}"), 7.0);
}

#[test]
fn a_telemetry_path_of_one_slash_takes_the_place_of_the_landing_page() {
    let rig = Rig::start(Options { telemetry_path: "/".parse().unwrap(), ..options() });
    assert_eq!(rig.get("/", "").text(), "# Text\nreadings_total 1\n");
    assert_eq!(rig.get("/metrics", "").status, 404);
}

#[test]
fn it_is_ready_when_a_reading_has_succeeded() {
    let rig = Rig::start(Options { max_age: Duration::ZERO, ..options() });
    rig.behind.failing.store(true, Relaxed);
    assert_eq!(rig.get("/-/healthy", "").status, 200);
    let response = rig.get("/-/ready", "");
    assert_eq!((response.status, response.text()), (503, "No reading could be taken: /proc is gone\n"));
    assert_eq!(rig.get("/metrics", "").status, 503);
    rig.behind.failing.store(false, Relaxed);
    assert_eq!(rig.get("/-/ready", "").status, 200, "nobody has to scrape it first");
    rig.behind.failing.store(true, Relaxed);
    assert_eq!(rig.get("/-/ready", "").status, 200);
    assert_eq!(rig.get("/metrics", "").status, 503);
}

#[test]
fn two_hundred_scrapes_at_once_share_one_reading() {
    let rig = Arc::new(Rig::start(options()));
    rig.behind.padding.store(300_000, Relaxed);
    let scrapes: Vec<_> = (0..200)
        .map(|number| {
            let rig = rig.clone();
            // Some close the connection, some leave it open; some take gzip.
            let headers = ["", "Connection: close\r\n", "Accept-Encoding: gzip\r\n", PROMETHEUS][number % 4];
            std::thread::spawn(move || rig.get("/metrics", headers).status)
        })
        .collect();
    for scrape in scrapes {
        assert_eq!(scrape.join().unwrap(), 200);
    }
    assert_eq!(rig.readings(), 1);
}

#[test]
fn a_reading_is_served_until_it_is_too_old() {
    let rig = Rig::start(Options { max_age: Duration::ZERO, ..options() });
    let mut client = rig.connect();
    for reading in 1..=100 {
        assert_eq!(client.get("/metrics", "").text(), format!("# Text\nreadings_total {reading}\n"));
    }
}

#[test]
fn what_is_no_http_ends_its_connection_alone() {
    let rig = Rig::start(options());
    let mut scraper = rig.connect();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: \x00\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ] {
        let mut client = rig.connect();
        client.send(bytes).unwrap();
        let seen = String::from_utf8(client.until_closed()).unwrap();
        assert!(seen.is_empty() || seen.starts_with("HTTP/1.1 400 "), "{seen}");
        assert_eq!(scraper.get("/-/healthy", "").status, 200);
    }
}

#[test]
fn header_values_that_are_no_text_are_no_wishes() {
    let rig = Rig::start(options());
    let mut client = rig.connect();
    client
        .send(b"GET /metrics HTTP/1.1\r\nAccept: \xff\xfe;q=\x80\r\nAccept-Encoding: \xf0\r\n\r\n")
        .unwrap();
    let response = client.response(true).unwrap();
    assert_eq!((response.status, response.header("content-type")), (200, Some(TEXT)));
}
