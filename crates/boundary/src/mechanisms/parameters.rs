//! Reading of mechanism parameters.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::ParameterKind;
use strongroom_wire::{MechanismType, Rv};

use crate::ffi::Hash;
use crate::{Error, Result};

/// The shortest MAC that is cut off, bytes.
const SHORTEST_MAC: usize = 4;

/// `CKR_MECHANISM_PARAM_INVALID`.
pub fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::refused(Rv::MECHANISM_PARAM_INVALID, text)
}

/// Whether a mechanism is one of RSA-PSS.
pub fn is_pss(mechanism: MechanismType) -> bool {
    mechanism.parameter_kind() == ParameterKind::Pss
}

/// The parameters that a mechanism cannot do without.
pub fn required(parameters: Option<&MechanismParameters>) -> Result<&MechanismParameters> {
    parameters.ok_or_else(|| invalid("the mechanism needs a parameter"))
}

/// An IV or counter block, of the length that is wanted.
pub fn iv<const LENGTH: usize>(parameters: Option<&MechanismParameters>) -> Result<[u8; LENGTH]> {
    required(parameters)?
        .iv
        .as_deref()
        .and_then(|iv| iv.try_into().ok())
        .ok_or_else(|| invalid(format!("the mechanism needs an IV of {LENGTH} bytes")))
}

/// The length of a MAC, which is cut off from the whole one where the mechanism has a parameter for it: to 32 bits at least
/// (SP 800-38B appendix A, SP 800-107r1 section 5.3).
pub fn mac_length(
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    whole: usize,
) -> Result<usize> {
    if mechanism.parameter_kind() != ParameterKind::MacLength {
        return Ok(whole);
    }
    let length = required(given)?.tag_bits.filter(|bits| bits.is_multiple_of(8)).map(|bits| bits / 8);
    length
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| (SHORTEST_MAC..=whole).contains(length))
        .ok_or_else(|| invalid(format!("the MAC's length must be {SHORTEST_MAC} to {whole} bytes")))
}

/// The digest that a number names (`CKM_SHA_1` and so on).
pub fn hash(number: Option<u64>) -> Result<Hash> {
    let mechanism = number.and_then(MechanismType::from_code);
    mechanism
        .and_then(super::hash_of)
        .ok_or_else(|| invalid("the hash must be SHA-1 or one of SHA-2 and SHA-3"))
}

/// The digest of a mask generation function (`CKG_MGF1_*`, PKCS #11 3.0 section 2.1.7).
pub fn mgf(number: Option<u64>) -> Result<Hash> {
    match number {
        Some(1) => Ok(Hash::Sha1),
        Some(2) => Ok(Hash::Sha256),
        Some(3) => Ok(Hash::Sha384),
        Some(4) => Ok(Hash::Sha512),
        Some(5) => Ok(Hash::Sha224),
        Some(6) => Ok(Hash::Sha3224),
        Some(7) => Ok(Hash::Sha3256),
        Some(8) => Ok(Hash::Sha3384),
        Some(9) => Ok(Hash::Sha3512),
        _ => Err(invalid("the mask generation function must be MGF1 with SHA-1 or one of SHA-2 and SHA-3")),
    }
}
