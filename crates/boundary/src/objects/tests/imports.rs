//! Import in clear.

use super::*;
use crate::ffi::RsaKey;

/// See `selftest/rsa/README.md`.
const RSA_KEY: &[u8] = include_bytes!("../../selftest/rsa/private_key.der");

/// The integers of an `RSAPrivateKey`.
fn rsa_numbers() -> Vec<Vec<u8>> {
    let mut rest = &RSA_KEY[4..];
    let mut numbers = Vec::new();
    while let [0x02, tail @ ..] = rest {
        let (length, header) = match tail {
            [0x82, high, low, ..] => (usize::from(*high) * 256 + usize::from(*low), 3),
            [0x81, low, ..] => (usize::from(*low), 2),
            [low, ..] => (usize::from(*low), 1),
            [] => panic!(),
        };
        numbers.push(tail[header..header + length].to_vec());
        rest = &tail[header + length..];
    }
    numbers
}

fn key(class: u64, key_type: u64) -> Template {
    only(A::Class, V::Ulong(class)).with(A::KeyType, V::Ulong(key_type))
}

fn secret(bytes: &[u8]) -> V {
    V::Secret(Secret::new(bytes.to_vec()))
}

pub fn rsa_public() -> Template {
    let numbers = rsa_numbers();
    key(2, 0)
        .with(A::Modulus, V::Bytes(numbers[1].clone()))
        .with(A::PublicExponent, V::Bytes(numbers[2].clone()))
}

pub fn rsa_private() -> Template {
    let numbers = rsa_numbers();
    let secrets = [A::PrivateExponent, A::Prime1, A::Prime2, A::Exponent1, A::Exponent2, A::Coefficient];
    let template = key(3, 0)
        .with(A::Modulus, V::Bytes(numbers[1].clone()))
        .with(A::PublicExponent, V::Bytes(numbers[2].clone()));
    secrets
        .iter()
        .zip(&numbers[3..])
        .fold(template, |template, (attribute, number)| template.with(*attribute, secret(number)))
}

/// RFC 6979 appendix A.2.5: the private key, and its point.
pub fn ec_numbers() -> (Vec<u8>, Vec<u8>) {
    let point = hex(concat!(
        "04",
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    ));
    (hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"), point)
}

pub fn ec_private() -> Template {
    key(3, 3).with(A::EcParams, V::Bytes(P256.to_vec())).with(A::Value, secret(&ec_numbers().0))
}

fn ec_public(point: Vec<u8>) -> Template {
    key(2, 3).with(A::EcParams, V::Bytes(P256.to_vec())).with(A::EcPoint, V::Bytes(point))
}

#[test]
fn secret_keys_come_in_with_the_sizes_of_their_kind() {
    let (objects, alice) = (objects(), user("alice"));
    let cases = [
        (0x1F, 16, Rv::OK),
        (0x1F, 24, Rv::OK),
        (0x1F, 32, Rv::OK),
        (0x1F, 20, Rv::ATTRIBUTE_VALUE_INVALID),
        (0x10, 1, Rv::OK),
        (0x10, 800, Rv::OK),
        (0x10, 801, Rv::ATTRIBUTE_VALUE_INVALID),
        (0x10, 0, Rv::ATTRIBUTE_VALUE_INVALID),
    ];
    for (key_type, length, expected) in cases {
        let template = key(4, key_type).with(A::Value, secret(&vec![1; length]));
        assert_eq!(code(objects.create_object(&alice, template)), expected, "{key_type} {length}");
    }
}

#[test]
fn an_imported_key_says_so_and_never_shows_its_value() {
    let (objects, alice) = (objects(), user("alice"));
    let template = key(4, 0x1F)
        .with(A::Value, secret(&[7; 16]))
        .with(A::ValueLen, V::Ulong(16))
        .with(A::Sensitive, V::Bool(false));
    let staged = objects.create_object(&alice, template.clone()).unwrap();
    let attributes = staged.view.attributes;
    for attribute in [A::Local, A::AlwaysSensitive, A::NeverExtractable, A::Sign, A::Verify] {
        assert_eq!(attributes.bool(attribute), Some(false), "{attribute:?}");
    }
    assert_eq!(attributes.ulong(A::KeyGenMechanism), Some(u64::MAX));
    assert_eq!(attributes.get(A::Value), None);
    let refused = objects.create_object(&alice, template.with(A::ValueLen, V::Ulong(32)));
    assert_eq!(code(refused), Rv::TEMPLATE_INCONSISTENT);
}

#[test]
fn an_rsa_pair_comes_in_and_signs_as_the_original_does() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = rsa_pair(&objects, &alice);
    let signature = objects.sign(&alice, private, M::Sha256RsaPkcs, None, b"abc").unwrap();
    assert_eq!(signature, include_bytes!("../../selftest/rsa/pkcs1_sha256_signature.bin"));
    objects.verify(&alice, public, M::Sha256RsaPkcs, None, b"abc", &signature).unwrap();
    assert_eq!(read(&objects, &alice, private).ulong(A::ModulusBits), Some(2048));
    let secrets = [A::PrivateExponent, A::Prime1, A::Prime2, A::Exponent1, A::Exponent2, A::Coefficient];
    assert!(secrets.iter().all(|attribute| read(&objects, &alice, private).get(*attribute).is_none()));
}

