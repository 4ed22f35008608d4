//! Session objects, public objects, admins.

use super::*;

#[test]
fn a_session_object_is_its_logins_alone_and_goes_with_it() {
    let (objects, alice) = (objects(), user("alice"));
    let other_login = Caller { login_id: 12345, ..alice.clone() };
    let template = only(A::ValueLen, V::Ulong(16)).with(A::Encrypt, V::Bool(true));
    let staged = objects.generate_key(&alice, M::AesKeyGen, template.clone()).unwrap();
    assert!(staged.reference >> 63 == 1 && !staged.is_token);
    let key = published(&objects, &staged);
    objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16]).unwrap();
    assert_eq!(code(objects.encrypt(&other_login, key, M::AesEcb, None, &[0; 16])), Rv::KEY_HANDLE_INVALID);
    assert_eq!(find(&objects, &alice, Template::new()), [key]);
    assert_eq!(find(&objects, &other_login, Template::new()), []);
    assert_eq!((objects.session_object_count(), objects.object_count(None)), (1, 0));
    let late = objects.generate_key(&alice, M::AesKeyGen, template).unwrap();
    objects.remove_login(alice.login_id);
    objects.publish(&[late.reference]);
    assert_eq!(objects.session_object_count(), 0);
    assert!(!objects.knows(key) && !objects.knows(late.reference));
}

#[test]
fn references_of_token_objects_have_their_top_bit_clear() {
    let (objects, alice) = (objects(), user("alice"));
    for _ in 0..20 {
        let key = aes_key(&objects, &alice);
        assert!(key != 0 && key >> 63 == 0);
    }
    assert_eq!((objects.object_count(Some("alice")), objects.object_count(Some("bob"))), (20, 0));
}

#[test]
fn public_keys_that_are_not_private_are_used_by_everyone_and_changed_by_their_owner() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let public = flags(&[A::Token, A::Verify])
        .with(A::EcParams, V::Bytes(P256.to_vec()))
        .with(A::Private, V::Bool(false));
    let (public, private) =
        objects.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Token, A::Sign])).unwrap();
    let (public, private) = (published(&objects, &public), published(&objects, &private));
    let signature = objects.sign(&alice, private, M::Ecdsa, None, &[1; 32]).unwrap();
    objects.verify(&bob, public, M::Ecdsa, None, &[1; 32], &signature).unwrap();
    assert_eq!(find(&objects, &bob, Template::new()), [public]);
    assert_eq!(find(&objects, &alice, Template::new()).len(), 2);
    let label = only(A::Label, V::Text("mine".into()));
    assert_eq!(code(objects.set_attributes(&bob, public, label)), Rv::ACTION_PROHIBITED);
    assert_eq!(
        code(objects.verify(&admin(), public, M::Ecdsa, None, &[1; 32], &signature)),
        Rv::KEY_HANDLE_INVALID
    );
}

#[test]
fn private_and_secret_keys_are_always_private() {
    let (objects, alice) = (objects(), user("alice"));
    let template = only(A::ValueLen, V::Ulong(16)).with(A::Private, V::Bool(false));
    assert_eq!(code(objects.generate_key(&alice, M::AesKeyGen, template)), Rv::TEMPLATE_INCONSISTENT);
}

