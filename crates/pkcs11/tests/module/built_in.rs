//! Objects of the library itself, and the numbers that all objects have.

use std::ptr;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Attributes, Session, V, mechanism, slots};
use cryptoki_sys::*;
use strongroom_wire::Rv;

fn session() -> Session {
    Fixture::shared();
    Session::open(true).unwrap()
}

fn number(bytes: &[u8]) -> CK_ULONG {
    CK_ULONG::from_ne_bytes(bytes.try_into().unwrap())
}

fn offered() -> Vec<CK_MECHANISM_TYPE> {
    let mut count = 0;
    call!(C_GetMechanismList(slots()[0], ptr::null_mut(), &raw mut count)).unwrap();
    let mut list = vec![0; usize::try_from(count).unwrap()];
    call!(C_GetMechanismList(slots()[0], list.as_mut_ptr(), &raw mut count)).unwrap();
    list
}

fn secret(session: &Session, label: &[u8], is_token: bool) -> CK_OBJECT_HANDLE {
    let template = [(CKA_LABEL, V::S(label)), (CKA_VALUE_LEN, V::U(32)), (CKA_TOKEN, V::B(is_token))];
    session.generate(CKM_AES_KEY_GEN, &template).unwrap()
}

#[test]
fn the_profiles_are_three_and_say_what_they_are() {
    let session = session();
    let found = session.find(&[(CKA_CLASS, V::U(CKO_PROFILE))]).unwrap();
    let ids: Vec<CK_ULONG> =
        found.iter().map(|object| number(&session.get(*object, CKA_PROFILE_ID).unwrap())).collect();
    assert_eq!(ids, [CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN]);
    let extended = [(CKA_PROFILE_ID, V::U(CKP_EXTENDED_PROVIDER)), (CKA_CLASS, V::U(CKO_PROFILE))];
    assert_eq!(session.find(&extended).unwrap(), [found[1]]);
    assert_eq!(number(&session.get(found[0], CKA_CLASS).unwrap()), CKO_PROFILE);
    assert_eq!(session.get(found[0], CKA_TOKEN).unwrap(), [1]);
    for never in [CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE] {
        assert_eq!(session.get(found[0], never).unwrap(), [0]);
    }
    assert_eq!(session.get(found[0], CKA_LABEL).unwrap(), b"");
    assert_eq!(session.get(found[0], CKA_UNIQUE_ID).unwrap(), b"profile 0x1");
    for absent in [CKA_MECHANISM_TYPE, CKA_VALUE, CKA_KEY_TYPE, 0x8765_4321] {
        assert_eq!(session.get(found[0], absent), Err(Rv::ATTRIBUTE_TYPE_INVALID));
    }
    let mut small = [0_u8; 7];
    let mut wanted = CK_ATTRIBUTE { type_: CKA_PROFILE_ID, pValue: small.as_mut_ptr().cast(), ulValueLen: 7 };
    let refused = call!(C_GetAttributeValue(session.0, found[0], &raw mut wanted, 1));
    assert_eq!((refused, wanted.ulValueLen), (Err(Rv::BUFFER_TOO_SMALL), CK_UNAVAILABLE_INFORMATION));
    let mut size = 0;
    call!(C_GetObjectSize(session.0, found[0], &raw mut size)).unwrap();
    assert_eq!(size, 8 + 8 + 11 + 5);
}

#[test]
fn every_mechanism_of_the_list_is_an_object() {
    let session = session();
    let found = session.find(&[(CKA_CLASS, V::U(CKO_MECHANISM))]).unwrap();
    let kinds: Vec<CK_ULONG> =
        found.iter().map(|object| number(&session.get(*object, CKA_MECHANISM_TYPE).unwrap())).collect();
    assert_eq!(kinds, offered());
    let one = [(CKA_CLASS, V::U(CKO_MECHANISM)), (CKA_MECHANISM_TYPE, V::U(CKM_AES_GCM))];
    let gcm = session.find(&one).unwrap();
    assert_eq!(gcm.len(), 1);
    assert_eq!(session.get(gcm[0], CKA_UNIQUE_ID).unwrap(), b"mechanism 0x1087");
    let absent = [(CKA_CLASS, V::U(CKO_MECHANISM)), (CKA_MECHANISM_TYPE, V::U(CKM_BLOWFISH_CBC))];
    assert!(session.find(&absent).unwrap().is_empty());
}

