//! Parameters of mechanisms.

use std::any::Any;
use std::ptr;

use cryptoki_sys as p11;

/// Iterations of PBKDF2, few enough that calls come many to a second.
const ITERATIONS: p11::CK_ULONG = 1000;
const PASSWORD: &[u8; 12] = b"a pass phras";
/// Bytes of a MAC that is cut off.
const MAC_LENGTH: p11::CK_MAC_GENERAL_PARAMS = 8;

/// A mechanism's parameter, with all that it points to.
pub struct Parameter {
    place: *mut std::ffi::c_void,
    length: p11::CK_ULONG,
    _parts: Vec<Box<dyn Any>>,
}

// SAFETY: what it points to is its own, on the heap, and used by whoever has it.
unsafe impl Send for Parameter {}

impl Parameter {
    /// None at all.
    pub fn none() -> Self {
        Self { place: ptr::null_mut(), length: 0, _parts: vec![] }
    }

    /// A structure that points into the other parts.
    fn of<T: 'static>(structure: T, mut parts: Vec<Box<dyn Any>>) -> Self {
        let mut structure = Box::new(structure);
        let place = (&raw mut *structure).cast();
        parts.push(structure);
        Self { place, length: size_of::<T>() as p11::CK_ULONG, _parts: parts }
    }

    /// By its name in [`crate::mechanisms::Use`]; `public` is the point of the other side of an agreement.
    pub fn named(name: &str, bytes: usize, public: &[u8]) -> Result<Self, String> {
        Ok(match name {
            "none" => Self::none(),
            "iv8" => Self::of([0x5a_u8; 8], vec![]),
            "iv16" => Self::of([0x5a_u8; 16], vec![]),
            "ctr" => Self::of(p11::CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: [0x5a; 16] }, vec![]),
            "gcm" => {
                let mut iv = Box::new([0_u8; 12]);
                Self::of(gcm(&mut iv), vec![iv])
            }
            "own-iv" => {
                Self::of(p11::CK_GCM_PARAMS { pIv: ptr::null_mut(), ulIvLen: 0, ..gcm(&mut [0; 12]) }, vec![])
            }
            "ccm" => {
                let mut nonce = Box::new([0x5a_u8; 12]);
                let structure = p11::CK_CCM_PARAMS {
                    ulDataLen: bytes as p11::CK_ULONG,
                    pNonce: nonce.as_mut_ptr(),
                    ulNonceLen: 12,
                    pAAD: ptr::null_mut(),
                    ulAADLen: 0,
                    ulMACLen: 16,
                };
                Self::of(structure, vec![nonce])
            }
            "oaep" => Self::of(oaep(), vec![]),
            "rsa-aes" => {
                let mut inner = Box::new(oaep());
                let structure =
                    p11::CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, pOAEPParams: &raw mut *inner };
                Self::of(structure, vec![inner])
            }
            "ecdh" => {
                let mut point = Box::new(public.to_vec());
                let structure = p11::CK_ECDH1_DERIVE_PARAMS {
                    kdf: p11::CKD_NULL,
                    ulSharedDataLen: 0,
                    pSharedData: ptr::null_mut(),
                    ulPublicDataLen: point.len() as p11::CK_ULONG,
                    pPublicData: point.as_mut_ptr(),
                };
                Self::of(structure, vec![point])
            }
            "hkdf" => {
                let mut info = Box::new(*b"what for");
                let structure = p11::CK_HKDF_PARAMS {
                    bExtract: p11::CK_TRUE,
                    bExpand: p11::CK_TRUE,
                    prfHashMechanism: p11::CKM_SHA256,
                    ulSaltType: p11::CKF_HKDF_SALT_NULL,
                    pSalt: ptr::null_mut(),
                    ulSaltLen: 0,
                    hSaltKey: 0,
                    pInfo: info.as_mut_ptr(),
                    ulInfoLen: info.len() as p11::CK_ULONG,
                };
                Self::of(structure, vec![info])
            }
            "mac-length" => Self::of(MAC_LENGTH, vec![]),
            "deterministic" => Self::of(
                p11::CK_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: p11::CKH_DETERMINISTIC_REQUIRED,
                    pContext: ptr::null_mut(),
                    ulContextLen: 0,
                },
                vec![],
            ),
            "sha256-digest" => Self::of(
                p11::CK_HASH_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: p11::CKH_HEDGE_PREFERRED,
                    pContext: ptr::null_mut(),
                    ulContextLen: 0,
                    hash: p11::CKM_SHA256,
                },
                vec![],
            ),
            "counter-kdf" => {
                let (mut inputs, mut parts) = kdf_inputs(true);
                let structure = p11::CK_SP800_108_KDF_PARAMS {
                    prfType: p11::CKM_SHA256_HMAC,
                    ulNumberOfDataParams: inputs.len() as p11::CK_ULONG,
                    pDataParams: inputs.as_mut_ptr(),
                    ulAdditionalDerivedKeys: 0,
                    pAdditionalDerivedKeys: ptr::null_mut(),
                };
                parts.push(inputs);
                Self::of(structure, parts)
            }
            "feedback-kdf" => {
                let (mut inputs, mut parts) = kdf_inputs(false);
                let structure = p11::CK_SP800_108_FEEDBACK_KDF_PARAMS {
                    prfType: p11::CKM_SHA256_HMAC,
                    ulNumberOfDataParams: inputs.len() as p11::CK_ULONG,
                    pDataParams: inputs.as_mut_ptr(),
                    ulIVLen: 0,
                    pIV: ptr::null_mut(),
                    ulAdditionalDerivedKeys: 0,
                    pAdditionalDerivedKeys: ptr::null_mut(),
                };
                parts.push(inputs);
                Self::of(structure, parts)
            }
            "pbkdf2" => {
                let mut salt = Box::new([0x5a_u8; 16]);
                let mut password = Box::new(*PASSWORD);
                let structure = p11::CK_PKCS5_PBKD2_PARAMS2 {
                    saltSource: p11::CKZ_SALT_SPECIFIED,
                    pSaltSourceData: salt.as_mut_ptr().cast(),
                    ulSaltSourceDataLen: salt.len() as p11::CK_ULONG,
                    iterations: ITERATIONS,
                    prf: p11::CKP_PKCS5_PBKD2_HMAC_SHA256,
                    pPrfData: ptr::null_mut(),
                    ulPrfDataLen: 0,
                    pPassword: password.as_mut_ptr(),
                    ulPasswordLen: password.len() as p11::CK_ULONG,
                };
                Self::of(structure, vec![salt, password])
            }
            "cloudhsm-counter-kdf" => {
                let (mut inputs, mut parts) = cloudhsm_kdf_inputs();
                let structure = CloudhsmKdf {
                    prf: p11::CKM_SHA256_HMAC,
                    count: inputs.len() as p11::CK_ULONG,
                    inputs: inputs.as_mut_ptr(),
                };
                parts.push(inputs);
                Self::of(structure, parts)
            }
            other => match other.strip_prefix("pss-").and_then(pss) {
                Some(structure) => Self::of(structure, vec![]),
                None => return Err(format!("{other:?} is no parameter")),
            },
        })
    }

    /// For a call.
    pub fn mechanism(&self, mechanism: p11::CK_MECHANISM_TYPE) -> p11::CK_MECHANISM {
        p11::CK_MECHANISM { mechanism, pParameter: self.place, ulParameterLen: self.length }
    }
}

