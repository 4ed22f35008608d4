//! From staging to removal.

use super::*;

#[test]
fn a_generated_key_pair_signs_and_verifies_once_it_is_published() {
    let (objects, alice) = (objects(), user("alice"));
    let public = flags(&[A::Token, A::Verify]).with(A::EcParams, V::Bytes(P256.to_vec()));
    let (public, private) =
        objects.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Token, A::Sign])).unwrap();
    let refused = objects.sign(&alice, private.reference, M::EcdsaSha256, None, b"data").unwrap_err();
    assert_eq!(refused.rv, Rv::KEY_HANDLE_INVALID);
    objects.publish(&[public.reference, private.reference]);
    let signature = objects.sign(&alice, private.reference, M::EcdsaSha256, None, b"data").unwrap();
    objects.verify(&alice, public.reference, M::EcdsaSha256, None, b"data", &signature).unwrap();
    let refused =
        objects.verify(&alice, public.reference, M::EcdsaSha256, None, b"date", &signature).unwrap_err();
    assert_eq!(refused.rv, Rv::SIGNATURE_INVALID);
}

#[test]
fn a_discarded_object_is_never_there() {
    let (objects, alice) = (objects(), user("alice"));
    let staged = objects
        .generate_key(&alice, M::AesKeyGen, flags(&[A::Token]).with(A::ValueLen, V::Ulong(16)))
        .unwrap();
    objects.discard(&[staged.reference]);
    objects.publish(&[staged.reference]);
    assert!(!objects.knows(staged.reference));
    assert_eq!(objects.object_count(None), 0);
}

#[test]
fn a_record_loads_on_another_hsm_and_works_there_under_the_same_reference() {
    let (first, second, alice) = (objects(), objects(), user("alice"));
    let public = flags(&[A::Token, A::Verify]).with(A::EcParams, V::Bytes(P256.to_vec()));
    let (public, private) =
        first.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Token, A::Sign])).unwrap();
    for staged in [&public, &private] {
        first.publish(&[staged.reference]);
        second.load(staged.reference, staged.version, &staged.record).unwrap();
    }
    let signature = second.sign(&alice, private.reference, M::Ecdsa, None, &[7; 32]).unwrap();
    first.verify(&alice, public.reference, M::Ecdsa, None, &[7; 32], &signature).unwrap();
    let [here, there] = [&first, &second].map(|hsm| hsm.attributes(&alice, &[private.reference]).unwrap());
    assert_eq!(here, there);
}

#[test]
fn another_users_objects_are_as_good_as_absent() {
    let (objects, alice, mallory) = (objects(), user("alice"), user("mallory"));
    let (public, private) = ec_pair(&objects, &alice);
    let [theirs, absent] = [private, 42].map(|key| {
        let error = objects.sign(&mallory, key, M::Ecdsa, None, &[7; 32]).unwrap_err();
        (error.rv, error.text.replace(&format!("{key:#018x}"), "KEY"))
    });
    assert_eq!(theirs, absent);
    assert_eq!(objects.check_destroy(&mallory, public).unwrap_err().rv, Rv::OBJECT_HANDLE_INVALID);
    assert!(find(&objects, &mallory, Template::new()).is_empty());
    assert_eq!(find(&objects, &alice, Template::new()).len(), 2);
}

#[test]
fn keys_are_found_by_label_and_id_and_class() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    ec_pair(&objects, &alice);
    let labelled = Template::new().with(A::Label, V::Text("mine".into())).with(A::Id, V::Bytes(vec![1, 2]));
    published(&objects, &objects.set_attributes(&alice, key, labelled.clone()).unwrap());
    assert_eq!(find(&objects, &alice, labelled), [key]);
    assert_eq!(find(&objects, &alice, Template::new().with(A::Label, V::Text("other".into()))), []);
    assert_eq!(find(&objects, &alice, Template::new().with(A::Class, V::Ulong(4))), [key]);
    assert_eq!(find(&objects, &alice, Template::new().with(A::KeyType, V::Ulong(3))).len(), 2);
    objects.remove(&[key]);
    assert_eq!(find(&objects, &alice, Template::new().with(A::Class, V::Ulong(4))), []);
}

#[test]
fn a_change_staged_while_another_is_staged_waits_for_it_and_is_then_refused_as_outdated() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    let first = objects.set_attributes(&alice, key, only(A::Label, V::Text("first".into()))).unwrap();
    std::thread::scope(|scope| {
        let second = scope
            .spawn(|| code(objects.set_attributes(&alice, key, only(A::Label, V::Text("second".into())))));
        while objects.staging.waiting() == 0 && !second.is_finished() {
            std::thread::yield_now();
        }
        published(&objects, &first);
        assert_eq!(second.join().unwrap(), Rv::FUNCTION_FAILED);
    });
    assert_eq!(read(&objects, &alice, key).bytes(A::Label), Some(&b"first"[..]));
    let third = objects.set_attributes(&alice, key, only(A::Label, V::Text("third".into()))).unwrap();
    assert_eq!((first.version, third.version), (2, 3));
    objects.discard(&[key]);
    assert_eq!(read(&objects, &alice, key).bytes(A::Label), Some(&b"first"[..]));
}

#[test]
fn a_removed_object_is_gone_for_every_use() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16]).unwrap();
    assert!(objects.check_destroy(&alice, key).unwrap());
    objects.remove(&[key]);
    assert_eq!(code(objects.encrypt(&alice, key, M::AesEcb, None, &[0; 16])), Rv::KEY_HANDLE_INVALID);
    assert!(!objects.knows(key));
    assert_eq!(objects.object_count(Some("alice")), 0);
}

#[test]
fn public_keys_are_told_from_other_objects() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = ec_pair(&objects, &alice);
    let secret = aes_key(&objects, &alice);
    assert_eq!(
        [public, private, secret, 42].map(|reference| objects.is_public_key(reference)),
        [true, false, false, false]
    );
}

#[test]
fn many_threads_use_make_and_remove_keys_at_once() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, private) = ec_pair(&objects, &alice);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..100_u8 {
                    let signature = objects.sign(&alice, private, M::Ecdsa, None, &[n; 32]).unwrap();
                    objects.verify(&alice, public, M::Ecdsa, None, &[n; 32], &signature).unwrap();
                }
            });
            scope.spawn(|| {
                for _ in 0..50 {
                    let key = aes_key(&objects, &alice);
                    assert!(find(&objects, &alice, only(A::Class, V::Ulong(4))).contains(&key));
                    objects.remove(&[key]);
                }
            });
        }
    });
    assert_eq!(objects.object_count(None), 2);
}
