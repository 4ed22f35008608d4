//! Known-answer tests of every algorithm family, run once at start (FIPS 140-3 section 7.10). They go through the same
//! code as requests do.
//!
//! With the cargo feature `fail-selftest` (for tests only), the environment variable `STRONGROOM_FAIL_SELFTEST` names a
//! test whose computed answer is corrupted.

mod asymmetric;
mod derivation;
mod symmetric;

use std::sync::Arc;

use crate::Result;
use crate::arena::Arena;
use crate::mechanisms::{self, KeyHandle};

/// A test: its name and what it computes, with the answer that is known.
type Test = (&'static str, fn() -> Result<Vec<Answer>>);

/// What was computed, and what is known.
pub struct Answer {
    computed: Vec<u8>,
    known: Vec<u8>,
}

impl Answer {
    fn new(computed: impl Into<Vec<u8>>, known: impl Into<Vec<u8>>) -> Self {
        Self { computed: computed.into(), known: known.into() }
    }
}

/// Every test.
pub static TESTS: &[Test] = &[
    ("sha", symmetric::sha),
    ("hmac", symmetric::hmac),
    ("aes-ecb", symmetric::aes_ecb),
    ("aes-cbc", symmetric::aes_cbc),
    ("aes-ctr", symmetric::aes_ctr),
    ("aes-gcm", symmetric::aes_gcm),
    ("aes-cmac", symmetric::aes_cmac),
    ("aes-key-wrap", symmetric::aes_key_wrap),
    ("aes-ccm", symmetric::aes_ccm),
    ("aes-xts", symmetric::aes_xts),
    ("aes-gmac", symmetric::aes_gmac),
    ("des3", symmetric::des3),
    ("des3-cmac", symmetric::des3_cmac),
    ("random", random),
    ("rsa-pkcs1", asymmetric::rsa_pkcs1),
    ("rsa-pss", asymmetric::rsa_pss),
    ("rsa-oaep", asymmetric::rsa_oaep),
    ("ecdsa", asymmetric::ecdsa),
    ("ed25519", asymmetric::ed25519),
    ("ed25519-variants", asymmetric::ed25519_variants),
    ("ml-dsa", asymmetric::ml_dsa),
    ("ml-kem", asymmetric::ml_kem),
    ("ecdh", derivation::ecdh),
    ("x25519", derivation::x25519),
    ("x963-kdf", derivation::x963_kdf),
    ("one-step-kdf", derivation::one_step_kdf),
    ("hkdf", derivation::hkdf),
    ("counter-kdf", derivation::counter_kdf),
    ("feedback-kdf", derivation::feedback_kdf),
    ("pbkdf2", derivation::pbkdf2),
];

/// The test of every new key pair: not one of [`TESTS`], but corrupted by name as they are.
pub const PAIRWISE: &str = "pairwise";

/// The names of all, for those that make each fail.
#[cfg(feature = "fail-selftest")]
pub fn names() -> impl Iterator<Item = &'static str> {
    TESTS.iter().map(|(name, _)| *name)
}

/// Runs every test.
///
/// # Errors
/// The name of the first that fails.
pub fn run() -> std::result::Result<(), String> {
    // The FIPS module has tested itself before anything else ran.
    #[cfg(feature = "fips")]
    aws_lc_rs::try_fips_mode().map_err(|_| "FIPS module of AWS-LC".to_owned())?;
    run_with(corrupted().as_deref())
}

/// The test that shall fail.
pub fn corrupted() -> Option<String> {
    #[cfg(feature = "fail-selftest")]
    return std::env::var("STRONGROOM_FAIL_SELFTEST").ok();
    #[cfg(not(feature = "fail-selftest"))]
    None
}

/// Runs every test and corrupts the answer of one.
fn run_with(corrupted: Option<&str>) -> std::result::Result<(), String> {
    for (name, test) in TESTS {
        let mut answers = test().map_err(|_| (*name).to_owned())?;
        if corrupted == Some(*name) {
            answers.iter_mut().for_each(|answer| answer.computed.push(0));
        }
        if answers.is_empty() || answers.iter().any(|answer| answer.computed != answer.known) {
            return Err((*name).to_owned());
        }
    }
    Ok(())
}

/// The generator does not repeat itself (the library tests its own DRBG against known answers).
fn random() -> Result<Vec<Answer>> {
    let (first, second) = (mechanisms::random(32)?, mechanisms::random(32)?);
    Ok(vec![Answer::new([u8::from(first == second)], [0])])
}

fn aes(key: &[u8]) -> Result<KeyHandle> {
    Ok(KeyHandle::aes(Arc::new(Arena::new(false).keep(key)?)))
}

/// Bytes of a literal.
fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            pair.iter().fold(0, |byte, digit| byte << 4 | char::from(*digit).to_digit(16).unwrap_or(0) as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_passes() {
        assert_eq!(run_with(None), Ok(()));
    }

    #[test]
    fn each_test_can_fail_and_is_named() {
        for (name, _) in TESTS {
            assert_eq!(run_with(Some(name)), Err((*name).to_owned()));
        }
    }
}
