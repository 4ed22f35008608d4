//! Encryption and digests, against published vectors, and in parts of every size.

use std::ptr;

use cryptoki_sys::*;
use strongroom_wire::{Operation, Rv};

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Session, V, functions, mechanism, mechanism_with};

/// The AES-128 key and the four blocks of SP 800-38A appendix F.
const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const PLAINTEXT: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

fn session() -> (&'static Fixture, Session) {
    (Fixture::shared(), Session::open(true).unwrap())
}

fn import(session: &Session, kind: CK_KEY_TYPE, value: &[u8]) -> CK_OBJECT_HANDLE {
    let mut template = vec![
        (CKA_CLASS, V::U(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, V::U(kind)),
        (CKA_VALUE, V::S(value)),
        (CKA_SIGN, V::B(true)),
        (CKA_VERIFY, V::B(true)),
    ];
    if kind == CKK_AES {
        template.extend([(CKA_ENCRYPT, V::B(true)), (CKA_DECRYPT, V::B(true))]);
    }
    session.create(&template).unwrap()
}

fn iv() -> [u8; 16] {
    hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap()
}

#[test]
fn ecb_and_cbc_match_sp_800_38a_in_one_part_and_in_many() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let plaintext = hex(PLAINTEXT);
    let ecb = session.encrypt(mechanism(CKM_AES_ECB), key, &plaintext).unwrap();
    assert_eq!(ecb[..16], hex("3ad77bb40d7a3660a89ecaf32466ef97"));
    let mut iv = iv();
    let cbc = mechanism_with(CKM_AES_CBC, &mut iv);
    let ciphertext = session.encrypt(cbc, key, &plaintext).unwrap();
    assert_eq!(
        ciphertext,
        hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
             73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7")
    );
    for cut in [1, 7, 16, 17, 48, 64] {
        assert_eq!(session.encrypt_parts(cbc, key, &plaintext, cut).unwrap(), ciphertext, "{cut}");
        assert_eq!(session.decrypt_parts(cbc, key, &ciphertext, cut).unwrap(), plaintext, "{cut}");
        assert_eq!(
            session.encrypt_parts(mechanism(CKM_AES_ECB), key, &plaintext, cut).unwrap(),
            ecb,
            "{cut}"
        );
    }
    assert_eq!(session.encrypt(cbc, key, &plaintext[1..]), Err(Rv::DATA_LEN_RANGE));
    assert_eq!(session.encrypt_parts(cbc, key, &plaintext[1..], 9), Err(Rv::DATA_LEN_RANGE));
    assert_eq!(session.decrypt(cbc, key, &plaintext[1..]), Err(Rv::ENCRYPTED_DATA_LEN_RANGE));
}

#[test]
fn ctr_matches_sp_800_38a_wherever_it_is_cut() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let counter = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().unwrap();
    let mut parameters = CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: counter };
    let ctr = mechanism_with(CKM_AES_CTR, &mut parameters);
    let plaintext = hex(PLAINTEXT);
    let ciphertext = session.encrypt(ctr, key, &plaintext).unwrap();
    assert_eq!(
        ciphertext,
        hex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
             5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee")
    );
    for cut in [1, 5, 16, 31, 63] {
        assert_eq!(session.encrypt_parts(ctr, key, &plaintext, cut).unwrap(), ciphertext, "{cut}");
        assert_eq!(session.decrypt_parts(ctr, key, &ciphertext, cut).unwrap(), plaintext, "{cut}");
    }
    let mut bad = CK_AES_CTR_PARAMS { ulCounterBits: 0, cb: counter };
    let refused = session.encrypt(mechanism_with(CKM_AES_CTR, &mut bad), key, &plaintext);
    assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));
}

