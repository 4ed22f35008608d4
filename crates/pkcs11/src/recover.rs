//! Signing and verifying with recovery (PKCS #11 2.40 sections 5.11 and 5.13): the signature holds the data.
//!
//! With RSA keys, in one part, by the HSM. AWS's library does not have these functions (ADR 0133).

use cryptoki_sys::{
    CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY,
};
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, MechanismType, Operation, Rv};

use crate::edge::{Failure, Output, Result, bytes, enter, failure};
use crate::library::Slot;
use crate::mechanism::{Mechanism, check_key, modulus_length};

const NOT_ACTIVE: Rv = Rv::OPERATION_NOT_INITIALIZED;

/// A signature with recovery that is to be made or read.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    key: u64,
    mechanism: MechanismType,
    /// Bytes of the modulus, and of a signature.
    length: usize,
}

impl Recovery {
    /// Starts one.
    ///
    /// # Safety
    /// `mechanism` is null or valid, with a parameter as the standard says for it.
    unsafe fn new(
        slot: &Slot,
        mechanism: *const CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        usage: AttributeType,
    ) -> Result<Self> {
        // SAFETY: by this function's contract.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Recover, slot.profile) }?;
        let key = slot.key_for(key, usage)?;
        let attributes = &key.view.attributes;
        check_key(mechanism.kind, attributes)?;
        let half = if usage == AttributeType::SignRecover { CKO_PRIVATE_KEY } else { CKO_PUBLIC_KEY };
        if attributes.ulong(AttributeType::Class) != Some(half) {
            return failure(Rv::KEY_TYPE_INCONSISTENT, "the other half of the key pair is needed");
        }
        Ok(Self { key: key.reference, mechanism: mechanism.kind, length: modulus_length(attributes)? })
    }

    /// Lets the HSM sign.
    fn sign(self, slot: &Slot, data: &[u8]) -> Result<Vec<u8>> {
        let made = slot.client.crypt(Operation::SignRecover, self.key, self.mechanism, None, data)?;
        if made.data.len() != self.length {
            return failure(Rv::DEVICE_ERROR, "the HSM gave a signature of a wrong length");
        }
        Ok(made.data)
    }

    /// Lets the HSM take the data out of a signature.
    fn recover(self, slot: &Slot, signature: &[u8]) -> Result<Vec<u8>> {
        let found = slot.client.crypt(Operation::VerifyRecover, self.key, self.mechanism, None, signature)?;
        Ok(found.data)
    }
}

/// C_SignRecoverInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignRecoverInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_SignRecoverInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.sign_recover.take().is_some() {
            return Ok(());
        }
        if operations.sign_recover.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let begun = unsafe { Recovery::new(&session.slot, mechanism, key, AttributeType::SignRecover) }?;
        operations.sign_recover = Some(begun);
        Ok(())
    })
}

/// C_SignRecover.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignRecover(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_SignRecover", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let active = operations.sign_recover.ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(signature, signature_length) }
            .inspect_err(|_| operations.sign_recover = None)?;
        if !output.has_room(active.length)? {
            return Ok(());
        }
        operations.sign_recover = None;
        if data_length > active.length as CK_ULONG {
            return failure(Rv::DATA_LEN_RANGE, format!("at most {} bytes with this key", active.length));
        }
        // SAFETY: the standard: that many bytes.
        output.write(&active.sign(&session.slot, unsafe { bytes(data, data_length) }?)?)
    })
}

/// C_VerifyRecoverInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyRecoverInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_VerifyRecoverInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.verify_recover.take().is_some() {
            return Ok(());
        }
        if operations.verify_recover.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let begun = unsafe { Recovery::new(&session.slot, mechanism, key, AttributeType::VerifyRecover) }?;
        operations.verify_recover = Some(begun);
        Ok(())
    })
}

/// C_VerifyRecover. How long the data is only the HSM can tell, so that a question for the length asks it too; the operation
/// stays active then, and after too small a buffer.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyRecover(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_VerifyRecover", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let active = operations.verify_recover.take().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(data, data_length) }?;
        if signature_length != active.length as CK_ULONG {
            return failure(Rv::SIGNATURE_LEN_RANGE, format!("{} bytes are expected", active.length));
        }
        // SAFETY: the standard: that many bytes.
        let found = active.recover(&session.slot, unsafe { bytes(signature, signature_length) }?)?;
        let outcome = output.write(&found);
        if output.is_query() || outcome.is_err() {
            operations.verify_recover = Some(active);
        }
        outcome
    })
}
