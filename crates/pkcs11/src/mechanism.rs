//! Mechanisms: from `CK_MECHANISM` to what a request carries, and the facts about keys that tell result lengths.

use cryptoki_sys::{
    CK_AES_CTR_PARAMS, CK_BYTE, CK_CCM_PARAMS, CK_ECDH1_DERIVE_PARAMS, CK_EDDSA_PARAMS, CK_GCM_PARAMS,
    CK_HKDF_PARAMS, CK_MAC_GENERAL_PARAMS, CK_MECHANISM, CK_PKCS5_PBKD2_PARAMS2, CK_RSA_AES_KEY_WRAP_PARAMS,
    CK_RSA_PKCS_OAEP_PARAMS, CK_RSA_PKCS_PSS_PARAMS, CKF_HKDF_SALT_DATA, CKF_HKDF_SALT_NULL,
    CKZ_DATA_SPECIFIED, CKZ_SALT_SPECIFIED,
};
use strongroom_client::Profile;
use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS};
use strongroom_wire::tables::{Function, ParameterKind};
use strongroom_wire::{AttributeType, KeyKind, MechanismType, Rv, Secret, Template};

use crate::edge::{Failure, Result, bounded, failure, size, take};
use crate::profile::{check_parameters, key_derivation, offers};
use crate::{ml_dsa, sp800_108};

/// The IV that the HSM makes for GCM.
pub const GCM_IV_LENGTH: usize = 12;

/// The longest password that a key is made of, bytes.
const LONGEST_PASSWORD: usize = 64 * 1024;

/// A mechanism with its parameters, copied out of the caller's memory.
#[derive(Clone, Debug)]
pub struct Mechanism {
    /// Which one.
    pub kind: MechanismType,
    /// As the request carries them.
    pub parameters: Option<MechanismParameters>,
    /// Where `CKM_AES_GCM` and `CKM_AES_GMAC` want the IV that the HSM made.
    pub iv_place: Option<IvPlace>,
    /// What `CKM_PKCS5_PBKD2` makes a key of.
    pub password: Option<Secret>,
}

/// The caller's buffer for the IV. It must stay valid until the encryption is done: that is how AWS's library hands
/// the IV over (aws-cloudhsm.md 6.3).
#[derive(Clone, Copy, Debug)]
pub struct IvPlace(*mut CK_BYTE);

// SAFETY: the pointer is only written through, by the thread that calls C_Encrypt or C_WrapKey.
unsafe impl Send for IvPlace {}
// SAFETY: as above; a session's operations are behind a lock.
unsafe impl Sync for IvPlace {}

impl IvPlace {
    /// Hands the IV over.
    ///
    /// # Safety
    /// The buffer given to C_EncryptInit or C_WrapKey is still valid.
    pub unsafe fn write(self, iv: &[u8]) -> Result {
        if iv.len() != GCM_IV_LENGTH {
            return failure(Rv::DEVICE_ERROR, "the HSM gave no 12-byte IV");
        }
        // SAFETY: the buffer was checked to be that long, and is valid by this function's contract.
        unsafe { std::ptr::copy_nonoverlapping(iv.as_ptr(), self.0, iv.len()) };
        Ok(())
    }
}

