//! Ciphers that `aws-lc-rs` does not offer: triple DES, AES-XTS and AES-CCM.

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
    /// AES-256-XTS over a data unit of at least a block; the library refuses two keys that are the same.
    Aes256Xts,
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
        let length = c_int::try_from(data.len()).map_err(|_| CryptoError)?;
        let context = start(self.cipher(), encrypts, key, iv)?;
        let mut out = Zeroizing::new(vec![0; data.len() + LONGEST_BLOCK]);
        let (mut done, mut rest) = (0, 0);
        // SAFETY: the output has room for the input and a block.
        unsafe {
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
                Self::Aes256Xts => aws_lc_sys::EVP_aes_256_xts(),
            }
        }
    }
}

/// A context of a cipher that does not pad; key and IV have the cipher's lengths, a cipher without IV ignores it.
pub(super) fn start(
    cipher: *const EVP_CIPHER,
    encrypts: c_int,
    key: &[u8],
    iv: &[u8],
) -> Result<Owned<EVP_CIPHER_CTX>> {
    // SAFETY: static data.
    let (key_length, iv_length) =
        unsafe { (aws_lc_sys::EVP_CIPHER_key_length(cipher), aws_lc_sys::EVP_CIPHER_iv_length(cipher)) };
    if key.len() != key_length as usize || iv.len() < iv_length as usize {
        return Err(CryptoError);
    }
    // SAFETY: key and IV have the lengths that the cipher reads, as was checked; null asks for the built-in implementation.
    unsafe {
        let context = Owned::<EVP_CIPHER_CTX>::take(aws_lc_sys::EVP_CIPHER_CTX_new())?;
        let (pointer, none) = (context.as_ptr(), std::ptr::null_mut());
        check(aws_lc_sys::EVP_CipherInit_ex(pointer, cipher, none, key.as_ptr(), iv.as_ptr(), encrypts))?;
        check(aws_lc_sys::EVP_CIPHER_CTX_set_padding(pointer, 0))?;
        Ok(context)
    }
}

/// Gives a context data and takes as much out of it: whole blocks, or those of a stream cipher.
pub(super) fn pass(context: &mut Owned<EVP_CIPHER_CTX>, data: &[u8], out: &mut [u8]) -> Result<()> {
    let length = c_int::try_from(data.len()).map_err(|_| CryptoError)?;
    if data.len() != out.len() {
        return Err(CryptoError);
    }
    let mut done = 0;
    // SAFETY: input and output are valid for the length. A context holds no part of a block, so that none is written beside it.
    check(unsafe {
        let (from, to) = (data.as_ptr(), out.as_mut_ptr());
        aws_lc_sys::EVP_CipherUpdate(context.as_ptr(), to, &raw mut done, from, length)
    })?;
    if done == length { Ok(()) } else { Err(CryptoError) }
}

/// An AES key in CCM mode (SP 800-38C): nonces of 7 to 13 bytes, tags of 4 to 16 in steps of 2.
pub struct CcmKey<'a> {
    key: &'a [u8],
    tag_length: usize,
}

impl std::fmt::Debug for CcmKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CcmKey")
    }
}

impl<'a> CcmKey<'a> {
    /// From a key of 16, 24 or 32 bytes.
    pub const fn new(key: &'a [u8], tag_length: usize) -> Self {
        Self { key, tag_length }
    }

    /// Ciphertext and tag.
    pub fn seal(&self, nonce: &[u8], aad: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let context = self.context(1, nonce, std::ptr::null_mut())?;
        let mut out = vec![0; data.len() + self.tag_length];
        // SAFETY: the output has room for the data and, behind it, for the tag.
        unsafe {
            Self::run(&context, aad, data, out.as_mut_ptr())?;
            check(aws_lc_sys::EVP_CIPHER_CTX_ctrl(
                context.as_ptr(),
                aws_lc_sys::EVP_CTRL_AEAD_GET_TAG,
                self.tag_length as c_int,
                out.as_mut_ptr().add(data.len()).cast(),
            ))?;
        }
        Ok(out)
    }

