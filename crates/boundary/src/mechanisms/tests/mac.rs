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
fn macs_over_a_mebibyte_work_and_over_more_are_refused() {
    let data = vec![0; super::super::MAX_DATA + 1];
    assert!(sign(&secret(b"k"), M::Sha512Hmac, None, &data[1..]).is_ok());
    assert_eq!(sign(&secret(b"k"), M::Sha512Hmac, None, &data).unwrap_err().rv, Rv::DATA_LEN_RANGE);
}
