//! ML-DSA keys: CKA_PARAMETER_SET, CKA_SEED and CKA_VALUE (PKCS #11 3.2 section 6.67).
//!
//! A private key is kept as its seed; as its expanded form only where it came in without the seed.

use strongroom_wire::{AttributeType, AttributeValue, Rv, Template};
use zeroize::Zeroizing;

use super::made::{Made, public_attributes};
use super::seeds::{Given, given, invalid};
use super::{der, generate};
use crate::ffi::{ML_DSA_SEED_LENGTH, MlDsaKey, MlDsaSet, PrivateKey};
use crate::{Error, Result};

/// `CKP_ML_DSA_*`.
const SETS: [(u64, MlDsaSet); 3] = [(1, MlDsaSet::MlDsa44), (2, MlDsaSet::MlDsa65), (3, MlDsaSet::MlDsa87)];

/// The parameter set of a template or of an object's attributes.
///
/// # Errors
/// `CKR_PARAMETER_SET_NOT_SUPPORTED`.
pub fn set(number: Option<u64>) -> Result<MlDsaSet> {
    SETS.iter().find(|(known, _)| Some(*known) == number).map(|(_, set)| *set).ok_or_else(|| {
        let text = "CKA_PARAMETER_SET must be CKP_ML_DSA_44, CKP_ML_DSA_65 or CKP_ML_DSA_87 (1, 2 or 3)";
        Error::refused(Rv::PARAMETER_SET_NOT_SUPPORTED, text)
    })
}

/// A new key pair.
pub fn generate(public: &Template) -> Result<Made> {
    let set = set(public.ulong(AttributeType::ParameterSet))?;
    made(&MlDsaKey::private(set, &generate::random_value(ML_DSA_SEED_LENGTH)?)?, true)
}

/// The public key that a template holds.
pub fn public(template: &Template) -> Result<Made> {
    let set = set(template.ulong(AttributeType::ParameterSet))?;
    let value = given(template, AttributeType::Value).unwrap_or_default();
    let key = MlDsaKey::public(set, value).map_err(|_| {
        let length = set.public_length();
        invalid(format!("CKA_VALUE must be a public key of the parameter set, of {length} bytes"))
    })?;
    made(&key, false)
}

/// The private key that a template holds: its seed, its expanded form, or both.
pub fn private(template: &Template) -> Result<Made> {
    let set = set(template.ulong(AttributeType::ParameterSet))?;
    let parts = Given::read(template, ML_DSA_SEED_LENGTH, set.private_length())?;
    let key = MlDsaKey::private(set, parts.seed.or(parts.expanded).unwrap_or_default())
        .map_err(|_| invalid("the parts of the private key in CKA_VALUE do not fit each other"))?;
    parts.check_expanded(&key.expanded()?)?;
    made(&key, true)
}

/// A key pair, or with `private` false its public half.
pub fn made(key: &MlDsaKey, private: bool) -> Result<Made> {
    let number = SETS.iter().find(|(_, set)| *set == key.set()).map_or(0, |(number, _)| *number);
    let computed = public_attributes(key.public_key_info()?)?
        .with(AttributeType::ParameterSet, AttributeValue::Ulong(number))
        .with(AttributeType::Value, AttributeValue::Bytes(key.public_key()?));
    let material = if private { Some(key.seed().or_else(|_| key.expanded())?) } else { None };
    Ok(Made { computed, material })
}

/// The `PrivateKeyInfo` (RFC 9881 section 6): the seed, or the expanded form where there is no seed.
pub fn private_key_info(key: MlDsaKey) -> Result<Zeroizing<Vec<u8>>> {
    /// Of `id-ml-dsa-*`, without its last byte.
    const ALGORITHM: [u8; 10] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03];
    if key.seed().is_ok() {
        return Ok(PrivateKey::MlDsa(key).to_pkcs8()?);
    }
    let last = match key.set() {
        MlDsaSet::MlDsa44 => 0x11,
        MlDsaSet::MlDsa65 => 0x12,
        MlDsaSet::MlDsa87 => 0x13,
    };
    Ok(der::private_key_info(&[&ALGORITHM[..], &[last]].concat(), &key.expanded()?))
}
