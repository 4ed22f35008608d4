//! AES-GCM, AES-CCM and AES-XTS over data of any length (ADR 0126): what is between a caller and an HSM, for both ways to
//! encrypt, with parts and with messages.
//!
//! Of an encryption more than one request goes to a stream as it comes, and ciphertext comes out as it is ready and as far
//! as the caller's buffer has room: a caller who gives each part a buffer of the part's length always gets on. So it is with
//! the decryption of AES-XTS, which has no tag. Of another decryption nothing may come out before the tag is checked: the HSM
//! sees the data twice, and its plaintext goes straight to the caller ([`crate::twice`]).

use strongroom_client::Stream;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Operation, Rv, codec};

use crate::edge::{Input, Output, Result, failure};
use crate::library::Slot;
use crate::twice::Twice;

/// The block of AES, and the shortest last part of what is done in blocks.
const BLOCK: usize = 16;

/// Data on its way.
#[derive(Debug, Default)]
pub struct LongData {
    /// Data that no HSM has.
    collected: Vec<u8>,
    /// What came back, of which so many bytes were given out.
    ready: Vec<u8>,
    given: usize,
    /// What has the data so far, and the IV where one was made for it.
    stream: Option<(Stream, Option<Vec<u8>>)>,
    /// What has so much of a ciphertext with a tag.
    twice: Option<Box<Twice>>,
    taken: usize,
}

/// What is done with data.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// `encrypt` or `decrypt`.
    pub operation: Operation,
    /// The mechanism that the stream is opened for.
    pub kind: MechanismType,
    /// The key's reference.
    pub key: u64,
    /// The mechanism's.
    pub parameters: Option<&'a MechanismParameters>,
    /// The most data of one request.
    pub request: usize,
    /// Bytes of the HSM's IV that stand in front of the ciphertext.
    pub iv_in_front: usize,
    /// Bytes of the tag that stands behind it.
    pub tag_length: usize,
}

impl LongData {
    /// How much data no HSM has.
    pub const fn collected(&self) -> usize {
        self.collected.len()
    }

    /// How much came of a ciphertext with a tag.
    pub const fn encrypted(&self) -> usize {
        self.taken + self.collected.len()
    }

    /// What can be given out.
    pub const fn waiting(&self) -> usize {
        self.ready.len() - self.given
    }

    /// Whether an HSM has data of it.
    pub const fn is_streamed(&self) -> bool {
        self.stream.is_some() || self.twice.is_some()
    }

    /// How much of so much data goes to the stream now: whole requests, and never the last bytes: of what is done in blocks
    /// never the last block.
    const fn ripe(length: usize, how: Task<'_>) -> usize {
        use MechanismType as M;
        let kept = if let M::AesXts | M::AesCbcPad | M::Des3CbcPad = how.kind { BLOCK } else { 1 };
        length.saturating_sub(kept) / how.request * how.request
    }

    /// What can be given out after so much more data.
    pub const fn ready_after(&self, more: usize, how: Task<'_>) -> usize {
        let ripe = Self::ripe(self.collected.len() + more, how);
        if ripe == 0 {
            self.waiting()
        } else if self.is_streamed() {
            self.waiting() + ripe
        } else {
            how.iv_in_front + ripe
        }
    }

    /// Takes data.
    pub fn add(&mut self, part: &Input) -> Result {
        self.collected.try_reserve(part.length()).map_err(|_| Rv::HOST_MEMORY)?;
        part.append_to(&mut self.collected);
        Ok(())
    }

