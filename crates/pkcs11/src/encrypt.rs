//! Encryption functions (PKCS #11 2.40 section 5.8). Init is local; the parts are in [`crate::cipher`].

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::Rv;
use strongroom_wire::tables::Function;

use crate::cipher::{Cipher, Direction, run_last, run_part, run_whole};
use crate::edge::{Input, Output, enter};
use crate::mechanism::Mechanism;

/// C_EncryptInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_EncryptInit", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.encrypt.take().is_some() {
            return Ok(());
        }
        if operations.encrypt.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Encrypt, session.slot.profile) }?;
        operations.encrypt = Some(Cipher::new(&session.slot, mechanism, key, Direction::Encrypt)?);
        Ok(())
    })
}

/// C_Encrypt.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Encrypt(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    encrypted: *mut CK_BYTE,
    encrypted_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_Encrypt", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: that many bytes; a length, and null or a buffer that long.
        let (data, output) =
            unsafe { (Input::new(data, data_length), Output::new(encrypted, encrypted_length)) };
        let data = data.inspect_err(|_| operations.encrypt = None)?;
        let output = output.inspect_err(|_| operations.encrypt = None)?;
        run_whole(&mut operations.encrypt, &session.slot, &data, &output)
    })
}

/// C_EncryptUpdate.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    encrypted: *mut CK_BYTE,
    encrypted_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_EncryptUpdate", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: that many bytes; a length, and null or a buffer that long.
        let (data, output) =
            unsafe { (Input::new(data, data_length), Output::new(encrypted, encrypted_length)) };
        let data = data.inspect_err(|_| operations.encrypt = None)?;
        let output = output.inspect_err(|_| operations.encrypt = None)?;
        run_part(&mut operations.encrypt, &session.slot, &data, &output)
    })
}

/// C_EncryptFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptFinal(
    session: CK_SESSION_HANDLE,
    encrypted: *mut CK_BYTE,
    encrypted_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_EncryptFinal", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output =
            unsafe { Output::new(encrypted, encrypted_length) }.inspect_err(|_| operations.encrypt = None)?;
        run_last(&mut operations.encrypt, &session.slot, &output)
    })
}
