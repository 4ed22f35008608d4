//! Digests, and HMAC at one go: `aws-lc-rs` has no SHA3-224 and no HMAC with SHA-3.

use zeroize::Zeroize;

use super::{CryptoError, Hash, Result, check};

/// The longest digest, bytes.
const LONGEST: usize = 64;

/// A digest or a MAC.
#[derive(Debug)]
pub struct Digest {
    bytes: [u8; LONGEST],
    length: usize,
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The digest of data.
pub fn digest(hash: Hash, data: &[u8]) -> Result<Digest> {
    let (mut bytes, mut length) = ([0; LONGEST], 0);
    // SAFETY: the buffer has room for every digest; the data is valid for its length; digests are static; null asks
    // for the built-in implementation.
    check(unsafe {
        aws_lc_sys::EVP_Digest(
            data.as_ptr().cast(),
            data.len(),
            bytes.as_mut_ptr(),
            &raw mut length,
            hash.md(),
            std::ptr::null_mut(),
        )
    })?;
    Ok(Digest { bytes, length: length as usize })
}

/// HMAC (FIPS 198-1).
pub fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> Result<Digest> {
    let (mut bytes, mut length) = ([0; LONGEST], 0);
    // SAFETY: the buffer has room for every digest; key and data are valid for their lengths; digests are static.
    let made = unsafe {
        aws_lc_sys::HMAC(
            hash.md(),
            key.as_ptr().cast(),
            key.len(),
            data.as_ptr(),
            data.len(),
            bytes.as_mut_ptr(),
            &raw mut length,
        )
    };
    if made.is_null() { Err(CryptoError) } else { Ok(Digest { bytes, length: length as usize }) }
}