#[test]
fn only_a_search_that_names_the_class_finds_them() {
    let session = session();
    let kept = secret(&session, b"beside the built-in objects", true);
    let all = session.find(&[]).unwrap();
    assert!(all.contains(&kept));
    let classes: Vec<CK_ULONG> =
        all.iter().filter_map(|object| session.get(*object, CKA_CLASS).ok()).map(|it| number(&it)).collect();
    assert!(classes.iter().all(|class| ![CKO_PROFILE, CKO_MECHANISM].contains(class)));
    for template in [
        vec![(CKA_PROFILE_ID, V::U(CKP_BASELINE_PROVIDER))],
        vec![(CKA_MECHANISM_TYPE, V::U(CKM_AES_GCM))],
        vec![(CKA_UNIQUE_ID, V::S(b"profile 0x1"))],
        vec![(CKA_CLASS, V::U(CKO_PROFILE)), (CKA_CLASS, V::U(CKO_MECHANISM))],
        vec![(CKA_CLASS, V::U(CKO_PROFILE)), (CKA_TOKEN, V::B(false))],
        vec![(CKA_CLASS, V::U(CKO_PROFILE)), (CKA_KEY_TYPE, V::U(CKK_AES))],
        vec![(CKA_CLASS, V::U(CKO_PROFILE)), (CKA_PROFILE_ID, V::S(b"1"))],
        vec![(CKA_CLASS, V::U(CKO_HW_FEATURE))],
        vec![(CKA_CLASS, V::U(CKO_VALIDATION))],
    ] {
        assert!(session.find(&template).unwrap().is_empty());
    }
    let public = [(CKA_CLASS, V::U(CKO_PROFILE)), (CKA_TOKEN, V::B(true)), (CKA_PRIVATE, V::B(false))];
    assert_eq!(session.find(&public).unwrap().len(), 3);
    call!(C_DestroyObject(session.0, kept)).unwrap();
}

#[test]
fn nobody_makes_changes_copies_destroys_or_uses_one() {
    let session = session();
    let profile = session.find(&[(CKA_CLASS, V::U(CKO_PROFILE))]).unwrap()[0];
    let gcm = [(CKA_CLASS, V::U(CKO_MECHANISM)), (CKA_MECHANISM_TYPE, V::U(CKM_AES_GCM))];
    let gcm = session.find(&gcm).unwrap()[0];
    for object in [profile, gcm] {
        let mut copy = 0;
        let copied = call!(C_CopyObject(session.0, object, ptr::null_mut(), 0, &raw mut copy));
        assert_eq!(copied, Err(Rv::ACTION_PROHIBITED));
        assert_eq!(call!(C_DestroyObject(session.0, object)), Err(Rv::ACTION_PROHIBITED));
        for (attribute, value) in [
            (CKA_LABEL, V::S(b"mine")),
            (CKA_PROFILE_ID, V::U(CKP_COMPLETE_PROVIDER)),
            (CKA_MECHANISM_TYPE, V::U(CKM_BLOWFISH_CBC)),
            (CKA_MODIFIABLE, V::B(true)),
        ] {
            assert_eq!(session.set(object, &[(attribute, value)]), Err(Rv::ACTION_PROHIBITED));
        }
        assert_eq!(session.get(object, CKA_LABEL).unwrap(), b"");
        assert_eq!(session.sign(mechanism(CKM_SHA256_HMAC), object, b"data"), Err(Rv::KEY_HANDLE_INVALID));
        for other in [object + 0x7777, object | (1 << 63), object & !(1 << 62), object ^ (1 << 40)] {
            assert_eq!(session.get(other, CKA_CLASS), Err(Rv::OBJECT_HANDLE_INVALID));
            assert_eq!(call!(C_DestroyObject(session.0, other)), Err(Rv::OBJECT_HANDLE_INVALID));
        }
    }
    assert_eq!(session.create(&[(CKA_CLASS, V::U(CKO_PROFILE))]), Err(Rv::ATTRIBUTE_VALUE_INVALID));
    assert_eq!(session.create(&[(CKA_CLASS, V::U(CKO_MECHANISM))]), Err(Rv::ATTRIBUTE_VALUE_INVALID));
    for (class, attribute) in
        [(CKO_PROFILE, CKA_PROFILE_ID), (CKO_MECHANISM, CKA_MECHANISM_TYPE), (CKO_DATA, CKA_PROFILE_ID)]
    {
        let made = session.create(&[(CKA_CLASS, V::U(class)), (attribute, V::U(1))]);
        assert_eq!(made, Err(Rv::ATTRIBUTE_READ_ONLY));
    }
}

