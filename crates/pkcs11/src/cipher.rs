//! Encryption and decryption under way, for both chapters: chaining and padding of parts are carried here, so that any
//! HSM can do any part. What an HSM must have whole, since nothing of it may come out before all of it is checked, is
//! collected up to the length of one request (ADR 0112), or goes to one HSM as a stream (ADR 0126).

mod long;

use cryptoki_sys::{CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_SECRET_KEY};
use strongroom_client::Profile;
use strongroom_client::counter::{self, BLOCK};
use strongroom_wire::messages::{CryptResponse, MechanismParameters, NO_PARAMETERS};
use strongroom_wire::{AttributeType, MechanismType, Operation, Rv, Template, codec};

use crate::edge::{Failure, Input, Output, Result, failure, in_parts, may_be_cut};
use crate::library::Slot;
use crate::long_data::LongData;
use crate::mechanism::{GCM_IV_LENGTH, IvPlace, Mechanism, block_length, check_key, modulus_length};
use crate::profile::{is_single_part, prepare};

/// PKCS #1 v1.5 padding takes at least so many bytes.
const PKCS1_OVERHEAD: usize = 11;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// C_Encrypt and its parts.
    Encrypt,
    /// C_Decrypt and its parts.
    Decrypt,
}

#[derive(Debug)]
enum Flow {
    /// One request: for all parts together, or without parts.
    Whole { collected: Vec<u8>, takes_parts: bool },
    /// AES-GCM, AES-CCM and AES-XTS of any length, and CBC with padding where the key is bound to that.
    Long(LongData),
    /// ECB (without chain) and CBC, in blocks of this length.
    Blocks { block: usize, chain: Option<Vec<u8>>, is_padded: bool, buffered: Vec<u8> },
    /// CTR: the counter block, how far into its key stream block the data is, and to where the counter has counted.
    Counter { block: [u8; BLOCK], bits: u32, offset: usize, counted: u128 },
}

/// One operation.
#[derive(Debug)]
pub struct Cipher {
    direction: Direction,
    key: u64,
    kind: MechanismType,
    parameters: Option<MechanismParameters>,
    iv_place: Option<IvPlace>,
    /// Length of an RSA key's modulus; 0 for AES.
    modulus_length: usize,
    largest_data: usize,
    /// The most data of one call.
    longest_call: usize,
    flow: Flow,
    is_multi_part: bool,
    /// A result whose length only the HSM could tell, kept until the caller's buffer is large enough.
    kept: Option<Vec<u8>>,
}

impl Cipher {
    /// Starts one.
    ///
    /// # Errors
    /// The codes of C_EncryptInit and C_DecryptInit.
    pub fn new(
        slot: &Slot,
        mut mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        direction: Direction,
    ) -> Result<Self> {
        let (usage, asymmetric) = match direction {
            Direction::Encrypt => (AttributeType::Encrypt, CKO_PUBLIC_KEY),
            Direction::Decrypt => (AttributeType::Decrypt, CKO_PRIVATE_KEY),
        };
        let key = slot.key_for(key, usage)?;
        let attributes = &key.view.attributes;
        check_key(mechanism.kind, attributes)?;
        let class: Option<CK_OBJECT_CLASS> = attributes.ulong(AttributeType::Class);
        let modulus_length = match class {
            Some(CKO_SECRET_KEY) => 0,
            Some(class) if class == asymmetric => modulus_length(attributes)?,
            _ => return failure(Rv::KEY_TYPE_INCONSISTENT, "the other half of the key pair is needed"),
        };
        if direction == Direction::Encrypt {
            choose_iv(slot, &mut mechanism, (key.reference, attributes))?;
        } else if mechanism.kind == MechanismType::AesGcm {
            slot.saw_decryption(key.reference, mechanism.parameters.as_ref());
        }
        check_gcm(&mechanism, direction)?;
        if direction == Direction::Encrypt {
            prepare(slot.profile, &mechanism)?;
        }
        Ok(Self {
            direction,
            key: key.reference,
            kind: mechanism.kind,
            flow: flow(&mechanism, slot.profile, attributes.allows(unpadded(mechanism.kind))),
            parameters: mechanism.parameters,
            iv_place: mechanism.iv_place,
            modulus_length,
            largest_data: slot.largest_data(),
            longest_call: slot.longest_call(mechanism.kind, direction == Direction::Encrypt),
            is_multi_part: false,
            kept: None,
        })
    }

