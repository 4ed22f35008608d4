//! Public-key algorithms.

use std::sync::Arc;

use strongroom_wire::MechanismType as M;
use strongroom_wire::messages::MechanismParameters;

use super::{Answer, hex};
use crate::arena::Arena;
use crate::ffi::{
    Curve, EcKey, Hash, ML_DSA_SEED_LENGTH, MU_LENGTH, MlDsaKey, MlDsaSet, MlKemKey, MlKemSet, RsaKey,
};
use crate::mechanisms::{self, Direction, KeyHandle, NO_PARAMETERS};
use crate::{Error, Result};

/// See `rsa/README.md`.
const RSA_KEY: &[u8] = include_bytes!("rsa/private_key.der");
const PKCS1_SIGNATURE: &[u8] = include_bytes!("rsa/pkcs1_sha256_signature.bin");
const PKCS1_CIPHERTEXT: &[u8] = include_bytes!("rsa/pkcs1_ciphertext.bin");
const PSS_SIGNATURE: &[u8] = include_bytes!("rsa/pss_sha256_signature.bin");
const OAEP_CIPHERTEXT: &[u8] = include_bytes!("rsa/oaep_sha512_ciphertext.bin");
/// See `ml_dsa/README.md`.
const ML_DSA_SIGNATURE: &[u8] = include_bytes!("ml_dsa/signature.bin");
/// See `ml_kem/README.md`.
const ML_KEM_CIPHERTEXT: &[u8] = include_bytes!("ml_kem/ciphertext.bin");

pub fn rsa_pkcs1() -> Result<Vec<Answer>> {
    let key = KeyHandle::rsa_private(RSA_KEY)?;
    let signature = mechanisms::sign(&key, M::Sha256RsaPkcs, None, b"abc")?;
    let verified = mechanisms::verify(&public()?, M::Sha256RsaPkcs, None, b"abc", PKCS1_SIGNATURE).is_ok();
    let plaintext = mechanisms::crypt(&key, Direction::Decrypt, M::RsaPkcs, None, PKCS1_CIPHERTEXT)?.data;
    Ok(vec![
        Answer::new(signature, PKCS1_SIGNATURE),
        Answer::new([u8::from(verified)], [1]),
        Answer::new(plaintext, *b"Hello World"),
    ])
}

pub fn rsa_pss() -> Result<Vec<Answer>> {
    let pss = MechanismParameters {
        hash: Some(M::Sha256.code()),
        mgf: Some(2),
        salt_length: Some(32),
        ..NO_PARAMETERS
    };
    let public = public()?;
    let signature =
        mechanisms::sign(&KeyHandle::rsa_private(RSA_KEY)?, M::Sha256RsaPkcsPss, Some(&pss), b"abc")?;
    let answers = [PSS_SIGNATURE, &signature].map(|signature| {
        let verified =
            mechanisms::verify(&public, M::Sha256RsaPkcsPss, Some(&pss), b"abc", signature).is_ok();
        Answer::new([u8::from(verified)], [1])
    });
    Ok(answers.into())
}

pub fn rsa_oaep() -> Result<Vec<Answer>> {
    let key = KeyHandle::rsa_private(RSA_KEY)?;
    let oaep = MechanismParameters {
        hash: Some(M::Sha512.code()),
        mgf: Some(4),
        label: Some(hex("00112233445566778899aabbccddeeff")),
        ..NO_PARAMETERS
    };
    let plaintext =
        mechanisms::crypt(&key, Direction::Decrypt, M::RsaPkcsOaep, Some(&oaep), OAEP_CIPHERTEXT)?.data;
    let again =
        mechanisms::crypt(&public()?, Direction::Encrypt, M::RsaPkcsOaep, Some(&oaep), &plaintext)?.data;
    let back = mechanisms::crypt(&key, Direction::Decrypt, M::RsaPkcsOaep, Some(&oaep), &again)?.data;
    Ok(vec![Answer::new(plaintext, *b"Hello World"), Answer::new(back, *b"Hello World")])
}

/// RFC 6979 appendix A.2.5: P-256 with SHA-256 over "sample", and a signature of our own.
pub fn ecdsa() -> Result<Vec<Answer>> {
    let scalar = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let point = hex(concat!(
        "04",
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    ));
    let known = hex(concat!(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    ));
    let private = EcKey::private(Curve::P256, &scalar)?;
    let computed_point = private.point()?;
    let public = KeyHandle::Ec(EcKey::public(Curve::P256, &point)?);
    let signature = mechanisms::sign(&KeyHandle::Ec(private), M::EcdsaSha256, None, b"sample")?;
    let mut answers = vec![Answer::new(computed_point, point)];
    for signature in [known, signature] {
        let verified = mechanisms::verify(&public, M::EcdsaSha256, None, b"sample", &signature).is_ok();
        answers.push(Answer::new([u8::from(verified)], [1]));
    }
    Ok(answers)
}

/// RFC 8032 section 7.1, test 2.
pub fn ed25519() -> Result<Vec<Answer>> {
    let key = ed25519_key("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")?;
    let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let known = hex(concat!(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ));
    let signature = mechanisms::sign(&key, M::Eddsa, None, &[0x72])?;
    let verified =
        mechanisms::verify(&KeyHandle::Ed25519Public(public), M::Eddsa, None, &[0x72], &known).is_ok();
    Ok(vec![Answer::new(signature, known), Answer::new([u8::from(verified)], [1])])
}

