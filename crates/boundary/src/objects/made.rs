//! Keys as they are made: their material, and the attributes that follow from it.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{AttributeType, AttributeValue, KeyKind, MechanismType, Rv, Template};
use zeroize::Zeroizing;

use super::curves::{self, ED25519_LENGTH};
use super::object::Object;
use super::{ml_dsa, ml_kem};
use crate::arena::{Arena, Material};
use crate::attributes::{CKO_PRIVATE_KEY, ED25519_PARAMS, X25519_PARAMS};
use crate::ffi::{self, EcKey, Hash, MlDsaKey, MlKemKey, PrivateKey, RsaKey};
use crate::mechanisms::{self, Direction, KeyHandle};
use crate::{Error, Result};

/// A key that has no object yet.
#[derive(Debug)]
pub struct Made {
    /// The attributes that follow from it.
    pub computed: Template,
    /// None for a public key, a certificate and data without bytes.
    pub material: Option<Zeroizing<Vec<u8>>>,
}

/// Key sizes in bytes of AES, and the longest generic secret that an operator may allow.
const AES_LENGTHS: [usize; 3] = [16, 24, 32];
const SECRET_LENGTH: usize = 4096;
/// No kind of key is so long: this is made in place of longer ones, and refused when the key is there.
pub const TOO_LONG: u64 = SECRET_LENGTH as u64 + 1;

/// A secret key.
///
/// # Errors
/// The length is none of its kind.
pub fn secret(kind: KeyKind, value: Zeroizing<Vec<u8>>, wrong_length: Rv) -> Result<Made> {
    let length = value.len();
    let mut computed = Template::new().with(AttributeType::ValueLen, AttributeValue::Ulong(length as u64));
    let refused = |text: String| Err(Error::refused(wrong_length, text));
    match kind {
        KeyKind::Aes if !AES_LENGTHS.contains(&length) => {
            return refused("an AES key has 16, 24 or 32 bytes".to_owned());
        }
        KeyKind::Des3 if length != mechanisms::DES3_KEY_LENGTH => {
            return refused("a triple DES key has 24 bytes".to_owned());
        }
        KeyKind::Des3 if mechanisms::is_single_des(&value) => {
            return refused(
                "this is a key of single DES: neighbours of the three keys must differ".to_owned(),
            );
        }
        KeyKind::AesXts if length != mechanisms::XTS_KEY_LENGTH => {
            return refused("an AES-XTS key has 64 bytes: two keys of AES-256".to_owned());
        }
        KeyKind::AesXts if mechanisms::is_twice_the_same(&value) => {
            return refused("the two keys of an AES-XTS key must differ".to_owned());
        }
        KeyKind::AesXts => {}
        KeyKind::Aes | KeyKind::Des3 => {
            computed.set(AttributeType::CheckValue, AttributeValue::Bytes(check_value(kind, &value)?));
        }
        _ if length == 0 || length > SECRET_LENGTH => {
            return refused(format!("a generic secret has 1 to {SECRET_LENGTH} bytes"));
        }
        _ => {}
    }
    Ok(Made { computed, material: Some(value) })
}

/// An RSA key pair, or with `private` false its public half.
pub fn rsa(key: &RsaKey, private: bool) -> Result<Made> {
    let modulus = key.modulus()?;
    let computed = public_attributes(key.public_key_info()?)?
        .with(AttributeType::ModulusBits, AttributeValue::Ulong(bits(&modulus)))
        .with(AttributeType::PublicExponent, AttributeValue::Bytes(key.public_exponent()?))
        .with(AttributeType::Modulus, AttributeValue::Bytes(modulus));
    Ok(Made { computed, material: if private { Some(key.to_der()?) } else { None } })
}

/// A key pair on a Weierstrass curve, or its public half.
pub fn ec(key: &EcKey, private: bool) -> Result<Made> {
    let computed = public_attributes(key.public_key_info()?)?
        .with(AttributeType::EcParams, AttributeValue::Bytes(curves::params(key.curve()).to_vec()))
        .with(AttributeType::EcPoint, AttributeValue::Bytes(curves::encode_point(&key.point()?)));
    Ok(Made { computed, material: if private { Some(key.scalar()?) } else { None } })
}