impl Mechanism {
    /// Reads a mechanism for a function.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID` when it is unknown or cannot do that, `CKR_MECHANISM_PARAM_INVALID`.
    ///
    /// # Safety
    /// `mechanism` is null or valid, with a parameter as the standard says for it.
    pub unsafe fn read(mechanism: *const CK_MECHANISM, function: Function, profile: Profile) -> Result<Self> {
        // SAFETY: by this function's contract.
        let mechanism = unsafe { take(mechanism) }?;
        let kind = MechanismType::from_code(mechanism.mechanism)
            .filter(|kind| kind.functions().contains(&function) && offers(profile, *kind));
        let Some(kind) = kind else {
            return failure(Rv::MECHANISM_INVALID, format!("mechanism 0x{:x}", mechanism.mechanism));
        };
        let (mut iv_place, mut password) = (None, None);
        // SAFETY: by this function's contract, for all of the following.
        let parameters = unsafe {
            match kind.parameter_kind() {
                ParameterKind::None if mechanism.ulParameterLen == 0 => None,
                ParameterKind::None => return bad_parameter(),
                ParameterKind::Iv => Some(MechanismParameters {
                    iv: Some(read_iv(&mechanism, &[block_length(kind)])?),
                    ..NO_PARAMETERS
                }),
                ParameterKind::Ctr => Some(read_ctr(&mechanism)?),
                ParameterKind::Gcm => Some(read_gcm(&mechanism, &mut iv_place)?),
                ParameterKind::Ccm => Some(read_ccm(&mechanism)?),
                ParameterKind::MacLength => Some(read_mac_length(&mechanism)?),
                ParameterKind::Pss => Some(read_pss(&mechanism)?),
                ParameterKind::Oaep => Some(read_oaep(read_struct(&mechanism)?)?),
                ParameterKind::RsaAes => Some(read_rsa_aes(&mechanism)?),
                ParameterKind::WrapIv if mechanism.ulParameterLen == 0 => None,
                ParameterKind::WrapIv => {
                    Some(MechanismParameters { iv: Some(read_iv(&mechanism, &[4, 8])?), ..NO_PARAMETERS })
                }
                ParameterKind::Eddsa if mechanism.ulParameterLen == 0 => None,
                ParameterKind::Eddsa => read_eddsa(&mechanism, profile)?,
                ParameterKind::MlDsa if mechanism.ulParameterLen == 0 => None,
                ParameterKind::MlDsa => Some(ml_dsa::read(&mechanism)?),
                ParameterKind::HashMlDsa => Some(ml_dsa::read_hash(&mechanism)?),
                ParameterKind::Pbkdf2 => Some(read_pbkdf2(&mechanism, &mut password)?),
                ParameterKind::FeedbackKdf => Some(sp800_108::read_feedback(&mechanism)?),
                ParameterKind::Ecdh => Some(read_ecdh(&mechanism, profile)?),
                ParameterKind::Hkdf => Some(read_hkdf(&mechanism)?),
                ParameterKind::CounterKdf => Some(sp800_108::read_counter(kind, &mechanism)?),
            }
        };
        let read = Self { kind, parameters, iv_place, password };
        check_parameters(profile, &read)?;
        Ok(read)
    }
}

/// The kind of a key that is to be used with a mechanism.
///
/// # Errors
/// As [`key_kind`], `CKR_KEY_TYPE_INCONSISTENT` for a kind that it cannot use, `CKR_MECHANISM_INVALID` for a key that is
/// bound to others.
pub fn check_key(mechanism: MechanismType, attributes: &Template) -> Result<KeyKind> {
    let (kind, name) = (key_kind(attributes)?, mechanism.name());
    if !mechanism.key_kinds().contains(&kind) {
        return failure(Rv::KEY_TYPE_INCONSISTENT, format!("{name} does not go with this type of key"));
    }
    if !attributes.allows(mechanism) {
        return failure(Rv::MECHANISM_INVALID, format!("{name} is not among CKA_ALLOWED_MECHANISMS"));
    }
    Ok(kind)
}

/// `CKR_MECHANISM_PARAM_INVALID`.
pub(crate) fn bad_parameter<T>() -> Result<T> {
    failure(Rv::MECHANISM_PARAM_INVALID, "the mechanism's parameter is missing or has a wrong size or value")
}

/// The struct that a mechanism's parameter must be.
///
/// # Safety
/// The parameter is valid for its length.
pub(crate) unsafe fn read_struct<T: Copy>(mechanism: &CK_MECHANISM) -> Result<T> {
    if mechanism.pParameter.is_null() || mechanism.ulParameterLen as usize != size_of::<T>() {
        return bad_parameter();
    }
    // SAFETY: the length was checked.
    unsafe { take(mechanism.pParameter.cast::<T>()) }
}

/// None for pure Ed25519, which takes no context.
///
/// # Safety
/// The parameter is valid for its length, and its pointer for its.
unsafe fn read_eddsa(mechanism: &CK_MECHANISM, profile: Profile) -> Result<Option<MechanismParameters>> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_EDDSA_PARAMS>(mechanism) }?;
    // SAFETY: as above.
    let context = unsafe { bounded(parameters.pContextData, parameters.ulContextDataLen) }?;
    let prehash = parameters.phFlag != 0;
    if !prehash && context.is_empty() {
        if profile == Profile::Aws {
            return Ok(None); // there are no contexts
        }
        return failure(
            Rv::MECHANISM_PARAM_INVALID,
            "this would be Ed25519ctx without a context, which the crypto library does not have (RFC 8032 section 8.3); \
             for Ed25519 leave the parameter out",
        );
    }
    let context = (!context.is_empty()).then(|| context.to_vec());
    Ok(Some(MechanismParameters { prehash, context, ..NO_PARAMETERS }))
}

/// # Safety
/// The parameter is valid for its length.
unsafe fn read_iv(mechanism: &CK_MECHANISM, lengths: &[usize]) -> Result<Vec<u8>> {
    if mechanism.pParameter.is_null() || !lengths.contains(&size(mechanism.ulParameterLen)?) {
        return bad_parameter();
    }
    // SAFETY: by this function's contract.
    unsafe { bounded(mechanism.pParameter.cast(), mechanism.ulParameterLen) }.map(<[u8]>::to_vec)
}

