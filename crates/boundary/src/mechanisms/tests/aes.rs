//! AES modes and key wrap.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType as M, Rv};

use super::super::{Direction, crypt, unwrap, wrap};
use super::*;

fn both_ways(
    key: &KeyHandle,
    mechanism: M,
    parameters: Option<&MechanismParameters>,
    plain: &[u8],
    cipher: &[u8],
) {
    assert_eq!(crypt(key, Direction::Encrypt, mechanism, parameters, plain).unwrap().data, cipher);
    assert_eq!(crypt(key, Direction::Decrypt, mechanism, parameters, cipher).unwrap().data, plain);
}

#[test]
fn ecb_and_cbc_give_the_known_answers() {
    for vector in vectors(include_str!("vectors/aes_ecb.txt")) {
        both_ways(
            &aes(&vector.bytes("key")),
            M::AesEcb,
            None,
            &vector.bytes("plain"),
            &vector.bytes("cipher"),
        );
    }
    for vector in vectors(include_str!("vectors/aes_cbc.txt")) {
        let iv = iv(&vector.bytes("iv"));
        both_ways(
            &aes(&vector.bytes("key")),
            M::AesCbc,
            Some(&iv),
            &vector.bytes("plain"),
            &vector.bytes("cipher"),
        );
    }
}

#[test]
fn ctr_gives_the_known_answers() {
    for vector in vectors(include_str!("vectors/aes_ctr.txt")) {
        let parameters = MechanismParameters { counter_bits: Some(128), ..iv(&vector.bytes("counter")) };
        let key = aes(&vector.bytes("key"));
        both_ways(&key, M::AesCtr, Some(&parameters), &vector.bytes("plain"), &vector.bytes("cipher"));
    }
}

#[test]
fn ctr_refuses_data_in_which_its_counter_would_wrap() {
    let key = aes(&[1; 16]);
    let mut block = [0xFF; 16];
    block[15] = 0xFE; // two blocks are left of 32 bits
    let parameters = MechanismParameters { counter_bits: Some(32), ..iv(&block) };
    assert!(crypt(&key, Direction::Encrypt, M::AesCtr, Some(&parameters), &[0; 32]).is_ok());
    let refused = crypt(&key, Direction::Encrypt, M::AesCtr, Some(&parameters), &[0; 33]).unwrap_err();
    assert_eq!(refused.rv, Rv::DATA_LEN_RANGE);
    for bits in [None, Some(0), Some(129)] {
        let parameters = MechanismParameters { counter_bits: bits, ..iv(&block) };
        let refused = crypt(&key, Direction::Encrypt, M::AesCtr, Some(&parameters), &[0; 16]).unwrap_err();
        assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    }
}

#[test]
fn padded_data_of_every_length_comes_back_and_parts_chain() {
    let key = aes(&[7; 32]);
    for length in 0..50 {
        let data: Vec<u8> = (0..length).collect();
        let whole = crypt(&key, Direction::Encrypt, M::AesCbcPad, Some(&iv(&[3; 16])), &data).unwrap().data;
        assert_eq!(whole.len(), data.len() / 16 * 16 + 16);
        assert_eq!(
            crypt(&key, Direction::Decrypt, M::AesCbcPad, Some(&iv(&[3; 16])), &whole).unwrap().data,
            data
        );
        // What a client does in parts: middle blocks as CBC, the last part as CBC-PAD with the chaining value.
        let (middle, last) = data.split_at(data.len() / 16 * 16);
        let mut parts = crypt(&key, Direction::Encrypt, M::AesCbc, Some(&iv(&[3; 16])), middle).unwrap().data;
        let chain = if parts.is_empty() { vec![3; 16] } else { parts[parts.len() - 16..].to_vec() };
        parts.extend(crypt(&key, Direction::Encrypt, M::AesCbcPad, Some(&iv(&chain)), last).unwrap().data);
        assert_eq!(parts, whole);
    }
}

