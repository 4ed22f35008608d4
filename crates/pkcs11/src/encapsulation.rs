//! Functions for key encapsulation (PKCS #11 3.2 section 5.18): both make the secret key in the HSM.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{
    DecapsulateKeyRequest, EncapsulateKeyRequest, EncapsulateKeyResponse, ObjectsResponse,
};
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, Operation, Rv, Template};

use crate::attributes::{array, read_template};
use crate::edge::{Output, Result, bounded, enter, failure, put};
use crate::library::Slot;
use crate::mechanism::{Mechanism, check_key};
use crate::object_cache::Object;
use crate::objects::handles_of;

/// C_EncapsulateKey. A query for the ciphertext's length makes no key, nor does a buffer that is too small.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncapsulateKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public_key: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    ciphertext: *mut CK_BYTE,
    ciphertext_length: *mut CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_EncapsulateKey", |library| {
        let session = library.session(session)?;
        // SAFETY: the standard: a mechanism with its parameter, that many attributes with valid values; a length, and null
        // or a buffer that long.
        let (mechanism, template, output) = unsafe {
            (
                Mechanism::read(mechanism, Function::Encapsulate, session.slot.profile)?,
                read_template(array(template, count)?)?,
                Output::new(ciphertext, ciphertext_length)?,
            )
        };
        session.check_may_write(&template)?;
        let public_key = key_for(&session.slot, public_key, &mechanism, AttributeType::Encapsulate)?;
        if !output.has_room(ciphertext_length_of(&public_key.view.attributes)?)? {
            return Ok(());
        }
        if key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        let request = EncapsulateKeyRequest {
            public_key: public_key.reference,
            mechanism: mechanism.kind.code(),
            parameters: mechanism.parameters,
            template,
            request_id: None,
        };
        let response: EncapsulateKeyResponse =
            session.slot.client.call(Operation::EncapsulateKey, &request)?;
        let made = ObjectsResponse { objects: List(response.objects.0) };
        let Some(handle) = handles_of(&session.slot, made).first().copied() else {
            return failure(Rv::DEVICE_ERROR, "the HSM showed no new key");
        };
        // SAFETY: the standard: a place for a handle.
        output.write(&response.ciphertext).and_then(|()| unsafe { put(key, handle) })
    })
}

/// C_DecapsulateKey.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecapsulateKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    private_key: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    ciphertext: *mut CK_BYTE,
    ciphertext_length: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_DecapsulateKey", |library| {
        let session = library.session(session)?;
        if key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: a mechanism with its parameter, that many attributes with valid values, that many bytes.
        let (mechanism, template, ciphertext) = unsafe {
            (
                Mechanism::read(mechanism, Function::Encapsulate, session.slot.profile)?,
                read_template(array(template, count)?)?,
                bounded(ciphertext, ciphertext_length)?.to_vec(),
            )
        };
        session.check_may_write(&template)?;
        let private_key = key_for(&session.slot, private_key, &mechanism, AttributeType::Decapsulate)?;
        let request = DecapsulateKeyRequest {
            private_key: private_key.reference,
            mechanism: mechanism.kind.code(),
            parameters: mechanism.parameters,
            ciphertext,
            template,
            request_id: None,
        };
        let response: ObjectsResponse = session.slot.client.call(Operation::DecapsulateKey, &request)?;
        let Some(handle) = handles_of(&session.slot, response).first().copied() else {
            return failure(Rv::DEVICE_ERROR, "the HSM showed no new key");
        };
        // SAFETY: the standard: a place for a handle.
        unsafe { put(key, handle) }
    })
}

fn key_for(
    slot: &Slot,
    handle: CK_OBJECT_HANDLE,
    mechanism: &Mechanism,
    usage: AttributeType,
) -> Result<Object> {
    let key = slot.key_for(handle, usage)?;
    check_key(mechanism.kind, &key.view.attributes)?;
    Ok(key)
}

/// The length of a ciphertext of ML-KEM (FIPS 203 table 3).
fn ciphertext_length_of(attributes: &Template) -> Result<usize> {
    match attributes.ulong(AttributeType::ParameterSet) {
        Some(1) => Ok(768),
        Some(2) => Ok(1088),
        Some(3) => Ok(1568),
        _ => Err(Rv::KEY_TYPE_INCONSISTENT.into()),
    }
}