/// # Safety
/// The parameter is valid for its length.
unsafe fn read_ctr(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_AES_CTR_PARAMS>(mechanism) }?;
    if !(1..=128).contains(&parameters.ulCounterBits) {
        return bad_parameter();
    }
    Ok(MechanismParameters {
        iv: Some(parameters.cb.to_vec()),
        counter_bits: Some(parameters.ulCounterBits),
        ..NO_PARAMETERS
    })
}

/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
unsafe fn read_gcm(mechanism: &CK_MECHANISM, iv_place: &mut Option<IvPlace>) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_GCM_PARAMS>(mechanism) }?;
    if parameters.ulTagBits % 8 != 0 || parameters.ulTagBits > 128 {
        return bad_parameter();
    }
    // SAFETY: by this function's contract.
    let aad = unsafe { bounded(parameters.pAAD, parameters.ulAADLen) }?;
    let mut iv = None;
    if !parameters.pIv.is_null() && parameters.ulIvLen > 0 {
        // SAFETY: by this function's contract.
        iv = Some(unsafe { bounded(parameters.pIv, parameters.ulIvLen) }?.to_vec());
        if size(parameters.ulIvLen)? >= GCM_IV_LENGTH {
            *iv_place = Some(IvPlace(parameters.pIv));
        }
    }
    Ok(MechanismParameters {
        iv,
        aad: Some(aad.to_vec()),
        tag_bits: Some(parameters.ulTagBits),
        ..NO_PARAMETERS
    })
}

/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
unsafe fn read_ccm(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_CCM_PARAMS>(mechanism) }?;
    if !(7..=13).contains(&parameters.ulNonceLen) || !(4..=16).contains(&parameters.ulMACLen) {
        return bad_parameter();
    }
    // SAFETY: by this function's contract.
    let (nonce, aad) = unsafe {
        (bounded(parameters.pNonce, parameters.ulNonceLen)?, bounded(parameters.pAAD, parameters.ulAADLen)?)
    };
    Ok(MechanismParameters {
        iv: Some(nonce.to_vec()),
        aad: Some(aad.to_vec()),
        tag_bits: Some(8 * parameters.ulMACLen),
        data_length: Some(parameters.ulDataLen),
        ..NO_PARAMETERS
    })
}

/// # Safety
/// The parameter is valid for its length.
unsafe fn read_mac_length(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let bytes = unsafe { read_struct::<CK_MAC_GENERAL_PARAMS>(mechanism) }?;
    let Some(tag_bits) = bytes.checked_mul(8) else { return bad_parameter() };
    Ok(MechanismParameters { tag_bits: Some(tag_bits), ..NO_PARAMETERS })
}

/// # Safety
/// The parameter is valid for its length.
unsafe fn read_pss(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_RSA_PKCS_PSS_PARAMS>(mechanism) }?;
    Ok(MechanismParameters {
        hash: Some(parameters.hashAlg),
        mgf: Some(parameters.mgf),
        salt_length: Some(parameters.sLen),
        ..NO_PARAMETERS
    })
}

/// # Safety
/// The pointer of the parameters is valid for its length.
unsafe fn read_oaep(parameters: CK_RSA_PKCS_OAEP_PARAMS) -> Result<MechanismParameters> {
    let has_label = parameters.ulSourceDataLen > 0;
    if has_label && parameters.source != CKZ_DATA_SPECIFIED {
        return bad_parameter();
    }
    // SAFETY: by this function's contract.
    let label = unsafe { bounded(parameters.pSourceData.cast(), parameters.ulSourceDataLen) }?;
    Ok(MechanismParameters {
        hash: Some(parameters.hashAlg),
        mgf: Some(parameters.mgf),
        label: has_label.then(|| label.to_vec()),
        ..NO_PARAMETERS
    })
}

/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
unsafe fn read_rsa_aes(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_RSA_AES_KEY_WRAP_PARAMS>(mechanism) }?;
    if parameters.pOAEPParams.is_null() {
        return bad_parameter();
    }
    // SAFETY: as above.
    let oaep = unsafe { read_oaep(take(parameters.pOAEPParams)?) }?;
    Ok(MechanismParameters { key_bits: Some(parameters.ulAESKeyBits), ..oaep })
}

