//! The mechanisms: one file per family, over keys that are already found and allowed.
//!
//! What the caller may do with a key is decided in `objects`; here is what the mechanism table says, and the
//! computation. Failures of a decryption have one code whatever their reason, so that nothing is learnt from them.

mod aead_streams;
mod aes_block;
mod aes_ccm;
mod aes_ctr;
mod aes_gcm;
mod aes_gmac;
mod aes_wrap;
mod aes_xts;
mod cmac;
mod des3;
mod digest;
mod ecdh;
mod ecdsa;
mod eddsa;
mod eddsa_streams;
mod handle;
mod hashed_streams;
mod hkdf;
mod hmac;
mod mac;
mod marks;
mod ml_dsa;
mod ml_kem;
mod padded_streams;
mod padding;
mod parameters;
mod pbkdf2;
mod revelation;
mod rsa_aes_wrap;
mod rsa_oaep;
mod rsa_pkcs1;
mod rsa_pss;
mod rsa_raw;
mod sp800_108;
mod streams;
#[cfg(test)]
mod tests;

use aws_lc_rs::rand;
use strongroom_wire::messages::{CryptResponse, MechanismParameters};
use strongroom_wire::tables::{Function, ParameterKind};
use strongroom_wire::{KeyKind, MechanismType, Rv, Secret};
use zeroize::Zeroizing;

use crate::ffi::CryptoError;
use crate::{Error, Result};

pub use aes_xts::{KEY_LENGTH as XTS_KEY_LENGTH, is_twice_the_same};
pub use des3::{KEY_LENGTH as DES3_KEY_LENGTH, is_single as is_single_des, set_parity as set_des_parity};
pub use digest::{digest, digest_of, hash_of};
pub use ecdh::{CKD_NULL, one_step, x963};
pub use handle::{KeyHandle, OTHER_KEY};
pub use pbkdf2::derive as key_from_password;
pub use streams::{Computation, Purpose, Step, is_by_requests, open as open_stream, open_by_requests};
pub use strongroom_wire::messages::NO_PARAMETERS;

/// Largest data of one operation, bytes: a body of the protocol less the other members of its message.
pub const MAX_DATA: usize = strongroom_wire::frame::MAX_BODY_LENGTH - 4096;

/// The shortest tag of a wrapped key, bits; AWS's sample has it.
const WRAPPING_TAG_BITS: u64 = 64;

/// Which way a mechanism is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Encrypt.
    Encrypt,
    /// Decrypt.
    Decrypt,
}

/// Checks that a mechanism does this, on this kind of key, in this mode.
///
/// # Errors
/// `CKR_MECHANISM_INVALID`, `CKR_KEY_TYPE_INCONSISTENT`.
pub fn check_allowed(
    mechanism: MechanismType,
    function: Function,
    kind: Option<KeyKind>,
    fips: bool,
) -> Result<()> {
    if !mechanism.functions().contains(&function) {
        let text = format!("{} does not {}", mechanism.name(), verb(function));
        return Err(Error::refused(Rv::MECHANISM_INVALID, text));
    }
    if fips && mechanism.fips_refused().contains(&function) {
        let text = format!("{} may not {} in a cluster of mode FIPS", mechanism.name(), verb(function));
        return Err(Error::refused(Rv::MECHANISM_INVALID, text));
    }
    if kind.is_some_and(|kind| !mechanism.key_kinds().contains(&kind)) {
        let text = format!("{} does not work with a key of this type", mechanism.name());
        return Err(Error::refused(Rv::KEY_TYPE_INCONSISTENT, text));
    }
    Ok(())
}

const fn verb(function: Function) -> &'static str {
    match function {
        Function::Generate => "generate keys",
        Function::GeneratePair => "generate key pairs",
        Function::Sign => "sign or verify",
        Function::Recover => "sign or verify with recovery",
        Function::Encrypt => "encrypt or decrypt",
        Function::Wrap => "wrap or unwrap keys",
        Function::Derive => "derive keys",
        Function::Encapsulate => "encapsulate or decapsulate keys",
        Function::Digest => "digest",
    }
}

