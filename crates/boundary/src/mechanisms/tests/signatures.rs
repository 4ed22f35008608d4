//! Signatures and encryption with key pairs.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType as M, Rv};

use super::super::{Direction, crypt, digest, rsa_pkcs1, sign, verify};
use super::*;
use crate::ffi::{Curve, EcKey, Hash, RsaKey};

/// See `selftest/rsa/README.md`.
const RSA_KEY: &[u8] = include_bytes!("../../selftest/rsa/private_key.der");
const HASHES: [(&str, Hash, M, u64); 5] = [
    ("SHA1", Hash::Sha1, M::Sha1, 1),
    ("SHA224", Hash::Sha224, M::Sha224, 5),
    ("SHA256", Hash::Sha256, M::Sha256, 2),
    ("SHA384", Hash::Sha384, M::Sha384, 3),
    ("SHA512", Hash::Sha512, M::Sha512, 4),
];
const PKCS1: [M; 5] =
    [M::Sha1RsaPkcs, M::Sha224RsaPkcs, M::Sha256RsaPkcs, M::Sha384RsaPkcs, M::Sha512RsaPkcs];
const PSS: [M; 5] =
    [M::Sha1RsaPkcsPss, M::Sha224RsaPkcsPss, M::Sha256RsaPkcsPss, M::Sha384RsaPkcsPss, M::Sha512RsaPkcsPss];
const ECDSA: [M; 5] = [M::EcdsaSha1, M::EcdsaSha224, M::EcdsaSha256, M::EcdsaSha384, M::EcdsaSha512];

pub fn private() -> KeyHandle {
    KeyHandle::rsa_private(RSA_KEY).unwrap()
}

pub fn public() -> KeyHandle {
    let key = RsaKey::from_der(RSA_KEY).unwrap();
    KeyHandle::rsa_public(RsaKey::public(&key.modulus().unwrap(), &key.public_exponent().unwrap()).unwrap())
}

pub fn pss(hash: usize, mgf: usize, salt_length: u64) -> MechanismParameters {
    MechanismParameters {
        hash: Some(HASHES[hash].2.code()),
        mgf: Some(HASHES[mgf].3),
        salt_length: Some(salt_length),
        ..NO_PARAMETERS
    }
}

fn hash_index(vector: &Vector) -> usize {
    HASHES.iter().position(|(name, ..)| *name == vector.text("hash")).unwrap()
}

#[test]
fn rsa_signatures_verify_as_the_vectors_say() {
    for vector in vectors(include_str!("vectors/rsa_pkcs1.txt")) {
        let hash = hash_index(&vector);
        let (data, signature) = (vector.bytes("data"), vector.bytes("signature"));
        let key = KeyHandle::rsa_public(RsaKey::public(&vector.bytes("n"), &vector.bytes("e")).unwrap());
        let expected = if vector.text("valid") == "1" { Ok(()) } else { Err(Rv::SIGNATURE_INVALID) };
        assert_eq!(verify(&key, PKCS1[hash], None, &data, &signature).map_err(|error| error.rv), expected);
        // What a client sends for the same: the DigestInfo, to be signed raw.
        let info = rsa_pkcs1::digest_info(HASHES[hash].1, digest(HASHES[hash].1, &data).unwrap().as_ref());
        assert_eq!(verify(&key, M::RsaPkcs, None, &info, &signature).map_err(|error| error.rv), expected);
    }
    for vector in vectors(include_str!("vectors/rsa_pss.txt")) {
        let hash = hash_index(&vector);
        let (data, signature) = (vector.bytes("data"), vector.bytes("signature"));
        let key = KeyHandle::rsa_public(RsaKey::public(&vector.bytes("n"), &vector.bytes("e")).unwrap());
        let parameters = pss(hash, hash, vector.text("salt").parse().unwrap());
        let expected = if vector.text("valid") == "1" { Ok(()) } else { Err(Rv::SIGNATURE_INVALID) };
        assert_eq!(
            verify(&key, PSS[hash], Some(&parameters), &data, &signature).map_err(|error| error.rv),
            expected
        );
        let digest = digest(HASHES[hash].1, &data).unwrap();
        let raw = verify(&key, M::RsaPkcsPss, Some(&parameters), digest.as_ref(), &signature);
        assert_eq!(raw.map_err(|error| error.rv), expected);
    }
}