/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
unsafe fn read_ecdh(mechanism: &CK_MECHANISM, profile: Profile) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_ECDH1_DERIVE_PARAMS>(mechanism) }?;
    // SAFETY: as above.
    let (shared, public) = unsafe {
        (
            bounded(parameters.pSharedData, parameters.ulSharedDataLen)?,
            bounded(parameters.pPublicData, parameters.ulPublicDataLen)?,
        )
    };
    Ok(MechanismParameters {
        kdf: Some(key_derivation(profile, parameters.kdf)?),
        public_data: Some(public.to_vec()),
        info: (!shared.is_empty()).then(|| shared.to_vec()),
        ..NO_PARAMETERS
    })
}

/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
unsafe fn read_pbkdf2(
    mechanism: &CK_MECHANISM,
    password: &mut Option<Secret>,
) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_PKCS5_PBKD2_PARAMS2>(mechanism) }?;
    // In the struct of PKCS #11 2.40 a pointer stands where the password's length is: no password is that long.
    let is_too_long = size(parameters.ulPasswordLen)? > LONGEST_PASSWORD;
    if parameters.saltSource != CKZ_SALT_SPECIFIED || parameters.ulPrfDataLen != 0 || is_too_long {
        return bad_parameter();
    }
    // SAFETY: by this function's contract.
    let (salt, given) = unsafe {
        (
            bounded(parameters.pSaltSourceData.cast(), parameters.ulSaltSourceDataLen)?,
            bounded(parameters.pPassword, parameters.ulPasswordLen)?,
        )
    };
    *password = Some(Secret::new(given.to_vec()));
    Ok(MechanismParameters {
        prf: Some(parameters.prf),
        salt: Some(salt.to_vec()),
        iterations: Some(parameters.iterations),
        ..NO_PARAMETERS
    })
}

/// A salt that is another key is refused: its bytes would have to come from a second object.
///
/// # Safety
/// The parameter is valid for its length, and its pointers for theirs.
unsafe fn read_hkdf(mechanism: &CK_MECHANISM) -> Result<MechanismParameters> {
    // SAFETY: by this function's contract.
    let parameters = unsafe { read_struct::<CK_HKDF_PARAMS>(mechanism) }?;
    let salt = match parameters.ulSaltType {
        CKF_HKDF_SALT_NULL => None,
        // SAFETY: by this function's contract.
        CKF_HKDF_SALT_DATA => Some(unsafe { bounded(parameters.pSalt, parameters.ulSaltLen) }?.to_vec()),
        _ => return bad_parameter(),
    };
    // SAFETY: by this function's contract.
    let info = unsafe { bounded(parameters.pInfo, parameters.ulInfoLen) }?;
    Ok(MechanismParameters {
        hash: Some(parameters.prfHashMechanism),
        extract: parameters.bExtract != 0,
        expand: parameters.bExpand != 0,
        salt,
        info: Some(info.to_vec()),
        ..NO_PARAMETERS
    })
}

/// The kind of a key.
///
/// # Errors
/// `CKR_KEY_HANDLE_INVALID` for an object that is no key, `CKR_KEY_TYPE_INCONSISTENT` for an unknown kind.
pub fn key_kind(attributes: &Template) -> Result<KeyKind> {
    let number = attributes.ulong(AttributeType::KeyType).ok_or(Failure::from(Rv::KEY_HANDLE_INVALID))?;
    KeyKind::from_key_type(number).ok_or_else(|| Rv::KEY_TYPE_INCONSISTENT.into())
}

/// The block of a cipher, bytes.
pub fn block_length(mechanism: MechanismType) -> usize {
    if mechanism.key_kinds().contains(&KeyKind::Des3) { 8 } else { 16 }
}

/// The length of an RSA key's modulus in bytes.
pub fn modulus_length(attributes: &Template) -> Result<usize> {
    let from_modulus = attributes.bytes(AttributeType::Modulus).map(<[u8]>::len);
    let from_bits = || {
        attributes.ulong(AttributeType::ModulusBits).and_then(|bits| usize::try_from(bits.div_ceil(8)).ok())
    };
    from_modulus.or_else(from_bits).ok_or_else(|| Rv::KEY_TYPE_INCONSISTENT.into())
}

/// The length of an element of an EC key's field in bytes, from its curve's object identifier.
pub fn field_length(attributes: &Template) -> Result<usize> {
    const CURVES: &[(&[u8], usize)] = &[
        (&[6, 5, 0x2b, 0x81, 4, 0, 0x21], 28),
        (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
        (&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], 32),
        (&[6, 5, 0x2b, 0x81, 4, 0, 0x22], 48),
        (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], 66),
    ];
    let curve = attributes.bytes(AttributeType::EcParams).unwrap_or(&[]);
    let known = CURVES.iter().find(|(identifier, _)| *identifier == curve);
    known.map(|(_, length)| *length).ok_or_else(|| Rv::KEY_TYPE_INCONSISTENT.into())
}
