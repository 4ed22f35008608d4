//! RSA PKCS #1 v1.5 (RFC 8017 sections 7.2 and 8.2).
//!
//! Decryption rejects implicitly: a block with wrong padding decrypts to bytes that depend on key and ciphertext only
//! and look random (as in draft-irtf-cfrg-rsa-guidance), so that neither the code nor the time tells an attacker
//! whether the padding was right.

use std::hint::black_box;

use aws_lc_rs::hmac;
use strongroom_wire::{MechanismType, Rv};
use zeroize::Zeroizing;

use super::handle::RsaHandle;
use super::{Direction, digest, hash_of};
use crate::ffi::Hash;
use crate::{Error, Result};

/// Padding and separators around the data: 0, 2, eight random bytes, 0.
const OVERHEAD: usize = 11;

/// Signs what the client made (`CKM_RSA_PKCS`), or digests and signs.
pub fn sign(key: &RsaHandle, mechanism: MechanismType, data: &[u8]) -> Result<Vec<u8>> {
    let block = block(mechanism, data)?;
    check_block(key, &block)?;
    Ok(key.key.sign_pkcs1(&block)?)
}

/// The inverse of [`sign`].
pub fn verify(key: &RsaHandle, mechanism: MechanismType, data: &[u8], signature: &[u8]) -> Result<()> {
    let block = block(mechanism, data)?;
    check_block(key, &block)?;
    check_signature_length(key, signature)?;
    key.key.verify_pkcs1(&block, signature).map_err(|_| signature_invalid())
}

/// The data in a signature whose padding is right.
pub fn recover(key: &RsaHandle, signature: &[u8]) -> Result<Vec<u8>> {
    check_signature_length(key, signature)?;
    key.key.recover_pkcs1(signature).map_err(|_| unrecoverable())
}

/// Encrypts, or decrypts with implicit rejection.
pub fn crypt(key: &RsaHandle, direction: Direction, data: &[u8]) -> Result<Vec<u8>> {
    let size = key.key.size();
    if direction == Direction::Encrypt {
        check_block(key, data)?;
        return Ok(key.key.encrypt_pkcs1(data)?);
    }
    if data.len() != size {
        return Err(encrypted_length(size));
    }
    let block = key.key.decrypt_block(data).map_err(|_| encrypted_invalid())?;
    Ok(unpad(&block, &key.rejection, data))
}

/// `DigestInfo` (RFC 8017 section 9.2, notes; with SHA-3 RFC 8702 section 2).
pub fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    let prefix: &[u8] = match hash {
        Hash::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        Hash::Sha224 => b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c",
        Hash::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        Hash::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        Hash::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        Hash::Sha3224 => b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x07\x05\x00\x04\x1c",
        Hash::Sha3256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x08\x05\x00\x04\x20",
        Hash::Sha3384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x09\x05\x00\x04\x30",
        Hash::Sha3512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x0a\x05\x00\x04\x40",
    };
    [prefix, digest].concat()
}

pub(super) fn check_signature_length(key: &RsaHandle, signature: &[u8]) -> Result<()> {
    let size = key.key.size();
    if signature.len() == size {
        return Ok(());
    }
    Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, format!("a signature by this key has {size} bytes")))
}

pub(super) fn signature_invalid() -> Error {
    Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key")
}

pub(super) fn unrecoverable() -> Error {
    Error::refused(
        Rv::SIGNATURE_INVALID,
        "the signature was not made by this key in this way, or was altered",
    )
}

pub(super) fn encrypted_length(size: usize) -> Error {
    Error::refused(Rv::ENCRYPTED_DATA_LEN_RANGE, format!("data encrypted with this key has {size} bytes"))
}

pub(super) fn encrypted_invalid() -> Error {
    Error::refused(Rv::ENCRYPTED_DATA_INVALID, "the data was not encrypted with this key, or was altered")
}

fn block(mechanism: MechanismType, data: &[u8]) -> Result<Vec<u8>> {
    match mechanism.hash().and_then(hash_of) {
        Some(hash) => Ok(digest_info(hash, digest(hash, data)?.as_ref())),
        None => Ok(data.to_vec()),
    }
}

fn check_block(key: &RsaHandle, block: &[u8]) -> Result<()> {
    let limit = key.key.size() - OVERHEAD;
    if block.len() <= limit {
        return Ok(());
    }
    Err(Error::refused(Rv::DATA_LEN_RANGE, format!("at most {limit} bytes with this key")))
}

