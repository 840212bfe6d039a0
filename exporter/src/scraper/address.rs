//! Where an endpoint is: `https://10.42.0.17:8443/metrics`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use hyper::Uri;

/// The address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Whether it is https.
    pub tls: bool,
    /// A name or an IP address.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Path and query, `/metrics` where none is given.
    pub path: String,
}

/// A name or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name, for a resolver.
    Name(String),
}

impl Address {
    /// `/metrics` of an IP address.
    pub fn of_pod(tls: bool, ip: IpAddr, port: u16) -> Address {
        Address { tls, host: Host::Ip(ip), port, path: "/metrics".to_owned() }
    }

    /// `host:port`, as in a header.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Host::Ip(ip) => ip.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let uri: Uri = text.parse().map_err(|_| format!("`{text}` is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("`{text}` begins with neither http:// nor https://")),
        };
        let authority = uri.authority().ok_or_else(|| format!("`{text}` has no host"))?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user in it: a token is given by file".to_owned());
        }
        let host = authority.host();
        let behind = &authority.as_str()[host.len()..];
        if !behind.is_empty() && behind.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_err()) {
            return Err(format!("`{text}` has a port that is none"));
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(ip) => {
                Host::Ip(IpAddr::V6(ip.parse::<Ipv6Addr>().map_err(|_| format!("`{ip}` is no address"))?))
            }
            None if host.is_empty() => return Err(format!("`{text}` has no host")),
            None => host.parse().map_or_else(|_| Host::Name(host.to_owned()), Host::Ip),
        };
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path == "/" { "/metrics" } else { path }.to_owned();
        Ok(Address { tls, host, port, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_was_written() {
        for text in [
            "https://10.42.0.17:8443/metrics",
            "http://[fd00::11]:8080/metrics",
            "https://virt-api.kubevirt.svc:443/proxy/metrics?a=b",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("http://10.0.0.1".parse::<Address>().unwrap().to_string(), "http://10.0.0.1:80/metrics");
        assert_eq!("https://a/".parse::<Address>().unwrap().to_string(), "https://a:443/metrics");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "10.42.0.17:8443",
            "ftp://a/",
            "https://",
            "https:///metrics",
            "http://[fe80::]x/",
            "http://a:port/",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let error = "https://me:secret@a/".parse::<Address>().unwrap_err();
        assert!(!error.contains("secret"));
    }
}
