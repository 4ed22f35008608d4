//! ML-DSA (FIPS 204): pure (section 5.2) or with a hash before it (HashML-DSA, section 5.4), with or without a context. What is
//! signed is mu, a hash of key, context and message (section 6.2), which the client may have made.
//!
//! Signatures are hedged, with fresh random bytes, unless the caller requires a deterministic one.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::ml_dsa::{LONGEST_CONTEXT, PreHash, prefix};
use strongroom_wire::{MechanismType, Rv};

use super::{hash_of, parameters};
use crate::ffi::{MU_LENGTH, MlDsaKey, Shake, digest};
use crate::{Error, Result};

/// `CKH_HEDGE_PREFERRED` and `CKH_HEDGE_REQUIRED`.
const HEDGED: [u64; 2] = [0, 1];
/// `CKH_DETERMINISTIC_REQUIRED`.
const DETERMINISTIC: u64 = 2;

/// Signs.
pub fn sign(
    key: &MlDsaKey,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let mu = mu(key, mechanism, given, data)?;
    match given.and_then(|given| given.hedge) {
        Some(DETERMINISTIC) => Ok(key.sign_mu_deterministically(&mu)?),
        Some(other) if !HEDGED.contains(&other) => {
            Err(parameters::invalid("hedgeVariant must be one of the CKH_* of PKCS #11 3.2"))
        }
        _ => Ok(key.sign_mu(&mu)?),
    }
}

/// Verifies, whatever the variant of the signature.
pub fn verify(
    key: &MlDsaKey,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
    signature: &[u8],
) -> Result<()> {
    let mu = mu(key, mechanism, given, data)?;
    let length = key.set().signature_length();
    if signature.len() != length {
        let text = format!("a signature of this parameter set has {length} bytes");
        return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, text));
    }
    key.verify_mu(&mu, signature)
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key"))
}

fn mu(
    key: &MlDsaKey,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<[u8; MU_LENGTH]> {
    let context = context(given)?;
    let hashed = |hash, message: &[u8]| Ok(Shake::Shake256.hash(&[&begin(key, given, hash)?, message])?);
    match mechanism {
        MechanismType::CloudhsmExtMuMlDsa if !context.is_empty() => {
            Err(parameters::invalid("the context is part of what mu is the hash of: give none"))
        }
        MechanismType::CloudhsmExtMuMlDsa => data.try_into().map_err(|_| {
            Error::refused(Rv::DATA_LEN_RANGE, format!("mu, the hash that is signed, has {MU_LENGTH} bytes"))
        }),
        MechanismType::MlDsa => hashed(None, data),
        MechanismType::HashMlDsa => {
            let hash = PreHash::named(parameters::required(given)?.hash).ok_or_else(|| {
                parameters::invalid("the hash must be one of SHA-2 with up to 512 bits, or of SHA-3")
            })?;
            if data.len() != hash.length() {
                let text = format!("the data is a digest of this hash: {} bytes", hash.length());
                return Err(Error::refused(Rv::DATA_LEN_RANGE, text));
            }
            hashed(Some(hash), data)
        }
        _ => {
            let hash = PreHash::of(mechanism).ok_or_else(|| super::internal(super::OTHER_KEY))?;
            hashed(Some(hash), &digested(hash, data)?)
        }
    }
}

fn context(given: Option<&MechanismParameters>) -> Result<&[u8]> {
    let context = given.and_then(|given| given.context.as_deref()).unwrap_or_default();
    if context.len() > LONGEST_CONTEXT {
        return Err(parameters::invalid(format!("a context has at most {LONGEST_CONTEXT} bytes")));
    }
    Ok(context)
}

/// What mu is the hash of, before the message or its hash (FIPS 204 algorithm 7, line 6).
pub fn begin(key: &MlDsaKey, given: Option<&MechanismParameters>, hash: Option<PreHash>) -> Result<Vec<u8>> {
    let key_hash: [u8; MU_LENGTH] = Shake::Shake256.hash(&[&key.public_key()?])?;
    Ok([&key_hash[..], &prefix(context(given)?, hash)].concat())
}

fn digested(hash: PreHash, data: &[u8]) -> Result<Vec<u8>> {
    Ok(match hash {
        PreHash::Digest(mechanism) => {
            let hash = hash_of(mechanism).ok_or_else(|| super::internal(super::OTHER_KEY))?;
            digest(hash, data)?.as_ref().to_vec()
        }
        PreHash::Shake128 => Shake::Shake128.hash::<32>(&[data])?.to_vec(),
        PreHash::Shake256 => Shake::Shake256.hash::<64>(&[data])?.to_vec(),
    })
}
