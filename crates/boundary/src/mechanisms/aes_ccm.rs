//! AES-CCM (SP 800-38C). The nonce is the caller's, as protocols with this mode prescribe it; with a key it must never be
//! used twice.

use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::handle::AesHandle;
use super::{Direction, parameters};
use crate::ffi::{CcmKey, CcmParameters};
use crate::{Error, Result};

/// Bytes of nonce and length of the data together (SP 800-38C appendix A.1).
const NONCE_AND_LENGTH: usize = 15;

/// Encrypts or decrypts; the tag stands behind the ciphertext.
pub fn crypt(
    key: &AesHandle,
    direction: Direction,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let length = data.len() as u64;
    if direction == Direction::Encrypt {
        let CcmParameters { nonce, aad, tag_length, .. } = read(given, length)?;
        return Ok(CcmKey::new(&key.material, tag_length).seal(nonce, aad, data)?);
    }
    let CcmParameters { nonce, aad, tag_length, .. } = read(given, 0)?;
    if data.len() < tag_length {
        return Err(Error::refused(Rv::ENCRYPTED_DATA_LEN_RANGE, "the data is shorter than its tag"));
    }
    let mut plaintext = CcmKey::new(&key.material, tag_length).open(nonce, aad, data).map_err(|_| {
        Error::refused(
            Rv::ENCRYPTED_DATA_INVALID,
            "the data was not encrypted with this key, nonce and additional data, or was altered",
        )
    })?;
    Ok(std::mem::take(&mut *plaintext))
}

/// The parameters of an operation over so much data.
pub fn read(given: Option<&MechanismParameters>, length: u64) -> Result<CcmParameters<'_>> {
    let given = parameters::required(given)?;
    let aad = given.aad.as_deref().unwrap_or_default();
    let nonce = given.iv.as_deref().unwrap_or_default();
    if !(7..=13).contains(&nonce.len()) {
        return Err(parameters::invalid("the nonce must have 7 to 13 bytes"));
    }
    let tag_length = match given.tag_bits {
        Some(bits @ (32 | 48 | 64 | 80 | 96 | 112 | 128)) => bits as usize / 8,
        _ => return Err(parameters::invalid("ulMACLen must be 4, 6, 8, 10, 12, 14 or 16")),
    };
    let length_bits = 8 * (NONCE_AND_LENGTH - nonce.len());
    if length >= 1_u64.checked_shl(length_bits as u32).unwrap_or(u64::MAX) {
        let text = format!("with a nonce of {} bytes the data must be shorter", nonce.len());
        return Err(Error::refused(Rv::DATA_LEN_RANGE, text));
    }
    Ok(CcmParameters { nonce, aad, tag_length, length })
}
