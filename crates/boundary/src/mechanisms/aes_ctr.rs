//! AES in counter mode (SP 800-38A section 6.5). Encryption and decryption are the same.
//!
//! A client that works in parts sends whole blocks, each time with the counter block that comes next.

use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::iv::FixedLength;
use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::handle::AesHandle;
use super::{internal, parameters};
use crate::{Error, Result};

/// Encrypts or decrypts.
pub fn crypt(key: &AesHandle, given: Option<&MechanismParameters>, data: &[u8]) -> Result<Vec<u8>> {
    let counter_block = parameters::iv(given)?;
    let bits = parameters::required(given)?.counter_bits.unwrap_or(0);
    check_counter(counter_block, bits, data.len())?;
    let mut out = data.to_vec();
    if !out.is_empty() {
        let context = EncryptionContext::Iv128(FixedLength::from(counter_block));
        EncryptingKey::ctr(key.unbound()?)
            .and_then(|cipher| cipher.less_safe_encrypt(&mut out, context).map(|_| ()))
            .map_err(|_| internal("the crypto library refused to encrypt"))?;
    }
    Ok(out)
}

/// A counter that wraps around would use key stream twice, or, if short, run into the nonce.
fn check_counter(counter_block: [u8; 16], bits: u64, length: usize) -> Result<()> {
    if !(1..=128).contains(&bits) {
        return Err(parameters::invalid("ulCounterBits must be from 1 to 128"));
    }
    if bits == 128 {
        return Ok(());
    }
    let limit = 1_u128 << bits;
    let start = u128::from_be_bytes(counter_block) & (limit - 1);
    if start + length.div_ceil(16) as u128 <= limit {
        return Ok(());
    }
    Err(Error::refused(
        Rv::DATA_LEN_RANGE,
        format!("a counter of {bits} bits would wrap around in this data"),
    ))
}
