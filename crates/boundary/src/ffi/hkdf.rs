//! HKDF in its two halves: `aws-lc-rs` gives no pseudo-random key out, and has no SHA-224.

use zeroize::Zeroizing;

use super::{Hash, Result, check};

/// The longest digest, bytes.
const LONGEST_DIGEST: usize = 64;

/// RFC 5869 section 2.2: a pseudo-random key of the hash's length.
pub fn hkdf_extract(hash: Hash, secret: &[u8], salt: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (mut key, mut length) = (Zeroizing::new(vec![0; LONGEST_DIGEST]), 0);
    // SAFETY: the key has room for every digest; inputs are valid for the lengths given; digests are static.
    check(unsafe {
        aws_lc_sys::HKDF_extract(
            key.as_mut_ptr(),
            &raw mut length,
            hash.md(),
            secret.as_ptr(),
            secret.len(),
            salt.as_ptr(),
            salt.len(),
        )
    })?;
    key.truncate(length);
    Ok(key)
}

/// RFC 5869 section 2.3: at most 255 times the hash's length.
pub fn hkdf_expand(hash: Hash, key: &[u8], info: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(vec![0; length]);
    // SAFETY: buffers are valid for the lengths given; digests are static.
    check(unsafe {
        aws_lc_sys::HKDF_expand(
            out.as_mut_ptr(),
            out.len(),
            hash.md(),
            key.as_ptr(),
            key.len(),
            info.as_ptr(),
            info.len(),
        )
    })?;
    Ok(out)
}
