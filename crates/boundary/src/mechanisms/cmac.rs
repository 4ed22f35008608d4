//! CMAC (SP 800-38B) with AES and with triple DES: the whole block, or as much of its beginning as the parameter says.

use aws_lc_rs::cmac;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};

use super::handle::{AesHandle, KeyHandle, OTHER_KEY};
use super::{internal, parameters};
use crate::ffi::CmacStream;
use crate::{Error, Result};

/// Makes a MAC.
pub fn sign(
    key: &KeyHandle,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let mut mac = whole(key, data)?;
    mac.truncate(parameters::mac_length(mechanism, given, mac.len())?);
    Ok(mac)
}

/// Checks a MAC in constant time.
pub fn verify(
    key: &KeyHandle,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
    mac: &[u8],
) -> Result<()> {
    let expected = sign(key, mechanism, given, data)?;
    if mac.len() != expected.len() {
        let text = format!("a MAC of this mechanism and parameter has {} bytes", expected.len());
        return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, text));
    }
    verify_slices_are_equal(&expected, mac)
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the MAC is not over this data by this key"))
}

fn whole(key: &KeyHandle, data: &[u8]) -> Result<Vec<u8>> {
    match key {
        KeyHandle::Des3(key) => {
            let mut mac = CmacStream::des3(key)?;
            mac.update(data)?;
            Ok(mac.finish()?)
        }
        KeyHandle::Aes(key) => aes(key, data),
        _ => Err(internal(OTHER_KEY)),
    }
}

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
