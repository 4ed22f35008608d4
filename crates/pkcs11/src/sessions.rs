//! Session management functions (PKCS #11 3.2 section 5.6). Sessions are local: opening one sends nothing.

use std::sync::Arc;

use cryptoki_sys::{
    CK_BYTE, CK_FLAGS, CK_NOTIFY, CK_RV, CK_SESSION_HANDLE, CK_SESSION_INFO,
    CK_SESSION_VALIDATION_FLAGS_TYPE, CK_SLOT_ID, CK_ULONG, CK_USER_TYPE, CK_UTF8CHAR, CK_VOID_PTR,
    CKF_ASYNC_SESSION, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS,
    CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS, CKU_CONTEXT_SPECIFIC, CKU_USER,
};
use strongroom_client::{Client, Profile};
use strongroom_wiping::scrubbed;
use strongroom_wire::messages::{ChangePasswordRequest, Empty};
use strongroom_wire::{Operation, Role, Rv, Secret};

use crate::edge::{Failure, Result, bounded, enter, failure, put};
use crate::library::Library;
use crate::profile::check_open;
use crate::session::Session;

const PIN_FORM: &str = "the PIN has the form user:password";

/// C_OpenSession. Notification callbacks are accepted (not in profile `aws`) and never called.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: CK_VOID_PTR,
    notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    enter("C_OpenSession", |library| {
        if session.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Rv::SESSION_PARALLEL_NOT_SUPPORTED.into());
        }
        if flags & CKF_ASYNC_SESSION != 0 {
            return Err(Rv::SESSION_ASYNC_NOT_SUPPORTED.into());
        }
        let slot = library.slot(slot)?;
        if slot.profile == Profile::Aws {
            let has_callback = !application.is_null() || notify.is_some();
            check_open(flags, has_callback)?;
        }
        let handle = library.open_session(slot, flags & CKF_RW_SESSION != 0)?;
        // SAFETY: the standard: a place for a handle.
        unsafe { put(session, handle) }
    })
}

/// C_CloseSession.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_CloseSession", |library| library.close_session(session))
}

/// C_CloseAllSessions.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    enter("C_CloseAllSessions", |library| library.close_all_sessions(slot))
}

/// C_GetSessionInfo.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    enter("C_GetSessionInfo", |library| {
        let session = library.session(session)?;
        let is_logged_in = session.slot.client.logged_in().is_some();
        let (state, flags) = match (session.is_read_write, is_logged_in) {
            (false, false) => (CKS_RO_PUBLIC_SESSION, CKF_SERIAL_SESSION),
            (false, true) => (CKS_RO_USER_FUNCTIONS, CKF_SERIAL_SESSION),
            (true, false) => (CKS_RW_PUBLIC_SESSION, CKF_SERIAL_SESSION | CKF_RW_SESSION),
            (true, true) => (CKS_RW_USER_FUNCTIONS, CKF_SERIAL_SESSION | CKF_RW_SESSION),
        };
        let value = CK_SESSION_INFO { slotID: session.slot.id, state, flags, ulDeviceError: 0 };
        // SAFETY: the standard: a place for a CK_SESSION_INFO.
        unsafe { put(info, value) }
    })
}

/// C_Login: the PIN is `user:password` of a crypto-user; there is no security officer. All sessions of the process
/// share the login.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    user_type: CK_USER_TYPE,
    pin: *mut CK_BYTE,
    pin_length: CK_ULONG,
) -> CK_RV {
    enter("C_Login", |library| {
        let session = library.session(session)?;
        check_user_type(user_type)?;
        // SAFETY: the standard: that many bytes.
        let pin = unsafe { bounded(pin, pin_length) }?;
        log_in_with_pin(library, &session, pin)
    })
}

/// C_LoginUser: the user's name for itself, and the password alone as PIN; without a name it is C_Login.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_LoginUser(
    session: CK_SESSION_HANDLE,
    user_type: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    pin_length: CK_ULONG,
    username: *mut CK_UTF8CHAR,
    username_length: CK_ULONG,
) -> CK_RV {
    enter("C_LoginUser", |library| {
        let session = library.standard_session(session)?;
        check_user_type(user_type)?;
        // SAFETY: the standard: that many bytes, twice.
        let (pin, username) = unsafe { (bounded(pin, pin_length)?, bounded(username, username_length)?) };
        if username.is_empty() {
            return log_in_with_pin(library, &session, pin);
        }
        let Ok(username) = std::str::from_utf8(username) else {
            return failure(Rv::ARGUMENTS_BAD, "the user's name is not UTF-8");
        };
        log_in(library, &session, username, pin)
    })
}

