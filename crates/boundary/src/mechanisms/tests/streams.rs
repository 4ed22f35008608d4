//! Streams against the same vectors, in parts of many lengths, and what they refuse.

use strongroom_wire::tables::ParameterKind;
use strongroom_wire::{MechanismType as M, Rv};

use super::super::{Computation, Direction, Purpose, Step, crypt, verify};
use super::*;

const LONGEST_UNIT: u64 = 16 << 20;

const MACS: [(M, usize); 9] = [
    (M::Sha1Hmac, 20),
    (M::Sha224Hmac, 28),
    (M::Sha256Hmac, 32),
    (M::Sha384Hmac, 48),
    (M::Sha512Hmac, 64),
    (M::Sha3224Hmac, 28),
    (M::Sha3256Hmac, 32),
    (M::Sha3384Hmac, 48),
    (M::Sha3512Hmac, 64),
];

/// A stream whose signature, if it has one, comes with the last data.
fn open_stream(
    key: &KeyHandle,
    purpose: Purpose,
    mechanism: M,
    given: Option<&MechanismParameters>,
) -> crate::Result<(Computation, Option<Vec<u8>>)> {
    super::super::open_stream(key, purpose, mechanism, given, None)
}

type Outcome = crate::Result<(Vec<u8>, Option<Vec<u8>>)>;

/// What all steps gave together, and the IV.
fn run(
    key: &KeyHandle,
    purpose: Purpose,
    mechanism: M,
    parameters: Option<&MechanismParameters>,
    parts: &[&[u8]],
    signature: Option<&[u8]>,
) -> Outcome {
    let (stream, iv) = open_stream(key, purpose, mechanism, parameters)?;
    Ok((steps(stream, parts, signature)?, iv))
}

/// The plaintext of a decryption whose ciphertext and tag come in parts of this length.
fn decrypted(
    key: &KeyHandle,
    mechanism: M,
    parameters: &MechanismParameters,
    data: &[u8],
    tag: &[u8],
    length: usize,
) -> crate::Result<Vec<u8>> {
    let (mut stream, _) = open_stream(key, Purpose::Decrypt, mechanism, Some(parameters))?;
    let (mut marks, mut offset) = (Vec::new(), 0);
    for part in data.chunks(length) {
        let (mark, goes_on) = stream.step(Step::Update, offset, part)?;
        offset += part.len() as u64;
        marks.push(mark);
        stream = goes_on.unwrap();
    }
    let (_, mut goes_on) = stream.step(Step::Finish(Some(tag)), offset, &[])?;
    let (mut plaintext, mut offset) = (Vec::new(), 0);
    for (part, mark) in data.chunks(length).zip(&marks) {
        let (shown, rest) = goes_on.unwrap().step(Step::Repeat(mark), offset, part)?;
        offset += part.len() as u64;
        plaintext.extend(shown);
        goes_on = rest;
    }
    assert!(goes_on.is_none(), "all was shown");
    Ok(plaintext)
}

/// Three DES keys.
fn des_keys() -> Vec<u8> {
    (1..25).collect()
}

fn gcm(iv: &[u8]) -> MechanismParameters {
    MechanismParameters { aad: Some(b"aad".to_vec()), tag_bits: Some(128), ..super::iv(iv) }
}

fn ccm(nonce_length: usize, data_length: u64) -> MechanismParameters {
    MechanismParameters { data_length: Some(data_length), ..gcm(&[1; 13][..nonce_length]) }
}

fn xts_key() -> KeyHandle {
    KeyHandle::AesXts(Arc::new(Arena::new(false).keep(&(0..64).collect::<Vec<u8>>()).unwrap()))
}

fn without_iv() -> MechanismParameters {
    MechanismParameters { iv: None, ..gcm(&[]) }
}

