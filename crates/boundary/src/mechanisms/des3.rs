//! Triple DES (SP 800-67): ECB, CBC, and CBC with padding. For what was encrypted long ago: a cluster of mode FIPS only
//! decrypts.
//!
//! A client that works in parts sends them as with AES.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};
use zeroize::Zeroizing;

use super::padding::{check_blocks, pad, unpad, wrong_padding};
use super::{Direction, internal, parameters};
use crate::ffi::Cipher;
use crate::{Error, Result};

const BLOCK: usize = 8;
/// Bytes of a key: three of DES.
pub const KEY_LENGTH: usize = 24;

/// Encrypts or decrypts.
pub fn crypt(
    key: &[u8],
    direction: Direction,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let (cipher, iv) = match mechanism {
        MechanismType::Des3Ecb => (Cipher::Des3Ecb, [0; BLOCK]),
        _ => (Cipher::Des3Cbc, parameters::iv(given)?),
    };
    let is_padded = mechanism == MechanismType::Des3CbcPad;
    if direction == Direction::Encrypt {
        let mut blocks = Zeroizing::new(Vec::with_capacity(data.len() + BLOCK));
        blocks.extend_from_slice(data);
        if is_padded {
            pad(&mut blocks, BLOCK);
        }
        check_blocks(blocks.len(), BLOCK, Rv::DATA_LEN_RANGE)?;
        return cipher
            .encrypt(key, &iv, &blocks)
            .map_err(|_| internal("the crypto library refused to encrypt"));
    }
    check_blocks(data.len(), BLOCK, Rv::ENCRYPTED_DATA_LEN_RANGE)?;
    if is_padded && data.is_empty() {
        return Err(Error::refused(Rv::ENCRYPTED_DATA_LEN_RANGE, "padded data has at least one block"));
    }
    let mut blocks =
        cipher.decrypt(key, &iv, data).map_err(|_| internal("the crypto library refused to decrypt"))?;
    if is_padded && !unpad(&mut blocks, BLOCK) {
        return Err(wrong_padding());
    }
    Ok(std::mem::take(&mut *blocks))
}

/// Gives every byte odd parity (FIPS 46-3), as others may expect it of a new key.
pub fn set_parity(key: &mut [u8]) {
    for byte in key {
        *byte = *byte & 0xFE | u8::from((*byte >> 1).count_ones().is_multiple_of(2));
    }
}

/// Whether a key is one of single DES: two neighbours of its three are the same, whatever their parity.
pub fn is_single(key: &[u8]) -> bool {
    let same = |left: &[u8], right: &[u8]| {
        left.iter().zip(right).fold(0, |difference, (left, right)| difference | (left ^ right) & 0xFE) == 0
    };
    let (first, rest) = key.split_at(key.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    same(first, second) | same(second, third)
}
