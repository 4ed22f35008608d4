//! Message digesting functions (PKCS #11 2.40 section 5.10): computed here, no key is involved.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512};
use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::tables::Function;
use strongroom_wire::{MechanismType, Rv};

use crate::edge::{Failure, Output, Result, bytes, enter};
use crate::mechanism::Mechanism;

/// A digest under way.
#[derive(Clone)]
pub struct Digest {
    context: Context,
    /// Whether C_DigestUpdate was called.
    is_multi_part: bool,
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest")
    }
}

impl Digest {
    /// Of the empty message.
    pub fn new(mechanism: MechanismType) -> Result<Self> {
        let algorithm = match mechanism {
            MechanismType::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            MechanismType::Sha224 => &SHA224,
            MechanismType::Sha256 => &SHA256,
            MechanismType::Sha384 => &SHA384,
            MechanismType::Sha512 => &SHA512,
            _ => return Err(Rv::MECHANISM_INVALID.into()),
        };
        Ok(Self { context: Context::new(algorithm), is_multi_part: false })
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) {
        self.context.update(data);
        self.is_multi_part = true;
    }

    /// The digest.
    pub fn finish(self) -> Vec<u8> {
        self.context.finish().as_ref().to_vec()
    }

    /// Its length.
    pub fn length(&self) -> usize {
        self.context.algorithm().output_len()
    }
}

const NOT_ACTIVE: Rv = Rv::OPERATION_NOT_INITIALIZED;

/// C_DigestInit.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) -> CK_RV {
    enter("C_DigestInit", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        if operations.digest.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Digest) }?;
        operations.digest = Some(Digest::new(mechanism.kind)?);
        Ok(())
    })
}

/// C_Digest.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Digest(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_length: CK_ULONG,
    digest: *mut CK_BYTE,
    digest_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_Digest", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        let active = operations.digest.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        if active.is_multi_part {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(digest, digest_length) }?;
        if !output.has_room(active.length())? {
            return Ok(());
        }
        let mut active = operations.digest.take().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        active.update(unsafe { bytes(data, data_length) }?);
        output.write(&active.finish())
    })
}

/// C_DigestUpdate.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestUpdate(
    session: CK_SESSION_HANDLE,
    part: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    enter("C_DigestUpdate", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        let active = operations.digest.as_mut().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        active.update(unsafe { bytes(part, length) }?);
        Ok(())
    })
}

/// C_DigestFinal.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestFinal(
    session: CK_SESSION_HANDLE,
    digest: *mut CK_BYTE,
    digest_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_DigestFinal", |library| {
        let session = library.session(session)?;
        let mut operations = session.operations();
        let active = operations.digest.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(digest, digest_length) }?;
        if !output.has_room(active.length())? {
            return Ok(());
        }
        let active = operations.digest.take().ok_or(Failure::from(NOT_ACTIVE))?;
        output.write(&active.finish())
    })
}
