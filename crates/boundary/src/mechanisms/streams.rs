//! The mechanisms that one HSM does from the first byte to the last, over data that comes in parts: HMAC, CMAC, GMAC, AES-GCM,
//! AES-CCM, AES-XTS, Ed25519; and those that a client does itself with most keys, CBC with padding and signatures over
//! hashes.
//!
//! A stream holds the crypto library's context and not the data. What an authenticated decryption shows, and when, is in
//! `revelation`; why an Ed25519 signature wants its data twice is in `eddsa_streams`.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::Function;
use strongroom_wire::{MechanismType, Rv};

use super::aead_streams::{AeadStream, given_iv, made_iv};
use super::aes_xts::DataUnit;
use super::eddsa_streams::{Signature, Verification};
use super::handle::OTHER_KEY;
use super::hashed_streams::{Hashed, hashes};
use super::padded_streams::{Padded, unpadded};
use super::revelation::Revelation;
use super::{KeyHandle, aes_gmac, hmac, internal, parameters};
use crate::ffi::{CmacStream, GcmStream, HmacStream};
use crate::{Error, Result};

const AES_BLOCK: usize = 16;
const DES_BLOCK: usize = 8;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A MAC is made.
    Sign,
    /// A MAC is checked.
    Verify,
    /// Data is encrypted.
    Encrypt,
    /// Data is decrypted.
    Decrypt,
}