    /// The plaintext of ciphertext and tag.
    pub fn open(&self, nonce: &[u8], aad: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let length = data.len().checked_sub(self.tag_length).ok_or(CryptoError)?;
        let (data, tag) = data.split_at(length);
        let mut tag = tag.to_vec();
        let context = self.context(0, nonce, tag.as_mut_ptr())?;
        // One byte more: the library tells the end of the data from the data by a pointer that is not null.
        let mut out = Zeroizing::new(vec![0; length + 1]);
        // SAFETY: the output has room for the data.
        unsafe { Self::run(&context, aad, data, out.as_mut_ptr())? };
        out.truncate(length);
        Ok(out)
    }

    /// A context with key, nonce and, for decryption, the tag.
    fn context(&self, encrypts: c_int, nonce: &[u8], tag: *mut u8) -> Result<Owned<EVP_CIPHER_CTX>> {
        // SAFETY: static data.
        let cipher = unsafe {
            match self.key.len() {
                16 => aws_lc_sys::EVP_aes_128_ccm(),
                24 => aws_lc_sys::EVP_aes_192_ccm(),
                32 => aws_lc_sys::EVP_aes_256_ccm(),
                _ => return Err(CryptoError),
            }
        };
        let nonce_length = c_int::try_from(nonce.len()).map_err(|_| CryptoError)?;
        let tag_length = c_int::try_from(self.tag_length).map_err(|_| CryptoError)?;
        // SAFETY: the tag is null or has the length given; key and nonce have the lengths that the cipher reads, which
        // were set before; null asks for the built-in implementation.
        unsafe {
            let context = Owned::<EVP_CIPHER_CTX>::take(aws_lc_sys::EVP_CIPHER_CTX_new())?;
            let (pointer, none) = (context.as_ptr(), std::ptr::null_mut());
            let nothing = std::ptr::null();
            check(aws_lc_sys::EVP_CipherInit_ex(pointer, cipher, none, nothing, nothing, encrypts))?;
            let (set_nonce, set_tag) =
                (aws_lc_sys::EVP_CTRL_AEAD_SET_IVLEN, aws_lc_sys::EVP_CTRL_AEAD_SET_TAG);
            check(aws_lc_sys::EVP_CIPHER_CTX_ctrl(pointer, set_nonce, nonce_length, std::ptr::null_mut()))?;
            check(aws_lc_sys::EVP_CIPHER_CTX_ctrl(pointer, set_tag, tag_length, tag.cast()))?;
            let (key, nonce) = (self.key.as_ptr(), nonce.as_ptr());
            check(aws_lc_sys::EVP_CipherInit_ex(pointer, std::ptr::null(), none, key, nonce, encrypts))?;
            Ok(context)
        }
    }

    /// Length, additional data and data, in the order that the mode wants.
    ///
    /// # Safety
    /// `out` has room for as many bytes as the data has.
    unsafe fn run(context: &Owned<EVP_CIPHER_CTX>, aad: &[u8], data: &[u8], out: *mut u8) -> Result<()> {
        let length = c_int::try_from(data.len()).map_err(|_| CryptoError)?;
        let aad_length = c_int::try_from(aad.len()).map_err(|_| CryptoError)?;
        let mut done = 0;
        // SAFETY: inputs are valid for their lengths, the output by this function's contract; without output the library
        // takes a length (without input) or additional data.
        unsafe {
            let (context, nowhere) = (context.as_ptr(), std::ptr::null_mut());
            let nothing = std::ptr::null();
            check(aws_lc_sys::EVP_CipherUpdate(context, nowhere, &raw mut done, nothing, length))?;
            if !aad.is_empty() {
                let given = aad.as_ptr();
                check(aws_lc_sys::EVP_CipherUpdate(context, nowhere, &raw mut done, given, aad_length))?;
            }
            check(aws_lc_sys::EVP_CipherUpdate(context, out, &raw mut done, data.as_ptr(), length))
        }
    }
}
