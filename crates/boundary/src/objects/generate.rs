//! Generation of keys and key pairs.

use std::sync::Arc;

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, AttributeValue, KeyKind, MechanismType, Rv, Template};
use zeroize::Zeroizing;

use super::made::{self, Made};
use super::{Objects, Staged, curves, ml_dsa, ml_kem};
use crate::arena::Arena;
use crate::attributes::{
    self, CKO_SECRET_KEY, ClassRules, UNAVAILABLE, Way, check_template, complete, value_bytes,
};
use crate::ffi::{CURVE25519_LENGTH, EcKey, Hash, MlDsaKey, MlKemKey, RsaKey, x25519, x25519_public};
use crate::mechanisms::{self, KeyHandle};
use crate::{Caller, Error, Result, selftest};

/// Modulus sizes (aws-cloudhsm 5.1).
const RSA_BITS: std::ops::RangeInclusive<u64> = 2048..=4096;
const RSA_STEP: u64 = 256;
/// The longest public exponent that the crypto library takes, in bits.
const EXPONENT_BITS: u32 = 33;

impl Objects {
    /// Makes a secret key.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, the codes of templates, `CKR_USER_NOT_LOGGED_IN`.
    pub fn generate_key(
        &self,
        caller: &Caller,
        mechanism: MechanismType,
        template: Template,
    ) -> Result<Staged> {
        self.ready()?;
        Self::check_maker(caller)?;
        mechanisms::check_allowed(mechanism, Function::Generate, None, self.options.fips)?;
        if mechanism == MechanismType::Pkcs5Pbkd2 {
            return Err(Error::refused(Rv::MECHANISM_PARAM_INVALID, "the mechanism needs a password"));
        }
        let (class, kind) = generated(mechanism, &template)?;
        check_template(class, Way::Generate, &template)?;
        let value = match kind {
            KeyKind::Des3 => random_des3()?,
            _ => {
                let length = template.ulong(AttributeType::ValueLen).unwrap_or(0).min(made::TOO_LONG);
                #[allow(clippy::cast_possible_truncation)] // at most TOO_LONG
                random_value(length as usize)?
            }
        };
        let made = made::secret(kind, value, Rv::ATTRIBUTE_VALUE_INVALID)?;
        self.stage_made(caller, class, Origin::Generated(mechanism), template, made)
    }

    /// Makes a key pair; the public key comes first.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, the codes of templates, `CKR_CURVE_NOT_SUPPORTED`, `CKR_USER_NOT_LOGGED_IN`.
    pub fn generate_key_pair(
        &self,
        caller: &Caller,
        mechanism: MechanismType,
        public: Template,
        private: Template,
    ) -> Result<(Staged, Staged)> {
        self.ready()?;
        Self::check_maker(caller)?;
        mechanisms::check_allowed(mechanism, Function::GeneratePair, None, self.options.fips)?;
        let (public_class, private_class) = match mechanism {
            MechanismType::EcKeyPairGen => (&attributes::EC_PUBLIC, &attributes::EC_PRIVATE),
            MechanismType::EcEdwardsKeyPairGen => (&attributes::ED25519_PUBLIC, &attributes::ED25519_PRIVATE),
            MechanismType::EcMontgomeryKeyPairGen => {
                (&attributes::X25519_PUBLIC, &attributes::X25519_PRIVATE)
            }
            MechanismType::MlDsaKeyPairGen => (&attributes::ML_DSA_PUBLIC, &attributes::ML_DSA_PRIVATE),
            MechanismType::MlKemKeyPairGen => (&attributes::ML_KEM_PUBLIC, &attributes::ML_KEM_PRIVATE),
            _ => (&attributes::RSA_PUBLIC, &attributes::RSA_PRIVATE),
        };
        check_template(public_class, Way::Generate, &public)?;
        check_template(private_class, Way::Generate, &private)?;
        let pair = match mechanism {
            MechanismType::EcKeyPairGen => generate_ec(&public)?,
            MechanismType::EcEdwardsKeyPairGen => generate_ed25519(&public)?,
            MechanismType::EcMontgomeryKeyPairGen => generate_x25519(&public)?,
            MechanismType::MlDsaKeyPairGen => ml_dsa::generate(&public)?,
            MechanismType::MlKemKeyPairGen => ml_kem::generate(&public)?,
            _ => generate_rsa(&public)?,
        };
        if pairwise_test(&self.arena, mechanism, &pair).is_err()
            || selftest::corrupted().as_deref() == Some(selftest::PAIRWISE)
        {
            self.fail(selftest::PAIRWISE);
            self.ready()?;
        }
        let public_half = Made { computed: pair.computed.clone(), material: None };
        let public =
            self.stage_made(caller, public_class, Origin::Generated(mechanism), public, public_half)?;
        match self.stage_made(caller, private_class, Origin::Generated(mechanism), private, pair) {
            Ok(private) => Ok((public, private)),
            Err(error) => {
                self.discard(&[public.reference]);
                Err(error)
            }
        }
    }

