//! Message-based encryption and decryption under way, for both chapters: AES-GCM and AES-CCM, each message with an IV and
//! a tag of its own, beside the data.
//!
//! A message has any length, as data in parts has (ADR 0126). No plaintext comes out before its tag is checked.

use cryptoki_sys::{
    CK_BYTE, CK_CCM_MESSAGE_PARAMS, CK_GCM_MESSAGE_PARAMS, CK_GENERATOR_FUNCTION, CK_MECHANISM,
    CK_OBJECT_HANDLE, CK_ULONG, CK_VOID_PTR, CKG_GENERATE, CKG_GENERATE_RANDOM, CKG_NO_GENERATE,
};
use strongroom_wire::messages::{MechanismParameters, NO_PARAMETERS, RandomRequest, RandomResponse};
use strongroom_wire::{AttributeType, MechanismType, Operation, Rv, codec};

use crate::cipher::Direction;
use crate::edge::{Failure, Input, Output, Result, bounded, failure, in_parts, may_be_cut, size, take};
use crate::library::Slot;
use crate::long_data::{LongData, Task};
use crate::mechanism::{GCM_IV_LENGTH, bad_parameter, check_key};
use crate::profile::LARGEST_CALL;

/// The longest tag, bytes.
const LONGEST_TAG: usize = 16;
/// The longest nonce of CCM, bytes.
const LONGEST_NONCE: usize = 13;

/// A message that has begun.
#[derive(Debug, Default)]
struct Message {
    aad: Vec<u8>,
    data: LongData,
    /// The first part's parameter, which a stream begins with.
    sent: Option<MechanismParameters>,
    /// A nonce of CCM that was made for the message.
    nonce: Option<Vec<u8>>,
}

/// C_MessageEncryptInit or C_MessageDecryptInit, until their Final.
#[derive(Debug)]
pub struct MessageCipher {
    direction: Direction,
    key: u64,
    kind: MechanismType,
    largest_data: usize,
    /// Whether the HSM takes an IV of the caller's for GCM encryption.
    takes_iv: bool,
    message: Option<Message>,
}

/// What is under way.
pub fn active(place: &mut Option<MessageCipher>) -> Result<&mut MessageCipher> {
    place.as_mut().ok_or_else(|| Failure::from(Rv::OPERATION_NOT_INITIALIZED))
}

/// Whether a mechanism does messages.
pub const fn takes_messages(kind: MechanismType) -> bool {
    matches!(kind, MechanismType::AesGcm | MechanismType::AesCcm)
}

impl MessageCipher {
    /// Starts one. The mechanism's parameter is checked, and not used: each message has one.
    ///
    /// # Errors
    /// The codes of C_MessageEncryptInit and C_MessageDecryptInit.
    ///
    /// # Safety
    /// `mechanism` is null or valid, with a parameter as the standard says for it.
    pub unsafe fn new(
        slot: &Slot,
        mechanism: *const CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        direction: Direction,
    ) -> Result<Self> {
        // SAFETY: by this function's contract.
        let mechanism = unsafe { take(mechanism) }?;
        let kind = MechanismType::from_code(mechanism.mechanism).filter(|kind| takes_messages(*kind));
        let Some(kind) = kind else {
            return failure(Rv::MECHANISM_INVALID, "only AES-GCM and AES-CCM take messages");
        };
        let usage = match direction {
            Direction::Encrypt => AttributeType::Encrypt,
            Direction::Decrypt => AttributeType::Decrypt,
        };
        let key = slot.key_for(key, usage)?;
        let cipher = Self {
            direction,
            key: key.reference,
            kind,
            largest_data: slot.largest_data(),
            takes_iv: slot.takes_iv(&key.view.attributes),
            message: None,
        };
        // SAFETY: by this function's contract.
        unsafe { MessageParameters::read(&cipher, mechanism.pParameter, mechanism.ulParameterLen) }?;
        check_key(kind, &key.view.attributes)?;
        Ok(cipher)
    }

