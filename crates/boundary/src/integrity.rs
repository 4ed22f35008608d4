//! The integrity value of the library that holds the boundary (FIPS 140-3, software integrity test).
//!
//! HMAC-SHA-256 under a key that everybody knows: it finds damage and carelessness, not an attacker, who can compute it as
//! well. `docs/adr/0025` says what follows from that.

use aws_lc_rs::hmac;

use crate::{Error, Result};

/// The key; `deploy/write-integrity-value.py` has the same.
const KEY: &[u8] = b"strongroom integrity value 1";

/// Checks a library's bytes against its integrity value in hexadecimal digits.
///
/// # Errors
/// `Integrity`: they are not the bytes that the value was made over.
pub fn check_integrity(library: &[u8], value: &str) -> Result<()> {
    let altered = || Error::integrity("its bytes are not those that were built");
    let digits = value.trim();
    let value = (0..digits.len())
        .step_by(2)
        .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(altered)?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, KEY), library, &value).map_err(|_| altered())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf library | openssl mac -digest SHA256 -macopt key:'strongroom integrity value 1' HMAC`
    const VALUE: &str = "58c60d738d38984bb9e7c9c0b6411c66953950ab7b25757bb0cbeb1f0dad104e";

    #[test]
    fn the_bytes_that_the_value_was_made_over_pass() {
        assert!(check_integrity(b"library", VALUE).is_ok());
        assert!(check_integrity(b"library", &format!("{VALUE}\n")).is_ok());
    }

    #[test]
    fn other_bytes_and_other_values_are_refused() {
        assert!(check_integrity(b"librarx", VALUE).is_err());
        assert!(check_integrity(b"library ", VALUE).is_err());
        for value in ["", "00", "zz", &VALUE[2..], &format!("{VALUE}00"), "ä"] {
            assert!(check_integrity(b"library", value).is_err(), "{value}");
        }
    }
}
