//! Wrap and unwrap.

use super::*;
use strongroom_wire::messages::MechanismParameters;

use crate::mechanisms::NO_PARAMETERS;

fn unwrap_template(class: u64, key_type: u64) -> Template {
    only(A::Class, V::Ulong(class)).with(A::KeyType, V::Ulong(key_type))
}

/// Mechanisms of AES with the parameters for wrapping.
fn aes_mechanisms() -> [(M, Option<MechanismParameters>); 6] {
    let gcm = MechanismParameters { tag_bits: Some(128), aad: Some(vec![1]), ..NO_PARAMETERS };
    [
        (M::AesKeyWrap, None),
        (M::AesKeyWrapKwp, None),
        (M::CloudhsmAesKeyWrapNoPad, None),
        (M::CloudhsmAesKeyWrapZeroPad, None),
        (M::AesGcm, Some(gcm.clone())),
        (M::CloudhsmAesGcm, Some(gcm)),
    ]
}

#[test]
fn secret_keys_come_back_under_every_mechanism() {
    let (objects, alice) = (objects(), user("alice"));
    let (wrapping, target) = (aes_key(&objects, &alice), aes_key(&objects, &alice));
    let expected = objects.encrypt(&alice, target, M::AesEcb, None, &[5; 16]).unwrap().data;
    for (mechanism, parameters) in aes_mechanisms() {
        let wrapped = objects.wrap_key(&alice, wrapping, mechanism, parameters.as_ref(), target).unwrap();
        let parameters = parameters.map(|given| MechanismParameters { iv: wrapped.iv.clone(), ..given });
        let template =
            unwrap_template(4, 0x1F).with(A::Encrypt, V::Bool(true)).with(A::ValueLen, V::Ulong(32));
        let staged = objects
            .unwrap_key(&alice, wrapping, mechanism, parameters.as_ref(), &wrapped.data, template)
            .unwrap();
        for attribute in [A::Local, A::AlwaysSensitive, A::NeverExtractable, A::Sign] {
            assert_eq!(staged.view.attributes.bool(attribute), Some(false));
        }
        assert_eq!(staged.view.attributes.bool(A::Extractable), Some(true));
        let again = published(&objects, &staged);
        assert_eq!(objects.encrypt(&alice, again, M::AesEcb, None, &[5; 16]).unwrap().data, expected);
        let mut altered = wrapped.data;
        altered[13] ^= 1;
        let refused = objects.unwrap_key(
            &alice,
            wrapping,
            mechanism,
            parameters.as_ref(),
            &altered,
            unwrap_template(4, 0x1F),
        );
        assert_eq!(code(refused), Rv::WRAPPED_KEY_INVALID);
    }
}

#[test]
fn private_keys_of_every_type_come_back_as_pkcs8() {
    let (objects, alice) = (objects(), user("alice"));
    let wrapping = aes_key(&objects, &alice);
    let (rsa_public, rsa) = rsa_pair(&objects, &alice);
    let (ec_public, ec) = ec_pair(&objects, &alice);
    let edwards = flags(&[A::Token, A::Verify])
        .with(A::EcParams, V::Bytes(crate::attributes::ED25519_PARAMS[1].to_vec()));
    let (ed_public, ed) =
        objects.generate_key_pair(&alice, M::EcEdwardsKeyPairGen, edwards, flags(&[A::Sign])).unwrap();
    let (ed_public, ed) = (published(&objects, &ed_public), published(&objects, &ed));
    let pairs = [
        (rsa_public, rsa, 0, M::Sha256RsaPkcs),
        (ec_public, ec, 3, M::EcdsaSha256),
        (ed_public, ed, 0x40, M::Eddsa),
    ];
    for (public, private, key_type, mechanism) in pairs {
        let wrapped = objects.wrap_key(&alice, wrapping, M::AesKeyWrapKwp, None, private).unwrap().data;
        let template = unwrap_template(3, key_type).with(A::Sign, V::Bool(true));
        let template = if key_type == 0x40 {
            template.with(A::EcParams, V::Bytes(crate::attributes::ED25519_PARAMS[1].to_vec()))
        } else {
            template
        };
        let staged =
            objects.unwrap_key(&alice, wrapping, M::AesKeyWrapKwp, None, &wrapped, template).unwrap();
        let again = published(&objects, &staged);
        let signature = objects.sign(&alice, again, mechanism, None, b"data").unwrap();
        objects.verify(&alice, public, mechanism, None, b"data", &signature).unwrap();
        for other in [0, 3, 0x40].into_iter().filter(|other| *other != key_type) {
            let refused = objects.unwrap_key(
                &alice,
                wrapping,
                M::AesKeyWrapKwp,
                None,
                &wrapped,
                unwrap_template(3, other),
            );
            assert_eq!(code(refused), Rv::WRAPPED_KEY_INVALID);
        }
    }
}