    /// A whole message.
    pub fn whole(
        &mut self,
        slot: &Slot,
        parameters: &MessageParameters,
        aad: &[u8],
        data: &Input,
        output: &Output,
    ) -> Result {
        if self.message.is_some() {
            return failure(Rv::OPERATION_ACTIVE, "a message in parts is under way");
        }
        self.check_length(data.length())?;
        if !output.has_room(data.length())? {
            return Ok(());
        }
        if self.direction == Direction::Encrypt && may_be_cut(data, output, data.length()) {
            self.begin(aad)?;
            let step = self.largest_data;
            let outcome = in_parts(data, step, output, |piece, room| match piece.length() {
                0 => self.last(slot, parameters, piece, room),
                _ => self.part(slot, parameters, piece, room),
            });
            self.message = None;
            return outcome;
        }
        let mut message = Message { aad: aad.to_vec(), ..Message::default() };
        self.take(slot, parameters, &mut message, data)?;
        self.finish(slot, parameters, message, output)
    }

    /// Starts a message in parts.
    pub fn begin(&mut self, aad: &[u8]) -> Result {
        if self.message.is_some() {
            return failure(Rv::OPERATION_ACTIVE, "a message in parts is under way");
        }
        self.message = Some(Message { aad: aad.to_vec(), ..Message::default() });
        Ok(())
    }

    /// A part that is not the last. Ciphertext comes out as far as it is ready and there is room.
    pub fn part(
        &mut self,
        slot: &Slot,
        parameters: &MessageParameters,
        part: &Input,
        output: &Output,
    ) -> Result {
        self.begun()?;
        self.check_length(part.length()).inspect_err(|_| self.message = None)?;
        if self.direction == Direction::Decrypt {
            if !output.has_room(0)? {
                return Ok(());
            }
            let Some(mut message) = self.message.take() else {
                return Err(Rv::OPERATION_NOT_INITIALIZED.into());
            };
            self.take(slot, parameters, &mut message, part)?;
            self.message = Some(message);
            return output.write(&[]);
        }
        let task = self.task(parameters);
        let message = self.begun()?;
        if message.sent.is_none() {
            message.sent = Some(message.parameters(slot, parameters)?);
        }
        let how = Task { parameters: message.sent.as_ref(), ..task };
        let outcome = message.data.pass_on(slot, how, part, output);
        // With more room the caller can go on.
        outcome.inspect_err(|error| {
            if error.rv != Rv::BUFFER_TOO_SMALL {
                self.message = None;
            }
        })
    }

    /// The last part.
    pub fn last(
        &mut self,
        slot: &Slot,
        parameters: &MessageParameters,
        part: &Input,
        output: &Output,
    ) -> Result {
        let data = &self.begun()?.data;
        let before = data.waiting().saturating_add(data.encrypted());
        self.check_length(part.length()).inspect_err(|_| self.message = None)?;
        if !output.has_room(before.saturating_add(part.length()))? {
            return Ok(());
        }
        let Some(mut message) = self.message.take() else {
            return Err(Rv::OPERATION_NOT_INITIALIZED.into());
        };
        self.take(slot, parameters, &mut message, part)?;
        self.finish(slot, parameters, message, output)
    }

    fn begun(&mut self) -> Result<&mut Message> {
        self.message.as_mut().ok_or_else(|| Failure::from(Rv::OPERATION_NOT_INITIALIZED))
    }