#[test]
fn hmac_and_cmac_in_parts_give_the_known_answers() {
    let data: Vec<u8> = (0..1000_u32).map(|number| (number % 251) as u8).collect();
    for vector in vectors(include_str!("vectors/hmac.txt")) {
        let (mechanism, _) = MACS[match vector.text("hash") {
            "SHA1" => 0,
            "SHA224" => 1,
            "SHA256" => 2,
            "SHA384" => 3,
            _ => 4,
        }];
        let (key, data, mac) = (secret(&vector.bytes("key")), vector.bytes("data"), vector.bytes("mac"));
        let parts: Vec<&[u8]> = data.chunks(3).collect();
        let (made, iv) = run(&key, Purpose::Sign, mechanism, None, &parts, None).unwrap();
        assert!(made[..mac.len()] == mac && iv.is_none());
    }
    for vector in vectors(include_str!("vectors/aes_cmac.txt")) {
        let (key, data, mac) = (aes(&vector.bytes("key")), vector.bytes("data"), vector.bytes("mac"));
        let parts = [&data[..data.len() / 2], &data[data.len() / 2..], &[]];
        assert_eq!(run(&key, Purpose::Sign, M::AesCmac, None, &parts, None).unwrap().0, mac);
    }
    let hmacs = MACS.map(|(mechanism, length)| (secret(b"key"), mechanism, length));
    let others = [
        (aes(&[7; 24]), M::AesCmac, 16),
        (aes(&[7; 16]), M::AesCmacGeneral, 8),
        (des3(&des_keys()), M::Des3Cmac, 8),
        (des3(&des_keys()), M::Des3CmacGeneral, 8),
        (secret(b"key"), M::Sha256HmacGeneral, 8),
        (secret(b"key"), M::Sha3512HmacGeneral, 8),
    ];
    for (key, mechanism, length) in hmacs.into_iter().chain(others) {
        let given = MechanismParameters { tag_bits: Some(64), ..NO_PARAMETERS };
        let given = (mechanism.parameter_kind() == ParameterKind::MacLength).then_some(&given);
        let parts = [&data[..1], &data[1..500], &[], &data[500..]];
        let (mac, _) = run(&key, Purpose::Sign, mechanism, given, &parts, None).unwrap();
        assert_eq!(mac.len(), length);
        verify(&key, mechanism, given, &data, &mac).unwrap();
        let checked = |data: &[u8], mac: Option<&[u8]>| {
            run(&key, Purpose::Verify, mechanism, given, &[data], mac)
                .map_or_else(|error| error.rv, |_| Rv::OK)
        };
        assert_eq!(checked(&data, Some(&mac)), Rv::OK);
        assert_eq!(checked(&data[1..], Some(&mac)), Rv::SIGNATURE_INVALID);
        assert_eq!(checked(&data, Some(&mac[1..])), Rv::SIGNATURE_LEN_RANGE);
        assert_eq!(checked(&data, None), Rv::SIGNATURE_LEN_RANGE);
    }
}

#[test]
fn gmac_and_gcm_in_parts_mean_the_same_as_in_one() {
    let (key, data) = (aes(&[7; 32]), [5; 100]);
    for tag_bits in [32, 64, 128] {
        let given = MechanismParameters { tag_bits: Some(tag_bits), ..gcm(&[9; 7]) };
        let parts: [&[u8]; 4] = [&data[..33], &[], &data[33..34], &data[34..]];
        let (encrypted, iv) = run(&key, Purpose::Encrypt, M::AesGcm, Some(&given), &parts, None).unwrap();
        let in_one = crypt(&key, Direction::Encrypt, M::AesGcm, Some(&given), &data).unwrap();
        assert_eq!((encrypted, iv), (in_one.data, None), "with the caller's IV");

        let given = MechanismParameters { iv: None, ..given };
        let (encrypted, iv) = run(&key, Purpose::Encrypt, M::AesGcm, Some(&given), &parts, None).unwrap();
        let made = MechanismParameters { iv, ..given.clone() };
        let opened = crypt(&key, Direction::Decrypt, M::AesGcm, Some(&made), &encrypted).unwrap();
        assert_eq!(opened.data, data);

        let given = MechanismParameters { aad: None, ..given };
        let (mac, iv) = run(&key, Purpose::Sign, M::AesGmac, Some(&given), &parts, None).unwrap();
        let made = MechanismParameters { iv, ..given };
        verify(&key, M::AesGmac, Some(&made), &data, &mac).unwrap();
        run(&key, Purpose::Verify, M::AesGmac, Some(&made), &parts, Some(&mac)).unwrap();
        let refused = run(&key, Purpose::Verify, M::AesGmac, Some(&made), &parts[1..], Some(&mac));
        assert_eq!(refused.unwrap_err().rv, Rv::SIGNATURE_INVALID);
    }
}

