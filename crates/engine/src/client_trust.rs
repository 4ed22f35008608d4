//! Mutual TLS: whose certificates let clients in, and whether a client must have one (aws-cloudhsm.md 3.6).
//!
//! The library's verifier decides. Beside it stands one rule for what it cannot read, X.509 v1, which AWS's published
//! `openssl x509 -req` command makes: such a certificate must be signed by a trust anchor itself.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, PeerIncompatible, RootCertStore,
    SignatureScheme,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

/// What a cluster says of its clients' certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTrust {
    /// Certificates whose holders' certificates are accepted, DER.
    pub anchors: Vec<Vec<u8>>,
    /// Whether a client without such a certificate is turned away. Without anchors nobody is let in.
    pub required: bool,
}

/// The certificates of a PEM text, which are to be trust anchors, in DER.
///
/// # Errors
/// A sentence: there is none, or one is no X.509 certificate that the TLS library can trust.
pub fn anchors_from_pem(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut anchors = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        let block = block.map_err(|_| "it is not valid PEM".to_owned())?;
        if block.label != "CERTIFICATE" {
            return Err(format!(
                "it holds a {} where a CERTIFICATE is expected",
                block.label.escape_default()
            ));
        }
        RootCertStore::empty()
            .add(CertificateDer::from_slice(&block.contents))
            .map_err(|_| "it holds something else than an X.509 certificate".to_owned())?;
        anchors.push(block.contents);
    }
    if anchors.is_empty() {
        return Err("it holds no PEM certificate".into());
    }
    Ok(anchors)
}

/// [`ClientTrust`] as the TLS library asks it.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    trust: ClientTrust,
    by_library: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    /// # Errors
    /// A sentence: an anchor is no certificate.
    pub(crate) fn new(trust: ClientTrust) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for anchor in &trust.anchors {
            roots.add(CertificateDer::from_slice(anchor)).map_err(|error| error.to_string())?;
        }
        let by_library = if roots.is_empty() {
            None
        } else {
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            Some(builder.build().map_err(|error| error.to_string())?)
        };
        Ok(Self { trust, by_library, provider })
    }

    /// Whether the holder of this chain, or of none, may have a connection now.
    pub(crate) fn accepts(&self, chain: Option<&[CertificateDer<'_>]>) -> bool {
        match chain {
            Some([certificate, others @ ..]) => {
                self.verify_client_cert(certificate, others, UnixTime::now()).is_ok()
            }
            _ => !self.trust.required,
        }
    }

    /// The rule for X.509 v1.
    fn check_version_1(&self, certificate: &[u8], now: UnixTime) -> Option<()> {
        let certificate =
            parse(certificate).filter(|certificate| certificate.version() == X509Version::V1)?;
        let algorithm = &certificate.signature_algorithm.algorithm;
        if *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA {
            return None;
        }
        let now = ASN1Time::from_timestamp(i64::try_from(now.as_secs()).ok()?).ok()?;
        let signed_by = |anchor: &X509Certificate<'_>| {
            certificate.issuer() == anchor.subject()
                && certificate.verify_signature(Some(anchor.public_key())).is_ok()
        };
        let anchor = self.trust.anchors.iter().filter_map(|anchor| parse(anchor)).find(signed_by)?;
        let is_valid = anchor.validity().is_valid_at(now) && certificate.validity().is_valid_at(now);
        is_valid.then_some(())
    }
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        _ => None,
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.trust.required || !self.trust.anchors.is_empty()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.trust.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.by_library.as_ref().map_or(&[], |verifier| verifier.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let Some(by_library) = &self.by_library else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        by_library.verify_client_cert(end_entity, intermediates, now).or_else(|error| {
            self.check_version_1(end_entity, now).map(|()| ClientCertVerified::assertion()).ok_or(error)
        })
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::ServerDoesNotSupportTls12Or13.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // The library's helper for certificates refuses version 1; the raw key does not care.
        let certificate =
            parse(certificate).ok_or(rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
