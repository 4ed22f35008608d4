//! Functions for verifying signatures and MACs (PKCS #11 2.40 section 5.13). The HSM verifies; data is hashed here.

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::messages::{Empty, VerifyRequest};
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, Operation, Rv, codec};

use crate::edge::{Failure, Result, bytes, enter, failure};
use crate::library::Slot;
use crate::mechanism::Mechanism;
use crate::sign::{Long, Signing};

const NOT_ACTIVE: Rv = Rv::OPERATION_NOT_INITIALIZED;

/// Lets the HSM verify.
pub fn verify(mut active: Signing, slot: &Slot, last: &[u8], signature: &[u8]) -> Result {
    if signature.len() != active.signature_length {
        let expected = active.signature_length;
        return failure(Rv::SIGNATURE_LEN_RANGE, format!("{expected} bytes are expected"));
    }
    let data = active.input(slot, last)?;
    match active.take_long() {
        None => {}
        Some(Long::Stream(mut stream, _)) => {
            slot.client.finish_stream(&mut stream, &data, Some(signature))?;
            return Ok(());
        }
        Some(Long::Kept(mut spool)) => {
            let (key, parameters) = (active.key, active.parameters.as_ref());
            let mut stream = slot.client.open_verification(key, active.mechanism, parameters, signature)?;
            for number in 0..spool.count() {
                let mut piece = spool.read(number)?;
                let outcome = slot.client.update_stream(&mut stream, &piece);
                codec::wipe(&mut piece);
                outcome?;
            }
            slot.client.finish_stream(&mut stream, &data, None)?;
            return Ok(());
        }
        Some(Long::Twice(_)) => return Err(Rv::GENERAL_ERROR.into()),
    }
    let request = VerifyRequest {
        key: active.key,
        mechanism: active.mechanism.code(),
        parameters: active.parameters,
        data,
        signature: signature.to_vec(),
    };
    let Empty {} = slot.client.call(Operation::Verify, &request)?;
    Ok(())
}

/// C_VerifyInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_VerifyInit", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.verify.take().is_some() {
            return Ok(());
        }
        if operations.verify.is_some() || operations.verify_signature.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Sign, session.slot.profile) }?;
        operations.verify = Some(Signing::new(&session.slot, mechanism, key, AttributeType::Verify)?);
        Ok(())
    })
}

/// C_Verify.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Verify(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    enter("C_Verify", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        operations.verify.as_ref().ok_or(Failure::from(NOT_ACTIVE))?.check_single()?;
        let active = operations.verify.take().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes, twice.
        let (data, signature) = unsafe { (bytes(data, data_length)?, bytes(signature, signature_length)?) };
        verify(active, &session.slot, data, signature)
    })
}

/// C_VerifyUpdate.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyUpdate(
    session: CK_SESSION_HANDLE,
    part: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifyUpdate", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        let active = operations.verify.as_mut().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        let outcome = unsafe { bytes(part, length) }.and_then(|part| active.update(&session.slot, part));
        if outcome.is_err() {
            operations.verify = None;
        }
        outcome
    })
}

/// C_VerifyFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifyFinal", |library| {
        let session = library.session(session)?;
        let active = session.operations().verify.take().ok_or(Failure::from(NOT_ACTIVE))?;
        active.check_parts()?;
        // SAFETY: the standard: that many bytes.
        verify(active, &session.slot, &[], unsafe { bytes(signature, signature_length) }?)
    })
}
