//! Key encapsulation inside the HSM: who may do it, and what becomes of the secret.

use super::*;
use strongroom_wire::messages::MechanismParameters;

use crate::mechanisms::NO_PARAMETERS;

fn pair(objects: &Objects, number: u64) -> (Staged, Staged) {
    let public = flags(&[A::Token, A::Encapsulate]).with(A::ParameterSet, V::Ulong(number));
    let private = flags(&[A::Token, A::Decapsulate]);
    objects.generate_key_pair(&user("alice"), M::MlKemKeyPairGen, public, private).unwrap()
}

fn aes() -> Template {
    flags(&[A::Token, A::Encrypt]).with(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x1F))
}

#[test]
fn a_pair_works_from_its_records_and_its_secret_is_a_key_with_a_record() {
    let (objects, alice) = (objects(), user("alice"));
    for number in 1..=3 {
        let (public, private) = pair(&objects, number);
        objects.discard(&[public.reference, private.reference]);
        for staged in [&public, &private] {
            objects.load(staged.reference, 1, &staged.record).unwrap();
        }
        let (ours, ciphertext) =
            objects.encapsulate_key(&alice, public.reference, M::MlKem, None, aes()).unwrap();
        let theirs =
            objects.decapsulate_key(&alice, private.reference, M::MlKem, None, &ciphertext, aes()).unwrap();
        let blocks = [&ours, &theirs].map(|staged| {
            objects.discard(&[staged.reference]);
            objects.load(staged.reference, 1, &staged.record).unwrap();
            objects.encrypt(&alice, staged.reference, M::AesEcb, None, &[0; 16]).unwrap().data
        });
        assert_eq!(blocks[0], blocks[1]);
        let attributes = theirs.view.attributes;
        for unknown in [A::Local, A::AlwaysSensitive, A::NeverExtractable] {
            assert_eq!(attributes.bool(unknown), Some(false));
        }
        let hidden = read(&objects, &alice, private.reference);
        assert_eq!((hidden.get(A::Value), hidden.get(A::Seed)), (None, None));
    }
}

#[test]
fn everybody_who_sees_the_public_key_encapsulates_and_its_owner_alone_opens() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let open = flags(&[A::Token, A::Encapsulate])
        .with(A::ParameterSet, V::Ulong(2))
        .with(A::Private, V::Bool(false));
    let (public, private) = objects
        .generate_key_pair(&alice, M::MlKemKeyPairGen, open, flags(&[A::Token, A::Decapsulate]))
        .unwrap();
    let (public, private) = (published(&objects, &public), published(&objects, &private));
    let (_, ciphertext) = objects.encapsulate_key(&bob, public, M::MlKem, None, aes()).unwrap();
    let decapsulate =
        |caller: &Caller| code(objects.decapsulate_key(caller, private, M::MlKem, None, &ciphertext, aes()));
    assert_eq!(decapsulate(&bob), Rv::KEY_HANDLE_INVALID);
    published(&objects, &objects.share_key(&alice, private, "bob").unwrap());
    assert_eq!(decapsulate(&bob), Rv::ACTION_PROHIBITED);
    assert_eq!(decapsulate(&alice), Rv::OK);
    assert_eq!(decapsulate(&admin()), Rv::USER_NOT_LOGGED_IN);
    let encapsulate = |caller: &Caller| code(objects.encapsulate_key(caller, public, M::MlKem, None, aes()));
    assert_eq!(encapsulate(&admin()), Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn a_parameter_and_another_mechanism_are_refused() {
    let (objects, alice) = (objects(), user("alice"));
    let (public, _) = pair(&objects, 1);
    let public = published(&objects, &public);
    let encapsulate = |mechanism, given: Option<&MechanismParameters>| {
        code(objects.encapsulate_key(&alice, public, mechanism, given, aes()))
    };
    assert_eq!(encapsulate(M::MlKem, Some(&NO_PARAMETERS)), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(encapsulate(M::Ecdh1Derive, None), Rv::MECHANISM_INVALID);
}
