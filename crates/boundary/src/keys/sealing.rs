//! The one format of everything sealed. `docs/reference/sealing.md` describes it; golden files freeze it.
//!
//! ```text
//! 0       format version, 1
//! 1       purpose (see [`Purpose`])
//! 2..6    masking-key epoch, big-endian; 0 where no masking key is involved
//! 6..38   salt, 32 random bytes
//! 38..    AES-256-GCM ciphertext, then its 16-byte tag
//! ```
//!
//! The AES key of a record is SP 800-108 (purpose key, label `strongroom/record`, context salt). It encrypts this one
//! record and nothing else, so the nonce can be fixed (zero): a nonce under a key repeats only if a 256-bit random salt
//! does. Associated data is the header and then each bound part with its 32-bit length before it, so no two lists of
//! parts have the same encoding.
//!
//! An attacker with the store can withhold a record or give back another of the same key and version. They cannot read or
//! edit one, or move it to another key, version, cluster, purpose or set of public attributes. Heads are about the rest.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::derive::SecretKey;
use super::random;
use crate::{Error, Result};

const FORMAT: u8 = 1;
const SALT_LENGTH: usize = 32;
const HEADER_LENGTH: usize = 6 + SALT_LENGTH;
const TAG_LENGTH: usize = 16;

/// What a sealed record is; its number is in the header and its label gives the purpose key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Purpose {
    /// The installation's bundle, under the root key.
    Installation = 1,
    /// The private halves of the installation's roots, inside the bundle, under the root key.
    InstallationRoots = 2,
    /// An HSM's identity, under the root key.
    Identity = 3,
    /// The newest (revision, head) that an HSM saw, under the root key.
    Anchor = 4,
    /// A secret of the service, under the installation's service key.
    ServiceSecret = 5,
    /// The cluster keys for one member, under a key agreed with its wrapping key.
    Envelope = 6,
    /// The cluster keys under the installation's backup wrapping key.
    RecoveryEnvelope = 7,
    /// A user's key or certificate.
    Object = 16,
    /// A rule record: user, login, request result, quorum.
    Rule = 17,
    /// A login ticket.
    Ticket = 18,
}

impl Purpose {
    /// The label under which the purpose key is derived from its parent.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Installation => "strongroom/installation",
            Self::InstallationRoots => "strongroom/installation-roots",
            Self::Identity => "strongroom/identity",
            Self::Anchor => "strongroom/anchor",
            Self::ServiceSecret => "strongroom/service-secret",
            Self::Envelope => "strongroom/envelope",
            Self::RecoveryEnvelope => "strongroom/recovery-envelope",
            Self::Object => "strongroom/object",
            Self::Rule => "strongroom/rule",
            Self::Ticket => "strongroom/ticket",
        }
    }
}

/// A key that seals records of one purpose and epoch.
pub(super) struct SealingKey {
    key: SecretKey,
    purpose: Purpose,
    epoch: u32,
}

impl SealingKey {
    /// Derives it from its parent.
    pub(super) fn derive(parent: &SecretKey, purpose: Purpose, epoch: u32) -> Result<Self> {
        Ok(Self { key: parent.derive(purpose.label(), b"")?, purpose, epoch })
    }

    /// Takes an agreed key that has no other use.
    pub(super) fn from_agreed(key: SecretKey, purpose: Purpose) -> Self {
        Self { key, purpose, epoch: 0 }
    }

    /// Seals `plaintext` bound to `parts`.
    pub(super) fn seal(&self, parts: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut salt = [0; SALT_LENGTH];
        random(&mut salt)?;
        self.seal_with_salt(&salt, parts, plaintext)
    }