#[test]
fn wrong_padding_and_broken_blocks_are_refused() {
    let key = aes(&[7; 16]);
    for last in [0_u8, 17, 3] {
        let mut block = [9; 16];
        block[15] = last;
        let cipher = crypt(&key, Direction::Encrypt, M::AesCbc, Some(&iv(&[0; 16])), &block).unwrap().data;
        let refused =
            crypt(&key, Direction::Decrypt, M::AesCbcPad, Some(&iv(&[0; 16])), &cipher).unwrap_err();
        assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_INVALID);
    }
    for (mechanism, parameters) in [(M::AesEcb, None), (M::AesCbc, Some(iv(&[0; 16])))] {
        let refused = crypt(&key, Direction::Encrypt, mechanism, parameters.as_ref(), &[0; 17]).unwrap_err();
        assert_eq!(refused.rv, Rv::DATA_LEN_RANGE);
        let refused = crypt(&key, Direction::Decrypt, mechanism, parameters.as_ref(), &[0; 17]).unwrap_err();
        assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_LEN_RANGE);
        assert!(
            crypt(&key, Direction::Encrypt, mechanism, parameters.as_ref(), &[]).unwrap().data.is_empty()
        );
    }
    for parameters in [None, Some(iv(&[0; 12]))] {
        let refused = crypt(&key, Direction::Encrypt, M::AesCbc, parameters.as_ref(), &[0; 16]).unwrap_err();
        assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    }
    let refused = crypt(&key, Direction::Decrypt, M::AesCbcPad, Some(&iv(&[0; 16])), &[]).unwrap_err();
    assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_LEN_RANGE);
}

#[test]
fn gcm_gives_the_known_answers_with_ivs_and_tags_of_many_lengths() {
    let mut opened = 0;
    for vector in vectors(include_str!("vectors/aes_gcm.txt")) {
        let data = vector.bytes("data");
        let parameters = MechanismParameters {
            aad: Some(vector.bytes("aad")),
            tag_bits: Some(vector.text("tag").parse().unwrap()),
            ..iv(&vector.bytes("iv"))
        };
        let key = aes(&vector.bytes("key"));
        let found = crypt(&key, Direction::Decrypt, M::AesGcm, Some(&parameters), &data);
        if vector.text("plain") == "FAIL" {
            assert_eq!(found.unwrap_err().rv, Rv::ENCRYPTED_DATA_INVALID);
        } else {
            let plain = vector.bytes("plain");
            assert_eq!(found.unwrap().data, plain);
            let made = crypt(&key, Direction::Encrypt, M::AesGcm, Some(&parameters), &plain).unwrap();
            assert_eq!((made.data, made.iv), (data, None));
            opened += 1;
        }
    }
    assert!(opened > 50);
}

#[test]
fn gcm_makes_its_own_iv_and_returns_or_prepends_it() {
    let key = aes(&[7; 24]);
    for tag_bits in [32, 64, 96, 104, 112, 120, 128] {
        let mut given =
            MechanismParameters { aad: Some(b"aad".to_vec()), tag_bits: Some(tag_bits), ..NO_PARAMETERS };
        let made = crypt(&key, Direction::Encrypt, M::AesGcm, Some(&given), b"data").unwrap();
        assert_eq!(made.data.len(), 4 + tag_bits as usize / 8);
        let made_iv = made.iv.unwrap();
        assert!(made_iv.len() == 12 && made_iv != [0; 12]);
        given.iv = Some(made_iv);
        assert_eq!(
            crypt(&key, Direction::Decrypt, M::AesGcm, Some(&given), &made.data).unwrap().data,
            b"data"
        );
        given.aad = None;
        let refused = crypt(&key, Direction::Decrypt, M::AesGcm, Some(&given), &made.data).unwrap_err();
        assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_INVALID);

        let given = MechanismParameters { tag_bits: Some(tag_bits), ..NO_PARAMETERS };
        let made = crypt(&key, Direction::Encrypt, M::CloudhsmAesGcm, Some(&given), b"data").unwrap();
        assert!(made.iv.is_none() && made.data.len() == 16 + tag_bits as usize / 8);
        let back = crypt(&key, Direction::Decrypt, M::CloudhsmAesGcm, Some(&given), &made.data).unwrap();
        assert_eq!(back.data, b"data");
        let refused =
            crypt(&key, Direction::Decrypt, M::CloudhsmAesGcm, Some(&given), &made.data[..11]).unwrap_err();
        assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_LEN_RANGE);
    }
}