    /// What is done with data, but for the message's parameter.
    const fn task(&self, parameters: &MessageParameters) -> Task<'static> {
        let (kind, key, request, tag_length) =
            (self.kind, self.key, self.largest_data, parameters.tag.length);
        let operation = match self.direction {
            Direction::Encrypt => Operation::Encrypt,
            Direction::Decrypt => Operation::Decrypt,
        };
        Task { operation, kind, key, parameters: None, request, iv_in_front: 0, tag_length }
    }

    /// Takes data of a message. Ciphertext goes to an HSM when it is more than a request.
    fn take(
        &self,
        slot: &Slot,
        parameters: &MessageParameters,
        message: &mut Message,
        data: &Input,
    ) -> Result {
        if self.direction == Direction::Encrypt {
            return message.data.add(data);
        }
        if message.sent.is_none() {
            message.sent = Some(message.parameters(slot, parameters)?);
        }
        let how = Task { parameters: message.sent.as_ref(), ..self.task(parameters) };
        message.data.take_encrypted(slot, how, data)
    }

    /// Refuses more data in a call than any takes.
    fn check_length(&self, length: usize) -> Result {
        if length <= LARGEST_CALL {
            return Ok(());
        }
        let rv = match self.direction {
            Direction::Encrypt => Rv::DATA_LEN_RANGE,
            Direction::Decrypt => Rv::ENCRYPTED_DATA_LEN_RANGE,
        };
        failure(rv, format!("one call of {} takes at most {LARGEST_CALL} bytes", self.kind.name()))
    }

    /// The end of a message of which all data are there, or with an HSM.
    fn finish(
        &self,
        slot: &Slot,
        parameters: &MessageParameters,
        mut message: Message,
        output: &Output,
    ) -> Result {
        let tag = if self.direction == Direction::Decrypt { parameters.tag.length } else { 0 };
        let sent = message.parameters(slot, parameters)?;
        if !message.data.is_streamed() {
            let length = message.data.collected();
            if sent.data_length.is_some_and(|said| said != length as u64) {
                return failure(Rv::MECHANISM_PARAM_INVALID, "ulDataLen is not the message's length");
            }
            if length + tag <= self.largest_data {
                let mut data = message.data.take_collected();
                let outcome = self.run(slot, parameters, &sent, &data, output);
                codec::wipe(&mut data);
                return outcome;
            }
        }
        if message.data.is_streamed() && message.sent.as_ref() != Some(&sent) {
            let text =
                "the last part of a message must have the parameter of its first: the same IV and tag length";
            return failure(Rv::MECHANISM_PARAM_INVALID, text);
        }
        let how = Task { parameters: Some(&sent), ..self.task(parameters) };
        if self.direction == Direction::Decrypt {
            // SAFETY: the parameter was read in this call.
            message.data.add(&unsafe { parameters.tag_to_read() }?)?;
            return message.data.reveal(slot, how, output).map_err(of_messages);
        }
        let (rest, iv) = message.data.finish(slot, how)?;
        let (encrypted, tag) = parameters.split(&rest)?;
        output.write(encrypted)?;
        parameters.hand_over(iv.as_deref().or(sent.iv.as_deref()), tag)
    }

    fn run(
        &self,
        slot: &Slot,
        parameters: &MessageParameters,
        sent: &MechanismParameters,
        data: &[u8],
        output: &Output,
    ) -> Result {
        if self.direction == Direction::Decrypt {
            // SAFETY: the parameter was read in this call.
            let tag = unsafe { parameters.tag() }?;
            let data = [data, tag].concat();
            let found = slot.client.crypt(Operation::Decrypt, self.key, self.kind, Some(sent), &data);
            return give_plaintext(found.map(|response| response.data).map_err(Failure::from), output);
        }
        let made = slot.client.crypt(Operation::Encrypt, self.key, self.kind, Some(sent), data)?;
        let (encrypted, tag) = parameters.split(&made.data)?;
        output.write(encrypted)?;
        parameters.hand_over(made.iv.as_deref().or(sent.iv.as_deref()), tag)
    }
}

impl Message {
    /// What a request carries of a call's parameter.
    fn parameters(&mut self, slot: &Slot, parameters: &MessageParameters) -> Result<MechanismParameters> {
        let mut sent = parameters.sent(&self.aad);
        if let (Some(_), Some(place)) = (sent.data_length, &parameters.iv_place) {
            // The HSM takes the nonce of CCM from its caller, and gives the random bytes for it.
            let nonce = match self.nonce.take() {
                Some(nonce) if nonce.len() == place.length => nonce,
                _ => random(slot, place.length)?,
            };
            sent.iv = Some(nonce.clone());
            self.nonce = Some(nonce);
        }
        Ok(sent)
    }
}

