//! Key derivation in counter and in feedback mode (SP 800-108r1 sections 4.1 and 4.2), with HMAC or AES-CMAC as
//! pseudo-random function.
//!
//! The caller lays out what the function runs over: bytes, the counter, the length of what is derived, and in feedback mode
//! what the function gave last, in its order.

use strongroom_wire::messages::{MechanismParameters, PrfInput};
use strongroom_wire::{KeyKind, MechanismType, Rv};
use zeroize::Zeroizing;

use super::{KeyHandle, cmac, hmac, key_size, parameters};
use crate::{Error, Result};

/// `CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS` and `CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS`.
const SUM_OF_KEYS: u64 = 1;
const SUM_OF_SEGMENTS: u64 = 2;
/// Widths in bits of the counter and of the length.
const COUNTER_BITS: [u64; 4] = [8, 16, 24, 32];
const LENGTH_BITS: [u64; 8] = [8, 16, 24, 32, 40, 48, 56, 64];
/// Most parts of the input; SP 800-108 names five.
const MOST_INPUTS: usize = 32;

/// What is in the input.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    /// The counter's width.
    counter_bits: Option<u64>,
    lengths: usize,
    /// How often what the function gave last is in it.
    feedbacks: usize,
}

/// Derives `length` bytes in counter mode.
pub fn counter(key: &KeyHandle, given: &MechanismParameters, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let layout = layout(&given.prf_inputs.0)?;
    if layout.counter_bits.is_none() || layout.lengths > 1 || layout.feedbacks > 0 {
        return Err(parameters::invalid("the input must have one counter and at most one length"));
    }
    derive(key, given, layout, &[], length)
}

/// Derives `length` bytes in feedback mode; the IV stands for what the function gave before the first time.
pub fn feedback(key: &KeyHandle, given: &MechanismParameters, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let layout = layout(&given.prf_inputs.0)?;
    if layout.lengths > 1 || layout.feedbacks != 1 {
        let text = "the input must have the iteration variable, and at most one counter and one length";
        return Err(parameters::invalid(text));
    }
    derive(key, given, layout, given.iv.as_deref().unwrap_or_default(), length)
}

fn derive(
    key: &KeyHandle,
    given: &MechanismParameters,
    layout: Layout,
    iv: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let prf = prf(key, given.prf)?;
    let segment = output_length(prf);
    let iterations = length.div_ceil(segment) as u64;
    if let Some(bits) = layout.counter_bits
        && iterations >= 1 << bits
    {
        return Err(key_size(format!("a counter of {bits} bits does not reach so far")));
    }
    let mut last = Zeroizing::new(iv.to_vec());
    let mut out = Zeroizing::new(Vec::with_capacity(length + segment));
    for iteration in 1..=iterations {
        let lengths = (length, segment * iterations as usize);
        let input = Zeroizing::new(input(&given.prf_inputs.0, iteration, &last, lengths)?);
        last = Zeroizing::new(run(key, prf, &input)?);
        out.extend_from_slice(&last);
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

/// Checks the parts.
fn layout(inputs: &[PrfInput]) -> Result<Layout> {
    if inputs.len() > MOST_INPUTS {
        return Err(parameters::invalid(format!("at most {MOST_INPUTS} parts of input")));
    }
    let mut layout = Layout::default();
    for input in inputs {
        match (&input.bytes, input.bits, input.length_method) {
            (Some(_), None, None) => {}
            (None, None, None) => layout.feedbacks += 1,
            (None, Some(bits), None) if COUNTER_BITS.contains(&bits) && layout.counter_bits.is_none() => {
                layout.counter_bits = Some(bits);
            }
            (None, Some(bits), Some(SUM_OF_KEYS | SUM_OF_SEGMENTS)) if LENGTH_BITS.contains(&bits) => {
                layout.lengths += 1;
            }
            _ => {
                let text = "a part of the input must be bytes, one counter of 8 to 32 bits or a length of 8 to 64 bits";
                return Err(parameters::invalid(text));
            }
        }
    }
    Ok(layout)
}

/// What the function runs over in an iteration. `lengths`: of the key and of all segments, in bytes.
fn input(inputs: &[PrfInput], iteration: u64, last: &[u8], lengths: (usize, usize)) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for input in inputs {
        let bits = match (&input.bytes, input.bits) {
            (Some(bytes), _) => {
                out.extend_from_slice(bytes);
                continue;
            }
            (None, None) => {
                out.extend_from_slice(last);
                continue;
            }
            (None, Some(bits)) => bits,
        };
        let number = match input.length_method {
            Some(SUM_OF_KEYS) => 8 * lengths.0 as u64,
            Some(_) => 8 * lengths.1 as u64,
            None => iteration,
        };
        if bits < 64 && number >> bits != 0 {
            return Err(parameters::invalid(format!("the length does not fit into {bits} bits")));
        }
        let width = (bits / 8) as usize;
        if input.little_endian {
            out.extend_from_slice(&number.to_le_bytes()[..width]);
        } else {
            out.extend_from_slice(&number.to_be_bytes()[8 - width..]);
        }
    }
    Ok(out)
}

fn run(key: &KeyHandle, prf: MechanismType, input: &[u8]) -> Result<Vec<u8>> {
    match key {
        KeyHandle::Aes(key) => cmac::aes(key, input),
        KeyHandle::Secret(key) => hmac::whole(key, prf, input),
        _ => Err(super::internal(super::OTHER_KEY)),
    }
}

/// Bytes that it gives at a time: a MAC, or a block of AES.
fn output_length(prf: MechanismType) -> usize {
    hmac::output_length(prf).unwrap_or(16)
}
