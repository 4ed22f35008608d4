//! CMAC (SP 800-38B) with AES and with triple DES.

use aws_lc_rs::cmac;

use super::handle::AesHandle;
use super::internal;
use crate::Result;
use crate::ffi::CmacStream;

/// The whole MAC with an AES key, 16 bytes.
pub fn aes(key: &AesHandle, data: &[u8]) -> Result<Vec<u8>> {
    let algorithm = match key.material.len() {
        16 => cmac::AES_128,
        24 => cmac::AES_192,
        _ => cmac::AES_256,
    };
    let key = cmac::Key::new(algorithm, &key.material)
        .map_err(|_| internal("the crypto library refused the key"))?;
    let mac = cmac::sign(&key, data).map_err(|_| internal("the crypto library refused to make a MAC"))?;
    Ok(mac.as_ref().to_vec())
}

/// The whole MAC with a triple DES key, 8 bytes.
pub fn des3(key: &[u8], data: &[u8]) -> Result<Vec<u8>> {
    let mut mac = CmacStream::des3(key)?;
    mac.update(data)?;
    Ok(mac.finish()?)
}
