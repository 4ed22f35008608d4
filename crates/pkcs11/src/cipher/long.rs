//! AES-GCM over data of any length (ADR 0126). What fits one request is collected and sent as one, so that any HSM does it.
//!
//! Of an encryption more goes to a stream as it comes, and ciphertext comes out as it is ready and as far as the caller's
//! buffer has room: a caller who gives each part a buffer of the part's length always gets on. Of a decryption all is
//! collected, since nothing may come out before the tag is checked: the HSM sees it twice.

use strongroom_client::Stream;
use strongroom_wire::{MechanismType, Operation, Rv, codec};

use super::{Cipher, Direction, Flow, active};
use crate::edge::{Input, Output, Result, failure};
use crate::library::Slot;
use crate::mechanism::GCM_IV_LENGTH;

/// What is between the caller and the HSM.
#[derive(Debug, Default)]
pub(super) struct Long {
    /// Data that no HSM has.
    collected: Vec<u8>,
    /// Ciphertext, of which so many bytes were given out.
    ready: Vec<u8>,
    given: usize,
    /// What has the data so far, and the IV where one was made for it.
    stream: Option<(Stream, Option<Vec<u8>>)>,
}

impl Long {
    /// Ciphertext that can be given out.
    fn waiting(&self) -> usize {
        self.ready.len() - self.given
    }

    /// How much of so much data goes to the stream now: whole requests, and never the last.
    const fn ripe(length: usize, request: usize) -> usize {
        length.saturating_sub(1) / request * request
    }

    /// Takes ciphertext.
    fn take_ready(&mut self, data: &[u8]) {
        self.ready.drain(..self.given);
        self.given = 0;
        self.ready.extend_from_slice(data);
    }

    pub(super) fn wipe(&mut self) {
        codec::wipe(&mut self.collected);
        codec::wipe(&mut self.ready);
    }
}

impl Cipher {
    /// The result's length after so much more data, which are the last.
    pub(super) fn long_length(&self, long: &Long, more: usize) -> Result<usize> {
        let (own_iv, tag) = (self.own_iv_length(), self.tag_length());
        let length = long.collected.len() + more;
        if self.direction == Direction::Encrypt {
            let iv = if long.stream.is_some() { 0 } else { own_iv };
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

    /// What can be given out after so much more data.
    fn ready_after(&self, long: &Long, more: usize) -> usize {
        let ripe = Long::ripe(long.collected.len() + more, self.largest_data);
        match self.direction {
            Direction::Decrypt => 0,
            Direction::Encrypt if ripe == 0 => long.waiting(),
            Direction::Encrypt if long.stream.is_some() => long.waiting() + ripe,
            Direction::Encrypt => self.own_iv_length() + ripe,
        }
    }

    /// All data at once, or the last.
    pub(super) fn long_last(&mut self, slot: &Slot, last: &Input) -> Result<Vec<u8>> {
        let largest = self.largest_data;
        let Flow::Long(long) = &mut self.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
        long.collected.try_reserve(last.length()).map_err(|_| Rv::HOST_MEMORY)?;
        last.append_to(&mut long.collected);
        if long.stream.is_none() && long.collected.len() <= largest {
            let mut data = std::mem::take(&mut long.collected);
            let result = self.gcm(slot, &data);
            codec::wipe(&mut data);
            return result;
        }
        if self.direction == Direction::Decrypt {
            return self.decrypt_long(slot);
        }
        self.send(slot)?;
        let Flow::Long(long) = &mut self.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
        let Some((mut stream, iv)) = long.stream.take() else { return Err(Rv::GENERAL_ERROR.into()) };
        let rest = slot.client.finish_stream(&mut stream, &long.collected, None)?;
        long.take_ready(&rest);
        if let (Some(place), Some(iv)) = (self.iv_place, iv) {
            // SAFETY: the standard's caller keeps the parameter's buffers until the operation ends.
            unsafe { slot.hand_over(place, &iv) }?;
        }
        Ok(std::mem::take(&mut long.ready))
    }

    fn decrypt_long(&mut self, slot: &Slot) -> Result<Vec<u8>> {
        let own_iv = self.own_iv_length();
        let mut parameters = self.parameters.clone();
        let Flow::Long(long) = &mut self.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
        if own_iv > 0
            && let Some(parameters) = &mut parameters
        {
            parameters.iv = Some(long.collected.drain(..own_iv).collect());
        }
        slot.client.decrypt_long(self.key, parameters.as_ref(), &mut long.collected)?;
        Ok(std::mem::take(&mut long.collected))
    }

    /// Gives what is ripe of an encryption's data to the stream, which begins here.
    fn send(&mut self, slot: &Slot) -> Result {
        let (largest, has_own_iv) = (self.largest_data, self.own_iv_length() > 0);
        let Flow::Long(long) = &mut self.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
        let ripe = Long::ripe(long.collected.len(), largest);
        if ripe == 0 {
            return Ok(());
        }
        if long.stream.is_none() {
            let (parameters, kind) = (self.parameters.as_ref(), MechanismType::AesGcm);
            let (stream, iv) = slot.client.open_stream(Operation::Encrypt, self.key, kind, parameters)?;
            if iv.is_some() == parameters.is_some_and(|given| given.iv.is_some()) {
                return failure(Rv::DEVICE_ERROR, "the HSM made no IV, or one beside the caller's");
            }
            if let (true, Some(iv)) = (has_own_iv, &iv) {
                long.take_ready(iv);
            }
            long.stream = Some((stream, iv));
        }
        let data = std::mem::take(&mut long.collected);
        for piece in data[..ripe].chunks(largest) {
            let Some((stream, _)) = &mut long.stream else { return Err(Rv::GENERAL_ERROR.into()) };
            let encrypted = slot.client.update_stream(stream, piece)?;
            long.take_ready(&encrypted);
        }
        long.collected.extend_from_slice(&data[ripe..]);
        Ok(())
    }
}

/// C_EncryptUpdate and C_DecryptUpdate.
pub(super) fn run_part(place: &mut Option<Cipher>, slot: &Slot, part: &Input, output: &Output) -> Result {
    active(place)?.check_call(part.length()).inspect_err(|_| *place = None)?;
    let cipher = active(place)?;
    let Flow::Long(long) = &cipher.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
    let ready = cipher.ready_after(long, part.length());
    // Ciphertext of a request may wait here, so that memory has a bound.
    let may_wait = cipher.largest_data + cipher.own_iv_length();
    let is_too_small = ready.saturating_sub(output.capacity()) > may_wait;
    if (output.is_query() || is_too_small) && !output.has_room(ready)? {
        return Ok(());
    }
    cipher.is_multi_part = true;
    let Flow::Long(long) = &mut cipher.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
    if long.collected.try_reserve(part.length()).is_err() {
        *place = None;
        return Err(Rv::HOST_MEMORY.into());
    }
    part.append_to(&mut long.collected);
    if cipher.direction == Direction::Decrypt {
        return output.write(&[]);
    }
    cipher.send(slot).inspect_err(|_| *place = None)?;
    let Flow::Long(long) = &mut active(place)?.flow else { return Err(Rv::MECHANISM_INVALID.into()) };
    let end = long.given + long.waiting().min(output.capacity());
    output.write(&long.ready[long.given..end])?;
    long.given = end;
    Ok(())
}
