//! Keys that their owner shares with other crypto-users.

use super::*;

use crate::ErrorKind;

/// A published key that may do everything, shared with bob.
fn shared_key(objects: &Objects) -> u64 {
    let uses = [A::Encrypt, A::Decrypt, A::Wrap, A::Unwrap, A::Sign, A::Verify, A::Derive];
    let template = flags(&uses).with(A::Token, V::Bool(true)).with(A::ValueLen, V::Ulong(32));
    let template = template.with(A::Label, V::Text("shared".into()));
    let key = published(objects, &objects.generate_key(&user("alice"), M::AesKeyGen, template).unwrap());
    share(objects, key, "bob");
    key
}

fn share(objects: &Objects, key: u64, username: &str) {
    published(objects, &objects.share_key(&user("alice"), key, username).unwrap());
}

fn unshare(objects: &Objects, key: u64, username: &str) {
    published(objects, &objects.unshare_key(&user("alice"), key, username).unwrap());
}

fn shared_users(objects: &Objects, caller: &Caller, key: u64) -> Vec<String> {
    objects.attributes(caller, &[key]).unwrap().objects.0[0].shared_users.0.clone()
}

/// The codes of every use and every change of a key, by this caller.
fn codes(objects: &Objects, caller: &Caller, key: u64) -> (Vec<Rv>, Vec<Rv>) {
    let (block, alice) = ([7; 16], user("alice"));
    let cipher = objects.encrypt(&alice, key, M::AesEcb, None, &block).unwrap().data;
    let mac = objects.sign(&alice, key, M::AesCmac, None, b"d").unwrap();
    let own = aes_key(objects, &alice);
    let mine = if caller.role == Role::CryptoUser { aes_key(objects, caller) } else { own };
    let wrapped = objects.wrap_key(&alice, key, M::AesKeyWrap, None, own);
    let made = only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F));
    let unwrapped =
        objects.unwrap_key(caller, key, M::AesKeyWrap, None, &wrapped.unwrap().data, made.clone());
    if let Ok(staged) = &unwrapped {
        objects.discard(&[staged.reference]);
    }
    let uses = vec![
        code(objects.sign(caller, key, M::AesCmac, None, b"d")),
        code(objects.verify(caller, key, M::AesCmac, None, b"d", &mac)),
        code(objects.encrypt(caller, key, M::AesEcb, None, &block)),
        code(objects.decrypt(caller, key, M::AesEcb, None, &cipher)),
        code(objects.wrap_key(caller, key, M::AesKeyWrap, None, mine)),
        code(unwrapped),
    ];
    let derived =
        objects.derive_key(caller, key, M::Sp800108CounterKdf, None, made.with(A::ValueLen, V::Ulong(32)));
    let staged_changes = [
        objects
            .set_attributes(caller, key, only(A::Label, V::Text("mine".into())))
            .map(|_| objects.discard(&[key])),
        objects.set_attributes(caller, key, flags(&[A::Trusted])).map(|_| objects.discard(&[key])),
        objects.share_key(caller, key, "carol").map(|_| objects.discard(&[key])),
        objects.unshare_key(caller, key, "bob").map(|_| objects.discard(&[key])),
    ];
    let mut changes: Vec<Rv> = staged_changes.into_iter().map(code).collect();
    changes.push(code(objects.check_destroy(caller, key)));
    changes.push(code(objects.wrap_key(caller, mine, M::AesKeyWrap, None, key)));
    changes.push(code(derived));
    (uses, changes)
}