#[test]
fn rsa_wraps_secret_keys_that_fit() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = rsa_pair(&objects, &alice);
    let target = aes_key(&objects, &alice);
    let oaep = MechanismParameters { hash: Some(M::Sha256.code()), mgf: Some(2), ..NO_PARAMETERS };
    for (mechanism, parameters) in [(M::RsaPkcsOaep, Some(&oaep)), (M::RsaPkcs, None)] {
        let wrapped = objects.wrap_key(&alice, public, mechanism, parameters, target).unwrap().data;
        let staged = objects
            .unwrap_key(&alice, private, mechanism, parameters, &wrapped, unwrap_template(4, 0x1F))
            .unwrap();
        let check = |reference| read(&objects, &alice, reference).bytes(A::CheckValue).unwrap().to_vec();
        assert_eq!(staged.view.attributes.bytes(A::CheckValue), Some(&check(target)[..]));
        assert_eq!(
            code(objects.wrap_key(&alice, public, mechanism, parameters, private)),
            Rv::KEY_SIZE_RANGE
        );
        let short = objects.unwrap_key(
            &alice,
            private,
            mechanism,
            parameters,
            &wrapped[1..],
            unwrap_template(4, 0x1F),
        );
        assert_eq!(code(short), Rv::WRAPPED_KEY_LEN_RANGE);
        let results = [
            code(objects.wrap_key(&alice, private, mechanism, parameters, target)),
            code(objects.unwrap_key(
                &alice,
                public,
                mechanism,
                parameters,
                &wrapped,
                unwrap_template(4, 0x1F),
            )),
        ];
        assert_eq!(results, [Rv::WRAPPING_KEY_TYPE_INCONSISTENT, Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT]);
    }
}

#[test]
fn rsa_wraps_keys_of_any_length_with_an_aes_key_in_between() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = rsa_pair(&objects, &alice);
    let (ec_public, ec) = ec_pair(&objects, &alice);
    let given = |bits| MechanismParameters {
        key_bits: Some(bits),
        hash: Some(M::Sha256.code()),
        mgf: Some(2),
        ..NO_PARAMETERS
    };
    let wrap = |given: Option<&MechanismParameters>, key| {
        objects.wrap_key(&alice, public, M::RsaAesKeyWrap, given, key)
    };
    let unwrap = |given: &MechanismParameters, wrapped: &[u8], template| {
        objects.unwrap_key(&alice, private, M::RsaAesKeyWrap, Some(given), wrapped, template)
    };
    for (bits, key, template) in [
        (128, aes_key(&objects, &alice), unwrap_template(4, 0x1F)),
        (192, private, unwrap_template(3, 0)),
        (256, ec, unwrap_template(3, 3).with(A::Sign, V::Bool(true))),
    ] {
        let wrapped = wrap(Some(&given(bits)), key).unwrap().data;
        let staged = unwrap(&given(bits), &wrapped, template.clone()).unwrap();
        let check = |attributes: &Template| attributes.bytes(A::CheckValue).unwrap().to_vec();
        assert_eq!(check(&staged.view.attributes), check(&read(&objects, &alice, key)));
        for altered in [0, 255, 256, wrapped.len() - 1] {
            let mut wrong = wrapped.clone();
            wrong[altered] ^= 1;
            let refused = unwrap(&given(bits), &wrong, template.clone());
            assert_eq!(code(refused), Rv::WRAPPED_KEY_INVALID);
        }
        for length in [0, 256, 264, wrapped.len() - 1] {
            let refused = unwrap(&given(bits), &wrapped[..length], template.clone());
            assert_eq!(code(refused), Rv::WRAPPED_KEY_LEN_RANGE);
        }
        let other_hash = MechanismParameters { hash: Some(M::Sha1.code()), mgf: Some(1), ..given(bits) };
        assert_eq!(code(unwrap(&other_hash, &wrapped, template)), Rv::WRAPPED_KEY_INVALID);
    }
    assert_eq!(code(wrap(None, ec)), Rv::MECHANISM_PARAM_INVALID);
    for wrong in [given(64), MechanismParameters { mgf: Some(1), ..given(256) }] {
        assert_eq!(code(wrap(Some(&wrong), ec)), Rv::MECHANISM_PARAM_INVALID);
    }
    let by_ec = objects.wrap_key(&alice, ec_public, M::RsaAesKeyWrap, Some(&given(256)), ec);
    assert_eq!(code(by_ec), Rv::WRAPPING_KEY_TYPE_INCONSISTENT);
}

