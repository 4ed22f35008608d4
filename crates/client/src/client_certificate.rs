//! The client's certificate and key for mutual TLS (aws-cloudhsm.md 3.6).

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::config::ClientCertificateFiles;

/// Reads the two files. The library's own way refuses X.509 v1, which AWS's published `openssl x509` command makes.
///
/// # Errors
/// A sentence that names the file and says what to do.
pub(crate) fn resolver(
    files: &ClientCertificateFiles,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>, String> {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect).map_err(|error| {
            format!("client_cert_hsm_tls_file {certificate} cannot be read: {error}; check the path")
        })?;
    let own = chain.first().ok_or_else(|| {
        format!("client_cert_hsm_tls_file {certificate} holds no PEM certificate; put one there")
    })?;
    let (_, parsed) = X509Certificate::from_der(own)
        .map_err(|_| format!("client_cert_hsm_tls_file {certificate} is not an X.509 certificate"))?;
    let der = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| {
        format!(
            "client_key_hsm_tls_file {key} cannot be read: {error}; it must be a PEM key without a passphrase"
        )
    })?;
    let signer = provider
        .key_provider
        .load_private_key(der)
        .map_err(|error| format!("client_key_hsm_tls_file {key} is not a key that TLS can use: {error}"))?;
    if signer.public_key().is_some_and(|public| public.as_ref() != parsed.public_key().raw) {
        return Err(format!(
            "client_key_hsm_tls_file {key} is not the key of the certificate in {certificate}"
        ));
    }
    Ok(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, signer))))
}
