//! HMAC (FIPS 198-1) with SHA-1, SHA-2 and SHA-3.

use aws_lc_rs::hmac;
use strongroom_wire::MechanismType;
use strongroom_wire::tables::ParameterKind;

use super::handle::{OTHER_KEY, SecretHandle};
use super::internal;
use crate::Result;
use crate::ffi::{self, Hash};

/// The whole MAC, of the digest's length.
pub fn whole(key: &SecretHandle, mechanism: MechanismType, data: &[u8]) -> Result<Vec<u8>> {
    let hash = hash_of(mechanism).ok_or_else(|| internal(OTHER_KEY))?;
    match prepared(key, hash) {
        Some(key) => Ok(hmac::sign(key, data).as_ref().to_vec()),
        None => Ok(ffi::hmac(hash, &key.material, data)?.as_ref().to_vec()),
    }
}

/// Bytes of a MAC that is not cut off; none for any other mechanism.
pub fn output_length(mechanism: MechanismType) -> Option<usize> {
    hash_of(mechanism).filter(|_| mechanism.parameter_kind() == ParameterKind::None).map(Hash::length)
}

/// The digest inside.
pub const fn hash_of(mechanism: MechanismType) -> Option<Hash> {
    match mechanism {
        MechanismType::Sha1Hmac | MechanismType::Sha1HmacGeneral => Some(Hash::Sha1),
        MechanismType::Sha224Hmac | MechanismType::Sha224HmacGeneral => Some(Hash::Sha224),
        MechanismType::Sha256Hmac | MechanismType::Sha256HmacGeneral => Some(Hash::Sha256),
        MechanismType::Sha384Hmac | MechanismType::Sha384HmacGeneral => Some(Hash::Sha384),
        MechanismType::Sha512Hmac | MechanismType::Sha512HmacGeneral => Some(Hash::Sha512),
        MechanismType::Sha3224Hmac | MechanismType::Sha3224HmacGeneral => Some(Hash::Sha3224),
        MechanismType::Sha3256Hmac | MechanismType::Sha3256HmacGeneral => Some(Hash::Sha3256),
        MechanismType::Sha3384Hmac | MechanismType::Sha3384HmacGeneral => Some(Hash::Sha3384),
        MechanismType::Sha3512Hmac | MechanismType::Sha3512HmacGeneral => Some(Hash::Sha3512),
        _ => None,
    }
}

/// The key with its two blocks hashed; none with SHA-3, for which `aws-lc-rs` has no such state.
fn prepared(key: &SecretHandle, hash: Hash) -> Option<&hmac::Key> {
    let (slot, algorithm) = match hash {
        Hash::Sha1 => (0, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Hash::Sha224 => (1, hmac::HMAC_SHA224),
        Hash::Sha256 => (2, hmac::HMAC_SHA256),
        Hash::Sha384 => (3, hmac::HMAC_SHA384),
        Hash::Sha512 => (4, hmac::HMAC_SHA512),
        Hash::Sha3224 | Hash::Sha3256 | Hash::Sha3384 | Hash::Sha3512 => return None,
    };
    Some(key.prepared[slot].get_or_init(|| Box::new(hmac::Key::new(algorithm, &key.material))))
}
