//! X.509: what the roots, hosts and HSMs of an installation certify, and the cluster's request.
//!
//! ```text
//! hardware root ──────► host (AwsHardwareCertificate) ──────┬─► HSM identity
//! manufacturer root ──► host (ManufacturerHardwareCertificate) ─┴─► HsmCertificate: the cluster certificate key
//! ```
//!
//! Both host certificates have one name and one key, so that the HsmCertificate verifies along either chain, as the two
//! chains of AWS do. Names are ours (`O=Strongroom`), never a vendor's.

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::encoding::EcPrivateKeyBin;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    UnparsedPublicKey,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyUsagePurpose,
    PublicKeyData, SerialNumber, SigningKey,
};
use strongroom_wire::{Rv, Secret};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::random;
use crate::{Error, Result};

const ORGANIZATION: &str = "Strongroom";
/// 30 years, as hardware has it: these keys are replaced, not renewed.
const VALIDITY_DAYS: i64 = 30 * 365;
const SERIAL_LENGTH: usize = 16;

/// An ECDSA P-384 key that certifies or signs statements.
pub(super) struct CertifyingKey(EcdsaKeyPair);

impl CertifyingKey {
    pub(super) fn generate() -> Result<Self> {
        EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)
            .map(Self)
            .map_err(|_| Error::failed("the crypto library did not generate a P-384 key"))
    }

    /// From the scalar and point that were stored; `name` says whose they are.
    pub(super) fn from_parts(private: &Secret, public: &[u8], name: &str) -> Result<Self> {
        EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P384_SHA384_ASN1_SIGNING, &private.0, public)
            .map(Self)
            .map_err(|_| Error::integrity(format!("{name} is not a P-384 key")))
    }

    /// The uncompressed point.
    pub(super) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The scalar, for sealing.
    pub(super) fn private(&self) -> Result<Secret> {
        let scalar: EcPrivateKeyBin<'_> = self
            .0
            .private_key()
            .as_be_bytes()
            .map_err(|_| Error::failed("the crypto library did not give a P-384 key"))?;
        Ok(Secret::new(scalar.as_ref().to_vec()))
    }

    /// ECDSA with SHA-384 in DER.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.0
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| Error::failed("the crypto library did not sign with a P-384 key"))
    }
}

/// Whether `signature` is ECDSA P-384 with SHA-384 over `message` by the key with this point.
pub(super) fn verify_p384(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, public).verify(message, signature).is_ok()
}

impl PublicKeyData for CertifyingKey {
    fn der_bytes(&self) -> &[u8] {
        self.public()
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P384_SHA384
    }
}

impl SigningKey for CertifyingKey {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        Self::sign(self, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// The cluster certificate key as X.509 sees it: signs its own request.
pub(super) struct ClusterCertificateKey<'a>(pub(super) &'a rsa::KeyPair);

impl PublicKeyData for ClusterCertificateKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for ClusterCertificateKey<'_> {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature)
    }
}

/// A self-signed root, in DER.
pub(super) fn root_certificate(common_name: &str, key: &CertifyingKey) -> Result<Vec<u8>> {
    let params = authority(common_name, BasicConstraints::Unconstrained)?;
    params.self_signed(key).map(|certificate| certificate.der().to_vec()).map_err(certificate_failed)
}

/// A host's certificate by a root, in DER. The host may certify, but no authorities.
pub(super) fn host_certificate(
    common_name: &str,
    host: &CertifyingKey,
    root_name: &str,
    root: &CertifyingKey,
) -> Result<Vec<u8>> {
    let issuer = Issuer::new(authority(root_name, BasicConstraints::Unconstrained)?, root);
    let mut params = authority(common_name, BasicConstraints::Constrained(0))?;
    params.use_authority_key_identifier_extension = true;
    params.signed_by(host, &issuer).map(|certificate| certificate.der().to_vec()).map_err(certificate_failed)
}

/// A host key with its name: what issues the certificates of the HSMs on that host.
pub(super) struct Host {
    pub(super) key: CertifyingKey,
    pub(super) name: String,
}

