//! Generation: sizes, curves, defaults, and what follows from a key.

use super::*;
use strongroom_wire::messages::MechanismParameters;

use crate::mechanisms::NO_PARAMETERS;
use crate::objects::Sizes;

fn generate(objects: &Objects, mechanism: M, length: u64) -> Result<Staged> {
    objects.generate_key(&user("alice"), mechanism, only(A::ValueLen, V::Ulong(length)))
}

#[test]
fn secret_keys_have_the_sizes_of_their_kind() {
    let objects = objects();
    for length in [16, 24, 32] {
        assert_eq!(code(generate(&objects, M::AesKeyGen, length)), Rv::OK);
    }
    for length in [0, 1, 15, 33, 64, u64::MAX] {
        assert_eq!(code(generate(&objects, M::AesKeyGen, length)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
    for length in [1, 20, 800] {
        assert_eq!(code(generate(&objects, M::GenericSecretKeyGen, length)), Rv::OK);
    }
    for length in [0, 801] {
        assert_eq!(code(generate(&objects, M::GenericSecretKeyGen, length)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}

#[test]
fn an_operator_sets_how_long_labels_and_secrets_may_be() {
    let sizes = Sizes { label_characters: 3, secret_bytes: 4096, ..Sizes::default() };
    let options = Options { allow_unlocked_memory: true, sizes, ..Options::default() };
    let objects = Objects::new(keys(), options).unwrap();
    for (length, expected) in
        [(4096, Rv::OK), (4097, Rv::ATTRIBUTE_VALUE_INVALID), (u64::MAX, Rv::ATTRIBUTE_VALUE_INVALID)]
    {
        assert_eq!(code(generate(&objects, M::GenericSecretKeyGen, length)), expected);
    }
    for (label, expected) in [("äöü", Rv::OK), ("äöüß", Rv::ATTRIBUTE_VALUE_INVALID)] {
        let template = only(A::ValueLen, V::Ulong(32)).with(A::Label, V::Text(label.into()));
        assert_eq!(code(objects.generate_key(&user("alice"), M::AesKeyGen, template)), expected);
    }
}

#[test]
fn a_generated_secret_key_has_the_defaults_of_aws() {
    let objects = objects();
    let staged = generate(&objects, M::AesKeyGen, 32).unwrap();
    let attributes = staged.view.attributes;
    let on = [
        A::Private,
        A::Modifiable,
        A::Destroyable,
        A::Sensitive,
        A::Extractable,
        A::Sign,
        A::Verify,
        A::Local,
    ];
    let off =
        [A::Token, A::Encrypt, A::Decrypt, A::Wrap, A::Unwrap, A::Derive, A::Trusted, A::WrapWithTrusted];
    assert!(on.iter().all(|attribute| attributes.bool(*attribute) == Some(true)));
    assert!(off.iter().all(|attribute| attributes.bool(*attribute) == Some(false)));
    assert_eq!(attributes.bool(A::AlwaysSensitive), Some(true));
    assert_eq!(attributes.bool(A::NeverExtractable), Some(false));
    assert_eq!(attributes.ulong(A::KeyGenMechanism), Some(M::AesKeyGen.code()));
    assert_eq!(attributes.bytes(A::CheckValue).map(<[u8]>::len), Some(3));
    assert!(!staged.is_token && staged.record.is_empty());
    let secret = generate(&objects, M::GenericSecretKeyGen, 20).unwrap().view.attributes;
    assert_eq!(secret.get(A::CheckValue), None);
}

#[test]
fn what_is_said_of_the_past_of_a_key_is_true() {
    let objects = objects();
    for (sensitive, extractable) in [(false, false), (false, true), (true, false), (true, true)] {
        let template = only(A::ValueLen, V::Ulong(16))
            .with(A::Sensitive, V::Bool(sensitive))
            .with(A::Extractable, V::Bool(extractable));
        let attributes =
            objects.generate_key(&user("alice"), M::AesKeyGen, template).unwrap().view.attributes;
        assert_eq!(attributes.bool(A::AlwaysSensitive), Some(sensitive));
        assert_eq!(attributes.bool(A::NeverExtractable), Some(!extractable));
    }
}

#[test]
fn the_check_value_is_that_of_an_encrypted_zero_block() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    let block = objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16]).unwrap().data;
    assert_eq!(read(&objects, &alice, key).bytes(A::CheckValue), Some(&block[..3]));
}

#[test]
fn key_pairs_are_made_on_every_curve_and_sign() {
    let (objects, alice) = (objects(), user("alice"));
    for curve in CURVES {
        let public = flags(&[A::Verify]).with(A::EcParams, V::Bytes(curve.to_vec()));
        let (public, private) =
            objects.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Sign])).unwrap();
        for attribute in [A::EcParams, A::EcPoint, A::PublicKeyInfo, A::CheckValue] {
            let value = public.view.attributes.bytes(attribute).unwrap();
            assert_eq!(private.view.attributes.bytes(attribute), Some(value));
        }
        let (public, private) = (published(&objects, &public), published(&objects, &private));
        let signature = objects.sign(&alice, private, M::EcdsaSha384, None, b"data").unwrap();
        objects.verify(&alice, public, M::EcdsaSha384, None, b"data", &signature).unwrap();
    }
}

