//! What a slot of profile `aws` does otherwise than the standard: it reproduces AWS's library, so that programs written for
//! that are tested against what they will meet (ADR 0113). None of it protects anything: the rules are the HSM's.

use cryptoki_sys::{
    CK_EC_KDF_TYPE, CK_FLAGS, CKD_SHA1_KDF, CKD_SHA224_KDF, CKD_SHA256_KDF, CKD_SHA384_KDF, CKD_SHA512_KDF,
    CKF_RW_SESSION, CKO_CERTIFICATE,
};
use strongroom_client::Profile;
use strongroom_wire::tables::ParameterKind;
use strongroom_wire::{AttributeType, KeyKind, MechanismType, Rv, Template};

use crate::edge::{Result, failure};
use crate::library::Slot;
use crate::mechanism::{Mechanism, bad_parameter};

/// Sessions that AWS's library opens at most, unless the configuration says otherwise.
pub const AWS_SESSIONS: usize = 1_024;
/// HSMs that must have a token key before it may be made or used.
const AVAILABLE_ON: usize = 2;
/// The vendor's numbers of the X9.63 functions are the standard's with this bit.
const VENDOR: CK_EC_KDF_TYPE = 0x8000_0000;
const X963: [CK_EC_KDF_TYPE; 5] =
    [CKD_SHA1_KDF, CKD_SHA224_KDF, CKD_SHA256_KDF, CKD_SHA384_KDF, CKD_SHA512_KDF];
/// What decrypts is longer than what was encrypted by at most IV and tag, or padding.
const OVERHEAD: usize = 32;
/// The most data of one call otherwise: where the result is written over them, they are copied. Parts have no limit.
pub const LARGEST_CALL: usize = 1 << 30;
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];

/// What no key has in AWS's library.
const RECOVERY: [AttributeType; 2] = [AttributeType::SignRecover, AttributeType::VerifyRecover];

/// Refuses what AWS's C_OpenSession refuses.
pub fn check_open(flags: CK_FLAGS, has_callback: bool) -> Result {
    if has_callback {
        return failure(Rv::ARGUMENTS_BAD, "pApplication and Notify must be null");
    }
    if flags & CKF_RW_SESSION == 0 {
        return failure(Rv::FUNCTION_FAILED, "a session must be opened with CKF_RW_SESSION");
    }
    Ok(())
}

/// The longest data of one call, or of all parts of a MAC (aws-cloudhsm.md 6.3).
const fn longest_data(kind: MechanismType) -> Option<usize> {
    use MechanismType as M;
    Some(match kind {
        M::Sha1Hmac | M::Sha256Hmac => 16_288,
        M::Sha224Hmac => 16_256,
        M::Sha384Hmac | M::Sha512Hmac | M::AesGcm | M::CloudhsmAesGcm => 16_224,
        M::AesEcb | M::AesCbc | M::AesCbcPad | M::AesCtr | M::AesCmac => 16_272,
        M::Des3Ecb | M::Des3Cbc | M::Des3CbcPad => 16_280,
        M::CloudhsmEddsa => 16_000,
        _ => return None,
    })
}

/// Whether a mechanism takes its data in one part: in the profile `standard` every one takes parts.
pub fn is_single_part(profile: Profile, kind: MechanismType) -> bool {
    use MechanismType as M;
    let is_of_aws = matches!(kind, M::AesGcm | M::CloudhsmAesGcm | M::CloudhsmEddsa);
    profile == Profile::Aws && (kind.is_single_part() || is_of_aws)
}

/// Refuses parameters that AWS's library refuses.
pub fn check_parameters(profile: Profile, mechanism: &Mechanism) -> Result {
    let Some(parameters) = mechanism.parameters.as_ref().filter(|_| profile == Profile::Aws) else {
        return Ok(());
    };
    let has_own_iv = mechanism.kind == MechanismType::CloudhsmAesGcm && parameters.iv.is_some();
    let has_context = mechanism.kind.parameter_kind() == ParameterKind::Eddsa && parameters.context.is_some();
    if has_own_iv || has_context { bad_parameter() } else { Ok(()) }
}

/// The standard's number of what is done with the secret that two EC keys share. Both spellings of the X9.63 functions are
/// taken, in profile `aws` AWS's alone.
pub fn key_derivation(profile: Profile, kdf: CK_EC_KDF_TYPE) -> Result<CK_EC_KDF_TYPE> {
    match (profile, kdf & !VENDOR) {
        (_, standard) if kdf != standard && X963.contains(&standard) => Ok(standard),
        (Profile::Standard, _) => Ok(kdf),
        (Profile::Aws, _) => bad_parameter(),
    }
}

