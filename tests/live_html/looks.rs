//! The page is legible where people read it: on a desk, on a phone, by night, on paper.

use edgebench_tests::Workdir;
use edgebench_tests::browser::{Browser, Screen};
use serde_json::Value;

/// Texts of plots that leave the screen, or that lie over another text of their plot.
const COLLISIONS: &str = "[...document.querySelectorAll('svg.plot')].flatMap(svg => {
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent !== '')
        .map(text => ({ text: text.textContent, box: text.getBoundingClientRect() }));
    const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
    const out = texts.filter(({ box }) => box.left < -1 || box.right > innerWidth + 1).map(({ text }) => svg.id + ': ' + text);
    return out.concat(texts.flatMap((a, at) => texts.slice(at + 1).filter(b => !apart(a.box, b.box))
        .map(b => svg.id + ': ' + a.text + ' over ' + b.text)));
})";

#[test]
#[ignore = "live: needs chromium"]
fn nothing_leaves_the_screen_and_no_label_lies_over_another() {
    let dir = Workdir::new();
    let (html, _) = super::of_the_real_node(&dir);
    let mut browser = Browser::new();
    let mut page = browser.open(&html, Screen::DESK);
    for (width, theme) in [(1280, "light"), (800, "dark"), (400, "light"), (360, "dark")] {
        page.show_on(Screen { width, theme });
        let overflow = page.value("document.documentElement.scrollWidth - innerWidth").as_i64().unwrap();
        assert!(overflow <= 0, "{overflow} px beyond a screen of {width}");
        assert_eq!(page.value(COLLISIONS), Value::Array(Vec::new()), "{width}");
    }
}

#[test]
#[ignore = "live: needs chromium"]
fn night_is_dark_and_paper_is_white() {
    let dir = Workdir::new();
    let (html, _) = super::of_the_real_node(&dir);
    let mut browser = Browser::new();
    let mut page = browser.open(&html, Screen::DESK);
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = page.value(ground);
    page.show_on(Screen::PHONE);
    let dark = page.value(ground);
    assert_eq!((light, dark), ("rgb(253, 252, 250)".into(), "rgb(20, 22, 26)".into()));
    page.print_on_paper();
    assert_eq!(
        page.value("getComputedStyle(document.body).color"),
        "rgb(28, 30, 34)",
        "black on white, at night too"
    );
    // What is folded away on a screen is on paper.
    let hidden =
        "[...document.querySelectorAll('details table')].filter(table => !table.checkVisibility()).length";
    assert_eq!(page.value(hidden), 0);
    let pages = page.printed();
    assert!((3..=8).contains(&pages), "{pages} pages");
}

#[test]
#[ignore = "live: needs chromium"]
fn who_can_not_see_it_is_told() {
    let dir = Workdir::new();
    let (html, _) = super::of_the_real_node(&dir);
    let mut browser = Browser::new();
    let mut page = browser.open(&html, Screen::DESK);
    // As a screen reader gets it.
    let tree = page.accessibility();
    let named = |role: &str| -> Vec<String> {
        let nodes = tree.iter().filter(|node| node["role"]["value"] == role && node["ignored"] == false);
        nodes.map(|node| node["name"]["value"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let images = named("image");
    assert_eq!(images.len(), 9, "{images:?}");
    assert!(images.iter().all(|name| name.len() > 20), "{images:?}");
    for table in named("table") {
        assert!(!table.is_empty());
    }
    let levels =
        page.value("[...document.querySelectorAll('h1,h2,h3,h4')].map(heading => +heading.nodeName[1])");
    let levels: Vec<i64> = levels.as_array().unwrap().iter().map(|level| level.as_i64().unwrap()).collect();
    assert_eq!(levels[0], 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1 && pair[1] > 1), "{levels:?}");
}
