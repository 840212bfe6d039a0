//! A relay between a client and a server on loopback that changes what the client accepts, and keeps what the
//! server answers.
//!
//! Prometheus has no setting for the format it asks for (2.42 asks for OpenMetrics first and takes text).

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::http::{self, Message};

/// A relay. It serves until the test ends.
#[derive(Debug)]
pub struct Relay {
    /// Where the client connects.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Relay {
    /// To the server at `to`, with this `Accept` in place of the client's own.
    ///
    /// # Panics
    /// If it has no port.
    pub fn start(to: SocketAddr, accept: Option<&'static str>) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming() {
                let kept = Arc::clone(&kept);
                // A client that goes away ends its own connection, nothing else.
                thread::spawn(move || client.and_then(|client| serve(client, to, accept, &kept)));
            }
        });
        Relay { address, seen }
    }

    /// The answers so far.
    ///
    /// # Panics
    /// If a connection's thread has.
    pub fn answers(&self) -> Vec<Message> {
        self.seen.lock().expect("no thread has panicked").clone()
    }
}

fn serve(
    client: TcpStream,
    to: SocketAddr,
    accept: Option<&str>,
    seen: &Mutex<Vec<Message>>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut answers = client.try_clone()?;
    let mut requests = BufReader::new(client);
    let mut server = BufReader::new(http::connect(to)?);
    while let Some(mut request) = Message::read(&mut requests)? {
        if let Some(accept) = accept {
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("accept"));
            request = request.with("Accept", accept);
        }
        request.write(server.get_mut())?;
        let Some(answer) = Message::read(&mut server)? else { break };
        // Kept first: who has seen the client get it finds it here.
        seen.lock().map_err(|_| io::ErrorKind::Other)?.push(answer.clone());
        answer.write(&mut answers)?;
    }
    Ok(())
}
