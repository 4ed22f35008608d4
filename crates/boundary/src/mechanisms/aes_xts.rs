//! AES-XTS (IEEE 1619, SP 800-38E) with two keys of AES-256: a request is a data unit, its tweak the IV.

use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::{Direction, internal, parameters};
use crate::ffi::Cipher;
use crate::{Error, Result};

/// Bytes of both keys.
pub const KEY_LENGTH: usize = 64;
/// The shortest data unit.
const BLOCK: usize = 16;

/// Encrypts or decrypts.
pub fn crypt(
    key: &[u8],
    direction: Direction,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let tweak: [u8; BLOCK] = parameters::iv(given)?;
    if data.len() < BLOCK {
        let rv = match direction {
            Direction::Encrypt => Rv::DATA_LEN_RANGE,
            Direction::Decrypt => Rv::ENCRYPTED_DATA_LEN_RANGE,
        };
        return Err(Error::refused(rv, "a data unit has at least 16 bytes"));
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

/// Whether both keys are the same: such a key is none (SP 800-38E; FIPS 140-3 IG C.I).
pub fn is_twice_the_same(key: &[u8]) -> bool {
    let (first, second) = key.split_at(key.len() / 2);
    first.iter().zip(second).fold(0, |difference, (first, second)| difference | (first ^ second)) == 0
}
