//! Data that wait until an operation ends, in bounded memory: in a file without a name, sealed under a key that only this
//! process has.

use std::io::{self, Read, Seek, SeekFrom, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use strongroom_wire::{Rv, codec};
use tempfile::SpooledTempFile;

use crate::edge::{Failure, Result};

/// So much is kept in memory, before a file is made.
const MEMORY: usize = 4 << 20;
const KEY_LENGTH: usize = 32;

/// Records of one length, to be read in any order.
#[derive(Debug)]
pub struct Spool {
    file: SpooledTempFile,
    key: LessSafeKey,
    count: u64,
    /// Of a sealed record.
    length: usize,
}

impl Spool {
    /// Of no records yet.
    ///
    /// # Errors
    /// `CKR_FUNCTION_FAILED`.
    pub fn new() -> Result<Self> {
        let mut key = [0; KEY_LENGTH];
        let made = rand::fill(&mut key).and_then(|()| UnboundKey::new(&AES_256_GCM, &key));
        strongroom_wiping::wipe(&mut key);
        let key = LessSafeKey::new(made.map_err(refused)?);
        Ok(Self { file: SpooledTempFile::new(MEMORY), key, count: 0, length: 0 })
    }

    /// How many records there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds a record, which has these parts.
    ///
    /// # Errors
    /// `CKR_HOST_MEMORY` when there is no room in the directory for temporary files.
    pub fn push(&mut self, parts: &[&[u8]]) -> Result {
        let mut record =
            Vec::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>() + AES_256_GCM.tag_len());
        parts.iter().for_each(|part| record.extend_from_slice(part));
        let sealed = self.key.seal_in_place_append_tag(nonce(self.count), Aad::empty(), &mut record);
        if sealed.is_err() {
            codec::wipe(&mut record);
        }
        sealed.map_err(refused)?;
        self.length = record.len();
        self.seek(self.count).and_then(|()| self.file.write_all(&record)).map_err(|error| no_room(&error))?;
        self.count += 1;
        Ok(())
    }

    /// A record, for the caller to wipe.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn read(&mut self, number: u64) -> Result<Vec<u8>> {
        let mut record = vec![0; self.length];
        self.seek(number)
            .and_then(|()| self.file.read_exact(&mut record))
            .map_err(|error| no_room(&error))?;
        let opened = self.key.open_in_place(nonce(number), Aad::empty(), &mut record);
        let length = opened.map_err(refused)?.len();
        record.truncate(length);
        Ok(record)
    }

    fn seek(&mut self, number: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(number * self.length as u64)).map(|_| ())
    }
}

/// Of a record: its key seals one of each number.
fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[NONCE_LEN - size_of::<u64>()..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn refused(_: Unspecified) -> Failure {
    let text = "the data that wait for the end of the operation cannot be sealed, or were altered";
    Failure { rv: Rv::FUNCTION_FAILED, text: text.into(), is_outage: false }
}

fn no_room(error: &io::Error) -> Failure {
    let place = std::env::temp_dir();
    let text = format!(
        "data that wait for the end of the operation cannot be kept in {}: {error}; set TMPDIR to a directory with room",
        place.display()
    );
    Failure { rv: Rv::HOST_MEMORY, text: text.into(), is_outage: false }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn records_come_back_in_any_order_and_are_sealed_in_the_file() {
        let mut spool = Spool::new().unwrap();
        let record = |number: u8| [vec![number; 1 << 20], vec![!number; 32]];
        for number in 0..8 {
            let [data, mark] = record(number);
            spool.push(&[&data, &mark]).unwrap();
        }
        assert!(spool.file.is_rolled(), "more than stays in memory");
        assert_eq!(spool.count(), 8);
        for number in [7, 0, 3, 3] {
            assert_eq!(spool.read(u64::from(number)).unwrap(), record(number).concat());
        }
        let mut bytes = [0; 64];
        spool.seek(5).unwrap();
        spool.file.read_exact(&mut bytes).unwrap();
        assert!(bytes.iter().filter(|byte| **byte == 5).count() < 16);
        spool.seek(5).unwrap();
        spool.file.write_all(&[0]).unwrap();
        assert_eq!(spool.read(5).unwrap_err().rv, Rv::FUNCTION_FAILED, "it was altered");
        assert_eq!(spool.read(8).unwrap_err().rv, Rv::HOST_MEMORY, "there is none");
    }
}
