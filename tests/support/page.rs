//! A page that edgebench wrote, read back: strictly, as the subset of HTML that it writes is one of XML but for the
//! elements that hold nothing. What a browser would repair is an error here.

use std::collections::HashSet;

/// Elements that hold nothing and have no end tag (HTML Living Standard, 13.1.2).
const VOID: [&str; 2] = ["link", "meta"];

/// What edgebench's pages are made of. None of it runs, and none but `link` can load anything.
const ELEMENTS: [&str; 46] = [
    "a", "article", "b", "body", "caption", "circle", "code", "dd", "desc", "details", "div", "dl", "dt",
    "figure", "footer", "h1", "h2", "h3", "h4", "head", "header", "html", "li", "line", "link", "main",
    "meta", "nav", "p", "polyline", "rect", "section", "small", "span", "style", "summary", "svg", "table",
    "tbody", "td", "text", "th", "thead", "title", "tr", "ul",
];

/// An element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    /// `td`
    pub name: String,
    /// With their character references resolved.
    pub attributes: Vec<(String, String)>,
    /// From the first to the last.
    pub inside: Vec<Node>,
}

/// What an element holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, with its character references resolved.
    Text(String),
}

impl Element {
    /// Reads a page.
    ///
    /// # Errors
    /// Where it is not whole, holds what edgebench does not write, or has an id twice.
    pub fn read(page: &str) -> Result<Element, String> {
        let text = page.strip_prefix("<!DOCTYPE html>\n").ok_or("no document type")?;
        let mut reader = Reader { rest: text };
        let root = reader.element()?;
        if root.name != "html" || !reader.rest.trim().is_empty() {
            return Err(format!("after the page: {:?}", reader.rest.get(..80)));
        }
        let mut ids = HashSet::new();
        for element in root.all() {
            let id = element.get("id").filter(|id| !ids.insert((*id).to_owned()));
            if let Some(id) = id {
                return Err(format!("the id {id} twice"));
            }
        }
        for element in root.all() {
            let names =
                element.get("aria-labelledby").unwrap_or_default().split(' ').filter(|id| !id.is_empty());
            let links = element.get("href").and_then(|href| href.strip_prefix('#'));
            for id in names.chain(links) {
                if !ids.contains(id) {
                    return Err(format!("nothing has the id {id}"));
                }
            }
        }
        Ok(root)
    }

    /// An attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is of a class.
    pub fn is_of(&self, class: &str) -> bool {
        self.get("class").is_some_and(|classes| classes.split(' ').any(|other| other == class))
    }

    /// It and every element inside of it, in the order of the page.
    pub fn all(&self) -> Vec<&Element> {
        let mut all = vec![self];
        for node in &self.inside {
            if let Node::Element(element) = node {
                all.extend(element.all());
            }
        }
        all
    }

    /// Every element of a name.
    pub fn named(&self, name: &str) -> Vec<&Element> {
        self.all().into_iter().filter(|element| element.name == name).collect()
    }

    /// The element with an id.
    pub fn with_id(&self, id: &str) -> Option<&Element> {
        self.all().into_iter().find(|element| element.get("id") == Some(id))
    }

    /// All text inside of it.
    pub fn text(&self) -> String {
        self.inside
            .iter()
            .map(|node| match node {
                Node::Element(element) => element.text(),
                Node::Text(text) => text.clone(),
            })
            .collect()
    }

    /// The rows of a table, as the texts of their cells.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let cells = |row: &Element| {
            let cells = row.all().into_iter().filter(|cell| ["td", "th"].contains(&cell.name.as_str()));
            cells.map(|cell| cell.text().trim().to_owned()).collect()
        };
        self.named("tr").into_iter().map(cells).collect()
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn until(&mut self, end: &str) -> Result<&'a str, String> {
        let at = self.rest.find(end).ok_or_else(|| format!("no {end:?} after {:?}", start(self.rest)))?;
        let (text, rest) = (&self.rest[..at], &self.rest[at + end.len()..]);
        self.rest = rest;
        Ok(text)
    }

    fn element(&mut self) -> Result<Element, String> {
        self.rest = self.rest.strip_prefix('<').ok_or_else(|| format!("no tag: {:?}", start(self.rest)))?;
        let tag = self.until(">")?;
        let (tag, is_whole) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !ELEMENTS.contains(&name) {
            return Err(format!("an element <{name}>"));
        }
        let mut element =
            Element { name: name.to_owned(), attributes: self::attributes(attributes)?, inside: Vec::new() };
        if is_whole || VOID.contains(&name) {
            return Ok(element);
        }
        if name == "style" {
            element.inside.push(Node::Text(self.until("</style>")?.to_owned()));
            return Ok(element);
        }
        loop {
            let at = self.rest.find('<').ok_or_else(|| format!("<{name}> has no end"))?;
            if at > 0 {
                element.inside.push(Node::Text(resolved(&self.rest[..at])?));
                self.rest = &self.rest[at..];
            }
            if let Some(rest) = self.rest.strip_prefix("</") {
                self.rest = rest;
                let end = self.until(">")?;
                return if end == name { Ok(element) } else { Err(format!("</{end}> in <{name}>")) };
            }
            element.inside.push(Node::Element(self.element()?));
        }
    }
}

/// ` name="value"`, as often as one likes, and nothing else.
fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut attributes = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").ok_or_else(|| format!("no attribute: {rest:?}"))?;
        let (value, after) = after.split_once('"').ok_or_else(|| format!("no end of {name}"))?;
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            || name.starts_with("on")
            || name == "style"
        {
            return Err(format!("an attribute {name:?}"));
        }
        attributes.push((name.to_owned(), resolved(value)?));
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Ok(attributes)
}

fn resolved(text: &str) -> Result<String, String> {
    if text.contains('>') {
        return Err(format!("a > in {:?}", start(text)));
    }
    let mut pieces = text.split('&');
    let mut resolved = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) =
            piece.split_once(';').ok_or_else(|| format!("a bare & before {:?}", start(piece)))?;
        resolved.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => return Err(format!("&{other};")),
        });
        resolved += rest;
    }
    Ok(resolved)
}

fn start(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        Element::read(&format!("<!DOCTYPE html>\n<html>{body}</html>\n")).unwrap_err()
    }

    #[test]
    fn a_page_is_read() {
        let page = "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><p id=\"a\">1 &lt; 2<b>!</b></p></html>\n";
        let page = Element::read(page).unwrap();
        assert_eq!((page.get("lang"), page.with_id("a").unwrap().text().as_str()), (Some("en"), "1 < 2!"));
    }

    #[test]
    fn what_is_not_whole_or_not_ours_is_an_error() {
        assert_eq!(error("<script>x</script>"), "an element <script>");
        assert_eq!(error("<p></b>"), "</b> in <p>");
        assert_eq!(error("<p onclick=\"x\"></p>"), "an attribute \"onclick\"");
        assert_eq!(error("<p class=x></p>"), "no attribute: \"class=x\"");
        assert_eq!(error("a & b"), "a bare & before \" b\"");
        assert_eq!(error("<p id=\"a\"></p><p id=\"a\"></p>"), "the id a twice");
        assert_eq!(error("<a href=\"#b\">b</a>"), "nothing has the id b");
    }
}
