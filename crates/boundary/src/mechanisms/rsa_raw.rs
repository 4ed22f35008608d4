//! Raw RSA (PKCS #11 2.40 section 2.1.8, `CKM_RSA_X_509`): the bare function of RFC 8017 section 5.
//!
//! Padding is the caller's, and so is the care for what a wrong padding may tell. Shorter data is a smaller number: zeros
//! are put before it. What comes out always has the modulus's length.

use strongroom_wire::Rv;

use super::Direction;
use super::handle::RsaHandle;
use super::rsa_pkcs1::{
    check_signature_length, encrypted_invalid, encrypted_length, signature_invalid, unrecoverable,
};
use crate::{Error, Result};

/// The block to the power of the private exponent.
pub fn sign(key: &RsaHandle, data: &[u8]) -> Result<Vec<u8>> {
    Ok(key.key.sign_block(&block(key, data)?)?)
}

/// The inverse of [`sign`].
pub fn verify(key: &RsaHandle, data: &[u8], signature: &[u8]) -> Result<()> {
    let block = block(key, data)?;
    check_signature_length(key, signature)?;
    let signed = key.key.recover_block(signature).map_err(|_| signature_invalid())?;
    if signed == block { Ok(()) } else { Err(signature_invalid()) }
}

/// The block that was signed: of the modulus's length, whatever it was when it was given.
pub fn recover(key: &RsaHandle, signature: &[u8]) -> Result<Vec<u8>> {
    check_signature_length(key, signature)?;
    key.key.recover_block(signature).map_err(|_| unrecoverable())
}

/// Encrypts with the public or decrypts with the private exponent.
pub fn crypt(key: &RsaHandle, direction: Direction, data: &[u8]) -> Result<Vec<u8>> {
    if direction == Direction::Encrypt {
        return Ok(key.key.encrypt_block(&block(key, data)?)?);
    }
    let size = key.key.size();
    if data.len() != size {
        return Err(encrypted_length(size));
    }
    let mut plaintext = key.key.decrypt_block(data).map_err(|_| encrypted_invalid())?;
    Ok(std::mem::take(&mut *plaintext))
}

/// The data as a number m of the modulus's length; 1 < m < n - 1 (SP 800-56B section 7.1.1).
fn block(key: &RsaHandle, data: &[u8]) -> Result<Vec<u8>> {
    let size = key.key.size();
    let Some(missing) = size.checked_sub(data.len()) else {
        return Err(Error::refused(Rv::DATA_LEN_RANGE, format!("at most {size} bytes with this key")));
    };
    let block = [&vec![0; missing], data].concat();
    let mut limit = key.key.modulus()?;
    limit[size - 1] &= !1; // a modulus is odd
    let mut one = vec![0; size];
    one[size - 1] = 1;
    if block <= one || block >= limit {
        return Err(Error::refused(
            Rv::DATA_INVALID,
            "the data must be a number above 1 and below the modulus less 1",
        ));
    }
    Ok(block)
}
