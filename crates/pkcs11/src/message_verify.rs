//! Message-based functions for verifying signatures and MACs (PKCS #11 3.2 section 5.16). What is under way is in
//! [`crate::message_sign`].

use cryptoki_sys::{
    CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CK_VOID_PTR,
};
use strongroom_wire::AttributeType;

use crate::edge::{bounded, enter};
use crate::message_sign::{active, check_parameter, init, message_data};
use crate::verify::verify;

/// C_MessageVerifyInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageVerifyInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_MessageVerifyInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: a mechanism with its parameter.
        unsafe { init(&mut operations.message_verify, &session.slot, mechanism, key, AttributeType::Verify) }
    })
}

/// C_VerifyMessage: a whole message.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyMessage(
    session: CK_SESSION_HANDLE,
    _parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifyMessage", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let verifying = active(&mut operations.message_verify)?;
        check_parameter(parameter_length)?;
        // SAFETY: the standard: that many bytes, twice.
        let (data, signature) =
            unsafe { (message_data(data, data_length)?, bounded(signature, signature_length)?) };
        verify(verifying.whole(&session.slot)?, &session.slot, data, signature)
    })
}

/// C_VerifyMessageBegin.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyMessageBegin(
    session: CK_SESSION_HANDLE,
    _parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifyMessageBegin", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let verifying = active(&mut operations.message_verify)?;
        check_parameter(parameter_length)?;
        verifying.begin(&session.slot)
    })
}

/// C_VerifyMessageNext: the last part is the one with a signature.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyMessageNext(
    session: CK_SESSION_HANDLE,
    _parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    part: *mut CK_BYTE,
    part_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifyMessageNext", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let verifying = active(&mut operations.message_verify)?;
        verifying.begun()?;
        check_parameter(parameter_length)?;
        // SAFETY: the standard: that many bytes.
        let part = unsafe { message_data(part, part_length) }?;
        if signature.is_null() {
            return verifying.part(&session.slot, part);
        }
        // SAFETY: the standard: that many bytes.
        let signature = unsafe { bounded(signature, signature_length) }?;
        verify(verifying.take()?, &session.slot, part, signature)
    })
}

/// C_MessageVerifyFinal: also ends a message that has begun.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageVerifyFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_MessageVerifyFinal", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        active(&mut operations.message_verify)?;
        operations.message_verify = None;
        Ok(())
    })
}