/// PSS with one hash for the data and the mask, and a salt of its length.
fn pss(hash: &str) -> Option<p11::CK_RSA_PKCS_PSS_PARAMS> {
    let (hash, mgf, length) = match hash {
        "sha1" => (p11::CKM_SHA_1, p11::CKG_MGF1_SHA1, 20),
        "sha224" => (p11::CKM_SHA224, p11::CKG_MGF1_SHA224, 28),
        "sha256" => (p11::CKM_SHA256, p11::CKG_MGF1_SHA256, 32),
        "sha384" => (p11::CKM_SHA384, p11::CKG_MGF1_SHA384, 48),
        "sha512" => (p11::CKM_SHA512, p11::CKG_MGF1_SHA512, 64),
        "sha3_224" => (p11::CKM_SHA3_224, p11::CKG_MGF1_SHA3_224, 28),
        "sha3_256" => (p11::CKM_SHA3_256, p11::CKG_MGF1_SHA3_256, 32),
        "sha3_384" => (p11::CKM_SHA3_384, p11::CKG_MGF1_SHA3_384, 48),
        "sha3_512" => (p11::CKM_SHA3_512, p11::CKG_MGF1_SHA3_512, 64),
        _ => return None,
    };
    Some(p11::CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: length })
}

fn oaep() -> p11::CK_RSA_PKCS_OAEP_PARAMS {
    p11::CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: p11::CKM_SHA256,
        mgf: p11::CKG_MGF1_SHA256,
        source: p11::CKZ_DATA_SPECIFIED,
        pSourceData: ptr::null_mut(),
        ulSourceDataLen: 0,
    }
}

