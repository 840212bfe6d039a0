//! The page at `/`, for people who come with a browser.
//!
//! It has what the exporter toolkit's has (`web/landing_page.go`): name, description, version, links.

use std::fmt::Write;

/// What the page says.
#[derive(Clone, Debug)]
pub struct Product {
    /// The program's name.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub description: &'static str,
    /// Its version.
    pub version: String,
}

/// The page, with links to the telemetry path and to what else is served.
pub(super) fn page(product: &Product, telemetry_path: &str) -> String {
    let name = escaped(product.name);
    let description = escaped(product.description);
    let version = escaped(&product.version);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{name}</title>\n\
         <style>body {{ font-family: sans-serif; margin: 2rem; }}</style>\n</head>\n<body>\n\
         <h1>{name}</h1>\n<p>{description}</p>\n<p>Version: {version}</p>\n<ul>\n"
    );
    for (path, text) in [(telemetry_path, "Metrics"), ("/-/healthy", "Healthy"), ("/-/ready", "Ready")] {
        // Writing to a string does not fail.
        let _ = writeln!(page, "<li><a href=\"{}\">{text}</a></li>", escaped(path));
    }
    page.push_str("</ul>\n</body>\n</html>\n");
    page
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_program_and_links_to_what_it_serves() {
        let product =
            Product { name: "edgebench-exporter", description: "KubeVirt.", version: "1.2.3".to_owned() };
        let page = page(&product, "/metrics");
        for part in [
            "<h1>edgebench-exporter</h1>",
            "<p>KubeVirt.</p>",
            "Version: 1.2.3",
            "<a href=\"/metrics\">Metrics</a>",
            "<a href=\"/-/healthy\">Healthy</a>",
            "<a href=\"/-/ready\">Ready</a>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }

    #[test]
    fn what_is_not_ours_is_escaped() {
        let product = Product { name: "a", description: "b", version: "<script>'\"&".to_owned() };
        assert!(page(&product, "/\"><b>").contains("Version: &lt;script&gt;&#39;&quot;&amp;"));
        assert!(page(&product, "/\"><b>").contains("href=\"/&quot;&gt;&lt;b&gt;\""));
    }
}