    /// The result's length for the whole data, and whether that is exact or only the most.
    fn whole_length(&self, length: usize) -> Result<(usize, bool)> {
        let refused =
            || failure(self.bad_length(), format!("{} does not take {length} bytes", self.kind.name()));
        let tag = self.tag_length();
        let own_iv = if self.kind == MechanismType::CloudhsmAesGcm { GCM_IV_LENGTH } else { 0 };
        match (&self.flow, self.direction) {
            (Flow::Counter { .. }, _) => Ok((length, true)),
            (Flow::Long(long), _) => self.long_length(long, length),
            (Flow::Blocks { block, is_padded: false, .. }, _) if !length.is_multiple_of(*block) => refused(),
            (Flow::Blocks { is_padded: false, .. }, _) => Ok((length, true)),
            (Flow::Blocks { block, .. }, Direction::Encrypt) => Ok(((length / block + 1) * block, true)),
            (Flow::Blocks { block, .. }, Direction::Decrypt)
                if length == 0 || !length.is_multiple_of(*block) =>
            {
                refused()
            }
            (Flow::Blocks { .. }, Direction::Decrypt) => Ok((length, false)),
            (Flow::Whole { .. }, _) if length > self.largest_data => refused(),
            (Flow::Whole { .. }, Direction::Encrypt) if self.modulus_length > 0 => {
                let overhead = if self.kind == MechanismType::RsaX509 { 0 } else { PKCS1_OVERHEAD };
                let longest = self.modulus_length - overhead;
                if length > longest { refused() } else { Ok((self.modulus_length, true)) }
            }
            (Flow::Whole { .. }, Direction::Decrypt) if self.modulus_length > 0 => {
                if length == self.modulus_length {
                    Ok((length, self.kind == MechanismType::RsaX509))
                } else {
                    refused()
                }
            }
            (Flow::Whole { .. }, Direction::Encrypt) => Ok((own_iv + length + tag, true)),
            (Flow::Whole { .. }, Direction::Decrypt) if length < own_iv + tag => refused(),
            (Flow::Whole { .. }, Direction::Decrypt) => Ok((length - own_iv - tag, true)),
        }
    }

    /// Whether parts have results.
    const fn takes_parts(&self) -> bool {
        !matches!(self.flow, Flow::Whole { .. })
    }

    /// The refusal of parts: the code that clients expect for RSA, and AWS's for GCM (aws-cloudhsm.md 6.5).
    fn no_parts(&self) -> Result {
        let rv = if self.modulus_length > 0 { Rv::FUNCTION_NOT_SUPPORTED } else { Rv::MECHANISM_INVALID };
        failure(rv, format!("{} takes its data in one part", self.kind.name()))
    }

    /// Refuses more data in a call than the slot's profile takes.
    fn check_call(&self, length: usize) -> Result {
        if length > self.longest_call {
            let longest = self.longest_call;
            return failure(self.bad_length(), format!("one call takes at most {longest} bytes"));
        }
        Ok(())
    }

    /// Keeps a part until the last.
    fn collect(&mut self, part: &Input) -> Result {
        let longest = self.largest_data;
        match &mut self.flow {
            Flow::Whole { collected, takes_parts: true } if part.length() <= longest - collected.len() => {
                part.append_to(collected);
                Ok(())
            }
            Flow::Whole { takes_parts: true, .. } => {
                let text = format!("{} takes at most {longest} bytes in all its parts", self.kind.name());
                failure(self.bad_length(), text)
            }
            _ => self.no_parts(),
        }
    }