#[test]
fn rsa_keys_whose_numbers_do_not_fit_or_are_too_short_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let wrong = rsa_private().with(A::Prime1, secret(&[3; 128]));
    assert_eq!(code(objects.create_object(&alice, wrong)), Rv::ATTRIBUTE_VALUE_INVALID);
    let short = RsaKey::generate(1024, &[1, 0, 3]).unwrap().modulus().unwrap();
    let wrong = rsa_public().with(A::Modulus, V::Bytes(short));
    assert_eq!(code(objects.create_object(&alice, wrong)), Rv::ATTRIBUTE_VALUE_INVALID);
    let wrong = rsa_public().with(A::PublicExponent, V::Bytes(vec![3]));
    assert_eq!(code(objects.create_object(&alice, wrong)), Rv::ATTRIBUTE_VALUE_INVALID);
    let mut less = rsa_private();
    less.take(A::Coefficient);
    assert_eq!(code(objects.create_object(&alice, less)), Rv::TEMPLATE_INCOMPLETE);
}

#[test]
fn ec_keys_come_in_with_their_point_encoded_or_bare() {
    let (objects, alice) = (objects(), user("alice"));
    let (_, point) = ec_numbers();
    let encoded = [vec![4, 65], point.clone()].concat();
    for given in [point.clone(), encoded.clone()] {
        let staged = objects.create_object(&alice, ec_public(given)).unwrap();
        assert_eq!(staged.view.attributes.bytes(A::EcPoint), Some(&encoded[..]));
    }
    let staged = objects.create_object(&alice, ec_private()).unwrap();
    assert_eq!(staged.view.attributes.bytes(A::EcPoint), Some(&encoded[..]));
    let other = ec_private().with(A::EcPoint, V::Bytes(vec![4, 65]));
    assert_eq!(code(objects.create_object(&alice, other)), Rv::TEMPLATE_INCONSISTENT);
    let mut off_curve = point;
    off_curve[64] ^= 1;
    for wrong in [off_curve, vec![4, 3, 1, 2, 3], vec![]] {
        assert_eq!(code(objects.create_object(&alice, ec_public(wrong))), Rv::ATTRIBUTE_VALUE_INVALID);
    }
    for wrong in [vec![], vec![0; 32], vec![0xFF; 32], vec![1; 40]] {
        let template = ec_private().with(A::Value, secret(&wrong));
        assert_eq!(code(objects.create_object(&alice, template)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}

#[test]
fn objects_of_other_classes_are_refused_by_their_class() {
    let (objects, alice) = (objects(), user("alice"));
    for class in [5, 4711] {
        let other = ec_private().with(A::Class, V::Ulong(class));
        assert_eq!(code(objects.create_object(&alice, other)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}

#[test]
fn ed25519_keys_come_in() {
    let (objects, alice) = (objects(), user("alice"));
    let params = V::Bytes(crate::attributes::ED25519_PARAMS[1].to_vec());
    // RFC 8032 section 7.1, test 2.
    let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let point = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let private = key(3, 0x40).with(A::EcParams, params.clone()).with(A::Value, secret(&seed));
    let private = objects.create_object(&alice, private.with(A::Sign, V::Bool(true))).unwrap();
    assert_eq!(private.view.attributes.bytes(A::EcPoint), Some(&[&[4, 32], &point[..]].concat()[..]));
    let signature = objects.sign(&alice, published(&objects, &private), M::Eddsa, None, &[0x72]).unwrap();
    let public = key(2, 0x40).with(A::EcParams, params.clone()).with(A::EcPoint, V::Bytes(point));
    let public = objects.create_object(&alice, public.with(A::Verify, V::Bool(true))).unwrap();
    objects.verify(&alice, published(&objects, &public), M::Eddsa, None, &[0x72], &signature).unwrap();
    let short = key(3, 0x40).with(A::EcParams, params).with(A::Value, secret(&seed[1..]));
    assert_eq!(code(objects.create_object(&alice, short)), Rv::ATTRIBUTE_VALUE_INVALID);
}

#[test]
fn a_template_without_class_or_with_an_unknown_one_is_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let value = only(A::Value, secret(&[1; 16]));
    assert_eq!(code(objects.create_object(&alice, value.clone())), Rv::TEMPLATE_INCOMPLETE);
    let without_type = value.clone().with(A::Class, V::Ulong(4));
    assert_eq!(code(objects.create_object(&alice, without_type)), Rv::TEMPLATE_INCOMPLETE);
    for (class, key_type) in [(4, 0x15), (5, 0x1F), (2, 0x1F), (3, 2)] {
        let template = value.clone().with(A::Class, V::Ulong(class)).with(A::KeyType, V::Ulong(key_type));
        assert_eq!(code(objects.create_object(&alice, template)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}
