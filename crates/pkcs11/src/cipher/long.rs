//! What goes to one HSM as a stream when it is long, by C_Encrypt, C_Decrypt and their parts: [`crate::long_data`]. What fits
//! one request is collected and sent as one, so that any HSM does it.

use strongroom_wire::{MechanismType, Rv, codec};

use super::{Cipher, Direction, Flow, active, unpadded};
use crate::edge::{Input, Output, Result, failure};
use crate::library::Slot;
use crate::long_data::{LongData, Task};
use crate::mechanism::{GCM_IV_LENGTH, block_length};

impl Cipher {
    /// The result's length after so much more data, which are the last, and whether that is exact or only the most.
    pub(super) fn long_length(&self, long: &LongData, more: usize) -> Result<(usize, bool)> {
        let (own_iv, tag) = (self.own_iv_length(), self.tag_length());
        let length = long.encrypted() + more;
        let refused =
            || failure(self.bad_length(), format!("{} does not take {length} bytes", self.kind.name()));
        if let Some(block) = self.padded_block() {
            return match self.direction {
                Direction::Encrypt => Ok((long.waiting() + (length / block + 1) * block, true)),
                Direction::Decrypt if length == 0 || !length.is_multiple_of(block) => refused(),
                Direction::Decrypt => Ok((long.waiting() + length, false)),
            };
        }
        if self.passes_on() {
            if !long.is_streamed() && self.data_length().is_some_and(|said| said != length) {
                return refused();
            }
            let iv = if long.is_streamed() { 0 } else { own_iv };
            return Ok((long.waiting() + iv + length + tag, true));
        }
        match length.checked_sub(own_iv + tag) {
            Some(length) if self.data_length().is_none_or(|said| said == length) => Ok((length, true)),
            _ => refused(),
        }
    }

    /// The block of a mechanism that pads.
    fn padded_block(&self) -> Option<usize> {
        (unpadded(self.kind) != self.kind).then(|| block_length(self.kind))
    }

    /// Whether data go on as they come, and not after the last: what has no tag to check.
    fn passes_on(&self) -> bool {
        let has_no_tag = self.kind == MechanismType::AesXts || self.padded_block().is_some();
        self.direction == Direction::Encrypt || has_no_tag
    }

    /// The length of the plaintext, where the parameter says it.
    fn data_length(&self) -> Option<usize> {
        let length = self.parameters.as_ref().and_then(|parameters| parameters.data_length)?;
        Some(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// How many bytes of IV stand in front of the ciphertext.
    fn own_iv_length(&self) -> usize {
        if self.kind == MechanismType::CloudhsmAesGcm { GCM_IV_LENGTH } else { 0 }
    }

    /// What is under way, and what is done with it.
    fn long(&mut self) -> Result<(&mut LongData, Task<'_>)> {
        let operation = self.operation();
        let kind = match self.kind {
            MechanismType::CloudhsmAesGcm => MechanismType::AesGcm,
            kind => kind,
        };
        let (key, request) = (self.key, self.largest_data);
        let (iv_in_front, tag_length) = (self.own_iv_length(), self.tag_length());
        let Flow::Long(long) = &mut self.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
        let parameters = self.parameters.as_ref();
        Ok((long, Task { operation, kind, key, parameters, request, iv_in_front, tag_length }))
    }

    /// All data at once, or the last, but of what [`reveal`] does.
    pub(super) fn long_last(&mut self, slot: &Slot, last: &Input) -> Result<Vec<u8>> {
        let (long, how) = self.long()?;
        long.add(last)?;
        if !long.is_streamed() && long.collected() <= how.request {
            let mut data = long.take_collected();
            let result = self.one_request(slot, &data);
            codec::wipe(&mut data);
            return result;
        }
        let (rest, iv) = long.finish(slot, how)?;
        if let (Some(place), Some(iv)) = (self.iv_place, iv) {
            // SAFETY: the standard's caller keeps the parameter's buffers until the operation ends.
            unsafe { slot.hand_over(place, &iv) }?;
        }
        Ok(rest)
    }
}

/// The end of a decryption with a tag of more data than one request takes: plaintext goes straight to the caller, for which
/// there must be room. None for all else.
pub(super) fn reveal(
    place: &mut Option<Cipher>,
    slot: &Slot,
    last: &Input,
    output: &Output,
) -> Option<Result> {
    let cipher = place.as_mut()?;
    let Flow::Long(long) = &cipher.flow else { return None };
    let is_one = !long.is_streamed() && long.collected() + last.length() <= cipher.largest_data;
    if is_one || cipher.passes_on() {
        return None;
    }
    let outcome = cipher.long().and_then(|(long, how)| {
        long.take_encrypted(slot, how, last)?;
        long.reveal(slot, how, output)
    });
    *place = None;
    Some(outcome)
}

/// C_EncryptUpdate and C_DecryptUpdate.
pub(super) fn run_part(place: &mut Option<Cipher>, slot: &Slot, part: &Input, output: &Output) -> Result {
    active(place)?.check_call(part.length()).inspect_err(|_| *place = None)?;
    let cipher = active(place)?;
    let passes_on = cipher.passes_on();
    let (long, how) = cipher.long()?;
    let outcome = if passes_on {
        long.pass_on(slot, how, part, output)
    } else {
        if output.is_query() {
            return output.write(&[]);
        }
        long.take_encrypted(slot, how, part).and_then(|()| output.write(&[]))
    };
    match &outcome {
        Ok(()) => cipher.is_multi_part |= !output.is_query(),
        Err(error) if error.rv == Rv::BUFFER_TOO_SMALL => {} // with more room the caller can go on
        Err(_) => *place = None,
    }
    outcome
}
