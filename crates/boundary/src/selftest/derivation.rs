//! Key agreement and key derivation.

use std::sync::Arc;

use strongroom_wire::MechanismType as M;
use strongroom_wire::codec::List;
use strongroom_wire::messages::{MechanismParameters, PrfInput};

use super::{Answer, aes, hex};
use crate::Result;
use crate::arena::Arena;
use crate::ffi::{Curve, EcKey, Hash};
use crate::mechanisms::{self, KeyHandle, NO_PARAMETERS};

/// NIST CAVP, ECC CDH primitive (SP 800-56A section 5.7.1.2), P-256, count 0.
pub fn ecdh() -> Result<Vec<Answer>> {
    let scalar = hex("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
    let other = hex(concat!(
        "04",
        "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287",
        "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"
    ));
    let key = KeyHandle::Ec(EcKey::private(Curve::P256, &scalar)?);
    let given =
        MechanismParameters { kdf: Some(mechanisms::CKD_NULL), public_data: Some(other), ..NO_PARAMETERS };
    let shared = mechanisms::derive(&key, M::Ecdh1Derive, Some(&given), None)?;
    let known = hex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
    Ok(vec![Answer::new(shared.as_slice(), known)])
}

/// RFC 7748 section 5.2, the first vector of X25519.
pub fn x25519() -> Result<Vec<Answer>> {
    let number = hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    let other = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    let key = KeyHandle::X25519(Arc::new(Arena::new(false).keep(&number)?));
    let given =
        MechanismParameters { kdf: Some(mechanisms::CKD_NULL), public_data: Some(other), ..NO_PARAMETERS };
    let shared = mechanisms::derive(&key, M::Ecdh1Derive, Some(&given), None)?;
    let known = hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    Ok(vec![Answer::new(shared.as_slice(), known)])
}

/// NIST CAVP, ANS X9.63-2001, SHA-256, count 0.
pub fn x963_kdf() -> Result<Vec<Answer>> {
    let shared = hex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
    let derived = mechanisms::x963(Hash::Sha256, &shared, b"", 16)?;
    Ok(vec![Answer::new(derived.as_slice(), hex("443024c3dae66b95e6f5670601558f71"))])
}

/// The one-step function of SP 800-56C over the same secret, by OpenSSL.
pub fn one_step_kdf() -> Result<Vec<Answer>> {
    let shared = hex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
    let derived = mechanisms::one_step(Hash::Sha256, &shared, b"info", 32)?;
    let known = hex("d99e4b6cd44f693a1d985647c1c72a0beea8d845f1aedf8de4c40c9f00b759a7");
    Ok(vec![Answer::new(derived.as_slice(), known)])
}

/// RFC 5869 appendix A.1.
pub fn hkdf() -> Result<Vec<Answer>> {
    let key = KeyHandle::secret(Arc::new(Arena::new(false).keep(&[0x0b; 22])?));
    let extracting = MechanismParameters {
        hash: Some(M::Sha256.code()),
        extract: true,
        salt: Some(hex("000102030405060708090a0b0c")),
        ..NO_PARAMETERS
    };
    let pseudo_random = mechanisms::derive(&key, M::HkdfDerive, Some(&extracting), None)?;
    let both = MechanismParameters { expand: true, info: Some(hex("f0f1f2f3f4f5f6f7f8f9")), ..extracting };
    let derived = mechanisms::derive(&key, M::HkdfDerive, Some(&both), Some(42))?;
    let known =
        concat!("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf", "34007208d5b887185865");
    Ok(vec![
        Answer::new(
            pseudo_random.as_slice(),
            hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
        ),
        Answer::new(derived.as_slice(), hex(known)),
    ])
}

/// NIST CAVP, KBKDF in counter mode, the counter before the fixed input: HMAC-SHA-256 with 32 bits and AES-128-CMAC with
/// 8 bits, count 0 each.
pub fn counter_kdf() -> Result<Vec<Answer>> {
    let secret = hex("dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0");
    let known = [
        (
            KeyHandle::secret(Arc::new(Arena::new(false).keep(&secret)?)),
            (M::Sha256Hmac, 32),
            concat!(
                "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b864a145fab25e517b08f8683d0315bb29",
                "11d80a0e8aba17f3b413faac"
            ),
            "10621342bfb0fd40046c0e29f2cfdbf0",
        ),
        (
            aes(&hex("dff1e50ac0b69dc40f1051d46c2b069c"))?,
            (M::AesCmac, 8),
            concat!(
                "c16e6e02c5a3dcc8d78b9ac1306877761310455b4e41469951d9e6c2245a064b33fd8c3b01203a7824485bf0a64060c4",
                "648b707d2607935699316ea5"
            ),
            "8be8f0869b3c0ba97b71863d1b9f7813",
        ),
    ];
    known
        .into_iter()
        .map(|(key, (prf, bits), fixed, digits)| {
            let counter =
                PrfInput { bytes: None, bits: Some(bits), little_endian: false, length_method: None };
            let fixed = PrfInput { bytes: Some(hex(fixed)), bits: None, ..counter.clone() };
            let given = MechanismParameters {
                prf: Some(prf.code()),
                prf_inputs: List(vec![counter, fixed]),
                ..NO_PARAMETERS
            };
            let derived = mechanisms::derive(&key, M::Sp800108CounterKdf, Some(&given), Some(16))?;
            Ok(Answer::new(derived.as_slice(), hex(digits)))
        })
        .collect()
}

/// Feedback mode with HMAC-SHA-256 and a counter of 32 bits, by OpenSSL.
pub fn feedback_kdf() -> Result<Vec<Answer>> {
    let secret = hex("dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0");
    let key = KeyHandle::secret(Arc::new(Arena::new(false).keep(&secret)?));
    let last = PrfInput { bytes: None, bits: None, little_endian: false, length_method: None };
    let counter = PrfInput { bits: Some(32), ..last.clone() };
    let fixed = PrfInput { bytes: Some(b"label\0context".to_vec()), ..last.clone() };
    let length = PrfInput { bits: Some(32), length_method: Some(1), ..last.clone() };
    let given = MechanismParameters {
        prf: Some(M::Sha256Hmac.code()),
        prf_inputs: List(vec![last, counter, fixed, length]),
        iv: Some(vec![0xAB; 32]),
        ..NO_PARAMETERS
    };
    let derived = mechanisms::derive(&key, M::Sp800108FeedbackKdf, Some(&given), Some(48))?;
    let known = hex(concat!(
        "934cea0bbbc13172409060f8ab425f6d67d0d615eefbb17c2ca8fd30303fb034",
        "879b933fa017c8d61e6902461aa0517b"
    ));
    Ok(vec![Answer::new(derived.as_slice(), known)])
}

/// RFC 7914 section 11: PBKDF2 with HMAC-SHA-256.
pub fn pbkdf2() -> Result<Vec<Answer>> {
    let given = MechanismParameters {
        prf: Some(4),
        salt: Some(b"salt".to_vec()),
        iterations: Some(1),
        ..NO_PARAMETERS
    };
    let derived = mechanisms::key_from_password(b"passwd", Some(&given), 64, false)?;
    let known = concat!(
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
    );
    Ok(vec![Answer::new(derived.as_slice(), hex(known))])
}
