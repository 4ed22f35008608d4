//! AES on whole blocks: ECB, CBC, and CBC with the padding of PKCS #7 (SP 800-38A, RFC 5652 section 6.3).
//!
//! A client that works in parts sends the middle blocks as CBC with the chaining value that comes next, and the last
//! part as CBC-PAD.

use aws_lc_rs::cipher::{DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext};
use aws_lc_rs::iv::FixedLength;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};

use super::handle::AesHandle;
use super::padding::{check_blocks, pad, unpad, wrong_padding};
use super::{Direction, internal, parameters};
use crate::{Error, Result};

const BLOCK: usize = 16;

/// Encrypts or decrypts.
pub fn crypt(
    key: &AesHandle,
    direction: Direction,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let iv = match mechanism {
        MechanismType::AesEcb => None,
        _ => Some(parameters::iv(given)?),
    };
    let padded = mechanism == MechanismType::AesCbcPad;
    let mut out = Vec::with_capacity(data.len() + BLOCK);
    out.extend_from_slice(data);
    if direction == Direction::Encrypt {
        if padded {
            pad(&mut out, BLOCK);
        }
        check_blocks(out.len(), BLOCK, Rv::DATA_LEN_RANGE)?;
        encrypt(key, iv, &mut out)?;
    } else {
        check_blocks(data.len(), BLOCK, Rv::ENCRYPTED_DATA_LEN_RANGE)?;
        if padded && data.is_empty() {
            return Err(Error::refused(Rv::ENCRYPTED_DATA_LEN_RANGE, "padded data has at least one block"));
        }
        decrypt(key, iv, &mut out)?;
        if padded && !unpad(&mut out, BLOCK) {
            return Err(wrong_padding());
        }
    }
    Ok(out)
}

fn encrypt(key: &AesHandle, iv: Option<[u8; BLOCK]>, blocks: &mut [u8]) -> Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    let key = key.unbound()?;
    let (cipher, context) = match iv {
        None => (EncryptingKey::ecb(key), EncryptionContext::None),
        Some(iv) => (EncryptingKey::cbc(key), EncryptionContext::Iv128(FixedLength::from(iv))),
    };
    cipher
        .and_then(|cipher| cipher.less_safe_encrypt(blocks, context).map(|_| ()))
        .map_err(|_| internal("the crypto library refused to encrypt"))
}

fn decrypt(key: &AesHandle, iv: Option<[u8; BLOCK]>, blocks: &mut [u8]) -> Result<()> {
    if blocks.is_empty() {
        return Ok(());
    }
    let key = key.unbound()?;
    let (cipher, context) = match iv {
        None => (DecryptingKey::ecb(key), DecryptionContext::None),
        Some(iv) => (DecryptingKey::cbc(key), DecryptionContext::Iv128(FixedLength::from(iv))),
    };
    cipher
        .and_then(|cipher| cipher.decrypt(blocks, context).map(|_| ()))
        .map_err(|_| internal("the crypto library refused to decrypt"))
}
