//! An HTTP client that is as simple as the tests are strict.

use std::io::{self, Read, Write};

/// A connection, and what was read of it but not used yet.
pub(crate) struct Client<S> {
    pub stream: S,
    rest: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(stream: S) -> Client<S> {
        Client { stream, rest: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// `headers`: lines that end in `\r\n`.
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &str) -> io::Result<()> {
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n").as_bytes())
    }

    pub(crate) fn get(&mut self, path: &str, headers: &str) -> Response {
        self.try_get(path, headers).unwrap()
    }

    pub(crate) fn try_get(&mut self, path: &str, headers: &str) -> io::Result<Response> {
        self.request("GET", path, headers)?;
        self.response(true)
    }

    /// Reads an answer. One to HEAD has no body, whatever its length says.
    pub(crate) fn response(&mut self, with_body: bool) -> io::Result<Response> {
        let end = loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.more()?;
        };
        let head = String::from_utf8(self.rest.drain(..end + 4).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = Response { status, headers, body: Vec::new() };
        if with_body {
            let length = response.header("content-length").expect("a length").parse().unwrap();
            while self.rest.len() < length {
                self.more()?;
            }
            response.body = self.rest.drain(..length).collect();
        }
        Ok(response)
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let length = self.stream.read(&mut buffer)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.extend(&buffer[..length]);
        Ok(())
    }

    /// Reads until the server has closed the connection, and tells what came. A connection that stays open
    /// fails the test by the read timeout.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        let mut seen = std::mem::take(&mut self.rest);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return seen,
                Ok(length) => seen.extend(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("it is still open"),
                Err(_) => return seen,
            }
        }
    }
}