/// Signs, or makes a MAC.
pub fn sign(
    key: &KeyHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    check_data(data)?;
    match key {
        KeyHandle::Rsa(key) if parameters::is_pss(mechanism) => {
            rsa_pss::sign(key, mechanism, parameters, data)
        }
        KeyHandle::Rsa(key) if mechanism == MechanismType::RsaX509 => rsa_raw::sign(key, data),
        KeyHandle::Rsa(key) => rsa_pkcs1::sign(key, mechanism, data),
        KeyHandle::Ec(key) => ecdsa::sign(key, mechanism, data),
        KeyHandle::Ed25519(key) => eddsa::sign(key, parameters, data),
        KeyHandle::MlDsa(key) => ml_dsa::sign(key, mechanism, parameters, data),
        KeyHandle::Aes(key) if mechanism == MechanismType::AesGmac => aes_gmac::sign(key, parameters, data),
        KeyHandle::Aes(_) | KeyHandle::Des3(_) | KeyHandle::Secret(_) => {
            mac::sign(key, mechanism, parameters, data)
        }
        KeyHandle::Ed25519Public(_) | KeyHandle::X25519(_) | KeyHandle::MlKem(_) | KeyHandle::AesXts(_) => {
            Err(internal(OTHER_KEY))
        }
    }
}

/// Verifies a signature or a MAC.
///
/// # Errors
/// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`.
pub fn verify(
    key: &KeyHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    data: &[u8],
    signature: &[u8],
) -> Result<()> {
    check_data(data)?;
    match key {
        KeyHandle::Rsa(key) if parameters::is_pss(mechanism) => {
            rsa_pss::verify(key, mechanism, parameters, data, signature)
        }
        KeyHandle::Rsa(key) if mechanism == MechanismType::RsaX509 => rsa_raw::verify(key, data, signature),
        KeyHandle::Rsa(key) => rsa_pkcs1::verify(key, mechanism, data, signature),
        KeyHandle::Ec(key) => ecdsa::verify(key, mechanism, data, signature),
        KeyHandle::Ed25519Public(key) => eddsa::verify(key, parameters, data, signature),
        KeyHandle::MlDsa(key) => ml_dsa::verify(key, mechanism, parameters, data, signature),
        KeyHandle::Aes(key) if mechanism == MechanismType::AesGmac => {
            aes_gmac::verify(key, parameters, data, signature)
        }
        KeyHandle::Aes(_) | KeyHandle::Des3(_) | KeyHandle::Secret(_) => {
            mac::verify(key, mechanism, parameters, data, signature)
        }
        KeyHandle::Ed25519(_) | KeyHandle::X25519(_) | KeyHandle::MlKem(_) | KeyHandle::AesXts(_) => {
            Err(internal(OTHER_KEY))
        }
    }
}

/// Takes the data out of a signature that holds it.
///
/// # Errors
/// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`.
pub fn recover(key: &KeyHandle, mechanism: MechanismType, signature: &[u8]) -> Result<Vec<u8>> {
    match key {
        KeyHandle::Rsa(key) if mechanism == MechanismType::RsaX509 => rsa_raw::recover(key, signature),
        KeyHandle::Rsa(key) => rsa_pkcs1::recover(key, signature),
        _ => Err(internal(OTHER_KEY)),
    }
}