    /// The data that no HSM has, for the caller to wipe.
    pub fn take_collected(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.collected)
    }

    /// A part that goes on as it comes and is not the last. Nothing is taken while the caller's buffer has too little room.
    pub fn pass_on(&mut self, slot: &Slot, how: Task<'_>, part: &Input, output: &Output) -> Result {
        let ready = self.ready_after(part.length(), how);
        // What came of a request may wait here, so that memory has a bound.
        let may_wait = how.request + how.iv_in_front;
        let is_too_small = ready.saturating_sub(output.capacity()) > may_wait;
        if (output.is_query() || is_too_small) && !output.has_room(ready)? {
            return Ok(());
        }
        self.add(part)?;
        self.send(slot, how, Self::ripe(self.collected.len(), how))?;
        let end = self.given + self.waiting().min(output.capacity());
        output.write(&self.ready[self.given..end])?;
        self.given = end;
        Ok(())
    }

    /// The rest, of an encryption with its tag behind it, and the IV where the HSM made one.
    pub fn finish(&mut self, slot: &Slot, how: Task<'_>) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
        self.send(slot, how, Self::ripe(self.collected.len(), how))?;
        if self.collected.len() > how.request {
            // More than a request and less than a request and a block: what is left for the end has a block at least.
            self.send(slot, how, (self.collected.len() - BLOCK) / BLOCK * BLOCK)?;
        }
        let Some((mut stream, iv)) = self.stream.take() else { return Err(Rv::GENERAL_ERROR.into()) };
        let mut rest = slot.client.finish_stream(&mut stream, &self.collected, None)?;
        self.take_ready(&rest);
        codec::wipe(&mut rest);
        Ok((std::mem::take(&mut self.ready), iv))
    }

    /// Gives so much of the data to the stream, which begins here.
    fn send(&mut self, slot: &Slot, how: Task<'_>, length: usize) -> Result {
        if length == 0 {
            return Ok(());
        }
        if self.stream.is_none() {
            let Task { operation, kind, key, parameters, .. } = how;
            let (stream, iv) = slot.client.open_stream(operation, key, kind, parameters)?;
            if iv.is_some() == parameters.is_some_and(|given| given.iv.is_some()) {
                return failure(Rv::DEVICE_ERROR, "the HSM made no IV, or one beside the caller's");
            }
            if let (1.., Some(iv)) = (how.iv_in_front, &iv) {
                self.take_ready(iv);
            }
            self.stream = Some((stream, iv));
        }
        let mut data = self.take_collected();
        self.collected.extend_from_slice(&data[length..]);
        let outcome = data[..length].chunks(how.request).try_for_each(|piece| {
            let Some((stream, _)) = &mut self.stream else { return Err(Rv::GENERAL_ERROR.into()) };
            let mut done = slot.client.update_stream(stream, piece)?;
            self.take_ready(&done);
            codec::wipe(&mut done); // the plaintext of a decryption
            Ok(())
        });
        codec::wipe(&mut data);
        outcome
    }

    /// Takes what came back.
    fn take_ready(&mut self, data: &[u8]) {
        self.ready.drain(..self.given);
        self.given = 0;
        self.ready.extend_from_slice(data);
    }

    /// Takes ciphertext whose tag comes last. What is more than a request goes to an HSM.
    pub fn take_encrypted(&mut self, slot: &Slot, how: Task<'_>, part: &Input) -> Result {
        for piece in part.pieces(how.request) {
            self.add(&piece)?;
            self.send_encrypted(slot, how)?;
        }
        Ok(())
    }

    /// Sends whole requests, and never the last bytes before the tag.
    fn send_encrypted(&mut self, slot: &Slot, how: Task<'_>) -> Result {
        let iv = if self.twice.is_some() { 0 } else { how.iv_in_front };
        if self.collected.len() > iv + how.request + how.tag_length {
            self.begin_twice(slot, how)?;
        }
        while self.collected.len() > how.request + how.tag_length {
            let Some(twice) = &mut self.twice else { break };
            twice.take(slot, &self.collected[..how.request])?;
            self.collected.drain(..how.request);
            self.taken += how.request;
        }
        Ok(())
    }

    fn begin_twice(&mut self, slot: &Slot, how: Task<'_>) -> Result {
        if self.twice.is_some() {
            return Ok(());
        }
        let mut parameters = how.parameters.cloned();
        if how.iv_in_front > 0
            && let Some(parameters) = &mut parameters
        {
            let iv: Vec<u8> = self.collected.drain(..how.iv_in_front.min(self.collected.len())).collect();
            self.taken += iv.len();
            parameters.iv = Some(iv);
        }
        let twice = Twice::begin(slot, how.operation, how.key, how.kind, parameters.as_ref())?;
        self.twice = Some(Box::new(twice));
        Ok(())
    }

    /// Gives the caller the plaintext of all that came, whose tag is last.
    pub fn reveal(&mut self, slot: &Slot, how: Task<'_>, output: &Output) -> Result {
        self.send_encrypted(slot, how)?;
        self.begin_twice(slot, how)?;
        let length = self.encrypted().checked_sub(how.iv_in_front + how.tag_length);
        let Some((length, twice)) = length.zip(self.twice.take()) else {
            return failure(Rv::ENCRYPTED_DATA_LEN_RANGE, "the data is shorter than its tag");
        };
        let (last, tag) = self.collected.split_at(self.collected.len() - how.tag_length);
        let mut given = 0;
        let outcome = twice.finish(slot, last, Some(tag), |plaintext| {
            output.write_at(given, plaintext)?;
            given += plaintext.len();
            Ok(())
        });
        let outcome = outcome.and_then(|()| match given {
            _ if given == length => Ok(()),
            _ => failure(Rv::DEVICE_ERROR, format!("the HSM gave {given} bytes of plaintext, not {length}")),
        });
        output.end(given, outcome)
    }
}

impl Drop for LongData {
    fn drop(&mut self) {
        codec::wipe(&mut self.collected);
        codec::wipe(&mut self.ready);
    }
}
