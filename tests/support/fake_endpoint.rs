//! An endpoint of metrics that behaves as a test wants, for as long as it wants, and answers everybody at once.
//! [`fake_exporter`](crate::fake_exporter) answers one question after the other; this one also hangs, trickles, and
//! never ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it does with a request.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Answers with status 200 and this text.
    Text(String),
    /// Answers with this head, without the empty line behind it, and this body. What is missing of `Content-Length`
    /// is added.
    Answer(String, Vec<u8>),
    /// Answers with this line over and over, without an end.
    Endless(String),
    /// Says that so many bytes come, and sends lines until it is told to stop.
    Announced(u64),
    /// Answers with this text after this time.
    Late(Duration, String),
    /// Answers with a byte a second.
    Trickle,
    /// Says nothing.
    Hang,
    /// Closes the connection.
    Close,
    /// Answers 401 to who does not show this bearer token, else with this text.
    WantsToken(String, String),
}

impl Behaviour {
    /// A status and nothing else.
    pub fn status(status: &str) -> Behaviour {
        Behaviour::Answer(format!("HTTP/1.1 {status}"), Vec::new())
    }

    /// Status 200 with this header and this body.
    pub fn with(header: &str, body: impl Into<Vec<u8>>) -> Behaviour {
        Behaviour::Answer(format!("HTTP/1.1 200 OK\r\n{header}"), body.into())
    }
}

/// A server on a port of the loopback interface. It lives as long as the test.
#[derive(Debug)]
pub struct FakeEndpoint {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    behaviour: Mutex<Behaviour>,
    requests: Mutex<Vec<String>>,
    /// Bytes of bodies that were taken from it.
    sent: AtomicU64,
    under_way: AtomicU64,
    most_under_way: AtomicU64,
    ended: AtomicBool,
}

impl FakeEndpoint {
    /// In plain HTTP.
    pub fn new(behaviour: Behaviour) -> FakeEndpoint {
        FakeEndpoint::start(behaviour, None)
    }

    /// With TLS.
    pub fn with_tls(behaviour: Behaviour, config: ServerConfig) -> FakeEndpoint {
        FakeEndpoint::start(behaviour, Some(Arc::new(config)))
    }

    fn start(behaviour: Behaviour, tls: Option<Arc<ServerConfig>>) -> FakeEndpoint {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(State {
            behaviour: Mutex::new(behaviour),
            requests: Mutex::default(),
            sent: AtomicU64::default(),
            under_way: AtomicU64::default(),
            most_under_way: AtomicU64::default(),
            ended: AtomicBool::default(),
        });
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (state, tls) = (Arc::clone(&serving), tls.clone());
                thread::spawn(move || {
                    let under_way = state.under_way.fetch_add(1, Ordering::SeqCst) + 1;
                    state.most_under_way.fetch_max(under_way, Ordering::SeqCst);
                    // A client that goes away has had its say.
                    let _ = match tls {
                        None => state.serve(stream),
                        Some(config) => ServerConnection::new(config)
                            .map_err(io::Error::other)
                            .and_then(|tls| state.serve(StreamOwned::new(tls, stream))),
                    };
                    state.under_way.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        FakeEndpoint { address, scheme, state }
    }

    /// From now on it does this.
    pub fn becomes(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().expect("the behaviour") = behaviour;
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its metrics are.
    pub fn url(&self) -> String {
        format!("{}://{}/metrics", self.scheme, self.address)
    }

    /// Where its metrics are, by name.
    pub fn url_by_name(&self) -> String {
        format!("{}://localhost:{}/metrics", self.scheme, self.address.port())
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().expect("the requests").clone()
    }

    /// How many bytes of bodies it could write so far.
    pub fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }

    /// The most connections that were open at a time.
    pub fn most_under_way(&self) -> u64 {
        self.state.most_under_way.load(Ordering::SeqCst)
    }
}

impl Drop for FakeEndpoint {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn serve(&self, mut stream: impl Read + Write) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
            if !byte[0].is_ascii() || byte[0] < b'\n' {
                // No HTTP: a server says so rather than wait for more.
                return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        self.requests.lock().expect("the requests").push(head.clone());
        let behaviour = self.behaviour.lock().expect("the behaviour").clone();
        match behaviour {
            Behaviour::Text(text) => self.answer(&mut stream, TEXT, text.as_bytes()),
            Behaviour::Late(time, text) => {
                self.pause(time)?;
                self.answer(&mut stream, TEXT, text.as_bytes())
            }
            Behaviour::Answer(head, body) => self.answer(&mut stream, &head, &body),
            Behaviour::WantsToken(token, text) => {
                let shown = format!("authorization: bearer {}\r\n", token.to_ascii_lowercase());
                match head.to_ascii_lowercase().contains(&shown) {
                    true => self.answer(&mut stream, TEXT, text.as_bytes()),
                    false => self.answer(&mut stream, "HTTP/1.1 401 Unauthorized", b""),
                }
            }
            Behaviour::Endless(line) => {
                write!(stream, "{TEXT}\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let lines = line.repeat(64 * 1024 / line.len() + 1);
                let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
                self.without_an_end(&mut stream, chunk.as_bytes())
            }
            Behaviour::Announced(size) => {
                write!(stream, "{TEXT}\r\nContent-Length: {size}\r\n\r\n")?;
                self.without_an_end(&mut stream, "a_series{label=\"value\"} 1\n".repeat(2048).as_bytes())
            }
            Behaviour::Trickle => {
                write!(stream, "{TEXT}\r\nContent-Length: 100000\r\n\r\n")?;
                for byte in b"process_open_fds 1\n".iter().cycle() {
                    stream.write_all(&[*byte])?;
                    stream.flush()?;
                    self.pause(Duration::from_secs(1))?;
                }
                Ok(())
            }
            Behaviour::Hang => loop {
                self.pause(Duration::from_secs(60))?;
            },
            Behaviour::Close => Ok(()),
        }
    }

    fn answer(&self, stream: &mut impl Write, head: &str, body: &[u8]) -> io::Result<()> {
        let framed = head.to_ascii_lowercase().contains("content-length");
        let length = if framed { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        write!(stream, "{head}\r\n{length}Connection: close\r\n\r\n")?;
        stream.write_all(body)?;
        stream.flush()?;
        self.sent.fetch_add(body.len() as u64, Ordering::SeqCst);
        Ok(())
    }

    fn without_an_end(&self, stream: &mut impl Write, piece: &[u8]) -> io::Result<()> {
        loop {
            stream.write_all(piece)?;
            self.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
            self.pause(Duration::ZERO)?;
        }
    }

    /// Sleeps, unless the test has ended.
    fn pause(&self, time: Duration) -> io::Result<()> {
        let step = Duration::from_millis(20);
        let mut left = time;
        while !left.is_zero() && !self.ended.load(Ordering::Relaxed) {
            thread::sleep(left.min(step));
            left = left.saturating_sub(step);
        }
        if self.ended.load(Ordering::Relaxed) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

const TEXT: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8";
