//! Decryption functions (PKCS #11 2.40 section 5.9). Init is local; the parts are in [`crate::cipher`].

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::Rv;
use strongroom_wire::tables::Function;

use crate::cipher::{Cipher, Direction, run_last, run_part, run_whole};
use crate::edge::{Input, Output, enter};
use crate::mechanism::Mechanism;

/// C_DecryptInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_DecryptInit", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.decrypt.take().is_some() {
            return Ok(());
        }
        if operations.decrypt.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Encrypt, session.slot.profile) }?;
        operations.decrypt = Some(Cipher::new(&session.slot, mechanism, key, Direction::Decrypt)?);
        Ok(())
    })
}

/// C_Decrypt.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Decrypt(
    session: CK_SESSION_HANDLE,
    encrypted: *mut CK_BYTE,
    encrypted_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_Decrypt", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: that many bytes; a length, and null or a buffer that long.
        let (encrypted, output) =
            unsafe { (Input::new(encrypted, encrypted_length), Output::new(data, data_length)) };
        let encrypted = encrypted.inspect_err(|_| operations.decrypt = None)?;
        let output = output.inspect_err(|_| operations.decrypt = None)?;
        run_whole(&mut operations.decrypt, &session.slot, &encrypted, &output)
    })
}

/// C_DecryptUpdate.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptUpdate(
    session: CK_SESSION_HANDLE,
    encrypted: *mut CK_BYTE,
    encrypted_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_DecryptUpdate", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: that many bytes; a length, and null or a buffer that long.
        let (encrypted, output) =
            unsafe { (Input::new(encrypted, encrypted_length), Output::new(data, data_length)) };
        let encrypted = encrypted.inspect_err(|_| operations.decrypt = None)?;
        let output = output.inspect_err(|_| operations.decrypt = None)?;
        run_part(&mut operations.decrypt, &session.slot, &encrypted, &output)
    })
}

/// C_DecryptFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptFinal(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_DecryptFinal", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(data, data_length) }.inspect_err(|_| operations.decrypt = None)?;
        run_last(&mut operations.decrypt, &session.slot, &output)
    })
}
