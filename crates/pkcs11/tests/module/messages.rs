//! Message-based encryption: AES-GCM with the HSM's IV or the caller's, AES-CCM with the caller's nonce, whole and in parts.

use std::ptr;

use cryptoki_sys::*;
use strongroom_wire::Rv;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Result, Session, V, mechanism, mechanism_with};

fn session() -> (Session, CK_OBJECT_HANDLE) {
    Fixture::shared();
    let session = Session::open(true).unwrap();
    let usage = [(CKA_VALUE_LEN, V::U(32)), (CKA_ENCRYPT, V::B(true)), (CKA_DECRYPT, V::B(true))];
    let key = session.generate(CKM_AES_KEY_GEN, &usage).unwrap();
    (session, key)
}

/// A GCM message: what its parameter points to.
#[derive(Clone)]
struct Gcm {
    iv: [u8; 12],
    tag: [u8; 16],
    generator: CK_GENERATOR_FUNCTION,
    fixed_bits: CK_ULONG,
    tag_bits: CK_ULONG,
}

impl Gcm {
    fn new() -> Self {
        Self { iv: [0; 12], tag: [0; 16], generator: CKG_GENERATE_RANDOM, fixed_bits: 0, tag_bits: 128 }
    }

    fn parameters(&mut self) -> CK_GCM_MESSAGE_PARAMS {
        CK_GCM_MESSAGE_PARAMS {
            pIv: self.iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: self.fixed_bits,
            ivGenerator: self.generator,
            pTag: self.tag.as_mut_ptr(),
            ulTagBits: self.tag_bits,
        }
    }
}

fn bytes(data: &[u8]) -> *mut u8 {
    data.as_ptr().cast_mut()
}

fn length(data: &[u8]) -> CK_ULONG {
    data.len() as CK_ULONG
}

const GCM_LENGTH: CK_ULONG = size_of::<CK_GCM_MESSAGE_PARAMS>() as CK_ULONG;

fn init(session: &Session, kind: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) -> Result<()> {
    let (mut message, mut nonce, mut tag) = (Gcm::new(), [0_u8; 12], [0_u8; 8]);
    let (mut gcm, mut ccm) = (message.parameters(), ccm_parameters(&mut nonce, &mut tag));
    let mut how =
        if kind == CKM_AES_CCM { mechanism_with(kind, &mut ccm) } else { mechanism_with(kind, &mut gcm) };
    call!(newest C_MessageEncryptInit(session.0, &raw mut how, key))?;
    call!(newest C_MessageDecryptInit(session.0, &raw mut how, key))
}

fn ccm_parameters(nonce: &mut [u8; 12], tag: &mut [u8; 8]) -> CK_CCM_MESSAGE_PARAMS {
    CK_CCM_MESSAGE_PARAMS {
        ulDataLen: 16,
        pNonce: nonce.as_mut_ptr(),
        ulNonceLen: 12,
        ulNonceFixedBits: 0,
        nonceGenerator: CKG_NO_GENERATE,
        pMAC: tag.as_mut_ptr(),
        ulMACLen: 8,
    }
}

fn encrypt(session: &Session, message: &mut Gcm, aad: &[u8], data: &[u8]) -> Result<Vec<u8>> {
    let mut parameters = message.parameters();
    let (parameter, mut result) = ((&raw mut parameters).cast(), vec![0_u8; data.len()]);
    let mut size = length(data);
    call!(newest C_EncryptMessage(
        session.0, parameter, GCM_LENGTH, bytes(aad), length(aad), bytes(data), length(data),
        result.as_mut_ptr(), &raw mut size
    ))?;
    assert_eq!(size, length(data));
    Ok(result)
}

fn decrypt(session: &Session, message: &Gcm, aad: &[u8], data: &[u8]) -> Result<Vec<u8>> {
    let mut message = message.clone();
    let mut parameters = message.parameters();
    let (parameter, mut result) = ((&raw mut parameters).cast(), vec![0_u8; data.len()]);
    let mut size = length(data);
    let done = call!(newest C_DecryptMessage(
        session.0, parameter, GCM_LENGTH, bytes(aad), length(aad), bytes(data), length(data),
        result.as_mut_ptr(), &raw mut size
    ));
    assert!(done.is_ok() || result.iter().all(|byte| *byte == 0), "nothing comes out of a refused message");
    done.map(|()| result)
}

