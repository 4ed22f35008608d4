//! The server check (seam 9): exactly one link from the HSM's certificate to the configured trust anchor, both valid
//! now, no host name, and the configured cluster id in the subject. X.509 v1 leaves are accepted, since AWS's published
//! `openssl x509 -req` command makes them. A refusal ends the handshake, so no PIN is ever sent.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, PeerIncompatible, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_SHA1_WITH_RSA};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

const MIN_RSA_BITS: usize = 2048;

/// Why a certificate is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustError(pub String);

impl std::fmt::Display for TrustError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TrustError {}

fn refused<T>(text: impl Into<String>) -> Result<T, TrustError> {
    Err(TrustError(text.into()))
}

/// The certificate that signed the cluster's CSR.
#[derive(Clone, Debug)]
pub struct TrustAnchor {
    der: Vec<u8>,
}

impl TrustAnchor {
    /// From PEM: the first certificate; it must be signed by itself.
    ///
    /// # Errors
    /// No certificate, not self-signed, or an RSA key below 2048 bits.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TrustError> {
        let block = Pem::iter_from_buffer(pem)
            .filter_map(Result::ok)
            .find(|block| block.label == "CERTIFICATE")
            .ok_or_else(|| TrustError("it holds no PEM certificate".into()))?;
        let anchor = parse(&block.contents, "the trust anchor")?;
        if anchor.subject() != anchor.issuer() {
            return refused("the trust anchor is not self-signed: its issuer is another");
        }
        check_signature(&anchor, &anchor, "the trust anchor is not signed by itself")?;
        if let Ok(PublicKey::RSA(key)) = anchor.public_key().parsed()
            && key.key_size() < MIN_RSA_BITS
        {
            return refused(format!("the trust anchor's RSA key is below {MIN_RSA_BITS} bits"));
        }
        Ok(Self { der: block.contents })
    }

    /// Checks an HSM's certificate at a time (Unix seconds).
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn check(&self, leaf: &[u8], cluster_id: Option<&str>, now: u64) -> Result<(), TrustError> {
        let anchor = parse(&self.der, "the trust anchor")?;
        let certificate = parse(leaf, "the HSM's certificate")?;
        let now = i64::try_from(now)
            .ok()
            .and_then(|seconds| ASN1Time::from_timestamp(seconds).ok())
            .ok_or_else(|| TrustError("the system clock is out of range".into()))?;
        if leaf == self.der {
            return refused("the HSM shows the trust anchor itself instead of a certificate signed by it");
        }
        if certificate.issuer() != anchor.subject() {
            return refused(format!(
                "the HSM's certificate is issued by \"{}\", not by the configured trust anchor \"{}\"",
                certificate.issuer(),
                anchor.subject()
            ));
        }
        check_signature(
            &certificate,
            &anchor,
            "the HSM's certificate is not signed by the configured trust anchor",
        )?;
        check_validity(&anchor, now, "the trust anchor")?;
        check_validity(&certificate, now, "the HSM's certificate")?;
        let Some(expected) = cluster_id else { return Ok(()) };
        let mut units =
            certificate.subject().iter_organizational_unit().filter_map(|unit| unit.as_str().ok());
        if units.any(|unit| unit == expected) {
            return Ok(());
        }
        refused(format!(
            "the HSM's certificate is for \"{}\", not for the configured cluster {expected}",
            certificate.subject()
        ))
    }
}

fn parse<'a>(der: &'a [u8], what: &str) -> Result<X509Certificate<'a>, TrustError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => refused(format!("{what} is not an X.509 certificate")),
    }
}

fn check_signature(
    signed: &X509Certificate<'_>,
    signer: &X509Certificate<'_>,
    text: &str,
) -> Result<(), TrustError> {
    let algorithm = &signed.signature_algorithm.algorithm;
    if *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA {
        return refused(format!("{text}: SHA-1 signatures are not accepted"));
    }
    signed
        .verify_signature(Some(signer.public_key()))
        .map_err(|error| TrustError(format!("{text} ({error})")))
}

fn check_validity(certificate: &X509Certificate<'_>, now: ASN1Time, what: &str) -> Result<(), TrustError> {
    let validity = certificate.validity();
    if now < validity.not_before {
        return refused(format!("{what} is valid only from {}", validity.not_before));
    }
    if now > validity.not_after {
        return refused(format!("{what} expired on {}", validity.not_after));
    }
    Ok(())
}

/// The check as rustls calls it; keeps the last refusal's text.
#[derive(Debug)]
pub(crate) struct Verifier {
    anchor: TrustAnchor,
    cluster_id: Option<String>,
    provider: Arc<CryptoProvider>,
    refusal: Mutex<Option<TrustError>>,
}

impl Verifier {
    pub(crate) fn new(
        anchor: TrustAnchor,
        cluster_id: Option<String>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self { anchor, cluster_id, provider, refusal: Mutex::new(None) }
    }

    /// The text of the last refusal.
    pub(crate) fn take_refusal(&self) -> Option<TrustError> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.anchor.check(end_entity, self.cluster_id.as_deref(), now.as_secs()) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(refusal) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }
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
        // rustls's own helper parses the certificate with webpki, which refuses version 1; the raw key does not care.
        let leaf = parse(certificate, "the HSM's certificate")
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let key = SubjectPublicKeyInfoDer::from(leaf.public_key().raw);
        verify_tls13_signature_with_raw_key(
            message,
            &key,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
