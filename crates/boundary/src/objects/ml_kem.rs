//! ML-KEM keys: CKA_PARAMETER_SET, CKA_SEED and CKA_VALUE (PKCS #11 3.2 section 6.68).
//!
//! A private key is kept as its seed; as its expanded form only where it came in without the seed.

use strongroom_wire::{AttributeType, AttributeValue, Rv, Template};

use super::made::{Made, public_attributes};
use super::seeds::{Given, given, invalid};
use super::{der, generate};
use crate::ffi::{ML_KEM_SEED_LENGTH, MlKemKey, MlKemSet};
use crate::{Error, Result};

/// `CKP_ML_KEM_*`.
const SETS: [(u64, MlKemSet); 3] =
    [(1, MlKemSet::MlKem512), (2, MlKemSet::MlKem768), (3, MlKemSet::MlKem1024)];

/// The parameter set of a template or of an object's attributes.
///
/// # Errors
/// `CKR_PARAMETER_SET_NOT_SUPPORTED`.
pub fn set(number: Option<u64>) -> Result<MlKemSet> {
    SETS.iter().find(|(known, _)| Some(*known) == number).map(|(_, set)| *set).ok_or_else(|| {
        let text = "CKA_PARAMETER_SET must be CKP_ML_KEM_512, CKP_ML_KEM_768 or CKP_ML_KEM_1024 (1, 2 or 3)";
        Error::refused(Rv::PARAMETER_SET_NOT_SUPPORTED, text)
    })
}

/// A new key pair.
pub fn generate(public: &Template) -> Result<Made> {
    let set = set(public.ulong(AttributeType::ParameterSet))?;
    made(&key(set, &generate::random_value(ML_KEM_SEED_LENGTH)?)?, true)
}

/// A private key of the material that is kept of it.
pub fn key(set: MlKemSet, material: &[u8]) -> Result<MlKemKey> {
    Ok(match material.try_into() {
        Ok(seed) => MlKemKey::from_seed(set, seed)?,
        Err(_) => MlKemKey::expanded(set, material)?,
    })
}

/// The public key that a template holds.
pub fn public(template: &Template) -> Result<Made> {
    let set = set(template.ulong(AttributeType::ParameterSet))?;
    let value = given(template, AttributeType::Value).unwrap_or_default();
    let key = MlKemKey::public(set, value).map_err(|_| {
        let length = set.public_length();
        invalid(format!("CKA_VALUE must be an encapsulation key of the parameter set, of {length} bytes"))
    })?;
    made(&key, false)
}

/// The private key that a template holds: its seed, its expanded form, or both.
pub fn private(template: &Template) -> Result<Made> {
    let set = set(template.ulong(AttributeType::ParameterSet))?;
    let parts = Given::read(template, ML_KEM_SEED_LENGTH, set.private_length())?;
    let key = key(set, parts.seed.or(parts.expanded).unwrap_or_default())
        .map_err(|_| invalid("the parts of the private key in CKA_VALUE do not fit each other"))?;
    parts.check_expanded(&key.private_key()?)?;
    made(&key, true)
}

/// The key of a `PrivateKeyInfo` that has it as a seed and in its expanded form (RFC 9935 section 6). OpenSSL writes this one,
/// and the crypto library does not read it.
///
/// # Errors
/// It is something else, or both do not fit.
pub fn from_both(info: &[u8]) -> Result<MlKemKey> {
    /// Of `id-alg-ml-kem-*`, without its last byte.
    const ALGORITHM: [u8; 10] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04];
    /// Tag and length before the expanded form.
    const HEADER_LENGTH: usize = 4;
    for (last, set) in SETS {
        let Some((start, expanded)) = split_end(info, set.private_length()) else { continue };
        let Some((start, _)) = split_end(start, HEADER_LENGTH) else { continue };
        let Some((_, seed)) = split_end(start, ML_KEM_SEED_LENGTH) else { continue };
        #[allow(clippy::cast_possible_truncation)] // 1 to 3
        let algorithm = [&ALGORITHM[..], &[last as u8]].concat();
        if der::private_key_info_of_both(&algorithm, seed, expanded).as_slice() == info {
            let key = key(set, seed)?;
            let parts = Given { seed: Some(seed), expanded: Some(expanded) };
            return parts.check_expanded(&key.private_key()?).map(|()| key);
        }
    }
    Err(invalid("no ML-KEM key with both of its forms"))
}

fn split_end(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(bytes.len().checked_sub(length)?)
}

/// A key pair, or with `private` false its public half.
pub fn made(key: &MlKemKey, private: bool) -> Result<Made> {
    let number = SETS.iter().find(|(_, set)| *set == key.set()).map_or(0, |(number, _)| *number);
    let computed = public_attributes(key.public_key_info()?)?
        .with(AttributeType::ParameterSet, AttributeValue::Ulong(number))
        .with(AttributeType::Value, AttributeValue::Bytes(key.public_key()?));
    let material = if private { Some(key.seed().or_else(|_| key.private_key())?) } else { None };
    Ok(Made { computed, material })
}
