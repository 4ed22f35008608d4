//! AES-CCM (SP 800-38C) over data that comes in parts and whose length is known: the library's own takes them at once. CBC,
//! for the MAC, and counter mode are the library's.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_sys::{EVP_CIPHER, EVP_CIPHER_CTX};
use zeroize::Zeroizing;

use super::cipher::{pass, start};
use super::owned::Owned;
use super::{CryptoError, Result};

/// The block of AES.
const BLOCK: usize = 16;
/// Bytes of nonce and length of the data together (SP 800-38C appendix A.1).
const NONCE_AND_LENGTH: usize = BLOCK - 1;
/// Additional data from this length on have a longer length in front of them (appendix A.2.2).
const LONG_AAD: usize = 0xff00;
/// How much data the MAC takes at a time.
const STEP: usize = 64 * BLOCK;

/// AES-CCM under way, one way.
pub struct CcmStream {
    counter: Owned<EVP_CIPHER_CTX>,
    mac: Owned<EVP_CIPHER_CTX>,
    encrypts: bool,
    /// What covers the MAC in the tag.
    cover: Zeroizing<[u8; BLOCK]>,
    /// The MAC of all whole blocks.
    chain: Zeroizing<[u8; BLOCK]>,
    /// The data behind them, fewer than a block.
    pending: Zeroizing<Vec<u8>>,
    tag_length: usize,
    /// How much data is still to come.
    rest: u64,
}

impl std::fmt::Debug for CcmStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CcmStream").field("rest", &self.rest).finish_non_exhaustive()
    }
}

/// What both sides know beforehand.
#[derive(Clone, Copy, Debug)]
pub struct CcmParameters<'a> {
    /// 7 to 13 bytes.
    pub nonce: &'a [u8],
    /// Additional data.
    pub aad: &'a [u8],
    /// 4 to 16, even.
    pub tag_length: usize,
    /// The length of all of the data, without the tag.
    pub length: u64,
}

impl CcmStream {
    /// With a key of 16, 24 or 32 bytes. The length must be one that the nonce leaves room for.
    pub fn new(key: &[u8], encrypts: bool, given: CcmParameters<'_>) -> Result<Self> {
        let CcmParameters { nonce, aad, tag_length, length } = given;
        let length_bytes = NONCE_AND_LENGTH.checked_sub(nonce.len()).ok_or(CryptoError)?;
        if !(2..=8).contains(&length_bytes)
            || !(4..=BLOCK).contains(&tag_length)
            || tag_length % 2 != 0
            || length_bytes < 8 && length >> (8 * length_bytes) != 0
        {
            return Err(CryptoError);
        }
        let (counter_mode, chained) = ciphers(key.len())?;
        let mut first_counter = [0; BLOCK];
        first_counter[0] = length_bytes as u8 - 1;
        first_counter[1..=nonce.len()].copy_from_slice(nonce);
        let mut counter = start(counter_mode, 1, key, &first_counter)?;
        let mut cover = Zeroizing::new([0; BLOCK]);
        pass(&mut counter, &[0; BLOCK], cover.as_mut())?;
        let mut stream = Self {
            counter,
            mac: start(chained, 1, key, &[0; BLOCK])?,
            encrypts,
            cover,
            chain: Zeroizing::new([0; BLOCK]),
            pending: Zeroizing::new(Vec::with_capacity(BLOCK)),
            tag_length,
            rest: length,
        };
        let mut first = first_counter;
        first[0] |= (((tag_length as u8 - 2) / 2) << 3) | (u8::from(!aad.is_empty()) << 6);
        first[BLOCK - length_bytes..].copy_from_slice(&length.to_be_bytes()[8 - length_bytes..]);
        stream.authenticate(&first)?;
        stream.authenticate_aad(aad)?;
        Ok(stream)
    }

    /// The other side of data, as long as they are.
    pub fn update(&mut self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.rest = self.rest.checked_sub(data.len() as u64).ok_or(CryptoError)?;
        let mut out = Zeroizing::new(vec![0; data.len()]);
        pass(&mut self.counter, data, &mut out)?;
        self.authenticate(if self.encrypts { data } else { &out })?;
        Ok(out)
    }

    /// The tag over all of the data.
    pub fn tag(mut self) -> Result<Vec<u8>> {
        if self.rest != 0 {
            return Err(CryptoError);
        }
        self.fill_block()?;
        let mut tag: Vec<u8> =
            self.chain.iter().zip(self.cover.iter()).map(|(mac, cover)| mac ^ cover).collect();
        tag.truncate(self.tag_length);
        Ok(tag)
    }

    /// Checks the tag over all of the data, in constant time.
    pub fn check_tag(self, tag: &[u8]) -> Result<()> {
        let expected = Zeroizing::new(self.tag()?);
        verify_slices_are_equal(&expected, tag).map_err(|_| CryptoError)
    }

    fn authenticate_aad(&mut self, aad: &[u8]) -> Result<()> {
        match aad.len() {
            0 => return Ok(()),
            length if length < LONG_AAD => self.authenticate(&(length as u16).to_be_bytes())?,
            length => {
                let length = u32::try_from(length).map_err(|_| CryptoError)?;
                self.authenticate(&[0xff, 0xfe])?;
                self.authenticate(&length.to_be_bytes())?;
            }
        }
        self.authenticate(aad)?;
        self.fill_block()
    }

