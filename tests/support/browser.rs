//! A headless Chromium, spoken to by the DevTools protocol.
//!
//! It speaks over a pipe (`--remote-debugging-pipe`): JSON messages with a NUL behind each, which the browser reads from its
//! descriptor 3 and writes to 4. Whatever it would ask of any network, for a page or for itself, goes to a proxy on loopback
//! that keeps the first line of each request and answers none. Loopback is not left out (`<-loopback>`).

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// No answer takes longer: a browser that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser. It ends with the test.
pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    next: u64,
    /// What it said without being asked.
    events: Vec<Value>,
    proxied: Arc<Mutex<Vec<String>>>,
    // Its profile, and its pipes.
    _dir: TempDir,
}

/// How a page is shown.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Its width in CSS pixels.
    pub width: u32,
    /// `light` or `dark`.
    pub theme: &'static str,
}

impl Screen {
    /// A desk's, in daylight.
    pub const DESK: Screen = Screen { width: 1280, theme: "light" };
    /// A phone's, at night.
    pub const PHONE: Screen = Screen { width: 400, theme: "dark" };
}

/// A page that is open.
pub struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
    url: String,
}

impl Browser {
    /// Starts it.
    ///
    /// # Panics
    /// If it can't be started.
    #[allow(clippy::new_without_default, reason = "a browser is not made by the way")]
    pub fn new() -> Browser {
        let dir = tempfile::Builder::new().prefix("edgebench-browser-").tempdir().expect("a directory");
        let (input, output) = (dir.path().join("to"), dir.path().join("from"));
        assert!(Command::new("mkfifo").args([&input, &output]).status().expect("mkfifo").success());
        let (proxy, proxied) = proxy();
        // Opened for both, neither side waits for the other (fifo(7)).
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path).expect("a FIFO");
        let (to, from) = (open(&input), open(&output));
        let child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<to 4>from", "chromium"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--remote-debugging-pipe",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-default-apps"])
            .args(["--disable-sync", "--disable-extensions", "--no-pings", "--metrics-recording-only"])
            .arg("--hide-scrollbars")
            .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
            .arg(format!("--proxy-server=http://{proxy}"))
            .arg("--proxy-bypass-list=<-loopback>")
            .arg("about:blank")
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        Browser { child, to, from: messages(from), next: 0, events: Vec::new(), proxied, _dir: dir }
    }

    /// Opens a file and waits until all of it is there.
    ///
    /// # Panics
    /// If the browser can't.
    pub fn open(&mut self, path: &Path, screen: Screen) -> Page<'_> {
        let url = format!("file://{}", path.canonicalize().expect("a file").display());
        let target = self.ask("", "Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.ask("", "Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        self.events.clear();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.ask(&session, &format!("{domain}.enable"), json!({}));
        }
        let mut page = Page { browser: self, session, url };
        page.show_on(screen);
        let url = page.url.clone();
        let answer = page.ask("Page.navigate", json!({ "url": url }));
        assert_eq!(answer.get("errorText"), None, "{url}");
        page.browser.wait_for("Page.loadEventFired");
        page
    }

    /// What went out to any network: the first line of each request. What the browser wants for itself (the time, its
    /// updates, who is signed in) is left out.
    ///
    /// # Panics
    /// If the proxy's thread has.
    pub fn asked_of_the_network(&self) -> Vec<String> {
        let asked = self.proxied.lock().expect("no thread has panicked");
        asked.iter().filter(|line| !is_the_browsers(line)).cloned().collect()
    }

    fn ask(&mut self, session: &str, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let text = format!("{message}\0");
        self.to.write_all(text.as_bytes()).expect("the browser listens");
        loop {
            let message = self.receive(method);
            if message["id"] == self.next {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn wait_for(&mut self, event: &str) {
        while !self.events.iter().any(|message| message["method"] == event) {
            let message = self.receive(event);
            self.events.push(message);
        }
    }

    fn receive(&mut self, what: &str) -> Value {
        self.from.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("the browser does not answer {what}: {e}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // All of its processes end with this one.
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Page<'_> {
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        let session = self.session.clone();
        self.browser.ask(&session, method, parameters)
    }

    /// Shows it on another screen.
    pub fn show_on(&mut self, screen: Screen) {
        let metrics = json!({ "width": screen.width, "height": 900, "deviceScaleFactor": 1, "mobile": screen.width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", metrics);
        let theme = json!([{ "name": "prefers-color-scheme", "value": screen.theme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": theme }));
    }

    /// The value of an expression.
    ///
    /// # Panics
    /// If it throws.
    pub fn value(&mut self, expression: &str) -> Value {
        let answer = self.ask("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The document as the browser understood it.
    pub fn document(&mut self) -> String {
        self.value("document.documentElement.outerHTML").as_str().unwrap_or_default().to_owned()
    }

    /// How many pages of paper it takes.
    ///
    /// # Panics
    /// If that is not said.
    pub fn printed(&mut self) -> usize {
        let answer =
            self.ask("Page.printToPDF", json!({ "printBackground": true, "preferCSSPageSize": true }));
        let pdf = STANDARD.decode(answer["data"].as_str().expect("a PDF")).expect("base64");
        // Each page is an object of its own, and their parent says how many they are.
        let text = String::from_utf8_lossy(&pdf);
        let count = text.split("/Count ").nth(1).expect("a count of pages");
        count
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|count| count.parse().ok())
            .expect("a number")
    }

    /// Shows it as it is printed.
    pub fn print_on_paper(&mut self) {
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] }),
        );
    }

    /// As it is told to who can't see it.
    pub fn accessibility(&mut self) -> Vec<Value> {
        self.ask("Accessibility.getFullAXTree", json!({}))["nodes"].as_array().cloned().unwrap_or_default()
    }

    /// A picture of all of it, or of its first `height` pixels, as PNG.
    ///
    /// # Panics
    /// If there is none.
    pub fn picture(&mut self, screen: Screen, height: u32) -> Vec<u8> {
        let clip = json!({ "x": 0, "y": 0, "width": screen.width, "height": height, "scale": 1 });
        let what = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.ask("Page.captureScreenshot", what);
        STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64")
    }

    /// What it complained of: on the console, as an exception, in the log (a policy that refused something).
    pub fn complaints(&mut self) -> Vec<String> {
        // Whatever was to be said was said before the answer to this.
        self.value("1");
        let said = self.browser.events.iter().filter(|event| event["sessionId"] == self.session.as_str());
        said.filter(|event| {
            let method = event["method"].as_str().unwrap_or_default();
            ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"].contains(&method)
        })
        .map(|event| event["params"].to_string())
        .collect()
    }

    /// What it asked for beside itself.
    pub fn requests(&mut self) -> Vec<String> {
        self.value("1");
        let said = self.browser.events.iter().filter(|event| event["sessionId"] == self.session.as_str());
        said.filter(|event| event["method"] == "Network.requestWillBeSent")
            .filter_map(|event| event["params"]["request"]["url"].as_str())
            .filter(|url| *url != self.url)
            .map(str::to_owned)
            .collect()
    }
}

/// Whether a request goes to the services that Chromium itself asks, whatever page it shows.
fn is_the_browsers(line: &str) -> bool {
    let address = line.split(' ').nth(1).unwrap_or_default();
    let host = address.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    [".google.com", ".googleapis.com", ".gstatic.com"].iter().any(|service| host.ends_with(service))
}

/// The messages that a browser writes.
fn messages(from: File) -> Receiver<Value> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for message in BufReader::new(from).split(0).map_while(Result::ok) {
            let Ok(message) = serde_json::from_slice(&message) else { return };
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A proxy that leads nowhere: its address, and the first lines of what it was asked.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let _ = BufReader::new((&client).take(4096)).read_line(&mut line);
            kept.lock().expect("no thread has panicked").push(line.trim().to_owned());
            let _ = (&client)
                .write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (address, asked)
}
