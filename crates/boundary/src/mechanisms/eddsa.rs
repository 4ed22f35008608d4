//! Ed25519 (RFC 8032 section 5.1): pure, with a context (Ed25519ctx), or over a message that the client hashed (Ed25519ph).

use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};
use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::handle::Ed25519Handle;
use super::{internal, parameters};
use crate::ffi::{CURVE25519_LENGTH, Ed25519Message};
use crate::{Error, Result};

const SIGNATURE_LENGTH: usize = 64;
/// Bytes of SHA-512.
const DIGEST_LENGTH: usize = 64;
/// The longest context, bytes.
const LONGEST_CONTEXT: usize = 255;

/// Signs.
pub fn sign(key: &Ed25519Handle, given: Option<&MechanismParameters>, data: &[u8]) -> Result<Vec<u8>> {
    let Some(message) = message(given, data)? else {
        let signature =
            key.pair.try_sign(data).map_err(|_| internal("the crypto library refused to sign"))?;
        return Ok(signature.as_ref().to_vec());
    };
    let wrong_length = |_| internal("an Ed25519 key without its 32 bytes");
    let seed: &[u8; CURVE25519_LENGTH] = key.seed[..].try_into().map_err(wrong_length)?;
    let public: &[u8; CURVE25519_LENGTH] = key.pair.public_key().as_ref().try_into().map_err(wrong_length)?;
    Ok(message.sign(seed, public)?)
}

/// Verifies, with a public key of 32 bytes.
pub fn verify(key: &[u8], given: Option<&MechanismParameters>, data: &[u8], signature: &[u8]) -> Result<()> {
    let message = message(given, data)?;
    let Ok(parts) = <&[u8; SIGNATURE_LENGTH]>::try_from(signature) else {
        return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, "an Ed25519 signature has 64 bytes"));
    };
    let is_valid = match message {
        None => UnparsedPublicKey::new(&ED25519, key).verify(data, signature).is_ok(),
        Some(message) => key.try_into().is_ok_and(|key| message.verify(key, parts).is_ok()),
    };
    if is_valid {
        return Ok(());
    }
    Err(Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key"))
}

/// None for pure Ed25519.
fn message<'a>(given: Option<&'a MechanismParameters>, data: &'a [u8]) -> Result<Option<Ed25519Message<'a>>> {
    let Some(given) = given else { return Ok(None) };
    let context = given.context.as_deref().unwrap_or_default();
    if context.len() > LONGEST_CONTEXT {
        return Err(parameters::invalid(format!("a context has at most {LONGEST_CONTEXT} bytes")));
    }
    if !given.prehash {
        return Ok((!context.is_empty()).then_some(Ed25519Message::WithContext(data, context)));
    }
    let digest = <&[u8; DIGEST_LENGTH]>::try_from(data).map_err(|_| {
        Error::refused(Rv::DATA_LEN_RANGE, "Ed25519ph signs the SHA-512 of a message, which has 64 bytes")
    })?;
    Ok(Some(Ed25519Message::PreHashed(digest, context)))
}
