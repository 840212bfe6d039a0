//! What is asked of a client's certificate.
//!
//! Go's five kinds (`crypto/tls.ClientAuthType`) are two questions: must one be shown, must it be signed by a
//! client CA? rustls' `WebPkiClientVerifier` answers the second; it always verifies, so the kinds that don't
//! are answered here: the client still proves that it has the key.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};

use super::san::subject_alternative_names;
use super::settings::ClientAuth;

/// The verifier for a kind, the client CAs and the names allowed (none: all).
pub(super) fn verifier(
    kind: ClientAuth,
    authorities: RootCertStore,
    allowed: Vec<String>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mandatory = match kind {
        ClientAuth::NoClientCert => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::RequestClientCert | ClientAuth::VerifyClientCertIfGiven => false,
        ClientAuth::RequireAnyClientCert | ClientAuth::RequireAndVerifyClientCert => true,
    };
    let signed = match kind {
        ClientAuth::VerifyClientCertIfGiven | ClientAuth::RequireAndVerifyClientCert => {
            let builder =
                WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone());
            Some(builder.build().map_err(|error| error.to_string())?)
        }
        _ => None,
    };
    Ok(Arc::new(Verifier {
        mandatory,
        signed,
        allowed,
        algorithms: provider.signature_verification_algorithms,
    }))
}

#[derive(Debug)]
struct Verifier {
    mandatory: bool,
    /// Verifies that a client CA has signed it, where that is asked.
    signed: Option<Arc<dyn ClientCertVerifier>>,
    allowed: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.as_ref().map_or(&[], |signed| signed.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(signed) = &self.signed {
            signed.verify_client_cert(end_entity, intermediates, now)?;
        }
        if !self.allowed.is_empty() {
            let names = subject_alternative_names(end_entity).unwrap_or_default();
            if !names.iter().any(|name| self.allowed.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
