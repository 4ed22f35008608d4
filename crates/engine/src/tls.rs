//! The server's side of TLS: version 1.3 only, the cluster certificate, and a key that never leaves the boundary.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{ServerConfig, SignatureAlgorithm, SignatureScheme};
use strongroom_boundary::Keys;
use strongroom_boundary::keys::TlsSignature;
use strongroom_wire::frame::ALPN;

use crate::client_trust::ClientVerifier;

/// A configuration that presents the installed cluster certificate and lets in whom the verifier accepts. It resumes no
/// session of another configuration, so that nobody stays who was let in by other rules.
///
/// # Errors
/// A sentence: no certificate is installed, or the TLS library refuses to start.
pub(crate) fn server_config(
    keys: &Arc<Keys>,
    clients: &Arc<ClientVerifier>,
) -> Result<Arc<ServerConfig>, String> {
    let certificate = keys.tls_certificate().ok_or("no cluster certificate is installed yet")?;
    let key = CertifiedKey::new(
        vec![CertificateDer::from(certificate)],
        Arc::new(ClusterCertificateKey { keys: Arc::clone(keys) }),
    );
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(Arc::<ClientVerifier>::clone(clients))
            .with_cert_resolver(Arc::new(OnlyCertificate(Arc::new(key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())?;
    Ok(Arc::new(config))
}

/// One certificate for every name: HSMs are checked by cluster, not by name. The library's own resolver parses the
/// certificate and refuses X.509 v1, which AWS's published `openssl x509` command makes.
#[derive(Debug)]
struct OnlyCertificate(Arc<CertifiedKey>);

impl ResolvesServerCert for OnlyCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// The cluster certificate key as the TLS library sees it: something that signs.
struct ClusterCertificateKey {
    keys: Arc<Keys>,
}

impl std::fmt::Debug for ClusterCertificateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterCertificateKey")
    }
}

impl SigningKey for ClusterCertificateKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let (scheme, signature) = [
            (SignatureScheme::RSA_PSS_SHA256, TlsSignature::RsaPssSha256),
            (SignatureScheme::RSA_PSS_SHA384, TlsSignature::RsaPssSha384),
            (SignatureScheme::RSA_PSS_SHA512, TlsSignature::RsaPssSha512),
        ]
        .into_iter()
        .find(|(scheme, _)| offered.contains(scheme))?;
        Some(Box::new(ClusterCertificateSigner { keys: Arc::clone(&self.keys), scheme, signature }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

struct ClusterCertificateSigner {
    keys: Arc<Keys>,
    scheme: SignatureScheme,
    signature: TlsSignature,
}

impl std::fmt::Debug for ClusterCertificateSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClusterCertificateSigner({:?})", self.scheme)
    }
}

impl Signer for ClusterCertificateSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.keys
            .tls_sign(self.signature, message)
            .map_err(|error| rustls::Error::General(error.text.into_owned()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
