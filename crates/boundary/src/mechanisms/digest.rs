//! Digests: inside combined mechanisms, and of keys. A client digests data on its own.

use strongroom_wire::{MechanismType, Rv};

use crate::ffi::{self, Hash};
use crate::{Error, Result};

impl Hash {
    /// Bytes of a digest.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha3224 => 28,
            Self::Sha256 | Self::Sha3256 => 32,
            Self::Sha384 | Self::Sha3384 => 48,
            Self::Sha512 | Self::Sha3512 => 64,
        }
    }
}

/// The hash that a digest mechanism stands for.
pub const fn hash_of(mechanism: MechanismType) -> Option<Hash> {
    match mechanism {
        MechanismType::Sha1 => Some(Hash::Sha1),
        MechanismType::Sha224 => Some(Hash::Sha224),
        MechanismType::Sha256 => Some(Hash::Sha256),
        MechanismType::Sha384 => Some(Hash::Sha384),
        MechanismType::Sha512 => Some(Hash::Sha512),
        MechanismType::Sha3224 => Some(Hash::Sha3224),
        MechanismType::Sha3256 => Some(Hash::Sha3256),
        MechanismType::Sha3384 => Some(Hash::Sha3384),
        MechanismType::Sha3512 => Some(Hash::Sha3512),
        _ => None,
    }
}

/// The digest of parts by a digest mechanism.
pub fn digest_of<'a>(mechanism: MechanismType, parts: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let hash = hash_of(mechanism);
    let hash = hash.ok_or_else(|| Error::refused(Rv::MECHANISM_INVALID, "this is no digest"))?;
    Ok(ffi::digest_of(hash, parts)?.as_ref().to_vec())
}

/// The digest of some data.
pub fn digest(hash: Hash, data: &[u8]) -> Result<ffi::Digest> {
    Ok(ffi::digest(hash, data)?)
}