/// Encrypts or decrypts a user's data.
pub fn crypt(
    key: &KeyHandle,
    direction: Direction,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<CryptResponse> {
    check_data(data)?;
    match (key, mechanism) {
        (KeyHandle::Rsa(key), MechanismType::RsaX509) => rsa_raw::crypt(key, direction, data).map(response),
        (KeyHandle::Rsa(key), MechanismType::RsaPkcs) => rsa_pkcs1::crypt(key, direction, data).map(response),
        (KeyHandle::Rsa(key), MechanismType::RsaPkcsOaep) => {
            rsa_oaep::crypt(key, direction, parameters, data).map(response)
        }
        (KeyHandle::Aes(key), MechanismType::AesGcm | MechanismType::CloudhsmAesGcm) => {
            aes_gcm::crypt(key, direction, mechanism, parameters, data)
        }
        (KeyHandle::Aes(key), MechanismType::AesCcm) => {
            aes_ccm::crypt(key, direction, parameters, data).map(response)
        }
        (KeyHandle::AesXts(key), _) => aes_xts::crypt(key, direction, parameters, data).map(response),
        (KeyHandle::Aes(key), MechanismType::AesCtr) => aes_ctr::crypt(key, parameters, data).map(response),
        (KeyHandle::Aes(key), _) => {
            aes_block::crypt(key, direction, mechanism, parameters, data).map(response)
        }
        (KeyHandle::Des3(key), _) => des3::crypt(key, direction, mechanism, parameters, data).map(response),
        _ => Err(internal(OTHER_KEY)),
    }
}

/// Wraps the encoded material of a key. The IV of GCM is always made here, so that no encryption repeats it.
pub fn wrap(
    key: &KeyHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    material: &[u8],
) -> Result<CryptResponse> {
    check_wrapping_tag(mechanism, parameters)?;
    match key {
        KeyHandle::Aes(key) if aes_wrap::is_key_wrap(mechanism) => {
            aes_wrap::wrap(key, mechanism, parameters, material).map(response)
        }
        KeyHandle::Rsa(key) if mechanism == MechanismType::RsaAesKeyWrap => {
            rsa_aes_wrap::wrap(key, parameters, material).map(response)
        }
        _ => {
            if parameters.is_some_and(|given| given.iv.is_some()) {
                return Err(parameters::invalid("the HSM makes the IV of a wrapped key: leave it out"));
            }
            crypt(key, Direction::Encrypt, mechanism, parameters, material).map_err(|error| match error.rv {
                Rv::DATA_LEN_RANGE => {
                    Error::refused(Rv::KEY_SIZE_RANGE, "the key is too long for the wrapping key")
                }
                _ => error,
            })
        }
    }
}

/// Unwraps the encoded material of a key.
///
/// # Errors
/// `CKR_WRAPPED_KEY_INVALID` for anything that is wrong with the wrapped key but its length.
pub fn unwrap(
    key: &KeyHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    check_wrapping_tag(mechanism, parameters)?;
    match key {
        KeyHandle::Aes(key) if aes_wrap::is_key_wrap(mechanism) => {
            aes_wrap::unwrap(key, mechanism, parameters, wrapped)
        }
        KeyHandle::Rsa(key) if mechanism == MechanismType::RsaAesKeyWrap => {
            rsa_aes_wrap::unwrap(key, parameters, wrapped)
        }
        _ => crypt(key, Direction::Decrypt, mechanism, parameters, wrapped)
            .map(|found| Zeroizing::new(found.data))
            .map_err(|error| match error.rv {
                Rv::ENCRYPTED_DATA_LEN_RANGE => wrapped_length(),
                Rv::ENCRYPTED_DATA_INVALID => wrapped_invalid(),
                _ => error,
            }),
    }
}

/// Whoever could make a tag of 32 bits fit, by trying, would unwrap a key cut short and guess the rest of it byte by byte.
fn check_wrapping_tag(mechanism: MechanismType, parameters: Option<&MechanismParameters>) -> Result<()> {
    let is_gcm = matches!(mechanism, MechanismType::AesGcm | MechanismType::CloudhsmAesGcm);
    if is_gcm && parameters.is_some_and(|given| given.tag_bits.is_some_and(|bits| bits < WRAPPING_TAG_BITS)) {
        let text = format!("ulTagBits must be {WRAPPING_TAG_BITS} or more to wrap or unwrap a key");
        return Err(parameters::invalid(text));
    }
    Ok(())
}

/// Derives the material of a key from a key.
///
/// `length` is how many bytes are wanted; without it the mechanism gives what it has, if that has a length of its own.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`, `CKR_KEY_SIZE_RANGE`, `CKR_TEMPLATE_INCOMPLETE` when a length must be given.
pub fn derive(
    key: &KeyHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    length: Option<usize>,
) -> Result<Zeroizing<Vec<u8>>> {
    let parameters = parameters::required(parameters)?;
    match (key, mechanism.parameter_kind()) {
        (KeyHandle::Ec(key), ParameterKind::Ecdh) => ecdh::derive(key, parameters, length),
        (KeyHandle::X25519(key), ParameterKind::Ecdh) => ecdh::derive_x25519(key, parameters, length),
        (KeyHandle::Secret(key), ParameterKind::Hkdf) => hkdf::derive(&key.material, parameters, length),
        (_, ParameterKind::CounterKdf) => sp800_108::counter(key, parameters, wanted(length)?),
        (_, ParameterKind::FeedbackKdf) => sp800_108::feedback(key, parameters, wanted(length)?),
        _ => Err(internal(OTHER_KEY)),
    }
}

/// How long a derived key of any bytes is where nobody says it: with HKDF as the hash, as PKCS #11 has it of its other
/// derivations with a hash; other functions have no such length.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub fn usual_length(
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
) -> Result<Option<usize>> {
    if mechanism.parameter_kind() != ParameterKind::Hkdf {
        return Ok(None);
    }
    Ok(Some(parameters::hash(parameters::required(parameters)?.hash)?.length()))
}

