//! Message-based signatures and MACs, checked with C_Verify; and wrapping with authenticated data.

use std::ptr;

use cryptoki_sys::*;
use strongroom_wire::Rv;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Attributes, Result, Session, V, mechanism, mechanism_with};

const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const DATA: &[u8] = b"one of many messages";

fn session() -> Session {
    Fixture::shared();
    Session::open(true).unwrap()
}

fn pair(session: &Session) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = [(CKA_EC_PARAMS, V::S(P256)), (CKA_VERIFY, V::B(true))];
    session.generate_pair(CKM_EC_KEY_PAIR_GEN, &public, &[(CKA_SIGN, V::B(true))]).unwrap()
}

fn bytes(data: &[u8]) -> *mut u8 {
    data.as_ptr().cast_mut()
}

fn length(data: &[u8]) -> CK_ULONG {
    data.len() as CK_ULONG
}

fn init(session: &Session, kind: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE, verifies: bool) -> Result<()> {
    let mut how = mechanism(kind);
    if verifies {
        call!(newest C_MessageVerifyInit(session.0, &raw mut how, key))
    } else {
        call!(newest C_MessageSignInit(session.0, &raw mut how, key))
    }
}

fn sign(session: &Session, data: &[u8]) -> Result<Vec<u8>> {
    let mut size = 0;
    let none = ptr::null_mut();
    call!(newest C_SignMessage(session.0, none, 0, bytes(data), length(data), ptr::null_mut(), &raw mut size))?;
    let mut signature = vec![0; usize::try_from(size).unwrap()];
    let place = signature.as_mut_ptr();
    call!(newest C_SignMessage(session.0, none, 0, bytes(data), length(data), place, &raw mut size))?;
    Ok(signature)
}

fn sign_parts(session: &Session, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let none = ptr::null_mut();
    call!(newest C_SignMessageBegin(session.0, none, 0))?;
    for part in parts {
        let nothing = ptr::null_mut();
        call!(newest C_SignMessageNext(session.0, none, 0, bytes(part), length(part), nothing, ptr::null_mut()))?;
    }
    let (mut signature, mut size) = (vec![0_u8; 3], 3);
    let last = |signature: &mut Vec<u8>, size: &mut CK_ULONG| {
        let place = signature.as_mut_ptr();
        call!(newest C_SignMessageNext(session.0, none, 0, ptr::null_mut(), 0, place, ptr::from_mut(size)))
    };
    assert_eq!(last(&mut signature, &mut size), Err(Rv::BUFFER_TOO_SMALL));
    signature.resize(usize::try_from(size).unwrap(), 0);
    last(&mut signature, &mut size)?;
    Ok(signature)
}

fn verify(session: &Session, data: &[u8], signature: &[u8]) -> Result<()> {
    let (none, place) = (ptr::null_mut(), bytes(signature));
    call!(newest C_VerifyMessage(session.0, none, 0, bytes(data), length(data), place, length(signature)))
}

fn verify_parts(session: &Session, parts: &[&[u8]], signature: &[u8]) -> Result<()> {
    let none = ptr::null_mut();
    call!(newest C_VerifyMessageBegin(session.0, none, 0))?;
    for part in parts {
        call!(newest C_VerifyMessageNext(session.0, none, 0, bytes(part), length(part), ptr::null_mut(), 0))?;
    }
    let (none, place) = (ptr::null_mut(), bytes(signature));
    call!(newest C_VerifyMessageNext(session.0, none, 0, ptr::null_mut(), 0, place, length(signature)))
}

