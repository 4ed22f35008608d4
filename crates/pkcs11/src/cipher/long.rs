//! AES-GCM over data of any length, by C_Encrypt, C_Decrypt and their parts: [`crate::long_gcm`]. What fits one request is
//! collected and sent as one, so that any HSM does it.

use strongroom_wire::{MechanismType, Rv, codec};

use super::{Cipher, Direction, Flow, active};
use crate::edge::{Input, Output, Result, failure};
use crate::library::Slot;
use crate::long_gcm::{Encryption, LongGcm};
use crate::mechanism::GCM_IV_LENGTH;

impl Cipher {
    /// The result's length after so much more data, which are the last.
    pub(super) fn long_length(&self, long: &LongGcm, more: usize) -> Result<usize> {
        let (own_iv, tag) = (self.own_iv_length(), self.tag_length());
        let length = long.collected() + more;
        if self.direction == Direction::Encrypt {
            let iv = if long.is_streamed() { 0 } else { own_iv };
            return Ok(long.waiting() + iv + length + tag);
        }
        match length.checked_sub(own_iv + tag) {
            Some(length) => Ok(length),
            None => failure(self.bad_length(), format!("{} does not take {length} bytes", self.kind.name())),
        }
    }

    /// How many bytes of IV stand in front of the ciphertext.
    fn own_iv_length(&self) -> usize {
        if self.kind == MechanismType::CloudhsmAesGcm { GCM_IV_LENGTH } else { 0 }
    }

    /// What is under way, and what it is encrypted with.
    fn long(&mut self) -> Result<(&mut LongGcm, Encryption<'_>)> {
        let iv_in_front = self.own_iv_length();
        let Flow::Long(long) = &mut self.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
        let parameters = self.parameters.as_ref();
        Ok((long, Encryption { key: self.key, parameters, request: self.largest_data, iv_in_front }))
    }

    /// All data at once, or the last.
    pub(super) fn long_last(&mut self, slot: &Slot, last: &Input) -> Result<Vec<u8>> {
        let direction = self.direction;
        let (long, how) = self.long()?;
        long.add(last)?;
        if !long.is_streamed() && long.collected() <= how.request {
            let mut data = long.take_collected();
            let result = self.gcm(slot, &data);
            codec::wipe(&mut data);
            return result;
        }
        if direction == Direction::Decrypt {
            return long.decrypt(slot, how.key, how.parameters.cloned(), how.iv_in_front);
        }
        let (rest, iv) = long.finish(slot, how)?;
        if let (Some(place), Some(iv)) = (self.iv_place, iv) {
            // SAFETY: the standard's caller keeps the parameter's buffers until the operation ends.
            unsafe { slot.hand_over(place, &iv) }?;
        }
        Ok(rest)
    }
}

/// C_EncryptUpdate and C_DecryptUpdate.
pub(super) fn run_part(place: &mut Option<Cipher>, slot: &Slot, part: &Input, output: &Output) -> Result {
    active(place)?.check_call(part.length()).inspect_err(|_| *place = None)?;
    let cipher = active(place)?;
    let is_decryption = cipher.direction == Direction::Decrypt;
    let (long, how) = cipher.long()?;
    let outcome = if is_decryption {
        if output.is_query() {
            return output.write(&[]);
        }
        long.add(part).and_then(|()| output.write(&[]))
    } else {
        long.encrypt_part(slot, how, part, output)
    };
    match &outcome {
        Ok(()) => cipher.is_multi_part |= !output.is_query(),
        Err(error) if error.rv == Rv::BUFFER_TOO_SMALL => {} // with more room the caller can go on
        Err(_) => *place = None,
    }
    outcome
}