    fn seal_with_salt(&self, salt: &[u8; SALT_LENGTH], parts: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>> {
        let failed = || Error::failed("the crypto library did not seal a record");
        let mut sealed = Vec::with_capacity(HEADER_LENGTH + plaintext.len() + TAG_LENGTH);
        sealed.extend_from_slice(&[FORMAT, self.purpose as u8]);
        sealed.extend_from_slice(&self.epoch.to_be_bytes());
        sealed.extend_from_slice(salt);
        let associated = associated_data(&sealed, parts);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .record_key(salt)?
            .seal_in_place_separate_tag(fixed_nonce(), Aad::from(&associated), &mut sealed[HEADER_LENGTH..])
            .map_err(|_| failed())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) gave for the same parts.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`](crate::ErrorKind::Integrity); the text begins with `name`, which says what was opened.
    pub(super) fn open(&self, parts: &[&[u8]], sealed: &[u8], name: &str) -> Result<Zeroizing<Vec<u8>>> {
        if sealed.len() < HEADER_LENGTH + TAG_LENGTH {
            return Err(Error::integrity(format!("{name} is truncated")));
        }
        let (header, ciphertext) = sealed.split_at(HEADER_LENGTH);
        if header[0] != FORMAT {
            return Err(Error::integrity(format!(
                "{name} has format {}, which this version does not know",
                header[0]
            )));
        }
        if header[1] != self.purpose as u8 {
            return Err(Error::integrity(format!("{name} was sealed for another purpose")));
        }
        let epoch = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
        if epoch != self.epoch {
            return Err(Error::integrity(format!(
                "{name} was sealed under masking-key epoch {epoch}, this HSM holds epoch {}",
                self.epoch
            )));
        }
        let associated = associated_data(header, parts);
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .record_key(&header[6..])?
            .open_in_place(fixed_nonce(), Aad::from(&associated), &mut buffer)
            .map_err(|_| {
                Error::integrity(format!("{name} was altered, belongs elsewhere or is under another key"))
            })?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    fn record_key(&self, salt: &[u8]) -> Result<LessSafeKey> {
        let key = self.key.derive("strongroom/record", salt)?;
        UnboundKey::new(&AES_256_GCM, key.expose())
            .map(LessSafeKey::new)
            .map_err(|_| Error::failed("the crypto library refused a record key"))
    }
}

/// Fixed because each key encrypts one record; see the module's text.
fn fixed_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn associated_data(header: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut data = header.to_vec();
    append_parts(&mut data, parts);
    data
}

/// Appends each part with its length (32 bits, big-endian) before it.
pub(super) fn append_parts(data: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        #[allow(clippy::cast_possible_truncation)] // bodies are at most 1 MiB
        data.extend_from_slice(&(part.len() as u32).to_be_bytes());
        data.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ErrorKind;

    fn key(purpose: Purpose) -> SealingKey {
        SealingKey::derive(&SecretKey::from_slice(&[1; 32], "test").unwrap(), purpose, 1).unwrap()
    }

    fn refusal(result: Result<Zeroizing<Vec<u8>>>) -> String {
        let error = result.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Integrity);
        error.text.into_owned()
    }

    #[test]
    fn a_record_opens_under_the_same_parts() {
        let sealed = key(Purpose::Rule).seal(&[b"a", b"b"], b"plaintext").unwrap();
        assert_eq!(sealed.len(), 38 + 9 + 16);
        assert_eq!(*key(Purpose::Rule).open(&[b"a", b"b"], &sealed, "record").unwrap(), b"plaintext");
        let empty = key(Purpose::Rule).seal(&[], b"").unwrap();
        assert!(key(Purpose::Rule).open(&[], &empty, "record").unwrap().is_empty());
    }

    #[test]
    fn the_same_plaintext_is_never_sealed_under_the_same_key_twice() {
        let one = key(Purpose::Rule).seal(&[], b"plaintext").unwrap();
        let two = key(Purpose::Rule).seal(&[], b"plaintext").unwrap();
        assert_ne!(one[6..38], two[6..38]);
        assert_ne!(one[38..], two[38..]);
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let sealed = key(Purpose::Object).seal(&[b"part"], b"material").unwrap();
        for at in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[at / 8] ^= 1 << (at % 8);
            refusal(key(Purpose::Object).open(&[b"part"], &altered, "record"));
        }
    }

    #[test]
    fn every_truncation_and_an_extension_are_refused() {
        let sealed = key(Purpose::Object).seal(&[b"part"], b"material").unwrap();
        for length in 0..sealed.len() {
            refusal(key(Purpose::Object).open(&[b"part"], &sealed[..length], "record"));
        }
        refusal(key(Purpose::Object).open(&[b"part"], &[&sealed[..], &[0]].concat(), "record"));
    }

    #[test]
    fn parts_that_join_to_the_same_bytes_are_not_the_same_parts() {
        let sealed = key(Purpose::Rule).seal(&[b"ab", b"c"], b"plaintext").unwrap();
        refusal(key(Purpose::Rule).open(&[b"a", b"bc"], &sealed, "record"));
        refusal(key(Purpose::Rule).open(&[b"abc"], &sealed, "record"));
        refusal(key(Purpose::Rule).open(&[b"ab", b"c", b""], &sealed, "record"));
    }

    #[test]
    fn another_purpose_epoch_or_format_is_named() {
        let sealed = key(Purpose::Rule).seal(&[], b"plaintext").unwrap();
        assert_eq!(
            refusal(key(Purpose::Ticket).open(&[], &sealed, "the ticket")),
            "the ticket was sealed for another purpose"
        );
        let parent = SecretKey::from_slice(&[1; 32], "test").unwrap();
        let later = SealingKey::derive(&parent, Purpose::Rule, 2).unwrap();
        assert!(refusal(later.open(&[], &sealed, "record")).contains("epoch 1, this HSM holds epoch 2"));
        let mut altered = sealed.clone();
        altered[0] = 2;
        assert!(refusal(key(Purpose::Rule).open(&[], &altered, "record")).contains("format 2"));
        // The purpose byte is not trusted either: the other purpose's key and associated data differ.
        let mut moved = sealed;
        moved[1] = Purpose::Ticket as u8;
        refusal(key(Purpose::Ticket).open(&[], &moved, "record"));
    }
}