    const fn bad_length(&self) -> Rv {
        match self.direction {
            Direction::Encrypt => Rv::DATA_LEN_RANGE,
            Direction::Decrypt => Rv::ENCRYPTED_DATA_LEN_RANGE,
        }
    }

    fn tag_length(&self) -> usize {
        let bits = self.parameters.as_ref().and_then(|parameters| parameters.tag_bits).unwrap_or(0);
        usize::try_from(bits / 8).unwrap_or(0)
    }

    fn whole(&mut self, slot: &Slot, data: &[u8]) -> Result<Vec<u8>> {
        if !matches!(self.flow, Flow::Whole { .. }) {
            let mut result = self.stream(slot, data, true)?;
            result.shrink_to_fit();
            return Ok(result);
        }
        self.one_request(slot, data)
    }

    fn one_request(&self, slot: &Slot, data: &[u8]) -> Result<Vec<u8>> {
        match self.kind {
            MechanismType::AesGcm | MechanismType::CloudhsmAesGcm => self.gcm(slot, data),
            kind => Ok(self.request(slot, kind, self.parameters.as_ref(), data)?.data),
        }
    }

    fn last(&mut self, slot: &Slot) -> Result<Vec<u8>> {
        let Flow::Whole { collected, .. } = &mut self.flow else { return self.stream(slot, &[], true) };
        let mut data = std::mem::take(collected);
        let result = self.whole(slot, &data);
        codec::wipe(&mut data);
        result
    }

    fn gcm(&self, slot: &Slot, mut data: &[u8]) -> Result<Vec<u8>> {
        let mut parameters = self.parameters.clone();
        if self.kind == MechanismType::CloudhsmAesGcm
            && self.direction == Direction::Decrypt
            && let Some(parameters) = &mut parameters
        {
            let (iv, rest) = data.split_at(GCM_IV_LENGTH);
            parameters.iv = Some(iv.to_vec());
            data = rest;
        }
        let response = self.request(slot, MechanismType::AesGcm, parameters.as_ref(), data)?;
        if parameters.is_some_and(|given| given.iv.is_some()) {
            return Ok(response.data);
        }
        let Some(iv) = response.iv else { return failure(Rv::DEVICE_ERROR, "the HSM gave no IV") };
        match self.iv_place {
            Some(place) => {
                // SAFETY: the standard's caller keeps the parameter's buffers until the operation ends.
                unsafe { slot.hand_over(place, &iv) }?;
                Ok(response.data)
            }
            None => Ok([iv, response.data].concat()),
        }
    }

    /// The next part of a stream cipher, as far as it can be done; the rest is kept for the next part.
    fn stream(&mut self, slot: &Slot, data: &[u8], is_last: bool) -> Result<Vec<u8>> {
        match &mut self.flow {
            Flow::Whole { .. } | Flow::Long(_) => Err(Rv::MECHANISM_INVALID.into()),
            Flow::Counter { .. } => self.count(slot, data),
            Flow::Blocks { buffered, .. } => {
                buffered.extend_from_slice(data);
                let all = std::mem::take(buffered);
                let ready = if is_last { all.len() } else { self.ready(all.len()) };
                let result = self.blocks(slot, &all[..ready], is_last)?;
                if let Flow::Blocks { buffered, .. } = &mut self.flow {
                    *buffered = all[ready..].to_vec();
                }
                Ok(result)
            }
        }
    }

    /// How much of the buffered data can be done before the last part: with padding, the last block of a ciphertext
    /// must wait.
    fn ready(&self, buffered: usize) -> usize {
        match (&self.flow, self.direction) {
            (Flow::Blocks { block, is_padded: true, .. }, Direction::Decrypt) => {
                buffered.saturating_sub(1) / block * block
            }
            (Flow::Blocks { block, .. }, _) => buffered / block * block,
            _ => buffered,
        }
    }

