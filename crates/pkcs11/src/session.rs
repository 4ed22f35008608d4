//! A session: local state only. Each request carries its own context, so no HSM knows of sessions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptoki_sys::CK_OBJECT_HANDLE;
use strongroom_client::Level;
use strongroom_wire::frame::MAX_BODY_LENGTH;
use strongroom_wire::messages::{DestroyObjectRequest, Empty, ObjectsResponse, SESSION_OBJECT_BIT};
use strongroom_wire::{AttributeType, Operation, Role, Rv, Template};

use crate::cipher::Cipher;
use crate::digesting::Digesting;
use crate::edge::{Result, failure};
use crate::keys::Wrapped;
use crate::library::Slot;
use crate::message_cipher::MessageCipher;
use crate::message_sign::MessageSigning;
use crate::object_cache::Object;
use crate::objects::handles_of;
use crate::recover::Recovery;
use crate::search::Search;
use crate::sign::Signing;
use crate::verify_signature::SignatureCheck;

/// Data per request before an HSM has told its limit.
const ASSUMED_LARGEST_DATA: usize = 16 * 1024;
/// What a request needs beside its data.
const REQUEST_OVERHEAD: usize = 4 * 1024;

/// One session.
#[derive(Debug)]
pub struct Session {
    /// Whose session it is.
    pub slot: Arc<Slot>,
    /// Whether it may change token objects.
    pub is_read_write: bool,
    operations: Mutex<Operations>,
    /// Handles of the session objects that it has made.
    made: Mutex<Vec<CK_OBJECT_HANDLE>>,
}

/// At most one operation of each kind is active.
#[derive(Debug, Default)]
pub struct Operations {
    /// C_SignInit.
    pub sign: Option<Signing>,
    /// C_VerifyInit.
    pub verify: Option<Signing>,
    /// C_VerifySignatureInit.
    pub verify_signature: Option<SignatureCheck>,
    /// C_SignRecoverInit.
    pub sign_recover: Option<Recovery>,
    /// C_VerifyRecoverInit.
    pub verify_recover: Option<Recovery>,
    /// C_EncryptInit.
    pub encrypt: Option<Cipher>,
    /// C_DecryptInit.
    pub decrypt: Option<Cipher>,
    /// C_MessageEncryptInit.
    pub message_encrypt: Option<MessageCipher>,
    /// C_MessageDecryptInit.
    pub message_decrypt: Option<MessageCipher>,
    /// C_MessageSignInit.
    pub message_sign: Option<MessageSigning>,
    /// C_MessageVerifyInit.
    pub message_verify: Option<MessageSigning>,
    /// C_DigestInit.
    pub digest: Option<Digesting>,
    /// C_FindObjectsInit.
    pub search: Option<Search>,
    /// A wrapped key whose length was asked for.
    pub wrapped: Option<Wrapped>,
}

impl Session {
    /// A session without operations.
    pub fn new(slot: Arc<Slot>, is_read_write: bool) -> Self {
        Self { slot, is_read_write, operations: Mutex::default(), made: Mutex::default() }
    }

    /// Its operations; two threads that use one session take turns.
    pub fn operations(&self) -> MutexGuard<'_, Operations> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a response with new objects; gives their handles. Session objects end with the session.
    pub fn keep(&self, response: ObjectsResponse) -> Vec<CK_OBJECT_HANDLE> {
        let is_session_object = |reference: u64| reference & SESSION_OBJECT_BIT != 0;
        let are_kept: Vec<bool> =
            response.objects.0.iter().map(|view| is_session_object(view.reference)).collect();
        let handles = handles_of(&self.slot, response);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.extend(handles.iter().zip(are_kept).filter(|(_, is_kept)| *is_kept).map(|(handle, _)| *handle));
        handles
    }

    /// Destroys the session objects that it has made and that are still there.
    pub fn end_objects(&self) {
        for handle in std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner)) {
            let Some(object) = self.slot.objects.get(handle) else { continue };
            self.slot.objects.remove(handle);
            let request = DestroyObjectRequest { reference: object.reference, request_id: None };
            let done: strongroom_client::Result<Empty> =
                self.slot.client.call(Operation::DestroyObject, &request);
            if let Err(error) = done {
                let text = format!("a session object was not destroyed with its session: {error}");
                self.slot.client.log().write(Level::Warn, &text);
            }
        }
    }

    /// Refuses to make or change a token object in a read-only session.
    pub fn check_may_write(&self, template: &Template) -> Result {
        if !self.is_read_write && template.bool(AttributeType::Token) == Some(true) {
            return failure(
                Rv::SESSION_READ_ONLY,
                "open the session with CKF_RW_SESSION to make token objects",
            );
        }
        Ok(())
    }

    /// Refuses to make an object that the session or the slot's profile does not allow.
    pub fn check_may_make(&self, template: &Template) -> Result {
        self.check_may_write(template)?;
        self.slot.check_may_make(template)
    }

    /// Refuses without a crypto-user's login.
    pub fn check_login(&self) -> Result {
        if self.slot.client.role().is_none() {
            return failure(Rv::USER_NOT_LOGGED_IN, "call C_Login first");
        }
        self.slot.check_no_officer()
    }
}

impl Slot {
    /// The largest data of one request.
    pub fn largest_data(&self) -> usize {
        let told = self.client.max_data().and_then(|largest| usize::try_from(largest).ok());
        told.filter(|largest| *largest > 0)
            .unwrap_or(ASSUMED_LARGEST_DATA)
            .min(MAX_BODY_LENGTH - REQUEST_OVERHEAD)
    }

    /// Refuses a security officer, who neither uses nor makes objects.
    pub fn check_no_officer(&self) -> Result {
        if self.client.role() == Some(Role::Admin) {
            return failure(Rv::USER_NOT_LOGGED_IN, "only a crypto-user does this: log in with CKU_USER");
        }
        Ok(())
    }

    /// The key with this handle, for a crypto-user.
    pub fn key(&self, handle: CK_OBJECT_HANDLE) -> Result<Object> {
        self.check_no_officer()?;
        let is_key = |found: &Object| found.view.attributes.get(AttributeType::KeyType).is_some();
        self.objects.get(handle).filter(is_key).ok_or_else(|| Rv::KEY_HANDLE_INVALID.into())
    }

    /// The key with this handle, which must allow a use.
    pub fn key_for(&self, handle: CK_OBJECT_HANDLE, usage: AttributeType) -> Result<Object> {
        let key = self.key(handle)?;
        self.check_availability(&key.view.attributes)?;
        if key.view.attributes.bool(usage) == Some(true) {
            // The HSM decides with each use; a copy that says yes is enough to start.
            return Ok(key);
        }
        let current = self.current(handle).map_err(|error| match error.rv {
            Rv::OBJECT_HANDLE_INVALID => Rv::KEY_HANDLE_INVALID.into(),
            _ => error,
        })?;
        if current.view.attributes.bool(usage) != Some(true) {
            return failure(
                Rv::KEY_FUNCTION_NOT_PERMITTED,
                format!("the key's {} is not true", usage.name()),
            );
        }
        Ok(current)
    }
}