/// Whether there are keys of the type that a template names, if it names one. AWS's library has generic secrets for all HMACs.
pub fn has_key_type(profile: Profile, template: &Template) -> bool {
    template.ulong(AttributeType::KeyType).is_none_or(|number| {
        KeyKind::from_key_type(number)
            .is_some_and(|kind| profile == Profile::Standard || !kind.is_of_one_hmac())
    })
}

/// A template of C_GenerateKeyPair's private key: what AWS's library ignores in it is left out.
pub fn without_ignored(profile: Profile, template: Template) -> Template {
    let is_ignored =
        |attribute| matches!(attribute, AttributeType::ModulusBits | AttributeType::PublicExponent);
    if profile == Profile::Standard {
        return template;
    }
    template
        .iter()
        .filter(|(attribute, _)| !is_ignored(*attribute))
        .fold(Template::new(), |kept, (attribute, value)| kept.with(attribute, value.clone()))
}

/// What makes a key pair: AWS's library has one mechanism for all curves.
pub fn pair_mechanism(profile: Profile, kind: MechanismType, public: &Template) -> MechanismType {
    let is_edwards = public.bytes(AttributeType::EcParams) == Some(ED25519);
    if profile == Profile::Aws && kind == MechanismType::EcKeyPairGen && is_edwards {
        return MechanismType::EcEdwardsKeyPairGen;
    }
    kind
}

impl Slot {
    /// Refuses a function that AWS's library does not have.
    pub fn check_offered(&self) -> Result {
        if self.profile == Profile::Aws {
            return failure(Rv::FUNCTION_NOT_SUPPORTED, "the profile aws does not have this function");
        }
        Ok(())
    }

    /// Refuses C_SetAttributeValue for what is no certificate, as AWS's library does.
    pub fn check_may_change(&self, object: &Template) -> Result {
        if object.ulong(AttributeType::Class) == Some(CKO_CERTIFICATE) {
            Ok(())
        } else {
            self.check_offered()
        }
    }

    /// Refuses a template that AWS's library refuses, and a token key that would be on one HSM only.
    pub fn check_may_make(&self, template: &Template) -> Result {
        if self.profile == Profile::Standard {
            return Ok(());
        }
        let is_certificate = template.ulong(AttributeType::Class) == Some(CKO_CERTIFICATE);
        if template.bool(AttributeType::Private) == Some(false) && !is_certificate {
            return failure(Rv::TEMPLATE_INCONSISTENT, "CKA_PRIVATE must be true");
        }
        if let Some(recovery) = RECOVERY.into_iter().find(|flag| template.bool(*flag) == Some(true)) {
            return failure(Rv::TEMPLATE_INCONSISTENT, format!("{} must be false", recovery.name()));
        }
        self.check_availability(template)
    }

    /// Refuses a token key while the cluster has one HSM.
    pub fn check_availability(&self, object: &Template) -> Result {
        let is_checked = self.profile == Profile::Aws && self.checks_key_availability;
        if is_checked
            && object.bool(AttributeType::Token) == Some(true)
            && self.client.member_count() < AVAILABLE_ON
        {
            return failure(
                Rv::FUNCTION_FAILED,
                "the key must be available on at least 2 HSMs before being used; make another HSM, or set \
                 disable_key_availability_check",
            );
        }
        Ok(())
    }

    /// The most data that a signature or MAC takes.
    pub fn longest_input(&self, kind: MechanismType) -> usize {
        let longest = if self.profile == Profile::Aws { longest_data(kind) } else { None };
        let of_mechanism = if kind.is_stream() { usize::MAX } else { self.largest_data() };
        longest.unwrap_or(usize::MAX).min(of_mechanism)
    }

    /// The most data that one call of a cipher takes.
    pub fn longest_call(&self, kind: MechanismType, is_encryption: bool) -> usize {
        match longest_data(kind).filter(|_| self.profile == Profile::Aws) {
            Some(longest) if is_encryption => longest,
            Some(longest) => longest + OVERHEAD,
            None => LARGEST_CALL,
        }
    }
}

/// Whether a slot of this profile has a mechanism.
pub fn offers(profile: Profile, kind: MechanismType) -> bool {
    profile == Profile::Standard || kind.is_of_aws()
}

/// What of a mechanism's parameter is not the caller's to choose: in profile `aws` the place for GCM's IV is zeroed first.
pub fn prepare(profile: Profile, mechanism: &Mechanism) -> Result {
    match mechanism.iv_place {
        // SAFETY: the standard's caller passes a valid parameter, and this is called within that call.
        Some(place) if profile == Profile::Aws => unsafe {
            place.write(&[0; crate::mechanism::GCM_IV_LENGTH])
        },
        _ => Ok(()),
    }
}