#[test]
fn gcm_decryption_in_parts_gives_the_known_answers() {
    let mut opened = 0;
    for vector in vectors(include_str!("vectors/aes_gcm.txt")) {
        let (key, data) = (aes(&vector.bytes("key")), vector.bytes("data"));
        let tag_bits: usize = vector.text("tag").parse().unwrap();
        let parameters = MechanismParameters {
            aad: Some(vector.bytes("aad")),
            tag_bits: Some(tag_bits as u64),
            ..iv(&vector.bytes("iv"))
        };
        let (data, tag) = data.split_at(data.len() - tag_bits / 8);
        for length in [1, 7, 16, 1000] {
            let found = decrypted(&key, M::AesGcm, &parameters, data, tag, length);
            if vector.text("plain") == "FAIL" {
                assert_eq!(found.unwrap_err().rv, Rv::ENCRYPTED_DATA_INVALID);
            } else {
                assert_eq!(found.unwrap(), vector.bytes("plain"));
                opened += 1;
            }
        }
    }
    assert!(opened > 200);
}

#[test]
fn gcm_shows_only_what_the_tag_was_over_in_its_place_and_after_the_tag() {
    let key = aes(&[7; 16]);
    let sealed = crypt(&key, Direction::Encrypt, M::AesGcm, Some(&without_iv()), &[5; 64]).unwrap();
    let (data, tag) = sealed.data.split_at(64);
    let parameters = gcm(&sealed.iv.unwrap());
    let begun = || {
        let (stream, _) = open_stream(&key, Purpose::Decrypt, M::AesGcm, Some(&parameters)).unwrap();
        let (first, stream) = stream.step(Step::Update, 0, &data[..32]).unwrap();
        (stream.unwrap(), first)
    };
    let finished = || {
        let (stream, first) = begun();
        let (second, stream) = stream.step(Step::Finish(Some(tag)), 32, &data[32..]).unwrap();
        (stream.unwrap(), [first, second])
    };
    let refused = |outcome: crate::Result<(Vec<u8>, Option<Computation>)>| outcome.unwrap_err().rv;

    let (stream, mark) = begun();
    assert_eq!(refused(stream.step(Step::Repeat(&mark), 0, &data[..32])), Rv::OPERATION_NOT_INITIALIZED);
    let (stream, _) = begun();
    let wrong = [&tag[..15], &[tag[15] ^ 1]].concat();
    assert_eq!(refused(stream.step(Step::Finish(Some(&wrong)), 32, &data[32..])), Rv::ENCRYPTED_DATA_INVALID);
    let (stream, _) = begun();
    let short = stream.step(Step::Finish(Some(&tag[..4])), 32, &data[32..]);
    assert_eq!(refused(short), Rv::ENCRYPTED_DATA_LEN_RANGE, "a shorter tag than the parameter says");

    let altered = [&data[..31], &[data[31] ^ 1]].concat();
    let (other, _) = finished();
    let other_mark = {
        let (stream, mark) = begun();
        drop(stream);
        mark
    };
    assert_eq!(refused(other.step(Step::Repeat(&other_mark), 0, &data[..32])), Rv::ENCRYPTED_DATA_INVALID);
    for (part, mark) in [(&altered[..], 0), (&data[32..], 1), (&data[..32], 1), (&data[..31], 0)] {
        let (stream, marks) = finished();
        assert_eq!(refused(stream.step(Step::Repeat(&marks[mark]), 0, part)), Rv::ENCRYPTED_DATA_INVALID);
    }
    let (stream, marks) = finished();
    let late = stream.step(Step::Repeat(&marks[1]), 32, &data[32..]);
    assert_eq!(refused(late), Rv::OPERATION_NOT_INITIALIZED, "the first comes first");
    for step in [Step::Update, Step::Finish(Some(tag))] {
        let (stream, _) = finished();
        assert_eq!(refused(stream.step(step, 0, &data[..32])), Rv::OPERATION_NOT_INITIALIZED);
    }
    let (stream, marks) = finished();
    let (shown, stream) = stream.step(Step::Repeat(&marks[0]), 0, &data[..32]).unwrap();
    assert_eq!(shown, [5; 32]);
    let again = stream.unwrap().step(Step::Repeat(&marks[0]), 0, &data[..32]);
    assert_eq!(refused(again), Rv::OPERATION_NOT_INITIALIZED, "and once");
}

