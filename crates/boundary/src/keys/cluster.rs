//! The cluster's keys: the masking key with all that is derived from it, and the cluster certificate key.
//!
//! The masking key encrypts nothing itself. No cluster id goes into the derivation: a restored cluster has another id and
//! must still know its users' passwords; the id is bound as associated data instead.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use strongroom_wire::message;
use strongroom_wire::{Message, Rv, Secret};
use zeroize::Zeroizing;

use super::derive::SecretKey;
use super::sealing::{Purpose, SealingKey};
use super::{Keys, encode_secret};
use crate::{Error, Result};

const FIRST_EPOCH: u32 = 1;

impl Keys {
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

    pub(super) fn take_cluster_keys(&self, keys: impl FnOnce() -> Result<ClusterKeys>) -> Result<()> {
        let second = || Error::refused(Rv::FUNCTION_FAILED, "this HSM holds cluster keys already");
        if self.has_cluster_keys() {
            return Err(second());
        }
        self.cluster.set(keys()?).map_err(|_| second())
    }

    pub(super) fn cluster(&self) -> Result<&ClusterKeys> {
        self.cluster.get().ok_or_else(|| {
            Error::refused(
                Rv::FUNCTION_FAILED,
                "this HSM holds no cluster keys yet: create them or open an envelope",
            )
        })
    }
}

message! {
    /// The cluster keys as they stand in envelopes.
    pub struct StoredClusterKeys {
        1 => epoch: u64,
        2 => masking_key: Secret,
        3 => /** PKCS #8. */ certificate_key: Secret,
    }
}

/// The cluster's keys in use.
pub(super) struct ClusterKeys {
    masking_key: SecretKey,
    pub(super) epoch: u32,
    pub(super) object: SealingKey,
    pub(super) rule: SealingKey,
    pub(super) ticket: SealingKey,
    pub(super) head: SecretKey,
    pub(super) index: SecretKey,
    pub(super) audit: SecretKey,
    pub(super) request_digest: SecretKey,
    pub(super) password_pepper: SecretKey,
    pub(super) certificate_key: KeyPair,
}

impl ClusterKeys {
    /// New keys for a new cluster.
    pub(super) fn create() -> Result<Self> {
        let certificate_key = KeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| Error::failed("the crypto library did not generate the cluster certificate key"))?;
        Self::new(SecretKey::generate()?, FIRST_EPOCH, certificate_key)
    }

    pub(super) fn new(masking_key: SecretKey, epoch: u32, certificate_key: KeyPair) -> Result<Self> {
        Ok(Self {
            object: SealingKey::derive(&masking_key, Purpose::Object, epoch)?,
            rule: SealingKey::derive(&masking_key, Purpose::Rule, epoch)?,
            ticket: SealingKey::derive(&masking_key, Purpose::Ticket, epoch)?,
            head: masking_key.derive("strongroom/head", b"")?,
            index: masking_key.derive("strongroom/index", b"")?,
            audit: masking_key.derive("strongroom/audit", b"")?,
            request_digest: masking_key.derive("strongroom/request-digest", b"")?,
            password_pepper: masking_key.derive("strongroom/password-pepper", b"")?,
            masking_key,
            epoch,
            certificate_key,
        })
    }

    /// The plaintext of an envelope.
    pub(super) fn to_plaintext(&self) -> Result<Zeroizing<Vec<u8>>> {
        let pkcs8: Pkcs8V1Der<'_> = self
            .certificate_key
            .as_der()
            .map_err(|_| Error::failed("the crypto library did not give the cluster certificate key"))?;
        Ok(encode_secret(&StoredClusterKeys {
            epoch: u64::from(self.epoch),
            masking_key: Secret::new(self.masking_key.expose().to_vec()),
            certificate_key: Secret::new(pkcs8.as_ref().to_vec()),
        }))
    }

    /// From the plaintext of an envelope that was checked and opened; `name` says which.
    pub(super) fn from_plaintext(plaintext: &[u8], name: &str) -> Result<Self> {
        let wrong = |what: &str| Error::integrity(format!("{name} holds {what}"));
        let stored = StoredClusterKeys::from_bytes(plaintext)
            .map_err(|error| wrong(&format!("no cluster keys: {error}")))?;
        let epoch = u32::try_from(stored.epoch).map_err(|_| wrong("an impossible masking-key epoch"))?;
        let certificate_key =
            KeyPair::from_pkcs8(&stored.certificate_key.0).map_err(|_| wrong("no RSA certificate key"))?;
        Self::new(SecretKey::from_slice(&stored.masking_key.0, "the masking key")?, epoch, certificate_key)
    }
}
