//! Data objects.

use super::*;
use crate::attributes::value_bytes;
use crate::objects::Sizes;
use strongroom_wire::messages::DigestPart;

const TEXT: &[u8] = b"what an application keeps in an HSM";

fn secret(value: &[u8]) -> V {
    V::Secret(Secret::new(value.to_vec()))
}

pub fn template(value: &[u8]) -> Template {
    only(A::Class, V::Ulong(0))
        .with(A::Token, V::Bool(true))
        .with(A::Application, V::Text("tests".into()))
        .with(A::Value, secret(value))
}

fn made(objects: &Objects, caller: &Caller, value: &[u8]) -> u64 {
    published(objects, &objects.create_object(caller, template(value)).unwrap())
}

fn value(attributes: &Template) -> Option<&[u8]> {
    attributes.get(A::Value).and_then(value_bytes)
}

#[test]
fn the_value_is_sealed_and_given_out_where_it_is_asked_for_alone() {
    let (objects, alice) = (objects(), user("alice"));
    let staged = objects.create_object(&alice, template(TEXT)).unwrap();
    assert!(!staged.record.windows(8).any(|window| window == &TEXT[..8]));
    assert!(staged.record.windows(5).any(|window| window == b"tests"), "the other attributes are public");
    assert_eq!(value(&staged.view.attributes), None);
    let reference = published(&objects, &staged);
    assert_eq!(value(&read(&objects, &alice, reference)), Some(TEXT));
    let request =
        FindRequest { template: only(A::Value, secret(TEXT)), after: 0, limit: 10, with_attributes: true };
    let found = objects.find(&alice, &request).unwrap().objects.0;
    assert_eq!((found.len(), found[0].reference, value(&found[0].attributes)), (1, reference, None));
    assert!(find(&objects, &alice, only(A::Value, secret(&TEXT[1..]))).is_empty());
    let second = super::objects();
    second.load(reference, 1, &staged.record).unwrap();
    assert_eq!(read(&second, &alice, reference), read(&objects, &alice, reference));
}

#[test]
fn who_sees_it_reads_it_and_its_owner_alone_changes_it() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let private = made(&objects, &alice, TEXT);
    let open = objects.create_object(&alice, template(TEXT).with(A::Private, V::Bool(false))).unwrap();
    let open = published(&objects, &open);
    assert!(objects.attributes(&bob, &[private]).unwrap().objects.0.is_empty());
    assert_eq!(value(&read(&objects, &bob, open)), Some(TEXT));
    assert_eq!(find(&objects, &bob, only(A::Class, V::Ulong(0))), [open]);
    let change = only(A::Value, secret(b"other"));
    assert_eq!(code(objects.set_attributes(&bob, private, change.clone())), Rv::OBJECT_HANDLE_INVALID);
    assert_eq!(code(objects.set_attributes(&bob, open, change.clone())), Rv::ACTION_PROHIBITED);
    assert_eq!(code(objects.set_attributes(&admin(), open, change)), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(code(objects.check_destroy(&bob, open)), Rv::ACTION_PROHIBITED);
    let shown = read(&objects, &admin(), private);
    assert_eq!(shown.iter().map(|(attribute, _)| attribute).collect::<Vec<_>>(), [A::Label]);
    assert_eq!((objects.data_object_count(true), objects.data_object_count(false)), (2, 0));
    objects.remove(&[private, open]);
    assert_eq!(objects.data_object_count(true), 0);
}

