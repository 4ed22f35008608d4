//! CBC with padding over data of any length, with a key that is bound to it and not to CBC: with all other keys the client
//! chains (ADR 0123). Each step is what a request does, with the block that the one before ended with.

use std::sync::Arc;

use strongroom_wire::MechanismType;
use strongroom_wire::messages::MechanismParameters;

use super::streams::Purpose;
use super::{Direction, KeyHandle, NO_PARAMETERS, crypt, internal};
use crate::Result;

/// An encryption or a decryption under way.
#[derive(Debug)]
pub struct Padded {
    key: Arc<KeyHandle>,
    direction: Direction,
    mechanism: MechanismType,
    chain: Option<MechanismParameters>,
}

/// What does the blocks before the last data of a mechanism that pads; none for others.
pub const fn unpadded(mechanism: MechanismType) -> Option<MechanismType> {
    match mechanism {
        MechanismType::AesCbcPad => Some(MechanismType::AesCbc),
        MechanismType::Des3CbcPad => Some(MechanismType::Des3Cbc),
        _ => None,
    }
}

impl Padded {
    /// Starts one.
    pub fn new(
        key: Arc<KeyHandle>,
        purpose: Purpose,
        mechanism: MechanismType,
        given: Option<&MechanismParameters>,
    ) -> Self {
        let direction = if purpose == Purpose::Decrypt { Direction::Decrypt } else { Direction::Encrypt };
        Self { key, direction, mechanism, chain: given.cloned() }
    }

    /// The other side of whole blocks that are not the last.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`, `CKR_DATA_LEN_RANGE`, `CKR_ENCRYPTED_DATA_LEN_RANGE`.
    pub fn take(&mut self, data: &[u8]) -> Result<Vec<u8>> {
        let mechanism = unpadded(self.mechanism).ok_or_else(|| internal("a mechanism that does not pad"))?;
        let done = crypt(&self.key, self.direction, mechanism, self.chain.as_ref(), data)?.data;
        let encrypted = if self.direction == Direction::Encrypt { &done[..] } else { data };
        let length = self.chain.as_ref().and_then(|chain| chain.iv.as_ref()).map_or(0, Vec::len);
        if let Some(last) = encrypted.len().checked_sub(length) {
            self.chain = Some(MechanismParameters { iv: Some(encrypted[last..].to_vec()), ..NO_PARAMETERS });
        }
        Ok(done)
    }

    /// The other side of the last data.
    ///
    /// # Errors
    /// As [`Self::take`], and `CKR_ENCRYPTED_DATA_INVALID`.
    pub fn finish(self, data: &[u8]) -> Result<Vec<u8>> {
        Ok(crypt(&self.key, self.direction, self.mechanism, self.chain.as_ref(), data)?.data)
    }
}
