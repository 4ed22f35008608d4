//! ML-DSA (FIPS 204): pure, with or without a context (section 5.2), or over the hash of key, context and message that the
//! client made (mu, section 6.2).
//!
//! Signatures are hedged: each takes fresh random bytes. A deterministic signature is refused, as PKCS #11 3.2 allows.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};

use super::parameters;
use crate::ffi::{MU_LENGTH, MlDsaKey};
use crate::{Error, Result};

/// The longest context, bytes.
const LONGEST_CONTEXT: usize = 255;
/// `CKH_HEDGE_PREFERRED` and `CKH_HEDGE_REQUIRED`.
const HEDGED: [u64; 2] = [0, 1];

/// Signs.
pub fn sign(
    key: &MlDsaKey,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    if given.and_then(|given| given.hedge).is_some_and(|hedge| !HEDGED.contains(&hedge)) {
        return Err(parameters::invalid(
            "signatures are hedged: hedgeVariant must be CKH_HEDGE_PREFERRED or CKH_HEDGE_REQUIRED",
        ));
    }
    let context = context(mechanism, given)?;
    Ok(match mechanism {
        MechanismType::MlDsa => key.sign(data, context)?,
        _ => key.sign_mu(mu(data)?)?,
    })
}

/// Verifies, whatever the variant of the signature.
pub fn verify(
    key: &MlDsaKey,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
    signature: &[u8],
) -> Result<()> {
    let context = context(mechanism, given)?;
    let length = key.set().signature_length();
    if signature.len() != length {
        let text = format!("a signature of this parameter set has {length} bytes");
        return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, text));
    }
    let outcome = match mechanism {
        MechanismType::MlDsa => key.verify(data, context, signature),
        _ => key.verify_mu(mu(data)?, signature),
    };
    outcome
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key"))
}

fn context(mechanism: MechanismType, given: Option<&MechanismParameters>) -> Result<&[u8]> {
    let context = given.and_then(|given| given.context.as_deref()).unwrap_or_default();
    if context.len() > LONGEST_CONTEXT {
        return Err(parameters::invalid(format!("a context has at most {LONGEST_CONTEXT} bytes")));
    }
    if mechanism != MechanismType::MlDsa && !context.is_empty() {
        return Err(parameters::invalid("the context is part of what mu is the hash of: give none"));
    }
    Ok(context)
}

fn mu(data: &[u8]) -> Result<&[u8; MU_LENGTH]> {
    data.try_into().map_err(|_| {
        Error::refused(Rv::DATA_LEN_RANGE, format!("mu, the hash that is signed, has {MU_LENGTH} bytes"))
    })
}
