//! ML-KEM (FIPS 203): a secret for the holder of a private key.

use strongroom_wire::Rv;
use zeroize::Zeroizing;

use crate::ffi::MlKemKey;
use crate::{Error, Result};

/// A new secret, and the ciphertext that carries it.
pub fn encapsulate(key: &MlKemKey) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    Ok(key.encapsulate()?)
}

/// The secret that a ciphertext carries.
///
/// # Errors
/// `CKR_WRAPPED_KEY_LEN_RANGE`; a ciphertext that was altered is none.
pub fn decapsulate(key: &MlKemKey, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let length = key.set().ciphertext_length();
    if ciphertext.len() != length {
        let text = format!("a ciphertext of this parameter set has {length} bytes");
        return Err(Error::refused(Rv::WRAPPED_KEY_LEN_RANGE, text));
    }
    Ok(key.decapsulate(ciphertext)?)
}
