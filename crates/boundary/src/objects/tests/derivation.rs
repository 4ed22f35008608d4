//! Derived keys: who derives from what, what becomes of the attributes, and what is refused.

use strongroom_wire::codec::List;
use strongroom_wire::messages::{MechanismParameters, PrfInput};
use strongroom_wire::tables::Function;

use super::*;
use crate::mechanisms::NO_PARAMETERS;

const CKD_NULL: u64 = 1;
const CKD_SHA256_KDF: u64 = 6;

fn secret_template(key_type: u64, length: u64) -> Template {
    only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(key_type)).with(A::ValueLen, V::Ulong(length))
}

/// A generic secret of 32 bytes that may derive, and with what attributes more.
fn base_key(objects: &Objects, caller: &Caller, more: Template) -> u64 {
    let template = flags(&[A::Token, A::Derive]).with(A::ValueLen, V::Ulong(32));
    let template = more.iter().fold(template, |all, (attribute, value)| all.with(attribute, value.clone()));
    published(objects, &objects.generate_key(caller, M::GenericSecretKeyGen, template).unwrap())
}

/// A pair on P-256 whose private half may derive: its point and its reference.
fn agreeing_pair(objects: &Objects, caller: &Caller) -> (Vec<u8>, u64) {
    let public = flags(&[A::Token]).with(A::EcParams, V::Bytes(P256.to_vec()));
    let (public, private) =
        objects.generate_key_pair(caller, M::EcKeyPairGen, public, flags(&[A::Token, A::Derive])).unwrap();
    let point = public.view.attributes.bytes(A::EcPoint).unwrap().to_vec();
    published(objects, &public);
    (point, published(objects, &private))
}

fn hkdf() -> MechanismParameters {
    let hash = Some(M::Sha256.code());
    MechanismParameters { hash, extract: true, expand: true, info: Some(b"info".to_vec()), ..NO_PARAMETERS }
}

fn ecdh(point: &[u8], kdf: u64) -> MechanismParameters {
    MechanismParameters { kdf: Some(kdf), public_data: Some(point.to_vec()), ..NO_PARAMETERS }
}

fn part(bits: u64, length_method: Option<u64>) -> PrfInput {
    PrfInput { bytes: None, bits: Some(bits), little_endian: false, length_method }
}

fn counter_kdf(prf: M, parts: Vec<PrfInput>) -> MechanismParameters {
    MechanismParameters { prf: Some(prf.code()), prf_inputs: List(parts), ..NO_PARAMETERS }
}

fn hmac(objects: &Objects, caller: &Caller, key: u64) -> Vec<u8> {
    objects.sign(caller, key, M::Sha256Hmac, None, b"data").unwrap()
}

#[test]
fn both_parties_of_an_agreement_derive_the_same_key() {
    let (objects, alice) = (objects(), user("alice"));
    let ((left_point, left), (right_point, right)) =
        (agreeing_pair(&objects, &alice), agreeing_pair(&objects, &alice));
    for (kdf, length) in [(CKD_SHA256_KDF, 57), (CKD_NULL, 32), (CKD_NULL, 16)] {
        let template = secret_template(0x10, length).with(A::Sign, V::Bool(true));
        let [one, other] = [(left, &right_point), (right, &left_point)].map(|(key, point)| {
            let given = ecdh(point, kdf);
            let staged =
                objects.derive_key(&alice, key, M::Ecdh1Derive, Some(&given), template.clone()).unwrap();
            published(&objects, &staged)
        });
        assert_eq!(hmac(&objects, &alice, one), hmac(&objects, &alice, other));
    }
    // The bare point is taken as well as its OCTET STRING, and without a length CKD_NULL gives all it has.
    let template = only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F));
    let given = ecdh(&right_point[2..], CKD_NULL);
    let staged = objects.derive_key(&alice, left, M::Ecdh1Derive, Some(&given), template).unwrap();
    assert_eq!(staged.view.attributes.ulong(A::ValueLen), Some(32));
}

