//! An HSM's identity: a signing key that its host certified, a wrapping key to receive envelopes with, and a serial
//! number. Made once in the HSM's boundary, sealed by the root key, bound to the cluster and HSM id.
//!
//! A *statement* is what a joiner publishes: its chain up to the hardware root and its wrapping key, signed by its
//! identity. It is public and proves nothing by being shown; it only makes sure that what is sealed to the wrapping key
//! can be opened by that HSM of this installation and by nobody else. Whether the HSM is wanted in the cluster is decided
//! by its membership entry, not here.

use aws_lc_rs::agreement::{self, ECDH_P384, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use strongroom_wire::message;
use strongroom_wire::{Message, Rv, Secret};
use x509_parser::prelude::{ASN1Time, X509Certificate};

use super::certificates::{CertifyingKey, parse, verify_p384};
use super::installation::Installation;
use super::root::RootKeys;
use super::{Keys, encode_secret, random};
use crate::{Error, Result};

const STATEMENT_CONTEXT: &[u8] = b"strongroom identity statement 1\0";
const SERIAL_DIGITS: usize = 12;

impl Keys {
    /// Makes this HSM's identity and wrapping key, certified by the host key; gives them sealed for its state directory.
    ///
    /// # Errors
    /// `Refused`: it has an identity already.
    pub fn create_identity(&self) -> Result<Vec<u8>> {
        self.refuse_second_identity()?;
        let (identity, sealed) =
            Identity::create(&self.root, &self.installation, &self.cluster_id, &self.hsm_id)?;
        self.identity.set(identity).map_err(|_| second_identity())?;
        Ok(sealed)
    }

    /// Opens a sealed identity.
    ///
    /// # Errors
    /// `Integrity`: altered, or of another HSM, cluster or root key. `Refused`: it has an identity already.
    pub fn open_identity(&self, sealed: &[u8]) -> Result<()> {
        self.refuse_second_identity()?;
        let identity = Identity::open(&self.root, &self.cluster_id, &self.hsm_id, sealed)?;
        self.identity.set(identity).map_err(|_| second_identity())
    }

    /// The identity's serial number: twelve decimal digits.
    ///
    /// # Errors
    /// `Refused`: there is no identity yet.
    pub fn serial_number(&self) -> Result<String> {
        self.identity().map(|identity| identity.serial_number.clone())
    }

    /// What a joiner publishes: its chain to the hardware root and its wrapping key, signed by its identity. Public.
    ///
    /// # Errors
    /// `Refused`: there is no identity yet.
    pub fn identity_statement(&self) -> Result<Vec<u8>> {
        self.identity()?.statement(&self.cluster_id, &self.hsm_id)
    }

    fn refuse_second_identity(&self) -> Result<()> {
        if self.identity.get().is_some() { Err(second_identity()) } else { Ok(()) }
    }

    pub(super) fn identity(&self) -> Result<&Identity> {
        self.identity.get().ok_or_else(|| {
            Error::refused(
                Rv::FUNCTION_FAILED,
                "this HSM has no identity yet: create it or open the sealed one",
            )
        })
    }
}

message! {
    /// An identity as it is sealed.
    pub struct StoredIdentity {
        1 => serial_number: String,
        2 => signing_private: Secret,
        3 => signing_public: Vec<u8>,
        4 => /** By the host key, DER. */ certificate: Vec<u8>,
        5 => wrapping_private: Secret,
        6 => /** The host's certificate by the hardware root when the identity was made, DER. */
             host_certificate: Vec<u8>,
    }

    /// What a statement says.
    pub struct StatementBody {
        1 => cluster_id: String,
        2 => hsm_id: String,
        3 => serial_number: String,
        4 => /** ECDH P-384, uncompressed point. */ wrapping_public: Vec<u8>,
        5 => /** By the host key, DER. */ identity_certificate: Vec<u8>,
        6 => /** By the hardware root, DER. */ host_certificate: Vec<u8>,
    }

    /// A statement: the encoded body and the identity's signature over it.
    pub struct Statement {
        1 => body: Vec<u8>,
        2 => signature: Vec<u8>,
    }
}

/// An HSM's identity in use.
pub(super) struct Identity {
    pub(super) serial_number: String,
    pub(super) signing: CertifyingKey,
    pub(super) wrapping: PrivateKey,
    pub(super) wrapping_public: Vec<u8>,
    pub(super) certificate: Vec<u8>,
    pub(super) host_certificate: Vec<u8>,
}

impl Identity {
    /// Makes an identity and seals it.
    pub(super) fn create(
        root: &RootKeys,
        installation: &Installation,
        cluster_id: &str,
        hsm_id: &str,
    ) -> Result<(Self, Vec<u8>)> {
        let signing = CertifyingKey::generate()?;
        let wrapping = PrivateKey::generate(&ECDH_P384).map_err(|_| wrapping_failed())?;
        let scalar: EcPrivateKeyBin<'_> = wrapping.as_be_bytes().map_err(|_| wrapping_failed())?;
        let stored = StoredIdentity {
            serial_number: new_serial_number()?,
            signing_private: signing.private()?,
            signing_public: signing.public().to_vec(),
            certificate: installation.host.identity_certificate(cluster_id, hsm_id, &signing)?,
            wrapping_private: Secret::new(scalar.as_ref().to_vec()),
            host_certificate: installation.hardware_certificate.clone(),
        };
        let parts = [cluster_id.as_bytes(), hsm_id.as_bytes()];
        let sealed = root.identity.seal(&parts, &encode_secret(&stored))?;
        Ok((Self::from_stored(stored)?, sealed))
    }

    /// Opens a sealed identity of this HSM.
    pub(super) fn open(root: &RootKeys, cluster_id: &str, hsm_id: &str, sealed: &[u8]) -> Result<Self> {
        let name = format!("the identity of {hsm_id} in {cluster_id}");
        let plaintext = root.identity.open(&[cluster_id.as_bytes(), hsm_id.as_bytes()], sealed, &name)?;
        let stored = StoredIdentity::from_bytes(&plaintext)
            .map_err(|error| Error::integrity(format!("{name} does not decode: {error}")))?;
        Self::from_stored(stored)
    }

    fn from_stored(stored: StoredIdentity) -> Result<Self> {
        let signing =
            CertifyingKey::from_parts(&stored.signing_private, &stored.signing_public, "the identity key")?;
        let wrapping = PrivateKey::from_private_key(&ECDH_P384, &stored.wrapping_private.0)
            .map_err(|_| Error::integrity("the identity's wrapping key is not a P-384 key"))?;
        let wrapping_public = wrapping.compute_public_key().map_err(|_| wrapping_failed())?.as_ref().to_vec();
        Ok(Self {
            serial_number: stored.serial_number,
            signing,
            wrapping,
            wrapping_public,
            certificate: stored.certificate,
            host_certificate: stored.host_certificate,
        })
    }

    /// The statement that a joiner publishes.
    pub(super) fn statement(&self, cluster_id: &str, hsm_id: &str) -> Result<Vec<u8>> {
        let body = StatementBody {
            cluster_id: cluster_id.to_owned(),
            hsm_id: hsm_id.to_owned(),
            serial_number: self.serial_number.clone(),
            wrapping_public: self.wrapping_public.clone(),
            identity_certificate: self.certificate.clone(),
            host_certificate: self.host_certificate.clone(),
        }
        .to_bytes();
        let signature = self.signing.sign(&[STATEMENT_CONTEXT, &body].concat())?;
        Ok(Statement { body, signature }.to_bytes())
    }
}

/// What is known of an HSM after its statement was checked.
#[derive(Debug)]
pub(super) struct CheckedStatement {
    pub(super) cluster_id: String,
    pub(super) hsm_id: String,
    pub(super) wrapping_public: Vec<u8>,
    /// The identity key's point.
    pub(super) signing_public: Vec<u8>,
}

/// Checks a statement: the chain identity → host → hardware root of *this* installation, the signature, and that the
/// identity certificate was issued for the very HSM and cluster that the statement names.
///
/// # Errors
/// `Integrity`; each failure has a text of its own.
pub(super) fn check_statement(hardware_root: &[u8], statement: &[u8]) -> Result<CheckedStatement> {
    let malformed = |error| Error::integrity(format!("the identity statement is malformed: {error}"));
    let statement = Statement::from_bytes(statement).map_err(malformed)?;
    let body = StatementBody::from_bytes(&statement.body).map_err(malformed)?;
    let root = parse(hardware_root, "the hardware root certificate")?;
    let host = parse(&body.host_certificate, "the statement's host certificate")?;
    let identity = parse(&body.identity_certificate, "the statement's identity certificate")?;

    let host_is_ours =
        host.issuer() == root.subject() && host.verify_signature(Some(root.public_key())).is_ok();
    if !host_is_ours || !is_authority(&host) {
        return Err(Error::integrity("the identity certificate was not issued by this installation"));
    }
    if identity.issuer() != host.subject() || identity.verify_signature(Some(host.public_key())).is_err() {
        return Err(Error::integrity(
            "the identity certificate was not issued by the host that the statement names",
        ));
    }
    // Only the end: a joiner on a host whose clock is ahead is as good as any other.
    if [&host, &identity].iter().any(|certificate| certificate.validity().not_after < ASN1Time::now()) {
        return Err(Error::integrity("a certificate of the identity statement has expired"));
    }
    let signing_public = identity.public_key().subject_public_key.data.to_vec();
    if !verify_p384(&signing_public, &[STATEMENT_CONTEXT, &statement.body].concat(), &statement.signature) {
        return Err(Error::integrity(
            "the identity statement was altered: its signature is not by its identity key",
        ));
    }
    if !is_issued_for(&identity, &body.cluster_id, &body.hsm_id) {
        return Err(Error::integrity("the identity certificate was issued for another HSM or cluster"));
    }
    Ok(CheckedStatement {
        cluster_id: body.cluster_id,
        hsm_id: body.hsm_id,
        wrapping_public: body.wrapping_public,
        signing_public,
    })
}

fn is_authority(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.basic_constraints(), Ok(Some(constraints)) if constraints.value.ca)
}

