//! HKDF (RFC 5869): extract, expand, or both.

use strongroom_wire::messages::MechanismParameters;
use zeroize::Zeroizing;

use super::{key_size, parameters, wanted};
use crate::Result;
use crate::ffi::{hkdf_expand, hkdf_extract};

/// The longest output, in digests (RFC 5869 section 2.3).
const MOST_DIGESTS: usize = 255;

/// Derives from a secret.
pub fn derive(
    secret: &[u8],
    given: &MechanismParameters,
    length: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>> {
    let hash = parameters::hash(given.hash)?;
    let (salt, info) = (given.salt.as_deref().unwrap_or_default(), given.info.as_deref().unwrap_or_default());
    if !given.extract && !given.expand {
        return Err(parameters::invalid("HKDF must extract, expand, or both"));
    }
    if !given.expand {
        if length.is_some_and(|length| length != hash.length()) {
            return Err(key_size(format!("a pseudo-random key of this hash has {} bytes", hash.length())));
        }
        return Ok(hkdf_extract(hash, secret, salt)?);
    }
    let length = wanted(length)?;
    if length > MOST_DIGESTS * hash.length() {
        return Err(key_size(format!(
            "HKDF gives at most {} bytes with this hash",
            MOST_DIGESTS * hash.length()
        )));
    }
    if given.extract {
        return Ok(hkdf_expand(hash, &hkdf_extract(hash, secret, salt)?, info, length)?);
    }
    if secret.len() < hash.length() {
        return Err(key_size("a key that HKDF only expands is at least as long as the hash"));
    }
    Ok(hkdf_expand(hash, secret, info, length)?)
}
