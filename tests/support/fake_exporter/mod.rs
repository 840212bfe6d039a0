//! An HTTP server that answers what a test wants an exporter to answer, one answer after the other; the last
//! one stays.

pub mod exposition;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use self::exposition::Exposition;

/// An answer: a head, without the empty line behind it, and a body.
#[derive(Clone, Debug)]
pub struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// Status 200 and a body of this type.
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        Answer { head: format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}"), body: body.into() }
    }

    /// A status and nothing else.
    pub fn status(status: &str) -> Answer {
        Answer { head: format!("HTTP/1.1 {status}"), body: Vec::new() }
    }

    /// With one more header.
    pub fn header(mut self, header: &str) -> Answer {
        self.head += &format!("\r\n{header}");
        self
    }
}

impl From<&Exposition> for Answer {
    fn from(exposition: &Exposition) -> Answer {
        Answer::ok("application/openmetrics-text; version=1.0.0; charset=utf-8", exposition.openmetrics())
    }
}

/// A server on a port of the loopback interface. It lives as long as the test.
#[derive(Debug)]
pub struct FakeExporter {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeExporter {
    /// In plain HTTP.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> FakeExporter {
        FakeExporter::serve(answers, None)
    }

    /// With TLS.
    pub fn with_tls(answers: impl IntoIterator<Item = Answer>, config: ServerConfig) -> FakeExporter {
        FakeExporter::serve(answers, Some(Arc::new(config)))
    }

    fn serve(answers: impl IntoIterator<Item = Answer>, tls: Option<Arc<ServerConfig>>) -> FakeExporter {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let asked = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answers.last().expect("an answer").clone();
                let answered = match &tls {
                    None => serve_one(stream, &answer, &asked),
                    Some(config) => ServerConnection::new(Arc::clone(config))
                        .map_err(io::Error::other)
                        .and_then(|tls| serve_one(StreamOwned::new(tls, stream), &answer, &asked)),
                };
                // A client that goes away has had its say.
                if answered.is_ok() && answers.len() > 1 {
                    answers.pop();
                }
            }
        });
        FakeExporter { address, scheme, requests }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Where it is, by name.
    pub fn url_by_name(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the requests").clone()
    }
}

trait Closing {
    fn close(&mut self);
}

impl Closing for TcpStream {
    fn close(&mut self) {}
}

impl Closing for StreamOwned<ServerConnection, TcpStream> {
    fn close(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }
}

fn serve_one(
    mut stream: impl Read + Write + Closing,
    answer: &Answer,
    requests: &Mutex<Vec<String>>,
) -> io::Result<()> {
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
    requests.lock().expect("the requests").push(String::from_utf8_lossy(&head).into_owned());
    let framed = answer.head.to_ascii_lowercase();
    let length = match framed.contains("content-length") || framed.contains("transfer-encoding") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", answer.body.len()),
    };
    write!(stream, "{}\r\n{length}Connection: close\r\n\r\n", answer.head)?;
    stream.write_all(&answer.body)?;
    stream.flush()?;
    stream.close();
    Ok(())
}
