//! Ed25519 in parts against the crypto library's, which takes all of its data at once, and what it refuses.

use strongroom_wire::{MechanismType as M, Rv};

use super::super::{Computation, Purpose, Step, open_stream, sign, verify};
use super::*;
use crate::Error;

/// Of the group: the scalars of signatures are below it. Its 15 bytes in the middle are zeros.
const ORDER_LOW: [u8; 16] =
    [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];

type Given<'a> = Option<&'a MechanismParameters>;

fn private(seed: &[u8]) -> KeyHandle {
    KeyHandle::ed25519(Arc::new(Arena::new(false).keep(seed).unwrap())).unwrap()
}

fn public(key: &KeyHandle) -> KeyHandle {
    let KeyHandle::Ed25519(handle) = key else { panic!("an Ed25519 key") };
    KeyHandle::Ed25519Public(handle.public().unwrap().to_vec())
}

fn with_context(length: usize) -> MechanismParameters {
    MechanismParameters { context: Some(vec![b'c'; length]), ..NO_PARAMETERS }
}

/// A signature whose data came once, in these parts; their marks.
fn taken(key: &KeyHandle, given: Given<'_>, parts: &[&[u8]]) -> (Computation, Vec<Vec<u8>>) {
    let mut stream = open_stream(key, Purpose::Sign, M::Eddsa, given, None).unwrap().0;
    let (mut marks, mut offset) = (Vec::new(), 0);
    for (number, part) in parts.iter().enumerate() {
        let step = if number + 1 == parts.len() { Step::Finish(None) } else { Step::Update };
        let (mark, goes_on) = stream.step(step, offset, part).unwrap();
        offset += part.len() as u64;
        marks.push(mark);
        stream = goes_on.unwrap();
    }
    (stream, marks)
}

fn signed(key: &KeyHandle, given: Given<'_>, parts: &[&[u8]]) -> Vec<u8> {
    let (stream, marks) = taken(key, given, parts);
    let (mut goes_on, mut offset, mut signature) = (Some(stream), 0, Vec::new());
    for (part, mark) in parts.iter().zip(&marks) {
        assert!(signature.is_empty(), "it comes with the last data");
        (signature, goes_on) = goes_on.unwrap().step(Step::Repeat(mark), offset, part).unwrap();
        offset += part.len() as u64;
    }
    assert!(goes_on.is_none());
    signature
}

fn verified(key: &KeyHandle, given: Given<'_>, parts: &[&[u8]], signature: &[u8]) -> Rv {
    let run = || {
        let mut stream = open_stream(key, Purpose::Verify, M::Eddsa, given, Some(signature))?.0;
        let mut offset = 0;
        for part in parts {
            stream = stream.step(Step::Update, offset, part)?.1.unwrap();
            offset += part.len() as u64;
        }
        let (result, goes_on) = stream.step(Step::Finish(None), offset, &[])?;
        assert!(result.is_empty() && goes_on.is_none());
        Ok::<_, Error>(())
    };
    run().map_or_else(|error| error.rv, |()| Rv::OK)
}

#[test]
fn the_known_answers_come_in_parts_too() {
    for vector in vectors(include_str!("vectors/ed25519.txt")) {
        let (key, message) = (private(&vector.bytes("seed")), vector.bytes("data"));
        let signature = vector.bytes("signature");
        for length in [1, 7, 64, 2000] {
            let mut parts: Vec<&[u8]> = message.chunks(length).collect();
            if parts.is_empty() {
                parts.push(&[]);
            }
            assert_eq!(signed(&key, None, &parts), signature);
            assert_eq!(verified(&public(&key), None, &parts, &signature), Rv::OK);
        }
    }
}

#[test]
fn parts_mean_the_same_as_all_at_once() {
    let data: Vec<u8> = (0..3000_u32).map(|number| (number % 251) as u8).collect();
    for seed in 0..20_u8 {
        let key = private(&[seed; 32]);
        for given in [None, Some(with_context(1)), Some(with_context(255))] {
            let data = &data[usize::from(seed) * 100..];
            let (given, cut) = (given.as_ref(), data.len() / 3);
            let parts: [&[u8]; 3] = [&data[..cut], &data[cut..=cut], &data[cut + 1..]];
            let signature = sign(&key, M::Eddsa, given, data).unwrap();
            assert_eq!(signed(&key, given, &parts), signature);
            assert_eq!(verified(&public(&key), given, &parts, &signature), Rv::OK);
            verify(&public(&key), M::Eddsa, given, data, &signature).unwrap();
        }
    }
}

