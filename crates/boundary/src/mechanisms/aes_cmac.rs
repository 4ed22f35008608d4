//! AES-CMAC (SP 800-38B), with the whole block as MAC.

use aws_lc_rs::cmac;
use strongroom_wire::Rv;

use super::handle::AesHandle;
use super::internal;
use crate::{Error, Result};

const MAC_LENGTH: usize = 16;

/// Makes a MAC of 16 bytes.
pub fn sign(key: &AesHandle, data: &[u8]) -> Result<Vec<u8>> {
    let mac = cmac::sign(&prepared(key)?, data)
        .map_err(|_| internal("the crypto library refused to make a MAC"))?;
    Ok(mac.as_ref().to_vec())
}

/// Checks a MAC in constant time.
pub fn verify(key: &AesHandle, data: &[u8], mac: &[u8]) -> Result<()> {
    if mac.len() != MAC_LENGTH {
        return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, "a MAC of this mechanism has 16 bytes"));
    }
    cmac::verify(&prepared(key)?, data, mac)
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the MAC is not over this data by this key"))
}

fn prepared(key: &AesHandle) -> Result<cmac::Key> {
    let algorithm = match key.material.len() {
        16 => cmac::AES_128,
        24 => cmac::AES_192,
        _ => cmac::AES_256,
    };
    cmac::Key::new(algorithm, &key.material).map_err(|_| internal("the crypto library refused the key"))
}
