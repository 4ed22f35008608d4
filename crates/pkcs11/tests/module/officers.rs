//! What a security officer may do, while a crypto-user is logged in: nothing.

use std::ptr;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Session, slots};
use cryptoki_sys::*;
use strongroom_wire::Rv;

fn session() -> Session {
    Fixture::shared();
    Session::open(true).unwrap()
}

#[test]
fn a_security_officer_does_not_log_in_beside_a_crypto_user() {
    let session = session();
    let mut pin = *b"admin:password";
    let log_in = |kind| call!(C_Login(session.0, kind, pin.clone().as_mut_ptr(), pin.len() as CK_ULONG));
    assert_eq!(log_in(CKU_SO), Err(Rv::USER_ANOTHER_ALREADY_LOGGED_IN));
    assert_eq!(log_in(CKU_USER), Err(Rv::USER_ALREADY_LOGGED_IN));
    assert_eq!(log_in(3), Err(Rv::USER_TYPE_INVALID));
    let no_colon = call!(C_Login(session.0, CKU_SO, pin.as_mut_ptr(), 5));
    assert_eq!(no_colon, Err(Rv::PIN_INCORRECT));
    let mut info = CK_SESSION_INFO::default();
    call!(C_GetSessionInfo(session.0, &raw mut info)).unwrap();
    assert_eq!(info.state, CKS_RW_USER_FUNCTIONS);
}

#[test]
fn a_pin_is_set_by_a_security_officer_only() {
    let mut pin = *b"alice:another password";
    let length = pin.len() as CK_ULONG;
    let init = |session: CK_SESSION_HANDLE, pin: *mut CK_BYTE| call!(C_InitPIN(session, pin, length));
    let (writing, reading) = (session(), Session::open(false).unwrap());
    assert_eq!(init(writing.0, pin.as_mut_ptr()), Err(Rv::USER_NOT_LOGGED_IN));
    assert_eq!(init(reading.0, pin.as_mut_ptr()), Err(Rv::SESSION_READ_ONLY));
    assert_eq!(init(writing.0, ptr::null_mut()), Err(Rv::ARGUMENTS_BAD));
    assert_eq!(init(0x7777, pin.as_mut_ptr()), Err(Rv::SESSION_HANDLE_INVALID));
}

#[test]
fn a_token_is_not_initialised_while_sessions_are_open() {
    let _session = session();
    let (mut pin, mut label) = (*b"admin:password", [b' '; 32]);
    let length = pin.len() as CK_ULONG;
    let mut init = |slot: CK_SLOT_ID, pin: *mut CK_BYTE, is_labelled: bool| {
        let label = if is_labelled { label.as_mut_ptr() } else { ptr::null_mut() };
        call!(C_InitToken(slot, pin, length, label))
    };
    assert_eq!(init(slots()[0], pin.as_mut_ptr(), true), Err(Rv::SESSION_EXISTS));
    assert_eq!(init(slots()[0], pin.as_mut_ptr(), false), Err(Rv::ARGUMENTS_BAD));
    assert_eq!(init(slots()[0], ptr::null_mut(), true), Err(Rv::ARGUMENTS_BAD));
    assert_eq!(init(7, pin.as_mut_ptr(), true), Err(Rv::SLOT_ID_INVALID));
}
