//! CMAC (SP 800-38B) over data that comes in parts, and with triple DES: `aws-lc-rs` has neither.

use aws_lc_sys::{CMAC_CTX, EVP_CIPHER};

use super::owned::Owned;
use super::{CryptoError, Result, check};

/// The longest block, bytes.
const LONGEST_BLOCK: usize = 16;

/// A CMAC under way.
#[derive(Debug)]
pub struct CmacStream(Owned<CMAC_CTX>);

impl CmacStream {
    /// With an AES key of 16, 24 or 32 bytes.
    pub fn aes(key: &[u8]) -> Result<Self> {
        // SAFETY: no preconditions; static data.
        let cipher = unsafe {
            match key.len() {
                16 => aws_lc_sys::EVP_aes_128_cbc(),
                24 => aws_lc_sys::EVP_aes_192_cbc(),
                32 => aws_lc_sys::EVP_aes_256_cbc(),
                _ => return Err(CryptoError),
            }
        };
        Self::new(cipher, key)
    }

    /// With a triple DES key of 24 bytes.
    pub fn des3(key: &[u8]) -> Result<Self> {
        // SAFETY: no preconditions; static data.
        Self::new(unsafe { aws_lc_sys::EVP_des_ede3_cbc() }, key)
    }

    /// With a cipher of the library's in CBC mode.
    fn new(cipher: *const EVP_CIPHER, key: &[u8]) -> Result<Self> {
        // SAFETY: static data.
        if key.len() != unsafe { aws_lc_sys::EVP_CIPHER_key_length(cipher) } as usize {
            return Err(CryptoError);
        }
        // SAFETY: the key has the length that the cipher reads, as was checked; null asks for the built-in implementation.
        unsafe {
            let context = Owned::<CMAC_CTX>::take(aws_lc_sys::CMAC_CTX_new())?;
            let none = std::ptr::null_mut();
            check(aws_lc_sys::CMAC_Init(context.as_ptr(), key.as_ptr().cast(), key.len(), cipher, none))?;
            Ok(Self(context))
        }
    }

    /// Takes data.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        // SAFETY: the data is valid for its length.
        check(unsafe { aws_lc_sys::CMAC_Update(self.0.as_ptr(), data.as_ptr(), data.len()) })
    }

    /// The MAC, of the block's length.
    pub fn finish(self) -> Result<Vec<u8>> {
        let (mut mac, mut length) = (vec![0; LONGEST_BLOCK], 0);
        // SAFETY: the buffer has room for every block.
        check(unsafe { aws_lc_sys::CMAC_Final(self.0.as_ptr(), mac.as_mut_ptr(), &raw mut length) })?;
        mac.truncate(length);
        Ok(mac)
    }
}