#[test]
fn streams_know_their_modes_own_limits() {
    const LIMIT: u64 = (1 << 36) - 32;
    let key = aes(&[7; 16]);
    for (purpose, rv) in
        [(Purpose::Encrypt, Rv::DATA_LEN_RANGE), (Purpose::Decrypt, Rv::ENCRYPTED_DATA_LEN_RANGE)]
    {
        let open = || open_stream(&key, purpose, M::AesGcm, Some(&gcm(&[1; 12]))).unwrap().0;
        assert!(open().step(Step::Update, LIMIT - 16, &[0; 16]).is_ok());
        assert_eq!(open().step(Step::Update, LIMIT - 16, &[0; 17]).unwrap_err().rv, rv);
        assert_eq!(open().step(Step::Finish(Some(&[0; 16])), LIMIT, &[0]).unwrap_err().rv, rv);

        let open = || open_stream(&xts_key(), purpose, M::AesXts, Some(&iv(&[1; 16]))).unwrap().0;
        assert!(open().step(Step::Update, LONGEST_UNIT - 16, &[0; 16]).is_ok());
        assert!(open().step(Step::Finish(None), LONGEST_UNIT - 31, &[0; 31]).is_ok());
        assert_eq!(open().step(Step::Finish(None), LONGEST_UNIT - 31, &[0; 32]).unwrap_err().rv, rv);
        assert_eq!(open().step(Step::Update, 0, &[0; 17]).unwrap_err().rv, rv, "parts have whole blocks");
        assert_eq!(open().step(Step::Finish(None), 16, &[0; 15]).unwrap_err().rv, rv, "and the last has one");
        assert_eq!(
            open().step(Step::Repeat(&[]), 0, &[0; 16]).unwrap_err().rv,
            Rv::OPERATION_NOT_INITIALIZED
        );

        let open = || open_stream(&key, purpose, M::AesCcm, Some(&ccm(12, 40))).unwrap().0;
        assert_eq!(open().step(Step::Update, 0, &[0; 41]).unwrap_err().rv, rv, "more than was said");
        assert_eq!(open().step(Step::Finish(Some(&[0; 16])), 0, &[0; 39]).unwrap_err().rv, rv, "or less");
        let many = MechanismParameters { data_length: Some(1 << 16), ..ccm(13, 0) };
        let refused = open_stream(&key, purpose, M::AesCcm, Some(&many)).unwrap_err();
        assert_eq!(refused.rv, Rv::DATA_LEN_RANGE, "a nonce of 13 bytes leaves two for the length");
    }
}