    /// Stages an object for a key that was made or came in.
    pub(super) fn stage_made(
        &self,
        caller: &Caller,
        class: &'static ClassRules,
        origin: Origin,
        template: Template,
        made: Made,
    ) -> Result<Staged> {
        let mut computed = made.computed;
        provenance(&mut computed, &template, origin);
        let attributes = complete(class, origin.way(), template, &computed)?;
        let material = made::keep(&self.arena, made.material.as_ref())?;
        self.stage_new(caller, class, &attributes, material)
    }
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// Generated here, by this mechanism.
    Generated(MechanismType),
    /// Made here by this mechanism from a password, which others may know.
    FromPassword(MechanismType),
    /// Imported in clear.
    Created,
    /// Unwrapped.
    Unwrapped,
    /// Derived from a key of which this can be said.
    Derived { always_sensitive: bool, never_extractable: bool },
}

impl Origin {
    const fn way(self) -> Way {
        match self {
            Self::Generated(_) | Self::FromPassword(_) => Way::Generate,
            Self::Created => Way::Create,
            Self::Unwrapped => Way::Unwrap,
            Self::Derived { .. } => Way::Derive,
        }
    }
}

/// Where the key comes from, and what can be said of it since then (PKCS #11 2.40 sections 4.7 and 4.9; of derived keys
/// mechanisms 2.3.8: what is not true of the base key is not true of the new one).
fn provenance(computed: &mut Template, template: &Template, origin: Origin) {
    let given = |attribute| template.bool(attribute).unwrap_or(true); // both default to true
    let (is_local, was_sensitive, was_unextractable, mechanism) = match origin {
        Origin::Generated(mechanism) => (true, true, true, mechanism.code()),
        Origin::FromPassword(mechanism) => (true, false, false, mechanism.code()),
        Origin::Created | Origin::Unwrapped => (false, false, false, UNAVAILABLE),
        Origin::Derived { always_sensitive, never_extractable } => {
            (false, always_sensitive, never_extractable, UNAVAILABLE)
        }
    };
    let flags = [
        (AttributeType::Local, is_local),
        (AttributeType::AlwaysSensitive, was_sensitive && given(AttributeType::Sensitive)),
        (AttributeType::NeverExtractable, was_unextractable && !given(AttributeType::Extractable)),
    ];
    for (attribute, value) in flags {
        computed.set(attribute, AttributeValue::Bool(value));
    }
    computed.set(AttributeType::KeyGenMechanism, AttributeValue::Ulong(mechanism));
}

/// What a mechanism generates: the one type of key that it makes, or of several the one that the template names, or the
/// first.
fn generated(mechanism: MechanismType, template: &Template) -> Result<(&'static ClassRules, KeyKind)> {
    let kinds = mechanism.key_kinds();
    let named = template.ulong(AttributeType::KeyType).and_then(KeyKind::from_key_type);
    let kind = named.filter(|kind| kinds.contains(kind)).or_else(|| kinds.first().copied());
    let class = attributes::ALL
        .iter()
        .find(|class| class.object_class == CKO_SECRET_KEY && class.kind() == kind)
        .ok_or_else(|| Error::failed("a mechanism that generates no secret key"))?;
    Ok((class, class.secret_kind()))
}

/// Random bytes for a new key.
pub(super) fn random_value(length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut value = Zeroizing::new(vec![0; length]);
    mechanisms::fill_random(&mut value)?;
    Ok(value)
}

/// Three keys of DES that differ.
fn random_des3() -> Result<Zeroizing<Vec<u8>>> {
    loop {
        let mut value = random_value(mechanisms::DES3_KEY_LENGTH)?;
        mechanisms::set_des_parity(&mut value);
        if !mechanisms::is_single_des(&value) {
            return Ok(value);
        }
    }
}

fn generate_rsa(public: &Template) -> Result<Made> {
    let bits = public.ulong(AttributeType::ModulusBits).unwrap_or(0);
    check_rsa_bits(bits)?;
    let exponent = public.get(AttributeType::PublicExponent).and_then(value_bytes).unwrap_or_default();
    let exponent = checked_exponent(exponent)?;
    #[allow(clippy::cast_possible_truncation)] // at most 4096
    made::rsa(&RsaKey::generate(bits as u32, exponent)?, true)
}

/// Sizes of RSA keys that are made or come in.
pub(super) fn check_rsa_bits(bits: u64) -> Result<()> {
    if RSA_BITS.contains(&bits) && bits.is_multiple_of(RSA_STEP) {
        return Ok(());
    }
    Err(Error::refused(
        Rv::ATTRIBUTE_VALUE_INVALID,
        format!("an RSA modulus has 2048 to 4096 bits in steps of 256, not {bits}"),
    ))
}