fn check_user_type(user_type: CK_USER_TYPE) -> Result {
    match user_type {
        CKU_USER => Ok(()),
        // No key has CKA_ALWAYS_AUTHENTICATE, so that no operation waits for such a login.
        CKU_CONTEXT_SPECIFIC => failure(Rv::OPERATION_NOT_INITIALIZED, "no operation asks for a login"),
        _ => failure(Rv::USER_TYPE_INVALID, "only CKU_USER can log in"),
    }
}

/// The user's name and the password of a PIN.
fn parts_of(pin: &[u8]) -> Option<(&str, &[u8])> {
    let colon = pin.iter().position(|byte| *byte == b':')?;
    Some((std::str::from_utf8(&pin[..colon]).ok()?, &pin[colon + 1..]))
}

fn log_in_with_pin(library: &Library, session: &Session, pin: &[u8]) -> Result {
    let Some((username, password)) = parts_of(pin) else {
        return failure(Rv::PIN_INCORRECT, PIN_FORM);
    };
    log_in(library, session, username, password)
}

fn log_in(library: &Library, session: &Session, username: &str, password: &[u8]) -> Result {
    let _changing = library.login_lock();
    let client = &session.slot.client;
    scrubbed(|| client.login(username, Role::CryptoUser, Secret::new(password.to_vec())))?;
    Ok(())
}

/// C_SetPIN: both PINs are `user:password` of one crypto-user, who is logged in or nobody is. The old one is checked by a login
/// of its own, and counts as one when it is wrong.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetPIN(
    session: CK_SESSION_HANDLE,
    old_pin: *mut CK_UTF8CHAR,
    old_length: CK_ULONG,
    new_pin: *mut CK_UTF8CHAR,
    new_length: CK_ULONG,
) -> CK_RV {
    enter("C_SetPIN", |library| {
        let session = library.standard_session(session)?;
        // SAFETY: the standard: that many bytes, twice.
        let (old_pin, new_pin) = unsafe { (bounded(old_pin, old_length)?, bounded(new_pin, new_length)?) };
        if !session.is_read_write {
            return failure(Rv::SESSION_READ_ONLY, "open the session with CKF_RW_SESSION to change a PIN");
        }
        let Some((username, old_password)) = parts_of(old_pin) else {
            return failure(Rv::PIN_INCORRECT, PIN_FORM);
        };
        let new_password = match parts_of(new_pin) {
            Some((name, password)) if name.eq_ignore_ascii_case(username) => password,
            Some(_) => return failure(Rv::PIN_INVALID, "the new PIN names another user than the old one"),
            None => return failure(Rv::PIN_INVALID, PIN_FORM),
        };
        set_password(library, &session, username, old_password, new_password)
    })
}

fn set_password(
    library: &Library,
    session: &Session,
    username: &str,
    old_password: &[u8],
    new_password: &[u8],
) -> Result {
    let _changing = library.login_lock();
    let own = &session.slot.client;
    let logged_in = own.logged_in();
    if logged_in.as_ref().is_some_and(|login| !login.username.eq_ignore_ascii_case(username)) {
        return failure(Rv::PIN_INCORRECT, "another user is logged in");
    }
    let checking = Client::new(session.slot.cluster.clone(), Arc::clone(&library.log))?;
    let outcome = scrubbed(|| {
        checking.login(username, Role::CryptoUser, Secret::new(old_password.to_vec()))?;
        let request = ChangePasswordRequest {
            username: username.to_owned(),
            role: u64::from(Role::CryptoUser.code()),
            password: Secret::new(new_password.to_vec()),
            deregister_mfa: false,
            deregister_quorum: false,
            approval: None,
            request_id: None,
        };
        // The login that changes a password goes on; all others of the user end.
        let changing = if logged_in.is_some() { own } else { &checking };
        changing.call(Operation::ChangePassword, &request)
    });
    // There is no login to end when the old PIN was wrong, or when the other login changed it.
    let _ended = checking.logout();
    checking.close();
    let _: Empty = outcome?;
    Ok(())
}

/// C_GetSessionValidationFlags: no flags of any type, since no operation is done by a validated module.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSessionValidationFlags(
    session: CK_SESSION_HANDLE,
    _kind: CK_SESSION_VALIDATION_FLAGS_TYPE,
    flags: *mut CK_FLAGS,
) -> CK_RV {
    enter("C_GetSessionValidationFlags", |library| {
        library.standard_session(session)?;
        // SAFETY: the standard: a place for flags.
        unsafe { put(flags, 0) }
    })
}

/// C_Logout: handles of private objects become invalid.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Logout(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_Logout", |library| {
        let session = library.session(session)?;
        let _changing = library.login_lock();
        let outcome = session.slot.client.logout().map_err(Failure::from);
        session.slot.objects.forget_private();
        outcome
    })
}