/// What is done with data of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// They are the next.
    Update,
    /// They are the last; what is checked has a MAC or a tag.
    Finish(Option<&'a [u8]>),
    /// They came before and come again, with their mark.
    Repeat(&'a [u8]),
}

/// A computation under way.
#[derive(Debug)]
pub enum Computation {
    /// A MAC, made or checked.
    Mac(Mac),
    /// An authenticated encryption.
    Encryption(AeadStream),
    /// Its decryption.
    Decryption(Box<Revelation>),
    /// A data unit of AES-XTS, either way.
    Unit(DataUnit),
    /// An Ed25519 signature.
    Signature(Box<Signature>),
    /// Its verification.
    Verification(Box<Verification>),
    /// A signature over a hash, or its verification.
    Hashed(Box<Hashed>),
    /// CBC with padding, either way.
    Padded(Box<Padded>),
}

/// A MAC under way.
#[derive(Debug)]
pub struct Mac {
    context: MacContext,
    length: usize,
    is_checked: bool,
}

#[derive(Debug)]
enum MacContext {
    Hmac(HmacStream),
    Cmac(CmacStream),
    Gmac(GcmStream),
}

/// Starts one; gives the IV that was made for it, if one was. The verification of an Ed25519 signature begins with that.
///
/// # Errors
/// `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`, `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`.
pub fn open(
    key: &KeyHandle,
    purpose: Purpose,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    signature: Option<&[u8]>,
) -> Result<(Computation, Option<Vec<u8>>)> {
    let is_mac = matches!(purpose, Purpose::Sign | Purpose::Verify);
    let function = if is_mac { Function::Sign } else { Function::Encrypt };
    // A client has the IV of CKM_CLOUDHSM_AES_GCM in its place by itself.
    let is_elsewhere = mechanism == MechanismType::CloudhsmAesGcm || is_by_requests(mechanism);
    let has_streams = mechanism.is_stream() && !is_elsewhere;
    if !has_streams || !mechanism.functions().contains(&function) {
        let text = format!("{} takes its data in one request", mechanism.name());
        return Err(Error::refused(Rv::MECHANISM_INVALID, text));
    }
    match (key, purpose) {
        (KeyHandle::Secret(key), Purpose::Sign | Purpose::Verify) => {
            let hash = hmac::hash_of(mechanism).ok_or_else(|| internal(OTHER_KEY))?;
            let length = parameters::mac_length(mechanism, given, hash.length())?;
            Ok((mac(MacContext::Hmac(HmacStream::new(hash, &key.material)?), length, purpose), None))
        }
        (KeyHandle::Aes(key), Purpose::Sign | Purpose::Verify) if mechanism == MechanismType::AesGmac => {
            let length = aes_gmac::read(given)?;
            let (iv, made) = if purpose == Purpose::Sign { made_iv()? } else { given_iv(given)? };
            let context = MacContext::Gmac(GcmStream::encrypt(&key.material, &iv)?);
            Ok((mac(context, length, purpose), made))
        }
        (KeyHandle::Aes(key), Purpose::Sign | Purpose::Verify) => {
            let length = parameters::mac_length(mechanism, given, AES_BLOCK)?;
            Ok((mac(MacContext::Cmac(CmacStream::aes(&key.material)?), length, purpose), None))
        }
        (KeyHandle::Des3(key), Purpose::Sign | Purpose::Verify) => {
            let length = parameters::mac_length(mechanism, given, DES_BLOCK)?;
            Ok((mac(MacContext::Cmac(CmacStream::des3(key)?), length, purpose), None))
        }
        (KeyHandle::Aes(key), Purpose::Encrypt) => {
            let (stream, made) = AeadStream::encryption(key, mechanism, given)?;
            Ok((Computation::Encryption(stream), made))
        }
        (KeyHandle::Aes(key), Purpose::Decrypt) => {
            let revelation = Revelation::new(|| AeadStream::decryption(key, mechanism, given))?;
            Ok((Computation::Decryption(Box::new(revelation)), None))
        }
        (KeyHandle::AesXts(key), Purpose::Encrypt | Purpose::Decrypt) => {
            let unit = DataUnit::new(key, purpose == Purpose::Encrypt, given)?;
            Ok((Computation::Unit(unit), None))
        }
        (KeyHandle::Ed25519(key), Purpose::Sign) => {
            Ok((Computation::Signature(Box::new(Signature::new(key, given)?)), None))
        }
        (KeyHandle::Ed25519Public(key), Purpose::Verify) => {
            let verification = Verification::new(key, given, signature.unwrap_or_default())?;
            Ok((Computation::Verification(Box::new(verification)), None))
        }
        _ => Err(internal(OTHER_KEY)),
    }
}

/// Whether a mechanism is one of [`open_by_requests`].
pub fn is_by_requests(mechanism: MechanismType) -> bool {
    hashes(mechanism) || unpadded(mechanism).is_some()
}

/// Starts one whose steps do what requests do, so that the key must be at hand.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub fn open_by_requests(
    key: Arc<KeyHandle>,
    purpose: Purpose,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
) -> Result<Computation> {
    if unpadded(mechanism).is_some() {
        return Ok(Computation::Padded(Box::new(Padded::new(key, purpose, mechanism, given))));
    }
    Ok(Computation::Hashed(Box::new(Hashed::new(key, purpose, mechanism, given)?)))
}

const fn mac(context: MacContext, length: usize, purpose: Purpose) -> Computation {
    Computation::Mac(Mac { context, length, is_checked: matches!(purpose, Purpose::Verify) })
}