/// The code for messages that says that the tag is not right.
fn of_messages(error: Failure) -> Failure {
    match error.rv {
        Rv::ENCRYPTED_DATA_INVALID => Failure { rv: Rv::AEAD_DECRYPT_FAILED, ..error },
        _ => error,
    }
}

/// Gives the caller plaintext.
fn give_plaintext(found: Result<Vec<u8>>, output: &Output) -> Result {
    let mut plaintext = found.map_err(of_messages)?;
    let outcome = output.write(&plaintext);
    codec::wipe(&mut plaintext);
    outcome
}

/// A buffer of the caller's in a parameter.
#[derive(Debug)]
struct Place {
    place: *mut CK_BYTE,
    length: usize,
}

impl Place {
    fn write(&self, value: &[u8]) -> Result {
        if value.len() != self.length {
            return failure(Rv::DEVICE_ERROR, "the HSM gave an IV or a tag of a wrong length");
        }
        // SAFETY: checked by `MessageParameters::read` in this call: not null, and that long.
        unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), self.place, value.len()) };
        Ok(())
    }
}

/// The parameter of a message: not longer than the call that passed it.
#[derive(Debug)]
pub struct MessageParameters {
    /// The caller's IV or nonce; none where the HSM makes it.
    iv: Option<Vec<u8>>,
    iv_place: Option<Place>,
    tag: Place,
    /// The message's length, where the parameter says it: that of AES-CCM does.
    data_length: Option<u64>,
}

impl MessageParameters {
    /// Reads one.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`: also for an IV of the caller's in a GCM encryption whose IV the HSM must make.
    ///
    /// # Safety
    /// `parameter` is null or valid for its length, and its pointers for theirs, until the call ends.
    pub unsafe fn read(cipher: &MessageCipher, parameter: CK_VOID_PTR, length: CK_ULONG) -> Result<Self> {
        // SAFETY: by this function's contract.
        unsafe { Self::read_for(cipher.kind, cipher.direction, cipher.takes_iv, parameter, length) }
    }

    /// As a request carries them.
    pub fn sent(&self, aad: &[u8]) -> MechanismParameters {
        MechanismParameters {
            iv: self.iv.clone(),
            aad: Some(aad.to_vec()),
            tag_bits: Some(8 * self.tag.length as u64),
            data_length: self.data_length,
            ..NO_PARAMETERS
        }
    }