    fn blocks(&mut self, slot: &Slot, data: &[u8], is_last: bool) -> Result<Vec<u8>> {
        let Flow::Blocks { block, chain, is_padded, .. } = &self.flow else {
            return Err(Rv::MECHANISM_INVALID.into());
        };
        let (block, mut chain, pads_now) = (*block, chain.clone(), *is_padded && is_last);
        let step = (self.largest_data / block * block).max(block);
        let mut result = Vec::with_capacity(data.len() + block);
        let mut rest = data;
        let mut is_first = true;
        while !rest.is_empty() || (is_first && pads_now) {
            is_first = false;
            let (part, tail) = rest.split_at(rest.len().min(step));
            rest = tail;
            let kind = if pads_now && rest.is_empty() { self.kind } else { unpadded(self.kind) };
            let parameters =
                chain.as_ref().map(|iv| MechanismParameters { iv: Some(iv.clone()), ..NO_PARAMETERS });
            let done = self.request(slot, kind, parameters.as_ref(), part)?.data;
            let link = if self.direction == Direction::Encrypt { &done[..] } else { part };
            if let (Some(chain), Some(last)) = (&mut chain, link.rchunks_exact(block).next()) {
                chain.copy_from_slice(last);
            }
            result.extend_from_slice(&done);
        }
        if let Flow::Blocks { chain: kept, .. } = &mut self.flow {
            *kept = chain;
        }
        Ok(result)
    }

    fn count(&mut self, slot: &Slot, data: &[u8]) -> Result<Vec<u8>> {
        let mut result = Vec::with_capacity(data.len());
        let step = (self.largest_data - BLOCK).max(BLOCK);
        for part in data.chunks(step) {
            let Flow::Counter { block, bits, offset, counted } = self.flow else {
                return Err(Rv::MECHANISM_INVALID.into());
            };
            let after = offset + part.len();
            let counted = counted.wrapping_add((after / BLOCK) as u128);
            if counter::comes_round(bits, counted.saturating_add(u128::from(after % BLOCK != 0))) {
                return failure(Rv::DATA_LEN_RANGE, "the counter would come round");
            }
            // Leading bytes that are dropped again bring the key stream to the place where the last part ended.
            let padded = [&[0; BLOCK][..offset], part].concat();
            let parameters = MechanismParameters {
                iv: Some(block.to_vec()),
                counter_bits: Some(u64::from(bits)),
                ..NO_PARAMETERS
            };
            let done = self.request(slot, MechanismType::AesCtr, Some(&parameters), &padded)?.data;
            result.extend_from_slice(done.get(offset..).unwrap_or(&[]));
            let block = counter::advance(block, bits, (after / BLOCK) as u128);
            self.flow = Flow::Counter { block, bits, offset: after % BLOCK, counted };
        }
        Ok(result)
    }

    fn request(
        &self,
        slot: &Slot,
        kind: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &[u8],
    ) -> Result<CryptResponse> {
        Ok(slot.client.crypt(self.operation(), self.key, kind, parameters, data)?)
    }

    const fn operation(&self) -> Operation {
        match self.direction {
            Direction::Encrypt => Operation::Encrypt,
            Direction::Decrypt => Operation::Decrypt,
        }
    }
}

/// Leaves the IV of a GCM encryption only where it is the caller's, and a place for it only where it is the HSM's.
fn choose_iv(slot: &Slot, mechanism: &mut Mechanism, (key, attributes): (u64, &Template)) -> Result {
    let Some(parameters) = &mut mechanism.parameters else { return Ok(()) };
    match mechanism.kind {
        MechanismType::AesGcm => parameters.iv = slot.chosen_iv(parameters.iv.take(), key, attributes)?,
        MechanismType::CloudhsmAesGcm => parameters.iv = None,
        _ => return Ok(()),
    }
    if parameters.iv.is_some() || mechanism.kind == MechanismType::CloudhsmAesGcm {
        mechanism.iv_place = None;
    }
    Ok(())
}

