//! Wrapping with data that is authenticated beside the key (PKCS #11 3.2 section 5.18): AES-GCM, whose IV the HSM makes.
//! IV and tag go through the mechanism's parameter, which is that of a message (see [`crate::message_cipher`]).

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{UnwrapKeyRequest, WrapKeyRequest};
use strongroom_wire::{AttributeType, MechanismType, Rv};

use crate::attributes::{array, read_template};
use crate::cipher::Direction;
use crate::edge::{Output, Result, bounded, enter, failure, put, take};
use crate::keys::{key_under, unwrap, with_unwrapped_type, wrapped_by};
use crate::message_cipher::MessageParameters;

const KIND: MechanismType = MechanismType::AesGcm;

/// # Safety
/// `mechanism` is null or valid, with a parameter as the standard says for it.
unsafe fn read(mechanism: *const CK_MECHANISM, direction: Direction) -> Result<MessageParameters> {
    // SAFETY: by this function's contract.
    let mechanism = unsafe { take(mechanism) }?;
    if mechanism.mechanism != KIND.code() {
        return failure(Rv::MECHANISM_INVALID, "only AES-GCM wraps with authenticated data");
    }
    // SAFETY: by this function's contract.
    unsafe {
        MessageParameters::read_for(KIND, direction, false, mechanism.pParameter, mechanism.ulParameterLen)
    }
}

/// C_WrapKeyAuthenticated.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_WrapKeyAuthenticated(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    wrapping_key: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    aad: *mut CK_BYTE,
    aad_length: CK_ULONG,
    wrapped_key: *mut CK_BYTE,
    wrapped_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_WrapKeyAuthenticated", |library| {
        let session = library.standard_session(session)?;
        // SAFETY: the standard: a mechanism with its parameter, that many bytes, a length, and null or a buffer that long.
        let (parameters, aad, output) = unsafe {
            (
                read(mechanism, Direction::Encrypt)?,
                bounded(aad, aad_length)?,
                Output::new(wrapped_key, wrapped_length)?,
            )
        };
        let codes = (Rv::WRAPPING_KEY_HANDLE_INVALID, Rv::WRAPPING_KEY_TYPE_INCONSISTENT);
        let wrapping_key = key_under(&session.slot, wrapping_key, KIND, AttributeType::Wrap, codes)?;
        let key = session.slot.key(key)?.reference;
        let request = WrapKeyRequest {
            wrapping_key,
            mechanism: KIND.code(),
            parameters: Some(parameters.sent(aad)),
            key,
        };
        let mut operations = session.operations();
        let kept = wrapped_by(&session.slot, &mut operations, request)?;
        let (result, tag) = parameters.split(&kept.data)?;
        output.write(result)?;
        if output.is_query() {
            return Ok(());
        }
        parameters.hand_over(kept.iv.as_deref(), tag)?;
        operations.wrapped = None;
        Ok(())
    })
}

/// C_UnwrapKeyAuthenticated.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_UnwrapKeyAuthenticated(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    unwrapping_key: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    wrapped_length: CK_ULONG,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_length: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_UnwrapKeyAuthenticated", |library| {
        let session = library.standard_session(session)?;
        if key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: a mechanism with its parameter, that many bytes twice, that many attributes.
        let (parameters, wrapped, template, aad) = unsafe {
            (
                read(mechanism, Direction::Decrypt)?,
                bounded(wrapped, wrapped_length)?,
                read_template(array(template, count)?)?,
                bounded(aad, aad_length)?,
            )
        };
        session.check_may_make(&template)?;
        let codes = (Rv::UNWRAPPING_KEY_HANDLE_INVALID, Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT);
        let unwrapping_key = key_under(&session.slot, unwrapping_key, KIND, AttributeType::Unwrap, codes)?;
        // SAFETY: the parameter was read in this call.
        let tag = unsafe { parameters.tag() }?;
        let request = UnwrapKeyRequest {
            unwrapping_key,
            mechanism: KIND.code(),
            parameters: Some(parameters.sent(aad)),
            wrapped_key: [wrapped, tag].concat(),
            template: with_unwrapped_type(session.slot.profile, template),
            shared_users: List(Vec::new()),
            quorum: None,
            approval: None,
            request_id: None,
        };
        let handle = unwrap(&session, &request)?;
        // SAFETY: the standard: a place for a handle.
        unsafe { put(key, handle) }
    })
}
