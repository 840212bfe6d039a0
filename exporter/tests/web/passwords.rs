//! Basic authentication.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tempfile::TempDir;

use crate::rig::{Rig, with_config};

/// `alice:secret`, `alice:wrong`, `bob:secret`.
const ALICE: &str = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
const ALICE_WRONG: &str = "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n";
const BOB: &str = "Authorization: Basic Ym9iOnNlY3JldA==\r\n";

/// A folder with a web configuration that lets the named in with `secret`.
fn config(names: &[&str], cost: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yml");
    write(&path, names, cost);
    (folder, path)
}

fn write(path: &PathBuf, names: &[&str], cost: u32) {
    let hash = bcrypt::hash("secret", cost).unwrap();
    let users: String = names.iter().map(|name| format!("  {name}: {hash}\n")).collect();
    fs::write(path, format!("basic_auth_users:\n{users}")).unwrap();
}

#[test]
fn only_the_right_password_opens_any_page() {
    let (_folder, path) = config(&["alice"], 4);
    let rig = Rig::start(with_config(&path));
    for page in ["/metrics", "/", "/-/ready", "/-/healthy", "/unknown"] {
        for headers in
            ["", ALICE_WRONG, BOB, "Authorization: Bearer secret\r\n", "Authorization: Basic !\r\n"]
        {
            let response = rig.get(page, headers);
            assert_eq!(
                (response.status, response.header("www-authenticate")),
                (401, Some("Basic")),
                "{page} {headers}"
            );
        }
    }
    assert_eq!(rig.readings(), 0);
    assert_eq!(rig.metric("edgebench_web_authentication_failures_total"), 25.0);
    assert_eq!(rig.get("/metrics", ALICE).status, 200);
    assert_eq!(rig.get("/unknown", ALICE).status, 404);
}

#[test]
fn a_user_who_is_removed_is_refused_on_an_open_connection_too() {
    let (_folder, path) = config(&["alice"], 4);
    let rig = Rig::start(with_config(&path));
    let mut client = rig.connect();
    assert_eq!(client.get("/metrics", ALICE).status, 200);
    write(&path, &["bob"], 4);
    assert_eq!(client.get("/metrics", ALICE).status, 401);
    assert_eq!(client.get("/metrics", BOB).status, 200);
}

#[test]
fn a_flood_of_wrong_passwords_does_not_stall_a_scraper_that_is_known() {
    let (_folder, path) = config(&["alice"], 7);
    let rig = Arc::new(Rig::start(with_config(&path)));
    let mut scraper = rig.connect();
    assert_eq!(scraper.get("/metrics", ALICE).status, 200);
    let over = Arc::new(AtomicBool::new(false));
    let flood: Vec<_> = (0..16_u8)
        .map(|peer| {
            let (rig, over) = (rig.clone(), over.clone());
            std::thread::spawn(move || {
                let mut client = rig.connect();
                let mut seen = Vec::new();
                for number in 0_u32.. {
                    if over.load(Relaxed) {
                        break;
                    }
                    // `a:a`, then the letters: another password each time.
                    let letters: String =
                        [u32::from(peer), number, number / 26, number / 676, number / 17_576]
                            .map(|place| char::from(b'A' + (place % 26) as u8))
                            .iter()
                            .collect();
                    let header = format!("Authorization: Basic YTph{letters}AAA\r\n");
                    seen.push(client.get("/metrics", &header).status);
                }
                seen
            })
        })
        .collect();
    // Each check takes a core for as long as many scrapes need. If they kept the scraper waiting, it would come
    // to one scrape for the 16 checks before it.
    let checks = || rig.metric("edgebench_web_authentication_failures_total");
    let mut scrapes = 0.0;
    while checks() < 20.0 {
        assert_eq!(scraper.get("/metrics", ALICE).status, 200);
        scrapes += 1.0;
    }
    assert!(scrapes > checks(), "{scrapes} scrapes in {} checks", checks());
    over.store(true, Relaxed);
    for peer in flood {
        for status in peer.join().unwrap() {
            assert!([401, 503].contains(&status), "{status}");
        }
    }
}

#[test]
fn requests_beyond_the_rate_limit_are_refused() {
    let (_folder, path) = config(&[], 4);
    fs::write(&path, "rate_limit:\n  interval: 10h\n  burst: 3\n").unwrap();
    let rig = Rig::start(with_config(&path));
    let mut client = rig.connect();
    let statuses = [(); 5].map(|()| client.get("/metrics", "").status);
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

#[test]
fn configured_headers_are_on_every_answer() {
    let (_folder, path) = config(&["alice"], 4);
    let hash = bcrypt::hash("secret", 4).unwrap();
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n";
    fs::write(&path, format!("basic_auth_users:\n  alice: {hash}\n{headers}")).unwrap();
    let rig = Rig::start(with_config(&path));
    for headers in ["", ALICE] {
        assert_eq!(rig.get("/metrics", headers).header("x-frame-options"), Some("deny"));
    }
}
