//! Who sees an object, and who owns it.

use std::sync::Arc;

use strongroom_wire::{AttributeType, Role, Rv};

use super::Objects;
use super::object::Object;
use crate::{Caller, Error, Result};

impl Object {
    /// Whether a crypto-user sees it and may use it: the owner, those whom it is shared with, everybody where CKA_PRIVATE
    /// is false; a session object only its login.
    pub fn is_visible_to(&self, caller: &Caller) -> bool {
        if caller.role != Role::CryptoUser {
            return false;
        }
        let is_open = || self.is_public() || self.is_shared_with(&caller.username);
        self.is_owned_by(caller) || (self.is_token() && is_open())
    }

    /// Whether everybody may read it.
    pub fn is_public(&self) -> bool {
        !self.flags.has(AttributeType::Private)
    }

    /// Whether a crypto-user may change and destroy it.
    pub fn is_owned_by(&self, caller: &Caller) -> bool {
        caller.role == Role::CryptoUser
            && *self.owner == *caller.username
            && (self.is_token() || self.login_id == caller.login_id)
    }
}

impl Objects {
    /// An object that the caller sees.
    ///
    /// # Errors
    /// `rv`, for what is not there and for what is not the caller's alike.
    pub(super) fn visible(&self, caller: &Caller, reference: u64, rv: Rv) -> Result<Arc<Object>> {
        self.table
            .get(reference)
            .filter(|object| object.is_visible_to(caller))
            .ok_or_else(|| absent(reference, rv))
    }

    /// An object that the caller owns.
    ///
    /// # Errors
    /// `rv`, for what is not there and what the caller does not see; `CKR_ACTION_PROHIBITED` for what it sees only.
    pub(super) fn owned(&self, caller: &Caller, reference: u64, rv: Rv) -> Result<Arc<Object>> {
        let object = self.visible(caller, reference, rv)?;
        if object.is_owned_by(caller) {
            return Ok(object);
        }
        Err(Error::refused(Rv::ACTION_PROHIBITED, "only the object's owner may do this"))
    }

    /// Only crypto-users make objects.
    pub(super) fn check_maker(caller: &Caller) -> Result<()> {
        if caller.role == Role::CryptoUser {
            return Ok(());
        }
        Err(Error::refused(Rv::USER_NOT_LOGGED_IN, "only a crypto-user makes objects: log in as one"))
    }
}

pub(super) fn absent(reference: u64, rv: Rv) -> Error {
    Error::refused(rv, format!("no object {reference:#018x} that this user may use"))
}
