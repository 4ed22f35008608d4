//! AES-XTS (IEEE 1619, SP 800-38E) with two keys of AES-256: an operation is a data unit, its tweak the IV.

use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::{Direction, internal, parameters};
use crate::ffi::{Cipher, XtsStream};
use crate::{Error, Result};

/// Bytes of both keys.
pub const KEY_LENGTH: usize = 64;
/// The shortest data unit.
const BLOCK: usize = 16;
/// The longest, bytes: 2^20 blocks (SP 800-38E section 4).
const LONGEST_UNIT: u64 = (1 << 20) * BLOCK as u64;

/// Encrypts or decrypts.
pub fn crypt(
    key: &[u8],
    direction: Direction,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let tweak: [u8; BLOCK] = parameters::iv(given)?;
    if data.len() < BLOCK {
        return Err(bad_length(direction == Direction::Encrypt, TOO_SHORT));
    }
    if direction == Direction::Encrypt {
        return Cipher::Aes256Xts
            .encrypt(key, &tweak, data)
            .map_err(|_| internal("the crypto library refused to encrypt"));
    }
    let mut plaintext = Cipher::Aes256Xts
        .decrypt(key, &tweak, data)
        .map_err(|_| internal("the crypto library refused to decrypt"))?;
    Ok(std::mem::take(&mut *plaintext))
}

/// A data unit that comes in parts.
#[derive(Debug)]
pub struct DataUnit {
    context: XtsStream,
    encrypts: bool,
}

impl DataUnit {
    /// One way.
    pub fn new(key: &[u8], encrypts: bool, given: Option<&MechanismParameters>) -> Result<Self> {
        let tweak: [u8; BLOCK] = parameters::iv(given)?;
        Ok(Self { context: XtsStream::new(key, encrypts, &tweak)?, encrypts })
    }

    /// The other side of data before which there was so much: whole blocks, unless they are the last.
    pub fn update(&mut self, offset: u64, data: &[u8], is_last: bool) -> Result<Vec<u8>> {
        if data.len() < BLOCK {
            return Err(bad_length(self.encrypts, TOO_SHORT));
        }
        if !is_last && !data.len().is_multiple_of(BLOCK) {
            return Err(bad_length(self.encrypts, "parts before the last have whole blocks of 16 bytes"));
        }
        if offset.saturating_add(data.len() as u64) > LONGEST_UNIT {
            return Err(bad_length(self.encrypts, "a data unit has at most 2^20 blocks, 16 MiB"));
        }
        Ok(std::mem::take(&mut *self.context.update(data)?))
    }
}

const TOO_SHORT: &str = "a data unit, and the last part of one, has at least 16 bytes";

fn bad_length(encrypts: bool, text: &'static str) -> Error {
    let rv = if encrypts { Rv::DATA_LEN_RANGE } else { Rv::ENCRYPTED_DATA_LEN_RANGE };
    Error::refused(rv, text)
}

/// Whether both keys are the same: such a key is none (SP 800-38E; FIPS 140-3 IG C.I).
pub fn is_twice_the_same(key: &[u8]) -> bool {
    let (first, second) = key.split_at(key.len() / 2);
    first.iter().zip(second).fold(0, |difference, (first, second)| difference | (first ^ second)) == 0
}