#[test]
fn value_and_names_change_while_it_is_modifiable() {
    let (objects, alice) = (objects(), user("alice"));
    let reference = made(&objects, &alice, TEXT);
    let changes = template(&[7; 40_000])
        .with(A::Label, V::Text("label".into()))
        .with(A::ObjectId, V::Bytes(vec![6, 1, 42]));
    let changes: Template =
        changes.iter().filter(|(attribute, _)| *attribute != A::Class).map(owned).collect();
    let staged = objects.set_attributes(&alice, reference, changes).unwrap();
    assert_eq!(value(&read(&objects, &alice, reference)), Some(TEXT), "until the change is committed");
    published(&objects, &staged);
    let now = read(&objects, &alice, reference);
    assert_eq!((value(&now), now.bytes(A::ObjectId)), (Some(&[7; 40_000][..]), Some(&[6, 1, 42][..])));
    published(&objects, &objects.set_attributes(&alice, reference, only(A::Value, secret(b""))).unwrap());
    assert_eq!(value(&read(&objects, &alice, reference)), Some(&b""[..]));
    for (attribute, wrong, rv) in [
        (A::Class, V::Ulong(4), Rv::ATTRIBUTE_READ_ONLY),
        (A::Private, V::Bool(false), Rv::ATTRIBUTE_READ_ONLY),
        (A::Id, V::Bytes(vec![1]), Rv::ATTRIBUTE_TYPE_INVALID),
        (A::Trusted, V::Bool(true), Rv::ATTRIBUTE_TYPE_INVALID),
        (A::Application, V::Text("a".repeat(4_097)), Rv::ATTRIBUTE_VALUE_INVALID),
    ] {
        assert_eq!(code(objects.set_attributes(&alice, reference, only(attribute, wrong))), rv);
    }
    published(
        &objects,
        &objects.set_attributes(&alice, reference, only(A::Modifiable, V::Bool(false))).unwrap(),
    );
    for change in [only(A::Value, secret(TEXT)), only(A::Label, V::Text("other".into()))] {
        assert_eq!(code(objects.set_attributes(&alice, reference, change)), Rv::ACTION_PROHIBITED);
    }
    // A copy that is the same is no change.
    let same = only(A::Value, secret(b""));
    let (copy, _) = objects.copy_object(&alice, reference, &same).unwrap();
    objects.discard(&[copy.reference]);
    let other = only(A::Value, secret(TEXT));
    assert_eq!(code(objects.copy_object(&alice, reference, &other)), Rv::ACTION_PROHIBITED);
}

fn owned((attribute, value): (A, &V)) -> (A, V) {
    (attribute, value.clone())
}

#[test]
fn copies_have_their_own_value_and_session_objects_become_token_objects() {
    let (objects, alice) = (objects(), user("alice"));
    let of_session = objects.create_object(&alice, template(TEXT).with(A::Token, V::Bool(false))).unwrap();
    let of_session = published(&objects, &of_session);
    assert_eq!((objects.data_object_count(true), objects.data_object_count(false)), (0, 1));
    let other = only(A::Value, secret(b"other")).with(A::Token, V::Bool(true));
    let (copy, original) = objects.copy_object(&alice, of_session, &other).unwrap();
    assert!(copy.is_token && original.is_none());
    let copy = published(&objects, &copy);
    let kept = objects.set_attributes(&alice, of_session, only(A::Token, V::Bool(true))).unwrap();
    let second = super::objects();
    second.load(kept.reference, 1, &kept.record).unwrap();
    assert_eq!(value(&read(&second, &alice, kept.reference)), Some(TEXT));
    assert_eq!(value(&read(&objects, &alice, copy)), Some(&b"other"[..]));
    assert_eq!(value(&read(&objects, &alice, of_session)), Some(TEXT));
    objects.remove_login(alice.login_id);
    assert_eq!(objects.data_object_count(false), 0);
    let fixed = template(TEXT).with(A::Copyable, V::Bool(false)).with(A::Destroyable, V::Bool(false));
    let fixed = published(&objects, &objects.create_object(&alice, fixed).unwrap());
    assert_eq!(code(objects.copy_object(&alice, fixed, &Template::new())), Rv::ACTION_PROHIBITED);
    assert_eq!(code(objects.check_destroy(&alice, fixed)), Rv::ACTION_PROHIBITED);
}

