//! Whole blocks, and the padding of PKCS #7 that makes them (RFC 5652 section 6.3; with blocks of 8 bytes that of PKCS #5).

use strongroom_wire::Rv;

use crate::{Error, Result};

/// Refuses what is not whole blocks.
pub fn check_blocks(length: usize, block: usize, rv: Rv) -> Result<()> {
    if length.is_multiple_of(block) {
        return Ok(());
    }
    Err(Error::refused(rv, format!("the data must be whole blocks of {block} bytes")))
}

/// Puts 1 to `block` bytes behind the data.
#[allow(clippy::cast_possible_truncation)] // a block is short
pub fn pad(data: &mut Vec<u8>, block: usize) {
    let padding = block - data.len() % block;
    data.resize(data.len() + padding, padding as u8);
}

/// Takes the padding off whole blocks, at least one, looking at the whole last block whatever it holds. False when the
/// padding is none.
pub fn unpad(blocks: &mut Vec<u8>, block: usize) -> bool {
    let last = &blocks[blocks.len() - block..];
    let padding = usize::from(last[block - 1]);
    let mut wrong = usize::from(padding == 0) | usize::from(padding > block);
    for (index, byte) in last.iter().rev().enumerate() {
        wrong |= usize::from(index < padding) & usize::from(usize::from(*byte) != padding);
    }
    if wrong != 0 {
        return false;
    }
    blocks.truncate(blocks.len() - padding);
    true
}

/// The refusal of what decrypts to a wrong padding.
pub fn wrong_padding() -> Error {
    Error::refused(
        Rv::ENCRYPTED_DATA_INVALID,
        "the data was not encrypted with this key and IV, or was altered",
    )
}
