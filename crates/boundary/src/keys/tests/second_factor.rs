//! Second factors: RSA keys outside the HSM.

use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use strongroom_wire::Rv;

use super::super::second_factor::NOBODYS;
use super::super::{check_second_factor, verify_second_factor};
use super::password::can_be_told_apart;
use super::*;

const TOKEN: &[u8] = b"a token of an HSM";

pub(super) fn own_key() -> (Vec<u8>, KeyPair) {
    let pair = KeyPair::from_pkcs8(&RSA_PKCS8).unwrap();
    (info(&pair), pair)
}

pub(super) fn info(pair: &KeyPair) -> Vec<u8> {
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    public.as_ref().to_vec()
}

pub(super) fn sign(pair: &KeyPair, token: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token, &mut signature).unwrap();
    signature
}

#[test]
fn a_signature_by_the_key_over_the_token_is_taken_and_no_other() {
    let (public, pair) = own_key();
    check_second_factor(&public).unwrap();
    let signature = sign(&pair, TOKEN);
    assert!(verify_second_factor(Some(&public), TOKEN, &signature));
    assert!(!verify_second_factor(Some(&public), b"another token", &signature));
    assert!(!verify_second_factor(Some(&public), TOKEN, &sign(&pair, b"another token")));
    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    assert!(!verify_second_factor(Some(&info(&other)), TOKEN, &signature));
    assert!(!verify_second_factor(Some(&public), TOKEN, &sign(&other, TOKEN)));
    assert!(flipped(&signature).all(|altered| !verify_second_factor(Some(&public), TOKEN, &altered)));
    for length in [0, 1, 255] {
        assert!(!verify_second_factor(Some(&public), TOKEN, &signature[..length]));
    }
    assert!(!verify_second_factor(Some(&public), TOKEN, &[&signature[..], &[0]].concat()));
}

#[test]
fn keys_of_another_type_or_size_are_refused() {
    let refused = |key: &[u8]| super::refused(check_second_factor(key)).rv;
    let three = KeyPair::generate(KeySize::Rsa3072).unwrap();
    assert_eq!(refused(&info(&three)), Rv::KEY_SIZE_RANGE);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let curve = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let curve: PublicKeyX509Der<'_> = curve.public_key().as_der().unwrap();
    assert_eq!(refused(curve.as_ref()), Rv::KEY_TYPE_INCONSISTENT);
    let (public, pair) = own_key();
    assert_eq!(refused(pair.public_key().as_ref()), Rv::KEY_TYPE_INCONSISTENT, "RSAPublicKey alone");
    assert_eq!(refused(b""), Rv::KEY_TYPE_INCONSISTENT);
    assert_eq!(refused(b"no key at all"), Rv::KEY_TYPE_INCONSISTENT);
    assert_eq!(refused(&public[..293]), Rv::KEY_SIZE_RANGE);
    assert_eq!(refused(&[&public[..], &[0]].concat()), Rv::KEY_SIZE_RANGE);
}

#[test]
fn no_key_takes_no_signature() {
    let (_, pair) = own_key();
    assert!(!verify_second_factor(None, TOKEN, &sign(&pair, TOKEN)));
    assert!(!verify_second_factor(None, TOKEN, b""));
}

#[test]
fn the_time_of_a_check_does_not_tell_a_user_without_a_factor_from_a_wrong_signature() {
    // The same key either way: two keys differ by more than the two ways do.
    let known = NOBODYS.to_vec();
    let (_, pair) = own_key();
    // Small enough to be below the modulus of every key of this size.
    let mut wrong = sign(&pair, b"another token");
    wrong[0] = 0;
    let ours = |key: Option<&[u8]>| assert!(!verify_second_factor(key, TOKEN, &wrong));
    assert!(!can_be_told_apart(ours, &known));
    let in_a_hurry = |key: Option<&[u8]>| {
        if key.is_some() {
            ours(key);
        }
    };
    assert!(can_be_told_apart(in_a_hurry, &known), "the test would not notice a short cut");
}