/// An Ed25519 key pair from its seed. `params` is the caller's way to name the curve.
pub fn ed25519(seed: &[u8], params: &[u8]) -> Result<Made> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed)
        .map_err(|_| Error::refused(Rv::ATTRIBUTE_VALUE_INVALID, "an Ed25519 private key has 32 bytes"))?;
    let public = ed25519_public(pair.public_key().as_ref(), params)?;
    Ok(Made { material: Some(Zeroizing::new(seed.to_vec())), ..public })
}

/// An Ed25519 public key.
pub fn ed25519_public(point: &[u8], params: &[u8]) -> Result<Made> {
    const INFO_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"; // RFC 8410 section 4
    on_curve_25519(INFO_PREFIX, point, params)
}

/// An X25519 key pair from its private number.
pub fn x25519(number: &[u8], params: &[u8]) -> Result<Made> {
    let private: &[u8; ffi::CURVE25519_LENGTH] = number
        .try_into()
        .map_err(|_| Error::refused(Rv::ATTRIBUTE_VALUE_INVALID, "an X25519 private key has 32 bytes"))?;
    let public = x25519_public(&ffi::x25519_public(private), params)?;
    Ok(Made { material: Some(Zeroizing::new(number.to_vec())), ..public })
}

/// An X25519 public key.
pub fn x25519_public(point: &[u8], params: &[u8]) -> Result<Made> {
    const INFO_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00"; // RFC 8410 section 4
    on_curve_25519(INFO_PREFIX, point, params)
}

fn on_curve_25519(info_prefix: &[u8], point: &[u8], params: &[u8]) -> Result<Made> {
    let computed = public_attributes([info_prefix, point].concat())?
        .with(AttributeType::EcParams, AttributeValue::Bytes(params.to_vec()))
        .with(AttributeType::EcPoint, AttributeValue::Bytes(curves::encode_point(point)));
    Ok(Made { computed, material: None })
}

/// The private key of a `PrivateKeyInfo`.
pub fn private(key: PrivateKey) -> Result<(KeyKind, Made)> {
    match key {
        PrivateKey::Rsa(key) => Ok((KeyKind::Rsa, rsa(&key, true)?)),
        PrivateKey::Ec(key) => Ok((KeyKind::Ec, ec(&key, true)?)),
        PrivateKey::Ed25519(seed) => Ok((KeyKind::Ed25519, ed25519(&seed, ED25519_PARAMS[0])?)),
        PrivateKey::X25519(number) => Ok((KeyKind::X25519, x25519(&number, X25519_PARAMS[0])?)),
        PrivateKey::MlDsa(key) => Ok((KeyKind::MlDsa, ml_dsa::made(&key, true)?)),
        PrivateKey::MlKem(key) => Ok((KeyKind::MlKem, ml_kem::made(&key, true)?)),
    }
}

/// Puts material into the arena.
pub fn keep(arena: &Arc<Arena>, material: Option<&Zeroizing<Vec<u8>>>) -> Result<Option<Arc<Material>>> {
    material.map(|material| arena.keep(material).map(Arc::new)).transpose()
}

