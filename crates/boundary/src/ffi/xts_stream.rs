//! A data unit of AES-XTS (IEEE 1619) that comes in parts: the library does a unit at once.
//!
//! The library computes a unit's first tweak from its IV, with the second key, and doubles it in GF(2^128) for each block. So a
//! unit whose IV decrypts, with that key, from the tweak that is due goes on where the part before it ended.

use aws_lc_sys::EVP_CIPHER_CTX;
use zeroize::Zeroizing;

use super::cipher::{pass, start};
use super::owned::Owned;
use super::{CryptoError, Result, check};

/// The block of AES.
const BLOCK: usize = 16;
/// Both keys.
const KEY_LENGTH: usize = 64;
/// x^128 in GF(2^128): x^7 + x^2 + x + 1.
const REDUCTION: u128 = 0x87;

/// A data unit under way, one way.
#[derive(Debug)]
pub struct XtsStream {
    unit: Owned<EVP_CIPHER_CTX>,
    /// Decrypts blocks with the second key.
    backwards: Owned<EVP_CIPHER_CTX>,
    /// The tweak of the next block, the low byte first.
    tweak: Zeroizing<u128>,
}

impl XtsStream {
    /// With two keys of AES-256, which must differ, and the unit's IV.
    pub fn new(key: &[u8], encrypts: bool, iv: &[u8; BLOCK]) -> Result<Self> {
        if key.len() != KEY_LENGTH {
            return Err(CryptoError);
        }
        // SAFETY: no preconditions; static data.
        let (xts, ecb) = unsafe { (aws_lc_sys::EVP_aes_256_xts(), aws_lc_sys::EVP_aes_256_ecb()) };
        let unit = start(xts, encrypts.into(), key, iv)?;
        let second = &key[KEY_LENGTH / 2..];
        let mut tweak = Zeroizing::new([0; BLOCK]);
        pass(&mut start(ecb, 1, second, &[])?, iv, tweak.as_mut())?;
        let tweak = Zeroizing::new(u128::from_le_bytes(*tweak));
        Ok(Self { unit, backwards: start(ecb, 0, second, &[])?, tweak })
    }

    /// The other side of data: at least a block, and whole blocks unless they are the last.
    pub fn update(&mut self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut iv = Zeroizing::new([0; BLOCK]);
        let tweak = Zeroizing::new(self.tweak.to_le_bytes());
        pass(&mut self.backwards, tweak.as_ref(), iv.as_mut())?;
        // SAFETY: the IV has the length that the cipher reads; null keeps cipher and key, -1 the direction.
        check(unsafe {
            let (none, nothing) = (std::ptr::null_mut(), std::ptr::null());
            aws_lc_sys::EVP_CipherInit_ex(
                self.unit.as_ptr(),
                std::ptr::null(),
                none,
                nothing,
                iv.as_ptr(),
                -1,
            )
        })?;
        let mut out = Zeroizing::new(vec![0; data.len()]);
        pass(&mut self.unit, data, &mut out)?;
        for _ in 0..data.len() / BLOCK {
            let carry = (*self.tweak >> 127).wrapping_neg() & REDUCTION;
            *self.tweak = (*self.tweak << 1) ^ carry;
        }
        Ok(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ffi::Cipher;

    fn bytes(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|place| (place * 11 + seed * 17 + place / 253) as u8).collect()
    }

    /// The library's own XTS, which the vectors check, says the same.
    #[test]
    fn parts_give_what_the_library_gives_at_once() {
        let (key, iv) = (bytes(KEY_LENGTH, 1), <[u8; BLOCK]>::try_from(bytes(BLOCK, 2)).unwrap());
        for length in [16, 17, 31, 32, 48, 100, 4096, 4099, 70_001] {
            let data = bytes(length, length);
            let expected = Cipher::Aes256Xts.encrypt(&key, &iv, &data).unwrap();
            for part in [16, 32, 4096] {
                let in_parts = |encrypts, data: &[u8]| {
                    let mut stream = XtsStream::new(&key, encrypts, &iv).unwrap();
                    let (mut out, mut rest) = (Vec::new(), data);
                    while rest.len() >= part + BLOCK {
                        let (head, tail) = rest.split_at(part);
                        out.extend_from_slice(&stream.update(head).unwrap());
                        rest = tail;
                    }
                    out.extend_from_slice(&stream.update(rest).unwrap());
                    out
                };
                assert_eq!(in_parts(true, &data), expected);
                assert_eq!(in_parts(false, &expected), data);
            }
        }
    }

    #[test]
    fn short_data_and_equal_keys_are_refused() {
        let iv = [0; BLOCK];
        XtsStream::new(&bytes(32, 1), true, &iv).unwrap_err();
        XtsStream::new(&[7; KEY_LENGTH], true, &iv).unwrap_err();
        XtsStream::new(&bytes(KEY_LENGTH, 1), true, &iv).unwrap().update(&[0; 15]).unwrap_err();
    }
}