#[test]
fn what_does_not_belong_to_it_and_what_is_too_long_is_refused() {
    let sizes = Sizes { data_object_bytes: 100, ..Sizes::default() };
    let options = Options { allow_unlocked_memory: true, sizes, ..Options::default() };
    let (objects, alice) = (Objects::new(keys(), options).unwrap(), user("alice"));
    let reference = made(&objects, &alice, &[1; 100]);
    let long = objects.create_object(&alice, template(&[1; 101])).unwrap_err();
    assert_eq!(
        (long.rv, &*long.text),
        (Rv::ATTRIBUTE_VALUE_INVALID, "CKA_VALUE of a data object is longer than 100 bytes")
    );
    let longer = only(A::Value, secret(&[1; 101]));
    assert_eq!(code(objects.set_attributes(&alice, reference, longer.clone())), Rv::ATTRIBUTE_VALUE_INVALID);
    assert_eq!(code(objects.copy_object(&alice, reference, &longer)), Rv::ATTRIBUTE_VALUE_INVALID);
    let longest = template(&vec![1; 512 * 1024 + 1]);
    assert_eq!(code(objects.create_object(&alice, longest)), Rv::ATTRIBUTE_VALUE_INVALID);
    for (attribute, value) in [
        (A::KeyType, V::Ulong(0x1F)),
        (A::Id, V::Bytes(vec![1])),
        (A::Sensitive, V::Bool(true)),
        (A::Trusted, V::Bool(true)),
        (A::ValueLen, V::Ulong(3)),
    ] {
        let refused = objects.create_object(&alice, template(b"abc").with(attribute, value));
        assert_eq!(code(refused), Rv::ATTRIBUTE_TYPE_INVALID);
    }
    assert_eq!(code(objects.create_object(&admin(), template(b"abc"))), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(
        code(objects.create_object(&alice, template(b"abc").with(A::Value, V::Bool(true)))),
        Rv::ATTRIBUTE_VALUE_INVALID
    );
}

#[test]
fn it_stays_where_the_limit_becomes_lower() {
    let (before, alice) = (objects(), user("alice"));
    let staged = before.create_object(&alice, template(&[1; 101])).unwrap();
    let sizes = Sizes { data_object_bytes: 100, ..Sizes::default() };
    let options = Options { allow_unlocked_memory: true, sizes, ..Options::default() };
    let objects = Objects::new(keys(), options).unwrap();
    objects.load(staged.reference, 1, &staged.record).unwrap();
    let label = only(A::Label, V::Text("still".into()));
    published(&objects, &objects.set_attributes(&alice, staged.reference, label).unwrap());
    assert_eq!(value(&read(&objects, &alice, staged.reference)), Some(&[1; 101][..]));
}

#[test]
fn a_data_object_is_no_key() {
    let (objects, alice) = (objects(), user("alice"));
    let (data, key) = (made(&objects, &alice, &[1; 32]), aes_key(&objects, &alice));
    let invalid = Rv::KEY_HANDLE_INVALID;
    assert_eq!(code(objects.sign(&alice, data, M::Sha256Hmac, None, b"d")), invalid);
    assert_eq!(code(objects.verify(&alice, data, M::Sha256Hmac, None, b"d", &[0; 32])), invalid);
    assert_eq!(code(objects.encrypt(&alice, data, M::AesEcb, None, &[0; 16])), invalid);
    assert_eq!(code(objects.decrypt(&alice, data, M::AesEcb, None, &[0; 16])), invalid);
    assert_eq!(
        code(objects.wrap_key(&alice, data, M::AesKeyWrapKwp, None, key)),
        Rv::WRAPPING_KEY_HANDLE_INVALID
    );
    assert_eq!(code(objects.wrap_key(&alice, key, M::AesKeyWrapKwp, None, data)), invalid);
    assert_eq!(code(objects.share_key(&alice, data, "bob")), invalid);
    let part = DigestPart { data: Vec::new(), key: Some(data) };
    assert_eq!(code(objects.digest(&alice, M::Sha256, &[part])), invalid);
    let secret_key = only(A::Class, V::Ulong(4)).with(A::KeyType, V::Ulong(0x10));
    let unwrapped = objects.unwrap_key(&alice, data, M::AesKeyWrapKwp, None, &[0; 24], secret_key.clone());
    assert_eq!(code(unwrapped), Rv::UNWRAPPING_KEY_HANDLE_INVALID);
    assert_eq!(code(objects.derive_key(&alice, data, M::Sp800108CounterKdf, None, secret_key)), invalid);
    let wrapped = objects.wrap_key(&alice, key, M::AesKeyWrapKwp, None, aes_key(&objects, &alice)).unwrap();
    let as_data = objects.unwrap_key(&alice, key, M::AesKeyWrapKwp, None, &wrapped.data, template(b""));
    assert_eq!(code(as_data), Rv::TEMPLATE_INCONSISTENT);
}