#[test]
fn ed25519_takes_both_names_of_its_curve() {
    let (objects, alice) = (objects(), user("alice"));
    for params in crate::attributes::ED25519_PARAMS {
        let public = flags(&[A::Verify, A::Token]).with(A::EcParams, V::Bytes(params.to_vec()));
        let (public, private) = objects
            .generate_key_pair(&alice, M::EcEdwardsKeyPairGen, public, flags(&[A::Sign, A::Token]))
            .unwrap();
        assert_eq!(public.view.attributes.bytes(A::EcParams), Some(params));
        let (public, private) = (published(&objects, &public), published(&objects, &private));
        let signature = objects.sign(&alice, private, M::Eddsa, None, b"data").unwrap();
        objects.verify(&alice, public, M::Eddsa, None, b"data", &signature).unwrap();
    }
    let wrong = only(A::EcParams, V::Bytes(P256.to_vec()));
    let refused = objects.generate_key_pair(&alice, M::EcEdwardsKeyPairGen, wrong, Template::new());
    assert_eq!(code(refused), Rv::CURVE_NOT_SUPPORTED);
}

#[test]
fn rsa_key_pairs_are_made_and_work() {
    let (objects, alice) = (objects(), user("alice"));
    let public = flags(&[A::Verify, A::Encrypt])
        .with(A::ModulusBits, V::Ulong(2304))
        .with(A::PublicExponent, V::Bytes(vec![0, 1, 0, 3]));
    let (public, private) = objects
        .generate_key_pair(&alice, M::RsaX931KeyPairGen, public, flags(&[A::Sign, A::Decrypt]))
        .unwrap();
    for half in [&public, &private] {
        assert_eq!(half.view.attributes.ulong(A::ModulusBits), Some(2304));
        assert_eq!(half.view.attributes.bytes(A::Modulus).map(<[u8]>::len), Some(288));
        assert_eq!(half.view.attributes.bytes(A::PublicExponent), Some(&[1, 0, 3][..]));
    }
    let (public, private) = (published(&objects, &public), published(&objects, &private));
    let signature = objects.sign(&alice, private, M::Sha256RsaPkcs, None, b"data").unwrap();
    objects.verify(&alice, public, M::Sha256RsaPkcs, None, b"data", &signature).unwrap();
    let oaep = MechanismParameters { hash: Some(M::Sha256.code()), mgf: Some(2), ..NO_PARAMETERS };
    let cipher = objects.encrypt(&alice, public, M::RsaPkcsOaep, Some(&oaep), b"data").unwrap().data;
    assert_eq!(objects.decrypt(&alice, private, M::RsaPkcsOaep, Some(&oaep), &cipher).unwrap().data, b"data");
}

#[test]
fn rsa_sizes_and_exponents_that_aws_does_not_have_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let long = vec![1; 9];
    let exponents: [&[u8]; 6] = [&[3], &[1, 0, 0], &[0xFF, 0xFF], &[], &long, &[2, 0, 0, 0, 1]];
    let cases = [1024, 2047, 2049, 2176, 4352, 0]
        .map(|bits| (bits, &[1, 0, 1][..]))
        .into_iter()
        .chain(exponents.map(|exponent| (2048, exponent)));
    for (bits, exponent) in cases {
        let public =
            only(A::ModulusBits, V::Ulong(bits)).with(A::PublicExponent, V::Bytes(exponent.to_vec()));
        let refused = objects.generate_key_pair(&alice, M::RsaPkcsKeyPairGen, public, Template::new());
        assert_eq!(code(refused), Rv::ATTRIBUTE_VALUE_INVALID, "{bits} {exponent:?}");
    }
}

#[test]
fn curves_that_are_unknown_and_what_names_none_are_told_apart() {
    let (objects, alice) = (objects(), user("alice"));
    let cases: [(&[u8], Rv); 8] = [
        (b"\x06\x05\x2b\x81\x04\x00\x06", Rv::CURVE_NOT_SUPPORTED), // secp112r1
        (b"\x06\x03\x2b\x65\x6f", Rv::CURVE_NOT_SUPPORTED),         // X448
        (b"\x13\x08curve448", Rv::CURVE_NOT_SUPPORTED),
        (b"\x30\x03\x02\x01\x01", Rv::DOMAIN_PARAMS_INVALID), // explicit parameters
        (b"\x05\x00", Rv::DOMAIN_PARAMS_INVALID),             // implicitlyCA
        (b"\x06\x05\x2b\x81\x04\x00", Rv::DOMAIN_PARAMS_INVALID),
        (b"\x06\x00", Rv::DOMAIN_PARAMS_INVALID),
        (b"", Rv::DOMAIN_PARAMS_INVALID),
    ];
    let kinds = [(M::EcKeyPairGen, 0x03), (M::EcEdwardsKeyPairGen, 0x40), (M::EcMontgomeryKeyPairGen, 0x41)];
    for (params, expected) in cases {
        for (mechanism, key_type) in kinds {
            let public = only(A::EcParams, V::Bytes(params.to_vec()));
            let refused = objects.generate_key_pair(&alice, mechanism, public.clone(), Template::new());
            assert_eq!(code(refused), expected, "{mechanism:?} {params:?}");
            let public = public.with(A::KeyType, V::Ulong(key_type));
            let private = public.clone().with(A::Class, V::Ulong(3));
            let private = private.with(A::Value, V::Secret(Secret::new(vec![1; 32])));
            let public = public.with(A::Class, V::Ulong(2)).with(A::EcPoint, V::Bytes(vec![1; 32]));
            for template in [public, private] {
                assert_eq!(code(objects.create_object(&alice, template)), expected, "{params:?}");
            }
        }
    }
}

#[test]
fn a_private_template_that_contradicts_the_public_one_leaves_nothing_staged() {
    let (objects, alice) = (objects(), user("alice"));
    let public = only(A::EcParams, V::Bytes(P256.to_vec()));
    let private = only(A::EcParams, V::Bytes(CURVES[2].to_vec()));
    let refused = objects.generate_key_pair(&alice, M::EcKeyPairGen, public, private);
    assert_eq!(code(refused), Rv::TEMPLATE_INCONSISTENT);
}
