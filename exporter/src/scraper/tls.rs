//! Whom we believe to be a component of KubeVirt.
//!
//! virt-operator signs the certificates of its components with a CA of its own, whose certificate is in the ConfigMap
//! `kubevirt-ca`, and renews both. Their alternative names are those of a service in KubeVirt's namespace
//! (`virt-handler`, `virt-handler.kubevirt`, `virt-handler.kubevirt.svc`, `virt-handler.kubevirt.svc.cluster.local`;
//! virt-operator's is `kubevirt-operator-webhook`), with no IP address among them
//! (`pkg/virt-operator/resource/generate/components/secrets.go`, `pkg/certificates/triple/triple.go`). A pod is asked by
//! its address. So where the host of an endpoint is an address, the chain is verified, that the certificate is a
//! server's, and its time, but no name: KubeVirt's components do the same among themselves (`pkg/util/tls/tls.go`).
//! That CA signs for KubeVirt alone. Where the host is a name, the certificate has to be for it.
//!
//! CDI's operator and controller (1.63 and later) have a certificate that no CA signed: controller-runtime makes one at
//! each start. It can't be verified, so they need `--kubevirt.insecure-skip-verify=cdi`.

use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Verifies nothing: whoever answers is believed.
pub(crate) fn unverified() -> Result<Arc<ClientConfig>, String> {
    config(None)
}

/// Verifies against the certificates of a PEM file.
pub(crate) fn verified(pem: &str) -> Result<Arc<ClientConfig>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(|error| format!("the CA's certificates are no PEM: {error}"))?;
    let mut roots = RootCertStore::empty();
    // One that can't be used is no reason not to use the next.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err("no certificate of a CA that can be used".to_owned());
    }
    config(Some(roots))
}

fn config(roots: Option<RootCertStore>) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier { roots, provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Verifier {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
            if matches!(server_name, ServerName::DnsName(_)) {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
