//! AES-GCM with tags of any length that SP 800-38D allows.

use aws_lc_sys::EVP_AEAD_CTX;
use zeroize::Zeroizing;

use super::owned::Owned;
use super::{CryptoError, Result, check};

/// An AES key expanded for GCM with one tag length.
#[derive(Debug)]
pub struct GcmKey {
    context: Owned<EVP_AEAD_CTX>,
    tag_length: usize,
}

impl GcmKey {
    /// From a key of 16, 24 or 32 bytes.
    pub fn new(key: &[u8], tag_length: usize) -> Result<Self> {
        // SAFETY: no preconditions; static data.
        let algorithm = unsafe {
            match key.len() {
                16 => aws_lc_sys::EVP_aead_aes_128_gcm(),
                24 => aws_lc_sys::EVP_aead_aes_192_gcm(),
                32 => aws_lc_sys::EVP_aead_aes_256_gcm(),
                _ => return Err(CryptoError),
            }
        };
        // SAFETY: the key is valid for its length and is copied.
        let context = unsafe {
            Owned::take(aws_lc_sys::EVP_AEAD_CTX_new(algorithm, key.as_ptr(), key.len(), tag_length))?
        };
        Ok(Self { context, tag_length })
    }

    /// Appends ciphertext and tag to `out`.
    pub fn seal(&self, nonce: &[u8], aad: &[u8], data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let (start, mut length) = (out.len(), 0);
        out.resize(start + data.len() + self.tag_length, 0);
        // SAFETY: buffers are valid for the lengths given and do not overlap.
        check(unsafe {
            aws_lc_sys::EVP_AEAD_CTX_seal(
                self.context.as_ptr(),
                out.as_mut_ptr().add(start),
                &raw mut length,
                out.len() - start,
                nonce.as_ptr(),
                nonce.len(),
                data.as_ptr(),
                data.len(),
                aad.as_ptr(),
                aad.len(),
            )
        })?;
        out.truncate(start + length);
        Ok(())
    }

    /// The plaintext of ciphertext and tag.
    pub fn open(&self, nonce: &[u8], aad: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (mut out, mut length) = (Zeroizing::new(vec![0; data.len()]), 0);
        // SAFETY: buffers are valid for the lengths given and do not overlap.
        check(unsafe {
            aws_lc_sys::EVP_AEAD_CTX_open(
                self.context.as_ptr(),
                out.as_mut_ptr(),
                &raw mut length,
                out.len(),
                nonce.as_ptr(),
                nonce.len(),
                data.as_ptr(),
                data.len(),
                aad.as_ptr(),
                aad.len(),
            )
        })?;
        out.truncate(length);
        Ok(out)
    }
}
