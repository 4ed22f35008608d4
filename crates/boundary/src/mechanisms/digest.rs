//! Digests: inside combined mechanisms. A client digests on its own.

use aws_lc_rs::digest as library;
use strongroom_wire::MechanismType;

use crate::ffi::Hash;

impl Hash {
    /// Bytes of a digest.
    pub fn length(self) -> usize {
        self.algorithm().output_len()
    }

    pub(super) fn algorithm(self) -> &'static library::Algorithm {
        match self {
            Self::Sha1 => &library::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &library::SHA224,
            Self::Sha256 => &library::SHA256,
            Self::Sha384 => &library::SHA384,
            Self::Sha512 => &library::SHA512,
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
        _ => None,
    }
}

/// The digest of some data.
pub fn digest(hash: Hash, data: &[u8]) -> library::Digest {
    library::digest(hash.algorithm(), data)
}