/// The key of an object, ready for use.
///
/// # Errors
/// The object has no key.
pub fn handle_of(object: &Object) -> Result<KeyHandle> {
    let kind =
        object.kind().ok_or_else(|| Error::refused(Rv::KEY_TYPE_INCONSISTENT, "the object is no key"))?;
    let attribute =
        |attribute| object.bytes(attribute).ok_or_else(|| Error::failed("a key lacks an attribute"));
    let parameter_set = || object.ulong(AttributeType::ParameterSet);
    if let Some(material) = &object.material {
        return match kind {
            KeyKind::Aes => Ok(KeyHandle::aes(Arc::clone(material))),
            KeyKind::AesXts => Ok(KeyHandle::AesXts(Arc::clone(material))),
            KeyKind::Des3 => Ok(KeyHandle::Des3(Arc::clone(material))),
            KeyKind::Rsa => KeyHandle::rsa_private(material),
            KeyKind::Ed25519 => KeyHandle::ed25519(Arc::clone(material)),
            KeyKind::X25519 => Ok(KeyHandle::X25519(Arc::clone(material))),
            KeyKind::MlKem => Ok(KeyHandle::MlKem(ml_kem::key(ml_kem::set(parameter_set())?, material)?)),
            KeyKind::MlDsa => {
                Ok(KeyHandle::MlDsa(MlDsaKey::private(ml_dsa::set(parameter_set())?, material)?))
            }
            KeyKind::Ec => {
                let curve = curves::curve(attribute(AttributeType::EcParams)?)?;
                let point =
                    curves::decode_point(attribute(AttributeType::EcPoint)?, point_length(curve.length()))?;
                Ok(KeyHandle::Ec(EcKey::pair(curve, material, point)?))
            }
            _ => Ok(KeyHandle::secret(Arc::clone(material))),
        };
    }
    match kind {
        KeyKind::Rsa => {
            let (modulus, exponent) =
                (attribute(AttributeType::Modulus)?, attribute(AttributeType::PublicExponent)?);
            Ok(KeyHandle::rsa_public(RsaKey::public(modulus, exponent)?))
        }
        KeyKind::Ec => {
            let curve = curves::curve(attribute(AttributeType::EcParams)?)?;
            let point =
                curves::decode_point(attribute(AttributeType::EcPoint)?, point_length(curve.length()))?;
            Ok(KeyHandle::Ec(EcKey::public(curve, point)?))
        }
        KeyKind::Ed25519 => {
            let point = curves::decode_point(attribute(AttributeType::EcPoint)?, ED25519_LENGTH)?;
            Ok(KeyHandle::Ed25519Public(point.to_vec()))
        }
        KeyKind::MlKem => {
            let value = attribute(AttributeType::Value)?;
            Ok(KeyHandle::MlKem(MlKemKey::public(ml_kem::set(parameter_set())?, value)?))
        }
        KeyKind::MlDsa => {
            let value = attribute(AttributeType::Value)?;
            Ok(KeyHandle::MlDsa(MlDsaKey::public(ml_dsa::set(parameter_set())?, value)?))
        }
        KeyKind::X25519 => {
            Err(Error::refused(Rv::KEY_TYPE_INCONSISTENT, "keys are derived from the private half of a pair"))
        }
        _ => Err(Error::failed("a secret key lacks its material")),
    }
}

/// A private or secret key in the form in which it is wrapped: its value, or a `PrivateKeyInfo`.
pub fn wrappable(object: &Object) -> Result<Zeroizing<Vec<u8>>> {
    let material = object
        .material
        .as_ref()
        .ok_or_else(|| Error::refused(Rv::KEY_NOT_WRAPPABLE, "only secret and private keys are wrapped"))?;
    if object.class.object_class != CKO_PRIVATE_KEY {
        return Ok(Zeroizing::new(material.to_vec()));
    }
    let key = match handle_of(object)? {
        KeyHandle::Ec(key) => PrivateKey::Ec(key),
        KeyHandle::Rsa(_) => PrivateKey::Rsa(RsaKey::from_der(material)?),
        KeyHandle::X25519(_) => PrivateKey::X25519(Zeroizing::new(material.to_vec())),
        KeyHandle::MlDsa(key) => return ml_dsa::private_key_info(key),
        KeyHandle::MlKem(key) => PrivateKey::MlKem(key),
        _ => PrivateKey::Ed25519(Zeroizing::new(material.to_vec())),
    };
    Ok(key.to_pkcs8()?)
}

/// Bytes of an uncompressed point.
pub const fn point_length(field: usize) -> usize {
    1 + 2 * field
}

/// What public and private keys share: the public key, and the check value (aws-cloudhsm 5.4: the first 3 bytes of the
/// SHA-1 of the public key, taken here over its SubjectPublicKeyInfo).
pub fn public_attributes(info: Vec<u8>) -> Result<Template> {
    let check_value = mechanisms::digest(Hash::Sha1, &info)?.as_ref()[..3].to_vec();
    Ok(Template::new()
        .with(AttributeType::CheckValue, AttributeValue::Bytes(check_value))
        .with(AttributeType::PublicKeyInfo, AttributeValue::Bytes(info)))
}

/// The first 3 bytes of an encrypted zero block (aws-cloudhsm 5.4).
fn check_value(kind: KeyKind, value: &[u8]) -> Result<Vec<u8>> {
    let material = Arc::new(Arena::new(false).keep(value)?);
    let (handle, mechanism) = match kind {
        KeyKind::Des3 => (KeyHandle::Des3(material), MechanismType::Des3Ecb),
        _ => (KeyHandle::aes(material), MechanismType::AesEcb),
    };
    let none: Option<&MechanismParameters> = None;
    let mut block = mechanisms::crypt(&handle, Direction::Encrypt, mechanism, none, &[0; 16])?.data;
    block.truncate(3);
    Ok(block)
}

fn bits(modulus: &[u8]) -> u64 {
    modulus.first().map_or(0, |first| 8 * modulus.len() as u64 - u64::from(first.leading_zeros()))
}
