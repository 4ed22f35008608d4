//! Key derivation in counter mode (SP 800-108r1 section 4.1), with HMAC or AES-CMAC as pseudo-random function.
//!
//! The caller lays out what the function runs over: bytes, the counter, and the length of what is derived, in its order.

use strongroom_wire::messages::{MechanismParameters, PrfInput};
use strongroom_wire::{KeyKind, MechanismType, Rv};
use zeroize::Zeroizing;

use super::{KeyHandle, aes_cmac, hmac, key_size, parameters};
use crate::{Error, Result};

/// `CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS` and `CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS`.
const SUM_OF_KEYS: u64 = 1;
const SUM_OF_SEGMENTS: u64 = 2;
/// Widths in bits of the counter and of the length.
const COUNTER_BITS: [u64; 4] = [8, 16, 24, 32];
const LENGTH_BITS: [u64; 8] = [8, 16, 24, 32, 40, 48, 56, 64];
/// Most parts of the input; SP 800-108 names five.
const MOST_INPUTS: usize = 32;

/// Derives `length` bytes.
pub fn derive(key: &KeyHandle, given: &MechanismParameters, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let prf = prf(key, given.prf)?;
    let inputs = &given.prf_inputs.0;
    let counter_bits = checked(inputs)?;
    let segment = output_length(prf);
    let iterations = length.div_ceil(segment) as u64;
    if iterations >= 1 << counter_bits {
        return Err(key_size(format!("a counter of {counter_bits} bits does not reach so far")));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(length + segment));
    for iteration in 1..=iterations {
        let input = input(inputs, iteration, (length, segment * iterations as usize))?;
        out.extend_from_slice(&Zeroizing::new(run(key, prf, &input)?));
    }
    out.truncate(length);
    Ok(out)
}

/// The pseudo-random function, which must go with the key.
fn prf(key: &KeyHandle, number: Option<u64>) -> Result<MechanismType> {
    let is_prf = |mechanism: &MechanismType| {
        *mechanism == MechanismType::AesCmac || hmac::output_length(*mechanism).is_some()
    };
    let prf = number.and_then(MechanismType::from_code).filter(is_prf).ok_or_else(|| {
        parameters::invalid("the pseudo-random function must be HMAC with SHA-1, SHA-2 or SHA-3, or AES-CMAC")
    })?;
    let kind = match key {
        KeyHandle::Aes(_) => KeyKind::Aes,
        _ => KeyKind::GenericSecret,
    };
    if prf.key_kinds().contains(&kind) {
        return Ok(prf);
    }
    Err(Error::refused(Rv::KEY_TYPE_INCONSISTENT, "AES-CMAC needs an AES key, HMAC a generic secret"))
}

/// Checks the parts; gives the counter's width.
fn checked(inputs: &[PrfInput]) -> Result<u64> {
    if inputs.len() > MOST_INPUTS {
        return Err(parameters::invalid(format!("at most {MOST_INPUTS} parts of input")));
    }
    let (mut counters, mut lengths) = (Vec::new(), 0);
    for input in inputs {
        match (&input.bytes, input.bits, input.length_method) {
            (Some(_), None, None) => {}
            (None, Some(bits), None) if COUNTER_BITS.contains(&bits) => counters.push(bits),
            (None, Some(bits), Some(SUM_OF_KEYS | SUM_OF_SEGMENTS)) if LENGTH_BITS.contains(&bits) => {
                lengths += 1;
            }
            _ => {
                let text = "a part of the input must be bytes, a counter of 8 to 32 bits or a length of 8 to 64 bits";
                return Err(parameters::invalid(text));
            }
        }
    }
    match counters[..] {
        [bits] if lengths <= 1 => Ok(bits),
        _ => Err(parameters::invalid("the input must have one counter and at most one length")),
    }
}

/// What the function runs over in an iteration. `lengths`: of the key and of all segments, in bytes.
fn input(inputs: &[PrfInput], iteration: u64, lengths: (usize, usize)) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for input in inputs {
        let bits = input.bits.unwrap_or(0);
        let number = match input.length_method {
            Some(SUM_OF_KEYS) => 8 * lengths.0 as u64,
            Some(_) => 8 * lengths.1 as u64,
            None => iteration,
        };
        if bits < 64 && number >> bits != 0 && input.bytes.is_none() {
            return Err(parameters::invalid(format!("the length does not fit into {bits} bits")));
        }
        let width = (bits / 8) as usize;
        match &input.bytes {
            Some(bytes) => out.extend_from_slice(bytes),
            None if input.little_endian => out.extend_from_slice(&number.to_le_bytes()[..width]),
            None => out.extend_from_slice(&number.to_be_bytes()[8 - width..]),
        }
    }
    Ok(out)
}

fn run(key: &KeyHandle, prf: MechanismType, input: &[u8]) -> Result<Vec<u8>> {
    match key {
        KeyHandle::Aes(key) => aes_cmac::sign(key, input),
        KeyHandle::Secret(key) => hmac::sign(key, prf, input),
        _ => Err(super::internal(super::OTHER_KEY)),
    }
}

/// Bytes that it gives at a time: a MAC, or a block of AES.
fn output_length(prf: MechanismType) -> usize {
    hmac::output_length(prf).unwrap_or(16)
}
