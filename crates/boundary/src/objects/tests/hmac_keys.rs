//! Keys of one HMAC: what makes them, and that they serve that HMAC and nothing else.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::Function;

use super::*;
use crate::mechanisms::NO_PARAMETERS;

const GENERIC: u64 = 0x10;
/// Types of keys, what generates them, and their HMACs, whole and cut off.
const TYPES: [(u64, M, M, M); 9] = [
    (0x28, M::Sha1KeyGen, M::Sha1Hmac, M::Sha1HmacGeneral),
    (0x2E, M::Sha224KeyGen, M::Sha224Hmac, M::Sha224HmacGeneral),
    (0x2B, M::Sha256KeyGen, M::Sha256Hmac, M::Sha256HmacGeneral),
    (0x2C, M::Sha384KeyGen, M::Sha384Hmac, M::Sha384HmacGeneral),
    (0x2D, M::Sha512KeyGen, M::Sha512Hmac, M::Sha512HmacGeneral),
    (0x36, M::Sha3224KeyGen, M::Sha3224Hmac, M::Sha3224HmacGeneral),
    (0x37, M::Sha3256KeyGen, M::Sha3256Hmac, M::Sha3256HmacGeneral),
    (0x38, M::Sha3384KeyGen, M::Sha3384Hmac, M::Sha3384HmacGeneral),
    (0x39, M::Sha3512KeyGen, M::Sha3512Hmac, M::Sha3512HmacGeneral),
];

fn of_type(key_type: u64) -> Template {
    only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(key_type))
}

fn with_value(key_type: u64, length: usize) -> Template {
    of_type(key_type).with(A::Value, V::Secret(Secret::new(vec![7; length])))
}

fn key_type(staged: &Staged) -> Option<u64> {
    staged.view.attributes.ulong(A::KeyType)
}

#[test]
fn each_is_generated_by_its_mechanism_and_where_it_is_named_by_that_of_generic_secrets() {
    let (objects, alice) = (objects(), user("alice"));
    let length = || only(A::ValueLen, V::Ulong(32));
    for (number, mechanism, ..) in TYPES {
        let made = objects.generate_key(&alice, mechanism, length()).unwrap();
        assert_eq!(key_type(&made), Some(number));
        assert_eq!(made.view.attributes.ulong(A::KeyGenMechanism), Some(mechanism.code()));
        assert_eq!(made.view.attributes.bool(A::Sign), Some(true));
        let named = length().with(A::KeyType, V::Ulong(number));
        let made = objects.generate_key(&alice, M::GenericSecretKeyGen, named.clone()).unwrap();
        assert_eq!(key_type(&made), Some(number));
        assert_eq!(code(objects.generate_key(&alice, M::AesKeyGen, named)), Rv::TEMPLATE_INCONSISTENT);
        for other in [GENERIC, 0x1F, if number == 0x2B { 0x2C } else { 0x2B }] {
            let other = length().with(A::KeyType, V::Ulong(other));
            assert_eq!(code(objects.generate_key(&alice, mechanism, other)), Rv::TEMPLATE_INCONSISTENT);
        }
        assert_eq!(code(objects.generate_key(&alice, mechanism, Template::new())), Rv::TEMPLATE_INCOMPLETE);
    }
    let unnamed = objects.generate_key(&alice, M::GenericSecretKeyGen, length()).unwrap();
    assert_eq!(key_type(&unnamed), Some(GENERIC));
    for other in [0x1F, 0x15, 0x27, 0x4A] {
        let other = length().with(A::KeyType, V::Ulong(other));
        let refused = objects.generate_key(&alice, M::GenericSecretKeyGen, other);
        assert_eq!(code(refused), Rv::TEMPLATE_INCONSISTENT);
    }
}

