//! Signatures, verified by OpenSSL's command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use cryptoki_sys::*;
use strongroom_wire::Rv;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Session, V, mechanism, mechanism_with};

const DATA: &[u8] = b"What the HSM signs, OpenSSL verifies.";

fn session() -> (&'static Fixture, Session) {
    (Fixture::shared(), Session::open(true).unwrap())
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match value.len() {
        length @ 0..=127 => out.push(u8::try_from(length).unwrap()),
        length @ 128..=255 => out.extend([0x81, u8::try_from(length).unwrap()]),
        length => out.extend([&[0x82][..], &u16::try_from(length).unwrap().to_be_bytes()].concat()),
    }
    out.extend_from_slice(value);
    out
}

fn integer(value: &[u8]) -> Vec<u8> {
    let value: Vec<u8> = value.iter().copied().skip_while(|byte| *byte == 0).collect();
    if value.first().is_none_or(|byte| *byte >= 0x80) {
        tlv(2, &[&[0], &value[..]].concat())
    } else {
        tlv(2, &value)
    }
}

/// SubjectPublicKeyInfo of a public key object.
fn public_key(session: &Session, key: CK_OBJECT_HANDLE) -> Vec<u8> {
    const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    const EC: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let kind = session.get(key, CKA_KEY_TYPE).unwrap();
    let (algorithm, key) = if kind == CKK_RSA.to_ne_bytes() {
        let numbers = [
            integer(&session.get(key, CKA_MODULUS).unwrap()),
            integer(&session.get(key, CKA_PUBLIC_EXPONENT).unwrap()),
        ];
        (RSA.to_vec(), tlv(0x30, &numbers.concat()))
    } else {
        let point = session.get(key, CKA_EC_POINT).unwrap();
        let header = if point[1] < 0x80 { 2 } else { 3 };
        ([EC, &session.get(key, CKA_EC_PARAMS).unwrap()].concat(), point[header..].to_vec())
    };
    tlv(0x30, &[tlv(0x30, &algorithm), tlv(3, &[&[0], &key[..]].concat())].concat())
}

fn write(directory: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = directory.join(format!("{name}-{:?}", std::thread::current().id()));
    std::fs::write(&path, content).unwrap();
    path
}

/// `openssl dgst -verify`, with a raw ECDSA signature turned into DER.
fn openssl_accepts(key: &[u8], hash: &str, options: &[&str], data: &[u8], signature: &[u8]) -> bool {
    let directory = &Fixture::shared().directory;
    let files =
        [write(directory, "key", key), write(directory, "sig", signature), write(directory, "data", data)];
    let mut command = Command::new("openssl");
    command.args(["dgst", hash, "-keyform", "DER", "-verify"]).arg(&files[0]);
    for option in options {
        command.args(["-sigopt", option]);
    }
    command.arg("-signature").arg(&files[1]).arg(&files[2]).output().unwrap().status.success()
}

fn der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    tlv(0x30, &[integer(r), integer(s)].concat())
}

fn ec_pair(session: &Session, curve: &[u8]) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = [(CKA_EC_PARAMS, V::S(curve)), (CKA_VERIFY, V::B(true)), (CKA_TOKEN, V::B(true))];
    let private = [(CKA_SIGN, V::B(true)), (CKA_TOKEN, V::B(true))];
    session.generate_pair(CKM_EC_KEY_PAIR_GEN, &public, &private).unwrap()
}

#[test]
fn ecdsa_on_every_curve_in_one_part_and_in_many() {
    let (_, session) = session();
    for curve in [
        &b"\x06\x05\x2b\x81\x04\x00\x21"[..],
        b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        b"\x06\x05\x2b\x81\x04\x00\x0a",
        b"\x06\x05\x2b\x81\x04\x00\x22",
        b"\x06\x05\x2b\x81\x04\x00\x23",
    ] {
        let (public, private) = ec_pair(&session, curve);
        let key = public_key(&session, public);
        for (kind, hash) in [
            (CKM_ECDSA_SHA1, "-sha1"),
            (CKM_ECDSA_SHA224, "-sha224"),
            (CKM_ECDSA_SHA256, "-sha256"),
            (CKM_ECDSA_SHA384, "-sha384"),
            (CKM_ECDSA_SHA512, "-sha512"),
        ] {
            let whole = session.sign(mechanism(kind), private, DATA).unwrap();
            let parts = session.sign_parts(mechanism(kind), private, &[&DATA[..5], &[], &DATA[5..]]).unwrap();
            assert!(openssl_accepts(&key, hash, &[], DATA, &der(&whole)), "{curve:?} {hash}");
            assert!(openssl_accepts(&key, hash, &[], DATA, &der(&parts)), "{curve:?} {hash} in parts");
            session.verify(mechanism(kind), public, DATA, &whole).unwrap();
            assert_eq!(session.verify(mechanism(kind), public, b"other", &whole), Err(Rv::SIGNATURE_INVALID));
        }
    }
}

