//! PBKDF2: that of `aws-lc-rs` takes fewer hashes, and no empty salt.

use zeroize::Zeroizing;

use super::{Hash, Result, check};

/// RFC 8018 section 5.2, with HMAC.
pub fn pbkdf2(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(vec![0; length]);
    // SAFETY: buffers are valid for the lengths given; digests are static.
    check(unsafe {
        aws_lc_sys::PKCS5_PBKDF2_HMAC(
            password.as_ptr().cast(),
            password.len(),
            salt.as_ptr(),
            salt.len(),
            iterations,
            hash.md(),
            out.len(),
            out.as_mut_ptr(),
        )
    })?;
    Ok(out)
}