/// AES-GCM with a tag of 128 bits; on CloudHSM the HSM makes the IV and writes it there, SoftHSM2 uses what is there.
pub fn gcm(iv: &mut [u8; 12]) -> p11::CK_GCM_PARAMS {
    p11::CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: ptr::null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    }
}

/// `CK_CLOUDHSM_SP800_108_KDF_PARAMS` (`cloudhsm_vendor.h`).
#[repr(C)]
struct CloudhsmKdf {
    prf: p11::CK_ULONG,
    count: p11::CK_ULONG,
    inputs: *mut p11::CK_PRF_DATA_PARAM,
}

/// What AWS's mechanism hashes: the counter of 32 bits, then a label. With what they point to.
fn cloudhsm_kdf_inputs() -> (Box<[p11::CK_PRF_DATA_PARAM; 2]>, Vec<Box<dyn Any>>) {
    const COUNTER: p11::CK_ULONG = 4;
    const BYTES: p11::CK_ULONG = 8;
    let (mut bits, mut label) = (Box::new(32 as p11::CK_ULONG), Box::new(*b"what for"));
    let input = |kind, value: *mut std::ffi::c_void, length: usize| p11::CK_PRF_DATA_PARAM {
        type_: kind,
        pValue: value,
        ulValueLen: length as p11::CK_ULONG,
    };
    let inputs = Box::new([
        input(COUNTER, (&raw mut *bits).cast(), size_of::<p11::CK_ULONG>()),
        input(BYTES, label.as_mut_ptr().cast(), label.len()),
    ]);
    (inputs, vec![bits, label])
}

/// What SP 800-108 hashes: the counter of 32 bits or, in feedback mode, what came last; then a label. With what they point to.
fn kdf_inputs(counts: bool) -> (Box<[p11::CK_PRF_DATA_PARAM; 2]>, Vec<Box<dyn Any>>) {
    let mut format =
        Box::new(p11::CK_SP800_108_COUNTER_FORMAT { bLittleEndian: p11::CK_FALSE, ulWidthInBits: 32 });
    let mut label = Box::new(*b"what for");
    let (place, length) = if counts {
        ((&raw mut *format).cast(), size_of::<p11::CK_SP800_108_COUNTER_FORMAT>())
    } else {
        (ptr::null_mut(), 0)
    };
    let inputs = Box::new([
        p11::CK_PRF_DATA_PARAM {
            type_: p11::CK_SP800_108_ITERATION_VARIABLE,
            pValue: place,
            ulValueLen: length as p11::CK_ULONG,
        },
        p11::CK_PRF_DATA_PARAM {
            type_: p11::CK_SP800_108_BYTE_ARRAY,
            pValue: label.as_mut_ptr().cast(),
            ulValueLen: label.len() as p11::CK_ULONG,
        },
    ]);
    (inputs, vec![format, label])
}