/// The message in a padded block, or a synthetic one, without branches that depend on the block.
fn unpad(block: &[u8], rejection: &[u8; 32], ciphertext: &[u8]) -> Vec<u8> {
    let size = block.len();
    let secret = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, rejection), ciphertext);
    let generator = hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref());
    let synthetic = Zeroizing::new(expand(&generator, b"message", size));
    let synthetic_length = synthetic_length(&expand(&generator, b"length", 256), size - OVERHEAD);

    let mut separator = 0_usize;
    let mut found = 0_usize; // all ones once the separator was seen
    for (index, byte) in block.iter().enumerate().skip(2) {
        let is_separator = equal(usize::from(*byte), 0) & !found;
        separator = select(is_separator, index, separator);
        found |= is_separator;
    }
    let good = equal(usize::from(block[0]), 0)
        & equal(usize::from(block[1]), 2)
        & black_box(found)
        & !less(separator, 10);
    // The length of the message is what the caller learns in any case; its choice is made without a branch.
    let length = select(good, size - 1 - separator, synthetic_length);
    let mut message = vec![0; length];
    for (index, byte) in message.iter_mut().enumerate() {
        let position = size - length + index;
        *byte = select(good, usize::from(block[position]), usize::from(synthetic[position])) as u8;
    }
    message
}

/// The last of 128 candidates that is at most `limit`; 0 when none is.
fn synthetic_length(candidates: &[u8], limit: usize) -> usize {
    let mask = limit.next_power_of_two().max(2) * 2 - 1;
    let mut length = 0;
    for pair in candidates.chunks_exact(2) {
        let candidate = usize::from(u16::from_be_bytes([pair[0], pair[1]])) & mask;
        length = select(!less(limit, candidate), candidate, length);
    }
    length
}

fn expand(generator: &hmac::Key, label: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 32);
    let mut counter = 0_u16;
    while out.len() < length {
        let input = [&counter.to_be_bytes(), label].concat();
        out.extend_from_slice(hmac::sign(generator, &input).as_ref());
        counter += 1;
    }
    out.truncate(length);
    out
}

/// All ones when equal, else zero.
fn equal(a: usize, b: usize) -> usize {
    let difference = black_box(a ^ b);
    !(((difference | difference.wrapping_neg()) >> (usize::BITS - 1)).wrapping_neg())
}

/// All ones when `a` is less than `b`, for numbers below half the range.
fn less(a: usize, b: usize) -> usize {
    (black_box(a.wrapping_sub(b)) >> (usize::BITS - 1)).wrapping_neg()
}

fn select(mask: usize, yes: usize, no: usize) -> usize {
    (black_box(mask) & yes) | (!black_box(mask) & no)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(size: usize, message: &[u8]) -> Vec<u8> {
        let mut block = vec![0, 2];
        block.resize(size - message.len() - 1, 0xAA);
        block.push(0);
        block.extend_from_slice(message);
        block
    }

    #[test]
    fn well_padded_blocks_give_their_message() {
        for message in [&b""[..], b"m", &[0; 40], &[7; 245]] {
            assert_eq!(unpad(&padded(256, message), &[1; 32], b"c"), message);
        }
    }

    #[test]
    fn wrongly_padded_blocks_give_a_stable_synthetic_message() {
        let good = padded(256, b"message");
        let mut seen = std::collections::HashSet::new();
        for (position, value) in [(0, 1), (1, 1), (5, 0)] {
            let mut block = good.clone();
            block[position] = value;
            let ciphertext = [position as u8; 256];
            let first = unpad(&block, &[1; 32], &ciphertext);
            assert_eq!(first, unpad(&block, &[1; 32], &ciphertext));
            assert_ne!(first, b"message");
            assert!(first.len() <= 245);
            seen.insert(first);
        }
        assert_eq!(seen.len(), 3);
        let without_separator = [vec![0, 2], vec![9; 254]].concat();
        assert!(unpad(&without_separator, &[1; 32], b"c").len() <= 245);
    }

    #[test]
    fn synthetic_lengths_cover_the_range() {
        let mut lengths: Vec<_> = (0..2000_u32)
            .map(|n| {
                let block = vec![0xFF; 256];
                unpad(&block, &[3; 32], &n.to_be_bytes()).len()
            })
            .collect();
        lengths.sort_unstable();
        assert!(lengths[0] < 10 && lengths[1999] > 235 && lengths[1999] <= 245);
    }
}
