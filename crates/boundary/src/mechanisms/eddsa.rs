//! Ed25519 (RFC 8032 section 5.1): pure, with a context (Ed25519ctx), or over a message that the client hashed (Ed25519ph).

use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};
use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::handle::Ed25519Handle;
use super::{internal, parameters};
use crate::ffi::{CURVE25519_LENGTH, Ed25519Message};
use crate::{Error, Result};

const SIGNATURE_LENGTH: usize = 64;
/// The longest context, bytes.
const LONGEST_CONTEXT: usize = 255;
const WRONG_LENGTH: &str = "an Ed25519 key without its 32 bytes";

/// Signs.
pub fn sign(key: &Ed25519Handle, given: Option<&MechanismParameters>, data: &[u8]) -> Result<Vec<u8>> {
    let Some(message) = message(given, data)? else {
        let signature =
            key.pair.try_sign(data).map_err(|_| internal("the crypto library refused to sign"))?;
        return Ok(signature.as_ref().to_vec());
    };
    let seed: &[u8; CURVE25519_LENGTH] = key.seed[..].try_into().map_err(|_| internal(WRONG_LENGTH))?;
    Ok(message.sign(seed, &key.public()?)?)
}

impl Ed25519Handle {
    /// The public key.
    pub(super) fn public(&self) -> Result<[u8; CURVE25519_LENGTH]> {
        self.pair.public_key().as_ref().try_into().map_err(|_| internal(WRONG_LENGTH))
    }
}

/// Verifies, with a public key of 32 bytes.
pub fn verify(key: &[u8], given: Option<&MechanismParameters>, data: &[u8], signature: &[u8]) -> Result<()> {
    let message = message(given, data)?;
    let parts = checked_length(signature)?;
    let is_valid = match message {
        None => UnparsedPublicKey::new(&ED25519, key).verify(data, signature).is_ok(),
        Some(message) => key.try_into().is_ok_and(|key| message.verify(key, parts).is_ok()),
    };
    if is_valid { Ok(()) } else { Err(not_valid()) }
}

/// A signature, if it has the length of one.
pub fn checked_length(signature: &[u8]) -> Result<&[u8; SIGNATURE_LENGTH]> {
    signature
        .try_into()
        .map_err(|_| Error::refused(Rv::SIGNATURE_LEN_RANGE, "an Ed25519 signature has 64 bytes"))
}

/// For a signature that is not over the data.
pub fn not_valid() -> Error {
    Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key")
}

/// What a parameter asks for.
#[derive(Clone, Copy, Debug)]
pub enum Variant<'a> {
    /// Ed25519.
    Pure,
    /// Ed25519ctx.
    WithContext(&'a [u8]),
    /// Ed25519ph, with this context.
    PreHashed(&'a [u8]),
}

/// Which one it is.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub fn variant(given: Option<&MechanismParameters>) -> Result<Variant<'_>> {
    let Some(given) = given else { return Ok(Variant::Pure) };
    let context = given.context.as_deref().unwrap_or_default();
    if context.len() > LONGEST_CONTEXT {
        return Err(parameters::invalid(format!("a context has at most {LONGEST_CONTEXT} bytes")));
    }
    Ok(match (given.prehash, context) {
        (true, context) => Variant::PreHashed(context),
        (false, []) => Variant::Pure,
        (false, context) => Variant::WithContext(context),
    })
}

/// None for pure Ed25519.
fn message<'a>(given: Option<&'a MechanismParameters>, data: &'a [u8]) -> Result<Option<Ed25519Message<'a>>> {
    let context = match variant(given)? {
        Variant::Pure => return Ok(None),
        Variant::WithContext(context) => return Ok(Some(Ed25519Message::WithContext(data, context))),
        Variant::PreHashed(context) => context,
    };
    let digest = data.try_into().map_err(|_| {
        Error::refused(Rv::DATA_LEN_RANGE, "Ed25519ph signs the SHA-512 of a message, which has 64 bytes")
    })?;
    Ok(Some(Ed25519Message::PreHashed(digest, context)))
}