#[test]
fn gcm_refuses_wrong_parameters() {
    let key = aes(&[7; 16]);
    for tag_bits in [None, Some(0), Some(40), Some(136)] {
        let given = MechanismParameters { tag_bits, ..iv(&[0; 12]) };
        let refused = crypt(&key, Direction::Encrypt, M::AesGcm, Some(&given), b"data").unwrap_err();
        assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    }
    for iv in [None, Some(vec![]), Some(vec![0; 257])] {
        let given = MechanismParameters { iv, tag_bits: Some(128), ..NO_PARAMETERS };
        let refused =
            |direction| crypt(&key, direction, M::AesGcm, Some(&given), &[0; 20]).map_err(|error| error.rv);
        assert_eq!(refused(Direction::Decrypt).unwrap_err(), Rv::MECHANISM_PARAM_INVALID);
        if given.iv.is_some() {
            assert_eq!(refused(Direction::Encrypt).unwrap_err(), Rv::MECHANISM_PARAM_INVALID);
        }
    }
    let given = MechanismParameters { tag_bits: Some(128), ..iv(&[0; 12]) };
    let refused = crypt(&key, Direction::Encrypt, M::CloudhsmAesGcm, Some(&given), b"data").unwrap_err();
    assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    let refused = crypt(&key, Direction::Encrypt, M::AesGcm, None, b"data").unwrap_err();
    assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
    let given = MechanismParameters { tag_bits: Some(128), ..iv(&[0; 12]) };
    let refused = crypt(&key, Direction::Decrypt, M::AesGcm, Some(&given), &[0; 15]).unwrap_err();
    assert_eq!(refused.rv, Rv::ENCRYPTED_DATA_LEN_RANGE);
}

#[test]
fn key_wrap_gives_the_known_answers() {
    let files = [
        (M::AesKeyWrap, include_str!("vectors/aes_kw.txt")),
        (M::AesKeyWrapKwp, include_str!("vectors/aes_kwp.txt")),
    ];
    for (mechanism, file) in files {
        for vector in vectors(file) {
            let (key, wrapped) = (aes(&vector.bytes("key")), vector.bytes("wrapped"));
            let unwrapped = unwrap(&key, mechanism, None, &wrapped);
            if vector.text("plain") == "FAIL" {
                assert_eq!(unwrapped.unwrap_err().rv, Rv::WRAPPED_KEY_INVALID);
                continue;
            }
            assert_eq!(*unwrapped.unwrap(), vector.bytes("plain"));
            assert_eq!(wrap(&key, mechanism, None, &vector.bytes("plain")).unwrap().data, wrapped);
        }
    }
}

#[test]
fn key_wrap_takes_the_standard_iv_only_and_whole_blocks() {
    let key = aes(&[7; 16]);
    let cases = [
        (M::AesKeyWrap, vec![0xA6; 8]),
        (M::CloudhsmAesKeyWrapNoPad, vec![0xA6; 8]),
        (M::AesKeyWrapKwp, vec![0xA6, 0x59, 0x59, 0xA6]),
    ];
    for (mechanism, standard) in cases {
        let implicit = wrap(&key, mechanism, None, &[9; 32]).unwrap().data;
        assert_eq!(wrap(&key, mechanism, Some(&iv(&standard)), &[9; 32]).unwrap().data, implicit);
        let refused = wrap(&key, mechanism, Some(&iv(&[0; 8])), &[9; 32]).unwrap_err();
        assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
        for length in [8, 23, 33] {
            let refused = unwrap(&key, mechanism, None, &vec![0; length]).unwrap_err();
            assert_eq!(refused.rv, Rv::WRAPPED_KEY_LEN_RANGE);
        }
    }
    for length in [8, 20, 33] {
        assert_eq!(wrap(&key, M::AesKeyWrap, None, &vec![9; length]).unwrap_err().rv, Rv::KEY_SIZE_RANGE);
        assert!(wrap(&key, M::CloudhsmAesKeyWrapZeroPad, None, &vec![9; length]).is_ok());
    }
}