/// A public exponent without leading zeros: odd, and at least 65537.
pub(super) fn checked_exponent(exponent: &[u8]) -> Result<&[u8]> {
    let start = exponent.iter().position(|byte| *byte != 0).unwrap_or(exponent.len());
    let digits = &exponent[start..];
    if digits.len() <= 8 {
        let value = digits.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        if value % 2 == 1 && (65537..1 << EXPONENT_BITS).contains(&value) {
            return Ok(digits);
        }
    }
    Err(Error::refused(
        Rv::ATTRIBUTE_VALUE_INVALID,
        "CKA_PUBLIC_EXPONENT must be odd, at least 65537 and of at most 33 bits",
    ))
}

fn generate_ec(public: &Template) -> Result<Made> {
    let params = public.bytes(AttributeType::EcParams).unwrap_or_default();
    made::ec(&EcKey::generate(curves::curve(params)?)?, true)
}

fn generate_ed25519(public: &Template) -> Result<Made> {
    let params = public.bytes(AttributeType::EcParams).unwrap_or_default();
    curves::check_ed25519(params)?;
    let mut seed = Zeroizing::new([0; 32]);
    mechanisms::fill_random(&mut *seed)?;
    made::ed25519(&*seed, params)
}

fn generate_x25519(public: &Template) -> Result<Made> {
    let params = public.bytes(AttributeType::EcParams).unwrap_or_default();
    curves::check_x25519(params)?;
    made::x25519(&random_value(CURVE25519_LENGTH)?, params)
}

/// Both halves agree with a new pair on the same secret (SP 800-56A section 5.6.2.1.4).
fn agreement_test(private: &[u8], public: &[u8]) -> Result<()> {
    let wrong = |_| Error::failed("an X25519 key without its 32 bytes");
    let private: &[u8; CURVE25519_LENGTH] = private.try_into().map_err(wrong)?;
    let public: &[u8; CURVE25519_LENGTH] = public.try_into().map_err(wrong)?;
    let mut other = Zeroizing::new([0; CURVE25519_LENGTH]);
    mechanisms::fill_random(&mut *other)?;
    if x25519(private, &x25519_public(&other))? == x25519(&other, public)? {
        return Ok(());
    }
    Err(Error::failed("the halves of a key pair do not belong together"))
}

/// What the public half encapsulates the private half opens (FIPS 203 section 7.1).
fn encapsulation_test(private: &MlKemKey, public: &MlKemKey) -> Result<()> {
    let (secret, ciphertext) = public.encapsulate()?;
    if private.decapsulate(&ciphertext)? == secret {
        return Ok(());
    }
    Err(Error::failed("the halves of a key pair do not belong together"))
}

/// The private half signs, the public half verifies (FIPS 140-3 section 7.10.3.3); or both agree.
fn pairwise_test(arena: &Arc<Arena>, made_by: MechanismType, pair: &Made) -> Result<()> {
    const MESSAGE: &[u8] = b"pairwise consistency test";
    let Some(material) = &pair.material else {
        return Err(Error::failed("a key pair without a private half"));
    };
    let attribute = |attribute| pair.computed.bytes(attribute).unwrap_or_default();
    let none: Option<&MechanismParameters> = None;
    if made_by == MechanismType::MlKemKeyPairGen {
        let set = ml_kem::set(pair.computed.ulong(AttributeType::ParameterSet))?;
        let public = MlKemKey::public(set, attribute(AttributeType::Value))?;
        return encapsulation_test(&ml_kem::key(set, material)?, &public);
    }
    let (private, public, mechanism) = if pair.computed.get(AttributeType::Modulus).is_some() {
        let public =
            RsaKey::public(attribute(AttributeType::Modulus), attribute(AttributeType::PublicExponent))?;
        (KeyHandle::rsa_private(material)?, KeyHandle::rsa_public(public), MechanismType::Sha256RsaPkcs)
    } else if let Some(number) = pair.computed.ulong(AttributeType::ParameterSet) {
        let set = ml_dsa::set(Some(number))?;
        let public = MlDsaKey::public(set, attribute(AttributeType::Value))?;
        let private = MlDsaKey::private(set, material)?;
        (KeyHandle::MlDsa(private), KeyHandle::MlDsa(public), MechanismType::MlDsa)
    } else if let Ok(curve) = curves::curve(attribute(AttributeType::EcParams)) {
        let length = made::point_length(curve.length());
        let point = curves::decode_point(attribute(AttributeType::EcPoint), length)?;
        let private = KeyHandle::Ec(EcKey::pair(curve, material, point)?);
        (private, KeyHandle::Ec(EcKey::public(curve, point)?), MechanismType::EcdsaSha256)
    } else {
        let point = curves::decode_point(attribute(AttributeType::EcPoint), curves::ED25519_LENGTH)?;
        if curves::check_x25519(attribute(AttributeType::EcParams)).is_ok() {
            return agreement_test(material, point);
        }
        let private = KeyHandle::ed25519(Arc::new(arena.keep(material)?))?;
        (private, KeyHandle::Ed25519Public(point.to_vec()), MechanismType::Eddsa)
    };
    let digest = mechanisms::digest(Hash::Sha256, MESSAGE)?;
    let signature = mechanisms::sign(&private, mechanism, none, digest.as_ref())?;
    mechanisms::verify(&public, mechanism, none, digest.as_ref(), &signature)
}
