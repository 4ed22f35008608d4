//! Data that one HSM takes twice, and that are kept meanwhile in bounded memory: ciphertext whose tag is checked before
//! plaintext comes, and the message of an Ed25519 signature (ADR 0126).

use strongroom_client::Stream;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Operation, codec};

use crate::edge::Result;
use crate::library::Slot;
use crate::spool::Spool;

/// Data on their way, which come in pieces of one length until the last.
#[derive(Debug)]
pub struct Twice {
    stream: Stream,
    /// Each piece with its mark behind it.
    pieces: Spool,
    /// Of a piece.
    length: usize,
}

impl Twice {
    /// Opens a stream.
    ///
    /// # Errors
    /// The HSM's refusal.
    pub fn begin(
        slot: &Slot,
        operation: Operation,
        key: u64,
        kind: MechanismType,
        parameters: Option<&MechanismParameters>,
    ) -> Result<Self> {
        let pieces = Spool::new()?;
        let (stream, _) = slot.client.open_stream(operation, key, kind, parameters)?;
        Ok(Self { stream, pieces, length: 0 })
    }

    /// Takes a piece that is not the last.
    pub fn take(&mut self, slot: &Slot, piece: &[u8]) -> Result {
        let mark = slot.client.update_stream(&mut self.stream, piece)?;
        self.length = piece.len();
        self.pieces.push(&[piece, &mark])
    }

    /// Takes the last piece, and the tag over all of them; hands over what comes back for each.
    pub fn finish(
        mut self,
        slot: &Slot,
        last: &[u8],
        tag: Option<&[u8]>,
        mut give: impl FnMut(&[u8]) -> Result,
    ) -> Result {
        let last_mark = slot.client.turn_stream(&mut self.stream, last, tag)?;
        for number in 0..self.pieces.count() {
            let mut record = self.pieces.read(number)?;
            let (piece, mark) = record.split_at(self.length.min(record.len()));
            let result = slot.client.repeat_stream(&mut self.stream, piece, mark, false);
            codec::wipe(&mut record);
            hand_over(result?, &mut give)?;
        }
        let result = slot.client.repeat_stream(&mut self.stream, last, &last_mark, true)?;
        hand_over(result, &mut give)
    }
}

fn hand_over(mut result: Vec<u8>, give: &mut impl FnMut(&[u8]) -> Result) -> Result {
    let outcome = give(&result);
    codec::wipe(&mut result);
    outcome
}
