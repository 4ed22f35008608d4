//! Authenticated decryption of data of any length, of which nothing is shown before the tag of all of it is checked (ADR 0126).
//!
//! The ciphertext comes twice. The first time only the tag is computed, and each piece gets a *mark*: a MAC over its place
//! and its bytes, under a key that lives as long as the stream. When the tag was right the pieces come again with their
//! marks, and only the same bytes in the same place are decrypted. So the HSM keeps nothing of the data.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::aead_streams::{AeadStream, altered};
use super::fill_random;
use super::streams::no_such_step;
use crate::Result;
use crate::ffi::{Hash, HmacStream};

/// A decryption under way.
#[derive(Debug)]
pub struct Revelation {
    /// Computes the tag; gone when that was right.
    checking: Option<AeadStream>,
    revealing: AeadStream,
    mark_key: Zeroizing<[u8; 32]>,
    /// How much data the tag is over, so far.
    length: u64,
    /// How much of it was shown.
    revealed: u64,
}

impl Revelation {
    /// Of what this starts, which is done twice.
    pub fn new(start: impl Fn() -> Result<AeadStream>) -> Result<Self> {
        let (checking, revealing) = (start()?, start()?);
        let mut mark_key = Zeroizing::new([0; 32]);
        fill_random(mark_key.as_mut())?;
        Ok(Self { checking: Some(checking), revealing, mark_key, length: 0, revealed: 0 })
    }

    /// Takes the next data into the tag; gives their mark.
    pub fn check(&mut self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        let checking = self.checking.as_mut().ok_or_else(no_such_step)?;
        checking.update(offset, data)?; // the plaintext is wiped
        self.length = offset + data.len() as u64;
        self.mark(offset, data)
    }

    /// Takes the last data and checks the tag.
    pub fn finish(&mut self, offset: u64, data: &[u8], tag: &[u8]) -> Result<Vec<u8>> {
        let mark = self.check(offset, data)?;
        let checking = self.checking.take().ok_or_else(no_such_step)?;
        checking.check_tag(tag)?;
        Ok(mark)
    }

    /// The plaintext of data that come again, in their order.
    pub fn reveal(&mut self, offset: u64, data: &[u8], mark: &[u8]) -> Result<Vec<u8>> {
        if self.checking.is_some() || offset != self.revealed {
            return Err(no_such_step());
        }
        verify_slices_are_equal(&self.mark(offset, data)?, mark).map_err(|_| altered())?;
        self.revealed += data.len() as u64;
        Ok(std::mem::take(&mut *self.revealing.update(offset, data)?))
    }

    /// Whether all was shown.
    pub const fn is_over(&self) -> bool {
        self.checking.is_none() && self.revealed == self.length
    }

    fn mark(&self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        let mut mac = HmacStream::new(Hash::Sha256, self.mark_key.as_ref())?;
        mac.update(&offset.to_be_bytes())?;
        mac.update(data)?;
        Ok(mac.finish()?)
    }
}
