//! AES-GCM (SP 800-38D). The IV of an encryption is made here, 12 random bytes (section 8.2.2), unless the caller gives
//! one, which `objects` has allowed (ADR 0130). `CKM_AES_GCM` gives an IV that was made beside the ciphertext,
//! `CKM_CLOUDHSM_AES_GCM` in front of it.

use strongroom_wire::messages::{CryptResponse, MechanismParameters};
use strongroom_wire::{MechanismType, Rv};

use super::handle::AesHandle;
use super::{Direction, fill_random, parameters};
use crate::ffi::GcmKey;
use crate::{Error, Result};

/// Bytes of an IV that is made here.
pub const IV_LENGTH: usize = 12;
/// Longest IV that is taken; PKCS #11 allows 256 bytes.
pub const IV_LIMIT: usize = 256;
const FULL_TAG: usize = 16;

/// Encrypts or decrypts.
pub fn crypt(
    key: &AesHandle,
    direction: Direction,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<CryptResponse> {
    let given = parameters::required(given)?;
    let aad = given.aad.as_deref().unwrap_or_default();
    let tag_length = tag_length(given.tag_bits)?;
    let built;
    let cipher = if tag_length == FULL_TAG {
        key.gcm()?
    } else {
        built = GcmKey::new(&key.material, tag_length)?;
        &built
    };
    let prepended = mechanism == MechanismType::CloudhsmAesGcm;
    if direction == Direction::Encrypt {
        return encrypt(cipher, prepended, given.iv.as_deref(), aad, data);
    }
    let (iv, ciphertext) = if prepended {
        data.split_at_checked(IV_LENGTH).ok_or_else(too_short)?
    } else {
        (given.iv.as_deref().unwrap_or_default(), data)
    };
    check_iv(iv)?;
    if ciphertext.len() < tag_length {
        return Err(too_short());
    }
    let mut plaintext = cipher.open(iv, aad, ciphertext).map_err(|_| {
        Error::refused(
            Rv::ENCRYPTED_DATA_INVALID,
            "the data was not encrypted with this key, IV and additional data, or was altered",
        )
    })?;
    Ok(CryptResponse { data: std::mem::take(&mut *plaintext), iv: None })
}

fn encrypt(
    cipher: &GcmKey,
    prepended: bool,
    given: Option<&[u8]>,
    aad: &[u8],
    data: &[u8],
) -> Result<CryptResponse> {
    if let Some(iv) = given {
        if prepended {
            return Err(parameters::invalid("the IV of CKM_CLOUDHSM_AES_GCM is the HSM's: leave it out"));
        }
        check_iv(iv)?;
        let mut out = Vec::new();
        cipher.seal(iv, aad, data, &mut out)?;
        return Ok(CryptResponse { data: out, iv: None });
    }
    let mut iv = [0; IV_LENGTH];
    fill_random(&mut iv)?;
    let mut out = Vec::with_capacity(IV_LENGTH + data.len() + FULL_TAG);
    if prepended {
        out.extend_from_slice(&iv);
    }
    cipher.seal(&iv, aad, data, &mut out)?;
    Ok(CryptResponse { data: out, iv: (!prepended).then(|| iv.to_vec()) })
}

/// Refuses an IV of a length that PKCS #11 does not have.
pub fn check_iv(iv: &[u8]) -> Result<()> {
    if iv.is_empty() || iv.len() > IV_LIMIT {
        return Err(parameters::invalid("AES-GCM needs the IV, of 1 to 256 bytes"));
    }
    Ok(())
}

/// SP 800-38D section 5.2.1.2: 96 to 128 bits, and 64 and 32 where an application can do with them.
pub fn tag_length(bits: Option<u64>) -> Result<usize> {
    match bits {
        Some(bits @ (32 | 64 | 96 | 104 | 112 | 120 | 128)) => Ok(bits as usize / 8),
        _ => Err(parameters::invalid("ulTagBits must be 128, 120, 112, 104, 96, 64 or 32")),
    }
}

fn too_short() -> Error {
    Error::refused(Rv::ENCRYPTED_DATA_LEN_RANGE, "the data is shorter than its IV and tag")
}