    /// What was encrypted, and its tag.
    pub fn split<'a>(&self, made: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
        match made.len().checked_sub(self.tag.length) {
            Some(length) => Ok(made.split_at(length)),
            None => failure(Rv::DEVICE_ERROR, "the HSM gave no tag"),
        }
    }

    /// Gives the caller the tag, and the IV where the HSM made it.
    pub fn hand_over(&self, iv: Option<&[u8]>, tag: &[u8]) -> Result {
        if let Some(place) = &self.iv_place {
            place.write(iv.unwrap_or_default())?;
        }
        self.tag.write(tag)
    }

    /// The caller's tag.
    ///
    /// # Safety
    /// The parameter that this was read from is still valid.
    pub unsafe fn tag(&self) -> Result<&[u8]> {
        // SAFETY: not null and that long, by `read_for` and this function's contract.
        unsafe { bounded(self.tag.place, self.tag.length as CK_ULONG) }
    }

    /// The caller's tag, as data to take.
    ///
    /// # Safety
    /// As [`Self::tag`].
    unsafe fn tag_to_read(&self) -> Result<Input> {
        // SAFETY: by this function's contract.
        unsafe { Input::new(self.tag.place, self.tag.length as CK_ULONG) }
    }

    /// Reads one for a mechanism.
    ///
    /// # Errors
    /// As [`Self::read`].
    ///
    /// # Safety
    /// As [`Self::read`].
    pub unsafe fn read_for(
        kind: MechanismType,
        direction: Direction,
        takes_iv: bool,
        parameter: CK_VOID_PTR,
        length: CK_ULONG,
    ) -> Result<Self> {
        // SAFETY: by this function's contract.
        unsafe {
            match kind {
                MechanismType::AesGcm => Self::gcm(read(parameter, length)?, direction, takes_iv),
                _ => Self::ccm(read(parameter, length)?, direction),
            }
        }
    }

    /// # Safety
    /// The parameter's pointers are valid for their lengths.
    unsafe fn gcm(parameters: CK_GCM_MESSAGE_PARAMS, direction: Direction, takes_iv: bool) -> Result<Self> {
        if !parameters.ulTagBits.is_multiple_of(8) {
            return bad_parameter();
        }
        let tag = place(parameters.pTag, parameters.ulTagBits / 8, LONGEST_TAG)?;
        if direction == Direction::Decrypt || takes_iv && parameters.ivGenerator == CKG_NO_GENERATE {
            // SAFETY: by this function's contract.
            let iv = unsafe { bounded(parameters.pIv, parameters.ulIvLen) }?;
            return Ok(Self { iv: Some(iv.to_vec()), iv_place: None, tag, data_length: None });
        }
        let generators: [CK_GENERATOR_FUNCTION; 2] = [CKG_GENERATE, CKG_GENERATE_RANDOM];
        if !generators.contains(&parameters.ivGenerator) || parameters.ulIvFixedBits != 0 {
            return failure(
                Rv::MECHANISM_PARAM_INVALID,
                "the HSM makes the whole IV here: ivGenerator must be CKG_GENERATE or CKG_GENERATE_RANDOM, \
                 ulIvFixedBits 0",
            );
        }
        let iv = place(parameters.pIv, parameters.ulIvLen, GCM_IV_LENGTH)?;
        if iv.length != GCM_IV_LENGTH {
            return failure(Rv::MECHANISM_PARAM_INVALID, "the HSM makes an IV of 12 bytes");
        }
        Ok(Self { iv: None, iv_place: Some(iv), tag, data_length: None })
    }

    /// # Safety
    /// The parameter's pointers are valid for their lengths.
    unsafe fn ccm(parameters: CK_CCM_MESSAGE_PARAMS, direction: Direction) -> Result<Self> {
        let tag = place(parameters.pMAC, parameters.ulMACLen, LONGEST_TAG)?;
        let data_length = Some(parameters.ulDataLen);
        if direction == Direction::Encrypt && parameters.nonceGenerator != CKG_NO_GENERATE {
            let generators: [CK_GENERATOR_FUNCTION; 2] = [CKG_GENERATE, CKG_GENERATE_RANDOM];
            if !generators.contains(&parameters.nonceGenerator) || parameters.ulNonceFixedBits != 0 {
                return failure(
                    Rv::MECHANISM_PARAM_INVALID,
                    "the nonce is the caller's or random: nonceGenerator must be CKG_NO_GENERATE, CKG_GENERATE or \
                     CKG_GENERATE_RANDOM, ulNonceFixedBits 0",
                );
            }
            let nonce = place(parameters.pNonce, parameters.ulNonceLen, LONGEST_NONCE)?;
            return Ok(Self { iv: None, iv_place: Some(nonce), tag, data_length });
        }
        // SAFETY: by this function's contract.
        let nonce = unsafe { bounded(parameters.pNonce, parameters.ulNonceLen) }?;
        Ok(Self { iv: Some(nonce.to_vec()), iv_place: None, tag, data_length })
    }
}

/// # Safety
/// `parameter` is null or valid for its length.
unsafe fn read<T: Copy>(parameter: CK_VOID_PTR, length: CK_ULONG) -> Result<T> {
    if parameter.is_null() || size(length)? != size_of::<T>() {
        return bad_parameter();
    }
    // SAFETY: the length was checked.
    unsafe { take(parameter.cast::<T>()) }
}

fn random(slot: &Slot, length: usize) -> Result<Vec<u8>> {
    let response: RandomResponse =
        slot.client.call(Operation::Random, &RandomRequest { length: length as u64 })?;
    Ok(response.data.0.to_vec())
}

fn place(place: *mut CK_BYTE, length: CK_ULONG, longest: usize) -> Result<Place> {
    let length = size(length)?;
    if place.is_null() || length == 0 || length > longest {
        return bad_parameter();
    }
    Ok(Place { place, length })
}
