//! Message-based decryption functions (PKCS #11 3.2 section 5.11). What is under way is in [`crate::message_cipher`].

use cryptoki_sys::{
    CK_BYTE, CK_FLAGS, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CK_VOID_PTR,
    CKF_END_OF_MESSAGE,
};

use crate::cipher::Direction;
use crate::edge::{Input, Output, bounded, enter};
use crate::message_cipher::{MessageCipher, MessageParameters, active};

/// C_MessageDecryptInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageDecryptInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_MessageDecryptInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.message_decrypt.take().is_some() {
            return Ok(());
        }
        if operations.message_decrypt.is_some() {
            return Err(strongroom_wire::Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let begun = unsafe { MessageCipher::new(&session.slot, mechanism, key, Direction::Decrypt) }?;
        operations.message_decrypt = Some(begun);
        Ok(())
    })
}

/// C_DecryptMessage: a whole message.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptMessage(
    session: CK_SESSION_HANDLE,
    parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_length: CK_ULONG,
    encrypted: *mut CK_BYTE,
    encrypted_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_DecryptMessage", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let cipher = active(&mut operations.message_decrypt)?;
        // SAFETY: the standard: a parameter with its pointers, that many bytes twice, a length, and null or a buffer that
        // long.
        let (parameters, aad, data, output) = unsafe {
            (
                MessageParameters::read(cipher, parameter, parameter_length)?,
                bounded(aad, aad_length)?,
                Input::new(encrypted, encrypted_length)?,
                Output::new(data, data_length)?,
            )
        };
        cipher.whole(&session.slot, &parameters, aad, &data, &output)
    })
}

/// C_DecryptMessageBegin.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptMessageBegin(
    session: CK_SESSION_HANDLE,
    parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_length: CK_ULONG,
) -> CK_RV {
    enter("C_DecryptMessageBegin", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let cipher = active(&mut operations.message_decrypt)?;
        // SAFETY: the standard: a parameter with its pointers, and that many bytes.
        let (_, aad) = unsafe {
            (MessageParameters::read(cipher, parameter, parameter_length)?, bounded(aad, aad_length)?)
        };
        cipher.begin(aad)
    })
}

/// C_DecryptMessageNext: gives nothing but with the last part.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptMessageNext(
    session: CK_SESSION_HANDLE,
    parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    encrypted: *mut CK_BYTE,
    encrypted_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: *mut CK_ULONG,
    flags: CK_FLAGS,
) -> CK_RV {
    enter("C_DecryptMessageNext", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let cipher = active(&mut operations.message_decrypt)?;
        // SAFETY: the standard: a parameter with its pointers, that many bytes, a length, and null or a buffer that long.
        let (parameters, part, output) = unsafe {
            (
                MessageParameters::read(cipher, parameter, parameter_length)?,
                Input::new(encrypted, encrypted_length)?,
                Output::new(data, data_length)?,
            )
        };
        if flags & CKF_END_OF_MESSAGE == 0 {
            return cipher.part(&session.slot, &parameters, &part, &output);
        }
        cipher.last(&session.slot, &parameters, &part, &output)
    })
}

/// C_MessageDecryptFinal: also ends a message that has begun.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageDecryptFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_MessageDecryptFinal", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        active(&mut operations.message_decrypt)?;
        operations.message_decrypt = None;
        Ok(())
    })
}