/// `CKM_AES_GCM` needs a place for the HSM's IV when it encrypts, and an IV when it decrypts.
fn check_gcm(mechanism: &Mechanism, direction: Direction) -> Result {
    if mechanism.kind != MechanismType::AesGcm {
        return Ok(());
    }
    let has_iv = mechanism.parameters.as_ref().is_some_and(|parameters| parameters.iv.is_some());
    match direction {
        Direction::Encrypt if !has_iv && mechanism.iv_place.is_none() => {
            failure(Rv::MECHANISM_PARAM_INVALID, "pIv must have room for the 12-byte IV that the HSM makes")
        }
        Direction::Decrypt if !has_iv => failure(Rv::MECHANISM_PARAM_INVALID, "pIv must hold the IV"),
        _ => Ok(()),
    }
}

/// `chains`: the key may do the blocks before the last as CBC without padding.
fn flow(mechanism: &Mechanism, profile: Profile, chains: bool) -> Flow {
    let kind = mechanism.kind;
    let iv = mechanism.parameters.as_ref().and_then(|parameters| parameters.iv.as_deref());
    let bits = mechanism.parameters.as_ref().and_then(|parameters| parameters.counter_bits).unwrap_or(128);
    match kind {
        MechanismType::AesCbcPad | MechanismType::Des3CbcPad if !chains => Flow::Long(LongData::default()),
        MechanismType::AesEcb
        | MechanismType::AesCbc
        | MechanismType::AesCbcPad
        | MechanismType::Des3Ecb
        | MechanismType::Des3Cbc
        | MechanismType::Des3CbcPad => Flow::Blocks {
            block: block_length(kind),
            chain: iv.map(<[u8]>::to_vec),
            is_padded: unpadded(kind) != kind,
            buffered: Vec::new(),
        },
        MechanismType::AesCtr => match iv.and_then(|iv| <[u8; BLOCK]>::try_from(iv).ok()) {
            Some(block) => {
                let bits = u32::try_from(bits).unwrap_or(128);
                Flow::Counter { block, bits, offset: 0, counted: counter::position(block, bits) }
            }
            None => whole(kind, profile),
        },
        _ if kind.is_stream() && !is_single_part(profile, kind) => Flow::Long(LongData::default()),
        _ => whole(kind, profile),
    }
}

fn whole(kind: MechanismType, profile: Profile) -> Flow {
    Flow::Whole { collected: Vec::new(), takes_parts: !is_single_part(profile, kind) }
}

/// What does the blocks before the last part: the mechanism without its padding.
const fn unpadded(kind: MechanismType) -> MechanismType {
    match kind {
        MechanismType::AesCbcPad => MechanismType::AesCbc,
        MechanismType::Des3CbcPad => MechanismType::Des3Cbc,
        _ => kind,
    }
}

fn active(place: &mut Option<Cipher>) -> Result<&mut Cipher> {
    place.as_mut().ok_or_else(|| Failure::from(Rv::OPERATION_NOT_INITIALIZED))
}

/// C_Encrypt and C_Decrypt. A length query and too small a buffer leave the operation active; all else ends it.
pub fn run_whole(place: &mut Option<Cipher>, slot: &Slot, data: &Input, output: &Output) -> Result {
    let cipher = active(place)?;
    if cipher.is_multi_part {
        return failure(Rv::OPERATION_ACTIVE, "a multi-part operation is under way");
    }
    if cipher.kept.is_none() {
        let checked = cipher.check_call(data.length()).and_then(|()| cipher.whole_length(data.length()));
        let (length, is_exact) = checked.inspect_err(|_| *place = None)?;
        if (is_exact || output.is_query()) && !output.has_room(length)? {
            return Ok(());
        }
        if let Some(outcome) = long::reveal(place, slot, data, output) {
            return outcome;
        }
        if active(place)?.takes_parts() && may_be_cut(data, output, length) {
            let step = active(place)?.largest_data;
            let outcome = in_parts(data, step, output, |piece, room| match piece.length() {
                0 => run_last(place, slot, room),
                _ => run_part(place, slot, piece, room),
            });
            *place = None;
            return outcome;
        }
        let cipher = active(place)?;
        let result = if matches!(cipher.flow, Flow::Long(_)) {
            cipher.long_last(slot, data)
        } else {
            cipher.whole(slot, &data.copied())
        };
        let result = result.inspect_err(|_| *place = None)?;
        active(place)?.kept = Some(result);
    }
    hand_over(place, output)
}

