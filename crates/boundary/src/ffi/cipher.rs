//! Ciphers that `aws-lc-rs` does not offer: triple DES.

use std::os::raw::c_int;

use aws_lc_sys::{EVP_CIPHER, EVP_CIPHER_CTX};
use zeroize::Zeroizing;

use super::owned::Owned;
use super::{CryptoError, Result, check};

/// A cipher with its mode; none of them pads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// Triple DES, block by block.
    Des3Ecb,
    /// Triple DES, chained.
    Des3Cbc,
}

/// The longest block, bytes: what the library may write beyond its input.
const LONGEST_BLOCK: usize = 16;

impl Cipher {
    /// Encrypts; key and IV have the cipher's lengths, a cipher without IV ignores it.
    pub fn encrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        self.run(1, key, iv, data).map(|mut out| std::mem::take(&mut *out))
    }

    /// The inverse of [`Self::encrypt`].
    pub fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.run(0, key, iv, data)
    }

    fn run(self, encrypts: c_int, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let cipher = self.cipher();
        let length = c_int::try_from(data.len()).map_err(|_| CryptoError)?;
        // SAFETY: static data.
        let (key_length, iv_length) =
            unsafe { (aws_lc_sys::EVP_CIPHER_key_length(cipher), aws_lc_sys::EVP_CIPHER_iv_length(cipher)) };
        if key.len() != key_length as usize || iv.len() < iv_length as usize {
            return Err(CryptoError);
        }
        let mut out = Zeroizing::new(vec![0; data.len() + LONGEST_BLOCK]);
        let (mut done, mut rest) = (0, 0);
        // SAFETY: key and IV have the lengths that the cipher reads, as was checked; the output has room for the input and
        // a block; null asks for the built-in implementation.
        unsafe {
            let context = Owned::<EVP_CIPHER_CTX>::take(aws_lc_sys::EVP_CIPHER_CTX_new())?;
            let none = std::ptr::null_mut();
            check(aws_lc_sys::EVP_CipherInit_ex(
                context.as_ptr(),
                cipher,
                none,
                key.as_ptr(),
                iv.as_ptr(),
                encrypts,
            ))?;
            check(aws_lc_sys::EVP_CIPHER_CTX_set_padding(context.as_ptr(), 0))?;
            check(aws_lc_sys::EVP_CipherUpdate(
                context.as_ptr(),
                out.as_mut_ptr(),
                &raw mut done,
                data.as_ptr(),
                length,
            ))?;
            let end = out.as_mut_ptr().add(usize::try_from(done).map_err(|_| CryptoError)?);
            check(aws_lc_sys::EVP_CipherFinal_ex(context.as_ptr(), end, &raw mut rest))?;
        }
        if done + rest != length {
            return Err(CryptoError);
        }
        out.truncate(data.len());
        Ok(out)
    }

    fn cipher(self) -> *const EVP_CIPHER {
        // SAFETY: these functions have no preconditions and give pointers to static data.
        unsafe {
            match self {
                Self::Des3Ecb => aws_lc_sys::EVP_des_ede3_ecb(),
                Self::Des3Cbc => aws_lc_sys::EVP_des_ede3_cbc(),
            }
        }
    }
}