    /// Takes data into the MAC.
    fn authenticate(&mut self, mut data: &[u8]) -> Result<()> {
        if !self.pending.is_empty() {
            let (head, rest) = data.split_at(data.len().min(BLOCK - self.pending.len()));
            self.pending.extend_from_slice(head);
            data = rest;
            if self.pending.len() < BLOCK {
                return Ok(());
            }
            self.fill_block()?;
        }
        let mut links = Zeroizing::new([0; STEP]);
        let (blocks, rest) = data.split_at(data.len() / BLOCK * BLOCK);
        for some in blocks.chunks(STEP) {
            let links = links.get_mut(..some.len()).ok_or(CryptoError)?;
            pass(&mut self.mac, some, links)?;
            self.chain.copy_from_slice(&links[some.len() - BLOCK..]);
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Ends a block that has begun with zeros.
    fn fill_block(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.pending.resize(BLOCK, 0);
        pass(&mut self.mac, &self.pending, self.chain.as_mut())?;
        self.pending.clear();
        Ok(())
    }
}

/// Counter mode and CBC for a key of so many bytes.
fn ciphers(key_length: usize) -> Result<(*const EVP_CIPHER, *const EVP_CIPHER)> {
    // SAFETY: no preconditions; static data.
    unsafe {
        match key_length {
            16 => Ok((aws_lc_sys::EVP_aes_128_ctr(), aws_lc_sys::EVP_aes_128_cbc())),
            24 => Ok((aws_lc_sys::EVP_aes_192_ctr(), aws_lc_sys::EVP_aes_192_cbc())),
            32 => Ok((aws_lc_sys::EVP_aes_256_ctr(), aws_lc_sys::EVP_aes_256_cbc())),
            _ => Err(CryptoError),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ffi::CcmKey;

    fn bytes(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|place| (place * 7 + seed * 13 + place / 251) as u8).collect()
    }

    fn in_parts(stream: &mut CcmStream, data: &[u8], part: usize) -> Vec<u8> {
        data.chunks(part).flat_map(|part| stream.update(part).unwrap().to_vec()).collect()
    }

    /// The library's own CCM, which the vectors check, says the same.
    #[test]
    fn parts_give_what_the_library_gives_at_once() {
        let lengths = [0, 1, 15, 16, 17, 1023, 1024, 1025, 5000];
        let aads = [0, 1, 13, 14, 15, 16, 30, 65_279, 65_280, 70_000];
        for (place, (key_length, length)) in
            [16, 24, 32].into_iter().flat_map(|key| lengths.map(|length| (key, length))).enumerate()
        {
            let (key, data) = (bytes(key_length, place), bytes(length, place + 1));
            let nonce = bytes(7 + place % 7, place + 2);
            let aad = bytes(aads[place % aads.len()], place + 3);
            let tag_length = 4 + 2 * (place % 7);
            let sealed = CcmKey::new(&key, tag_length).seal(&nonce, &aad, &data).unwrap();
            let (ciphertext, tag) = sealed.split_at(length);
            let given = CcmParameters { nonce: &nonce, aad: &aad, tag_length, length: length as u64 };
            for part in [1, 5, 16, 1000, 4096] {
                let mut stream = CcmStream::new(&key, true, given).unwrap();
                assert_eq!(in_parts(&mut stream, &data, part), ciphertext);
                assert_eq!(stream.tag().unwrap(), tag);
                let mut stream = CcmStream::new(&key, false, given).unwrap();
                assert_eq!(in_parts(&mut stream, ciphertext, part), data);
                stream.check_tag(tag).unwrap();
            }
        }
    }

    #[test]
    fn a_changed_bit_of_tag_data_or_additional_data_is_seen() {
        let (key, nonce, data) = (bytes(32, 1), bytes(12, 2), bytes(100, 3));
        let given = CcmParameters { nonce: &nonce, aad: b"aad", tag_length: 16, length: 100 };
        let mut stream = CcmStream::new(&key, true, given).unwrap();
        let (mut ciphertext, mut tag) = (stream.update(&data).unwrap(), stream.tag().unwrap());
        let opened = |given, ciphertext: &[u8], tag: &[u8]| {
            let mut stream = CcmStream::new(&key, false, given).unwrap();
            stream.update(ciphertext).unwrap();
            stream.check_tag(tag)
        };
        opened(given, &ciphertext, &tag).unwrap();
        opened(given, &ciphertext, &tag[..15]).unwrap_err();
        opened(CcmParameters { aad: b"aae", ..given }, &ciphertext, &tag).unwrap_err();
        tag[15] ^= 1;
        opened(given, &ciphertext, &tag).unwrap_err();
        tag[15] ^= 1;
        ciphertext[99] ^= 1;
        opened(given, &ciphertext, &tag).unwrap_err();
    }

    #[test]
    fn not_more_and_not_less_than_was_said() {
        let given = CcmParameters { nonce: &[0; 13], aad: b"", tag_length: 8, length: 10 };
        let new = |given| CcmStream::new(&[1; 16], true, given);
        let mut stream = new(given).unwrap();
        stream.update(&[0; 9]).unwrap();
        stream.update(&[0; 2]).unwrap_err();
        let mut stream = new(given).unwrap();
        stream.update(&[0; 9]).unwrap();
        stream.tag().unwrap_err();
        new(CcmParameters { length: 0xffff, ..given }).unwrap();
        new(CcmParameters { length: 0x1_0000, ..given }).unwrap_err();
        for (nonce_length, tag_length) in [(6, 8), (14, 8), (13, 2), (13, 18), (13, 5)] {
            new(CcmParameters { nonce: &[0; 14][..nonce_length], tag_length, ..given }).unwrap_err();
        }
        CcmStream::new(&[1; 17], true, given).unwrap_err();
    }
}
