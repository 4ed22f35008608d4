//! Authenticated decryption of data of any length, of which nothing is shown before the tag of all of it is checked (ADR 0126).
//!
//! The ciphertext comes twice. The first time only the tag is computed. When that was right, the second time brings the
//! plaintext, of the same bytes only: see `marks`.

use super::aead_streams::{AeadStream, altered};
use super::marks::Marks;
use super::streams::no_such_step;
use crate::Result;

/// A decryption under way.
#[derive(Debug)]
pub struct Revelation {
    /// Computes the tag; gone when that was right.
    checking: Option<AeadStream>,
    revealing: AeadStream,
    marks: Marks,
}

impl Revelation {
    /// Of what this starts, which is done twice.
    pub fn new(start: impl Fn() -> Result<AeadStream>) -> Result<Self> {
        Ok(Self { checking: Some(start()?), revealing: start()?, marks: Marks::new()? })
    }

    /// Takes the next data into the tag; gives their mark.
    pub fn check(&mut self, offset: u64, data: &[u8]) -> Result<Vec<u8>> {
        let checking = self.checking.as_mut().ok_or_else(no_such_step)?;
        checking.update(offset, data)?; // the plaintext is wiped
        self.marks.mark(offset, data)
    }

    /// Takes the last data and checks the tag.
    pub fn finish(&mut self, offset: u64, data: &[u8], tag: &[u8]) -> Result<Vec<u8>> {
        let mark = self.check(offset, data)?;
        let checking = self.checking.take().ok_or_else(no_such_step)?;
        checking.check_tag(tag)?;
        self.marks.turn();
        Ok(mark)
    }

    /// The plaintext of data that come again, in their order.
    pub fn reveal(&mut self, offset: u64, data: &[u8], mark: &[u8]) -> Result<Vec<u8>> {
        self.marks.check(offset, data, mark)?.map_err(|_| altered())?;
        Ok(std::mem::take(&mut *self.revealing.update(offset, data)?))
    }

    /// Whether all was shown.
    pub const fn is_over(&self) -> bool {
        self.marks.is_over()
    }
}