#[test]
fn cbc_pad_takes_any_length_in_any_parts() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let mut iv = iv();
    let pad = mechanism_with(CKM_AES_CBC_PAD, &mut iv);
    let plaintext = hex(PLAINTEXT);
    for length in [0, 1, 15, 16, 17, 32, 63] {
        let plaintext = &plaintext[..length];
        let ciphertext = session.encrypt(pad, key, plaintext).unwrap();
        assert_eq!(ciphertext.len(), (length / 16 + 1) * 16);
        assert_eq!(session.decrypt(pad, key, &ciphertext).unwrap(), plaintext, "{length}");
        for cut in [1, 16, 20] {
            assert_eq!(
                session.encrypt_parts(pad, key, plaintext, cut).unwrap(),
                ciphertext,
                "{length} {cut}"
            );
            assert_eq!(
                session.decrypt_parts(pad, key, &ciphertext, cut).unwrap(),
                plaintext,
                "{length} {cut}"
            );
        }
    }
    assert_eq!(session.decrypt(pad, key, &plaintext[..15]), Err(Rv::ENCRYPTED_DATA_LEN_RANGE));
}

#[test]
fn data_over_the_hsms_limit_is_cut_and_chained() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let plaintext: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let mut iv = iv();
    let pad = mechanism_with(CKM_AES_CBC_PAD, &mut iv);
    let ciphertext = session.encrypt(pad, key, &plaintext).unwrap();
    assert_eq!(session.decrypt(pad, key, &ciphertext).unwrap(), plaintext);
    let mut parameters = CK_AES_CTR_PARAMS { ulCounterBits: 32, cb: [0; 16] };
    let ctr = mechanism_with(CKM_AES_CTR, &mut parameters);
    let ciphertext = session.encrypt(ctr, key, &plaintext).unwrap();
    assert_eq!(session.decrypt_parts(ctr, key, &ciphertext, 33_333).unwrap(), plaintext);
}

#[test]
fn gcm_writes_the_hsms_iv_and_refuses_altered_data() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let (mut iv, mut aad) = ([0_u8; 12], *b"context");
    let mut parameters = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 7,
        ulTagBits: 128,
    };
    let gcm = mechanism_with(CKM_AES_GCM, &mut parameters);
    let mut ciphertext = session.encrypt(gcm, key, b"data").unwrap();
    assert_eq!(ciphertext.len(), 20);
    assert_ne!(iv, [0; 12]);
    assert_eq!(session.decrypt(gcm, key, &ciphertext).unwrap(), b"data");
    ciphertext[0] ^= 1;
    assert_eq!(session.decrypt(gcm, key, &ciphertext), Err(Rv::ENCRYPTED_DATA_INVALID));
    parameters.pIv = ptr::null_mut();
    parameters.ulIvLen = 0;
    let gcm = mechanism_with(CKM_AES_GCM, &mut parameters);
    assert_eq!(session.encrypt(gcm, key, b"data"), Err(Rv::MECHANISM_PARAM_INVALID));
    let own = mechanism_with(0x8000_1087, &mut parameters);
    let ciphertext = session.encrypt(own, key, b"data").unwrap();
    assert_eq!(ciphertext.len(), 32);
    assert_eq!(session.decrypt(own, key, &ciphertext).unwrap(), b"data");
}