impl Computation {
    /// Does a step with data before which there was so much; gives the result, and itself unless it is over.
    ///
    /// # Errors
    /// `CKR_DATA_LEN_RANGE`, `CKR_ENCRYPTED_DATA_LEN_RANGE` for more or less than the mechanism takes or was told;
    /// `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`, `CKR_ENCRYPTED_DATA_INVALID`; `CKR_OPERATION_NOT_INITIALIZED` for
    /// a step that it does not have. It is over then.
    pub fn step(self, step: Step<'_>, offset: u64, data: &[u8]) -> Result<(Vec<u8>, Option<Self>)> {
        match (self, step) {
            (Self::Mac(mac), Step::Update) => Ok((Vec::new(), Some(Self::Mac(mac.updated(data)?)))),
            (Self::Mac(mac), Step::Finish(expected)) => Ok((mac.updated(data)?.finish(expected)?, None)),
            (Self::Encryption(mut stream), Step::Update) => {
                let mut encrypted = stream.update(offset, data)?;
                Ok((std::mem::take(&mut *encrypted), Some(Self::Encryption(stream))))
            }
            (Self::Encryption(mut stream), Step::Finish(_)) => {
                let mut encrypted = std::mem::take(&mut *stream.update(offset, data)?);
                encrypted.extend_from_slice(&stream.tag()?);
                Ok((encrypted, None))
            }
            (Self::Unit(mut unit), Step::Update) => {
                Ok((unit.update(offset, data, false)?, Some(Self::Unit(unit))))
            }
            (Self::Unit(mut unit), Step::Finish(_)) => Ok((unit.update(offset, data, true)?, None)),
            (Self::Verification(mut verification), Step::Update) => {
                verification.take(data)?;
                Ok((Vec::new(), Some(Self::Verification(verification))))
            }
            (Self::Verification(mut verification), Step::Finish(_)) => {
                verification.take(data)?;
                verification.finish()?;
                Ok((Vec::new(), None))
            }
            (Self::Hashed(mut hashed), Step::Update) => {
                hashed.take(data)?;
                Ok((Vec::new(), Some(Self::Hashed(hashed))))
            }
            (Self::Hashed(mut hashed), Step::Finish(expected)) => {
                hashed.take(data)?;
                Ok((hashed.finish(expected)?, None))
            }
            (Self::Signature(mut signature), Step::Update) => {
                Ok((signature.take(offset, data)?, Some(Self::Signature(signature))))
            }
            (Self::Signature(mut signature), Step::Finish(_)) => {
                Ok((signature.turn(offset, data)?, Some(Self::Signature(signature))))
            }
            (Self::Signature(mut signature), Step::Repeat(mark)) => {
                let made = signature.repeat(offset, data, mark)?;
                let goes_on = !signature.is_over();
                Ok((made, goes_on.then_some(Self::Signature(signature))))
            }
            (Self::Padded(mut padded), Step::Update) => Ok((padded.take(data)?, Some(Self::Padded(padded)))),
            (Self::Padded(padded), Step::Finish(_)) => Ok((padded.finish(data)?, None)),
            (Self::Decryption(mut revelation), step) => {
                let result = match step {
                    Step::Update => revelation.check(offset, data)?,
                    Step::Finish(tag) => revelation.finish(offset, data, tag.unwrap_or_default())?,
                    Step::Repeat(mark) => revelation.reveal(offset, data, mark)?,
                };
                let goes_on = !revelation.is_over();
                Ok((result, goes_on.then_some(Self::Decryption(revelation))))
            }
            (_, Step::Repeat(_)) => Err(no_such_step()),
        }
    }
}

/// For a step that comes at the wrong time.
pub fn no_such_step() -> Error {
    Error::refused(Rv::OPERATION_NOT_INITIALIZED, "the stream is not at this step")
}

impl Mac {
    fn updated(mut self, data: &[u8]) -> Result<Self> {
        match &mut self.context {
            MacContext::Hmac(context) => context.update(data)?,
            MacContext::Cmac(context) => context.update(data)?,
            MacContext::Gmac(context) => context.authenticate(data)?,
        }
        Ok(self)
    }

    fn finish(self, expected: Option<&[u8]>) -> Result<Vec<u8>> {
        let mut mac = match self.context {
            MacContext::Hmac(context) => context.finish()?,
            MacContext::Cmac(context) => context.finish()?,
            MacContext::Gmac(context) => context.tag(self.length)?,
        };
        mac.truncate(self.length);
        if !self.is_checked {
            return Ok(mac);
        }
        let expected = expected.unwrap_or_default();
        if expected.len() != self.length {
            let text = format!("a MAC of this mechanism has {} bytes", self.length);
            return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, text));
        }
        verify_slices_are_equal(&mac, expected).map_err(|_| {
            Error::refused(Rv::SIGNATURE_INVALID, "the MAC is not over this data by this key")
        })?;
        Ok(Vec::new())
    }
}
