//! MACs, whole, or as much of their beginning as the parameter says: HMAC and CMAC.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};

use super::handle::{KeyHandle, OTHER_KEY};
use super::{cmac, hmac, internal, parameters};
use crate::{Error, Result};

/// Makes a MAC.
pub fn sign(
    key: &KeyHandle,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let mut mac = match key {
        KeyHandle::Secret(key) => hmac::whole(key, mechanism, data)?,
        KeyHandle::Aes(key) => cmac::aes(key, data)?,
        KeyHandle::Des3(key) => cmac::des3(key, data)?,
        _ => return Err(internal(OTHER_KEY)),
    };
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