/// Makes a secret for the holder of a private key, and the ciphertext that carries it.
pub fn encapsulate(key: &KeyHandle) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    match key {
        KeyHandle::MlKem(key) => ml_kem::encapsulate(key),
        _ => Err(internal(OTHER_KEY)),
    }
}

/// Opens a ciphertext to the secret that it carries.
///
/// # Errors
/// `CKR_WRAPPED_KEY_LEN_RANGE`.
pub fn decapsulate(key: &KeyHandle, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    match key {
        KeyHandle::MlKem(key) => ml_kem::decapsulate(key, ciphertext),
        _ => Err(internal(OTHER_KEY)),
    }
}

/// The length of a key that has none of its own.
fn wanted(length: Option<usize>) -> Result<usize> {
    length.ok_or_else(|| {
        Error::refused(Rv::TEMPLATE_INCOMPLETE, "CKA_VALUE_LEN is missing: the mechanism derives any length")
    })
}

/// For what a derivation cannot give.
fn key_size(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::refused(Rv::KEY_SIZE_RANGE, text)
}

/// Random bytes.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for more than [`MAX_DATA`].
pub fn random(length: usize) -> Result<Secret> {
    if length > MAX_DATA {
        return Err(Error::refused(Rv::ARGUMENTS_BAD, format!("at most {MAX_DATA} random bytes at a time")));
    }
    let mut bytes = vec![0; length];
    fill_random(&mut bytes)?;
    Ok(Secret::new(bytes))
}

/// Fills a buffer with random bytes.
///
/// # Errors
/// The generator failed.
pub fn fill_random(buffer: &mut [u8]) -> Result<()> {
    rand::fill(buffer).map_err(|_| Error::failed("the random number generator failed"))
}

const fn response(data: Vec<u8>) -> CryptResponse {
    CryptResponse { data, iv: None }
}

/// Refuses more data than a request may have.
///
/// # Errors
/// `CKR_DATA_LEN_RANGE`.
pub fn check_data(data: &[u8]) -> Result<()> {
    if data.len() <= MAX_DATA {
        return Ok(());
    }
    Err(Error::refused(Rv::DATA_LEN_RANGE, format!("at most {MAX_DATA} bytes of data in one operation")))
}

fn wrapped_length() -> Error {
    Error::refused(Rv::WRAPPED_KEY_LEN_RANGE, "the wrapped key has a length that the mechanism never makes")
}

fn wrapped_invalid() -> Error {
    Error::refused(Rv::WRAPPED_KEY_INVALID, "the wrapped key was not wrapped by this key, or was altered")
}

/// Only for what cannot happen with the checks made before.
fn internal(text: &'static str) -> Error {
    Error::refused(Rv::FUNCTION_FAILED, text)
}

impl From<CryptoError> for Error {
    fn from(_: CryptoError) -> Self {
        internal("the crypto library refused the operation")
    }
}
