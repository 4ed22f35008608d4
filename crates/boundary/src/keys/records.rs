//! What an HSM seals for the cluster's store and for its own state directory, and the MACs over what stands in clear.

use zeroize::Zeroizing;

use super::Keys;
use crate::{Error, Result};

impl Keys {
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

    pub(super) fn record_parts<'a>(
        &'a self,
        key: &'a str,
        version: &'a [u8; 8],
        public: &'a [u8],
    ) -> [&'a [u8]; 4] {
        [self.cluster_id.as_bytes(), key.as_bytes(), version, public]
    }

    fn own_parts(&self) -> [&[u8]; 2] {
        [self.cluster_id.as_bytes(), self.hsm_id.as_bytes()]
    }
}

/// The key of an object's record in the store.
fn object_key(reference: u64) -> String {
    format!("object/{reference:016x}")
}
