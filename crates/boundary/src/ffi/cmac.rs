//! CMAC with triple DES: `aws-lc-rs` has it with AES only.

use aws_lc_sys::CMAC_CTX;

use super::owned::Owned;
use super::{CryptoError, Result, check};

/// Bytes of a key, and of a block.
const KEY_LENGTH: usize = 24;
const BLOCK: usize = 8;

/// CMAC (SP 800-38B) with a key of 24 bytes.
pub fn des3_cmac(key: &[u8], data: &[u8]) -> Result<[u8; BLOCK]> {
    if key.len() != KEY_LENGTH {
        return Err(CryptoError);
    }
    let (mut mac, mut length) = ([0; BLOCK], 0);
    // SAFETY: the key has the length that the cipher reads, the buffer that of its block; the data is valid for its length; the
    // cipher is static; null asks for the built-in implementation.
    unsafe {
        let context = Owned::<CMAC_CTX>::take(aws_lc_sys::CMAC_CTX_new())?;
        let (cipher, none) = (aws_lc_sys::EVP_des_ede3_cbc(), std::ptr::null_mut());
        check(aws_lc_sys::CMAC_Init(context.as_ptr(), key.as_ptr().cast(), KEY_LENGTH, cipher, none))?;
        check(aws_lc_sys::CMAC_Update(context.as_ptr(), data.as_ptr(), data.len()))?;
        check(aws_lc_sys::CMAC_Final(context.as_ptr(), mac.as_mut_ptr(), &raw mut length))?;
    }
    if length == BLOCK { Ok(mac) } else { Err(CryptoError) }
}
