//! Message-based encryption functions (PKCS #11 3.2 section 5.9). What is under way is in [`crate::message_cipher`].

use cryptoki_sys::{
    CK_BYTE, CK_FLAGS, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CK_VOID_PTR,
    CKF_END_OF_MESSAGE,
};

use crate::cipher::Direction;
use crate::edge::{Input, Output, bounded, enter};
use crate::message_cipher::{MessageCipher, MessageParameters, active};

/// C_MessageEncryptInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageEncryptInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_MessageEncryptInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        if mechanism.is_null() && operations.message_encrypt.take().is_some() {
            return Ok(());
        }
        if operations.message_encrypt.is_some() {
            return Err(strongroom_wire::Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let begun = unsafe { MessageCipher::new(&session.slot, mechanism, key, Direction::Encrypt) }?;
        operations.message_encrypt = Some(begun);
        Ok(())
    })
}

/// C_EncryptMessage: a whole message.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptMessage(
    session: CK_SESSION_HANDLE,
    parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    encrypted: *mut CK_BYTE,
    encrypted_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_EncryptMessage", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let cipher = active(&mut operations.message_encrypt)?;
        // SAFETY: the standard: a parameter with its pointers, that many bytes twice, a length, and null or a buffer that
        // long.
        let (parameters, aad, data, output) = unsafe {
            (
                MessageParameters::read(cipher, parameter, parameter_length)?,
                bounded(aad, aad_length)?,
                Input::new(data, data_length)?,
                Output::new(encrypted, encrypted_length)?,
            )
        };
        cipher.whole(&session.slot, &parameters, aad, &data, &output)
    })
}

/// C_EncryptMessageBegin.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptMessageBegin(
    session: CK_SESSION_HANDLE,
    parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    aad: *mut CK_BYTE,
    aad_length: CK_ULONG,
) -> CK_RV {
    enter("C_EncryptMessageBegin", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let cipher = active(&mut operations.message_encrypt)?;
        // SAFETY: the standard: a parameter with its pointers, and that many bytes.
        let (_, aad) = unsafe {
            (MessageParameters::read(cipher, parameter, parameter_length)?, bounded(aad, aad_length)?)
        };
        cipher.begin(aad)
    })
}

/// C_EncryptMessageNext: of what fits one request it gives nothing but with the last part.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptMessageNext(
    session: CK_SESSION_HANDLE,
    parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    encrypted: *mut CK_BYTE,
    encrypted_length: *mut CK_ULONG,
    flags: CK_FLAGS,
) -> CK_RV {
    enter("C_EncryptMessageNext", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let cipher = active(&mut operations.message_encrypt)?;
        // SAFETY: the standard: a parameter with its pointers, that many bytes, a length, and null or a buffer that long.
        let (parameters, part, output) = unsafe {
            (
                MessageParameters::read(cipher, parameter, parameter_length)?,
                Input::new(data, data_length)?,
                Output::new(encrypted, encrypted_length)?,
            )
        };
        if flags & CKF_END_OF_MESSAGE == 0 {
            return cipher.part(&session.slot, &parameters, &part, &output);
        }
        cipher.last(&session.slot, &parameters, &part, &output)
    })
}

/// C_MessageEncryptFinal: also ends a message that has begun.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageEncryptFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_MessageEncryptFinal", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        active(&mut operations.message_encrypt)?;
        operations.message_encrypt = None;
        Ok(())
    })
}
