//! Keys from passwords: PBKDF2 (RFC 8018 section 5.2).

use strongroom_wire::messages::MechanismParameters;
use zeroize::Zeroizing;

use super::parameters;
use crate::Result;
use crate::ffi::{self, Hash};

/// The most work: iterations times digests in the key. About a second.
const MOST_ITERATIONS: u64 = 2_000_000;
/// What Mode FIPS asks for (SP 800-132 sections 5.1 and 5.2).
const FIPS_SALT_LENGTH: usize = 16;
const FIPS_ITERATIONS: u64 = 1000;

/// Derives `length` bytes.
pub fn derive(
    password: &[u8],
    given: Option<&MechanismParameters>,
    length: usize,
    fips: bool,
) -> Result<Zeroizing<Vec<u8>>> {
    let given = parameters::required(given)?;
    let hash = hash(given.prf)?;
    let salt = given.salt.as_deref().unwrap_or_default();
    let iterations = given.iterations.unwrap_or(0);
    let digests = length.div_ceil(hash.length()).max(1) as u64;
    let affordable = MOST_ITERATIONS / digests;
    if iterations == 0 || iterations > affordable {
        let text = format!("a key of {length} bytes takes 1 to {affordable} iterations with this hash");
        return Err(parameters::invalid(text));
    }
    if fips && (salt.len() < FIPS_SALT_LENGTH || iterations < FIPS_ITERATIONS) {
        let text = format!(
            "a cluster of mode FIPS wants a salt of {FIPS_SALT_LENGTH} bytes and {FIPS_ITERATIONS} iterations at least"
        );
        return Err(parameters::invalid(text));
    }
    #[allow(clippy::cast_possible_truncation)] // at most MOST_ITERATIONS
    Ok(ffi::pbkdf2(hash, password, salt, iterations as u32, length)?)
}

/// `CKP_PKCS5_PBKD2_HMAC_*` (PKCS #11 3.0 section 2.19.2).
fn hash(number: Option<u64>) -> Result<Hash> {
    match number {
        Some(1) => Ok(Hash::Sha1),
        Some(3) => Ok(Hash::Sha224),
        Some(4) => Ok(Hash::Sha256),
        Some(5) => Ok(Hash::Sha384),
        Some(6) => Ok(Hash::Sha512),
        _ => Err(parameters::invalid("the pseudo-random function must be HMAC with SHA-1 or one of SHA-2")),
    }
}
