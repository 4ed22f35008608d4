//! Streams of keys that are bound to what a client would do itself: each gives what one request gives.

use strongroom_wire::{MechanismType as M, Rv};

use super::super::{
    Direction, Purpose, Step, crypt, is_by_requests, open_by_requests, open_stream, sign, verify,
};
use super::signatures::{private, pss, public};
use super::*;
use crate::ffi::{Curve, EcKey, MlDsaKey, MlDsaSet};

type Given<'a> = Option<&'a MechanismParameters>;

/// Signs in parts and verifies at once, and the other way.
fn check(private: &Arc<KeyHandle>, public: &Arc<KeyHandle>, kind: M, given: Given<'_>) {
    let data: Vec<u8> = (0..1000_u32).map(|number| (number % 251) as u8).collect();
    let parts: [&[u8]; 4] = [&data[..1], &[], &data[1..700], &data[700..]];
    let open =
        |key: &Arc<KeyHandle>, purpose| open_by_requests(Arc::clone(key), purpose, kind, given).unwrap();
    let made = steps(open(private, Purpose::Sign), &parts, None).unwrap();
    verify(public, kind, given, &data, &made).unwrap();
    let in_one = sign(private, kind, given, &data).unwrap();
    assert!(steps(open(public, Purpose::Verify), &parts, Some(&in_one)).unwrap().is_empty());
    let refused =
        |parts: &[&[u8]], signature| steps(open(public, Purpose::Verify), parts, signature).unwrap_err().rv;
    assert_eq!(refused(&parts[1..], Some(&in_one[..])), Rv::SIGNATURE_INVALID, "{kind:?}");
    assert_eq!(refused(&parts, Some(&in_one[1..])), Rv::SIGNATURE_LEN_RANGE, "{kind:?}");
    assert_eq!(refused(&parts, None), Rv::SIGNATURE_LEN_RANGE, "{kind:?}");
}

fn mechanisms(key_kind: strongroom_wire::KeyKind) -> impl Iterator<Item = M> {
    let all = M::ALL.iter().copied();
    all.filter(move |kind| is_by_requests(*kind) && kind.key_kinds().contains(&key_kind))
}

#[test]
fn what_hashes_and_signs_hashes_in_parts() {
    let (rsa, rsa_public) = (Arc::new(private()), Arc::new(public()));
    let mut count = 0;
    for kind in mechanisms(strongroom_wire::KeyKind::Rsa) {
        let hash = kind.hash().unwrap();
        let given = MechanismParameters { hash: Some(hash.code()), ..pss(2, 2, 20) };
        let is_pss = kind.raw() == Some(M::RsaPkcsPss);
        check(&rsa, &rsa_public, kind, is_pss.then_some(&given));
        count += 1;
        if is_pss {
            let other = if hash == M::Sha256 { M::Sha3256 } else { M::Sha256 };
            let given = MechanismParameters { hash: Some(other.code()), ..given };
            let opened = open_by_requests(Arc::clone(&rsa), Purpose::Sign, kind, Some(&given));
            assert_eq!(opened.unwrap_err().rv, Rv::MECHANISM_PARAM_INVALID);
        }
    }
    let pair = EcKey::generate(Curve::P256).unwrap();
    let ec = Arc::new(KeyHandle::Ec(pair));
    for kind in mechanisms(strongroom_wire::KeyKind::Ec) {
        check(&ec, &ec, kind, None);
        count += 1;
    }
    let ml_dsa = Arc::new(KeyHandle::MlDsa(MlDsaKey::private(MlDsaSet::MlDsa44, &[7; 32]).unwrap()));
    for kind in mechanisms(strongroom_wire::KeyKind::MlDsa) {
        for context in [None, Some(b"context".to_vec())] {
            let given = MechanismParameters { context, ..NO_PARAMETERS };
            check(&ml_dsa, &ml_dsa, kind, Some(&given));
        }
        let given = MechanismParameters { context: Some(vec![0; 256]), ..NO_PARAMETERS };
        let opened = open_by_requests(Arc::clone(&ml_dsa), Purpose::Sign, kind, Some(&given));
        assert_eq!(opened.unwrap_err().rv, Rv::MECHANISM_PARAM_INVALID);
        count += 1;
    }
    assert_eq!(count, 18 + 9 + 11);
}

#[test]
fn what_pads_chains_in_parts() {
    let data = [5; 100];
    let keys = [(M::AesCbcPad, aes(&[7; 32]), 16), (M::Des3CbcPad, des3(&(1..25).collect::<Vec<u8>>()), 8)];
    for (kind, key, block) in keys {
        let (key, given) = (Arc::new(key), iv(&[3; 16][..block]));
        let open = |purpose| open_by_requests(Arc::clone(&key), purpose, kind, Some(&given)).unwrap();
        for length in [0, 1, block, 3 * block, 100] {
            let data = &data[..length];
            let in_one = crypt(&key, Direction::Encrypt, kind, Some(&given), data).unwrap().data;
            for cut in [0, block, 2 * block].into_iter().filter(|cut| *cut <= length) {
                let parts = [&data[..cut], &[], &data[cut..]];
                assert_eq!(steps(open(Purpose::Encrypt), &parts, None).unwrap(), in_one);
                let parts = [&in_one[..cut], &[], &in_one[cut..]];
                if cut < in_one.len() {
                    assert_eq!(steps(open(Purpose::Decrypt), &parts, None).unwrap(), data);
                }
            }
        }
        let refused = |purpose, parts: &[&[u8]]| steps(open(purpose), parts, None).unwrap_err().rv;
        assert_eq!(
            refused(Purpose::Encrypt, &[&data[..7], &data]),
            Rv::DATA_LEN_RANGE,
            "parts are whole blocks"
        );
        assert_eq!(refused(Purpose::Decrypt, &[&data[..7], &data]), Rv::ENCRYPTED_DATA_LEN_RANGE);
        assert_eq!(
            refused(Purpose::Decrypt, &[&data[..block], &[]]),
            Rv::ENCRYPTED_DATA_LEN_RANGE,
            "the last"
        );
        assert_eq!(refused(Purpose::Decrypt, &[&data[..block], &data[..block]]), Rv::ENCRYPTED_DATA_INVALID);
        let repeated = open(Purpose::Encrypt).step(Step::Repeat(&[]), 0, &data[..block]);
        assert_eq!(repeated.unwrap_err().rv, Rv::OPERATION_NOT_INITIALIZED);
        let elsewhere = open_stream(&key, Purpose::Encrypt, kind, Some(&given), None);
        assert_eq!(elsewhere.unwrap_err().rv, Rv::MECHANISM_INVALID);
        let without_iv = open_by_requests(Arc::clone(&key), Purpose::Encrypt, kind, None).unwrap();
        assert_eq!(steps(without_iv, &[&data], None).unwrap_err().rv, Rv::MECHANISM_PARAM_INVALID);
    }
}