#[test]
fn keys_that_may_not_leave_are_not_wrapped() {
    let (objects, alice, bob, admin) = (objects(), user("alice"), user("bob"), admin());
    let (wrapping, target) = (aes_key(&objects, &alice), aes_key(&objects, &alice));
    let (public, _) = ec_pair(&objects, &alice);
    let wrap = |key| code(objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, key));
    assert_eq!(wrap(public), Rv::KEY_NOT_WRAPPABLE);
    assert_eq!(wrap(42), Rv::KEY_HANDLE_INVALID);
    assert_eq!(wrap(aes_key(&objects, &bob)), Rv::KEY_HANDLE_INVALID);
    let foreign = objects.wrap_key(&alice, aes_key(&objects, &bob), M::AesKeyWrap, None, target);
    assert_eq!(code(foreign), Rv::WRAPPING_KEY_HANDLE_INVALID);

    published(&objects, &objects.set_attributes(&alice, target, flags(&[A::WrapWithTrusted])).unwrap());
    assert_eq!(wrap(target), Rv::KEY_NOT_WRAPPABLE);
    let wraps_only = only(A::Encrypt, V::Bool(false)).with(A::Decrypt, V::Bool(false));
    published(&objects, &objects.set_attributes(&alice, wrapping, wraps_only).unwrap());
    published(&objects, &objects.set_attributes(&admin, wrapping, flags(&[A::Trusted])).unwrap());
    assert_eq!(wrap(target), Rv::OK);
    let unextractable = only(A::Extractable, V::Bool(false));
    published(&objects, &objects.set_attributes(&alice, target, unextractable).unwrap());
    assert_eq!(wrap(target), Rv::KEY_UNEXTRACTABLE);
}

#[test]
fn templates_of_the_wrapping_key_bind() {
    let (objects, alice) = (objects(), user("alice"));
    let wrapping = aes_key(&objects, &alice);
    let target = aes_key(&objects, &alice);
    let wrapped = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target).unwrap().data;
    let changes = only(A::WrapTemplate, V::Template(flags(&[A::Derive])))
        .with(A::UnwrapTemplate, V::Template(only(A::Extractable, V::Bool(false))));
    published(&objects, &objects.set_attributes(&alice, wrapping, changes).unwrap());
    let refused = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target);
    assert_eq!(code(refused), Rv::KEY_NOT_WRAPPABLE);
    published(&objects, &objects.set_attributes(&alice, target, flags(&[A::Derive])).unwrap());
    assert_eq!(code(objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, target)), Rv::OK);
    let unwrap = |template| objects.unwrap_key(&alice, wrapping, M::AesKeyWrap, None, &wrapped, template);
    let staged = unwrap(unwrap_template(4, 0x1F)).unwrap();
    assert_eq!(staged.view.attributes.bool(A::Extractable), Some(false));
    let conflict = unwrap(unwrap_template(4, 0x1F).with(A::Extractable, V::Bool(true)));
    assert_eq!(code(conflict), Rv::TEMPLATE_INCONSISTENT);
}

#[test]
fn what_is_unwrapped_must_be_what_the_template_says() {
    let (objects, alice) = (objects(), user("alice"));
    let wrapping = aes_key(&objects, &alice);
    let template = flags(&[A::Token]).with(A::ValueLen, V::Ulong(40));
    let generic =
        published(&objects, &objects.generate_key(&alice, M::GenericSecretKeyGen, template).unwrap());
    let wrapped = objects.wrap_key(&alice, wrapping, M::AesKeyWrap, None, generic).unwrap().data;
    let unwrap =
        |template| code(objects.unwrap_key(&alice, wrapping, M::AesKeyWrap, None, &wrapped, template));
    assert_eq!(unwrap(unwrap_template(4, 0x10)), Rv::OK);
    assert_eq!(unwrap(unwrap_template(4, 0x1F)), Rv::WRAPPED_KEY_INVALID);
    assert_eq!(unwrap(unwrap_template(3, 3)), Rv::WRAPPED_KEY_INVALID);
    assert_eq!(unwrap(unwrap_template(2, 3)), Rv::TEMPLATE_INCONSISTENT);
    assert_eq!(unwrap(Template::new()), Rv::TEMPLATE_INCOMPLETE);
    assert_eq!(unwrap(unwrap_template(4, 0x10).with(A::ValueLen, V::Ulong(41))), Rv::TEMPLATE_INCONSISTENT);
    let absent = objects.unwrap_key(&alice, 42, M::AesKeyWrap, None, &wrapped, unwrap_template(4, 0x10));
    assert_eq!(code(absent), Rv::UNWRAPPING_KEY_HANDLE_INVALID);
}
