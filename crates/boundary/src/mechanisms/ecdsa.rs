//! ECDSA (FIPS 186-5 section 6): signatures are r and s, each of the length of the group's order.

use strongroom_wire::{MechanismType, Rv};

use super::{digest, hash_of};
use crate::ffi::EcKey;
use crate::{Error, Result};

/// Signs data of any length (`CKM_ECDSA`: its left-most bits, as many as the order has), or digests and signs.
pub fn sign(key: &EcKey, mechanism: MechanismType, data: &[u8]) -> Result<Vec<u8>> {
    with_digest(mechanism, data, |digest| Ok(key.sign(digest)?))
}

/// The inverse of [`sign`].
pub fn verify(key: &EcKey, mechanism: MechanismType, data: &[u8], signature: &[u8]) -> Result<()> {
    let length = 2 * key.curve().length();
    if signature.len() != length {
        return Err(Error::refused(
            Rv::SIGNATURE_LEN_RANGE,
            format!("a signature by this key has {length} bytes"),
        ));
    }
    with_digest(mechanism, data, |digest| {
        key.verify(digest, signature).map_err(|_| {
            Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key")
        })
    })
}

fn with_digest<T>(mechanism: MechanismType, data: &[u8], work: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    match mechanism.hash().and_then(hash_of) {
        Some(hash) => work(digest(hash, data)?.as_ref()),
        None if data.is_empty() => {
            Err(Error::refused(Rv::DATA_LEN_RANGE, "CKM_ECDSA signs at least one byte"))
        }
        None => work(data),
    }
}
