//! Object management functions (PKCS #11 2.40 section 5.7), without the search.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CKO_CERTIFICATE, CKO_DATA,
    CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY,
};
use strongroom_client::Profile;
use strongroom_wire::codec::List;
use strongroom_wire::messages::{
    CopyObjectRequest, CreateObjectRequest, DestroyObjectRequest, Empty, ObjectsResponse,
    SetAttributesRequest,
};
use strongroom_wire::{AttributeType, Operation, Rv, Template};

use crate::attributes::{array, read_template, values_length, write_built_in, write_values};
use crate::edge::{Failure, Result, enter, failure, put};
use crate::library::Slot;
use crate::profile::has_key_type;
use crate::unique_id;

/// The handles of new objects.
pub fn handles_of(slot: &Slot, response: ObjectsResponse) -> Vec<CK_OBJECT_HANDLE> {
    let revision = slot.client.revision();
    response.objects.0.into_iter().map(|view| slot.objects.add(view, revision)).collect()
}

/// Refuses what there are no objects of before the HSM is asked: other classes by their value, and types of keys that no
/// mechanism here uses by the code at which programs try the next type.
fn check_class(profile: Profile, template: &Template) -> Result {
    match template.ulong(AttributeType::Class) {
        None | Some(CKO_CERTIFICATE) => Ok(()),
        Some(CKO_DATA) if profile == Profile::Standard => Ok(()),
        Some(CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY) => {
            if !has_key_type(profile, template) {
                return failure(Rv::TEMPLATE_INCONSISTENT, "there are no keys of this type");
            }
            Ok(())
        }
        Some(_) => failure(Rv::ATTRIBUTE_VALUE_INVALID, "there are no objects of this class"),
    }
}

/// C_CreateObject: keys, certificates and data.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CreateObject(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_CreateObject", |library| {
        let session = library.session(session)?;
        if object.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: that many attributes with valid values.
        let template = unsafe { read_template(array(template, count)?) }?;
        check_class(session.slot.profile, &template)?;
        session.check_may_make(&template)?;
        session.check_login()?;
        let request = CreateObjectRequest { template, request_id: None };
        let response: ObjectsResponse = session.slot.client.call(Operation::CreateObject, &request)?;
        let Some(handle) = session.keep(response).first().copied() else {
            return failure(Rv::DEVICE_ERROR, "the HSM showed no new object");
        };
        // SAFETY: the standard: a place for a handle.
        unsafe { put(object, handle) }
    })
}

/// C_CopyObject.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CopyObject(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    copy: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_CopyObject", |library| {
        let session = library.session(session)?;
        session.slot.check_offered()?;
        if copy.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        session.slot.check_not_built_in(object)?;
        // SAFETY: the standard: that many attributes with valid values.
        let template = unsafe { read_template(array(template, count)?) }?;
        let known = session.slot.known(object)?;
        if template.bool(AttributeType::Token).is_none() {
            session.check_may_write(&known.view.attributes)?;
        }
        session.check_may_write(&template)?;
        session.check_login()?;
        let request = CopyObjectRequest { reference: known.reference, template, request_id: None };
        let response: ObjectsResponse = session.slot.client.call(Operation::CopyObject, &request)?;
        let Some(handle) = handles_of(&session.slot, response).first().copied() else {
            return failure(Rv::DEVICE_ERROR, "the HSM showed no new object");
        };
        // SAFETY: the standard: a place for a handle.
        unsafe { put(copy, handle) }
    })
}

/// C_DestroyObject.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    enter("C_DestroyObject", |library| {
        let session = library.session(session)?;
        session.slot.check_not_built_in(object)?;
        let known = session.slot.known(object)?;
        session.slot.check_no_officer()?;
        session.check_may_write(&known.view.attributes)?;
        let request = DestroyObjectRequest { reference: known.reference, request_id: None };
        let outcome = session.slot.client.call(Operation::DestroyObject, &request).map_err(Failure::from);
        if outcome.as_ref().map_or_else(|error| error.rv == Rv::OBJECT_HANDLE_INVALID, |Empty {}| true) {
            session.slot.objects.remove(object);
        }
        outcome.map(|_| ())
    })
}

/// C_GetObjectSize: the bytes of all attributes that can be read. What an HSM needs for an object beside them is not told.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetObjectSize(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: *mut CK_ULONG,
) -> CK_RV {
    enter("C_GetObjectSize", |library| {
        let session = library.standard_session(session)?;
        if let Some(built_in) = session.slot.built_in(object) {
            // SAFETY: the standard: a place for a number.
            return unsafe { put(size, built_in.length() as CK_ULONG) };
        }
        let known = session.slot.known(object)?;
        let found = session.slot.knowing(object, known, [AttributeType::Value].into_iter())?;
        // SAFETY: the standard: a place for a number.
        unsafe { put(size, (values_length(&found.view.attributes) + unique_id::LENGTH) as CK_ULONG) }
    })
}

/// C_GetAttributeValue: from what is known of the object, if that is new enough.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    enter("C_GetAttributeValue", |library| {
        let session = library.session(session)?;
        if count == 0 {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: that many attributes with null or valid values.
        let wanted = unsafe { array(template, count) }?;
        if let Some(built_in) = session.slot.built_in(object) {
            // SAFETY: as above.
            return unsafe { write_built_in(wanted, built_in) };
        }
        let known = session.slot.known(object)?;
        let named = wanted.iter().filter_map(|attribute| AttributeType::from_code(attribute.type_));
        let found = session.slot.knowing(object, known, named)?;
        // SAFETY: as above.
        unsafe { write_values(wanted, found.reference, &found.view.attributes) }
    })
}

/// C_SetAttributeValue.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    enter("C_SetAttributeValue", |library| {
        let session = library.session(session)?;
        if count == 0 {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        session.slot.check_not_built_in(object)?;
        // SAFETY: the standard: that many attributes with valid values.
        let template = unsafe { read_template(array(template, count)?) }?;
        let known = session.slot.known(object)?;
        session.slot.check_may_change(&known.view.attributes)?;
        session.check_may_write(&known.view.attributes)?;
        session.check_may_write(&template)?;
        let request =
            SetAttributesRequest { reference: known.reference, template, approval: None, request_id: None };
        let response: ObjectsResponse = session.slot.client.call(Operation::SetAttributes, &request)?;
        // A session object that becomes a token object is another object.
        let (moved, changed) =
            response.objects.0.into_iter().partition(|view| view.reference != known.reference);
        handles_of(&session.slot, ObjectsResponse { objects: List(changed) });
        for view in moved {
            session.slot.objects.replace(object, view, session.slot.client.revision());
        }
        Result::Ok(())
    })
}