#[test]
fn a_derived_key_is_never_more_than_its_base_key_was() {
    let (objects, alice) = (objects(), user("alice"));
    let unextractable = only(A::Extractable, V::Bool(false));
    let open = base_key(&objects, &alice, Template::new());
    let closed = base_key(&objects, &alice, unextractable.clone());
    let lax = base_key(&objects, &alice, only(A::Sensitive, V::Bool(false)));
    let derive = |base, more: &Template| {
        let template =
            more.iter().fold(secret_template(0x1F, 32), |all, (name, value)| all.with(name, value.clone()));
        let staged = objects.derive_key(&alice, base, M::HkdfDerive, Some(&hkdf()), template).unwrap();
        let attributes = &staged.view.attributes;
        assert_eq!(attributes.bool(A::Local), Some(false));
        assert_eq!(attributes.ulong(A::KeyGenMechanism), Some(u64::MAX));
        assert_eq!(attributes.bool(A::Sign), Some(false));
        assert!(attributes.bytes(A::CheckValue).is_some());
        (attributes.bool(A::AlwaysSensitive).unwrap(), attributes.bool(A::NeverExtractable).unwrap())
    };
    assert_eq!(derive(open, &Template::new()), (true, false));
    assert_eq!(derive(open, &unextractable), (true, false));
    assert_eq!(derive(closed, &Template::new()), (true, false));
    assert_eq!(derive(closed, &unextractable), (true, true));
    assert_eq!(derive(lax, &Template::new()), (false, false));
    assert_eq!(derive(closed, &only(A::Sensitive, V::Bool(false))), (false, false));
}

#[test]
fn only_the_owner_derives_and_only_from_keys_that_may() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let base = base_key(&objects, &alice, Template::new());
    let derive = |caller: &Caller, base, mechanism| {
        code(objects.derive_key(caller, base, mechanism, Some(&hkdf()), secret_template(0x10, 32)))
    };
    assert_eq!(derive(&alice, base, M::HkdfDerive), Rv::OK);
    assert_eq!(derive(&bob, base, M::HkdfDerive), Rv::KEY_HANDLE_INVALID);
    assert_eq!(derive(&admin(), base, M::HkdfDerive), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(derive(&alice, 42, M::HkdfDerive), Rv::KEY_HANDLE_INVALID);
    assert_eq!(derive(&alice, base, M::Sha256Hmac), Rv::MECHANISM_INVALID);
    assert_eq!(derive(&alice, base, M::Ecdh1Derive), Rv::KEY_TYPE_INCONSISTENT);
    assert_eq!(derive(&alice, aes_key(&objects, &alice), M::HkdfDerive), Rv::KEY_TYPE_INCONSISTENT);
    published(&objects, &objects.set_attributes(&alice, base, only(A::Derive, V::Bool(false))).unwrap());
    assert_eq!(derive(&alice, base, M::HkdfDerive), Rv::KEY_FUNCTION_NOT_PERMITTED);
    let (point, _) = agreeing_pair(&objects, &alice);
    let (public, private) = ec_pair(&objects, &alice);
    for (key, expected) in [(public, Rv::KEY_TYPE_INCONSISTENT), (private, Rv::KEY_FUNCTION_NOT_PERMITTED)] {
        let given = ecdh(&point, CKD_SHA256_KDF);
        let refused =
            objects.derive_key(&alice, key, M::Ecdh1Derive, Some(&given), secret_template(0x10, 32));
        assert_eq!(code(refused), expected);
    }
}

#[test]
fn an_rsa_key_may_be_said_to_derive_and_does_not() {
    let (objects, alice) = (objects(), user("alice"));
    let private = imports::rsa_private().with(A::Derive, V::Bool(true));
    let key = published(&objects, &objects.create_object(&alice, private).unwrap());
    assert_eq!(read(&objects, &alice, key).bool(A::Derive), Some(true));
    let (point, _) = agreeing_pair(&objects, &alice);
    for mechanism in M::ALL.iter().filter(|mechanism| mechanism.functions().contains(&Function::Derive)) {
        let given = ecdh(&point, CKD_SHA256_KDF);
        let refused = objects.derive_key(&alice, key, *mechanism, Some(&given), secret_template(0x10, 32));
        assert_eq!(code(refused), Rv::KEY_TYPE_INCONSISTENT, "{mechanism:?}");
    }
}

