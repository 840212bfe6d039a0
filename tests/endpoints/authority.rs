//! KubeVirt's CA, and the certificates that it signs: names of services, no address.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// As virt-operator makes them for a service of this name.
    pub(crate) fn server(&self, service: &str) -> ServerConfig {
        self.signs(service, |_| {})
    }

    /// With something else about it.
    pub(crate) fn signs(&self, service: &str, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let names = ["", ".kubevirt", ".kubevirt.svc", ".kubevirt.svc.cluster.local"];
        let names: Vec<_> = names.iter().map(|end| format!("{service}{end}")).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        config(&pem, &key)
    }
}

/// With a certificate that no CA signed, as controller-runtime makes one.
pub(crate) fn self_signed() -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    config(&params.self_signed(&key).unwrap().pem(), &key)
}

fn config(pem: &str, key: &KeyPair) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}
