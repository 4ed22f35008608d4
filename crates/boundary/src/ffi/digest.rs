//! Digests, SHAKE, and HMAC at one go: `aws-lc-rs` has no SHA3-224, no SHAKE and no HMAC with SHA-3.

use aws_lc_sys::{EVP_MD, EVP_MD_CTX};
use zeroize::Zeroize;

use super::owned::Owned;
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

/// The digest of data in parts.
pub fn digest_of<'a>(hash: Hash, mut parts: impl Iterator<Item = &'a [u8]>) -> Result<Digest> {
    let mut stream = DigestStream::new(hash)?;
    parts.try_for_each(|part| stream.update(part))?;
    stream.finish()
}

/// A digest under way.
#[derive(Debug)]
pub struct DigestStream(Owned<EVP_MD_CTX>);

impl DigestStream {
    /// Of no data yet.
    pub fn new(hash: Hash) -> Result<Self> {
        Self::begin(hash.md())
    }

    /// Of a hash that gives any length.
    pub fn shake(shake: Shake) -> Result<Self> {
        // SAFETY: the hashes are static.
        Self::begin(unsafe {
            match shake {
                Shake::Shake128 => aws_lc_sys::EVP_shake128(),
                Shake::Shake256 => aws_lc_sys::EVP_shake256(),
            }
        })
    }

    fn begin(hash: *const EVP_MD) -> Result<Self> {
        // SAFETY: the context is new and ours; digests are static, and null asks for the built-in implementation.
        unsafe {
            let context = Owned::take(aws_lc_sys::EVP_MD_CTX_new())?;
            check(aws_lc_sys::EVP_DigestInit_ex(context.as_ptr(), hash, std::ptr::null_mut()))?;
            Ok(Self(context))
        }
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: the data is valid for its length.
        check(unsafe { aws_lc_sys::EVP_DigestUpdate(self.0.as_ptr(), data.as_ptr().cast(), data.len()) })
    }

    /// Another one of the same data so far.
    pub fn copied(&self) -> Result<Self> {
        // SAFETY: both contexts are ours; a new one takes what the other has.
        unsafe {
            let context = Owned::<EVP_MD_CTX>::take(aws_lc_sys::EVP_MD_CTX_new())?;
            check(aws_lc_sys::EVP_MD_CTX_copy_ex(context.as_ptr(), self.0.as_ptr()))?;
            Ok(Self(context))
        }
    }

    /// The digest.
    pub fn finish(self) -> Result<Digest> {
        let (mut bytes, mut length) = ([0; LONGEST], 0);
        // SAFETY: the buffer has room for every digest.
        check(unsafe {
            aws_lc_sys::EVP_DigestFinal_ex(self.0.as_ptr(), bytes.as_mut_ptr(), &raw mut length)
        })?;
        Ok(Digest { bytes, length: length as usize })
    }

    /// So many bytes of a hash that gives any length.
    pub fn finish_into(self, bytes: &mut [u8]) -> Result<()> {
        // SAFETY: the buffer is valid for its length.
        check(unsafe { aws_lc_sys::EVP_DigestFinalXOF(self.0.as_ptr(), bytes.as_mut_ptr(), bytes.len()) })
    }
}

/// The hashes that give any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shake {
    /// SHAKE128.
    Shake128,
    /// SHAKE256.
    Shake256,
}

impl Shake {
    /// So many bytes from data that comes in parts.
    pub fn hash<const LENGTH: usize>(self, parts: &[&[u8]]) -> Result<[u8; LENGTH]> {
        let mut stream = DigestStream::shake(self)?;
        parts.iter().try_for_each(|part| stream.update(part))?;
        let mut bytes = [0; LENGTH];
        stream.finish_into(&mut bytes)?;
        Ok(bytes)
    }
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
