//! Elliptic-curve Diffie-Hellman (SP 800-56A section 5.7.1.2, RFC 7748) with the derivation function of ANSI X9.63 section
//! 5.6.3 or the one-step function of SP 800-56C section 4.1.

use strongroom_wire::messages::MechanismParameters;
use zeroize::Zeroizing;

use super::{digest, key_size, parameters, wanted};
use crate::Result;
use crate::ffi::{CURVE25519_LENGTH, EcKey, Hash, x25519};

/// `CKD_NULL`: the shared secret itself, without a derivation function.
pub const CKD_NULL: u64 = 1;

/// Derives from a private key and the other party's point, which is uncompressed and bare.
pub fn derive(key: &EcKey, given: &MechanismParameters, length: Option<usize>) -> Result<Zeroizing<Vec<u8>>> {
    let kdf = kdf(given.kdf)?;
    let shared = key.agree(given.public_data.as_deref().unwrap_or_default()).map_err(|_| {
        parameters::invalid("the other party's public key is not a point of the base key's curve")
    })?;
    finish(kdf, shared, given, length)
}

/// Derives from an X25519 private key and the other party's public key, which is bare.
pub fn derive_x25519(
    key: &[u8],
    given: &MechanismParameters,
    length: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>> {
    let kdf = kdf(given.kdf)?;
    let wrong = |_| parameters::invalid("the other party's public key must be one of X25519, of 32 bytes");
    let other: &[u8; CURVE25519_LENGTH] =
        given.public_data.as_deref().unwrap_or_default().try_into().map_err(wrong)?;
    let key: &[u8; CURVE25519_LENGTH] = key.try_into().map_err(|_| super::internal(super::OTHER_KEY))?;
    let shared = x25519(key, other).map_err(|_| {
        parameters::invalid("the other party's public key leaves nothing secret: it has a small order")
    })?;
    finish(kdf, shared, given, length)
}

/// From the shared secret to the key.
fn finish(
    kdf: Option<Kdf>,
    shared: Zeroizing<Vec<u8>>,
    given: &MechanismParameters,
    length: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>> {
    let info = given.info.as_deref().unwrap_or_default();
    match kdf {
        Some(Kdf::X963(hash)) => x963(hash, &shared, info, wanted(length)?),
        Some(Kdf::OneStep(hash)) => one_step(hash, &shared, info, wanted(length)?),
        None if info.is_empty() => truncated(shared, length),
        None => Err(parameters::invalid("CKD_NULL takes no shared data")),
    }
}

/// What makes a key of the shared secret.
enum Kdf {
    X963(Hash),
    OneStep(Hash),
}

/// None for [`CKD_NULL`] (`CKD_*`, PKCS #11 3.0 section 2.3.17).
fn kdf(number: Option<u64>) -> Result<Option<Kdf>> {
    let kdf = match number {
        Some(CKD_NULL) => return Ok(None),
        Some(2) => Kdf::X963(Hash::Sha1),
        Some(5) => Kdf::X963(Hash::Sha224),
        Some(6) => Kdf::X963(Hash::Sha256),
        Some(7) => Kdf::X963(Hash::Sha384),
        Some(8) => Kdf::X963(Hash::Sha512),
        Some(10) => Kdf::X963(Hash::Sha3224),
        Some(11) => Kdf::X963(Hash::Sha3256),
        Some(12) => Kdf::X963(Hash::Sha3384),
        Some(13) => Kdf::X963(Hash::Sha3512),
        Some(14) => Kdf::OneStep(Hash::Sha1),
        Some(15) => Kdf::OneStep(Hash::Sha224),
        Some(16) => Kdf::OneStep(Hash::Sha256),
        Some(17) => Kdf::OneStep(Hash::Sha384),
        Some(18) => Kdf::OneStep(Hash::Sha512),
        Some(19) => Kdf::OneStep(Hash::Sha3224),
        Some(20) => Kdf::OneStep(Hash::Sha3256),
        Some(21) => Kdf::OneStep(Hash::Sha3384),
        Some(22) => Kdf::OneStep(Hash::Sha3512),
        _ => {
            let text =
                "the derivation function must be CKD_NULL, or X9.63 or SP 800-56C with SHA-1, SHA-2 or SHA-3";
            return Err(parameters::invalid(text));
        }
    };
    Ok(Some(kdf))
}

/// Bytes are removed from the leading end (PKCS #11 2.40 section 2.3.8).
fn truncated(shared: Zeroizing<Vec<u8>>, length: Option<usize>) -> Result<Zeroizing<Vec<u8>>> {
    let length = length.unwrap_or(shared.len());
    let start = shared
        .len()
        .checked_sub(length)
        .ok_or_else(|| key_size(format!("keys of this curve share {} bytes", shared.len())))?;
    Ok(Zeroizing::new(shared[start..].to_vec()))
}

/// The derivation function of ANSI X9.63 section 5.6.3 (SEC 1 section 3.6.1).
pub fn x963(hash: Hash, shared: &[u8], info: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>> {
    counted(hash, length, |counter| [shared, counter, info].concat())
}

/// The one-step derivation function of SP 800-56C section 4.1 with a hash.
pub fn one_step(hash: Hash, shared: &[u8], info: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>> {
    counted(hash, length, |counter| [counter, shared, info].concat())
}

/// Digests of inputs that a counter tells apart, one after the other.
fn counted(hash: Hash, length: usize, input: impl Fn(&[u8]) -> Vec<u8>) -> Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(length + hash.length()));
    let mut counter = 1_u32;
    while out.len() < length {
        let input = Zeroizing::new(input(&counter.to_be_bytes()));
        out.extend_from_slice(digest(hash, &input)?.as_ref());
        counter += 1;
    }
    out.truncate(length);
    Ok(out)
}
