//! The cluster certificate: its request, the certificates that vouch for it, installing it, and signing with its key for
//! TLS. rustls signs through here and never holds the key.

use std::sync::PoisonError;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding};

use super::Keys;
use super::certificates::{
    ClusterCertificateKey, certificate_from_pem, check_cluster_certificate, cluster_request, cluster_subject,
    pem,
};
use crate::{Error, Result};

/// The signature schemes of TLS 1.3 for an RSA key (RFC 8446 section 4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsSignature {
    /// `rsa_pss_rsae_sha256`
    RsaPssSha256,
    /// `rsa_pss_rsae_sha384`
    RsaPssSha384,
    /// `rsa_pss_rsae_sha512`
    RsaPssSha512,
}

impl Keys {
    /// `ClusterCsr`, `HsmCertificate`, `AwsHardwareCertificate` and `ManufacturerHardwareCertificate`, each in PEM.
    /// `mode` is `FIPS` or `NON_FIPS` and appears in the subject.
    ///
    /// # Errors
    /// `Refused`: another mode, or no identity or cluster keys yet.
    pub fn certificates(&self, mode: &str) -> Result<Vec<(&'static str, String)>> {
        let subject = cluster_subject(&self.cluster_id, &self.identity()?.serial_number, mode)?;
        let key = ClusterCertificateKey(&self.cluster()?.certificate_key);
        let hsm_certificate = self.installation.host.hsm_certificate(subject.clone(), &key)?;
        let certificate = |der: &[u8]| pem("CERTIFICATE", der);
        Ok(vec![
            ("ClusterCsr", cluster_request(subject, &key)?),
            ("HsmCertificate", certificate(&hsm_certificate)),
            ("AwsHardwareCertificate", certificate(&self.installation.hardware_certificate)),
            ("ManufacturerHardwareCertificate", certificate(&self.installation.manufacturer_certificate)),
        ])
    }

    /// Takes the cluster certificate of InitializeCluster. Who signed it and until when it is valid are checked elsewhere.
    ///
    /// # Errors
    /// `Refused`: not one PEM certificate, or its key is not the cluster certificate key.
    pub fn install_certificate(&self, pem: &str) -> Result<()> {
        let der = certificate_from_pem(pem)?;
        let key = ClusterCertificateKey(&self.cluster()?.certificate_key);
        check_cluster_certificate(&der, &key)?;
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = Some(der);
        Ok(())
    }

    /// The installed cluster certificate, in DER, for TLS.
    pub fn tls_certificate(&self) -> Option<Vec<u8>> {
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs a TLS handshake message with the cluster certificate key.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn tls_sign(&self, scheme: TlsSignature, message: &[u8]) -> Result<Vec<u8>> {
        let encoding: &'static dyn RsaEncoding = match scheme {
            TlsSignature::RsaPssSha256 => &RSA_PSS_SHA256,
            TlsSignature::RsaPssSha384 => &RSA_PSS_SHA384,
            TlsSignature::RsaPssSha512 => &RSA_PSS_SHA512,
        };
        let key = &self.cluster()?.certificate_key;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Error::failed("the crypto library did not sign with the cluster certificate key"))?;
        Ok(signature)
    }
}
