//! Signatures that hold their data.

use std::ptr;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Session, V, mechanism};
use cryptoki_sys::*;
use strongroom_wire::Rv;

const DATA: &[u8] = b"what a signature holds";
const LENGTH: usize = 256;

fn pair(session: &Session, recovers: bool) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let public = [
        (CKA_MODULUS_BITS, V::U(2048)),
        (CKA_PUBLIC_EXPONENT, V::S(b"\x01\x00\x01")),
        (CKA_VERIFY, V::B(true)),
        (CKA_VERIFY_RECOVER, V::B(recovers)),
    ];
    let private = [(CKA_SIGN, V::B(true)), (CKA_SIGN_RECOVER, V::B(recovers))];
    session.generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private).unwrap()
}

/// What a function gives with room for so many bytes, and the length that it tells.
type Answer = (Result<Vec<u8>, Rv>, usize);

fn through(room: Option<usize>, function: impl Fn(*mut CK_BYTE, *mut CK_ULONG) -> Result<(), Rv>) -> Answer {
    let mut buffer = vec![0; room.unwrap_or_default()];
    let mut length = buffer.len() as CK_ULONG;
    let place = if room.is_some() { buffer.as_mut_ptr() } else { ptr::null_mut() };
    let outcome = function(place, &raw mut length);
    let told = usize::try_from(length).unwrap();
    buffer.truncate(told);
    (outcome.map(|()| buffer), told)
}

fn sign(session: &Session, data: &[u8], room: Option<usize>) -> Answer {
    let data = (data.as_ptr().cast_mut(), data.len() as CK_ULONG);
    through(room, |place, length| call!(C_SignRecover(session.0, data.0, data.1, place, length)))
}

fn recover(session: &Session, signature: &[u8], room: Option<usize>) -> Answer {
    let given = (signature.as_ptr().cast_mut(), signature.len() as CK_ULONG);
    through(room, |place, length| call!(C_VerifyRecover(session.0, given.0, given.1, place, length)))
}

fn begin_sign(session: &Session, kind: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) -> Result<(), Rv> {
    let mut mechanism = mechanism(kind);
    call!(C_SignRecoverInit(session.0, &raw mut mechanism, key))
}

fn begin_recover(session: &Session, kind: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) -> Result<(), Rv> {
    let mut mechanism = mechanism(kind);
    call!(C_VerifyRecoverInit(session.0, &raw mut mechanism, key))
}

