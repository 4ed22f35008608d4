//! Password verifiers: PBKDF2-HMAC-SHA-512 (SP 800-132) with a salt per user, then HMAC-SHA-512 under a key derived from
//! the masking key (the pepper).
//!
//! ```text
//! 0       format version, 1
//! 1..5    masking-key epoch, big-endian
//! 5..9    iterations, big-endian
//! 9..25   salt
//! 25..89  HMAC-SHA-512(pepper key, "strongroom verifier 1\0" ‖ PBKDF2 output of 64 bytes)
//! ```
//!
//! Whoever copies the store cannot even begin to guess: the verifiers are in sealed records, and under the pepper they
//! say nothing without the masking key. The iterations are for whoever has the masking key as well. They stand in each
//! verifier, so that new ones can have more; while they differ, the time of a check tells users of either kind apart.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, pbkdf2};
use zeroize::Zeroizing;

use super::Keys;
use super::derive::SecretKey;
use super::random;
use crate::{Error, Result};

/// Chosen so that one check takes 20 to 40 ms on one core of a small server (2026): slow for guessing, and short enough
/// that a login stays below 50 ms of CPU time in all. ADR 0023 has the figures.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(40_000) {
    Some(iterations) => iterations,
    None => unreachable!(),
};
/// No verifier of ours has more; a larger number is an altered one, and would stop the login pool.
const MOST_ITERATIONS: u32 = 10_000_000;
const FORMAT: u8 = 1;
const CONTEXT: &[u8] = b"strongroom verifier 1\0";
const SALT_LENGTH: usize = 16;
const VERIFIER_LENGTH: usize = 89;

impl Keys {
    /// A password verifier with a salt of its own. Takes about 30 ms: not for a hot thread.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn make_verifier(&self, password: &[u8]) -> Result<Vec<u8>> {
        let cluster = self.cluster()?;
        make(&cluster.password_pepper, cluster.epoch, password)
    }

    /// Whether the password is the verifier's, compared in constant time. No verifier: the same work, and `false`.
    ///
    /// # Errors
    /// `Integrity`: the verifier is not one of ours.
    pub fn verify_password(&self, password: &[u8], verifier: Option<&[u8]>) -> Result<bool> {
        let cluster = self.cluster()?;
        verify(&cluster.password_pepper, cluster.epoch, password, verifier)
    }
}

/// A new verifier.
pub(super) fn make(pepper: &SecretKey, epoch: u32, password: &[u8]) -> Result<Vec<u8>> {
    let mut salt = [0; SALT_LENGTH];
    random(&mut salt)?;
    Ok(verifier(pepper, epoch, ITERATIONS, &salt, password))
}

/// Whether the password is the verifier's. No verifier: the same work, and `false`.
///
/// # Errors
/// `Integrity`: the verifier is not one of ours.
pub(super) fn verify(pepper: &SecretKey, epoch: u32, password: &[u8], stored: Option<&[u8]>) -> Result<bool> {
    verify_as(ITERATIONS, pepper, epoch, password, stored)
}

/// As [`verify`], with so many iterations where there is no verifier.
pub(super) fn verify_as(
    usual_iterations: NonZeroU32,
    pepper: &SecretKey,
    epoch: u32,
    password: &[u8],
    stored: Option<&[u8]>,
) -> Result<bool> {
    let Some(stored) = stored else {
        // All but certain to differ from what it is compared with; the result does not matter.
        let absent = [0; VERIFIER_LENGTH];
        let computed = verifier(pepper, epoch, usual_iterations, &[0; SALT_LENGTH], password);
        let _ = verify_slices_are_equal(&computed, &absent);
        return Ok(false);
    };
    if stored.len() != VERIFIER_LENGTH || stored[0] != FORMAT {
        return Err(Error::integrity("the password verifier has a format that this version does not know"));
    }
    if stored[1..5] != epoch.to_be_bytes() {
        return Err(Error::integrity("the password verifier was made under another masking-key epoch"));
    }
    let iterations = NonZeroU32::new(u32::from_be_bytes([stored[5], stored[6], stored[7], stored[8]]))
        .filter(|iterations| iterations.get() <= MOST_ITERATIONS)
        .ok_or_else(|| Error::integrity("the password verifier has an impossible number of iterations"))?;
    let mut salt = [0; SALT_LENGTH];
    salt.copy_from_slice(&stored[9..25]);
    let computed = verifier(pepper, epoch, iterations, &salt, password);
    Ok(verify_slices_are_equal(&computed, stored).is_ok())
}

fn verifier(
    pepper: &SecretKey,
    epoch: u32,
    iterations: NonZeroU32,
    salt: &[u8; SALT_LENGTH],
    password: &[u8],
) -> Vec<u8> {
    #[cfg(test)]
    WORK_DONE.with(|done| done.set(done.get() + iterations.get()));
    let mut stretched = Zeroizing::new([0; 64]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, iterations, salt, password, stretched.as_mut());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, pepper.expose()));
    context.update(CONTEXT);
    context.update(stretched.as_ref());
    let mut out = Vec::with_capacity(VERIFIER_LENGTH);
    out.push(FORMAT);
    out.extend_from_slice(&epoch.to_be_bytes());
    out.extend_from_slice(&iterations.get().to_be_bytes());
    out.extend_from_slice(salt);
    out.extend_from_slice(context.sign().as_ref());
    out
}

#[cfg(test)]
thread_local! {
    /// Iterations that this thread has done: a clock that other programs cannot disturb.
    pub(super) static WORK_DONE: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}
