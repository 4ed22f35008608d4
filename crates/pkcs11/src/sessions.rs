//! Session management functions (PKCS #11 3.2 section 5.6). Sessions are local: opening one sends nothing.

use cryptoki_sys::{
    CK_BYTE, CK_FLAGS, CK_NOTIFY, CK_RV, CK_SESSION_HANDLE, CK_SESSION_INFO,
    CK_SESSION_VALIDATION_FLAGS_TYPE, CK_SLOT_ID, CK_ULONG, CK_USER_TYPE, CK_UTF8CHAR, CK_VOID_PTR,
    CKF_ASYNC_SESSION, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS,
    CKS_RW_PUBLIC_SESSION, CKS_RW_SO_FUNCTIONS, CKS_RW_USER_FUNCTIONS, CKU_CONTEXT_SPECIFIC, CKU_SO,
    CKU_USER,
};
use strongroom_client::Profile;
use strongroom_wiping::scrubbed;
use strongroom_wire::{Role, Rv, Secret};

use crate::edge::{Failure, Result, bounded, enter, failure, put};
use crate::library::Library;
use crate::pins::{PIN_FORM, parts_of};
use crate::profile::check_open;
use crate::session::Session;

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
        let (state, flags) = match (session.is_read_write, session.slot.client.role()) {
            (false, None) => (CKS_RO_PUBLIC_SESSION, CKF_SERIAL_SESSION),
            (false, Some(_)) => (CKS_RO_USER_FUNCTIONS, CKF_SERIAL_SESSION),
            (true, None) => (CKS_RW_PUBLIC_SESSION, CKF_SERIAL_SESSION | CKF_RW_SESSION),
            (true, Some(Role::Admin)) => (CKS_RW_SO_FUNCTIONS, CKF_SERIAL_SESSION | CKF_RW_SESSION),
            (true, Some(_)) => (CKS_RW_USER_FUNCTIONS, CKF_SERIAL_SESSION | CKF_RW_SESSION),
        };
        let value = CK_SESSION_INFO { slotID: session.slot.id, state, flags, ulDeviceError: 0 };
        // SAFETY: the standard: a place for a CK_SESSION_INFO.
        unsafe { put(info, value) }
    })
}

/// C_Login: the PIN is `user:password` of a crypto-user, or of an admin, who is the security officer. All sessions of the
/// process share the login.
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
        let role = role_of(session.slot.profile, user_type)?;
        // SAFETY: the standard: that many bytes.
        let pin = unsafe { bounded(pin, pin_length) }?;
        log_in_with_pin(library, &session, role, pin)
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
        let role = role_of(session.slot.profile, user_type)?;
        // SAFETY: the standard: that many bytes, twice.
        let (pin, username) = unsafe { (bounded(pin, pin_length)?, bounded(username, username_length)?) };
        if username.is_empty() {
            return log_in_with_pin(library, &session, role, pin);
        }
        let Ok(username) = std::str::from_utf8(username) else {
            return failure(Rv::ARGUMENTS_BAD, "the user's name is not UTF-8");
        };
        log_in(library, &session, role, username, pin)
    })
}

/// The role in the cluster of a user of this type. AWS's library knows no security officer.
fn role_of(profile: Profile, user_type: CK_USER_TYPE) -> Result<Role> {
    match user_type {
        CKU_USER => Ok(Role::CryptoUser),
        CKU_SO if profile == Profile::Standard => Ok(Role::Admin),
        // No key has CKA_ALWAYS_AUTHENTICATE, so that no operation waits for such a login.
        CKU_CONTEXT_SPECIFIC => failure(Rv::OPERATION_NOT_INITIALIZED, "no operation asks for a login"),
        _ => failure(Rv::USER_TYPE_INVALID, "no such type of user can log in"),
    }
}

fn log_in_with_pin(library: &Library, session: &Session, role: Role, pin: &[u8]) -> Result {
    let Some((username, password)) = parts_of(pin) else {
        return failure(Rv::PIN_INCORRECT, PIN_FORM);
    };
    log_in(library, session, role, username, password)
}

fn log_in(library: &Library, session: &Session, role: Role, username: &str, password: &[u8]) -> Result {
    let _changing = library.login_lock();
    let client = &session.slot.client;
    let _expected = match role {
        Role::Admin => Some(library.expect_officer(&session.slot)?),
        _ => None,
    };
    if client.role().is_some_and(|already| already != role) {
        return failure(
            Rv::USER_ANOTHER_ALREADY_LOGGED_IN,
            "a user of the other type is logged in; log out first",
        );
    }
    scrubbed(|| client.login(username, role, Secret::new(password.to_vec())))?;
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