#[test]
fn gcm_messages_have_ivs_of_the_hsm_and_tags_of_their_own() {
    let (session, key) = session();
    init(&session, CKM_AES_GCM, key).unwrap();
    let (mut first, mut second) = (Gcm::new(), Gcm::new());
    second.generator = CKG_GENERATE;
    second.tag_bits = 96;
    let ciphertext = encrypt(&session, &mut first, b"aad", b"one message").unwrap();
    let other = encrypt(&session, &mut second, b"", b"one message").unwrap();
    assert_ne!(first.iv, second.iv);
    assert_eq!(second.tag[12..], [0; 4]);
    assert_eq!(decrypt(&session, &first, b"aad", &ciphertext).unwrap(), b"one message");
    assert_eq!(decrypt(&session, &second, b"", &other).unwrap(), b"one message");
    // The same key's ordinary GCM agrees.
    let (mut iv, mut aad) = (first.iv, *b"aad");
    let mut whole = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 3,
        ulTagBits: 128,
    };
    let gcm = mechanism_with(CKM_AES_GCM, &mut whole);
    let joined = [&ciphertext[..], &first.tag].concat();
    assert_eq!(session.decrypt(gcm, key, &joined).unwrap(), b"one message");
    let empty = encrypt(&session, &mut first, b"only aad", b"").unwrap();
    assert_eq!(decrypt(&session, &first, b"only aad", &empty).unwrap(), b"");
    call!(newest C_MessageEncryptFinal(session.0)).unwrap();
    call!(newest C_MessageDecryptFinal(session.0)).unwrap();
    assert_eq!(encrypt(&session, &mut first, b"", b"x"), Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(call!(newest C_MessageEncryptFinal(session.0)), Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn an_altered_message_is_refused_and_the_next_one_is_taken() {
    let (session, key) = session();
    init(&session, CKM_AES_GCM, key).unwrap();
    let mut message = Gcm::new();
    let ciphertext = encrypt(&session, &mut message, b"aad", b"data").unwrap();
    let mut altered = ciphertext.clone();
    altered[0] ^= 1;
    assert_eq!(decrypt(&session, &message, b"aad", &altered), Err(Rv::AEAD_DECRYPT_FAILED));
    assert_eq!(decrypt(&session, &message, b"bad", &ciphertext), Err(Rv::AEAD_DECRYPT_FAILED));
    assert_eq!(decrypt(&session, &message, b"aad", &ciphertext[1..]), Err(Rv::AEAD_DECRYPT_FAILED));
    let mut other = message.clone();
    other.tag[15] ^= 1;
    assert_eq!(decrypt(&session, &other, b"aad", &ciphertext), Err(Rv::AEAD_DECRYPT_FAILED));
    other = message.clone();
    other.iv[0] ^= 1;
    assert_eq!(decrypt(&session, &other, b"aad", &ciphertext), Err(Rv::AEAD_DECRYPT_FAILED));
    assert_eq!(decrypt(&session, &message, b"aad", &ciphertext).unwrap(), b"data");
}

#[test]
fn a_message_in_parts_gives_everything_with_its_last_part() {
    let (session, key) = session();
    init(&session, CKM_AES_GCM, key).unwrap();
    let mut message = Gcm::new();
    let mut parameters = message.parameters();
    let parameter: *mut std::ffi::c_void = (&raw mut parameters).cast();
    let mut out = [0_u8; 32];
    let next = |part: &[u8], out: *mut u8, size: &mut CK_ULONG, flags| {
        let size = ptr::from_mut(size);
        call!(newest C_EncryptMessageNext(session.0, parameter, GCM_LENGTH, bytes(part), length(part), out, size, flags))
    };
    let mut size = 32;
    assert_eq!(next(b"part", out.as_mut_ptr(), &mut size, 0), Err(Rv::OPERATION_NOT_INITIALIZED));
    call!(newest C_EncryptMessageBegin(session.0, parameter, GCM_LENGTH, bytes(b"aad"), 3)).unwrap();
    let again = call!(newest C_EncryptMessageBegin(session.0, parameter, GCM_LENGTH, bytes(b"aad"), 3));
    assert_eq!(again, Err(Rv::OPERATION_ACTIVE));
    assert_eq!(encrypt(&session, &mut Gcm::new(), b"", b"x"), Err(Rv::OPERATION_ACTIVE));
    next(b"two ", out.as_mut_ptr(), &mut size, 0).unwrap();
    assert_eq!((size, out), (0, [0; 32]));
    size = 8;
    let small = next(b"parts", out.as_mut_ptr(), &mut size, CKF_END_OF_MESSAGE);
    assert_eq!((small, size), (Err(Rv::BUFFER_TOO_SMALL), 9));
    next(b"parts", out.as_mut_ptr(), &mut size, CKF_END_OF_MESSAGE).unwrap();
    assert_eq!(size, 9);
    let ciphertext = out[..9].to_vec();
    assert_eq!(decrypt(&session, &message, b"aad", &ciphertext).unwrap(), b"two parts");
    // Decrypted in parts: nothing before the tag was checked.
    for altered in [false, true] {
        let mut given = ciphertext.clone();
        given[0] ^= u8::from(altered);
        let mut plain = [0_u8; 9];
        let next = |part: &[u8], out: *mut u8, size: &mut CK_ULONG, flags| {
            let size = ptr::from_mut(size);
            call!(newest C_DecryptMessageNext(
                session.0, parameter, GCM_LENGTH, bytes(part), length(part), out, size, flags
            ))
        };
        call!(newest C_DecryptMessageBegin(session.0, parameter, GCM_LENGTH, bytes(b"aad"), 3)).unwrap();
        size = 9;
        next(&given[..5], plain.as_mut_ptr(), &mut size, 0).unwrap();
        assert_eq!((size, plain), (0, [0; 9]));
        size = 9;
        let done = next(&given[5..], plain.as_mut_ptr(), &mut size, CKF_END_OF_MESSAGE);
        assert_eq!(done, if altered { Err(Rv::AEAD_DECRYPT_FAILED) } else { Ok(()) });
        assert_eq!(&plain, if altered { &[0; 9] } else { b"two parts" });
    }
}

#[test]
fn ccm_messages_use_the_callers_nonce_or_random_bytes() {
    let (session, key) = session();
    init(&session, CKM_AES_CCM, key).unwrap();
    let (mut nonce, mut tag, data) = ([7_u8; 12], [0_u8; 8], b"a message of CCM");
    let mut parameters = ccm_parameters(&mut nonce, &mut tag);
    let size_of_parameters = size_of::<CK_CCM_MESSAGE_PARAMS>() as CK_ULONG;
    let (mut result, mut size) = ([0_u8; 16], 16);
    let mut encrypt = |parameters: &mut CK_CCM_MESSAGE_PARAMS| {
        let parameter = ptr::from_mut(parameters).cast();
        call!(newest C_EncryptMessage(
            session.0, parameter, size_of_parameters, bytes(b"aad"), 3, bytes(data), 16, result.as_mut_ptr(),
            &raw mut size
        ))
    };
    let (mut made, mut made_tag) = ([[0_u8; 12]; 2], [0_u8; 8]);
    for (nonce, generator) in made.iter_mut().zip([CKG_GENERATE, CKG_GENERATE_RANDOM]) {
        let mut random = CK_CCM_MESSAGE_PARAMS {
            nonceGenerator: generator,
            ulNonceFixedBits: 8,
            ..ccm_parameters(nonce, &mut made_tag)
        };
        assert_eq!(encrypt(&mut random), Err(Rv::MECHANISM_PARAM_INVALID));
        random.ulNonceFixedBits = 0;
        encrypt(&mut random).unwrap();
    }
    assert!(made[0] != made[1] && !made.contains(&[0; 12]) && made_tag != [0; 8]);
    encrypt(&mut parameters).unwrap();
    let mut other = CK_CCM_MESSAGE_PARAMS { ulDataLen: 15, ..parameters };
    assert_eq!(encrypt(&mut other), Err(Rv::MECHANISM_PARAM_INVALID));
    other = CK_CCM_MESSAGE_PARAMS { ulNonceLen: 6, ..parameters };
    assert_eq!(encrypt(&mut other), Err(Rv::MECHANISM_PARAM_INVALID));
    // The same key's ordinary CCM agrees.
    let mut aad = *b"aad";
    let mut whole = CK_CCM_PARAMS {
        ulDataLen: 16,
        pNonce: nonce.as_mut_ptr(),
        ulNonceLen: 12,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 3,
        ulMACLen: 8,
    };
    let ccm = mechanism_with(CKM_AES_CCM, &mut whole);
    let joined = [&result[..], &tag].concat();
    assert_eq!(session.decrypt(ccm, key, &joined).unwrap(), data);
    let (mut plain, mut size) = ([0_u8; 16], 16);
    let parameter = (&raw mut parameters).cast();
    call!(newest C_DecryptMessage(
        session.0, parameter, size_of_parameters, bytes(b"aad"), 3, result.as_mut_ptr(), 16, plain.as_mut_ptr(),
        &raw mut size
    ))
    .unwrap();
    assert_eq!(&plain, data);
}

#[test]
fn gcm_messages_take_the_callers_iv() {
    let (session, key) = session();
    init(&session, CKM_AES_GCM, key).unwrap();
    let mut message = Gcm { iv: [7; 12], generator: CKG_NO_GENERATE, ..Gcm::new() };
    let ciphertext = encrypt(&session, &mut message, b"aad", b"one message").unwrap();
    assert_eq!(message.iv, [7; 12]);
    assert_eq!(decrypt(&session, &message, b"aad", &ciphertext).unwrap(), b"one message");
    let mut again = Gcm { iv: [7; 12], generator: CKG_NO_GENERATE, ..Gcm::new() };
    assert_eq!(encrypt(&session, &mut again, b"aad", b"one message").unwrap(), ciphertext);
    assert_eq!(again.tag, message.tag);
    call!(newest C_MessageEncryptFinal(session.0)).unwrap();

    let bound = [
        (CKA_VALUE_LEN, V::U(32)),
        (CKA_ENCRYPT, V::B(true)),
        (CKA_DECRYPT, V::B(true)),
        (CKA_ALLOWED_MECHANISMS, V::S(&CKM_AES_GCM.to_ne_bytes())),
    ];
    let bound = session.generate(CKM_AES_KEY_GEN, &bound).unwrap();
    call!(newest C_MessageDecryptFinal(session.0)).unwrap();
    init(&session, CKM_AES_GCM, bound).unwrap();
    assert_eq!(encrypt(&session, &mut again, b"aad", b"data"), Err(Rv::MECHANISM_PARAM_INVALID));
}

#[test]
fn what_a_message_cannot_have_is_refused() {
    let (session, key) = session();
    assert_eq!(init(&session, CKM_AES_CBC, key), Err(Rv::MECHANISM_INVALID));
    assert_eq!(init(&session, CKM_AES_GCM, 0x7777), Err(Rv::KEY_HANDLE_INVALID));
    for kind in [CKM_AES_GCM, CKM_AES_CCM] {
        let mut without = mechanism(kind);
        let refused = call!(newest C_MessageDecryptInit(session.0, &raw mut without, key));
        assert_eq!(refused, Err(Rv::MECHANISM_PARAM_INVALID));
    }
    let secret = session
        .generate(CKM_GENERIC_SECRET_KEY_GEN, &[(CKA_VALUE_LEN, V::U(32)), (CKA_SIGN, V::B(true))])
        .unwrap();
    assert!(matches!(
        init(&session, CKM_AES_GCM, secret),
        Err(Rv::KEY_TYPE_INCONSISTENT | Rv::KEY_FUNCTION_NOT_PERMITTED)
    ));
    init(&session, CKM_AES_GCM, key).unwrap();
    assert_eq!(init(&session, CKM_AES_GCM, key), Err(Rv::OPERATION_ACTIVE));
    let refused = |change: fn(&mut Gcm)| {
        let mut message = Gcm::new();
        change(&mut message);
        encrypt(&session, &mut message, b"", b"data").unwrap_err()
    };
    assert_eq!(refused(|message| message.generator = CKG_GENERATE_COUNTER), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(refused(|message| message.fixed_bits = 32), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(refused(|message| message.tag_bits = 129), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(refused(|message| message.tag_bits = 136), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(refused(|message| message.tag_bits = 40), Rv::MECHANISM_PARAM_INVALID);
    let mut size = 4;
    let mut out = [0_u8; 4];
    let no_parameter = call!(newest C_EncryptMessage(
        session.0, ptr::null_mut(), 0, ptr::null_mut(), 0, bytes(b"data"), 4, out.as_mut_ptr(), &raw mut size
    ));
    assert_eq!(no_parameter, Err(Rv::MECHANISM_PARAM_INVALID));
    call!(newest C_SessionCancel(session.0, CKF_MESSAGE_ENCRYPT)).unwrap();
    assert_eq!(encrypt(&session, &mut Gcm::new(), b"", b"x"), Err(Rv::OPERATION_NOT_INITIALIZED));
}
