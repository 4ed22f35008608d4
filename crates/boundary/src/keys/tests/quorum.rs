//! Users' keys for quorum approvals.

use strongroom_wire::Rv;

use super::second_factor::{info, own_key, sign};
use super::*;

const TOKEN: &[u8] = b"a token for a registration";
const DATA: &[u8] = b"the approval data of a token";

fn refused(result: Result<()>) -> Error {
    result.unwrap_err()
}

#[test]
fn an_approval_is_by_the_key_that_was_sealed_for_its_user() {
    let keys = keyed(CLUSTER, HSM);
    let (public, pair) = own_key();
    let sealed = keys.seal_quorum_key("bob", &public, TOKEN, &sign(&pair, TOKEN)).unwrap();
    let approval = sign(&pair, DATA);
    keys.verify_approval("bob", &sealed, DATA, &approval).unwrap();
    let another_hsm = keyed(CLUSTER, OTHER_HSM);
    another_hsm.verify_approval("bob", &sealed, DATA, &approval).unwrap();

    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    for (data, signature) in [
        (&b"other data"[..], &approval),
        (DATA, &sign(&other, DATA)),
        (DATA, &sign(&pair, TOKEN)),
        (DATA, &approval[..255].to_vec()),
        (DATA, &Vec::new()),
    ] {
        let error = refused(keys.verify_approval("bob", &sealed, data, signature));
        assert_eq!((error.rv, error.kind), (Rv::SIGNATURE_INVALID, ErrorKind::Refused));
        assert!(error.text.starts_with("Invalid username-signature pair for quorum authorization"));
    }
}

#[test]
fn a_sealed_key_is_good_for_no_other_user_and_no_other_cluster() {
    let keys = keyed(CLUSTER, HSM);
    let (public, pair) = own_key();
    let sealed = keys.seal_quorum_key("bob", &public, TOKEN, &sign(&pair, TOKEN)).unwrap();
    let approval = sign(&pair, DATA);
    let rule = keys.seal_rule("quorum-key/bob", 0, &public).unwrap();
    let mut altered = sealed.clone();
    altered[40] ^= 1;
    for (keys, username, sealed) in [
        (&keys, "eve", &sealed),
        (&keys, "bo", &sealed),
        (&keyed(OTHER_CLUSTER, HSM), "bob", &sealed),
        (&keys, "bob", &altered),
        (&keys, "bob", &rule),
        (&keys, "bob", &Vec::new()),
    ] {
        assert_eq!(
            refused(keys.verify_approval(username, sealed, DATA, &approval)).kind,
            ErrorKind::Integrity
        );
    }
}

#[test]
fn a_key_is_sealed_only_for_whoever_has_its_private_half() {
    let keys = keyed(CLUSTER, HSM);
    let (public, pair) = own_key();
    let refused = |public: &[u8], signed: &[u8], signature: &[u8]| {
        super::refused(keys.seal_quorum_key("bob", public, signed, signature)).rv
    };
    let signature = sign(&pair, TOKEN);
    assert_eq!(refused(&public, b"another token", &signature), Rv::SIGNATURE_INVALID);
    assert_eq!(refused(&public, TOKEN, b""), Rv::SIGNATURE_INVALID);
    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    assert_eq!(refused(&info(&other), TOKEN, &signature), Rv::SIGNATURE_INVALID);
    let long = KeyPair::generate(KeySize::Rsa3072).unwrap();
    assert_eq!(refused(&info(&long), TOKEN, &sign(&long, TOKEN)), Rv::KEY_SIZE_RANGE);
    assert_eq!(refused(b"no key", TOKEN, &signature), Rv::KEY_TYPE_INCONSISTENT);
}