#[test]
fn a_shared_key_is_used_by_those_it_is_shared_with_and_changed_wrapped_and_derived_from_by_its_owner() {
    let objects = objects();
    let key = shared_key(&objects);
    let (uses, changes) = codes(&objects, &user("alice"), key);
    assert_eq!(uses, [Rv::OK; 6]);
    // Trust is an admin's matter; the derivation lacks its parameters.
    assert_eq!(changes[..1], [Rv::OK]);
    assert_eq!(changes[1], Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(changes[2..6], [Rv::OK; 4]);
    assert_eq!(changes[6], Rv::MECHANISM_PARAM_INVALID);
    let (uses, changes) = codes(&objects, &user("bob"), key);
    assert_eq!(uses, [Rv::OK; 6]);
    assert_eq!(changes, [Rv::ACTION_PROHIBITED; 7]);
}

#[test]
fn a_shared_key_is_as_good_as_absent_for_everybody_else() {
    let objects = objects();
    let key = shared_key(&objects);
    let (uses, changes) = codes(&objects, &user("mallory"), key);
    let absent = [Rv::KEY_HANDLE_INVALID; 4];
    assert_eq!(uses[..4], absent);
    assert_eq!(uses[4..], [Rv::WRAPPING_KEY_HANDLE_INVALID, Rv::UNWRAPPING_KEY_HANDLE_INVALID]);
    assert_eq!(changes[..5], [Rv::OBJECT_HANDLE_INVALID; 5]);
    assert_eq!(changes[5..], [Rv::KEY_HANDLE_INVALID; 2]);
    assert!(objects.attributes(&user("mallory"), &[key]).unwrap().objects.0.is_empty());
    // A name is all of it: neither a part of one nor another case.
    for name in ["bo", "bobb", "Bob", ""] {
        assert!(!objects.sees(&user(name), key), "{name}");
    }
}

#[test]
fn an_admin_trusts_a_shared_key_and_neither_uses_nor_shares_it() {
    let objects = objects();
    let key = shared_key(&objects);
    let (uses, changes) = codes(&objects, &admin(), key);
    assert!(!uses.contains(&Rv::OK));
    assert_eq!(changes[1], Rv::OK);
    assert_eq!(
        [changes[0], changes[2], changes[3], changes[4]],
        [
            Rv::ATTRIBUTE_READ_ONLY,
            Rv::OBJECT_HANDLE_INVALID,
            Rv::OBJECT_HANDLE_INVALID,
            Rv::OBJECT_HANDLE_INVALID
        ]
    );
}

#[test]
fn a_role_that_is_no_crypto_users_gains_nothing_by_a_name_that_a_key_is_shared_with() {
    let objects = objects();
    let key = shared_key(&objects);
    for role in [Role::None, Role::ApplianceUser, Role::UnactivatedAdmin] {
        let caller = Caller { role, ..user("bob") };
        assert_eq!(code(objects.sign(&caller, key, M::AesCmac, None, b"d")), Rv::KEY_HANDLE_INVALID);
        assert_eq!(find(&objects, &caller, Template::new()), []);
        assert!(!objects.sees(&caller, key));
    }
}

#[test]
fn the_halves_of_a_pair_are_shared_one_by_one() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let (public, private) = ec_pair(&objects, &alice);
    share(&objects, private, "bob");
    let signature = objects.sign(&bob, private, M::Ecdsa, None, &[1; 32]).unwrap();
    let verified = || objects.verify(&bob, public, M::Ecdsa, None, &[1; 32], &signature);
    assert_eq!(code(verified()), Rv::KEY_HANDLE_INVALID);
    share(&objects, public, "bob");
    verified().unwrap();
    unshare(&objects, private, "bob");
    verified().unwrap();
    assert_eq!(code(objects.sign(&bob, private, M::Ecdsa, None, &[1; 32])), Rv::KEY_HANDLE_INVALID);
}

#[test]
fn searches_of_those_it_is_shared_with_find_a_shared_key_and_an_admins_find_it_once() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let own = aes_key(&objects, &bob);
    let key = shared_key(&objects);
    share(&objects, key, "carol");
    let label = only(A::Label, V::Text("shared".into()));
    let (mut both, admin) = ([own, key], admin());
    both.sort_unstable();
    for template in [Template::new(), only(A::Class, V::Ulong(4)), flags(&[A::Encrypt])] {
        assert_eq!(find(&objects, &bob, template.clone()), both);
        assert_eq!(find(&objects, &alice, template.clone()), [key]);
        assert_eq!(find(&objects, &user("carol"), template.clone()), [key]);
        assert_eq!(find(&objects, &user("mallory"), template), []);
    }
    assert_eq!(find(&objects, &bob, label.clone()), [key]);
    let request = FindRequest { template: Template::new(), after: 0, limit: 1, with_attributes: true };
    assert_eq!(objects.find(&bob, &request).unwrap().total, 2);
    let found = objects.find(&admin, &request).unwrap();
    assert_eq!((found.total, found.more), (2, true));
    assert_eq!(find(&objects, &admin, Template::new()), both);
    // A change of an attribute is found, and once the share is over nothing is.
    let renamed = only(A::Label, V::Text("renamed".into()));
    published(&objects, &objects.set_attributes(&alice, key, renamed.clone()).unwrap());
    assert_eq!((find(&objects, &bob, label), find(&objects, &bob, renamed.clone())), (vec![], vec![key]));
    unshare(&objects, key, "bob");
    assert_eq!(
        (find(&objects, &bob, renamed.clone()), find(&objects, &bob, Template::new())),
        (vec![], vec![own])
    );
    assert_eq!(find(&objects, &user("carol"), renamed), [key]);
    objects.remove(&[key]);
    assert_eq!(find(&objects, &user("carol"), Template::new()), []);
    assert!(objects.references_shared_with("carol").is_empty());
}