#[test]
fn they_have_the_sizes_of_generic_secrets() {
    let (objects, alice) = (objects(), user("alice"));
    for (number, mechanism, ..) in TYPES {
        for (length, expected) in [(1, Rv::OK), (800, Rv::OK), (801, Rv::ATTRIBUTE_VALUE_INVALID)] {
            let template = only(A::ValueLen, V::Ulong(length as u64));
            assert_eq!(code(objects.generate_key(&alice, mechanism, template)), expected);
            assert_eq!(code(objects.create_object(&alice, with_value(number, length))), expected);
        }
        assert_eq!(code(objects.create_object(&alice, with_value(number, 0))), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}

#[test]
fn each_serves_its_own_hmac_and_nothing_else() {
    let (objects, alice) = (objects(), user("alice"));
    let length = MechanismParameters { tag_bits: Some(64), ..NO_PARAMETERS };
    let wrapping = aes_key(&objects, &alice);
    for (number, _, hmac, general) in TYPES {
        let template = with_value(number, 32).with(A::Sign, V::Bool(true)).with(A::Verify, V::Bool(true));
        let template = template.with(A::Derive, V::Bool(true));
        let key = published(&objects, &objects.create_object(&alice, template).unwrap());
        let generic = with_value(GENERIC, 32).with(A::Sign, V::Bool(true));
        let generic = published(&objects, &objects.create_object(&alice, generic).unwrap());
        let mac = objects.sign(&alice, key, hmac, None, b"data").unwrap();
        assert_eq!(mac, objects.sign(&alice, generic, hmac, None, b"data").unwrap());
        assert_eq!(code(objects.verify(&alice, key, hmac, None, b"data", &mac)), Rv::OK);
        assert_eq!(objects.sign(&alice, key, general, Some(&length), b"data").unwrap(), mac[..8]);
        for mechanism in M::ALL.iter().copied().filter(|mechanism| ![hmac, general].contains(mechanism)) {
            let functions = mechanism.functions();
            if functions.contains(&Function::Sign) {
                let made = objects.sign(&alice, key, mechanism, Some(&length), b"data");
                assert_eq!(code(made), Rv::KEY_TYPE_INCONSISTENT, "{number:x} {mechanism:?}");
                let checked = objects.verify(&alice, key, mechanism, Some(&length), b"data", &mac);
                assert_eq!(code(checked), Rv::KEY_TYPE_INCONSISTENT, "{number:x} {mechanism:?}");
            }
            if functions.contains(&Function::Derive) {
                let derived = objects.derive_key(&alice, key, mechanism, Some(&length), of_type(GENERIC));
                assert_eq!(code(derived), Rv::KEY_TYPE_INCONSISTENT, "{number:x} {mechanism:?}");
            }
            if functions.contains(&Function::Wrap) {
                let wrapped = objects.wrap_key(&alice, key, mechanism, None, wrapping);
                assert_eq!(code(wrapped), Rv::WRAPPING_KEY_TYPE_INCONSISTENT, "{number:x} {mechanism:?}");
            }
        }
        for attribute in [A::Wrap, A::Unwrap, A::Trusted] {
            let template = with_value(number, 32).with(attribute, V::Bool(true));
            assert_eq!(code(objects.create_object(&alice, template)), Rv::TEMPLATE_INCONSISTENT);
        }
    }
}

#[test]
fn a_key_never_changes_its_type_and_is_unwrapped_as_what_a_template_demands() {
    let (objects, alice) = (objects(), user("alice"));
    let template = with_value(0x2B, 32).with(A::Sign, V::Bool(true)).with(A::Token, V::Bool(true));
    let key = published(&objects, &objects.create_object(&alice, template).unwrap());
    assert_eq!(find(&objects, &alice, of_type(0x2B)), [key]);
    assert_eq!(find(&objects, &alice, of_type(GENERIC)), []);
    for other in [GENERIC, 0x2C, 0x1F] {
        let template = only(A::KeyType, V::Ulong(other));
        assert_eq!(code(objects.copy_object(&alice, key, &template)), Rv::ATTRIBUTE_READ_ONLY);
        assert_eq!(code(objects.set_attributes(&alice, key, template)), Rv::ATTRIBUTE_READ_ONLY);
    }
    let (copy, _) = objects.copy_object(&alice, key, &Template::new()).unwrap();
    assert_eq!(key_type(&copy), Some(0x2B));

    let demanded = only(A::KeyType, V::Ulong(0x2B));
    let wrapping = flags(&[A::Token, A::Wrap, A::Unwrap])
        .with(A::ValueLen, V::Ulong(32))
        .with(A::UnwrapTemplate, V::Template(demanded));
    let wrapping = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, wrapping).unwrap());
    let wrapped = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, key).unwrap().data;
    let unwrap = |template| objects.unwrap_key(&alice, wrapping, M::AesKeyWrap, None, &wrapped, template);
    for other in [GENERIC, 0x2C, 0x1F] {
        assert_eq!(code(unwrap(of_type(other))), Rv::TEMPLATE_INCONSISTENT);
    }
    let again = unwrap(of_type(0x2B).with(A::Sign, V::Bool(true))).unwrap();
    let again = published(&objects, &again);
    let mac = |key| objects.sign(&alice, key, M::Sha256Hmac, None, b"data").unwrap();
    assert_eq!(mac(again), mac(key));
}
