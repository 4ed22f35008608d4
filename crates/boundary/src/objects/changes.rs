//! Changes of attributes, and the check before a destroy.

use std::sync::Arc;

use strongroom_wire::{AttributeType, Role, Rv, Template};

use super::object::Object;
use super::quorum::Service;
use super::{Objects, Staged, visibility};
use crate::attributes::{CKO_PUBLIC_KEY, check_change};
use crate::{Caller, Error, Result};

impl Objects {
    /// Changes attributes: the owner those that are its matter, an admin CKA_TRUSTED.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, and the codes of changes (see `tables/object_classes.toml`).
    pub fn set_attributes(&self, caller: &Caller, reference: u64, template: Template) -> Result<Staged> {
        self.ready()?;
        let object = self.changeable(caller, reference)?;
        self.check_approved(caller, &object, Service::Management)?;
        let mut attributes = object.template()?;
        check_change(object.class, &attributes, caller.role, &template)?;
        for (attribute, value) in template.iter() {
            attributes.set(attribute, value.clone());
        }
        self.stage(object.changed(&attributes))
    }

    /// Whether the object, which the caller may destroy now, is a token object.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`.
    pub fn check_destroy(&self, caller: &Caller, reference: u64) -> Result<bool> {
        self.ready()?;
        let object = self.owned(caller, reference, Rv::OBJECT_HANDLE_INVALID)?;
        if !object.flags.has(AttributeType::Destroyable) {
            return Err(Error::refused(Rv::ACTION_PROHIBITED, "the object's CKA_DESTROYABLE is false"));
        }
        Ok(object.is_token())
    }

    /// Whether an object with this reference is here and is a public key: where an audit entry names it.
    pub fn is_public_key(&self, reference: u64) -> bool {
        self.table.get(reference).is_some_and(|object| object.class.object_class == CKO_PUBLIC_KEY)
    }

    fn changeable(&self, caller: &Caller, reference: u64) -> Result<Arc<Object>> {
        if caller.role != Role::Admin {
            return self.owned(caller, reference, Rv::OBJECT_HANDLE_INVALID);
        }
        let found = self.table.get(reference).filter(|object| object.is_token());
        found.ok_or_else(|| visibility::absent(reference, Rv::OBJECT_HANDLE_INVALID))
    }
}
