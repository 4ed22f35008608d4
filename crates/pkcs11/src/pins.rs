//! The functions of PKCS #11 2.40 section 5.5 that set PINs: C_InitToken, C_InitPIN, C_SetPIN.
//!
//! A PIN is `user:password`. The security officer is an admin of the HSM's, and normal users are its crypto-users. No key is
//! ever destroyed here (ADR 0133).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cryptoki_sys::{CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID, CK_ULONG, CK_UTF8CHAR};
use strongroom_client::Client;
use strongroom_wiping::scrubbed;
use strongroom_wire::messages::{
    ActivateRequest, ChangePasswordRequest, Empty, UserListResponse, UserRequest, UserView,
};
use strongroom_wire::{Operation, Role, Rv, Secret};

use crate::edge::{Failure, Result, bounded, enter, failure};
use crate::library::{Library, Slot};
use crate::session::Session;

/// What a PIN that has no colon is answered with.
pub const PIN_FORM: &str = "the PIN has the form user:password";

/// The user's name and the password of a PIN.
pub fn parts_of(pin: &[u8]) -> Option<(&str, &[u8])> {
    let colon = pin.iter().position(|byte| *byte == b':')?;
    Some((std::str::from_utf8(&pin[..colon]).ok()?, &pin[colon + 1..]))
}

impl Slot {
    /// The users of the cluster; nobody need be logged in.
    pub fn users(&self) -> Result<Vec<UserView>> {
        let answer: UserListResponse = self.client.call(Operation::UserList, &Empty {})?;
        Ok(answer.users.0)
    }
}

/// Whether users of this role are among these.
pub fn has_role(users: &[UserView], role: Role) -> bool {
    users.iter().any(|user| user.role == u64::from(role.code()))
}

/// C_InitToken: activates a cluster that is not yet, with the PIN's password for its first admin. Of one that is, it checks
/// the PIN; keys are destroyed by their owners only, so that nothing is wiped. The label is not kept: a slot's is its number.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_InitToken(
    slot: CK_SLOT_ID,
    pin: *mut CK_UTF8CHAR,
    pin_length: CK_ULONG,
    label: *mut CK_UTF8CHAR,
) -> CK_RV {
    enter("C_InitToken", |library| {
        let slot = library.slot(slot)?;
        slot.check_offered()?;
        if label.is_null() {
            return failure(Rv::ARGUMENTS_BAD, "pLabel must have 32 bytes");
        }
        // SAFETY: the standard: that many bytes.
        let pin = unsafe { bounded(pin, pin_length) }?;
        if library.session_counts(slot.id).0 > 0 {
            return failure(Rv::SESSION_EXISTS, "close the slot's sessions first");
        }
        let Some((username, password)) = parts_of(pin) else {
            return failure(Rv::PIN_INCORRECT, PIN_FORM);
        };
        let unactivated = u64::from(Role::UnactivatedAdmin.code());
        match slot.users()?.iter().find(|user| user.role == unactivated) {
            Some(first) if first.username.eq_ignore_ascii_case(username) => {
                activate(slot, username, password)
            }
            Some(first) => {
                let text = format!("the cluster is activated as the user {}", first.username);
                failure(Rv::PIN_INCORRECT, text)
            }
            None => check_empty(library, slot, username, password),
        }
    })
}

fn activate(slot: &Slot, username: &str, password: &[u8]) -> Result {
    let Empty {} = scrubbed(|| {
        let request = ActivateRequest {
            username: username.to_owned(),
            password: Secret::new(password.to_vec()),
            request_id: None,
        };
        slot.client.call(Operation::Activate, &request)
    })?;
    Ok(())
}