#[test]
fn gcm_in_parts_gives_everything_with_the_last_call_and_nothing_that_is_altered() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let (mut iv, mut aad) = ([0_u8; 12], *b"context");
    let mut parameters = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 7,
        ulTagBits: 128,
    };
    let mut gcm = mechanism_with(CKM_AES_GCM, &mut parameters);
    let plaintext = hex(PLAINTEXT);
    for cut in [1, 16, 63, 64] {
        let mut ciphertext = session.encrypt_parts(gcm, key, &plaintext, cut).unwrap();
        assert_eq!(ciphertext.len(), plaintext.len() + 16);
        assert_eq!(session.decrypt(gcm, key, &ciphertext).unwrap(), plaintext, "{cut}");
        assert_eq!(session.decrypt_parts(gcm, key, &ciphertext, cut).unwrap(), plaintext, "{cut}");
        ciphertext[0] ^= 1;
        assert_eq!(session.decrypt_parts(gcm, key, &ciphertext, cut), Err(Rv::ENCRYPTED_DATA_INVALID));
        assert_eq!(
            session.decrypt_parts(gcm, key, &ciphertext[..15], cut),
            Err(Rv::ENCRYPTED_DATA_LEN_RANGE)
        );
    }
    assert_eq!(session.decrypt(gcm, key, &session.encrypt_parts(gcm, key, b"", 1).unwrap()).unwrap(), b"");
    // No part gives anything, whatever room there is, and a buffer that is too small ends nothing.
    let ciphertext = session.encrypt(gcm, key, &plaintext).unwrap();
    let (mut result, mut length) = ([0_u8; 100], 100);
    call!(C_DecryptInit(session.0, &raw mut gcm, key)).unwrap();
    let part = ciphertext.as_ptr().cast_mut();
    call!(C_DecryptUpdate(session.0, part, 80, result.as_mut_ptr(), &raw mut length)).unwrap();
    assert_eq!((length, result), (0, [0; 100]));
    let whole = call!(C_Decrypt(session.0, part, 80, result.as_mut_ptr(), &raw mut length));
    assert_eq!(whole, Err(Rv::OPERATION_ACTIVE));
    length = 63;
    let small = call!(C_DecryptFinal(session.0, result.as_mut_ptr(), &raw mut length));
    assert_eq!((small, length), (Err(Rv::BUFFER_TOO_SMALL), 64));
    call!(C_DecryptFinal(session.0, result.as_mut_ptr(), &raw mut length)).unwrap();
    assert_eq!(result[..64], plaintext);
    // More than a request takes is refused by an HSM that is older than streams, and that ends the operation.
    let long = vec![0_u8; 2 * 1024 * 1024];
    assert_eq!(session.encrypt_parts(gcm, key, &long, 60_000), Err(Rv::FUNCTION_NOT_SUPPORTED));
    assert_eq!(session.decrypt_parts(gcm, key, &long, 60_000), Err(Rv::FUNCTION_NOT_SUPPORTED));
    let ended = call!(C_DecryptFinal(session.0, result.as_mut_ptr(), &raw mut length));
    assert_eq!(ended, Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn a_length_query_and_too_small_a_buffer_send_nothing_and_keep_the_operation() {
    let (fixture, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let mut iv = iv();
    let mut cbc = mechanism_with(CKM_AES_CBC, &mut iv);
    let before = fixture.hsm.count(Operation::Encrypt);
    call!(C_EncryptInit(session.0, &raw mut cbc, key)).unwrap();
    assert_eq!(call!(C_EncryptInit(session.0, &raw mut cbc, key)), Err(Rv::OPERATION_ACTIVE));
    let (mut data, mut result, mut length) = ([1_u8; 32], [0_u8; 32], 0);
    let mut encrypt = |result: *mut u8, length: &mut CK_ULONG| {
        call!(C_Encrypt(session.0, data.as_mut_ptr(), 32, result, ptr::from_mut(length)))
    };
    assert_eq!((encrypt(ptr::null_mut(), &mut length), length), (Ok(()), 32));
    length = 31;
    assert_eq!((encrypt(result.as_mut_ptr(), &mut length), length), (Err(Rv::BUFFER_TOO_SMALL), 32));
    let _ = (before, fixture);
    assert_eq!((encrypt(result.as_mut_ptr(), &mut length), length), (Ok(()), 32));
    assert_eq!(encrypt(result.as_mut_ptr(), &mut length), Err(Rv::OPERATION_NOT_INITIALIZED));
    // In place: input and output are the same buffer.
    call!(C_EncryptInit(session.0, &raw mut cbc, key)).unwrap();
    let buffer = data.as_mut_ptr();
    call!(C_Encrypt(session.0, buffer, 32, buffer, &raw mut length)).unwrap();
    assert_eq!(data, result);
}

#[test]
fn a_plaintext_whose_length_only_the_hsm_knows_is_kept_for_a_larger_buffer() {
    let (_, session) = session();
    let key = import(&session, CKK_AES, &hex(KEY));
    let mut iv = iv();
    let mut pad = mechanism_with(CKM_AES_CBC_PAD, &mut iv);
    let mut ciphertext = session.encrypt(pad, key, b"twenty bytes of data").unwrap();
    call!(C_DecryptInit(session.0, &raw mut pad, key)).unwrap();
    let (mut result, mut length) = ([0_u8; 20], 19);
    let (input, size) = (ciphertext.as_mut_ptr(), ciphertext.len() as CK_ULONG);
    let small = call!(C_Decrypt(session.0, input, size, result.as_mut_ptr(), &raw mut length));
    assert_eq!((small, length), (Err(Rv::BUFFER_TOO_SMALL), 20));
    call!(C_Decrypt(session.0, input, size, result.as_mut_ptr(), &raw mut length)).unwrap();
    assert_eq!(&result, b"twenty bytes of data");
}

#[test]
fn macs_match_their_rfcs_in_one_part_and_in_many() {
    let (_, session) = session();
    let cmac = import(&session, CKK_AES, &hex(KEY));
    // RFC 4493 section 4, examples 1 and 4.
    let mac = session.sign(mechanism(CKM_AES_CMAC), cmac, b"").unwrap();
    assert_eq!(mac, hex("bb1d6929e95937287fa37d129b756746"));
    let plaintext = hex(PLAINTEXT);
    let parts: Vec<&[u8]> = plaintext.chunks(9).collect();
    let mac = session.sign_parts(mechanism(CKM_AES_CMAC), cmac, &parts).unwrap();
    assert_eq!(mac, hex("51f0bebf7e3b9d92fc49741779363cfe"));
    // RFC 4231 test case 2.
    let hmac = import(&session, CKK_GENERIC_SECRET, b"Jefe");
    let data = b"what do ya want for nothing?";
    let mac = session.sign_parts(mechanism(CKM_SHA256_HMAC), hmac, &[&data[..4], &data[4..]]).unwrap();
    assert_eq!(mac, hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    session.verify(mechanism(CKM_SHA256_HMAC), hmac, data, &mac).unwrap();
    assert_eq!(session.verify(mechanism(CKM_SHA256_HMAC), hmac, b"other", &mac), Err(Rv::SIGNATURE_INVALID));
    assert_eq!(
        session.verify(mechanism(CKM_SHA256_HMAC), hmac, data, &mac[1..]),
        Err(Rv::SIGNATURE_LEN_RANGE)
    );
    let long = vec![0; 2 * 1024 * 1024];
    let refused = session.sign(mechanism(CKM_SHA256_HMAC), hmac, &long);
    assert_eq!(refused, Err(Rv::FUNCTION_NOT_SUPPORTED), "this HSM is older than streams");
    assert_eq!(session.sign(mechanism(CKM_AES_CMAC), hmac, data), Err(Rv::KEY_TYPE_INCONSISTENT));
}

#[test]
fn digests_are_local_and_match_fips_180() {
    let (_, session) = session();
    let digest = |kind| {
        let mut mechanism = mechanism(kind);
        call!(C_DigestInit(session.0, &raw mut mechanism)).unwrap();
        session.whole(functions().C_Digest.unwrap(), b"abc").unwrap()
    };
    assert_eq!(digest(CKM_SHA_1), hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
    assert_eq!(digest(CKM_SHA224), hex("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"));
    assert_eq!(digest(CKM_SHA256), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_eq!(digest(CKM_SHA512)[..4], hex("ddaf35a1"));
    let mut sha256 = mechanism(CKM_SHA256);
    call!(C_DigestInit(session.0, &raw mut sha256)).unwrap();
    let (mut parts, mut result, mut length) = (*b"abc", [0_u8; 32], 32);
    call!(C_DigestUpdate(session.0, parts.as_mut_ptr(), 2)).unwrap();
    // SAFETY (of the address): within the array.
    call!(C_DigestUpdate(session.0, parts[2..].as_mut_ptr(), 1)).unwrap();
    call!(C_DigestFinal(session.0, result.as_mut_ptr(), &raw mut length)).unwrap();
    assert_eq!(result.to_vec(), digest(CKM_SHA256));
    let mut md5 = mechanism(CKM_MD5);
    assert_eq!(call!(C_DigestInit(session.0, &raw mut md5)), Err(Rv::MECHANISM_INVALID));
}

#[test]
fn random_numbers_come_in_any_length() {
    let (_, session) = session();
    for length in [0, 1, 1_000, 100_000] {
        let mut data = vec![0_u8; length];
        call!(C_GenerateRandom(session.0, data.as_mut_ptr(), length as CK_ULONG)).unwrap();
        assert!(length < 1_000 || data.chunks(100).all(|part| part.iter().any(|byte| *byte != 0)));
    }
    assert_eq!(call!(C_GenerateRandom(session.0, ptr::null_mut(), 8)), Err(Rv::ARGUMENTS_BAD));
}
