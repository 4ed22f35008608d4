//! Data that come twice (ADR 0126): the HSM keeps nothing of them, and the second time takes the same bytes only.
//!
//! The first time each piece gets a *mark*: a MAC over its place and its bytes, under a key that lives as long as the
//! stream. The second time a piece is taken with its mark alone, in its place, and none is left out.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::fill_random;
use super::streams::no_such_step;
use crate::Result;
use crate::ffi::{Hash, HmacStream};

/// The marks of a stream.
#[derive(Debug)]
pub struct Marks {
    key: Zeroizing<[u8; 32]>,
    /// How much data came the first time.
    length: u64,
    /// How much of them came again.
    repeated: u64,
    is_second: bool,
}

/// What comes the second time is not what came the first time.
#[derive(Debug)]
pub struct Other;

impl Marks {
    /// Of no data yet.
    pub fn new() -> Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(key.as_mut())?;
        Ok(Self { key, length: 0, repeated: 0, is_second: false })
    }

    /// The mark of data that come the first time.
    pub fn mark(&mut self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        if self.is_second {
            return Err(no_such_step());
        }
        self.length = offset + data.len() as u64;
        self.mark_of(offset, data)
    }

    /// All have come once.
    pub const fn turn(&mut self) {
        self.is_second = true;
    }

    /// Takes data that come again, if they are the same.
    pub fn check(&mut self, offset: u64, data: &[u8], mark: &[u8]) -> Result<std::result::Result<(), Other>> {
        if !self.is_second || offset != self.repeated {
            return Err(no_such_step());
        }
        let expected = self.mark_of(offset, data)?;
        self.repeated += data.len() as u64;
        Ok(verify_slices_are_equal(&expected, mark).map_err(|_| Other))
    }

    /// Whether all have come twice.
    pub const fn is_over(&self) -> bool {
        self.is_second && self.repeated == self.length
    }

    fn mark_of(&self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        let mut mac = HmacStream::new(Hash::Sha256, self.key.as_ref())?;
        mac.update(&offset.to_be_bytes())?;
        mac.update(data)?;
        Ok(mac.finish()?)
    }
}
