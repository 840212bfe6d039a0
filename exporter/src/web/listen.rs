//! Where to listen.
//!
//! `--web.listen-address` has Go's form (`net.Listen`): `HOST:PORT`, an IPv6 address in brackets, without a
//! host all addresses of both families. Port 0 lets the kernel choose.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use tokio::net::{TcpListener, TcpSocket};

use super::error::WebError;

/// Connections that may wait in the kernel. It takes the lesser of this and `net.core.somaxconn`.
const BACKLOG: u32 = 1024;

/// An address to listen on, not yet resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    given: String,
    /// None: all addresses.
    host: Option<String>,
    port: u16,
}

impl FromStr for ListenAddress {
    type Err = WebError;

    fn from_str(given: &str) -> Result<ListenAddress, WebError> {
        let wrong = |reason: &str| WebError::ListenAddress { reason: reason.to_owned() };
        if given.contains("://") {
            return Err(wrong("only TCP is served"));
        }
        let (host, port) = given.rsplit_once(':').ok_or_else(|| wrong("the port is missing"))?;
        let port = port.parse().map_err(|_| wrong("the port is not a number from 0 to 65535"))?;
        let host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
            Some(Some(host)) if host.parse::<Ipv6Addr>().is_ok() => host,
            Some(_) => return Err(wrong("what is in brackets is not an IPv6 address")),
            None if host.contains(':') => return Err(wrong("an IPv6 address must be in brackets")),
            None => host,
        };
        let host = (!host.is_empty()).then(|| host.to_owned());
        Ok(ListenAddress { given: given.to_owned(), host, port })
    }
}

impl ListenAddress {
    /// Listens there. To be called inside of a runtime.
    pub fn listen(&self) -> Result<TcpListener, WebError> {
        self.try_listen().map_err(|reason| self.failed(reason))
    }

    /// It could not be listened to there.
    pub fn failed(&self, reason: io::Error) -> WebError {
        match reason.kind() {
            io::ErrorKind::AddrInUse => WebError::PortInUse { address: self.given.clone() },
            _ => WebError::Listen { address: self.given.clone(), reason },
        }
    }

    fn try_listen(&self) -> io::Result<TcpListener> {
        let Some(host) = &self.host else {
            return match listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, self.port))) {
                // A kernel without IPv6: EAFNOSUPPORT, or EADDRNOTAVAIL where it is switched off.
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    listen(SocketAddr::from((Ipv4Addr::UNSPECIFIED, self.port)))
                }
                outcome => outcome,
            };
        };
        let mut addresses: Vec<_> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::from((address, self.port))],
            Err(_) => (host.as_str(), self.port).to_socket_addrs()?.collect(),
        };
        // As Go does for a name: IPv4 first.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let first = addresses.first().ok_or_else(|| io::Error::other("the name has no address"))?;
        listen(*first)
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    if address.is_ipv6() {
        // `[::]` serves IPv4 too, whatever `net.ipv6.bindv6only` says.
        rustix::net::sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
    }
    // A restart does not wait for connections in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_gos_form() {
        for (given, host, port) in [
            (":9971", None, 9971),
            ("127.0.0.1:0", Some("127.0.0.1"), 0),
            ("[::1]:9971", Some("::1"), 9971),
            ("[::]:9971", Some("::"), 9971),
            ("localhost:80", Some("localhost"), 80),
        ] {
            let address: ListenAddress = given.parse().unwrap();
            assert_eq!((address.host.as_deref(), address.port), (host, port), "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for (given, reason) in [
            ("9971", "the port is missing"),
            ("", "the port is missing"),
            (":http", "the port is not a number from 0 to 65535"),
            (":65536", "the port is not a number from 0 to 65535"),
            (":", "the port is not a number from 0 to 65535"),
            ("::1:9971", "an IPv6 address must be in brackets"),
            ("[::1:9971", "what is in brackets is not an IPv6 address"),
            ("[localhost]:9971", "what is in brackets is not an IPv6 address"),
            ("vsock://:9971", "only TCP is served"),
        ] {
            let expected =
                format!("{reason}; give HOST:PORT, such as `:9971`, `127.0.0.1:9971` or `[::1]:9971`");
            assert_eq!(given.parse::<ListenAddress>().unwrap_err().to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_to_do() {
        let first = "127.0.0.1:0".parse::<ListenAddress>().unwrap().listen().unwrap();
        let taken = first.local_addr().unwrap().to_string();
        let error = taken.parse::<ListenAddress>().unwrap().listen().unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on {taken}: the port is in use; ")), "{error}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_named() {
        let error = "192.0.2.1:0".parse::<ListenAddress>().unwrap().listen().unwrap_err().to_string();
        assert!(error.starts_with("cannot listen on 192.0.2.1:0: Cannot assign"), "{error}");
    }

    #[tokio::test]
    async fn without_a_host_both_families_are_served() {
        let listener = ":0".parse::<ListenAddress>().unwrap().listen().unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    }
}
