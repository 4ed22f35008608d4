//! X25519 (RFC 7748), and Ed25519 with a context or a pre-hashed message (RFC 8032 section 5.1).

use zeroize::{Zeroize, Zeroizing};

use super::{Result, check};

/// Bytes of keys and points.
pub const KEY_LENGTH: usize = 32;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_LENGTH: usize = 64;

/// The public key of an X25519 private key.
pub fn x25519_public(private: &[u8; KEY_LENGTH]) -> [u8; KEY_LENGTH] {
    let mut public = [0; KEY_LENGTH];
    // SAFETY: both buffers have the length that the function works on.
    unsafe { aws_lc_sys::X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) };
    public
}

/// The secret that two X25519 keys share. Refused when the other key leaves nothing of ours in it (RFC 7748 section 6.1).
pub fn x25519(private: &[u8; KEY_LENGTH], other: &[u8; KEY_LENGTH]) -> Result<Zeroizing<Vec<u8>>> {
    let mut shared = Zeroizing::new(vec![0; KEY_LENGTH]);
    // SAFETY: all buffers have the length that the function works on.
    check(unsafe { aws_lc_sys::X25519(shared.as_mut_ptr(), private.as_ptr(), other.as_ptr()) })?;
    Ok(shared)
}

/// What Ed25519 signs, besides a plain message.
#[derive(Clone, Copy, Debug)]
pub enum Ed25519Message<'a> {
    /// A message, with the context after it (Ed25519ctx).
    WithContext(&'a [u8], &'a [u8]),
    /// The SHA-512 of a message, with the context after it (Ed25519ph).
    PreHashed(&'a [u8; 64], &'a [u8]),
}

impl Ed25519Message<'_> {
    /// Signs with a seed and the public key that belongs to it.
    pub fn sign(self, seed: &[u8; KEY_LENGTH], public: &[u8; KEY_LENGTH]) -> Result<Vec<u8>> {
        let mut private = [*seed, *public].concat();
        let mut signature = vec![0; SIGNATURE_LENGTH];
        // SAFETY: the private key has 64 bytes; the other buffers have the lengths given, or those that the functions work on.
        let result = unsafe {
            match self {
                Self::WithContext(message, context) => aws_lc_sys::ED25519ctx_sign(
                    signature.as_mut_ptr(),
                    message.as_ptr(),
                    message.len(),
                    private.as_ptr(),
                    context.as_ptr(),
                    context.len(),
                ),
                Self::PreHashed(digest, context) => aws_lc_sys::ED25519ph_sign_digest(
                    signature.as_mut_ptr(),
                    digest.as_ptr(),
                    private.as_ptr(),
                    context.as_ptr(),
                    context.len(),
                ),
            }
        };
        private.zeroize();
        check(result)?;
        Ok(signature)
    }

    /// Whether a signature is over it.
    pub fn verify(self, public: &[u8; KEY_LENGTH], signature: &[u8; SIGNATURE_LENGTH]) -> Result<()> {
        // SAFETY: buffers have the lengths given, or those that the functions work on.
        check(unsafe {
            match self {
                Self::WithContext(message, context) => aws_lc_sys::ED25519ctx_verify(
                    message.as_ptr(),
                    message.len(),
                    signature.as_ptr(),
                    public.as_ptr(),
                    context.as_ptr(),
                    context.len(),
                ),
                Self::PreHashed(digest, context) => aws_lc_sys::ED25519ph_verify_digest(
                    digest.as_ptr(),
                    signature.as_ptr(),
                    public.as_ptr(),
                    context.as_ptr(),
                    context.len(),
                ),
            }
        })
    }
}