#[test]
fn an_admin_finds_token_objects_of_all_but_sees_their_labels_only() {
    let (objects, alice, bob, admin) = (objects(), user("alice"), user("bob"), admin());
    let keys = [aes_key(&objects, &alice), aes_key(&objects, &bob)];
    let session = only(A::ValueLen, V::Ulong(16));
    published(&objects, &objects.generate_key(&alice, M::AesKeyGen, session).unwrap());
    let label = only(A::Label, V::Text("wrap".into()));
    published(&objects, &objects.set_attributes(&bob, keys[1], label.clone()).unwrap());
    assert_eq!(find(&objects, &admin, Template::new()).len(), 2);
    assert_eq!(find(&objects, &admin, label), [keys[1]]);
    let seen = read(&objects, &admin, keys[1]);
    assert_eq!(seen.iter().map(|(attribute, _)| attribute).collect::<Vec<_>>(), [A::Label, A::Trusted]);
    let request = FindRequest { template: flags(&[A::Encrypt]), after: 0, limit: 10, with_attributes: false };
    assert_eq!(code(objects.find(&admin, &request)), Rv::ATTRIBUTE_TYPE_INVALID);
    assert_eq!(code(objects.encrypt(&admin, keys[0], M::AesEcb, None, &[0; 16])), Rv::KEY_HANDLE_INVALID);
    assert_eq!(code(objects.check_destroy(&admin, keys[0])), Rv::OBJECT_HANDLE_INVALID);
}

#[test]
fn an_admin_searches_and_reads_public_objects_as_everybody_does_and_trusts_them() {
    let (objects, alice, admin) = (objects(), user("alice"), admin());
    let pair = |private| {
        let public = flags(&[A::Token, A::Verify])
            .with(A::EcParams, V::Bytes(P256.to_vec()))
            .with(A::Private, V::Bool(private));
        let (public, other) =
            objects.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Token])).unwrap();
        published(&objects, &other);
        published(&objects, &public)
    };
    let (open, closed) = (pair(false), pair(true));
    let public = only(A::Private, V::Bool(false));
    assert_eq!(find(&objects, &admin, public.clone()), [open]);
    assert_eq!(find(&objects, &admin, public.clone().with(A::Verify, V::Bool(true))), [open]);
    assert_eq!(find(&objects, &admin, public.clone().with(A::Verify, V::Bool(false))), []);
    for refused in [only(A::Private, V::Bool(true)), flags(&[A::Verify])] {
        let request = FindRequest { template: refused, after: 0, limit: 10, with_attributes: false };
        assert_eq!(code(objects.find(&admin, &request)), Rv::ATTRIBUTE_TYPE_INVALID);
    }
    assert_eq!(read(&objects, &admin, open), read(&objects, &alice, open));
    let request = FindRequest { template: public, after: 0, limit: 10, with_attributes: true };
    let found = objects.find(&admin, &request).unwrap();
    assert_eq!(found.objects.0[0].attributes, read(&objects, &alice, open));
    assert_eq!(read(&objects, &admin, closed).bytes(A::EcPoint), None);
    published(&objects, &objects.set_attributes(&admin, open, flags(&[A::Trusted])).unwrap());
    assert_eq!(read(&objects, &alice, open).bool(A::Trusted), Some(true));
}

#[test]
fn nobody_but_a_crypto_user_makes_objects_and_nobody_without_a_role_sees_any() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    for role in [Role::None, Role::Admin, Role::ApplianceUser, Role::UnactivatedAdmin] {
        let caller = Caller { role, ..alice.clone() };
        let template = only(A::ValueLen, V::Ulong(16));
        assert_eq!(
            code(objects.generate_key(&caller, M::AesKeyGen, template.clone())),
            Rv::USER_NOT_LOGGED_IN
        );
        assert_eq!(code(objects.create_object(&caller, template.clone())), Rv::USER_NOT_LOGGED_IN);
        let pair = objects.generate_key_pair(&caller, M::EcKeyPairGen, template.clone(), Template::new());
        assert_eq!(code(pair), Rv::USER_NOT_LOGGED_IN);
        let unwrapped = objects.unwrap_key(&caller, key, M::AesKeyWrap, None, &[0; 24], template);
        assert_eq!(code(unwrapped), Rv::USER_NOT_LOGGED_IN);
        assert_eq!(code(objects.encrypt(&caller, key, M::AesEcb, None, &[0; 16])), Rv::KEY_HANDLE_INVALID);
        if role != Role::Admin {
            assert_eq!(find(&objects, &caller, Template::new()), []);
            assert!(objects.attributes(&caller, &[key]).unwrap().objects.0.is_empty());
        }
    }
}