#[test]
fn those_who_may_know_are_told_whom_a_key_is_shared_with() {
    let objects = objects();
    let key = shared_key(&objects);
    share(&objects, key, "anna");
    for caller in [user("alice"), user("bob"), admin()] {
        assert_eq!(shared_users(&objects, &caller, key), ["anna", "bob"]);
    }
    let listed = |with_attributes| {
        let request = FindRequest { template: Template::new(), after: 0, limit: 9, with_attributes };
        objects.find(&user("bob"), &request).unwrap().objects.0[0].shared_users.0.len()
    };
    assert_eq!((listed(true), listed(false)), (2, 0));
    assert_eq!((objects.object_count(Some("alice")), objects.object_count(Some("bob"))), (1, 0));
}

#[test]
fn sharing_counts_as_a_change_and_what_it_is_about_must_be_shareable() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    let first = objects.share_key(&alice, key, "bob").unwrap();
    assert_eq!((first.version, &first.view.shared_users.0[..]), (2, &["bob".to_owned()][..]));
    assert!(!objects.sees(&user("bob"), key), "only staged");
    published(&objects, &first);
    let again = objects.share_key(&alice, key, "bob").unwrap();
    assert_eq!(again.view.shared_users.0, ["bob"]);
    published(&objects, &again);
    assert_eq!(code(objects.share_key(&alice, key, "alice")), Rv::ARGUMENTS_BAD);
    assert_eq!(code(objects.unshare_key(&alice, key, "carol")), Rv::ARGUMENTS_BAD);
    assert_eq!(code(objects.share_key(&alice, 42, "bob")), Rv::OBJECT_HANDLE_INVALID);

    let session = objects.generate_key(&alice, M::AesKeyGen, only(A::ValueLen, V::Ulong(16))).unwrap();
    let session = published(&objects, &session);
    let public = flags(&[A::Token, A::Verify])
        .with(A::EcParams, V::Bytes(P256.to_vec()))
        .with(A::Private, V::Bool(false));
    let pair = objects.generate_key_pair(&alice, M::EcKeyPairGen, public, flags(&[A::Token])).unwrap();
    let public = published(&objects, &pair.0);
    for reference in [session, public] {
        assert_eq!(code(objects.share_key(&alice, reference, "bob")), Rv::ACTION_PROHIBITED);
    }
    let certificate = published(
        &objects,
        &objects.create_object(&alice, certificates::template(certificates::certificate())).unwrap(),
    );
    assert_eq!(code(objects.share_key(&alice, certificate, "bob")), Rv::KEY_HANDLE_INVALID);
}

#[test]
fn a_key_that_cannot_be_modified_is_shared_all_the_same() {
    let (objects, alice) = (objects(), user("alice"));
    let template =
        flags(&[A::Token, A::Sign]).with(A::ValueLen, V::Ulong(16)).with(A::Modifiable, V::Bool(false));
    let key = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, template).unwrap());
    share(&objects, key, "bob");
    assert_eq!(code(objects.sign(&user("bob"), key, M::AesCmac, None, b"d")), Rv::OK);
}

