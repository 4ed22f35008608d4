//! Message-based signing and MACing functions (PKCS #11 3.2 section 5.14): one Init, then any number of messages, each whole
//! or in parts. Each message is an operation like that of C_Sign (see [`crate::sign`]).

use cryptoki_sys::{
    CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG, CK_VOID_PTR,
};
use strongroom_client::Profile;
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, MechanismType, Rv};

use crate::edge::{Failure, Output, Result, bytes, enter, failure, size};
use crate::library::Slot;
use crate::mechanism::Mechanism;
use crate::profile::{LARGEST_CALL, offers};
use crate::sign::Signing;

/// C_MessageSignInit or C_MessageVerifyInit, until their Final.
#[derive(Debug)]
pub struct MessageSigning {
    mechanism: Mechanism,
    key: CK_OBJECT_HANDLE,
    usage: AttributeType,
    message: Option<Signing>,
}

/// What is under way.
pub fn active(place: &mut Option<MessageSigning>) -> Result<&mut MessageSigning> {
    place.as_mut().ok_or_else(|| Failure::from(Rv::OPERATION_NOT_INITIALIZED))
}

/// Whether a mechanism signs messages: GMAC does not, whose IV each message would have to bring.
pub fn signs_messages(profile: Profile, kind: MechanismType) -> bool {
    profile == Profile::Standard
        && offers(profile, kind)
        && kind.functions().contains(&Function::Sign)
        && kind != MechanismType::AesGmac
}

impl MessageSigning {
    /// Starts one.
    ///
    /// # Errors
    /// The codes of C_SignInit.
    ///
    /// # Safety
    /// `mechanism` is null or valid, with a parameter as the standard says for it.
    pub unsafe fn new(
        slot: &Slot,
        mechanism: *const CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        usage: AttributeType,
    ) -> Result<Self> {
        // SAFETY: by this function's contract.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Sign, slot.profile) }?;
        if !signs_messages(slot.profile, mechanism.kind) {
            return failure(
                Rv::MECHANISM_INVALID,
                format!("{} does not sign messages", mechanism.kind.name()),
            );
        }
        // What it refuses of the mechanism and the key is refused now.
        Signing::new(slot, mechanism.clone(), key, usage)?;
        Ok(Self { mechanism, key, usage, message: None })
    }

    /// A whole message.
    pub fn whole(&self, slot: &Slot) -> Result<Signing> {
        if self.message.is_some() {
            return failure(Rv::OPERATION_ACTIVE, "a message in parts is under way");
        }
        Signing::new(slot, self.mechanism.clone(), self.key, self.usage)
    }

    /// Starts a message in parts.
    pub fn begin(&mut self, slot: &Slot) -> Result {
        self.message = Some(self.whole(slot)?);
        Ok(())
    }

    /// The message in parts that is under way.
    pub fn begun(&mut self) -> Result<&mut Signing> {
        self.message.as_mut().ok_or_else(|| Failure::from(Rv::OPERATION_NOT_INITIALIZED))
    }

    /// A part that is not the last.
    pub fn part(&mut self, slot: &Slot, part: &[u8]) -> Result {
        let outcome = self.begun()?.update(slot, part);
        if outcome.is_err() {
            self.message = None;
        }
        outcome
    }

    /// Ends the message in parts.
    pub fn take(&mut self) -> Result<Signing> {
        self.message.take().ok_or_else(|| Failure::from(Rv::OPERATION_NOT_INITIALIZED))
    }
}

/// Data of a message, or a part of it.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn message_data<'a>(data: *const CK_BYTE, length: CK_ULONG) -> Result<&'a [u8]> {
    if size(length)? > LARGEST_CALL {
        return failure(Rv::DATA_LEN_RANGE, format!("one call takes at most {LARGEST_CALL} bytes"));
    }
    // SAFETY: by this function's contract.
    unsafe { bytes(data, length) }
}

/// No mechanism here has a parameter of its messages.
pub fn check_parameter(length: CK_ULONG) -> Result {
    if length == 0 {
        return Ok(());
    }
    failure(Rv::MECHANISM_PARAM_INVALID, "the messages of this mechanism have no parameter")
}

/// Begins what both Init functions begin, or ends it when there is no mechanism.
///
/// # Safety
/// The mechanism is null, or one with its parameter.
pub unsafe fn init(
    under_way: &mut Option<MessageSigning>,
    slot: &Slot,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    usage: AttributeType,
) -> Result {
    if mechanism.is_null() && under_way.take().is_some() {
        return Ok(());
    }
    if under_way.is_some() {
        return Err(Rv::OPERATION_ACTIVE.into());
    }
    // SAFETY: by this function's contract.
    *under_way = Some(unsafe { MessageSigning::new(slot, mechanism, key, usage) }?);
    Ok(())
}

/// C_MessageSignInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageSignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_MessageSignInit", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        // SAFETY: the standard: a mechanism with its parameter.
        unsafe { init(&mut operations.message_sign, &session.slot, mechanism, key, AttributeType::Sign) }
    })
}

/// C_SignMessage: a whole message.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignMessage(
    session: CK_SESSION_HANDLE,
    _parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_SignMessage", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let signing = active(&mut operations.message_sign)?;
        check_parameter(parameter_length)?;
        // SAFETY: the standard: that many bytes, a length, and null or a buffer that long.
        let (data, output) =
            unsafe { (message_data(data, data_length)?, Output::new(signature, signature_length)?) };
        let message = signing.whole(&session.slot)?;
        if !output.has_room(message.signature_length)? {
            return Ok(());
        }
        output.write(&message.sign(&session.slot, data)?)
    })
}

/// C_SignMessageBegin.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignMessageBegin(
    session: CK_SESSION_HANDLE,
    _parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
) -> CK_RV {
    enter("C_SignMessageBegin", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let signing = active(&mut operations.message_sign)?;
        check_parameter(parameter_length)?;
        signing.begin(&session.slot)
    })
}

/// C_SignMessageNext: the last part is the one with a place for the signature's length.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignMessageNext(
    session: CK_SESSION_HANDLE,
    _parameter: CK_VOID_PTR,
    parameter_length: CK_ULONG,
    part: *mut CK_BYTE,
    part_length: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_SignMessageNext", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let signing = active(&mut operations.message_sign)?;
        let expected = signing.begun()?.signature_length;
        check_parameter(parameter_length)?;
        // SAFETY: the standard: that many bytes.
        let part = unsafe { message_data(part, part_length) }?;
        if signature_length.is_null() {
            return signing.part(&session.slot, part);
        }
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(signature, signature_length) }?;
        if !output.has_room(expected)? {
            return Ok(());
        }
        output.write(&signing.take()?.sign(&session.slot, part)?)
    })
}

/// C_MessageSignFinal: also ends a message that has begun.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_MessageSignFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_MessageSignFinal", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        active(&mut operations.message_sign)?;
        operations.message_sign = None;
        Ok(())
    })
}
