//! Changes of attributes, copies, and the check before a destroy.

use std::sync::Arc;

use strongroom_wire::{AttributeType, AttributeValue, Role, Rv, Template};

use super::object::Object;
use super::quorum::Service;
use super::{Objects, Staged, visibility};
use crate::arena::Material;
use crate::attributes::{CKO_PUBLIC_KEY, check_change, check_copy, flag, mark_trusted, value_bytes};
use crate::{Caller, Error, Result};

impl Objects {
    /// Changes attributes: the owner those that are its matter, an admin CKA_TRUSTED.
    ///
    /// A session object that becomes a token object is another object, of another reference: once that is published, the
    /// session object is to be removed.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, and the codes of changes (see `tables/object_classes.toml`).
    pub fn set_attributes(&self, caller: &Caller, reference: u64, template: Template) -> Result<Staged> {
        self.ready()?;
        let object = self.changeable(caller, reference)?;
        self.check_approved(caller, &object, Service::Management)?;
        let mut attributes = object.readable()?;
        check_change(object.class, &attributes, caller.role, &template)?;
        for (attribute, value) in template.iter() {
            attributes.set(attribute, value.clone());
        }
        if template.get(AttributeType::Trusted).is_some() {
            mark_trusted(object.class, &mut attributes);
        }
        let material = self.material_of(&object, &mut attributes)?;
        if flag(&attributes, AttributeType::Token) && !object.is_token() {
            return self.stage_new(caller, object.class, &attributes, material);
        }
        self.stage(object.changed(&attributes).with_material(material))
    }

    /// Copies an object of the caller's. The original comes second, where the copy leaves a mark on it.
    ///
    /// # Errors
    /// `CKR_OBJECT_HANDLE_INVALID`, `CKR_ACTION_PROHIBITED`, and the codes of changes.
    pub fn copy_object(
        &self,
        caller: &Caller,
        reference: u64,
        template: &Template,
    ) -> Result<(Staged, Option<Staged>)> {
        self.ready()?;
        Self::check_maker(caller)?;
        let object = self.owned(caller, reference, Rv::OBJECT_HANDLE_INVALID)?;
        if object.quorum.is_set() {
            let text =
                "a key whose use needs approvals is not copied: nobody would have to approve the copy's";
            return Err(Error::refused(Rv::ACTION_PROHIBITED, text));
        }
        let mut attributes = object.readable()?;
        check_copy(object.class, &attributes, template)?;
        let marked = match attributes.bool(AttributeType::EverCopied) {
            Some(false) => {
                attributes.set(AttributeType::EverCopied, AttributeValue::Bool(true));
                Some(self.stage(object.changed(&attributes))?)
            }
            _ => None,
        };
        for (attribute, value) in template.iter() {
            attributes.set(attribute, value.clone());
        }
        if attributes.get(AttributeType::Trusted).is_some() {
            attributes.set(AttributeType::Trusted, AttributeValue::Bool(false));
        }
        let material = self.material_of(&object, &mut attributes)?;
        match self.stage_new(caller, object.class, &attributes, material) {
            Ok(copy) => Ok((copy, marked)),
            Err(error) => {
                self.discard(&marked.map(|marked| marked.reference).into_iter().collect::<Vec<_>>());
                Err(error)
            }
        }
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

    /// What an object with these attributes keeps apart of them: what it has, or the new value of a data object.
    fn material_of(&self, object: &Object, attributes: &mut Template) -> Result<Option<Arc<Material>>> {
        let Some(data) = object.data() else { return Ok(object.material.clone()) };
        match attributes.take(AttributeType::Value).as_ref().and_then(value_bytes) {
            Some([]) => Ok(None),
            Some(value) if value != data => self.arena.keep(value).map(|value| Some(Arc::new(value))),
            _ => Ok(object.material.clone()),
        }
    }

    fn changeable(&self, caller: &Caller, reference: u64) -> Result<Arc<Object>> {
        if caller.role != Role::Admin {
            return self.owned(caller, reference, Rv::OBJECT_HANDLE_INVALID);
        }
        let found = self.table.get(reference).filter(|object| object.is_token());
        found.ok_or_else(|| visibility::absent(reference, Rv::OBJECT_HANDLE_INVALID))
    }
}
