//! The root key: what the unseal provider hands to a boundary, and the purpose keys that come from it.
//!
//! It is outside the store. Whoever has it and the state directory has the installation; whoever has only the store has
//! neither. The root key itself is dropped as soon as its purpose keys exist.

use super::derive::SecretKey;
use super::sealing::{Purpose, SealingKey};
use crate::Result;

/// Bytes of the root-key check in an installation's bundle.
pub(super) const CHECK_LENGTH: usize = 16;

/// The purpose keys of a root key.
pub(super) struct RootKeys {
    pub(super) installation: SealingKey,
    pub(super) installation_roots: SealingKey,
    pub(super) identity: SealingKey,
    pub(super) anchor: SealingKey,
    check: SecretKey,
}

impl RootKeys {
    /// From the 32 bytes of a root key.
    pub(super) fn new(root_key: &[u8]) -> Result<Self> {
        let root = SecretKey::from_slice(root_key, "the root key")?;
        Ok(Self {
            installation: SealingKey::derive(&root, Purpose::Installation, 0)?,
            installation_roots: SealingKey::derive(&root, Purpose::InstallationRoots, 0)?,
            identity: SealingKey::derive(&root, Purpose::Identity, 0)?,
            anchor: SealingKey::derive(&root, Purpose::Anchor, 0)?,
            check: root.derive("strongroom/root-key-check", b"")?,
        })
    }

    /// Public bytes that tell a wrong root key from an altered bundle; they say nothing about a random root key.
    pub(super) fn check(&self) -> [u8; CHECK_LENGTH] {
        let mut check = [0; CHECK_LENGTH];
        check.copy_from_slice(&self.check.mac(&[b"strongroom root key"])[..CHECK_LENGTH]);
        check
    }
}