/// Refuses for an active cluster that has users with keys, once the PIN has shown to be an admin's.
fn check_empty(library: &Library, slot: &Slot, username: &str, password: &[u8]) -> Result {
    let checking = Client::new(slot.cluster.clone(), Arc::clone(&library.log))?;
    let login = scrubbed(|| checking.login(username, Role::Admin, Secret::new(password.to_vec())));
    // There is no login to end when the PIN was wrong.
    let _ended = checking.logout();
    checking.close();
    login?;
    if has_role(&slot.users()?, Role::CryptoUser) {
        return failure(
            Rv::TOKEN_WRITE_PROTECTED,
            "the cluster has crypto-users, and keys are destroyed by their owners only: let them use key delete, and an \
             admin then user delete, of cloudhsm-cli; a new cluster has neither users nor keys",
        );
    }
    slot.had_users.store(false, Ordering::Relaxed);
    Ok(())
}

/// C_InitPIN: sets the password of the crypto-user that the PIN names, or makes that user. The user's logins end.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_InitPIN(
    session: CK_SESSION_HANDLE,
    pin: *mut CK_UTF8CHAR,
    pin_length: CK_ULONG,
) -> CK_RV {
    enter("C_InitPIN", |library| {
        let session = library.standard_session(session)?;
        // SAFETY: the standard: that many bytes.
        let pin = unsafe { bounded(pin, pin_length) }?;
        check_read_write(&session)?;
        if session.slot.client.role() != Some(Role::Admin) {
            return failure(Rv::USER_NOT_LOGGED_IN, "only a security officer does this: log in with CKU_SO");
        }
        let Some((username, password)) = parts_of(pin) else {
            return failure(Rv::PIN_INVALID, PIN_FORM);
        };
        let is_named = |user: &&UserView| user.username.eq_ignore_ascii_case(username);
        match session.slot.users()?.iter().find(is_named).map(|user| user.role) {
            None => create_user(&session.slot, username, password),
            Some(role) if role == u64::from(Role::CryptoUser.code()) => {
                change_password(&session.slot.client, username, Role::CryptoUser, password)
            }
            Some(_) => failure(Rv::PIN_INVALID, "the user of this name is no crypto-user"),
        }
    })
}

fn create_user(slot: &Slot, username: &str, password: &[u8]) -> Result {
    let made = scrubbed(|| {
        let request = UserRequest {
            username: username.to_owned(),
            role: u64::from(Role::CryptoUser.code()),
            password: Secret::new(password.to_vec()),
            approval: None,
            request_id: None,
        };
        slot.client.call(Operation::UserCreate, &request)
    });
    let Empty {} = made.map_err(Failure::from).map_err(|error| match error.rv {
        // It is the name in the PIN that is wrong.
        Rv::ARGUMENTS_BAD => Failure { rv: Rv::PIN_INVALID, ..error },
        _ => error,
    })?;
    Ok(())
}

/// C_SetPIN: both PINs are `user:password` of one user, who is logged in, or of a crypto-user while nobody is. The old one is
/// checked by a login of its own, and counts as one when it is wrong.
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
        check_read_write(&session)?;
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

fn check_read_write(session: &Session) -> Result {
    if !session.is_read_write {
        return failure(Rv::SESSION_READ_ONLY, "open the session with CKF_RW_SESSION to set a PIN");
    }
    Ok(())
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
    let role = logged_in.as_ref().map_or(Role::CryptoUser, |login| login.role);
    let checking = Client::new(session.slot.cluster.clone(), Arc::clone(&library.log))?;
    let checked = scrubbed(|| checking.login(username, role, Secret::new(old_password.to_vec())));
    // The login that changes a password goes on; all others of the user end.
    let changing = if logged_in.is_some() { own } else { &checking };
    let outcome =
        checked.map_err(Failure::from).and_then(|_| change_password(changing, username, role, new_password));
    // There is no login to end when the old PIN was wrong, or when the other login changed it.
    let _ended = checking.logout();
    checking.close();
    outcome
}

fn change_password(client: &Client, username: &str, role: Role, password: &[u8]) -> Result {
    let Empty {} = scrubbed(|| {
        let request = ChangePasswordRequest {
            username: username.to_owned(),
            role: u64::from(role.code()),
            password: Secret::new(password.to_vec()),
            deregister_mfa: false,
            deregister_quorum: false,
            approval: None,
            request_id: None,
        };
        client.call(Operation::ChangePassword, &request)
    })?;
    Ok(())
}
