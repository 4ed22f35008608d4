//! Streams of keys: each step is checked as a request of its own.

use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS};

use super::*;
use crate::{Purpose, Step, Stream};

fn parameters() -> MechanismParameters {
    MechanismParameters { tag_bits: Some(128), ..NO_PARAMETERS }
}

fn encryption(objects: &Objects, caller: &Caller, key: u64) -> Result<Stream> {
    objects
        .open_stream(caller, Purpose::Encrypt, key, M::AesGcm, Some(&parameters()), None)
        .map(|(stream, _)| stream)
}

fn step(objects: &Objects, caller: &Caller, stream: Stream) -> Rv {
    code(objects.step_stream(caller, stream, Step::Update, 0, b"data"))
}

#[test]
fn a_stream_is_for_those_who_may_use_the_key_so() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let key = aes_key(&objects, &alice);
    assert_eq!(code(encryption(&objects, &bob, key)), Rv::KEY_HANDLE_INVALID);
    assert_eq!(code(encryption(&objects, &admin(), key)), Rv::KEY_HANDLE_INVALID);
    assert_eq!(code(encryption(&objects, &alice, key ^ 1)), Rv::KEY_HANDLE_INVALID);
    let stream = encryption(&objects, &alice, key).unwrap();
    assert_eq!(step(&objects, &bob, stream), Rv::KEY_HANDLE_INVALID);
    published(&objects, &objects.set_attributes(&alice, key, only(A::Sign, V::Bool(false))).unwrap());
    let mac = objects.open_stream(&alice, Purpose::Sign, key, M::AesCmac, None, None);
    assert_eq!(code(mac), Rv::KEY_FUNCTION_NOT_PERMITTED);
    let hmac = objects.open_stream(&alice, Purpose::Sign, key, M::Sha256Hmac, None, None);
    assert_eq!(code(hmac), Rv::KEY_TYPE_INCONSISTENT);
    let bound = flags(&[A::Encrypt, A::Sign])
        .with(A::ValueLen, V::Ulong(32))
        .with(A::AllowedMechanisms, V::mechanisms([M::AesCmac.code()]));
    let bound = published(&objects, &objects.generate_key(&alice, M::AesKeyGen, bound).unwrap());
    assert_eq!(code(encryption(&objects, &alice, bound)), Rv::MECHANISM_INVALID);
    assert_eq!(code(objects.open_stream(&alice, Purpose::Sign, bound, M::AesCmac, None, None)), Rv::OK);
    let (_, private) = ec_pair(&objects, &alice);
    let ecdsa = objects.open_stream(&alice, Purpose::Sign, private, M::Ecdsa, None, None);
    assert_eq!(code(ecdsa), Rv::MECHANISM_INVALID);
}

#[test]
fn a_key_that_is_narrowed_or_destroyed_ends_its_streams() {
    let (objects, alice, bob) = (objects(), user("alice"), user("bob"));
    let key = aes_key(&objects, &alice);
    published(&objects, &objects.share_key(&alice, key, "bob").unwrap());
    let (of_alice, of_bob) = (encryption(&objects, &alice, key), encryption(&objects, &bob, key));
    published(&objects, &objects.set_attributes(&alice, key, only(A::Label, V::Text("new".into()))).unwrap());
    assert_eq!(step(&objects, &bob, of_bob.unwrap()), Rv::OK, "a label changes nothing");

    let of_bob = encryption(&objects, &bob, key).unwrap();
    published(&objects, &objects.unshare_key(&alice, key, "bob").unwrap());
    assert_eq!(step(&objects, &bob, of_bob), Rv::KEY_HANDLE_INVALID);

    published(&objects, &objects.set_attributes(&alice, key, only(A::Encrypt, V::Bool(false))).unwrap());
    assert_eq!(step(&objects, &alice, of_alice.unwrap()), Rv::KEY_FUNCTION_NOT_PERMITTED);

    let key = aes_key(&objects, &alice);
    let stream = encryption(&objects, &alice, key).unwrap();
    assert_eq!(code(objects.check_stream(&alice, &stream)), Rv::OK);
    objects.remove(&[key]);
    assert_eq!(code(objects.check_stream(&alice, &stream)), Rv::KEY_HANDLE_INVALID);
    assert_eq!(step(&objects, &alice, stream), Rv::KEY_HANDLE_INVALID);
}

#[test]
fn a_key_whose_use_needs_approvals_has_no_streams() {
    let objects = objects();
    let key = super::quorum::quorum_key(&objects);
    let opened = objects.open_stream(&user("alice"), Purpose::Sign, key, M::AesCmac, None, None);
    assert_eq!(code(opened), Rv::KEY_FUNCTION_NOT_PERMITTED);
}

#[test]
fn data_come_one_after_the_other_and_not_too_many_at_once() {
    let (objects, alice) = (objects(), user("alice"));
    let key = aes_key(&objects, &alice);
    for offset in [0, 3, 5, u64::MAX] {
        let stream = encryption(&objects, &alice, key).unwrap();
        let (_, stream) = objects.step_stream(&alice, stream, Step::Update, 0, b"data").unwrap();
        let again = objects.step_stream(&alice, stream.unwrap(), Step::Update, offset, b"more");
        assert_eq!(code(again), Rv::ARGUMENTS_BAD, "{offset}");
    }
    let stream = encryption(&objects, &alice, key).unwrap();
    let long = vec![0; crate::MAX_DATA + 1];
    assert_eq!(code(objects.step_stream(&alice, stream, Step::Update, 0, &long)), Rv::DATA_LEN_RANGE);
}
