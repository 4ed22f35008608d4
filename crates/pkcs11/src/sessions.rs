//! Session management functions (PKCS #11 2.40 section 5.6). Sessions are local: opening one sends nothing.

use cryptoki_sys::{
    CK_BYTE, CK_FLAGS, CK_NOTIFY, CK_RV, CK_SESSION_HANDLE, CK_SESSION_INFO, CK_SLOT_ID, CK_ULONG,
    CK_USER_TYPE, CK_VOID_PTR, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKS_RO_PUBLIC_SESSION,
    CKS_RO_USER_FUNCTIONS, CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS, CKU_USER,
};
use strongroom_wire::{Role, Rv, Secret};

use crate::edge::{Failure, bytes, enter, failure, put};

/// C_OpenSession. Notification callbacks are accepted and never called.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: CK_VOID_PTR,
    _notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    enter("C_OpenSession", |library| {
        if session.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Rv::SESSION_PARALLEL_NOT_SUPPORTED.into());
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
        if user_type != CKU_USER {
            return failure(Rv::USER_TYPE_INVALID, "only CKU_USER can log in");
        }
        // SAFETY: the standard: that many bytes.
        let pin = unsafe { bytes(pin, pin_length) }?;
        let colon = pin.iter().position(|byte| *byte == b':');
        let parts = colon.map(|colon| (std::str::from_utf8(&pin[..colon]), &pin[colon + 1..]));
        let Some((Ok(username), password)) = parts else {
            return failure(Rv::PIN_INCORRECT, "the PIN has the form user:password");
        };
        let _changing = library.login_lock();
        session.slot.client.login(username, Role::CryptoUser, Secret::new(password.to_vec()))?;
        Ok(())
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