#[test]
fn the_data_comes_back_and_buffers_are_asked_for_as_the_standard_says() {
    Fixture::shared();
    let session = Session::open(true).unwrap();
    let (public, private) = pair(&session, true);
    begin_sign(&session, CKM_RSA_PKCS, private).unwrap();
    assert_eq!(begin_sign(&session, CKM_RSA_PKCS, private), Err(Rv::OPERATION_ACTIVE));
    assert_eq!(sign(&session, DATA, None).1, LENGTH);
    assert_eq!(sign(&session, DATA, Some(LENGTH - 1)), (Err(Rv::BUFFER_TOO_SMALL), LENGTH));
    let signature = sign(&session, DATA, Some(LENGTH)).0.unwrap();
    assert_eq!(sign(&session, DATA, Some(LENGTH)).0, Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(signature, session.sign(mechanism(CKM_RSA_PKCS), private, DATA).unwrap());
    begin_recover(&session, CKM_RSA_PKCS, public).unwrap();
    assert_eq!(begin_recover(&session, CKM_RSA_PKCS, public), Err(Rv::OPERATION_ACTIVE));
    assert_eq!(recover(&session, &signature, None).1, DATA.len());
    assert_eq!(recover(&session, &signature, Some(1)), (Err(Rv::BUFFER_TOO_SMALL), DATA.len()));
    assert_eq!(recover(&session, &signature, Some(LENGTH)), (Ok(DATA.to_vec()), DATA.len()));
    assert_eq!(recover(&session, &signature, Some(LENGTH)).0, Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn what_is_wrong_ends_the_operation() {
    Fixture::shared();
    let session = Session::open(true).unwrap();
    let (public, private) = pair(&session, true);
    for (data, rv) in [(&[7; LENGTH - 10][..], Rv::DATA_LEN_RANGE), (&[7; LENGTH + 1], Rv::DATA_LEN_RANGE)] {
        begin_sign(&session, CKM_RSA_PKCS, private).unwrap();
        assert_eq!(sign(&session, data, Some(LENGTH)).0, Err(rv));
        assert_eq!(sign(&session, DATA, Some(LENGTH)).0, Err(Rv::OPERATION_NOT_INITIALIZED));
    }
    for (signature, rv) in [
        (&[7; LENGTH][..], Rv::SIGNATURE_INVALID),
        (&[7; LENGTH - 1], Rv::SIGNATURE_LEN_RANGE),
        (&[7; LENGTH + 1], Rv::SIGNATURE_LEN_RANGE),
        (&[], Rv::SIGNATURE_LEN_RANGE),
    ] {
        begin_recover(&session, CKM_RSA_PKCS, public).unwrap();
        assert_eq!(recover(&session, signature, Some(LENGTH)).0, Err(rv));
        assert_eq!(recover(&session, signature, Some(LENGTH)).0, Err(Rv::OPERATION_NOT_INITIALIZED));
    }
    let huge = CK_ULONG::MAX;
    let (mut place, mut length) = ([0_u8; LENGTH], LENGTH as CK_ULONG);
    begin_sign(&session, CKM_RSA_PKCS, private).unwrap();
    let rv = call!(C_SignRecover(session.0, place.as_mut_ptr(), huge, place.as_mut_ptr(), &raw mut length));
    assert_eq!(rv, Err(Rv::DATA_LEN_RANGE));
    begin_recover(&session, CKM_RSA_PKCS, public).unwrap();
    let rv = call!(C_VerifyRecover(
        session.0,
        ptr::null_mut(),
        LENGTH as CK_ULONG,
        ptr::null_mut(),
        &raw mut length
    ));
    assert_eq!(rv, Err(Rv::ARGUMENTS_BAD));
    begin_recover(&session, CKM_RSA_PKCS, public).unwrap();
    let rv = call!(C_VerifyRecover(
        session.0,
        place.as_mut_ptr(),
        LENGTH as CK_ULONG,
        ptr::null_mut(),
        ptr::null_mut()
    ));
    assert_eq!(rv, Err(Rv::ARGUMENTS_BAD));
}

#[test]
fn keys_mechanisms_and_parameters_are_checked_when_it_begins() {
    Fixture::shared();
    let session = Session::open(true).unwrap();
    let (public, private) = pair(&session, true);
    let (verifying, signing) = pair(&session, false);
    let not_permitted = Err(Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(begin_sign(&session, CKM_RSA_PKCS, signing), not_permitted);
    assert_eq!(begin_recover(&session, CKM_RSA_PKCS, verifying), not_permitted);
    assert_eq!([begin_sign(&session, CKM_RSA_PKCS, public)], [not_permitted]);
    assert_eq!(begin_recover(&session, CKM_RSA_PKCS, private), not_permitted);
    assert_eq!(begin_sign(&session, CKM_RSA_PKCS, 0x7777), Err(Rv::KEY_HANDLE_INVALID));
    for kind in [CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_RSA_9796, CKM_ECDSA] {
        assert_eq!(begin_sign(&session, kind, private), Err(Rv::MECHANISM_INVALID));
        assert_eq!(begin_recover(&session, kind, public), Err(Rv::MECHANISM_INVALID));
    }
    let mut parameter = [0_u8; 4];
    let mut with = mechanism(CKM_RSA_PKCS);
    (with.pParameter, with.ulParameterLen) = (parameter.as_mut_ptr().cast(), 4);
    assert_eq!(call!(C_SignRecoverInit(session.0, &raw mut with, private)), Err(Rv::MECHANISM_PARAM_INVALID));
    assert_eq!(call!(C_SignRecoverInit(session.0, ptr::null_mut(), private)), Err(Rv::ARGUMENTS_BAD));
    assert_eq!(call!(C_VerifyRecoverInit(0x7777, &raw mut with, public)), Err(Rv::SESSION_HANDLE_INVALID));
    begin_sign(&session, CKM_RSA_X_509, private).unwrap();
    call!(C_SignRecoverInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(sign(&session, DATA, Some(LENGTH)).0, Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn the_mechanisms_say_that_they_recover() {
    Fixture::shared();
    let _session = Session::open(true).unwrap();
    let both = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
    let flags = |kind| {
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(crate::support::module::slots()[0], kind, &raw mut info)).unwrap();
        info.flags & both
    };
    assert_eq!([CKM_RSA_PKCS, CKM_RSA_X_509, CKM_SHA256_RSA_PKCS, CKM_ECDSA].map(flags), [both, both, 0, 0]);
}
