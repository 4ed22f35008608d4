//! Authenticated encryption over data that comes in parts: AES-GCM and AES-CCM.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};
use zeroize::Zeroizing;

use super::aes_gcm::{IV_LENGTH, check_iv, tag_length};
use super::handle::AesHandle;
use super::{aes_ccm, fill_random, parameters};
use crate::ffi::{CcmStream, GcmStream};
use crate::{Error, Result};

/// The most that GCM encrypts under one IV, bytes (SP 800-38D section 5.2.1.1).
const GCM_LIMIT: u64 = (1 << 36) - 32;

/// One of them under way, one way.
#[derive(Debug)]
pub struct AeadStream {
    context: Context,
    encrypts: bool,
    tag_length: usize,
    /// How much data came so far.
    length: u64,
    /// How much it takes.
    limit: u64,
}

#[derive(Debug)]
enum Context {
    Gcm(GcmStream),
    Ccm(CcmStream),
}

impl AeadStream {
    /// An encryption, and the IV that was made for it, if one was.
    pub fn encryption(
        key: &AesHandle,
        mechanism: MechanismType,
        given: Option<&MechanismParameters>,
    ) -> Result<(Self, Option<Vec<u8>>)> {
        if mechanism == MechanismType::AesCcm {
            return Ok((Self::ccm(key, true, given)?, None));
        }
        let has_iv = parameters::required(given)?.iv.is_some();
        let (iv, made) = if has_iv { given_iv(given)? } else { made_iv()? };
        Ok((Self::gcm(key, true, &iv, given)?, made))
    }

    /// A decryption, whose plaintext is not to be shown before [`Self::check_tag`].
    pub fn decryption(
        key: &AesHandle,
        mechanism: MechanismType,
        given: Option<&MechanismParameters>,
    ) -> Result<Self> {
        if mechanism == MechanismType::AesCcm {
            return Self::ccm(key, false, given);
        }
        Self::gcm(key, false, &given_iv(given)?.0, given)
    }

    fn gcm(key: &AesHandle, encrypts: bool, iv: &[u8], given: Option<&MechanismParameters>) -> Result<Self> {
        let given = parameters::required(given)?;
        let tag_length = tag_length(given.tag_bits)?;
        let material = &key.material;
        let mut context =
            if encrypts { GcmStream::encrypt(material, iv) } else { GcmStream::decrypt(material, iv) }?;
        context.authenticate(given.aad.as_deref().unwrap_or_default())?;
        Ok(Self { context: Context::Gcm(context), encrypts, tag_length, length: 0, limit: GCM_LIMIT })
    }

    fn ccm(key: &AesHandle, encrypts: bool, given: Option<&MechanismParameters>) -> Result<Self> {
        let length = parameters::required(given)?.data_length;
        let length = length.ok_or_else(|| parameters::invalid("the length of the data must be given"))?;
        let given = aes_ccm::read(given, length)?;
        let context = Context::Ccm(CcmStream::new(&key.material, encrypts, given)?);
        Ok(Self { context, encrypts, tag_length: given.tag_length, length: 0, limit: length })
    }

    /// The other side of data before which there was so much, as long as they are.
    ///
    /// # Errors
    /// More than GCM encrypts under one IV, or more than CCM was told.
    pub fn update(&mut self, offset: u64, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.length = offset.saturating_add(data.len() as u64);
        if self.length > self.limit {
            return Err(self.bad_length(match self.context {
                Context::Gcm(_) => "GCM takes at most 64 GiB less 32 bytes under one IV",
                Context::Ccm(_) => "there is more data than the length that was given",
            }));
        }
        Ok(match &mut self.context {
            Context::Gcm(context) => context.update(data)?,
            Context::Ccm(context) => context.update(data)?,
        })
    }

    /// The tag of an encryption.
    pub fn tag(self) -> Result<Vec<u8>> {
        self.check_all_came()?;
        Ok(match self.context {
            Context::Gcm(context) => context.tag(self.tag_length)?,
            Context::Ccm(context) => context.tag()?,
        })
    }

    /// Checks the tag of a decryption, in constant time.
    pub fn check_tag(self, tag: &[u8]) -> Result<()> {
        self.check_all_came()?;
        if tag.len() != self.tag_length {
            let text = format!("the tag has {} bytes", self.tag_length);
            return Err(Error::refused(Rv::ENCRYPTED_DATA_LEN_RANGE, text));
        }
        let outcome = match self.context {
            Context::Gcm(context) => context.check_tag(tag),
            Context::Ccm(context) => context.check_tag(tag),
        };
        outcome.map_err(|_| altered())
    }

    fn check_all_came(&self) -> Result<()> {
        match self.context {
            Context::Ccm(_) if self.length != self.limit => {
                Err(self.bad_length("there is less data than the length that was given"))
            }
            _ => Ok(()),
        }
    }

    fn bad_length(&self, text: &'static str) -> Error {
        let rv = if self.encrypts { Rv::DATA_LEN_RANGE } else { Rv::ENCRYPTED_DATA_LEN_RANGE };
        Error::refused(rv, text)
    }
}

/// For data whose tag, or whose mark, is not right.
pub fn altered() -> Error {
    Error::refused(
        Rv::ENCRYPTED_DATA_INVALID,
        "the data was not encrypted with this key, IV and additional data, or was altered",
    )
}

/// A new IV, and the same to tell the caller.
pub fn made_iv() -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut iv = vec![0; IV_LENGTH];
    fill_random(&mut iv)?;
    Ok((iv.clone(), Some(iv)))
}

/// The caller's IV, and nothing to tell.
pub fn given_iv(given: Option<&MechanismParameters>) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let iv = parameters::required(given)?.iv.as_deref().unwrap_or_default();
    check_iv(iv)?;
    Ok((iv.to_vec(), None))
}