#[test]
fn what_comes_again_is_the_same_or_nothing_is_signed() {
    let (key, data) = (private(&[7; 32]), [5; 64]);
    let parts: [&[u8]; 2] = [&data[..32], &data[32..]];
    let altered = [&data[..31], &[4]].concat();
    let refused = |outcome: crate::Result<(Vec<u8>, Option<Computation>)>| outcome.unwrap_err().rv;
    for (part, mark) in [(&altered[..], 0), (&data[..32], 1), (&data[..31], 0), (&data[..33], 0)] {
        let (stream, marks) = taken(&key, None, &parts);
        assert_eq!(refused(stream.step(Step::Repeat(&marks[mark]), 0, part)), Rv::DATA_INVALID);
    }
    let (_, others) = taken(&key, None, &parts);
    let (stream, _) = taken(&key, None, &parts);
    let other = stream.step(Step::Repeat(&others[0]), 0, parts[0]);
    assert_eq!(refused(other), Rv::DATA_INVALID, "the mark of another stream");
    let (stream, marks) = taken(&key, None, &parts);
    let late = stream.step(Step::Repeat(&marks[1]), 32, parts[1]);
    assert_eq!(refused(late), Rv::OPERATION_NOT_INITIALIZED, "the first comes first");
    let (stream, marks) = taken(&key, None, &parts);
    let (nothing, stream) = stream.step(Step::Repeat(&marks[0]), 0, parts[0]).unwrap();
    assert!(nothing.is_empty());
    let again = stream.unwrap().step(Step::Repeat(&marks[0]), 0, parts[0]);
    assert_eq!(refused(again), Rv::OPERATION_NOT_INITIALIZED, "and once");
    for step in [Step::Update, Step::Finish(None)] {
        let (stream, _) = taken(&key, None, &parts);
        assert_eq!(refused(stream.step(step, 0, parts[0])), Rv::OPERATION_NOT_INITIALIZED);
    }
    let stream = open_stream(&key, Purpose::Sign, M::Eddsa, None, None).unwrap().0;
    assert_eq!(refused(stream.step(Step::Repeat(&[0; 32]), 0, &[])), Rv::OPERATION_NOT_INITIALIZED);
}

#[test]
fn what_is_no_message_of_any_length_has_no_stream() {
    let key = private(&[7; 32]);
    let prehashed = MechanismParameters { prehash: true, ..NO_PARAMETERS };
    for given in [prehashed, with_context(256)] {
        for (key, purpose) in [(&key, Purpose::Sign), (&public(&key), Purpose::Verify)] {
            let opened = open_stream(key, purpose, M::Eddsa, Some(&given), Some(&[0; 64]));
            assert_eq!(opened.unwrap_err().rv, Rv::MECHANISM_PARAM_INVALID);
        }
    }
}

#[test]
fn a_signature_that_is_not_right_is_refused_as_by_the_library() {
    let (key, data) = (private(&[7; 32]), [5; 64]);
    let public = public(&key);
    let signature = sign(&key, M::Eddsa, None, &data).unwrap();
    assert_eq!(verified(&public, None, &[&data], &signature), Rv::OK);
    assert_eq!(verified(&public, None, &[&data[1..]], &signature), Rv::SIGNATURE_INVALID);
    assert_eq!(verified(&public, Some(&with_context(1)), &[&data], &signature), Rv::SIGNATURE_INVALID);
    for length in [0, 63, 65] {
        assert_eq!(verified(&public, None, &[&data], &vec![0; length]), Rv::SIGNATURE_LEN_RANGE);
    }
    for at in [0, 31, 32, 63] {
        let mut altered = signature.clone();
        altered[at] ^= 1;
        assert_eq!(verified(&public, None, &[&data], &altered), Rv::SIGNATURE_INVALID);
    }
    // The same scalar in another form: its sum with the group's order.
    let mut order = [0; 32];
    order[..16].copy_from_slice(&ORDER_LOW);
    order[31] = 0x10;
    let (mut other, mut carry) = (signature, 0);
    for (byte, order) in other[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
    assert_eq!(verified(&public, None, &[&data], &other), Rv::SIGNATURE_INVALID);
    verify(&public, M::Eddsa, None, &data, &other).unwrap_err();
    // What is no point, and a point in a second form.
    let mut second = [0xff; 32];
    (second[0], second[31]) = (0xee, 0x7f);
    for key in [[2; 32], second] {
        let public = KeyHandle::Ed25519Public(key.to_vec());
        assert_eq!(verified(&public, None, &[&data], &[0; 64]), Rv::SIGNATURE_INVALID);
        verify(&public, M::Eddsa, None, &data, &[0; 64]).unwrap_err();
    }
}