fn ed25519_key(seed: &str) -> Result<KeyHandle> {
    KeyHandle::ed25519(Arc::new(Arena::new(false).keep(&hex(seed))?))
}

fn public() -> Result<KeyHandle> {
    let private = RsaKey::from_der(RSA_KEY)?;
    Ok(KeyHandle::rsa_public(RsaKey::public(&private.modulus()?, &private.public_exponent()?)?))
}

/// RFC 8032 sections 7.2 (foo) and 7.3: Ed25519ctx and Ed25519ph.
pub fn ed25519_variants() -> Result<Vec<Answer>> {
    let with_context = MechanismParameters { context: Some(b"foo".to_vec()), ..NO_PARAMETERS };
    let pre_hashed = MechanismParameters { prehash: true, ..NO_PARAMETERS };
    let digest = mechanisms::digest(Hash::Sha512, b"abc")?;
    let message = hex("f726936d19c800494e3fdaff20b276a8");
    let known = [
        (
            "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
            "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
            (&with_context, message.as_slice()),
            concat!(
                "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a",
                "8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d"
            ),
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            (&pre_hashed, digest.as_ref()),
            concat!(
                "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41",
                "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
            ),
        ),
    ];
    let mut answers = Vec::new();
    for (seed, point, (given, data), signature) in known {
        let signed = mechanisms::sign(&ed25519_key(seed)?, M::Eddsa, Some(given), data)?;
        let public = KeyHandle::Ed25519Public(hex(point));
        let verified = mechanisms::verify(&public, M::Eddsa, Some(given), data, &hex(signature)).is_ok();
        answers.push(Answer::new(signed, hex(signature)));
        answers.push(Answer::new([u8::from(verified)], [1]));
    }
    Ok(answers)
}

/// A key from its seed, a known signature, and signatures of our own over a message and over mu. They are hedged, so that
/// they are not known beforehand.
pub fn ml_dsa() -> Result<Vec<Answer>> {
    let set = MlDsaSet::MlDsa44;
    let private = MlDsaKey::private(set, &[0x2a; ML_DSA_SEED_LENGTH])?;
    let public_key = private.public_key()?;
    let public = KeyHandle::MlDsa(MlDsaKey::public(set, &public_key)?);
    let private = KeyHandle::MlDsa(private);
    let known = hex("d87f8ca136ac1aa55e2d6c4521680efb3a378cbb9bc0bfb446e9c60893931ea3");
    let mut answers = vec![Answer::new(mechanisms::digest(Hash::Sha256, &public_key)?.as_ref(), known)];
    let message = &b"Hello world"[..];
    let deterministic = MechanismParameters { hedge: Some(2), ..NO_PARAMETERS };
    let same = mechanisms::sign(&private, M::MlDsa, Some(&deterministic), message)?;
    answers.push(Answer::new(same, ML_DSA_SIGNATURE));
    let signature = mechanisms::sign(&private, M::MlDsa, None, message)?;
    let over_mu = mechanisms::sign(&private, M::CloudhsmExtMuMlDsa, None, &[7; MU_LENGTH])?;
    for (mechanism, data, signature) in [
        (M::MlDsa, message, ML_DSA_SIGNATURE),
        (M::MlDsa, message, &signature),
        (M::CloudhsmExtMuMlDsa, &[7; MU_LENGTH], &over_mu),
    ] {
        let verified = mechanisms::verify(&public, mechanism, None, data, signature).is_ok();
        answers.push(Answer::new([u8::from(verified)], [1]));
    }
    Ok(answers)
}

/// A key from its seed, a known ciphertext, the same with an altered byte (implicit rejection), and one of our own.
pub fn ml_kem() -> Result<Vec<Answer>> {
    let set = MlKemSet::MlKem512;
    let seed = hex(concat!(
        "7c9935a0b07694aa0c6d10e4db6b1add2fd81a25ccb148032dcd739936737f2d",
        "8626ed79d451140800e03b59b956f8210e556067407d13dc90fa9e8b872bfb8f"
    ));
    let wrong = |_| Error::failed("a seed of another length");
    let private = MlKemKey::from_seed(set, seed.as_slice().try_into().map_err(wrong)?)?;
    let public_key = private.public_key()?;
    let public = KeyHandle::MlKem(MlKemKey::public(set, &public_key)?);
    let private = KeyHandle::MlKem(private);
    let known = hex("852523749efd2b78d1074e5de629060312cd9397933a19ddb7482cfda5e92614");
    let secret = hex("319839e82ab6b222de7b619e80da8391522bbb37677018494a4742c53f9abfdf");
    let mut altered = ML_KEM_CIPHERTEXT.to_vec();
    altered[0] ^= 1;
    let (own, ciphertext) = mechanisms::encapsulate(&public)?;
    Ok(vec![
        Answer::new(mechanisms::digest(Hash::Sha256, &public_key)?.as_ref(), known),
        Answer::new(mechanisms::decapsulate(&private, ML_KEM_CIPHERTEXT)?.to_vec(), secret.clone()),
        Answer::new([u8::from(*mechanisms::decapsulate(&private, &altered)? == secret)], [0]),
        Answer::new(mechanisms::decapsulate(&private, &ciphertext)?.to_vec(), own.to_vec()),
    ])
}
