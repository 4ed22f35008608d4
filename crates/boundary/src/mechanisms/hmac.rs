//! HMAC (FIPS 198-1) with SHA-1 and SHA-2.

use aws_lc_rs::hmac;
use strongroom_wire::{MechanismType, Rv};

use super::handle::{OTHER_KEY, SecretHandle};
use super::internal;
use crate::{Error, Result};

/// Makes a MAC, of the digest's length.
pub fn sign(key: &SecretHandle, mechanism: MechanismType, data: &[u8]) -> Result<Vec<u8>> {
    Ok(hmac::sign(prepared(key, mechanism)?, data).as_ref().to_vec())
}

/// Checks a MAC in constant time.
pub fn verify(key: &SecretHandle, mechanism: MechanismType, data: &[u8], mac: &[u8]) -> Result<()> {
    let key = prepared(key, mechanism)?;
    let length = key.algorithm().tag_len();
    if mac.len() != length {
        return Err(Error::refused(
            Rv::SIGNATURE_LEN_RANGE,
            format!("a MAC of this mechanism has {length} bytes"),
        ));
    }
    hmac::verify(key, data, mac)
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the MAC is not over this data by this key"))
}

fn prepared(key: &SecretHandle, mechanism: MechanismType) -> Result<&hmac::Key> {
    let (slot, algorithm) = match mechanism {
        MechanismType::Sha1Hmac => (0, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        MechanismType::Sha224Hmac => (1, hmac::HMAC_SHA224),
        MechanismType::Sha256Hmac => (2, hmac::HMAC_SHA256),
        MechanismType::Sha384Hmac => (3, hmac::HMAC_SHA384),
        MechanismType::Sha512Hmac => (4, hmac::HMAC_SHA512),
        _ => return Err(internal(OTHER_KEY)),
    };
    Ok(key.prepared[slot].get_or_init(|| Box::new(hmac::Key::new(algorithm, &key.material))))
}
