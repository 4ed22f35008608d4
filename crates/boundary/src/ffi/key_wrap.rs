//! AES key wrap: RFC 3394 and, with padding, RFC 5649, under keys of every AES size.

use std::mem::MaybeUninit;

use aws_lc_sys::AES_KEY;
use zeroize::Zeroizing;

use super::{CryptoError, Result, check};

/// An AES key-encryption key; its schedule is wiped on drop.
pub struct WrapKey(Box<AES_KEY>);

impl std::fmt::Debug for WrapKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrapKey")
    }
}

type SetKey = unsafe extern "C" fn(*const u8, std::os::raw::c_uint, *mut AES_KEY) -> std::os::raw::c_int;

impl WrapKey {
    /// For wrapping, from a key of 16, 24 or 32 bytes.
    pub fn wrapping(key: &[u8]) -> Result<Self> {
        Self::new(aws_lc_sys::AES_set_encrypt_key, key)
    }

    /// For unwrapping.
    pub fn unwrapping(key: &[u8]) -> Result<Self> {
        Self::new(aws_lc_sys::AES_set_decrypt_key, key)
    }

    /// RFC 3394; data of at least 16 bytes and whole 8-byte blocks.
    pub fn wrap(&self, data: &[u8]) -> Result<Vec<u8>> {
        let mut out = vec![0; data.len() + 8];
        // SAFETY: the output has 8 bytes more than the input; null asks for the standard's initial value.
        let length = unsafe {
            aws_lc_sys::AES_wrap_key(
                &raw const *self.0,
                std::ptr::null(),
                out.as_mut_ptr(),
                data.as_ptr(),
                data.len(),
            )
        };
        if usize::try_from(length) == Ok(out.len()) { Ok(out) } else { Err(CryptoError) }
    }

    /// The inverse of [`Self::wrap`].
    pub fn unwrap(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(vec![0; data.len().checked_sub(8).ok_or(CryptoError)?]);
        // SAFETY: the output has 8 bytes less than the input; null asks for the standard's initial value.
        let length = unsafe {
            aws_lc_sys::AES_unwrap_key(
                &raw const *self.0,
                std::ptr::null(),
                out.as_mut_ptr(),
                data.as_ptr(),
                data.len(),
            )
        };
        if usize::try_from(length) == Ok(out.len()) { Ok(out) } else { Err(CryptoError) }
    }

    /// RFC 5649; data of any length but 0.
    pub fn wrap_padded(&self, data: &[u8]) -> Result<Vec<u8>> {
        let (mut out, mut length) = (vec![0; data.len() + 16], 0);
        // SAFETY: buffers are valid for the lengths given.
        check(unsafe {
            aws_lc_sys::AES_wrap_key_padded(
                &raw const *self.0,
                out.as_mut_ptr(),
                &raw mut length,
                out.len(),
                data.as_ptr(),
                data.len(),
            )
        })?;
        out.truncate(length);
        Ok(out)
    }

    /// The inverse of [`Self::wrap_padded`].
    pub fn unwrap_padded(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (mut out, mut length) = (Zeroizing::new(vec![0; data.len()]), 0);
        // SAFETY: buffers are valid for the lengths given.
        check(unsafe {
            aws_lc_sys::AES_unwrap_key_padded(
                &raw const *self.0,
                out.as_mut_ptr(),
                &raw mut length,
                out.len(),
                data.as_ptr(),
                data.len(),
            )
        })?;
        out.truncate(length);
        Ok(out)
    }

    fn new(set_key: SetKey, key: &[u8]) -> Result<Self> {
        if !matches!(key.len(), 16 | 24 | 32) {
            return Err(CryptoError);
        }
        let mut schedule = Box::new(MaybeUninit::<AES_KEY>::zeroed());
        // SAFETY: the key is valid for the bits given; the schedule is plain numbers, for which zero is a value. These
        // two functions give 0 for success.
        unsafe {
            #[allow(clippy::cast_possible_truncation)] // at most 256
            let refused = set_key(key.as_ptr(), 8 * key.len() as u32, schedule.as_mut_ptr());
            if refused == 0 { Ok(Self(schedule.assume_init())) } else { Err(CryptoError) }
        }
    }
}

impl Drop for WrapKey {
    fn drop(&mut self) {
        let schedule: *mut AES_KEY = &raw mut *self.0;
        // SAFETY: the whole of an object that we own; the library's wipe is not optimised away.
        unsafe { aws_lc_sys::OPENSSL_cleanse(schedule.cast(), size_of::<AES_KEY>()) }
    }
}
