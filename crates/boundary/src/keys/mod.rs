//! The keys that protect keys, and everything that is done with them: sealing, envelopes, certificates, heads, password
//! verifiers, login tickets.
//!
//! [`Keys`] is one HSM's; [`Installation`] is what the service uses of the installation's keys. Bytes go in and come out;
//! keys do not. A refusal names what is wrong: [`ErrorKind::Integrity`](crate::ErrorKind::Integrity) for bytes that were
//! altered or belong elsewhere, `Refused` for a call that cannot be.

mod certificates;
mod cluster;
mod derive;
mod envelope;
mod head;
mod identity;
mod installation;
mod password;
mod root;
mod sealing;
#[cfg(test)]
mod tests;
mod ticket;

use std::sync::{OnceLock, PoisonError, RwLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding};
use strongroom_wire::messages::EXPORTER_LENGTH;
use strongroom_wire::{Message, Rv, Secret};
use zeroize::Zeroizing;

use certificates::ClusterCertificateKey;
use cluster::ClusterKeys;
use envelope::Member;
use head::HeadKeys;
use identity::Identity;
use root::RootKeys;

pub use head::HeadWrite;
pub use installation::Installation;
pub use ticket::{LoginGrant, TICKET_LIFETIME_SECONDS};

use crate::{Error, Result};

/// Which HSM this is, and what opens its keys.
#[derive(Debug)]
pub struct Config {
    /// `cluster-…`: bound to everything that is sealed.
    pub cluster_id: String,
    /// `hsm-…`: bound to the identity, envelopes and anchors.
    pub hsm_id: String,
    /// 32 bytes from the unseal provider.
    pub root_key: Secret,
    /// The installation's sealed bundle.
    pub installation: Vec<u8>,
}

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

/// The keys of one HSM. An identity and cluster keys come once and never change while it lives.
pub struct Keys {
    cluster_id: String,
    hsm_id: String,
    root: RootKeys,
    installation: Installation,
    identity: OnceLock<Identity>,
    cluster: OnceLock<ClusterKeys>,
    /// The leaf certificate that InitializeCluster brought, DER.
    certificate: RwLock<Option<Vec<u8>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("cluster_id", &self.cluster_id)
            .field("hsm_id", &self.hsm_id)
            .field("has_identity", &self.identity.get().is_some())
            .field("has_cluster_keys", &self.has_cluster_keys())
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the installation's bundle with the root key, which is wiped afterwards.
    ///
    /// # Errors
    /// `Integrity`: "the root key does not open this installation", or the bundle was altered.
    pub fn open(config: Config) -> Result<Self> {
        let root = RootKeys::new(&config.root_key.0)?;
        let installation = Installation::open_with(&root, &config.installation)?;
        Ok(Self {
            cluster_id: config.cluster_id,
            hsm_id: config.hsm_id,
            root,
            installation,
            identity: OnceLock::new(),
            cluster: OnceLock::new(),
            certificate: RwLock::new(None),
        })
    }

    // -- identity -------------------------------------------------------------------------------------------------------

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

    fn identity(&self) -> Result<&Identity> {
        self.identity.get().ok_or_else(|| {
            Error::refused(
                Rv::FUNCTION_FAILED,
                "this HSM has no identity yet: create it or open the sealed one",
            )
        })
    }

    // -- cluster keys ---------------------------------------------------------------------------------------------------

    /// First HSM of a cluster: makes the masking key and the cluster certificate key (RSA-2048).
    ///
    /// # Errors
    /// `Refused`: it holds cluster keys already.
    pub fn create_cluster_keys(&self) -> Result<()> {
        self.take_cluster_keys(ClusterKeys::create)
    }

    /// Whether this HSM holds the cluster's keys.
    pub fn has_cluster_keys(&self) -> bool {
        self.cluster.get().is_some()
    }

    /// The cluster keys for the joiner `hsm_id`, after its statement was checked: chain to this installation's hardware
    /// root, signature, HSM and cluster id. Whether it is an approved member is the caller's to check before.
    ///
    /// # Errors
    /// `Integrity`, with a text for each thing that can be wrong with the statement.
    pub fn seal_envelope(&self, hsm_id: &str, statement: &[u8]) -> Result<Vec<u8>> {
        envelope::seal(&self.member()?, self.cluster()?, hsm_id, statement)
    }

    /// Takes the cluster keys from an envelope that a member made for this HSM.
    ///
    /// # Errors
    /// `Integrity`: it is for another HSM, cluster or identity, was altered, or not made by a member of this cluster.
    pub fn open_envelope(&self, envelope: &[u8]) -> Result<()> {
        self.take_cluster_keys(|| envelope::open(&self.member()?, envelope))
    }

