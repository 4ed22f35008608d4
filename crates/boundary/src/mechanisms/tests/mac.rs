//! MACs.

use strongroom_wire::{MechanismType as M, Rv};

use super::super::{sign, verify};
use super::*;

fn check(key: &KeyHandle, mechanism: M, data: &[u8], mac: &[u8]) {
    assert_eq!(sign(key, mechanism, None, data).unwrap(), mac);
    verify(key, mechanism, None, data, mac).unwrap();
    let mut wrong = mac.to_vec();
    wrong[0] ^= 1;
    assert_eq!(verify(key, mechanism, None, data, &wrong).unwrap_err().rv, Rv::SIGNATURE_INVALID);
    for length in [0, mac.len() - 1] {
        assert_eq!(
            verify(key, mechanism, None, data, &mac[..length]).unwrap_err().rv,
            Rv::SIGNATURE_LEN_RANGE
        );
    }
}

#[test]
fn hmac_gives_the_known_answers() {
    for vector in vectors(include_str!("vectors/hmac.txt")) {
        let mechanism = match vector.text("hash") {
            "SHA1" => M::Sha1Hmac,
            "SHA224" => M::Sha224Hmac,
            "SHA256" => M::Sha256Hmac,
            "SHA384" => M::Sha384Hmac,
            _ => M::Sha512Hmac,
        };
        let (key, data, mac) = (secret(&vector.bytes("key")), vector.bytes("data"), vector.bytes("mac"));
        let whole = sign(&key, mechanism, None, &data).unwrap();
        assert_eq!(whole[..mac.len()], mac); // test case 5 shows its first 128 bits only
        check(&key, mechanism, &data, &whole);
    }
}

#[test]
fn cmac_gives_the_known_answers() {
    for vector in vectors(include_str!("vectors/aes_cmac.txt")) {
        check(&aes(&vector.bytes("key")), M::AesCmac, &vector.bytes("data"), &vector.bytes("mac"));
    }
}

#[test]
fn cmac_with_triple_des_gives_the_known_answers() {
    for vector in vectors(include_str!("vectors/des3_cmac.txt")) {
        check(&des3(&vector.bytes("key")), M::Des3Cmac, &vector.bytes("data"), &vector.bytes("mac"));
    }
}

#[test]
fn a_mac_is_cut_to_the_length_that_the_parameter_says() {
    let mac_length = |bits| MechanismParameters { tag_bits: Some(bits), ..NO_PARAMETERS };
    let cmacs =
        [(aes(&[1; 16]), M::AesCmac, M::AesCmacGeneral), (des3(&[1; 24]), M::Des3Cmac, M::Des3CmacGeneral)];
    let hmacs = [
        (M::Sha1Hmac, M::Sha1HmacGeneral),
        (M::Sha224Hmac, M::Sha224HmacGeneral),
        (M::Sha256Hmac, M::Sha256HmacGeneral),
        (M::Sha384Hmac, M::Sha384HmacGeneral),
        (M::Sha512Hmac, M::Sha512HmacGeneral),
        (M::Sha3224Hmac, M::Sha3224HmacGeneral),
        (M::Sha3256Hmac, M::Sha3256HmacGeneral),
        (M::Sha3384Hmac, M::Sha3384HmacGeneral),
        (M::Sha3512Hmac, M::Sha3512HmacGeneral),
    ];
    let hmacs = hmacs.map(|(plain, general)| (secret(b"key"), plain, general));
    for (key, plain, general) in cmacs.into_iter().chain(hmacs) {
        let whole = sign(&key, plain, None, b"data").unwrap();
        for length in 4..=whole.len() {
            let how = mac_length(8 * length as u64);
            let mac = sign(&key, general, Some(&how), b"data").unwrap();
            assert_eq!(mac, whole[..length]);
            let verify =
                |mac: &[u8]| verify(&key, general, Some(&how), b"data", mac).map_err(|error| error.rv);
            assert_eq!(verify(&mac), Ok(()));
            assert_eq!(verify(&mac[1..]), Err(Rv::SIGNATURE_LEN_RANGE));
            assert_eq!(verify(&[&mac[1..], &[!mac[0]]].concat()), Err(Rv::SIGNATURE_INVALID));
        }
        for bits in [0, 24, 31, 33, 8 * whole.len() as u64 + 8, u64::MAX - 7] {
            let refused = sign(&key, general, Some(&mac_length(bits)), b"data").unwrap_err();
            assert_eq!(refused.rv, Rv::MECHANISM_PARAM_INVALID);
        }
        assert_eq!(sign(&key, general, None, b"data").unwrap_err().rv, Rv::MECHANISM_PARAM_INVALID);
    }
}

#[test]
fn macs_over_a_mebibyte_work_and_over_more_are_refused() {
    let data = vec![0; super::super::MAX_DATA + 1];
    assert!(sign(&secret(b"k"), M::Sha512Hmac, None, &data[1..]).is_ok());
    assert_eq!(sign(&secret(b"k"), M::Sha512Hmac, None, &data).unwrap_err().rv, Rv::DATA_LEN_RANGE);
}
