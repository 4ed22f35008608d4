//! Functions for verifying a signature that is known before its data (PKCS #11 3.2 section 5.15).

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, Rv};

use crate::edge::{Failure, bounded, bytes, enter};
use crate::mechanism::Mechanism;
use crate::sign::Signing;
use crate::verify::verify;

/// A verification under way, and the signature.
#[derive(Debug)]
pub struct SignatureCheck {
    signing: Signing,
    signature: Vec<u8>,
}

const NOT_ACTIVE: Rv = Rv::OPERATION_NOT_INITIALIZED;

/// C_VerifySignatureInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifySignatureInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifySignatureInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.verify_signature.take().is_some() {
            return Ok(());
        }
        if operations.verify_signature.is_some() || operations.verify.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter, and that many bytes.
        let (mechanism, signature) = unsafe {
            (
                Mechanism::read(mechanism, Function::Sign, session.slot.profile)?,
                bounded(signature, signature_length)?,
            )
        };
        let signing = Signing::new(&session.slot, mechanism, key, AttributeType::Verify)?;
        operations.verify_signature = Some(SignatureCheck { signing, signature: signature.to_vec() });
        Ok(())
    })
}

/// C_VerifySignature.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifySignature(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifySignature", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let active = operations.verify_signature.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        active.signing.check_single()?;
        let active = operations.verify_signature.take().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        verify(active.signing, &session.slot, unsafe { bytes(data, data_length) }?, &active.signature)
    })
}

/// C_VerifySignatureUpdate.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifySignatureUpdate(
    session: CK_SESSION_HANDLE,
    part: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    enter("C_VerifySignatureUpdate", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let active = operations.verify_signature.as_mut().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        let outcome =
            unsafe { bytes(part, length) }.and_then(|part| active.signing.update(&session.slot, part));
        if outcome.is_err() {
            operations.verify_signature = None;
        }
        outcome
    })
}

/// C_VerifySignatureFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifySignatureFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_VerifySignatureFinal", |library| {
        let session = library.standard_session(session)?;
        let active = session.operations().verify_signature.take().ok_or(Failure::from(NOT_ACTIVE))?;
        verify(active.signing, &session.slot, &[], &active.signature)
    })
}