#[test]
fn a_record_keeps_whom_a_key_is_shared_with_and_nobody_adds_to_it() {
    let (objects, other) = (objects(), super::objects());
    let key = shared_key(&objects);
    let staged = objects.share_key(&user("alice"), key, "carol").unwrap();
    other.load(key, staged.version, &staged.record).unwrap();
    for name in ["bob", "carol"] {
        assert_eq!(code(other.sign(&user(name), key, M::AesCmac, None, b"d")), Rv::OK);
        assert_eq!(other.references_shared_with(name), [key]);
    }
    other.remove(&[key]);
    let at = staged.record.windows(3).position(|window| window == b"bob").unwrap();
    let mut altered = staged.record.clone();
    altered[at..at + 3].copy_from_slice(b"eve");
    assert_eq!(other.load(key, staged.version, &altered).unwrap_err().kind, ErrorKind::Integrity);
    // The version without the share takes it away, and the older one does not bring it back.
    objects.publish(&[key]);
    let narrower = objects.unshare_key(&user("alice"), key, "bob").unwrap();
    other.load(key, narrower.version, &narrower.record).unwrap();
    other.load(key, staged.version, &staged.record).unwrap();
    assert_eq!(code(other.sign(&user("bob"), key, M::AesCmac, None, b"d")), Rv::KEY_HANDLE_INVALID);
    assert_eq!(code(other.sign(&user("carol"), key, M::AesCmac, None, b"d")), Rv::OK);
}

#[test]
fn a_key_is_shared_from_its_beginning_by_its_maker_and_only_then() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let template = flags(&[A::Token, A::Sign]).with(A::ValueLen, V::Ulong(16));
    let made = objects.generate_key(&alice, M::AesKeyGen, template.clone()).unwrap();
    let names = ["carol".to_owned(), "bob".to_owned(), "bob".to_owned()];
    assert_eq!(code(objects.share_staged(&bob, made.reference, &names)), Rv::OBJECT_HANDLE_INVALID);
    assert_eq!(code(objects.share_staged(&alice, made.reference, &["alice".to_owned()])), Rv::ARGUMENTS_BAD);
    let shared = objects.share_staged(&alice, made.reference, &names).unwrap();
    assert_eq!(
        (shared.version, &shared.view.shared_users.0[..]),
        (1, &["bob".to_owned(), "carol".to_owned()][..])
    );
    let key = published(&objects, &shared);
    assert_eq!(code(objects.sign(&bob, key, M::AesCmac, None, b"d")), Rv::OK);
    assert_eq!(code(objects.share_staged(&alice, key, &names)), Rv::OBJECT_HANDLE_INVALID);
    objects.set_attributes(&alice, key, only(A::Label, V::Text("later".into()))).unwrap();
    assert_eq!(code(objects.share_staged(&alice, key, &["eve".to_owned()])), Rv::OBJECT_HANDLE_INVALID);
    objects.discard(&[key]);
    let session = objects.generate_key(&alice, M::AesKeyGen, only(A::ValueLen, V::Ulong(16))).unwrap();
    assert_eq!(code(objects.share_staged(&alice, session.reference, &names)), Rv::ACTION_PROHIBITED);
}

#[test]
fn the_shares_of_a_user_are_withdrawn_one_by_one() {
    let (objects, bob) = (objects(), user("bob"));
    let keys: Vec<u64> = (0..3).map(|_| shared_key(&objects)).collect();
    share(&objects, keys[0], "carol");
    let mut found = objects.references_shared_with("bob");
    found.sort_unstable();
    let mut expected = keys.clone();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for key in &keys {
        published(&objects, &objects.withdraw(*key, "bob").unwrap());
    }
    assert_eq!(find(&objects, &bob, Template::new()), []);
    assert_eq!(find(&objects, &user("carol"), Template::new()), [keys[0]]);
    assert_eq!(code(objects.withdraw(keys[0], "bob")), Rv::ARGUMENTS_BAD);
    assert_eq!(code(objects.withdraw(42, "bob")), Rv::OBJECT_HANDLE_INVALID);
}

#[test]
fn no_search_of_its_owner_misses_a_key_while_it_is_shared_and_unshared() {
    let (objects, alice) = (objects(), user("alice"));
    let key = shared_key(&objects);
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            for _ in 0..200 {
                unshare(&objects, key, "bob");
                share(&objects, key, "bob");
            }
        });
        while !changing.is_finished() {
            assert_eq!(find(&objects, &alice, only(A::Label, V::Text("shared".into()))), [key]);
        }
    });
}
