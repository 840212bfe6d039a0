//! HTTP/1.1 as far as a test needs it (RFC 9112): one connection, a message at a time, its bytes as they came.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer on loopback takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `GET /metrics HTTP/1.1`, `HTTP/1.1 200 OK`
    pub start: String,
    /// As they came, without the end of the line.
    pub headers: Vec<(String, String)>,
    /// Without its chunks' heads, and as it is encoded.
    pub body: Vec<u8>,
}

impl Message {
    /// A request without a body.
    pub fn get(path: &str) -> Message {
        Message { start: format!("GET {path} HTTP/1.1"), headers: Vec::new(), body: Vec::new() }
    }

    /// With one more header.
    pub fn with(mut self, name: &str, value: &str) -> Message {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The number of a response's status.
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads a message; nothing where the other side has closed the connection before it began.
    ///
    /// # Errors
    /// Where the connection breaks, or what comes is no message.
    pub fn read(connection: &mut impl BufRead) -> io::Result<Option<Message>> {
        let Some(start) = line(connection)? else { return Ok(None) };
        let mut message = Message { start, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = line(connection)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let Some((name, value)) = line.split_once(':') else { break };
            message.headers.push((name.into(), value.trim().into()));
        }
        message.body = body(&message, connection)?;
        Ok(Some(message))
    }

    /// Writes it with the length of its body.
    ///
    /// # Errors
    /// Where the connection breaks.
    pub fn write(&self, connection: &mut impl Write) -> io::Result<()> {
        let mut head = format!("{}\r\n", self.start);
        let of_the_body = |name: &str| {
            name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
        };
        for (name, value) in self.headers.iter().filter(|(name, _)| !of_the_body(name)) {
            head += &format!("{name}: {value}\r\n");
        }
        if !(self.start.starts_with("GET ") && self.body.is_empty()) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        connection.write_all(&[format!("{head}\r\n").as_bytes(), &self.body].concat())
    }
}

/// Asks, on a connection of its own.
///
/// # Errors
/// Where there is no connection, or no whole answer.
pub fn ask(address: SocketAddr, request: &Message) -> io::Result<Message> {
    let mut connection = connect(address)?;
    request.clone().with("Host", &address.to_string()).with("Connection", "close").write(&mut connection)?;
    Message::read(&mut BufReader::new(connection))?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// A connection on which nothing is waited for for ever.
///
/// # Errors
/// Where there is none.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

fn line(connection: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = connection.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end().to_owned()))
}

fn body(message: &Message, connection: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if message.header("transfer-encoding") == Some("chunked") {
        loop {
            let head = line(connection)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = u64::from_str_radix(&head, 16).map_err(io::Error::other)?;
            connection.take(size).read_to_end(&mut body)?;
            line(connection)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let size = match message.header("content-length") {
        Some(size) => size.parse().map_err(io::Error::other)?,
        None if message.start.starts_with("HTTP/") => u64::MAX,
        None => 0,
    };
    connection.take(size).read_to_end(&mut body)?;
    if size != u64::MAX && body.len() as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut text: &[u8]) -> Message {
        Message::read(&mut text).unwrap().unwrap()
    }

    #[test]
    fn a_body_ends_where_its_length_or_its_last_chunk_says() {
        let message = read(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef");
        assert_eq!((message.status(), message.text().as_str()), (Some(200), "abc"));
        let message = read(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n",
        );
        assert_eq!(message.text(), "abc0123456789");
        let message = read(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET");
        assert_eq!((message.header("host"), message.body.len()), (Some("a"), 0));
    }

    #[test]
    fn a_body_that_is_cut_off_is_an_error() {
        let mut text = b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\nabcdef".as_slice();
        assert!(Message::read(&mut text).is_err());
    }
}