#[test]
fn pkcs1_signs_any_data_that_fits() {
    let (private, public) = (private(), public());
    for length in [0, 1, 20, 83, 245] {
        let signature = sign(&private, M::RsaPkcs, None, &vec![7; length]).unwrap();
        verify(&public, M::RsaPkcs, None, &vec![7; length], &signature).unwrap();
    }
    assert_eq!(sign(&private, M::RsaPkcs, None, &[7; 246]).unwrap_err().rv, Rv::DATA_LEN_RANGE);
    assert_eq!(verify(&public, M::RsaPkcs, None, b"d", &[0; 255]).unwrap_err().rv, Rv::SIGNATURE_LEN_RANGE);
}

#[test]
fn pss_takes_every_hash_mgf_and_salt_that_fits() {
    let (private, public) = (private(), public());
    for (hash, mgf, salt) in [(0, 2, 0), (1, 1, 28), (2, 0, 222), (3, 4, 7), (4, 3, 64)] {
        let parameters = pss(hash, mgf, salt);
        let signature = sign(&private, PSS[hash], Some(&parameters), b"data").unwrap();
        verify(&public, PSS[hash], Some(&parameters), b"data", &signature).unwrap();
        let other = pss(hash, mgf, salt + 1);
        let refused = verify(&public, PSS[hash], Some(&other), b"data", &signature).unwrap_err();
        assert!(matches!(refused.rv, Rv::SIGNATURE_INVALID | Rv::MECHANISM_PARAM_INVALID));
    }
}

#[test]
fn pss_refuses_wrong_parameters_and_digests() {
    let private = private();
    let wrong = [
        pss(2, 2, 223),
        pss(1, 1, 20),
        MechanismParameters { salt_length: None, ..pss(2, 2, 0) },
        MechanismParameters { mgf: Some(10), ..pss(2, 2, 0) },
        MechanismParameters { hash: Some(M::RsaPkcs.code()), ..pss(2, 2, 0) },
        NO_PARAMETERS,
    ];
    for parameters in &wrong {
        let refused = sign(&private, M::Sha256RsaPkcsPss, Some(parameters), b"data").unwrap_err();
        assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    }
    assert_eq!(sign(&private, M::RsaPkcsPss, None, b"data").unwrap_err().rv, Rv::MECHANISM_PARAM_INVALID);
    let refused = sign(&private, M::RsaPkcsPss, Some(&pss(2, 2, 32)), &[0; 31]).unwrap_err();
    assert_eq!(refused.rv, Rv::DATA_LEN_RANGE);
}

#[test]
fn oaep_works_with_every_hash_and_label() {
    let (private, public) = (private(), public());
    for (_, hash, mechanism, mgf) in HASHES {
        let label = Some(vec![1, 2, 3]);
        let oaep =
            MechanismParameters { hash: Some(mechanism.code()), mgf: Some(mgf), label, ..NO_PARAMETERS };
        let longest = vec![9; 256 - 2 * hash.length() - 2];
        let cipher = crypt(&public, Direction::Encrypt, M::RsaPkcsOaep, Some(&oaep), &longest).unwrap().data;
        let back = crypt(&private, Direction::Decrypt, M::RsaPkcsOaep, Some(&oaep), &cipher).unwrap().data;
        assert_eq!(back, longest);
        let other = MechanismParameters { label: None, ..oaep.clone() };
        let refused = crypt(&private, Direction::Decrypt, M::RsaPkcsOaep, Some(&other), &cipher).unwrap_err();
        assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_INVALID);
        let refused =
            crypt(&public, Direction::Encrypt, M::RsaPkcsOaep, Some(&oaep), &[&longest[..], b"x"].concat());
        assert_eq!(refused.unwrap_err().rv, Rv::DATA_LEN_RANGE);
        let mixed = MechanismParameters { mgf: Some(mgf % 5 + 1), ..oaep };
        let refused = crypt(&public, Direction::Encrypt, M::RsaPkcsOaep, Some(&mixed), b"d").unwrap_err();
        assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    }
}