#[test]
fn rsa_with_both_paddings_in_one_part_and_in_many() {
    let (_, session) = session();
    let public = [
        (CKA_MODULUS_BITS, V::U(2048)),
        (CKA_PUBLIC_EXPONENT, V::S(&[1, 0, 1])),
        (CKA_VERIFY, V::B(true)),
        (CKA_ENCRYPT, V::B(true)),
    ];
    let private = [(CKA_SIGN, V::B(true)), (CKA_DECRYPT, V::B(true))];
    let (public, private) = session.generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).unwrap();
    let key = public_key(&session, public);
    for (kind, pss, hash, mgf, option) in [
        (CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, "-sha1"),
        (CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_SHA224, CKG_MGF1_SHA224, "-sha224"),
        (CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, "-sha256"),
        (CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, "-sha384"),
        (CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512, "-sha512"),
    ] {
        let signature = session.sign_parts(mechanism(kind), private, &[&DATA[..9], &DATA[9..]]).unwrap();
        assert!(openssl_accepts(&key, option, &[], DATA, &signature), "{option}");
        session.verify(mechanism(kind), public, DATA, &signature).unwrap();
        let mut parameters = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: 20 };
        let pss = mechanism_with(pss, &mut parameters);
        let signature = session.sign(pss, private, DATA).unwrap();
        let options = ["rsa_padding_mode:pss", "rsa_pss_saltlen:20"];
        assert!(openssl_accepts(&key, option, &options, DATA, &signature), "PSS {option}");
        session.verify(pss, public, DATA, &signature).unwrap();
    }
    let mut other_hash = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA_1, mgf: CKG_MGF1_SHA1, sLen: 20 };
    let refused = session.sign(mechanism_with(CKM_SHA256_RSA_PKCS_PSS, &mut other_hash), private, DATA);
    assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));

    let mut oaep = CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: ptr::null_mut(),
        ulSourceDataLen: 0,
    };
    for padding in [mechanism(CKM_RSA_PKCS), mechanism_with(CKM_RSA_PKCS_OAEP, &mut oaep)] {
        let ciphertext = session.encrypt(padding, public, b"session key").unwrap();
        assert_eq!(ciphertext.len(), 256);
        assert_eq!(session.decrypt(padding, private, &ciphertext).unwrap(), b"session key");
        assert_eq!(session.encrypt(padding, public, &[0; 250]), Err(Rv::DATA_LEN_RANGE));
        assert_eq!(session.decrypt(padding, private, &[0; 255]), Err(Rv::ENCRYPTED_DATA_LEN_RANGE));
    }
}

#[test]
fn ed25519_signs_in_one_part_and_in_many() {
    let (_, session) = session();
    let public = [(CKA_EC_PARAMS, V::S(b"\x06\x03\x2b\x65\x70")), (CKA_VERIFY, V::B(true))];
    let (public, private) =
        session.generate_pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, &public, &[(CKA_SIGN, V::B(true))]).unwrap();
    let signature = session.sign(mechanism(CKM_EDDSA), private, DATA).unwrap();
    assert_eq!(signature.len(), 64);
    session.verify(mechanism(CKM_EDDSA), public, DATA, &signature).unwrap();
    assert_eq!(
        session.sign_parts(mechanism(CKM_EDDSA), private, &[&DATA[..3], &DATA[3..]]).unwrap(),
        signature
    );
    assert_eq!(session.sign(mechanism(CKM_ECDSA), private, DATA), Err(Rv::KEY_TYPE_INCONSISTENT));
}

#[test]
fn a_signature_follows_the_buffer_protocol_and_wrong_uses_have_their_codes() {
    let (_, session) = session();
    let (public, private) = ec_pair(&session, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
    let mut ecdsa = mechanism(CKM_ECDSA);
    let (mut digest, mut signature, mut length) = ([3_u8; 32], [0_u8; 64], 0);
    let data = digest.as_mut_ptr();
    let no_operation = call!(C_Sign(session.0, data, 32, signature.as_mut_ptr(), &raw mut length));
    assert_eq!(no_operation, Err(Rv::OPERATION_NOT_INITIALIZED));
    call!(C_SignInit(session.0, &raw mut ecdsa, private)).unwrap();
    assert_eq!(call!(C_SignInit(session.0, &raw mut ecdsa, private)), Err(Rv::OPERATION_ACTIVE));
    assert_eq!(call!(C_Sign(session.0, data, 32, ptr::null_mut(), &raw mut length)), Ok(()));
    assert_eq!(length, 64);
    length = 63;
    let small = call!(C_Sign(session.0, data, 32, signature.as_mut_ptr(), &raw mut length));
    assert_eq!((small, length), (Err(Rv::BUFFER_TOO_SMALL), 64));
    call!(C_Sign(session.0, data, 32, signature.as_mut_ptr(), &raw mut length)).unwrap();
    session.verify(ecdsa, public, &digest, &signature).unwrap();
    let init = |mut mechanism: CK_MECHANISM, key| call!(C_SignInit(session.0, &raw mut mechanism, key));
    assert_eq!(init(ecdsa, public), Err(Rv::KEY_FUNCTION_NOT_PERMITTED));
    assert_eq!(init(ecdsa, 0x7777), Err(Rv::KEY_HANDLE_INVALID));
    assert_eq!(init(mechanism(CKM_RSA_PKCS), private), Err(Rv::KEY_TYPE_INCONSISTENT));
    assert_eq!(init(mechanism(CKM_AES_KEY_GEN), private), Err(Rv::MECHANISM_INVALID));
    assert_eq!(init(mechanism(0x8765_4321), private), Err(Rv::MECHANISM_INVALID));
    let mut byte = 0_u8;
    let odd = CK_MECHANISM { mechanism: CKM_ECDSA, pParameter: (&raw mut byte).cast(), ulParameterLen: 1 };
    assert_eq!(init(odd, private), Err(Rv::MECHANISM_PARAM_INVALID));
}
