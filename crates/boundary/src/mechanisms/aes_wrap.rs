//! AES key wrap: RFC 3394 without padding, RFC 5649 with (SP 800-38F); and AWS's form with the padding of PKCS #5 before
//! RFC 3394 (aws-cloudhsm 5.6), of which no specification is published: blocks of 8 bytes, and 16 bytes at least.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};
use zeroize::Zeroizing;

use super::handle::AesHandle;
use super::padding::{pad, unpad};
use super::{parameters, wrapped_invalid, wrapped_length};
use crate::ffi::WrapKey;
use crate::{Error, Result};

/// The initial value of RFC 3394 section 2.2.3.1, and the constant half of that of RFC 5649 section 3.
const PLAIN_IV: &[u8] = &[0xA6; 8];
const PADDED_IV: &[u8] = &[0xA6, 0x59, 0x59, 0xA6];
const BLOCK: usize = 8;

/// Whether a mechanism is one of this file.
pub const fn is_key_wrap(mechanism: MechanismType) -> bool {
    is_padded(mechanism)
        || matches!(
            mechanism,
            MechanismType::AesKeyWrap
                | MechanismType::CloudhsmAesKeyWrapNoPad
                | MechanismType::CloudhsmAesKeyWrapPkcs5Pad
        )
}

const fn is_padded(mechanism: MechanismType) -> bool {
    matches!(mechanism, MechanismType::AesKeyWrapKwp | MechanismType::CloudhsmAesKeyWrapZeroPad)
}

/// Wraps.
pub fn wrap(
    key: &AesHandle,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    material: &[u8],
) -> Result<Vec<u8>> {
    check_iv(mechanism, given)?;
    let cipher = WrapKey::wrapping(&key.material)?;
    if is_padded(mechanism) {
        return Ok(cipher.wrap_padded(material)?);
    }
    if mechanism == MechanismType::CloudhsmAesKeyWrapPkcs5Pad {
        let mut padded = Zeroizing::new(Vec::with_capacity(material.len() + 2 * BLOCK));
        padded.extend_from_slice(material);
        pad(&mut padded, if material.len() < BLOCK { 2 * BLOCK } else { BLOCK });
        return Ok(cipher.wrap(&padded)?);
    }
    if material.len() < 2 * BLOCK || !material.len().is_multiple_of(BLOCK) {
        return Err(Error::refused(
            Rv::KEY_SIZE_RANGE,
            "without padding, only keys of whole 8-byte blocks can be wrapped; use CKM_AES_KEY_WRAP_KWP",
        ));
    }
    Ok(cipher.wrap(material)?)
}

/// Unwraps.
pub fn unwrap(
    key: &AesHandle,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    check_iv(mechanism, given)?;
    let shortest = if is_padded(mechanism) { 2 * BLOCK } else { 3 * BLOCK };
    if wrapped.len() < shortest || !wrapped.len().is_multiple_of(BLOCK) {
        return Err(wrapped_length());
    }
    let cipher = WrapKey::unwrapping(&key.material)?;
    let found = if is_padded(mechanism) { cipher.unwrap_padded(wrapped) } else { cipher.unwrap(wrapped) };
    let mut found = found.map_err(|_| wrapped_invalid())?;
    if mechanism == MechanismType::CloudhsmAesKeyWrapPkcs5Pad && !unpad(&mut found, 2 * BLOCK) {
        return Err(wrapped_invalid());
    }
    Ok(found)
}

fn check_iv(mechanism: MechanismType, given: Option<&MechanismParameters>) -> Result<()> {
    let standard = if is_padded(mechanism) { PADDED_IV } else { PLAIN_IV };
    match given.and_then(|given| given.iv.as_deref()) {
        None | Some([]) => Ok(()),
        Some(iv) if iv == standard => Ok(()),
        Some(_) => Err(parameters::invalid("the IV must be absent or the standard's initial value")),
    }
}