#[test]
fn templates_of_derived_keys_are_checked() {
    let (objects, alice) = (objects(), user("alice"));
    let base = base_key(&objects, &alice, Template::new());
    let derive = |template| code(objects.derive_key(&alice, base, M::HkdfDerive, Some(&hkdf()), template));
    assert_eq!(derive(Template::new()), Rv::TEMPLATE_INCOMPLETE);
    assert_eq!(derive(only(A::Class, V::Ulong(4))), Rv::TEMPLATE_INCOMPLETE);
    // HKDF gives keys of any bytes the hash's length where none is named; an AES key has no such length.
    let without_length = |key_type| only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(key_type));
    assert_eq!([0x10, 0x2B].map(|key_type| derive(without_length(key_type))), [Rv::OK; 2]);
    assert_eq!([0x1F, 0x35].map(|key_type| derive(without_length(key_type))), [Rv::TEMPLATE_INCOMPLETE; 2]);
    let private = only(A::Class, V::Ulong(3)).with(A::KeyType, V::Ulong(3));
    assert_eq!(derive(private), Rv::TEMPLATE_INCONSISTENT);
    assert_eq!(derive(secret_template(0x1F, 20)), Rv::ATTRIBUTE_VALUE_INVALID);
    for (length, expected) in [
        (0, Rv::KEY_SIZE_RANGE),
        (13, Rv::KEY_SIZE_RANGE),
        (14, Rv::OK),
        (800, Rv::OK),
        (801, Rv::ATTRIBUTE_VALUE_INVALID),
        (4096, Rv::ATTRIBUTE_VALUE_INVALID),
        (4097, Rv::ATTRIBUTE_VALUE_INVALID),
        (u64::MAX, Rv::ATTRIBUTE_VALUE_INVALID),
    ] {
        assert_eq!(derive(secret_template(0x10, length)), expected);
    }
    let local = secret_template(0x10, 32).with(A::Local, V::Bool(true));
    assert_eq!(derive(local), Rv::ATTRIBUTE_READ_ONLY);
    let wrapping = secret_template(0x10, 32).with(A::Wrap, V::Bool(true));
    assert_eq!(derive(wrapping), Rv::TEMPLATE_INCONSISTENT);
}

