//! RSA-AES key wrap (PKCS #11 2.40 section 2.1.21): RSA-OAEP of a new AES key, then the key under it (RFC 5649).
//!
//! So keys of any length go under an RSA key, private keys among them.

use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;
use zeroize::Zeroizing;

use super::handle::RsaHandle;
use super::{Direction, fill_random, parameters, rsa_oaep, wrapped_invalid, wrapped_length};
use crate::Result;
use crate::ffi::WrapKey;

/// The least that RFC 5649 makes, and its block, bytes.
const SHORTEST: usize = 16;
const BLOCK: usize = 8;

/// Wraps.
pub fn wrap(key: &RsaHandle, given: Option<&MechanismParameters>, material: &[u8]) -> Result<Vec<u8>> {
    let mut temporary = Zeroizing::new(vec![0; key_length(given)?]);
    fill_random(&mut temporary)?;
    let head = rsa_oaep::crypt(key, Direction::Encrypt, given, &temporary)?;
    let tail = WrapKey::wrapping(&temporary)?.wrap_padded(material)?;
    Ok([head, tail].concat())
}

/// Unwraps. One code for whatever is wrong with either part.
pub fn unwrap(
    key: &RsaHandle,
    given: Option<&MechanismParameters>,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    key_length(given)?;
    let size = key.key.size();
    if wrapped.len() < size + SHORTEST || !(wrapped.len() - size).is_multiple_of(BLOCK) {
        return Err(wrapped_length());
    }
    let (head, tail) = wrapped.split_at(size);
    let temporary = rsa_oaep::crypt(key, Direction::Decrypt, given, head).map(Zeroizing::new);
    let temporary = temporary.map_err(|error| match error.rv {
        Rv::ENCRYPTED_DATA_INVALID => wrapped_invalid(),
        _ => error,
    })?;
    let cipher = WrapKey::unwrapping(&temporary).map_err(|_| wrapped_invalid())?;
    cipher.unwrap_padded(tail).map_err(|_| wrapped_invalid())
}

/// Bytes of the AES key in between.
fn key_length(given: Option<&MechanismParameters>) -> Result<usize> {
    match parameters::required(given)?.key_bits {
        Some(128) => Ok(16),
        Some(192) => Ok(24),
        Some(256) => Ok(32),
        _ => Err(parameters::invalid("the AES key in between must have 128, 192 or 256 bits")),
    }
}
