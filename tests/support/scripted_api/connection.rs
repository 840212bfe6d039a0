//! One connection: requests one after the other, and a watch for as long as it lasts.

use std::io::{self, Read, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::request::Request;
use super::store::{Change, Fault, State};
use super::{Shared, answer_text};

/// How long nothing may happen before the server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn serve(shared: &Shared, mut stream: impl Read + Write) {
    // A connection that breaks is the other side's wish, or the test's.
    while let Ok(Some(asked)) = read(&mut stream) {
        let mut out = Out { stream: &mut stream, cut: None, slow: None };
        let token = asked.token.as_deref();
        let result = match asked.method.as_str() {
            "GET" => respond(shared, &asked.url, token, &mut out),
            _ => write(shared, &asked, &mut out),
        };
        if result.is_err() {
            return;
        }
    }
}

struct Asked {
    method: String,
    url: String,
    token: Option<String>,
    body: Value,
}

/// Changes an object, for the checks that a real cluster passes too.
fn write<S: Write>(shared: &Shared, asked: &Asked, out: &mut Out<'_, S>) -> io::Result<()> {
    fn merge(into: &mut Value, patch: &Value) {
        match patch {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| merge(&mut into[name], value)),
            other => *into = other.clone(),
        }
    }
    let path = asked.url.split('?').next().unwrap_or_default();
    let request = Request::new(path, "");
    let (namespace, name) = (request.namespace.unwrap_or_default(), request.name.unwrap_or_default());
    let collection = request.collection;
    let found = shared.state().get(&collection, &namespace, &name).cloned();
    let object = match (asked.method.as_str(), found) {
        ("POST", _) => asked.body.clone(),
        (_, None) => return out.whole(404, &status(404, "NotFound", "not found")),
        ("DELETE", Some(object)) => {
            shared.change(|state| state.delete(&collection, &namespace, &name));
            return out.whole(200, &object.to_string());
        }
        (_, Some(mut object)) => {
            merge(&mut object, &asked.body);
            object
        }
    };
    shared.change(|state| state.put(&collection, object.clone()));
    out.whole(200, &object.to_string())
}

/// Reads a request.
fn read(stream: &mut impl Read) -> io::Result<Option<Asked>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ').map(str::to_owned);
    let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line[name.len()..].trim().to_owned())
    };
    let length = header("content-length:").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let token = header("authorization: bearer");
    Ok(Some(Asked { method, url, token, body: serde_json::from_slice(&body).unwrap_or_default() }))
}

/// Where an answer goes, as far as it gets.
struct Out<'a, S> {
    stream: &'a mut S,
    cut: Option<usize>,
    slow: Option<usize>,
}

impl<S: Write> Out<'_, S> {
    fn head(&mut self, status: u16, rest: &str) -> io::Result<()> {
        write!(self.stream, "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n{rest}\r\n\r\n")
    }

    /// An answer as a whole.
    fn whole(&mut self, status: u16, body: &str) -> io::Result<()> {
        self.head(status, &format!("Content-Length: {}", body.len()))?;
        self.body(body.as_bytes())
    }

    /// A piece of a stream.
    fn chunk(&mut self, text: &str) -> io::Result<()> {
        write!(self.stream, "{:x}\r\n", text.len())?;
        self.body(text.as_bytes())?;
        self.stream.write_all(b"\r\n")?;
        self.stream.flush()
    }

    fn body(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if let Some(left) = &mut self.cut {
            let part = bytes.len().min(*left);
            *left -= part;
            self.stream.write_all(&bytes[..part])?;
            self.stream.flush()?;
            return if part < bytes.len() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) };
        }
        while let Some(step) = self.slow.filter(|step| *step < bytes.len()) {
            self.stream.write_all(&bytes[..step])?;
            self.stream.flush()?;
            sleep(Duration::from_millis(10));
            bytes = &bytes[step..];
        }
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }
}

