//! GMAC (SP 800-38D): the tag of GCM over data that is not encrypted.
//!
//! The IV of a new MAC is made here: who could choose it could take one a second time, learn the authentication key
//! and forge. A signature is the IV and the tag behind it; verification takes the IV as parameter.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::aes_gcm::{IV_LENGTH, check_iv, tag_length};
use super::handle::AesHandle;
use super::{fill_random, parameters};
use crate::ffi::GcmKey;
use crate::{Error, Result};

/// Makes a MAC: IV and tag.
pub fn sign(key: &AesHandle, given: Option<&MechanismParameters>, data: &[u8]) -> Result<Vec<u8>> {
    let tag_length = read(given)?;
    let mut iv = [0; IV_LENGTH];
    fill_random(&mut iv)?;
    let mut out = iv.to_vec();
    GcmKey::new(&key.material, tag_length)?.seal(&iv, data, &[], &mut out)?;
    Ok(out)
}

/// Checks a tag in constant time.
pub fn verify(key: &AesHandle, given: Option<&MechanismParameters>, data: &[u8], tag: &[u8]) -> Result<()> {
    let tag_length = read(given)?;
    let iv = parameters::required(given)?.iv.as_deref().unwrap_or_default();
    check_iv(iv)?;
    if tag.len() != tag_length {
        return Err(Error::refused(
            Rv::SIGNATURE_LEN_RANGE,
            format!("a MAC with this parameter has {tag_length} bytes"),
        ));
    }
    let mut expected = Vec::with_capacity(tag_length);
    GcmKey::new(&key.material, tag_length)?.seal(iv, data, &[], &mut expected)?;
    verify_slices_are_equal(&expected, tag)
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the MAC is not over this data by this key"))
}

/// The tag's length. Additional data would be a second place for what is signed.
pub fn read(given: Option<&MechanismParameters>) -> Result<usize> {
    let given = parameters::required(given)?;
    if given.aad.as_ref().is_some_and(|aad| !aad.is_empty()) {
        return Err(parameters::invalid("GMAC signs its data and takes no additional data"));
    }
    tag_length(given.tag_bits)
}
