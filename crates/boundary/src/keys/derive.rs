//! Symmetric keys and how one comes from another: SP 800-108, counter mode, HMAC-SHA-256.
//!
//! Fixed input is `label ‖ 0x00 ‖ context ‖ length in bits (32 bits, big-endian)`, after the 32-bit counter (SP 800-108r1
//! section 4.1). A key has one label and therefore one job; nothing here encrypts under a key that also derives.

use aws_lc_rs::hmac;
use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use zeroize::Zeroize;

use super::random;
use crate::{Error, Result};

/// Bytes in every symmetric key here.
pub(super) const KEY_LENGTH: usize = 32;

/// A 256-bit key on the heap, so that moving it leaves no copy behind; wiped on drop and never printed.
pub(super) struct SecretKey(Box<[u8; KEY_LENGTH]>);

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl SecretKey {
    /// A new key from the random generator.
    pub(super) fn generate() -> Result<Self> {
        let mut key = Self(Box::new([0; KEY_LENGTH]));
        random(key.0.as_mut())?;
        Ok(key)
    }

    /// A copy of exactly 32 bytes; `name` says whose they are in the refusal.
    pub(super) fn from_slice(bytes: &[u8], name: &str) -> Result<Self> {
        if bytes.len() != KEY_LENGTH {
            return Err(Error::integrity(format!(
                "{name} has {} bytes instead of {KEY_LENGTH}",
                bytes.len()
            )));
        }
        let mut key = Self(Box::new([0; KEY_LENGTH]));
        key.0.copy_from_slice(bytes);
        Ok(key)
    }

    /// A key whose bytes are written in place.
    pub(super) fn fill(write: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Self> {
        let mut key = Self(Box::new([0; KEY_LENGTH]));
        write(key.0.as_mut())?;
        Ok(key)
    }

    /// The key's bytes, for the crypto library and for envelopes.
    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// The key for one job. `context` separates keys of the same job (a record's salt).
    pub(super) fn derive(&self, label: &str, context: &[u8]) -> Result<Self> {
        let bits = (KEY_LENGTH as u32 * 8).to_be_bytes();
        let info = [label.as_bytes(), &[0], context, &bits].concat();
        Self::fill(|output| kbkdf(self.expose(), &info, output))
    }

    /// HMAC-SHA-256 over the parts, one after the other.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.expose()));
        for part in parts {
            context.update(part);
        }
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

/// SP 800-108 in counter mode with HMAC-SHA-256 over fixed input that the caller has laid out.
fn kbkdf(key: &[u8], info: &[u8], output: &mut [u8]) -> Result<()> {
    let failed = || Error::failed("the crypto library did not derive a key");
    let algorithm = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).ok_or_else(failed)?;
    kbkdf_ctr_hmac(algorithm, key, info, output).map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn derivation_gives_the_published_sp_800_108_vector() {
        // NIST CAVP KBKDF, counter mode, [PRF=HMAC_SHA256] [CTRLOCATION=BEFORE_FIXED] [RLEN=32_BITS], COUNT=0, L=128.
        let key = hex("dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0");
        let fixed = hex(
            "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b864a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac",
        );
        let mut output = [0; 16];
        kbkdf(&key, &fixed, &mut output).unwrap();
        assert_eq!(output.to_vec(), hex("10621342bfb0fd40046c0e29f2cfdbf0"));
    }

    #[test]
    fn another_label_or_context_gives_another_key() {
        let key = SecretKey::from_slice(&[7; 32], "test").unwrap();
        let one = key.derive("strongroom/one", b"").unwrap();
        assert_eq!(one.expose(), key.derive("strongroom/one", b"").unwrap().expose());
        assert_ne!(one.expose(), key.derive("strongroom/two", b"").unwrap().expose());
        assert_ne!(one.expose(), key.derive("strongroom/one", b"salt").unwrap().expose());
    }

    #[test]
    fn a_key_of_another_length_is_refused_by_name() {
        let error = SecretKey::from_slice(&[0; 31], "the root key").err().unwrap();
        assert_eq!(error.text, "the root key has 31 bytes instead of 32");
    }
}