#[test]
fn ccm_and_xts_in_parts_mean_the_same_as_in_one() {
    let (key, data) = (aes(&[7; 24]), [5; 100]);
    let given = ccm(11, 100);
    let parts: [&[u8]; 4] = [&data[..33], &[], &data[33..34], &data[34..]];
    let (encrypted, made) = run(&key, Purpose::Encrypt, M::AesCcm, Some(&given), &parts, None).unwrap();
    assert!(made.is_none(), "the nonce is the caller's");
    let in_one = crypt(&key, Direction::Encrypt, M::AesCcm, Some(&given), &data).unwrap();
    assert_eq!(encrypted, in_one.data);
    let (ciphertext, tag) = encrypted.split_at(100);
    for length in [1, 16, 99, 100] {
        assert_eq!(decrypted(&key, M::AesCcm, &given, ciphertext, tag, length).unwrap(), data);
        let wrong = decrypted(&key, M::AesCcm, &given, ciphertext, &[0; 16], length);
        assert_eq!(wrong.unwrap_err().rv, Rv::ENCRYPTED_DATA_INVALID);
    }

    let given = iv(&[3; 16]);
    let parts: [&[u8]; 3] = [&data[..32], &data[32..64], &data[64..]];
    let (encrypted, _) = run(&xts_key(), Purpose::Encrypt, M::AesXts, Some(&given), &parts, None).unwrap();
    let in_one = crypt(&xts_key(), Direction::Encrypt, M::AesXts, Some(&given), &data).unwrap();
    assert_eq!(encrypted, in_one.data);
    let parts: [&[u8]; 2] = [&encrypted[..80], &encrypted[80..]];
    let (plain, _) = run(&xts_key(), Purpose::Decrypt, M::AesXts, Some(&given), &parts, None).unwrap();
    assert_eq!(plain, data);
}

#[test]
fn a_stream_is_refused_to_other_mechanisms_and_parameters() {
    let refused = |key: &KeyHandle, purpose, mechanism, parameters: Option<&MechanismParameters>| {
        open_stream(key, purpose, mechanism, parameters).unwrap_err().rv
    };
    let key = aes(&[7; 16]);
    for mechanism in [M::AesCtr, M::AesCbcPad, M::CloudhsmAesGcm] {
        let given = gcm(&[1; 16]);
        assert_eq!(refused(&key, Purpose::Encrypt, mechanism, Some(&given)), Rv::MECHANISM_INVALID);
    }
    for purpose in [Purpose::Encrypt, Purpose::Decrypt] {
        assert_eq!(refused(&key, purpose, M::AesGcm, None), Rv::MECHANISM_PARAM_INVALID);
        let unknown = MechanismParameters { data_length: None, ..ccm(12, 0) };
        for given in [unknown, ccm(6, 10), MechanismParameters { tag_bits: Some(24), ..ccm(12, 10) }] {
            assert_eq!(refused(&key, purpose, M::AesCcm, Some(&given)), Rv::MECHANISM_PARAM_INVALID);
        }
        let short = iv(&[1; 15]);
        assert_eq!(refused(&xts_key(), purpose, M::AesXts, Some(&short)), Rv::MECHANISM_PARAM_INVALID);
        let odd = MechanismParameters { tag_bits: Some(24), ..gcm(&[1; 12]) };
        assert_eq!(refused(&key, purpose, M::AesGcm, Some(&odd)), Rv::MECHANISM_PARAM_INVALID);
    }
    for (iv, purpose) in
        [(&[][..], Purpose::Decrypt), (&[0; 257], Purpose::Decrypt), (&[0; 257], Purpose::Encrypt)]
    {
        assert_eq!(refused(&key, purpose, M::AesGcm, Some(&gcm(iv))), Rv::MECHANISM_PARAM_INVALID);
    }
    let with_aad = refused(&key, Purpose::Sign, M::AesGmac, Some(&gcm(&[1; 12])));
    assert_eq!(with_aad, Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(refused(&key, Purpose::Sign, M::AesGcm, Some(&gcm(&[1; 12]))), Rv::MECHANISM_INVALID);
}