#[test]
fn bad_parameters_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let base = base_key(&objects, &alice, Template::new());
    let (point, private) = agreeing_pair(&objects, &alice);
    let code_of = |key, mechanism, given: Option<&MechanismParameters>, length| {
        code(objects.derive_key(&alice, key, mechanism, given, secret_template(0x10, length)))
    };
    let mut off_curve = point.clone();
    off_curve[40] ^= 1;
    let with_info = MechanismParameters { info: Some(vec![1]), ..ecdh(&point, CKD_NULL) };
    let bad_agreements = [
        ecdh(&off_curve, CKD_SHA256_KDF),
        ecdh(&point[..point.len() - 1], CKD_SHA256_KDF),
        ecdh(&[4, 1, 0], CKD_SHA256_KDF), // the point at infinity
        ecdh(&[], CKD_SHA256_KDF),
        ecdh(&point, 3),
        MechanismParameters { kdf: None, ..ecdh(&point, 0) },
        with_info,
    ];
    for given in &bad_agreements {
        let found = code_of(private, M::Ecdh1Derive, Some(given), 32);
        assert_eq!(found, Rv::MECHANISM_PARAM_INVALID, "{given:?}");
    }
    assert_eq!(code_of(private, M::Ecdh1Derive, None, 32), Rv::MECHANISM_PARAM_INVALID);
    let longer = code_of(private, M::Ecdh1Derive, Some(&ecdh(&point, CKD_NULL)), 33);
    assert_eq!(longer, Rv::KEY_SIZE_RANGE);

    let extract = MechanismParameters { expand: false, ..hkdf() };
    let neither = MechanismParameters { extract: false, ..extract.clone() };
    let no_hash = MechanismParameters { hash: Some(M::Sha256Hmac.code()), ..hkdf() };
    assert_eq!(code_of(base, M::HkdfDerive, Some(&neither), 32), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(code_of(base, M::HkdfDerive, Some(&no_hash), 32), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(code_of(base, M::HkdfDerive, Some(&extract), 31), Rv::KEY_SIZE_RANGE);
    assert_eq!(code_of(base, M::HkdfDerive, Some(&extract), 32), Rv::OK);
    let expand_sha512 = MechanismParameters { extract: false, hash: Some(M::Sha512.code()), ..hkdf() };
    assert_eq!(code_of(base, M::HkdfDerive, Some(&expand_sha512), 32), Rv::KEY_SIZE_RANGE);

    let bytes = PrfInput { bytes: Some(vec![7]), bits: None, little_endian: false, length_method: None };
    let both = PrfInput { bits: Some(8), ..bytes.clone() };
    let bad_inputs = [
        vec![],
        vec![bytes.clone()],
        vec![part(32, None), part(16, None)],
        vec![part(12, None)],
        vec![part(64, None)],
        vec![part(32, None), part(32, Some(3))],
        vec![part(32, None), part(32, Some(1)), part(32, Some(1))],
        vec![part(32, None), part(8, Some(1))], // 256 bits do not fit into 8
        vec![part(32, None), both],
        vec![part(32, None); 33],
    ];
    for inputs in bad_inputs {
        let given = counter_kdf(M::Sha256Hmac, inputs);
        let found = code_of(base, M::Sp800108CounterKdf, Some(&given), 32);
        assert_eq!(found, Rv::MECHANISM_PARAM_INVALID, "{given:?}");
    }
    let given = counter_kdf(M::AesCmac, vec![part(32, None)]);
    assert_eq!(code_of(base, M::Sp800108CounterKdf, Some(&given), 32), Rv::KEY_TYPE_INCONSISTENT);
    for no_prf in [M::Ecdsa, M::Sha256HmacGeneral, M::AesCmacGeneral] {
        let given = counter_kdf(no_prf, vec![part(32, None)]);
        assert_eq!(code_of(base, M::Sp800108CounterKdf, Some(&given), 32), Rv::MECHANISM_PARAM_INVALID);
    }
}

#[test]
fn both_names_of_the_counter_mode_derive_the_same_key() {
    let (objects, alice) = (objects(), user("alice"));
    let base = base_key(&objects, &alice, Template::new());
    let little = PrfInput { little_endian: true, ..part(16, None) };
    let given = counter_kdf(M::Sha1Hmac, vec![little, part(64, Some(2))]);
    let template = secret_template(0x10, 50).with(A::Sign, V::Bool(true));
    let [one, other] = [M::Sp800108CounterKdf, M::CloudhsmSp800108CounterKdf].map(|mechanism| {
        let staged = objects.derive_key(&alice, base, mechanism, Some(&given), template.clone()).unwrap();
        hmac(&objects, &alice, published(&objects, &staged))
    });
    assert_eq!(one, other);
    let big = counter_kdf(M::Sha1Hmac, vec![part(16, None), part(64, Some(2))]);
    let staged = objects.derive_key(&alice, base, M::Sp800108CounterKdf, Some(&big), template).unwrap();
    assert_ne!(hmac(&objects, &alice, published(&objects, &staged)), one);
}

#[test]
fn mode_fips_wants_a_derivation_function() {
    let objects =
        Objects::new(keys(), Options { fips: true, allow_unlocked_memory: true, ..Options::default() })
            .unwrap();
    let alice = user("alice");
    let (point, private) = agreeing_pair(&objects, &alice);
    for (kdf, expected) in [(CKD_NULL, Rv::MECHANISM_PARAM_INVALID), (CKD_SHA256_KDF, Rv::OK)] {
        let given = ecdh(&point, kdf);
        let found =
            objects.derive_key(&alice, private, M::Ecdh1Derive, Some(&given), secret_template(0x10, 32));
        assert_eq!(code(found), expected);
    }
}
