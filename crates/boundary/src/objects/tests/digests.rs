//! Digests with values of keys in them: only of what their owner may take out.

use strongroom_wire::messages::DigestPart;

use super::*;
use crate::attributes::CKO_SECRET_KEY;

fn part(data: &[u8], key: Option<u64>) -> DigestPart {
    DigestPart { data: data.to_vec(), key }
}

fn imported(objects: &Objects, caller: &Caller, more: Template) -> u64 {
    let template = more
        .with(A::Class, V::Ulong(CKO_SECRET_KEY))
        .with(A::KeyType, V::Ulong(0x10))
        .with(A::Value, V::Secret(Secret::new(b"value".to_vec())));
    published(objects, &objects.create_object(caller, template).unwrap())
}

fn open() -> Template {
    Template::new().with(A::Sensitive, V::Bool(false)).with(A::Extractable, V::Bool(true))
}

#[test]
fn values_of_keys_are_in_their_places() {
    let (objects, alice) = (objects(), user("alice"));
    let key = imported(&objects, &alice, open());
    let parts = [part(b"before ", Some(key)), part(b" between ", Some(key)), part(b" after", None)];
    let digest = objects.digest(&alice, M::Sha256, &parts).unwrap();
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"before value between value after");
    assert_eq!(digest, expected.as_ref());
    assert_eq!(objects.digest(&alice, M::Sha3512, &parts[..1]).unwrap().len(), 64);
}

#[test]
fn nobody_digests_what_may_not_leave() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let refused = |caller: &Caller, key| code(objects.digest(caller, M::Sha256, &[part(b"", Some(key))]));
    for (attribute, value) in [(A::Sensitive, true), (A::Extractable, false), (A::WrapWithTrusted, true)] {
        let key = imported(&objects, &alice, open().with(attribute, V::Bool(value)));
        assert_eq!(refused(&alice, key), Rv::KEY_INDIGESTIBLE, "{attribute:?}");
    }
    let bound = open().with(A::AllowedMechanisms, V::mechanisms([M::Sha256Hmac.code()]));
    assert_eq!(refused(&alice, imported(&objects, &alice, bound)), Rv::KEY_INDIGESTIBLE);
    let (public, private) = ec_pair(&objects, &alice);
    assert_eq!(refused(&alice, public), Rv::KEY_INDIGESTIBLE);
    assert_eq!(refused(&alice, private), Rv::KEY_INDIGESTIBLE);

    let key = imported(&objects, &alice, open().with(A::Token, V::Bool(true)));
    assert_eq!(refused(&alice, key), Rv::OK);
    assert_eq!(refused(&bob, key), Rv::KEY_HANDLE_INVALID);
    assert_eq!(refused(&admin(), key), Rv::KEY_HANDLE_INVALID);
    assert_eq!(refused(&alice, key ^ 1), Rv::KEY_HANDLE_INVALID);
    published(&objects, &objects.share_key(&alice, key, "bob").unwrap());
    assert_ne!(refused(&bob, key), Rv::OK, "who may use a key may not take it out");
    let many = vec![part(b"", Some(key)); 65];
    assert_eq!(code(objects.digest(&alice, M::Sha256, &many)), Rv::ARGUMENTS_BAD);
    assert_eq!(code(objects.digest(&alice, M::Sha256Hmac, &many[..1])), Rv::MECHANISM_INVALID);
}