/// Whether the subject has exactly this cluster id as its unit and this HSM id as its name.
fn is_issued_for(certificate: &X509Certificate<'_>, cluster_id: &str, hsm_id: &str) -> bool {
    let subject = certificate.subject();
    let units: Vec<_> = subject.iter_organizational_unit().map(|unit| unit.as_str()).collect();
    let names: Vec<_> = subject.iter_common_name().map(|name| name.as_str()).collect();
    matches!(units[..], [Ok(unit)] if unit == cluster_id) && matches!(names[..], [Ok(name)] if name == hsm_id)
}

/// Agrees on a secret with a peer's wrapping key and gives it to `use_secret`; `refused` is for a key that is no point.
pub(super) fn agree<R>(
    private: &PrivateKey,
    public: &[u8],
    refused: Error,
    use_secret: impl FnOnce(&[u8]) -> Result<R>,
) -> Result<R> {
    agreement::agree(private, agreement::UnparsedPublicKey::new(&ECDH_P384, public), refused, use_secret)
}

/// Twelve decimal digits, the first not zero.
fn new_serial_number() -> Result<String> {
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    let low = 10_u64.pow(SERIAL_DIGITS as u32 - 1);
    Ok((low + u64::from_be_bytes(bytes) % (9 * low)).to_string())
}

fn wrapping_failed() -> Error {
    Error::failed("the crypto library did not make a wrapping key")
}

fn second_identity() -> Error {
    Error::refused(Rv::FUNCTION_FAILED, "this HSM has an identity already")
}