#[test]
fn an_object_is_found_by_its_unique_id_and_keeps_it() {
    let session = session();
    let (first, second) = (secret(&session, b"unique", true), secret(&session, b"unique", false));
    let (one, two) =
        (session.get(first, CKA_UNIQUE_ID).unwrap(), session.get(second, CKA_UNIQUE_ID).unwrap());
    assert_ne!(one, two);
    assert_eq!((one.len(), &one[..2]), (18, &b"0x"[..]));
    assert_eq!(session.find(&[(CKA_UNIQUE_ID, V::S(&one))]).unwrap(), [first]);
    assert_eq!(session.find(&[(CKA_UNIQUE_ID, V::S(&two))]).unwrap(), [second]);
    session.set(first, &[(CKA_LABEL, V::S(b"renamed"))]).unwrap();
    assert_eq!(session.get(first, CKA_UNIQUE_ID).unwrap(), one);
    let both =
        [(CKA_LABEL, V::S(b"renamed")), (CKA_UNIQUE_ID, V::S(&one)), (CKA_CLASS, V::U(CKO_SECRET_KEY))];
    assert_eq!(session.find(&both).unwrap(), [first]);
    for nothing in [
        vec![(CKA_LABEL, V::S(b"unique")), (CKA_UNIQUE_ID, V::S(&one))],
        vec![(CKA_UNIQUE_ID, V::S(&one)), (CKA_UNIQUE_ID, V::S(&two))],
        vec![(CKA_UNIQUE_ID, V::S(&one)), (0x8765_4321, V::U(1))],
        vec![(CKA_UNIQUE_ID, V::S(&one[..17]))],
        vec![(CKA_UNIQUE_ID, V::S(b""))],
        vec![(CKA_UNIQUE_ID, V::S(b"0x0000000000000001"))],
        vec![(CKA_UNIQUE_ID, V::S(b"0x8000000000000001"))],
    ] {
        assert!(session.find(&nothing).unwrap().is_empty());
    }
    let mut size = 0;
    call!(C_GetObjectSize(session.0, first, &raw mut size)).unwrap();
    assert!(size > 18);
    call!(C_DestroyObject(session.0, first)).unwrap();
    assert!(session.find(&[(CKA_UNIQUE_ID, V::S(&one))]).unwrap().is_empty());
    call!(C_DestroyObject(session.0, second)).unwrap();
}

#[test]
fn nobody_chooses_a_unique_id() {
    let session = session();
    let key = secret(&session, b"chosen", false);
    assert_eq!(session.set(key, &[(CKA_UNIQUE_ID, V::S(b"mine"))]), Err(Rv::ATTRIBUTE_READ_ONLY));
    let template = [(CKA_UNIQUE_ID, V::S(b"mine")), (CKA_VALUE_LEN, V::U(32))];
    assert_eq!(session.generate(CKM_AES_KEY_GEN, &template), Err(Rv::ATTRIBUTE_READ_ONLY));
    let data = [(CKA_CLASS, V::U(CKO_DATA)), (CKA_UNIQUE_ID, V::S(b"mine"))];
    assert_eq!(session.create(&data), Err(Rv::ATTRIBUTE_READ_ONLY));
    let mut attributes = Attributes::new(&[(CKA_UNIQUE_ID, V::S(b"mine"))]);
    let (mut raw, mut copy) = (attributes.raw(), 0);
    let copied = call!(C_CopyObject(session.0, key, raw.as_mut_ptr(), 1, &raw mut copy));
    assert_eq!(copied, Err(Rv::ATTRIBUTE_READ_ONLY));
    call!(C_DestroyObject(session.0, key)).unwrap();
}
