//! The names that a client's certificate bears.
//!
//! `client_allowed_sans` is compared with the subject alternative names as text (`VerifyPeerCertificate` in
//! the toolkit's `web/tls_config.go`): DNS names, e-mail addresses, IP addresses and URIs, so SPIFFE identities
//! work. rustls only checks DNS and IP names of a server, hence this walk through the DER of RFC 5280, 4.1
//! and 4.2.1.6. It sees certificates that a client CA has signed.

use std::net::{Ipv4Addr, Ipv6Addr};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `[3]` of `TBSCertificate`: the extensions.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The subject alternative names of a certificate in DER, as Go prints them. None if it can't be read.
pub(super) fn subject_alternative_names(certificate: &[u8]) -> Option<Vec<String>> {
    let certificate = Der(certificate).expect(SEQUENCE)?;
    for (tag, content) in Der(Der(certificate).expect(SEQUENCE)?) {
        if tag == EXTENSIONS {
            return names_in(Der(content).expect(SEQUENCE)?);
        }
    }
    Some(Vec::new())
}

fn names_in(extensions: &[u8]) -> Option<Vec<String>> {
    for (tag, extension) in Der(extensions) {
        let mut parts = Der(extension);
        if tag != SEQUENCE || parts.expect(OBJECT_IDENTIFIER)? != SUBJECT_ALTERNATIVE_NAME {
            continue;
        }
        // Whether it is critical may stand between identifier and value.
        let value = parts.find(|&(tag, _)| tag == OCTET_STRING)?.1;
        return Some(Der(Der(value).expect(SEQUENCE)?).filter_map(name).collect());
    }
    Some(Vec::new())
}

fn name((tag, content): (u8, &[u8])) -> Option<String> {
    match tag {
        // rfc822Name, dNSName, uniformResourceIdentifier.
        0x81 | 0x82 | 0x86 => std::str::from_utf8(content).ok().map(str::to_owned),
        0x87 => match content.len() {
            4 => <[u8; 4]>::try_from(content).ok().map(|octets| Ipv4Addr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(content)
                .ok()
                .map(|octets| Ipv6Addr::from(octets).to_canonical().to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// Elements one after the other: tag, content. It ends at the first that is not whole.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|&(found, _)| found == tag).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let octets;
                (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                octets.iter().fold(0, |length, &octet| length << 8 | usize::from(octet))
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn all_kinds_of_names_are_read_as_go_prints_them() {
        let names = vec![
            SanType::DnsName("prometheus.example".try_into().unwrap()),
            SanType::Rfc822Name("ops@example".try_into().unwrap()),
            SanType::URI("spiffe://cluster.local/ns/monitoring/sa/prometheus".try_into().unwrap()),
            SanType::IpAddress("192.0.2.7".parse().unwrap()),
            SanType::IpAddress("2001:db8::7".parse().unwrap()),
        ];
        assert_eq!(
            subject_alternative_names(&certificate(names)).unwrap(),
            [
                "prometheus.example",
                "ops@example",
                "spiffe://cluster.local/ns/monitoring/sa/prometheus",
                "192.0.2.7",
                "2001:db8::7"
            ]
        );
    }

    #[test]
    fn a_certificate_without_names_has_none() {
        assert_eq!(subject_alternative_names(&certificate(Vec::new())), Some(Vec::new()));
    }

    #[test]
    fn a_certificate_cut_short_names_nobody() {
        let whole = certificate(vec![SanType::DnsName("prometheus.example".try_into().unwrap())]);
        for length in 0..whole.len() {
            assert_eq!(subject_alternative_names(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, at: proptest::sample::Index, byte: u8) {
            let _ = subject_alternative_names(&bytes);
            let mut near = certificate(vec![SanType::DnsName("prometheus.example".try_into().unwrap())]);
            let at = at.index(near.len());
            near[at] = byte;
            let _ = subject_alternative_names(&near);
        }
    }
}