fn respond<S: Write>(
    shared: &Shared,
    url: &str,
    token: Option<&str>,
    out: &mut Out<'_, S>,
) -> io::Result<()> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let request = Request::new(path, query);
    let (fault, epoch) = {
        let mut state = shared.state();
        state.requests.push(url.to_owned());
        if state.token.as_deref().is_some_and(|wanted| token != Some(wanted)) {
            return out.whole(401, &answer_text("error-401.json"));
        }
        if state.is_absent(&request.collection) {
            // What a real one says of an API that it does not serve.
            return out.whole(404, "404 page not found\n");
        }
        (state.fault(url), state.epoch)
    };
    match fault {
        None => {}
        Some(Fault::Status(status, body)) => return out.whole(status, &body),
        Some(Fault::Instead(body)) => return out.whole(200, &body),
        Some(Fault::Cut(bytes)) => out.cut = Some(bytes),
        Some(Fault::Slow(bytes)) => out.slow = Some(bytes),
        Some(Fault::Line(line)) => {
            out.head(200, "Transfer-Encoding: chunked")?;
            out.chunk(&line)?;
            return out.stream.write_all(b"0\r\n\r\n");
        }
        Some(fault @ (Fault::Hang | Fault::Silent)) => {
            if matches!(fault, Fault::Silent) {
                out.head(200, "Transfer-Encoding: chunked")?;
                out.stream.flush()?;
            }
            while shared.state().epoch == epoch {
                sleep(LOOK / 10);
            }
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
    if path == "/version" {
        return out.whole(200, &answer_text("version.json"));
    }
    if request.is_watch() {
        return watch(shared, &request, epoch, out);
    }
    let body = {
        let state = shared.state();
        match &request.name {
            Some(name) => {
                let namespace = request.namespace.as_deref().unwrap_or_default();
                state.get(&request.collection, namespace, name).map(Value::to_string)
            }
            None => match asked_for_the_future(&state, &request) {
                true => None,
                false => Some(list(&state, &request)),
            },
        }
    };
    match body {
        Some(body) => out.whole(200, &body),
        None if request.name.is_some() => out.whole(404, &status(404, "NotFound", "not found")),
        None => out.whole(504, &status(504, "Timeout", "Too large resource version")),
    }
}

/// A real one waits some seconds for such a version, then says 504.
fn asked_for_the_future(state: &State, request: &Request) -> bool {
    request.parameter("resourceVersion").parse().is_ok_and(|version: u64| version > state.version())
}

fn list(state: &State, request: &Request) -> String {
    let items: Vec<&Value> = state.selected(request).collect();
    json!({
        "kind": "List", "apiVersion": "v1",
        "metadata": { "resourceVersion": state.version().to_string() },
        "items": items,
    })
    .to_string()
}

fn status(code: u16, reason: &str, message: &str) -> String {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": code })
    .to_string()
}

fn watch<S: Write>(shared: &Shared, request: &Request, epoch: u64, out: &mut Out<'_, S>) -> io::Result<()> {
    shared.change(|state| state.watches += 1);
    let result = events(shared, request, epoch, out);
    shared.change(|state| state.watches -= 1);
    result
}

fn events<S: Write>(shared: &Shared, request: &Request, epoch: u64, out: &mut Out<'_, S>) -> io::Result<()> {
    let seconds = request.parameter("timeoutSeconds").parse().unwrap_or(3600);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut since: u64 = request.parameter("resourceVersion").parse().unwrap_or_default();
    out.head(200, "Transfer-Encoding: chunked")?;
    out.stream.flush()?;
    let mut told_bookmarks = shared.state().history.iter().filter(|change| change.bookmark).count();
    loop {
        let (mut lines, gone) = {
            let mut state = shared.state();
            loop {
                if state.epoch != epoch && state.oldest <= since {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                if since < state.oldest {
                    break (Vec::new(), true);
                }
                let lines = news(&state, request, since, &mut told_bookmarks);
                since =
                    since.max(state.version().min(state.history.last().map_or(since, |last| last.version)));
                if !lines.is_empty() || Instant::now() >= end {
                    break (lines, false);
                }
                state = shared.changed.wait_timeout(state, LOOK).unwrap().0;
            }
        };
        if gone {
            lines = vec![answer_text("error-410-watch.ndjson")];
        }
        for line in &lines {
            out.chunk(line)?;
        }
        if gone || Instant::now() >= end {
            return out.stream.write_all(b"0\r\n\r\n").and_then(|()| out.stream.flush());
        }
    }
}

/// What a watch is told of the changes since a version.
fn news(state: &State, request: &Request, since: u64, told_bookmarks: &mut usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut bookmarks = 0;
    for change in &state.history {
        if change.bookmark {
            bookmarks += 1;
            if bookmarks > *told_bookmarks {
                let version = change.version.to_string();
                let object = json!({ "kind": "Bookmark", "metadata": { "resourceVersion": version } });
                lines.push(format!("{}\n", json!({ "type": "BOOKMARK", "object": object })));
            }
        } else if change.version > since && change.collection == request.collection {
            lines.extend(event(request, change));
        }
    }
    *told_bookmarks = bookmarks;
    lines
}

/// An object that a selector no longer selects is as good as deleted.
fn event(request: &Request, change: &Change) -> Option<String> {
    let selected = |object: &Option<Value>| object.as_ref().is_some_and(|object| request.selects(object));
    let (what, object) = match (selected(&change.before), selected(&change.after)) {
        (false, false) => return None,
        (false, true) => ("ADDED", change.after.clone()?),
        (true, true) => ("MODIFIED", change.after.clone()?),
        (true, false) => {
            let mut object = change.before.clone()?;
            object["metadata"]["resourceVersion"] = json!(change.version.to_string());
            ("DELETED", object)
        }
    };
    // Real servers write `type` first.
    Some(format!("{{\"type\":\"{what}\",\"object\":{object}}}\n"))
}
