//! Ownership of the library's objects.

use std::ptr::NonNull;

use super::{CryptoError, Result};

/// An object of the library with the function that frees it.
///
/// # Safety
/// `release` must be the function that frees an object of this type, and the functions that take it as a constant must
/// be usable from several threads at once.
pub(super) unsafe trait Release {
    /// # Safety
    /// `object` is owned by the caller and is not used afterwards.
    unsafe fn release(object: *mut Self);
}

macro_rules! releases {
    ($($object:ident by $release:ident,)*) => {$(
        // SAFETY: the library's documentation pairs the two, and lets non-mutating functions run concurrently.
        unsafe impl Release for aws_lc_sys::$object {
            unsafe fn release(object: *mut Self) {
                // SAFETY: as promised by the caller.
                unsafe { aws_lc_sys::$release(object) }
            }
        }
    )*};
}

releases! {
    RSA by RSA_free,
    BIGNUM by BN_clear_free,
    EC_KEY by EC_KEY_free,
    EC_POINT by EC_POINT_free,
    ECDSA_SIG by ECDSA_SIG_free,
    EVP_PKEY by EVP_PKEY_free,
    EVP_PKEY_CTX by EVP_PKEY_CTX_free,
    EVP_AEAD_CTX by EVP_AEAD_CTX_free,
    EVP_CIPHER_CTX by EVP_CIPHER_CTX_free,
    EVP_MD_CTX by EVP_MD_CTX_free,
    HMAC_CTX by HMAC_CTX_free,
    CMAC_CTX by CMAC_CTX_free,
}

/// Owns an object of the library; it is wiped and freed on drop.
pub(super) struct Owned<T: Release>(NonNull<T>);

impl<T: Release> std::fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owned")
    }
}

// SAFETY: the library's objects are not tied to a thread.
unsafe impl<T: Release> Send for Owned<T> {}
// SAFETY: only non-mutating functions are called on shared objects, and those are thread-safe (see `Release`).
unsafe impl<T: Release> Sync for Owned<T> {}

impl<T: Release> Owned<T> {
    /// Takes over what a constructor of the library gave.
    ///
    /// # Safety
    /// `object` is null or a valid object that nobody else owns.
    pub(super) unsafe fn take(object: *mut T) -> Result<Self> {
        NonNull::new(object).map(Self).ok_or_else(|| {
            // SAFETY: works on this thread's queue only.
            unsafe { aws_lc_sys::ERR_clear_error() };
            CryptoError
        })
    }

    /// For calls of the library; valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Gives the object away.
    pub(super) fn into_raw(self) -> *mut T {
        let object = self.as_ptr();
        std::mem::forget(self);
        object
    }
}

impl<T: Release> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { T::release(self.as_ptr()) }
    }
}

impl Owned<aws_lc_sys::BIGNUM> {
    /// A number from its big-endian bytes.
    pub(super) fn number(bytes: &[u8]) -> Result<Self> {
        // SAFETY: the slice is valid for its length; null asks for a new number.
        unsafe { Self::take(aws_lc_sys::BN_bin2bn(bytes.as_ptr(), bytes.len(), std::ptr::null_mut())) }
    }
}

/// Big-endian bytes of a number, without leading zeros.
///
/// # Safety
/// `number` is null or valid.
pub(super) unsafe fn number_bytes(number: *const aws_lc_sys::BIGNUM) -> Result<Vec<u8>> {
    if number.is_null() {
        return Err(CryptoError);
    }
    // SAFETY: valid, as the caller promises.
    let length = unsafe { aws_lc_sys::BN_num_bytes(number) } as usize;
    let mut bytes = vec![0; length];
    // SAFETY: the buffer has the length that the number needs.
    unsafe { aws_lc_sys::BN_bn2bin(number, bytes.as_mut_ptr()) };
    Ok(bytes)
}

/// Copies a buffer that the library allocated, then wipes and frees it.
///
/// # Safety
/// `buffer` was allocated by the library, has `length` valid bytes and nobody else owns it.
pub(super) unsafe fn take_buffer(buffer: *mut u8, length: usize) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    if buffer.is_null() {
        return Err(CryptoError);
    }
    // SAFETY: as promised by the caller; OPENSSL_free wipes what it frees.
    unsafe {
        let bytes = std::slice::from_raw_parts(buffer, length).to_vec();
        aws_lc_sys::OPENSSL_free(buffer.cast());
        Ok(zeroize::Zeroizing::new(bytes))
    }
}
