//! `encrypt` and `decrypt` by member names over more data than one request takes, with mechanisms that take no streams: as
//! requests, each with the IV or the counter block that follows from the one before it.

use strongroom_wire::messages::{CryptRequest, CryptResponse, MechanismParameters};
use strongroom_wire::{MechanismType, Operation, Rv};

use crate::counter::{self, BLOCK};
use crate::error::{Error, Result};

use super::Client;

/// What the next piece begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chain {
    /// ECB: nothing.
    Nothing,
    /// CBC: the last block of the ciphertext.
    Ciphertext,
    /// CTR: the next counter block.
    Counter,
}

impl Chain {
    /// That of a mechanism, if its data can be cut between blocks.
    pub(super) const fn of(mechanism: MechanismType) -> Option<Self> {
        use MechanismType as M;
        match mechanism {
            M::AesEcb | M::Des3Ecb => Some(Self::Nothing),
            M::AesCbc | M::Des3Cbc => Some(Self::Ciphertext),
            M::AesCtr => Some(Self::Counter),
            _ => None,
        }
    }

    /// Puts the next piece's IV into the parameters, which the HSM has taken for this one.
    fn follow(self, parameters: &mut MechanismParameters, ciphertext: &[u8]) {
        let bits = counter_bits(parameters);
        let Some(iv) = &mut parameters.iv else { return };
        match self {
            Self::Nothing => {}
            Self::Ciphertext => {
                if let Some(last) = ciphertext.rchunks_exact(iv.len().max(1)).next() {
                    iv.copy_from_slice(last);
                }
            }
            Self::Counter => {
                if let Ok(block) = <[u8; BLOCK]>::try_from(&iv[..]) {
                    *iv = counter::advance(block, bits, (ciphertext.len() / BLOCK) as u128).to_vec();
                }
            }
        }
    }
}

impl Client {
    /// Does it piece by piece; what a later piece is refused for has the whole refused.
    pub(super) fn crypt_in_pieces(
        &self,
        operation: Operation,
        mechanism: MechanismType,
        chain: Chain,
        request: CryptRequest,
        longest: usize,
    ) -> Result<CryptResponse> {
        let CryptRequest { key, mut parameters, data, .. } = request;
        check_counter(chain, parameters.as_ref(), data.len())?;
        let mut result = Vec::with_capacity(data.len());
        for piece in data.chunks((longest / BLOCK * BLOCK).max(BLOCK)) {
            let done = self.crypt(operation, key, mechanism, parameters.as_ref(), piece)?.data;
            if let Some(parameters) = &mut parameters {
                chain.follow(parameters, if operation == Operation::Encrypt { &done } else { piece });
            }
            result.extend_from_slice(&done);
        }
        Ok(CryptResponse { data: result, iv: None })
    }
}

/// The HSM refuses a counter that comes round in a piece; between two pieces it cannot see that.
fn check_counter(chain: Chain, parameters: Option<&MechanismParameters>, length: usize) -> Result<()> {
    let (Chain::Counter, Some(parameters)) = (chain, parameters) else { return Ok(()) };
    let (bits, blocks) = (counter_bits(parameters), length.div_ceil(BLOCK) as u128);
    let block = parameters.iv.as_deref().and_then(|iv| <[u8; BLOCK]>::try_from(iv).ok());
    let begins = block.map_or(0, |block| counter::position(block, bits));
    if counter::comes_round(bits, begins.saturating_add(blocks)) {
        let text = format!("a counter of {bits} bits would wrap around in this data");
        return Err(Error::local(Rv::DATA_LEN_RANGE, text));
    }
    Ok(())
}

/// What is no number of bits is the HSM's to refuse, with the first piece.
fn counter_bits(parameters: &MechanismParameters) -> u32 {
    parameters.counter_bits.and_then(|bits| u32::try_from(bits).ok()).filter(|bits| *bits > 0).unwrap_or(128)
}