    /// The cluster keys under the installation's backup wrapping key.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn seal_recovery_envelope(&self) -> Result<Vec<u8>> {
        envelope::seal_recovery(&self.installation, &self.cluster_id, self.cluster()?)
    }

    /// Takes the cluster keys from the recovery envelope.
    ///
    /// # Errors
    /// `Integrity`: it was altered, or is of another cluster or installation.
    pub fn open_recovery_envelope(&self, envelope: &[u8]) -> Result<()> {
        self.take_cluster_keys(|| envelope::open_recovery(&self.installation, &self.cluster_id, envelope))
    }

    fn take_cluster_keys(&self, keys: impl FnOnce() -> Result<ClusterKeys>) -> Result<()> {
        let second = || Error::refused(Rv::FUNCTION_FAILED, "this HSM holds cluster keys already");
        if self.has_cluster_keys() {
            return Err(second());
        }
        self.cluster.set(keys()?).map_err(|_| second())
    }

    fn cluster(&self) -> Result<&ClusterKeys> {
        self.cluster.get().ok_or_else(|| {
            Error::refused(
                Rv::FUNCTION_FAILED,
                "this HSM holds no cluster keys yet: create them or open an envelope",
            )
        })
    }

    fn member(&self) -> Result<Member<'_>> {
        Ok(Member {
            installation: &self.installation,
            identity: self.identity()?,
            cluster_id: &self.cluster_id,
            hsm_id: &self.hsm_id,
        })
    }

    // -- certificates ---------------------------------------------------------------------------------------------------

    /// `ClusterCsr`, `HsmCertificate`, `AwsHardwareCertificate` and `ManufacturerHardwareCertificate`, each in PEM.
    /// `mode` is `FIPS` or `NON_FIPS` and appears in the subject.
    ///
    /// # Errors
    /// `Refused`: another mode, or no identity or cluster keys yet.
    pub fn certificates(&self, mode: &str) -> Result<Vec<(&'static str, String)>> {
        let subject = certificates::cluster_subject(&self.cluster_id, &self.identity()?.serial_number, mode)?;
        let key = ClusterCertificateKey(&self.cluster()?.certificate_key);
        let hsm_certificate = self.installation.host.hsm_certificate(subject.clone(), &key)?;
        let certificate = |der: &[u8]| certificates::pem("CERTIFICATE", der);
        Ok(vec![
            ("ClusterCsr", certificates::cluster_request(subject, &key)?),
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
        let der = certificates::certificate_from_pem(pem)?;
        let key = ClusterCertificateKey(&self.cluster()?.certificate_key);
        certificates::check_cluster_certificate(&der, &key)?;
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

    // -- sealing --------------------------------------------------------------------------------------------------------

    /// Seals a rule record for its place in the store. A key's versions must never repeat, not even after the record was
    /// deleted and made again (see the module `head`).
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn seal_rule(&self, key: &str, version: u64, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.cluster()?.rule.seal(&self.record_parts(key, &version.to_be_bytes(), b""), plaintext)
    }

    /// Opens a rule record.
    ///
    /// # Errors
    /// `Integrity`: altered, or of another key, version or cluster; the text begins with the key.
    pub fn open_rule(&self, key: &str, version: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.cluster()?.rule.open(&self.record_parts(key, &version.to_be_bytes(), b""), sealed, key)
    }

    /// Seals an object's secret part; the public part, which stands beside it in clear, is bound to it.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn seal_object(
        &self,
        reference: u64,
        version: u64,
        public: &[u8],
        material: &[u8],
    ) -> Result<Vec<u8>> {
        let key = object_key(reference);
        self.cluster()?.object.seal(&self.record_parts(&key, &version.to_be_bytes(), public), material)
    }

    /// Opens an object's secret part.
    ///
    /// # Errors
    /// `Integrity`: it or the public part was altered, or it is of another reference, version or cluster; the text names
    /// the object.
    pub fn open_object(
        &self,
        reference: u64,
        version: u64,
        public: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let key = object_key(reference);
        self.cluster()?.object.open(&self.record_parts(&key, &version.to_be_bytes(), public), sealed, &key)
    }

    fn record_parts<'a>(&'a self, key: &'a str, version: &'a [u8; 8], public: &'a [u8]) -> [&'a [u8]; 4] {
        [self.cluster_id.as_bytes(), key.as_bytes(), version, public]
    }

    /// Seals the newest revision and head that this HSM saw, by the root key, for its own state directory.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn seal_anchor(&self, revision: u64, head: &[u8]) -> Result<Vec<u8>> {
        self.root.anchor.seal(&self.own_parts(), &[&revision.to_be_bytes(), head].concat())
    }

    /// The revision and head of an anchor.
    ///
    /// # Errors
    /// `Integrity`: altered, or of another HSM, cluster or root key.
    pub fn open_anchor(&self, sealed: &[u8]) -> Result<(u64, Vec<u8>)> {
        let name = format!("the anchor of {} in {}", self.hsm_id, self.cluster_id);
        let plaintext = self.root.anchor.open(&self.own_parts(), sealed, &name)?;
        let (revision, head) =
            plaintext.split_first_chunk().ok_or_else(|| Error::integrity(format!("{name} is truncated")))?;
        Ok((u64::from_be_bytes(*revision), head.to_vec()))
    }

    fn own_parts(&self) -> [&[u8]; 2] {
        [self.cluster_id.as_bytes(), self.hsm_id.as_bytes()]
    }

    // -- audit, requests, heads -----------------------------------------------------------------------------------------

    /// HMAC-SHA-256 of an audit entry.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn audit_mac(&self, entry: &[u8]) -> Result<[u8; 32]> {
        Ok(self.cluster()?.audit.mac(&[entry]))
    }

    /// Keyed digest of a whole request, secrets included: the same on every HSM, and of no use for guessing the secrets.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn request_digest(&self, operation: u16, body: &[u8]) -> Result<[u8; 32]> {
        Ok(self.cluster()?.request_digest.mac(&[&operation.to_be_bytes(), body]))
    }

    /// The head after a commit: revision + 1. `previous` is none for the first commit of a cluster.
    ///
    /// # Errors
    /// `Integrity`: `previous` was altered. `Refused`: a write does not raise its record's version.
    pub fn advance_head(&self, previous: Option<&[u8]>, writes: &[HeadWrite]) -> Result<Vec<u8>> {
        self.head_keys()?.advance(previous, writes)
    }

    /// Checks that `head` follows from `previous` and the writes.
    ///
    /// # Errors
    /// `Integrity`: it does not, or one of the heads was altered.
    pub fn verify_head(&self, previous: Option<&[u8]>, writes: &[HeadWrite], head: &[u8]) -> Result<()> {
        self.head_keys()?.verify(previous, writes, head)
    }

    /// The revision of a head whose MAC is right.
    ///
    /// # Errors
    /// `Integrity`: its MAC is wrong.
    pub fn head_revision(&self, head: &[u8]) -> Result<u64> {
        self.head_keys()?.revision(head)
    }

    /// Whether the (key, version) pairs are exactly those that the head's index digest stands for, in any order.
    ///
    /// # Errors
    /// `Integrity`: the head's MAC is wrong.
    pub fn verify_index(&self, head: &[u8], entries: &[(String, u64)]) -> Result<bool> {
        self.head_keys()?.verify_index(head, entries)
    }

    fn head_keys(&self) -> Result<HeadKeys<'_>> {
        let cluster = self.cluster()?;
        Ok(HeadKeys {
            head: &cluster.head,
            index: &cluster.index,
            epoch: cluster.epoch,
            cluster_id: &self.cluster_id,
        })
    }

    // -- users and logins -----------------------------------------------------------------------------------------------

    /// A password verifier with a salt of its own. Takes about 30 ms: not for a hot thread.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn make_verifier(&self, password: &[u8]) -> Result<Vec<u8>> {
        let cluster = self.cluster()?;
        password::make(&cluster.password_pepper, cluster.epoch, password)
    }

    /// Whether the password is the verifier's, compared in constant time. No verifier: the same work, and `false`.
    ///
    /// # Errors
    /// `Integrity`: the verifier is not one of ours.
    pub fn verify_password(&self, password: &[u8], verifier: Option<&[u8]>) -> Result<bool> {
        let cluster = self.cluster()?;
        password::verify(&cluster.password_pepper, cluster.epoch, password, verifier)
    }

    /// A new login id: random, not zero, bit 63 clear.
    ///
    /// # Errors
    /// The random generator failed.
    pub fn new_login_id(&self) -> Result<u64> {
        loop {
            let mut bytes = [0; 8];
            random(&mut bytes)?;
            let id = u64::from_be_bytes(bytes) >> 1;
            if id != 0 {
                return Ok(id);
            }
        }
    }

    /// A ticket that grants a login on every HSM of the cluster.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn issue_ticket(&self, grant: &LoginGrant) -> Result<Vec<u8>> {
        ticket::issue(&self.cluster()?.ticket, &self.cluster_id, grant)
    }

    /// What a ticket grants. The caller checks `expires_at` with its clock.
    ///
    /// # Errors
    /// `Refused` (`CKR_USER_NOT_LOGGED_IN`): altered, or of another cluster.
    pub fn open_ticket(&self, ticket: &[u8]) -> Result<LoginGrant> {
        ticket::open(&self.cluster()?.ticket, &self.cluster_id, ticket)
    }

    /// Checks a client's signature over [`attach_message`](strongroom_wire::messages::attach_message).
    ///
    /// # Errors
    /// `Refused` (`CKR_USER_NOT_LOGGED_IN`): it is by another key, or for another connection or ticket.
    pub fn verify_attach(
        &self,
        grant: &LoginGrant,
        exporter: &[u8; EXPORTER_LENGTH],
        ticket: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        ticket::verify_attach(grant, exporter, ticket, signature)
    }
}

/// The key of an object's record in the store.
fn object_key(reference: u64) -> String {
    format!("object/{reference:016x}")
}

fn second_identity() -> Error {
    Error::refused(Rv::FUNCTION_FAILED, "this HSM has an identity already")
}

/// Fills a buffer from the crypto library's random generator.
fn random(buffer: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(buffer).map_err(|_| Error::failed("the random generator failed"))
}

/// A message with secrets in it, encoded into one allocation that is wiped on drop.
fn encode_secret(message: &impl Message) -> Zeroizing<Vec<u8>> {
    // Larger than any of ours, so that the vector never moves and leaves a copy behind.
    let mut encoded = Zeroizing::new(Vec::with_capacity(16 * 1024));
    message.encode(&mut encoded);
    encoded
}
