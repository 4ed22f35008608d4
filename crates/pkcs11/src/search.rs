//! Finding objects (PKCS #11 2.40 section 5.7): in pages, with their attributes, so that reading them costs nothing.

use std::collections::VecDeque;

use cryptoki_sys::{CK_ATTRIBUTE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CKA_UNIQUE_ID};
use strongroom_wire::messages::{FindRequest, FindResponse};
use strongroom_wire::{AttributeType, AttributeValue, Operation, Role, Rv, Template};

use crate::attributes::{array, read_template, value_of};
use crate::edge::{Failure, Result, enter, put, size};
use crate::library::Slot;
use crate::unique_id;

/// Objects per request.
const PAGE: u64 = 64;

/// A search under way.
#[derive(Debug)]
pub struct Search {
    template: Template,
    /// The last reference of the pages so far.
    after: u64,
    has_more: bool,
    found: VecDeque<CK_OBJECT_HANDLE>,
}

impl Search {
    /// One that has found all there is.
    const fn done(found: VecDeque<CK_OBJECT_HANDLE>) -> Self {
        Self { template: Template::new(), after: 0, has_more: false, found }
    }

    /// One with its first page.
    ///
    /// # Safety
    /// Every attribute's value pointer is null or valid for its length.
    unsafe fn begin(slot: &Slot, attributes: &[CK_ATTRIBUTE]) -> Result<Self> {
        // SAFETY: by this function's contract.
        if let Some(handles) = unsafe { slot.find_built_ins(attributes) } {
            return Ok(Self::done(handles.into()));
        }
        let is_known = |attribute: &CK_ATTRIBUTE| AttributeType::from_code(attribute.type_).is_some();
        // Before a login nothing else is visible.
        let Some(role) = slot.client.role() else { return Ok(Self::done(VecDeque::new())) };
        if unique_id::is_in(attributes) {
            // SAFETY: by this function's contract.
            return unsafe { Self::by_unique_id(slot, role, attributes) };
        }
        // An attribute that no object has matches nothing.
        let mut search = Self::done(VecDeque::new());
        if attributes.iter().all(is_known) {
            // SAFETY: by this function's contract.
            let template = unsafe { read_template(attributes) }?;
            if let Some(template) = visible_to(role, template) {
                search.template = template;
                search.turn_page(slot)?;
            }
        }
        Ok(search)
    }

    /// One for the object with a `CKA_UNIQUE_ID`.
    ///
    /// # Safety
    /// Every attribute's value pointer is null or valid for its length.
    unsafe fn by_unique_id(slot: &Slot, role: Role, attributes: &[CK_ATTRIBUTE]) -> Result<Self> {
        let (ids, others): (Vec<_>, Vec<_>) =
            attributes.iter().copied().partition(|attribute| attribute.type_ == CKA_UNIQUE_ID);
        // SAFETY: by this function's contract.
        let reference_of = |id: &CK_ATTRIBUTE| unsafe { value_of(id) }.and_then(unique_id::reference);
        let mut references = ids.iter().map(reference_of);
        let first = references.next().flatten();
        let mut found = VecDeque::new();
        if let Some(reference) = first
            && references.all(|other| other == first)
            && others.iter().all(|attribute| AttributeType::from_code(attribute.type_).is_some())
        {
            let revision = slot.client.revision();
            // SAFETY: by this function's contract.
            let wanted = unsafe { read_template(&others) }?;
            if let Some(wanted) = visible_to(role, wanted) {
                let object = slot.find_reference(reference, &wanted)?;
                found.extend(object.map(|view| slot.objects.add(view, revision)));
            }
        }
        Ok(Self::done(found))
    }

    fn turn_page(&mut self, slot: &Slot) -> Result {
        let revision = slot.client.revision();
        let request = FindRequest {
            template: self.template.clone(),
            after: self.after,
            limit: PAGE,
            with_attributes: true,
        };
        let response: FindResponse = slot.client.call(Operation::Find, &request)?;
        self.has_more = response.more && !response.objects.0.is_empty();
        for view in response.objects.0 {
            self.after = self.after.max(view.reference);
            self.found.push_back(slot.objects.add(view, revision));
        }
        Ok(())
    }
}

/// What is searched for; nothing where a security officer asks for private objects, since it sees public ones only.
fn visible_to(role: Role, template: Template) -> Option<Template> {
    match (role, template.bool(AttributeType::Private)) {
        (Role::Admin, Some(true)) => None,
        (Role::Admin, _) => Some(template.with(AttributeType::Private, AttributeValue::Bool(false))),
        _ => Some(template),
    }
}

/// C_FindObjectsInit: gets the first page.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    enter("C_FindObjectsInit", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        if operations.search.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: that many attributes.
        let attributes = unsafe { array(template, count) }?;
        // SAFETY: as above, with valid values.
        operations.search = Some(unsafe { Search::begin(&session.slot, attributes) }?);
        Ok(())
    })
}

/// C_FindObjects.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    enter("C_FindObjects", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        let search = operations.search.as_mut().ok_or(Failure::from(Rv::OPERATION_NOT_INITIALIZED))?;
        let most = size(most)?;
        if (objects.is_null() && most > 0) || count.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        while search.found.len() < most && search.has_more {
            search.turn_page(&session.slot)?;
        }
        let given = search.found.len().min(most);
        for (index, handle) in search.found.drain(..given).enumerate() {
            // SAFETY: the standard: room for `most` handles.
            unsafe { put(objects.add(index), handle) }?;
        }
        // SAFETY: the standard: a place for a count.
        unsafe { put(count, given as CK_ULONG) }
    })
}

/// C_FindObjectsFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_FindObjectsFinal", |library| {
        let session = library.session(session)?;
        let search = session.operations().search.take();
        search.map(|_| ()).ok_or_else(|| Rv::OPERATION_NOT_INITIALIZED.into())
    })
}
