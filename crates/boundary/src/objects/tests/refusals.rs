//! Usage flags, key types, modes, and the error state.

use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS};

use super::*;
use crate::Purpose;

#[test]
fn each_use_needs_its_flag() {
    let (objects, alice) = (objects(), user("alice"));
    let template = flags(&[A::Token]).with(A::ValueLen, V::Ulong(16)).with(A::Sign, V::Bool(false));
    let template = template.with(A::Verify, V::Bool(false));
    let key = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, template).unwrap());
    let target = aes_key(&objects, &alice);
    let results = [
        code(objects.sign(&alice, key, M::AesCmac, None, b"d")),
        code(objects.verify(&alice, key, M::AesCmac, None, b"d", &[0; 16])),
        code(objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16])),
        code(objects.decrypt(&alice, key, M::AesEcb, None, &[0; 16])),
        code(objects.wrap_key(&alice, key, M::AesKeyWrap, None, target)),
        code(objects.unwrap_key(&alice, key, M::AesKeyWrap, None, &[0; 24], Template::new())),
    ];
    assert_eq!(results, [Rv::KEY_FUNCTION_NOT_PERMITTED; 6]);
}

#[test]
fn each_half_of_a_pair_does_its_half() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = rsa_pair(&objects, &alice);
    let cipher = objects.encrypt(&alice, public, M::RsaPkcs, None, b"d").unwrap().data;
    assert_eq!(objects.decrypt(&alice, private, M::RsaPkcs, None, &cipher).unwrap().data, b"d");
    let results = [
        code(objects.sign(&alice, public, M::Sha256RsaPkcs, None, b"d")),
        code(objects.verify(&alice, private, M::Sha256RsaPkcs, None, b"d", &[0; 256])),
        code(objects.encrypt(&alice, private, M::RsaPkcs, None, b"d")),
        code(objects.decrypt(&alice, public, M::RsaPkcs, None, &cipher)),
    ];
    assert_eq!(results, [Rv::KEY_TYPE_INCONSISTENT; 4]);
}

#[test]
fn mechanisms_refuse_keys_of_other_types_and_functions_that_they_lack() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    assert_eq!(code(objects.sign(&alice, key, M::Ecdsa, None, b"d")), Rv::KEY_TYPE_INCONSISTENT);
    assert_eq!(code(objects.sign(&alice, key, M::Sha256Hmac, None, b"d")), Rv::KEY_TYPE_INCONSISTENT);
    assert_eq!(code(objects.encrypt(&alice, key, M::RsaPkcs, None, b"d")), Rv::KEY_TYPE_INCONSISTENT);
    assert_eq!(code(objects.sign(&alice, key, M::AesCbc, None, b"d")), Rv::MECHANISM_INVALID);
    assert_eq!(code(objects.encrypt(&alice, key, M::Sha256, None, b"d")), Rv::MECHANISM_INVALID);
    let template = only(A::ValueLen, V::Ulong(16));
    assert_eq!(code(objects.generate_key(&alice, M::EcKeyPairGen, template)), Rv::MECHANISM_INVALID);
    let pair = objects.generate_key_pair(&alice, M::AesKeyGen, Template::new(), Template::new());
    assert_eq!(code(pair), Rv::MECHANISM_INVALID);
}

#[test]
fn a_callers_iv_for_gcm_is_taken_in_mode_non_fips_with_keys_that_are_not_bound() {
    let options = |fips| Options { fips, allow_unlocked_memory: true, ..Options::default() };
    let alice = user("alice");
    let given = MechanismParameters { tag_bits: Some(128), iv: Some(vec![9; 12]), ..NO_PARAMETERS };
    let free = flags(&[A::Encrypt, A::Wrap, A::Extractable]).with(A::ValueLen, V::Ulong(32));
    let bound = free.clone().with(A::AllowedMechanisms, V::mechanisms([M::AesGcm.code()]));
    for (fips, template, is_taken) in
        [(false, free.clone(), true), (false, bound, false), (true, free, false)]
    {
        let objects = Objects::new(keys(), options(fips)).unwrap();
        let key = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, template).unwrap());
        let rv = if is_taken { Rv::OK } else { Rv::MECHANISM_PARAM_INVALID };
        assert_eq!(code(objects.encrypt(&alice, key, M::AesGcm, Some(&given), b"data")), rv);
        assert_eq!(
            code(objects.open_stream(&alice, Purpose::Encrypt, key, M::AesGcm, Some(&given), None)),
            rv
        );
        let wrapped = objects.wrap_key(&alice, key, M::AesGcm, Some(&given), key);
        assert_eq!(code(wrapped), Rv::MECHANISM_PARAM_INVALID, "what is wrapped has the HSM's");
    }
}

#[test]
fn mode_fips_refuses_what_the_table_says() {
    let objects =
        Objects::new(keys(), Options { fips: true, allow_unlocked_memory: true, ..Options::default() })
            .unwrap();
    let alice = user("alice");
    let (public, private) = rsa_pair(&objects, &alice);
    assert_eq!(code(objects.encrypt(&alice, public, M::RsaPkcs, None, b"d")), Rv::MECHANISM_INVALID);
    assert_eq!(code(objects.sign(&alice, private, M::RsaPkcs, None, b"d")), Rv::OK);
    let edwards = only(A::EcParams, V::Bytes(crate::attributes::ED25519_PARAMS[0].to_vec()));
    let refused = objects.generate_key_pair(&alice, M::EcEdwardsKeyPairGen, edwards, Template::new());
    assert_eq!(code(refused), Rv::MECHANISM_INVALID);
}

#[test]
fn in_the_error_state_everything_is_refused_with_the_tests_name() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    assert_eq!(objects.failure(), None);
    objects.fail("aes-gcm");
    assert_eq!(objects.failure().as_deref(), Some("aes-gcm"));
    let refused = objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16]).unwrap_err();
    assert_eq!(refused.rv, Rv::FIPS_SELF_TEST_FAILED);
    assert!(refused.text.contains("aes-gcm") && refused.kind == crate::ErrorKind::Failed);
    let template = only(A::ValueLen, V::Ulong(16));
    let request = FindRequest { template: Template::new(), after: 0, limit: 1, with_attributes: false };
    let results = [
        code(objects.random(1)),
        code(objects.find(&alice, &request)),
        code(objects.attributes(&alice, &[key])),
        code(objects.generate_key(&alice, M::AesKeyGen, template.clone())),
        code(objects.generate_key_pair(&alice, M::EcKeyPairGen, template.clone(), Template::new())),
        code(objects.create_object(&alice, template.clone())),
        code(objects.set_attributes(&alice, key, template.clone())),
        code(objects.check_destroy(&alice, key)),
        code(objects.wrap_key(&alice, key, M::AesKeyWrap, None, key)),
        code(objects.unwrap_key(&alice, key, M::AesKeyWrap, None, &[], template.clone())),
        code(objects.derive_key(&alice, key, M::HkdfDerive, None, template)),
        code(objects.load(1, 1, &[])),
    ];
    assert_eq!(results, [Rv::FIPS_SELF_TEST_FAILED; 12]);
}
