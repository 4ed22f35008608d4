//! ML-DSA in this library: reading its parameters, and making mu, the hash of key, context and message that the HSM signs
//! (FIPS 204 section 6.2), or of key, context and digest (HashML-DSA, section 5.4).
//!
//! So a message of any length is signed in one request of a few bytes, and may come in parts.

use cryptoki_sys::{
    CK_BYTE_PTR, CK_HASH_SIGN_ADDITIONAL_CONTEXT, CK_MECHANISM, CK_SIGN_ADDITIONAL_CONTEXT, CK_ULONG,
};
use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS};
use strongroom_wire::ml_dsa::{LONGEST_CONTEXT, PreHash, prefix};
use strongroom_wire::{AttributeType, MechanismType, Rv, Template};

use crate::digest::Digest;
use crate::edge::{Result, bounded, failure};
use crate::mechanism::{bad_parameter, read_struct};

/// Bytes of mu, and of the hash of the public key that it begins with.
const HASH_LENGTH: usize = 64;

/// Reads the parameter; none stands for no context.
///
/// # Safety
/// The parameter is valid for its length, and its pointer for its.
pub unsafe fn read(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    unsafe {
        let given = read_struct::<CK_SIGN_ADDITIONAL_CONTEXT>(mechanism)?;
        Ok(MechanismParameters {
            hedge: Some(given.hedgeVariant),
            context: read_context(given.pContext, given.ulContextLen)?,
            ..NO_PARAMETERS
        })
    }
}

/// Reads the parameter that names the hash whose digest comes in.
///
/// # Safety
/// As [`read`].
pub unsafe fn read_hash(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    unsafe {
        let given = read_struct::<CK_HASH_SIGN_ADDITIONAL_CONTEXT>(mechanism)?;
        Ok(MechanismParameters {
            hash: Some(given.hash),
            hedge: Some(given.hedgeVariant),
            context: read_context(given.pContext, given.ulContextLen)?,
            ..NO_PARAMETERS
        })
    }
}

/// # Safety
/// The pointer is valid for the length.
unsafe fn read_context(context: CK_BYTE_PTR, length: CK_ULONG) -> Result<Option<Vec<u8>>> {
    // SAFETY: by this function's contract.
    let context = unsafe { bounded(context, length) }?;
    if context.len() > LONGEST_CONTEXT {
        return bad_parameter();
    }
    Ok((!context.is_empty()).then(|| context.to_vec()))
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

/// mu under way: it lacks the message, or the digest of it.
#[derive(Debug)]
pub struct Mu {
    hash: Digest,
    /// What HashML-DSA hashes the message with.
    prehash: Option<PreHash>,
}

impl Mu {
    /// Begins one, and takes what goes into it out of the parameters. None for other mechanisms, and where mu itself comes in.
    pub fn begin(
        kind: MechanismType,
        attributes: &Template,
        parameters: &mut Option<MechanismParameters>,
    ) -> Result<Option<Self>> {
        let named = parameters.as_mut().and_then(|given| given.hash.take_if(|_| is_of_digest(kind)));
        let prehash = PreHash::of(kind).or(PreHash::named(named));
        if is_of_digest(kind) && prehash.is_none() {
            return bad_parameter();
        }
        if kind != MechanismType::MlDsa && prehash.is_none() {
            return Ok(None);
        }
        let context = parameters.as_mut().and_then(|given| given.context.take()).unwrap_or_default();
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
        hash.update(&prefix(&context, prehash))?;
        Ok(Some(Self { hash, prehash }))
    }

    /// What the message goes through before it is a part of mu; none where its digest comes in.
    pub fn message_digest(&self, kind: MechanismType) -> Result<Option<Digest>> {
        Ok(match self.prehash {
            _ if is_of_digest(kind) => None,
            Some(PreHash::Digest(hash)) => Some(Digest::new(hash)?),
            Some(hash @ PreHash::Shake128) => Some(Digest::shake128(hash.length())?),
            Some(hash @ PreHash::Shake256) => Some(Digest::shake256(hash.length())?),
            None => None,
        })
    }

    /// Whether the message itself is a part of mu.
    pub const fn takes_message(&self) -> bool {
        self.prehash.is_none()
    }

    /// Adds a part of the message.
    pub fn update(&mut self, part: &[u8]) -> Result {
        self.hash.update(part)
    }

    /// mu, after the digest of HashML-DSA.
    pub fn finish(mut self, digest: &[u8]) -> Result<Vec<u8>> {
        let expected = self.prehash.map_or(0, PreHash::length);
        if digest.len() != expected {
            return failure(Rv::DATA_LEN_RANGE, format!("a digest of this hash has {expected} bytes"));
        }
        self.hash.update(digest)?;
        self.hash.finish()
    }
}

fn is_of_digest(kind: MechanismType) -> bool {
    kind == MechanismType::HashMlDsa
}
