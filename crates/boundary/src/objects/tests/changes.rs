//! Changes and destroy.

use super::*;

#[test]
fn label_and_id_change_and_the_version_rises() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = ec_pair(&objects, &alice);
    for reference in [public, private] {
        let changes = only(A::Label, V::Text("new".into())).with(A::Id, V::Bytes(vec![1, 2, 3]));
        let staged = objects.set_attributes(&alice, reference, changes.clone()).unwrap();
        assert_eq!(staged.version, 2);
        assert_ne!(read(&objects, &alice, reference).bytes(A::Label), Some(&b"new"[..]));
        published(&objects, &staged);
        assert_eq!(
            find(&objects, &alice, changes.with(A::Id, V::Bytes(vec![1, 2, 3]))).len(),
            usize::from(reference == public) + 2 * usize::from(reference == private)
        );
    }
    assert_eq!(find(&objects, &alice, only(A::Label, V::Text(String::new()))), []);
}

#[test]
fn a_usage_that_is_switched_off_is_off_at_once() {
    let (objects, alice) = (objects(), user("alice"));
    let (_, private) = ec_pair(&objects, &alice);
    objects.sign(&alice, private, M::Ecdsa, None, &[1; 32]).unwrap();
    published(&objects, &objects.set_attributes(&alice, private, only(A::Sign, V::Bool(false))).unwrap());
    assert_eq!(code(objects.sign(&alice, private, M::Ecdsa, None, &[1; 32])), Rv::KEY_FUNCTION_NOT_PERMITTED);
}

#[test]
fn one_way_attributes_go_one_way() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    for (attribute, value) in [(A::Extractable, false), (A::WrapWithTrusted, true), (A::Copyable, false)] {
        published(&objects, &objects.set_attributes(&alice, key, only(attribute, V::Bool(value))).unwrap());
        let back = objects.set_attributes(&alice, key, only(attribute, V::Bool(!value)));
        assert_eq!(code(back), Rv::ATTRIBUTE_READ_ONLY, "{attribute:?}");
    }
    for attribute in [A::Private, A::Local, A::CheckValue, A::Class, A::NeverExtractable] {
        let value = read(&objects, &alice, key).get(attribute).unwrap().clone();
        assert_eq!(
            code(objects.set_attributes(&alice, key, only(attribute, value))),
            Rv::ATTRIBUTE_READ_ONLY
        );
    }
    // What was said of the key's past stays true.
    assert_eq!(read(&objects, &alice, key).bool(A::NeverExtractable), Some(false));
}

#[test]
fn a_session_object_becomes_a_token_object_and_never_the_other_way() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let template = only(A::ValueLen, V::Ulong(32)).with(A::Extractable, V::Bool(false));
    let session = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, template).unwrap());
    let token = flags(&[A::Token]);
    assert_eq!(code(objects.set_attributes(&bob, session, token.clone())), Rv::OBJECT_HANDLE_INVALID);
    let staged = objects.set_attributes(&alice, session, token.clone()).unwrap();
    assert!(staged.is_token && staged.reference != session && !staged.record.is_empty());
    let moved = published(&objects, &staged);
    objects.remove(&[session]);
    let [was, is] = [&staged.view.attributes, &read(&objects, &alice, moved)];
    assert_eq!(was, is);
    assert_eq!((is.bool(A::NeverExtractable), is.bool(A::EverCopied)), (Some(true), Some(false)));
    assert_eq!(objects.set_attributes(&alice, moved, token).unwrap().reference, moved);
    objects.discard(&[moved]);
    let back = objects.set_attributes(&alice, moved, only(A::Token, V::Bool(false)));
    assert_eq!(code(back), Rv::ATTRIBUTE_READ_ONLY);
    let fixed = only(A::ValueLen, V::Ulong(32)).with(A::Modifiable, V::Bool(false));
    let fixed = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, fixed).unwrap());
    assert_eq!(code(objects.set_attributes(&alice, fixed, flags(&[A::Token]))), Rv::ACTION_PROHIBITED);
}

#[test]
fn only_an_admin_trusts_and_changes_nothing_else() {
    let (objects, alice, admin) = (objects(), user("alice"), admin());
    let key = aes_key(&objects, &alice);
    let trust = only(A::Trusted, V::Bool(true));
    assert_eq!(code(objects.set_attributes(&alice, key, trust.clone())), Rv::ATTRIBUTE_READ_ONLY);
    published(&objects, &objects.set_attributes(&admin, key, trust).unwrap());
    assert_eq!(read(&objects, &alice, key).bool(A::Trusted), Some(true));
    let label = only(A::Label, V::Text("mine".into()));
    assert_eq!(code(objects.set_attributes(&admin, key, label)), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(
        code(objects.set_attributes(&admin, 42, only(A::Trusted, V::Bool(true)))),
        Rv::OBJECT_HANDLE_INVALID
    );
}

#[test]
fn an_object_that_is_not_modifiable_or_not_destroyable_stays_so() {
    let (objects, alice) = (objects(), user("alice"));
    let template = only(A::ValueLen, V::Ulong(16)).with(A::Modifiable, V::Bool(false));
    let key = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, template).unwrap());
    let label = only(A::Label, V::Text("new".into()));
    assert_eq!(code(objects.set_attributes(&alice, key, label)), Rv::ACTION_PROHIBITED);
    let template = only(A::ValueLen, V::Ulong(16)).with(A::Destroyable, V::Bool(false));
    let key = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, template).unwrap());
    assert_eq!(code(objects.check_destroy(&alice, key)), Rv::ACTION_PROHIBITED);
    published(&objects, &objects.set_attributes(&alice, key, only(A::Destroyable, V::Bool(true))).unwrap());
    assert_eq!(objects.check_destroy(&alice, key), Ok(false));
}

#[test]
fn changes_of_what_is_not_there_or_not_ones_own_are_alike() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let key = aes_key(&objects, &alice);
    let label = only(A::Label, V::Text("mine now".into()));
    for reference in [key, 42] {
        assert_eq!(code(objects.set_attributes(&bob, reference, label.clone())), Rv::OBJECT_HANDLE_INVALID);
        assert_eq!(code(objects.check_destroy(&bob, reference)), Rv::OBJECT_HANDLE_INVALID);
    }
}