/// C_EncryptUpdate and C_DecryptUpdate.
pub fn run_part(place: &mut Option<Cipher>, slot: &Slot, part: &Input, output: &Output) -> Result {
    let cipher = active(place)?;
    let length = match &cipher.flow {
        Flow::Whole { takes_parts: false, .. } => {
            let refusal = cipher.no_parts();
            *place = None;
            return refusal;
        }
        Flow::Long(_) => return long::run_part(place, slot, part, output),
        Flow::Whole { .. } => 0,
        Flow::Counter { .. } => part.length(),
        Flow::Blocks { buffered, .. } => cipher.ready(buffered.len() + part.length()),
    };
    let is_collected = matches!(cipher.flow, Flow::Whole { .. });
    cipher.check_call(part.length()).inspect_err(|_| *place = None)?;
    let cipher = active(place)?;
    if !output.has_room(length)? {
        return Ok(());
    }
    cipher.is_multi_part = true;
    if is_collected {
        cipher.collect(part).inspect_err(|_| *place = None)?;
        return output.write(&[]);
    }
    let result = cipher.stream(slot, &part.copied(), false).inspect_err(|_| *place = None)?;
    output.write(&result)
}

/// C_EncryptFinal and C_DecryptFinal.
pub fn run_last(place: &mut Option<Cipher>, slot: &Slot, output: &Output) -> Result {
    let cipher = active(place)?;
    if cipher.kept.is_none() {
        let buffered = match &cipher.flow {
            Flow::Whole { takes_parts: false, .. } => {
                let refusal = cipher.no_parts();
                *place = None;
                return refusal;
            }
            Flow::Whole { collected, .. } => collected.len(),
            Flow::Long(_) | Flow::Counter { .. } => 0,
            Flow::Blocks { buffered, .. } => buffered.len(),
        };
        let is_stream = matches!(cipher.flow, Flow::Counter { .. });
        let (length, is_exact) = if is_stream {
            (0, true)
        } else {
            cipher.whole_length(buffered).inspect_err(|_| *place = None)?
        };
        if (is_exact || output.is_query()) && !output.has_room(length)? {
            return Ok(());
        }
        if let Some(outcome) = long::reveal(place, slot, &Input::none(), output) {
            return outcome;
        }
        let cipher = active(place)?;
        let result = if matches!(cipher.flow, Flow::Long(_)) {
            cipher.long_last(slot, &Input::none())
        } else {
            cipher.last(slot)
        };
        let result = result.inspect_err(|_| *place = None)?;
        active(place)?.kept = Some(result);
    }
    hand_over(place, output)
}

fn hand_over(place: &mut Option<Cipher>, output: &Output) -> Result {
    let kept = active(place)?.kept.as_deref().unwrap_or(&[]);
    output.write(kept)?;
    if !output.is_query() {
        *place = None;
    }
    Ok(())
}

impl Drop for Cipher {
    fn drop(&mut self) {
        self.kept.iter_mut().for_each(codec::wipe);
        match &mut self.flow {
            Flow::Blocks { buffered: data, .. } | Flow::Whole { collected: data, .. } => codec::wipe(data),
            Flow::Long(_) | Flow::Counter { .. } => {}
        }
    }
}
