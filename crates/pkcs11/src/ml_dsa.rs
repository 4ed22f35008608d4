//! ML-DSA in this library: reading its parameter, and making mu, the hash of key, context and message that the HSM signs
//! (FIPS 204 section 6.2).
//!
//! So a message of any length is signed in one request of a few bytes, and may come in parts.

use cryptoki_sys::{CK_MECHANISM, CK_SIGN_ADDITIONAL_CONTEXT};
use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS};
use strongroom_wire::{AttributeType, Rv, Template};

use crate::digest::Digest;
use crate::edge::{Result, bytes, failure};
use crate::mechanism::{bad_parameter, read_struct};

/// The longest context, bytes.
const LONGEST_CONTEXT: usize = 255;
/// Bytes of mu, and of the hash of the public key that it begins with.
const HASH_LENGTH: usize = 64;

/// Reads the parameter; none stands for no context.
///
/// # Safety
/// The parameter is valid for its length, and its pointer for its.
pub unsafe fn read(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_SIGN_ADDITIONAL_CONTEXT>(mechanism) }?;
    // SAFETY: as above.
    let context = unsafe { bytes(parameters.pContext, parameters.ulContextLen) }?;
    if context.len() > LONGEST_CONTEXT {
        return bad_parameter();
    }
    Ok(MechanismParameters {
        hedge: Some(parameters.hedgeVariant),
        context: (!context.is_empty()).then(|| context.to_vec()),
        ..NO_PARAMETERS
    })
}

/// The lengths of a key's public key and of its signatures, from its parameter set (FIPS 204 table 2).
pub fn lengths(attributes: &Template) -> Result<(usize, usize)> {
    match attributes.ulong(AttributeType::ParameterSet) {
        Some(1) => Ok((1312, 2420)),
        Some(2) => Ok((1952, 3309)),
        Some(3) => Ok((2592, 4627)),
        _ => Err(Rv::KEY_TYPE_INCONSISTENT.into()),
    }
}

/// A hash that becomes mu, once the message was added to it.
pub fn hash_to_mu(attributes: &Template, context: &[u8]) -> Result<Digest> {
    let (key_length, _) = lengths(attributes)?;
    // The public key is at the end of its SubjectPublicKeyInfo, which either half of a pair shows.
    let info = attributes.bytes(AttributeType::PublicKeyInfo).unwrap_or_default();
    let Some(start) = info.len().checked_sub(key_length) else {
        return failure(Rv::DEVICE_ERROR, "the HSM shows no public key");
    };
    let mut key_hash = Digest::shake256(HASH_LENGTH)?;
    key_hash.update(&info[start..])?;
    let mut hash = Digest::shake256(HASH_LENGTH)?;
    hash.update(&key_hash.finish()?)?;
    #[allow(clippy::cast_possible_truncation)] // at most LONGEST_CONTEXT
    hash.update(&[0, context.len() as u8])?;
    hash.update(context)?;
    Ok(hash)
}
