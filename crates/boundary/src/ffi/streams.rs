//! HMAC and AES-GCM over data that comes in parts: contexts of the library, wiped when they are freed.

use std::os::raw::c_int;

use aws_lc_sys::{EVP_CIPHER, EVP_CIPHER_CTX, HMAC_CTX};
use zeroize::Zeroizing;

use super::owned::Owned;
use super::{CryptoError, Hash, Result, check};

/// The longest digest, bytes.
const LONGEST_DIGEST: usize = 64;
/// The block of AES.
const BLOCK: usize = 16;

/// HMAC (FIPS 198-1) under way.
#[derive(Debug)]
pub struct HmacStream(Owned<HMAC_CTX>);

impl HmacStream {
    /// With this key.
    pub fn new(hash: Hash, key: &[u8]) -> Result<Self> {
        // SAFETY: the key is valid for its length and is not kept; digests are static; null asks for the built-in
        // implementation.
        unsafe {
            let context = Owned::<HMAC_CTX>::take(aws_lc_sys::HMAC_CTX_new())?;
            let none = std::ptr::null_mut();
            check(aws_lc_sys::HMAC_Init_ex(
                context.as_ptr(),
                key.as_ptr().cast(),
                key.len(),
                hash.md(),
                none,
            ))?;
            Ok(Self(context))
        }
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: the data is valid for its length.
        check(unsafe { aws_lc_sys::HMAC_Update(self.0.as_ptr(), data.as_ptr(), data.len()) })
    }

    /// The MAC, of the digest's length.
    pub fn finish(self) -> Result<Vec<u8>> {
        let (mut mac, mut length) = (vec![0; LONGEST_DIGEST], 0);
        // SAFETY: the buffer has room for every digest.
        check(unsafe { aws_lc_sys::HMAC_Final(self.0.as_ptr(), mac.as_mut_ptr(), &raw mut length) })?;
        mac.truncate(length as usize);
        Ok(mac)
    }
}

/// AES-GCM (SP 800-38D) under way, one way.
#[derive(Debug)]
pub struct GcmStream(Owned<EVP_CIPHER_CTX>);

impl GcmStream {
    /// An encryption, or a MAC over additional data alone.
    pub fn encrypt(key: &[u8], iv: &[u8]) -> Result<Self> {
        Self::new(key, iv, 1)
    }

    /// A decryption, whose plaintext is not to be shown before [`Self::check_tag`].
    pub fn decrypt(key: &[u8], iv: &[u8]) -> Result<Self> {
        Self::new(key, iv, 0)
    }

    fn new(key: &[u8], iv: &[u8], encrypts: c_int) -> Result<Self> {
        let cipher = cipher(key.len())?;
        let iv_length = c_int::try_from(iv.len()).map_err(|_| CryptoError)?;
        // SAFETY: key and IV have the lengths that the cipher reads: the key's chose the cipher, the IV's is set before
        // it is read; null asks for the built-in implementation.
        unsafe {
            let context = Owned::<EVP_CIPHER_CTX>::take(aws_lc_sys::EVP_CIPHER_CTX_new())?;
            let (pointer, none) = (context.as_ptr(), std::ptr::null_mut());
            let nothing = std::ptr::null();
            check(aws_lc_sys::EVP_CipherInit_ex(pointer, cipher, none, nothing, nothing, encrypts))?;
            let set_length = aws_lc_sys::EVP_CTRL_AEAD_SET_IVLEN;
            check(aws_lc_sys::EVP_CIPHER_CTX_ctrl(pointer, set_length, iv_length, std::ptr::null_mut()))?;
            let (key, iv) = (key.as_ptr(), iv.as_ptr());
            check(aws_lc_sys::EVP_CipherInit_ex(pointer, std::ptr::null(), none, key, iv, encrypts))?;
            Ok(Self(context))
        }
    }

    /// Takes additional data: all of it comes before the first data.
    pub fn authenticate(&mut self, aad: &[u8]) -> Result<()> {
        if aad.is_empty() {
            return Ok(());
        }
        let length = c_int::try_from(aad.len()).map_err(|_| CryptoError)?;
        let mut done = 0;
        // SAFETY: the data is valid for its length; without output it is additional data.
        check(unsafe {
            let nowhere = std::ptr::null_mut();
            aws_lc_sys::EVP_CipherUpdate(self.0.as_ptr(), nowhere, &raw mut done, aad.as_ptr(), length)
        })
    }

    /// The other side of data, as long as they are.
    pub fn update(&mut self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(vec![0; data.len()]);
        if data.is_empty() {
            return Ok(out);
        }
        let length = c_int::try_from(data.len()).map_err(|_| CryptoError)?;
        let mut done = 0;
        // SAFETY: the output has the input's length, and the mode writes as much as it reads.
        check(unsafe {
            let place = out.as_mut_ptr();
            aws_lc_sys::EVP_CipherUpdate(self.0.as_ptr(), place, &raw mut done, data.as_ptr(), length)
        })?;
        if done == length { Ok(out) } else { Err(CryptoError) }
    }

    /// The tag of an encryption, so long.
    pub fn tag(self, tag_length: usize) -> Result<Vec<u8>> {
        let mut tag = vec![0; BLOCK];
        self.finish()?;
        // SAFETY: the buffer has room for the longest tag.
        check(unsafe {
            let (get_tag, place) = (aws_lc_sys::EVP_CTRL_AEAD_GET_TAG, tag.as_mut_ptr());
            aws_lc_sys::EVP_CIPHER_CTX_ctrl(self.0.as_ptr(), get_tag, BLOCK as c_int, place.cast())
        })?;
        tag.truncate(tag_length);
        Ok(tag)
    }

    /// Checks the tag of a decryption, in constant time.
    pub fn check_tag(self, tag: &[u8]) -> Result<()> {
        let length = c_int::try_from(tag.len()).map_err(|_| CryptoError)?;
        let mut tag = tag.to_vec();
        // SAFETY: the tag is valid for its length and is copied; the library refuses lengths that it has no room for.
        check(unsafe {
            let (set_tag, place) = (aws_lc_sys::EVP_CTRL_AEAD_SET_TAG, tag.as_mut_ptr());
            aws_lc_sys::EVP_CIPHER_CTX_ctrl(self.0.as_ptr(), set_tag, length, place.cast())
        })?;
        self.finish()
    }

    fn finish(&self) -> Result<()> {
        let (mut rest, mut done) = ([0; BLOCK], 0);
        // SAFETY: the buffer has room for a block; the mode writes nothing into it.
        check(unsafe { aws_lc_sys::EVP_CipherFinal_ex(self.0.as_ptr(), rest.as_mut_ptr(), &raw mut done) })
    }
}

fn cipher(key_length: usize) -> Result<*const EVP_CIPHER> {
    // SAFETY: no preconditions; static data.
    unsafe {
        match key_length {
            16 => Ok(aws_lc_sys::EVP_aes_128_gcm()),
            24 => Ok(aws_lc_sys::EVP_aes_192_gcm()),
            32 => Ok(aws_lc_sys::EVP_aes_256_gcm()),
            _ => Err(CryptoError),
        }
    }
}