#[test]
fn one_init_signs_and_verifies_many_messages_whole_and_in_parts() {
    let session = session();
    let (public, private) = pair(&session);
    init(&session, CKM_ECDSA_SHA256, private, false).unwrap();
    init(&session, CKM_ECDSA_SHA256, public, true).unwrap();
    for signature in [sign(&session, DATA), sign_parts(&session, &[&DATA[..3], &[], &DATA[3..]])] {
        let signature = signature.unwrap();
        session.verify(mechanism(CKM_ECDSA_SHA256), public, DATA, &signature).unwrap();
        verify(&session, DATA, &signature).unwrap();
        verify_parts(&session, &[&DATA[..7], &DATA[7..]], &signature).unwrap();
        assert_eq!(verify(&session, b"another", &signature), Err(Rv::SIGNATURE_INVALID));
        assert_eq!(verify_parts(&session, &[b"another"], &signature), Err(Rv::SIGNATURE_INVALID));
        assert_eq!(verify(&session, DATA, &signature[1..]), Err(Rv::SIGNATURE_LEN_RANGE));
    }
    // A refused message ends itself only.
    let signature = sign(&session, b"the next").unwrap();
    verify(&session, b"the next", &signature).unwrap();
    call!(newest C_MessageSignFinal(session.0)).unwrap();
    call!(newest C_MessageVerifyFinal(session.0)).unwrap();
    assert_eq!(sign(&session, DATA), Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(verify(&session, DATA, &signature), Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(call!(newest C_MessageSignFinal(session.0)), Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(call!(newest C_MessageVerifyFinal(session.0)), Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn macs_are_messages_too() {
    let session = session();
    let usage = [(CKA_VALUE_LEN, V::U(32)), (CKA_SIGN, V::B(true)), (CKA_VERIFY, V::B(true))];
    for (made_by, kind) in [(CKM_AES_KEY_GEN, CKM_AES_CMAC), (CKM_GENERIC_SECRET_KEY_GEN, CKM_SHA256_HMAC)] {
        let key = session.generate(made_by, &usage).unwrap();
        init(&session, kind, key, false).unwrap();
        let whole = session.sign(mechanism(kind), key, DATA).unwrap();
        assert_eq!(sign(&session, DATA).unwrap(), whole);
        assert_eq!(sign_parts(&session, &[&DATA[..1], &DATA[1..]]).unwrap(), whole);
        call!(newest C_MessageSignFinal(session.0)).unwrap();
    }
}

#[test]
fn wrong_calls_have_their_codes() {
    let session = session();
    let (public, private) = pair(&session);
    assert_eq!(init(&session, CKM_AES_CBC, private, false), Err(Rv::MECHANISM_INVALID));
    assert_eq!(init(&session, CKM_SHA256_RSA_PKCS, private, false), Err(Rv::KEY_TYPE_INCONSISTENT));
    assert_eq!(init(&session, CKM_ECDSA_SHA256, public, false), Err(Rv::KEY_FUNCTION_NOT_PERMITTED));
    let none = ptr::null_mut();
    assert_eq!(call!(newest C_SignMessageBegin(session.0, none, 0)), Err(Rv::OPERATION_NOT_INITIALIZED));
    init(&session, CKM_ECDSA_SHA256, private, false).unwrap();
    assert_eq!(init(&session, CKM_ECDSA_SHA256, private, false), Err(Rv::OPERATION_ACTIVE));
    let mut size = 0;
    let (data, parameter) = (bytes(DATA), bytes(DATA).cast());
    assert_eq!(
        call!(newest C_SignMessage(session.0, parameter, 4, data, 4, ptr::null_mut(), &raw mut size)),
        Err(Rv::MECHANISM_PARAM_INVALID)
    );
    let whole =
        call!(newest C_SignMessage(session.0, none, 0, data, (1 << 30) + 1, ptr::null_mut(), &raw mut size));
    assert_eq!(whole, Err(Rv::DATA_LEN_RANGE));
    let next = |size: *mut CK_ULONG| call!(newest C_SignMessageNext(session.0, none, 0, data, 4, ptr::null_mut(), size));
    assert_eq!(next(ptr::null_mut()), Err(Rv::OPERATION_NOT_INITIALIZED));
    call!(newest C_SignMessageBegin(session.0, none, 0)).unwrap();
    assert_eq!(call!(newest C_SignMessageBegin(session.0, none, 0)), Err(Rv::OPERATION_ACTIVE));
    assert_eq!(sign(&session, DATA), Err(Rv::OPERATION_ACTIVE));
    next(ptr::null_mut()).unwrap();
    next(&raw mut size).unwrap();
    assert_eq!(size, 64);
    call!(newest C_SessionCancel(session.0, CKF_MESSAGE_SIGN)).unwrap();
    assert_eq!(next(ptr::null_mut()), Err(Rv::OPERATION_NOT_INITIALIZED));
    init(&session, CKM_ECDSA, private, false).unwrap();
    assert_eq!(sign(&session, &[7; 32]).unwrap().len(), 64);
    call!(newest C_MessageSignInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(sign(&session, DATA), Err(Rv::OPERATION_NOT_INITIALIZED));
}

/// What the parameter of AES-GCM points to.
struct Gcm {
    iv: [u8; 12],
    tag: [u8; 16],
}

impl Gcm {
    fn parameters(&mut self) -> CK_GCM_MESSAGE_PARAMS {
        CK_GCM_MESSAGE_PARAMS {
            pIv: self.iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 0,
            ivGenerator: CKG_GENERATE,
            pTag: self.tag.as_mut_ptr(),
            ulTagBits: 128,
        }
    }
}

fn wrap(
    session: &Session,
    by: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    gcm: &mut Gcm,
    aad: &[u8],
) -> Result<Vec<u8>> {
    let mut parameters = gcm.parameters();
    let mut how = mechanism_with(CKM_AES_GCM, &mut parameters);
    let (how, mut size) = (&raw mut how, 0);
    let (given, given_length) = (bytes(aad), length(aad));
    let none = ptr::null_mut();
    call!(newest C_WrapKeyAuthenticated(session.0, how, by, key, given, given_length, none, &raw mut size))?;
    let mut result = vec![0; usize::try_from(size).unwrap()];
    let place = result.as_mut_ptr();
    call!(newest C_WrapKeyAuthenticated(session.0, how, by, key, given, given_length, place, &raw mut size))?;
    Ok(result)
}

fn unwrap(
    session: &Session,
    by: CK_OBJECT_HANDLE,
    gcm: &mut Gcm,
    aad: &[u8],
    data: &[u8],
) -> Result<CK_OBJECT_HANDLE> {
    let mut template = Attributes::new(&[
        (CKA_CLASS, V::U(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, V::U(CKK_AES)),
        (CKA_ENCRYPT, V::B(true)),
    ]);
    let (mut raw, mut key, mut parameters) = (template.raw(), 0, gcm.parameters());
    let mut how = mechanism_with(CKM_AES_GCM, &mut parameters);
    call!(newest C_UnwrapKeyAuthenticated(
        session.0, &raw mut how, by, bytes(data), length(data), raw.as_mut_ptr(), length_of(&raw),
        bytes(aad), length(aad), &raw mut key
    ))?;
    Ok(key)
}

fn length_of(template: &[CK_ATTRIBUTE]) -> CK_ULONG {
    template.len() as CK_ULONG
}

#[test]
fn a_key_is_wrapped_with_data_that_is_authenticated_beside_it() {
    let session = session();
    let uses = [(CKA_VALUE_LEN, V::U(32)), (CKA_WRAP, V::B(true)), (CKA_UNWRAP, V::B(true))];
    let by = session.generate(CKM_AES_KEY_GEN, &uses).unwrap();
    let key =
        session.generate(CKM_AES_KEY_GEN, &[(CKA_VALUE_LEN, V::U(32)), (CKA_ENCRYPT, V::B(true))]).unwrap();
    let mut gcm = Gcm { iv: [0; 12], tag: [0; 16] };
    let wrapped = wrap(&session, by, key, &mut gcm, b"aad").unwrap();
    assert_eq!(wrapped.len(), 32);
    assert_ne!((gcm.iv, gcm.tag), ([0; 12], [0; 16]));
    let again = unwrap(&session, by, &mut gcm, b"aad", &wrapped).unwrap();
    let block = |key| session.encrypt(mechanism(CKM_AES_ECB), key, &[0; 16]).unwrap();
    assert_eq!(block(again), block(key));
    // C_UnwrapKey opens it too, with everything in its parameter.
    let (mut iv, mut aad) = (gcm.iv, *b"aad");
    let mut whole = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 3,
        ulTagBits: 128,
    };
    let mut template = Attributes::new(&[(CKA_CLASS, V::U(CKO_SECRET_KEY)), (CKA_KEY_TYPE, V::U(CKK_AES))]);
    let (mut raw, mut found) = (template.raw(), 0);
    let mut how = mechanism_with(CKM_AES_GCM, &mut whole);
    let joined = [&wrapped[..], &gcm.tag].concat();
    call!(C_UnwrapKey(
        session.0,
        &raw mut how,
        by,
        bytes(&joined),
        length(&joined),
        raw.as_mut_ptr(),
        2,
        &raw mut found
    ))
    .unwrap();
    // Other data, an altered key or tag, and a wrong mechanism.
    assert_eq!(unwrap(&session, by, &mut gcm, b"other", &wrapped), Err(Rv::WRAPPED_KEY_INVALID));
    let mut altered = wrapped.clone();
    altered[0] ^= 1;
    assert_eq!(unwrap(&session, by, &mut gcm, b"aad", &altered), Err(Rv::WRAPPED_KEY_INVALID));
    gcm.tag[0] ^= 1;
    assert_eq!(unwrap(&session, by, &mut gcm, b"aad", &wrapped), Err(Rv::WRAPPED_KEY_INVALID));
    let (mut ecb, mut size) = (mechanism(CKM_AES_KEY_WRAP), 0);
    let none = ptr::null_mut();
    let refused =
        call!(newest C_WrapKeyAuthenticated(session.0, &raw mut ecb, by, key, none, 0, none, &raw mut size));
    assert_eq!(refused, Err(Rv::MECHANISM_INVALID));
    assert_eq!(wrap(&session, key, by, &mut gcm, b""), Err(Rv::KEY_FUNCTION_NOT_PERMITTED));
}

#[test]
fn a_length_query_for_other_data_is_no_answer() {
    let session = session();
    let uses = [(CKA_VALUE_LEN, V::U(32)), (CKA_WRAP, V::B(true)), (CKA_UNWRAP, V::B(true))];
    let by = session.generate(CKM_AES_KEY_GEN, &uses).unwrap();
    let mut gcm = Gcm { iv: [0; 12], tag: [0; 16] };
    let mut parameters = gcm.parameters();
    let mut how = mechanism_with(CKM_AES_GCM, &mut parameters);
    let (how, mut size, none) = (&raw mut how, 0, ptr::null_mut());
    call!(newest C_WrapKeyAuthenticated(session.0, how, by, by, bytes(b"one"), 3, none, &raw mut size))
        .unwrap();
    let mut result = vec![0; usize::try_from(size).unwrap()];
    let place = result.as_mut_ptr();
    call!(newest C_WrapKeyAuthenticated(session.0, how, by, by, bytes(b"two"), 3, place, &raw mut size))
        .unwrap();
    assert_eq!(unwrap(&session, by, &mut gcm, b"one", &result), Err(Rv::WRAPPED_KEY_INVALID));
    unwrap(&session, by, &mut gcm, b"two", &result).unwrap();
}
