//! What ML-DSA signs in place of a message (FIPS 204 algorithms 2 and 4). A client that hashes and an HSM both make it.

use crate::{KeyKind, MechanismType};

/// The longest context, bytes.
pub const LONGEST_CONTEXT: usize = 255;

/// The object identifier of NIST's hashes (2.16.840.1.101.3.4.2) in DER, without its last number.
const NIST_HASHES: [u8; 10] = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];

/// A hash that HashML-DSA runs over the message first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreHash {
    /// One of SHA-2 or SHA-3 by its mechanism.
    Digest(MechanismType),
    /// SHAKE128 with 32 bytes.
    Shake128,
    /// SHAKE256 with 64 bytes.
    Shake256,
}

impl PreHash {
    /// The hash that is a part of a mechanism.
    pub fn of(mechanism: MechanismType) -> Option<Self> {
        match mechanism {
            MechanismType::HashMlDsaShake128 => Some(Self::Shake128),
            MechanismType::HashMlDsaShake256 => Some(Self::Shake256),
            _ if mechanism.key_kinds() == [KeyKind::MlDsa] => mechanism.hash().map(Self::Digest),
            _ => None,
        }
    }

    /// The hash that a parameter names; none for one that HashML-DSA does not go with, as SHA-1.
    pub fn named(code: Option<u64>) -> Option<Self> {
        let named = code.and_then(MechanismType::from_code).map(Self::Digest);
        named.filter(|hash| hash.facts().is_some())
    }

    /// Bytes of the digest.
    pub fn length(self) -> usize {
        self.facts().unwrap_or_default().0
    }

    /// Bytes of the digest, and the last number of the object identifier.
    const fn facts(self) -> Option<(usize, u8)> {
        Some(match self {
            Self::Digest(MechanismType::Sha256) => (32, 1),
            Self::Digest(MechanismType::Sha384) => (48, 2),
            Self::Digest(MechanismType::Sha512) => (64, 3),
            Self::Digest(MechanismType::Sha224) => (28, 4),
            Self::Digest(MechanismType::Sha3224) => (28, 7),
            Self::Digest(MechanismType::Sha3256) => (32, 8),
            Self::Digest(MechanismType::Sha3384) => (48, 9),
            Self::Digest(MechanismType::Sha3512) => (64, 10),
            Self::Shake128 => (32, 11),
            Self::Shake256 => (64, 12),
            Self::Digest(_) => return None,
        })
    }
}

/// What comes before the message, or before its hash: a number that tells the two apart, the context, and which hash it is.
///
/// The context has at most [`LONGEST_CONTEXT`] bytes.
pub fn prefix(context: &[u8], hash: Option<PreHash>) -> Vec<u8> {
    #[allow(clippy::cast_possible_truncation)] // at most LONGEST_CONTEXT
    let mut prefix = vec![u8::from(hash.is_some()), context.len() as u8];
    prefix.extend_from_slice(context);
    if let Some((_, number)) = hash.and_then(PreHash::facts) {
        prefix.extend_from_slice(&NIST_HASHES);
        prefix.push(number);
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_with_a_hash_has_an_identifier_of_its_own() {
        let hashes: Vec<_> = MechanismType::ALL.iter().filter_map(|kind| PreHash::of(*kind)).collect();
        assert_eq!(hashes.len(), 10);
        let prefixes: std::collections::BTreeSet<_> =
            hashes.iter().map(|hash| prefix(b"context", Some(*hash))).collect();
        assert_eq!(prefixes.len(), 10);
        assert!(hashes.iter().all(|hash| hash.length() >= 28));
    }

    #[test]
    fn a_hash_is_named_by_its_mechanism_and_others_are_none() {
        let named = |kind: MechanismType| PreHash::named(Some(kind.code()));
        assert_eq!(named(MechanismType::Sha384), Some(PreHash::Digest(MechanismType::Sha384)));
        assert_eq!(named(MechanismType::Sha1), None);
        assert_eq!(named(MechanismType::AesCbc), None);
        assert_eq!((PreHash::named(Some(7)), PreHash::named(None)), (None, None));
    }
}