impl Host {
    /// The identity certificate of an HSM, in DER: `O=Strongroom, OU=<cluster id>, CN=<HSM id>`.
    pub(super) fn identity_certificate(
        &self,
        cluster_id: &str,
        hsm_id: &str,
        identity: &CertifyingKey,
    ) -> Result<Vec<u8>> {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, ORGANIZATION);
        name.push(DnType::OrganizationalUnitName, cluster_id);
        name.push(DnType::CommonName, hsm_id);
        self.end_entity(name, identity)
    }

    /// The HsmCertificate: says that the cluster certificate key is in an HSM of this host. DER.
    pub(super) fn hsm_certificate(
        &self,
        subject: DistinguishedName,
        key: &ClusterCertificateKey<'_>,
    ) -> Result<Vec<u8>> {
        self.end_entity(subject, key)
    }

    fn end_entity(&self, subject: DistinguishedName, key: &impl PublicKeyData) -> Result<Vec<u8>> {
        let issuer = Issuer::new(authority(&self.name, BasicConstraints::Constrained(0))?, &self.key);
        let mut params = parameters(subject)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params
            .signed_by(key, &issuer)
            .map(|certificate| certificate.der().to_vec())
            .map_err(certificate_failed)
    }
}

/// The subject of a cluster's request, in the form of AWS's with our name and the cluster id (seam 9).
///
/// # Errors
/// `mode` is neither `FIPS` nor `NON_FIPS`.
pub(super) fn cluster_subject(
    cluster_id: &str,
    serial_number: &str,
    mode: &str,
) -> Result<DistinguishedName> {
    let mode_text = match mode {
        "FIPS" => "for FIPS mode",
        "NON_FIPS" => "for non-FIPS mode",
        _ => {
            return Err(Error::refused(
                Rv::ARGUMENTS_BAD,
                format!("cluster mode {mode:?} is neither FIPS nor NON_FIPS"),
            ));
        }
    };
    let country = "US".try_into().map_err(certificate_failed)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString(country));
    name.push(DnType::StateOrProvinceName, "CA");
    name.push(DnType::OrganizationName, ORGANIZATION);
    name.push(DnType::OrganizationalUnitName, cluster_id);
    name.push(DnType::LocalityName, "SanJose");
    name.push(DnType::CommonName, format!("HSM:{serial_number}:PARTN:1, {mode_text}"));
    Ok(name)
}

/// The cluster's certificate signing request (PKCS #10, RSA with SHA-256), in PEM.
pub(super) fn cluster_request(subject: DistinguishedName, key: &ClusterCertificateKey<'_>) -> Result<String> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    let request = params.serialize_request(key).map_err(certificate_failed)?;
    Ok(pem("CERTIFICATE REQUEST", request.der()))
}

/// DER in PEM armour with line feeds.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, der), config)
}

/// The one certificate in a PEM text, in DER. X.509 v1 is taken: AWS's published `openssl x509 -req` makes it.
pub(super) fn certificate_from_pem(text: &str) -> Result<Vec<u8>> {
    let refused = |text| Error::refused(Rv::ARGUMENTS_BAD, text);
    let blocks = pem::parse_many(text).map_err(|_| refused("the certificate is not valid PEM"))?;
    match blocks.as_slice() {
        [block] if block.tag() == "CERTIFICATE" => Ok(block.contents().to_vec()),
        [block] => Err(Error::refused(
            Rv::ARGUMENTS_BAD,
            format!("the PEM text holds a {} where a CERTIFICATE is expected", block.tag()),
        )),
        [] => Err(refused("the PEM text holds no certificate")),
        _ => Err(refused("the PEM text holds more than one block; give the cluster certificate alone")),
    }
}

/// Parses DER that must be one certificate and nothing more; `name` says whose it is.
pub(super) fn parse<'a>(der: &'a [u8], name: &str) -> Result<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Error::integrity(format!("{name} is not an X.509 certificate"))),
    }
}

fn authority(common_name: &str, constraints: BasicConstraints) -> Result<CertificateParams> {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANIZATION);
    name.push(DnType::CommonName, common_name);
    let mut params = parameters(name)?;
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn parameters(subject: DistinguishedName) -> Result<CertificateParams> {
    // A day back, for a host whose clock is a little behind.
    let not_before = OffsetDateTime::now_utc() - Duration::days(1);
    let mut serial = [0; SERIAL_LENGTH];
    random(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40; // positive, and always 16 bytes long
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = not_before;
    params.not_after = not_before + Duration::days(VALIDITY_DAYS);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn certificate_failed(error: rcgen::Error) -> Error {
    Error::failed(format!("a certificate could not be made: {error}"))
}

/// Checks that the key in a certificate is the cluster certificate key.
pub(super) fn check_cluster_certificate(der: &[u8], key: &ClusterCertificateKey<'_>) -> Result<()> {
    let certificate = parse(der, "the cluster certificate")
        .map_err(|error| Error::refused(Rv::ARGUMENTS_BAD, error.text))?;
    if certificate.public_key().raw != key.subject_public_key_info() {
        return Err(Error::refused(
            Rv::ARGUMENTS_BAD,
            "the certificate's public key is not the cluster certificate key: sign this cluster's ClusterCsr",
        ));
    }
    Ok(())
}