#[test]
fn failed_rsa_decryptions_tell_nothing_of_the_padding() {
    let (private, public) = (private(), public());
    let cipher = crypt(&public, Direction::Encrypt, M::RsaPkcs, None, b"secret").unwrap().data;
    assert_eq!(crypt(&private, Direction::Decrypt, M::RsaPkcs, None, &cipher).unwrap().data, b"secret");
    for byte in [1, 100, 255] {
        let mut altered = cipher.clone();
        altered[byte] ^= 1;
        let found = crypt(&private, Direction::Decrypt, M::RsaPkcs, None, &altered).unwrap().data;
        assert_ne!(found, b"secret");
        assert_eq!(crypt(&private, Direction::Decrypt, M::RsaPkcs, None, &altered).unwrap().data, found);
    }
    let short = crypt(&private, Direction::Decrypt, M::RsaPkcs, None, &cipher[1..]).unwrap_err();
    assert_eq!(short.rv, Rv::ENCRYPTED_DATA_LEN_RANGE);
    let large = crypt(&private, Direction::Decrypt, M::RsaPkcs, None, &[0xFF; 256]).unwrap_err();
    assert_eq!(large.rv, Rv::ENCRYPTED_DATA_INVALID); // not below the modulus: says nothing of a padding
}

#[test]
fn raw_rsa_is_the_bare_function_over_numbers_below_the_modulus() {
    let (private, public) = (private(), public());
    let modulus = RsaKey::from_der(RSA_KEY).unwrap().modulus().unwrap();
    // A block that is padded by hand is what the padding mechanisms make.
    let padded = [&[0, 1][..], &[0xFF; 243], &[0], b"ten bytes!"].concat();
    let signature = sign(&private, M::RsaX509, None, &padded).unwrap();
    assert_eq!(signature, sign(&private, M::RsaPkcs, None, b"ten bytes!").unwrap());
    for data in [&padded[1..], b"\x02", b"\0\0short", b"short"] {
        let signature = sign(&private, M::RsaX509, None, data).unwrap();
        verify(&public, M::RsaX509, None, data, &signature).unwrap();
        let cipher = crypt(&public, Direction::Encrypt, M::RsaX509, None, data).unwrap().data;
        let plain = crypt(&private, Direction::Decrypt, M::RsaX509, None, &cipher).unwrap().data;
        assert_eq!(plain, [&vec![0; 256 - data.len()], data].concat());
    }
    let mut largest = modulus.clone();
    largest[255] -= 1; // the modulus is odd
    for (data, expected) in [
        (modulus, Rv::DATA_INVALID),
        (largest.clone(), Rv::DATA_INVALID),
        (vec![], Rv::DATA_INVALID),
        (vec![1], Rv::DATA_INVALID),
        (vec![0; 257], Rv::DATA_LEN_RANGE),
    ] {
        assert_eq!(sign(&private, M::RsaX509, None, &data).unwrap_err().rv, expected);
        assert_eq!(verify(&public, M::RsaX509, None, &data, &signature).unwrap_err().rv, expected);
        let refused = crypt(&public, Direction::Encrypt, M::RsaX509, None, &data).unwrap_err();
        assert_eq!(refused.rv, expected);
    }
    largest[254] ^= 1;
    largest[253] = 0;
    assert!(sign(&private, M::RsaX509, None, &largest).is_ok());
}

#[test]
fn raw_rsa_refuses_wrong_signatures_and_ciphertexts() {
    let (private, public) = (private(), public());
    let signature = sign(&private, M::RsaX509, None, b"data").unwrap();
    let mut altered = signature.clone();
    altered[9] ^= 1;
    for wrong in [&altered[..], &[0xFF; 256]] {
        let refused = verify(&public, M::RsaX509, None, b"data", wrong).unwrap_err();
        assert_eq!(refused.rv, Rv::SIGNATURE_INVALID);
    }
    let short = verify(&public, M::RsaX509, None, b"data", &signature[1..]).unwrap_err();
    assert_eq!(short.rv, Rv::SIGNATURE_LEN_RANGE);
    let short = crypt(&private, Direction::Decrypt, M::RsaX509, None, &[0; 255]).unwrap_err();
    assert_eq!(short.rv, Rv::ENCRYPTED_DATA_LEN_RANGE);
    let large = crypt(&private, Direction::Decrypt, M::RsaX509, None, &[0xFF; 256]).unwrap_err();
    assert_eq!(large.rv, Rv::ENCRYPTED_DATA_INVALID);
}

