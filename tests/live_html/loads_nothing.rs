//! The page asks nobody for anything and runs nothing; and the checks that say so can fail.

use edgebench_tests::Workdir;
use edgebench_tests::browser::{Browser, Screen};

#[test]
#[ignore = "live: needs chromium"]
fn the_page_asks_for_nothing_and_complains_of_nothing() {
    let dir = Workdir::new();
    let (html, _) = super::of_the_real_node(&dir);
    let mut browser = Browser::new();
    for screen in [Screen::DESK, Screen::PHONE] {
        let mut page = browser.open(&html, screen);
        assert_eq!(page.complaints(), [""; 0]);
        assert_eq!(page.requests(), [""; 0]);
        assert_eq!(page.value("document.scripts.length"), 0);
        assert_eq!(page.value("performance.getEntriesByType('resource').length"), 0);
        assert!(page.value("document.title").as_str().unwrap().starts_with("edgebench: this node, 2026-"));
    }
    assert_eq!(browser.asked_of_the_network(), [""; 0]);
}

/// What a page must not do, done: each check finds it.
#[test]
#[ignore = "live: needs chromium"]
fn a_page_that_asks_and_complains_is_found_out() {
    let dir = Workdir::new();
    dir.write(
        "bad.html",
        "<!DOCTYPE html><title>bad</title><link rel=stylesheet href='http://example.invalid/a.css'>\
         <img src='http://127.0.0.1:65000/b.png'><script>console.error('seen'); document.title = 'run'; undefined.x</script>",
    );
    let mut browser = Browser::new();
    let mut page = browser.open(&dir.path().join("bad.html"), Screen::DESK);
    let complaints = page.complaints().join("\n");
    assert!(complaints.contains("seen") && complaints.contains("TypeError"), "{complaints}");
    let requests = page.requests();
    assert!(
        requests.iter().any(|url| url.ends_with("a.css"))
            && requests.iter().any(|url| url.ends_with("b.png"))
    );
    assert_eq!(page.value("document.title"), "run");
    let asked = browser.asked_of_the_network();
    assert!(asked.iter().any(|line| line.starts_with("GET http://example.invalid/a.css")), "{asked:?}");
    assert!(asked.iter().any(|line| line.starts_with("GET http://127.0.0.1:65000/b.png")), "{asked:?}");
}

/// Were there markup of somebody else's in the page after all, the policy would refuse what it wants.
#[test]
#[ignore = "live: needs chromium"]
fn the_policy_refuses_what_the_page_does_not_need() {
    let dir = Workdir::new();
    let (html, _) = super::of_the_real_node(&dir);
    let page = std::fs::read_to_string(html).unwrap();
    let foreign = "<script>document.title = 'run'</script><img src='http://127.0.0.1:65000/b.png' onerror=\"document.title = 'run'\">\
                   <style>@import 'http://127.0.0.1:65000/c.css';</style><iframe src='http://127.0.0.1:65000/d'></iframe>\
                   <svg><a href='javascript:1'><text>x</text></a><script>document.title = 'run'</script></svg></main>";
    dir.write("foreign.html", page.replacen("</main>", foreign, 1));
    let mut browser = Browser::new();
    let mut page = browser.open(&dir.path().join("foreign.html"), Screen::DESK);
    assert!(page.value("document.title").as_str().unwrap().starts_with("edgebench: "));
    let refused = page.complaints();
    assert!(
        refused.iter().all(|said| said.contains("Content Security Policy")) && refused.len() >= 4,
        "{refused:?}"
    );
    assert_eq!(browser.asked_of_the_network(), [""; 0]);
}
