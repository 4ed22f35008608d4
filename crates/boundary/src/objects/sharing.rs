//! Sharing: other crypto-users may use a key of its owner's, and nothing else (aws-cloudhsm 5.5).
//!
//! Whether a user exists is the brain's to know. Here only its owner shares a key; anybody may be asked to take a share
//! away, since that widens nothing.

use std::sync::{Arc, PoisonError};

use strongroom_wire::{AttributeType, Rv};

use super::object::Object;
use super::quorum::{Service, check_approvers_left};
use super::table::Scope;
use super::{Objects, Staged, visibility};
use crate::{Caller, Error, Result};

impl Objects {
    /// Shares a key of the caller's with another crypto-user; one that is shared with it stays so.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, `CKR_ARGUMENTS_BAD`.
    pub fn share_key(&self, caller: &Caller, reference: u64, username: &str) -> Result<Staged> {
        self.ready()?;
        let object = self.owned(caller, reference, Rv::OBJECT_HANDLE_INVALID)?;
        self.check_approved(caller, &object, Service::Management)?;
        let added = [Arc::from(username)];
        check_shareable(&object, &added)?;
        let usernames = object.shared_users.iter().cloned().chain(added).collect();
        self.stage(object.changed(&object.template()?).shared_with(usernames))
    }

    /// Takes away what [`Self::share_key`] gave.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, and `CKR_ARGUMENTS_BAD` where it is not shared with the user.
    pub fn unshare_key(&self, caller: &Caller, reference: u64, username: &str) -> Result<Staged> {
        self.ready()?;
        let object = self.owned(caller, reference, Rv::OBJECT_HANDLE_INVALID)?;
        self.check_approved(caller, &object, Service::Management)?;
        self.without(&object, username)
    }

    /// Shares a key that the caller has just made and that nobody can use yet; its record is another one then.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, `CKR_ARGUMENTS_BAD`; the object stays staged.
    pub fn share_staged(&self, caller: &Caller, reference: u64, usernames: &[String]) -> Result<Staged> {
        let added: Vec<Arc<str>> = usernames.iter().map(|username| Arc::from(username.as_str())).collect();
        self.restage(reference, |object| {
            if !object.is_owned_by(caller) || object.version != 1 {
                return Err(visibility::absent(reference, Rv::OBJECT_HANDLE_INVALID));
            }
            check_shareable(object, &added)?;
            let ids = (object.reference, object.version);
            let owner = (Arc::clone(&object.owner), object.login_id);
            let made = Object::new(ids, owner, object.class, &object.template()?, object.material.clone());
            Ok(made.shared_with(added).with_quorum(object.quorum))
        })
    }

    /// The keys that are shared with a user.
    pub fn references_shared_with(&self, username: &str) -> Vec<u64> {
        let index = self.table.index(&Scope::SharedWith(Arc::from(username)));
        index.map_or_else(Vec::new, |index| {
            index.read().unwrap_or_else(PoisonError::into_inner).references().collect()
        })
    }

    /// Takes a share away because its user is deleted, whoever owns the key.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`; `CKR_ARGUMENTS_BAD` where it is not shared with the user; `CKR_ACTION_PROHIBITED` where
    /// too few would be left who can approve its use.
    pub fn withdraw(&self, reference: u64, username: &str) -> Result<Staged> {
        self.ready()?;
        let object = self.table.get(reference);
        let object = object.ok_or_else(|| visibility::absent(reference, Rv::OBJECT_HANDLE_INVALID))?;
        self.without(&object, username)
    }

    fn without(&self, object: &Object, username: &str) -> Result<Staged> {
        if !object.is_shared_with(username) {
            let text = format!("the key is not shared with {username}");
            return Err(Error::refused(Rv::ARGUMENTS_BAD, text));
        }
        check_approvers_left(object, object.shared_users.len())?;
        let kept = object.shared_users.iter().filter(|shared| ***shared != *username).cloned().collect();
        self.stage(object.changed(&object.template()?).shared_with(kept))
    }
}

fn check_shareable(object: &Object, usernames: &[Arc<str>]) -> Result<()> {
    if !object.class.is_key() {
        let text = format!("only keys are shared, and this is a {}", object.class.name);
        return Err(Error::refused(Rv::KEY_HANDLE_INVALID, text));
    }
    if !object.is_token() {
        let text = "a session key is its login's alone: only a token key is shared";
        return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
    }
    if !object.flags.has(AttributeType::Private) {
        let text = "the key's CKA_PRIVATE is false: every crypto-user sees and uses it already";
        return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
    }
    if usernames.contains(&object.owner) {
        let text = format!("{} owns the key: name another crypto-user", object.owner);
        return Err(Error::refused(Rv::ARGUMENTS_BAD, text));
    }
    Ok(())
}