#[test]
fn ecdsa_signatures_verify_as_the_vectors_say() {
    for vector in vectors(include_str!("vectors/ecdsa.txt")) {
        let curve = match vector.text("curve") {
            "P-224" => Curve::P224,
            "P-256" => Curve::P256,
            "P-384" => Curve::P384,
            "P-521" => Curve::P521,
            _ => Curve::Secp256k1,
        };
        let padded = |name: &str| {
            let bytes = vector.bytes(name);
            [vec![0; curve.length().saturating_sub(bytes.len())], bytes].concat()
        };
        let key = match EcKey::public(curve, &[vec![4], padded("x"), padded("y")].concat()) {
            Ok(key) => KeyHandle::Ec(key),
            Err(_) if vector.text("valid") == "0" => continue, // Q changed: not on the curve
            Err(error) => panic!("{error:?}"),
        };
        let (hash, data) = (hash_index(&vector), vector.bytes("data"));
        let signature = [padded("r"), padded("s")].concat();
        let expected = if vector.text("valid") == "1" { Ok(()) } else { Err(Rv::SIGNATURE_INVALID) };
        assert_eq!(verify(&key, ECDSA[hash], None, &data, &signature).map_err(|error| error.rv), expected);
        let digest = digest(HASHES[hash].1, &data).unwrap();
        let raw = verify(&key, M::Ecdsa, None, digest.as_ref(), &signature);
        assert_eq!(raw.map_err(|error| error.rv), expected);
    }
}

#[test]
fn ecdsa_signs_data_of_any_length_on_every_curve() {
    for curve in Curve::ALL {
        let private = EcKey::generate(curve).unwrap();
        let public = KeyHandle::Ec(EcKey::public(curve, &private.point().unwrap()).unwrap());
        let private = KeyHandle::Ec(private);
        for length in [1, 20, 28, 33, 64, 100, 1000] {
            let data = vec![0xA5; length];
            let signature = sign(&private, M::Ecdsa, None, &data).unwrap();
            assert_eq!(signature.len(), 2 * curve.length());
            verify(&public, M::Ecdsa, None, &data, &signature).unwrap();
            // Only the left-most bits count.
            if length > curve.length() {
                verify(&public, M::Ecdsa, None, &data[..length - 1], &signature).unwrap();
            }
            let mut wrong = data.clone();
            wrong[0] ^= 0x80;
            let refused = verify(&public, M::Ecdsa, None, &wrong, &signature).unwrap_err();
            assert_eq!(refused.rv, Rv::SIGNATURE_INVALID);
        }
        let refused = verify(&public, M::Ecdsa, None, b"d", &[1; 30]).unwrap_err();
        assert_eq!(refused.rv, Rv::SIGNATURE_LEN_RANGE);
        assert_eq!(sign(&private, M::Ecdsa, None, b"").unwrap_err().rv, Rv::DATA_LEN_RANGE);
        let zeros = vec![0; 2 * curve.length()];
        assert_eq!(verify(&public, M::Ecdsa, None, b"d", &zeros).unwrap_err().rv, Rv::SIGNATURE_INVALID);
    }
}

#[test]
fn ed25519_gives_the_known_answers() {
    for vector in vectors(include_str!("vectors/ed25519.txt")) {
        let key =
            KeyHandle::ed25519(Arc::new(Arena::new(false).keep(&vector.bytes("seed")).unwrap())).unwrap();
        let public = KeyHandle::Ed25519Public(vector.bytes("public"));
        let (data, signature) = (vector.bytes("data"), vector.bytes("signature"));
        assert_eq!(sign(&key, M::Eddsa, None, &data).unwrap(), signature);
        verify(&public, M::Eddsa, None, &data, &signature).unwrap();
        let mut wrong = signature.clone();
        wrong[10] ^= 1;
        assert_eq!(verify(&public, M::Eddsa, None, &data, &wrong).unwrap_err().rv, Rv::SIGNATURE_INVALID);
        assert_eq!(
            verify(&public, M::Eddsa, None, &data, &wrong[1..]).unwrap_err().rv,
            Rv::SIGNATURE_LEN_RANGE
        );
    }
}
