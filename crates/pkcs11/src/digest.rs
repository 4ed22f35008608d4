//! Message digesting functions (PKCS #11 2.40 section 5.10): computed here, unless the value of a key is in the data.

use std::ptr::NonNull;

use aws_lc_sys::{EVP_MD, EVP_MD_CTX};
use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::tables::Function;
use strongroom_wire::{MechanismType, Rv};

use crate::digesting::Digesting;
use crate::edge::{Failure, Output, Result, bytes, enter};
use crate::mechanism::Mechanism;

/// A digest under way. `aws-lc-rs` has no SHA3-224, so that the contexts are those of the crypto library itself.
pub struct Digest {
    context: Context,
    length: usize,
    /// The hash gives any length.
    is_extendable: bool,
}

/// A context of the library, freed on drop.
struct Context(NonNull<EVP_MD_CTX>);

// SAFETY: the library's contexts are not tied to a thread.
unsafe impl Send for Context {}
// SAFETY: what is done with a context takes its digest by value or mutably.
unsafe impl Sync for Context {}

impl Context {
    const fn as_ptr(&self) -> *mut EVP_MD_CTX {
        self.0.as_ptr()
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest")
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: owned, and not used again.
        unsafe { aws_lc_sys::EVP_MD_CTX_free(self.as_ptr()) }
    }
}

impl Digest {
    /// Of the empty message.
    pub fn new(mechanism: MechanismType) -> Result<Self> {
        // SAFETY: no preconditions; static data.
        let algorithm = unsafe {
            match mechanism {
                MechanismType::Sha1 => aws_lc_sys::EVP_sha1(),
                MechanismType::Sha224 => aws_lc_sys::EVP_sha224(),
                MechanismType::Sha256 => aws_lc_sys::EVP_sha256(),
                MechanismType::Sha384 => aws_lc_sys::EVP_sha384(),
                MechanismType::Sha512 => aws_lc_sys::EVP_sha512(),
                MechanismType::Sha3224 => aws_lc_sys::EVP_sha3_224(),
                MechanismType::Sha3256 => aws_lc_sys::EVP_sha3_256(),
                MechanismType::Sha3384 => aws_lc_sys::EVP_sha3_384(),
                MechanismType::Sha3512 => aws_lc_sys::EVP_sha3_512(),
                _ => return Err(Rv::MECHANISM_INVALID.into()),
            }
        };
        // SAFETY: the algorithm is static.
        unsafe { Self::of(algorithm, aws_lc_sys::EVP_MD_size(algorithm)) }
    }

    /// Of the empty message, with SHAKE128 and of this length.
    pub fn shake128(length: usize) -> Result<Self> {
        // SAFETY: no preconditions; static data.
        unsafe { Ok(Self { is_extendable: true, ..Self::of(aws_lc_sys::EVP_shake128(), length)? }) }
    }

    /// Of the empty message, with SHAKE256 and of this length.
    pub fn shake256(length: usize) -> Result<Self> {
        // SAFETY: no preconditions; static data.
        unsafe { Ok(Self { is_extendable: true, ..Self::of(aws_lc_sys::EVP_shake256(), length)? }) }
    }

    /// # Safety
    /// The algorithm is one of the library's.
    unsafe fn of(algorithm: *const EVP_MD, length: usize) -> Result<Self> {
        // SAFETY: no preconditions; the context is owned from here on.
        let context = NonNull::new(unsafe { aws_lc_sys::EVP_MD_CTX_new() }).ok_or(Rv::HOST_MEMORY)?;
        let context = Context(context);
        // SAFETY: the context is new and ours; null asks for the built-in implementation.
        check(unsafe { aws_lc_sys::EVP_DigestInit_ex(context.as_ptr(), algorithm, std::ptr::null_mut()) })?;
        Ok(Self { context, length, is_extendable: false })
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) -> Result {
        // SAFETY: the context is initialised; the data is valid for its length.
        check(unsafe {
            aws_lc_sys::EVP_DigestUpdate(self.context.as_ptr(), data.as_ptr().cast(), data.len())
        })
    }

    /// The digest.
    pub fn finish(self) -> Result<Vec<u8>> {
        let mut digest = vec![0; self.length];
        // SAFETY: the context is initialised; the buffer has the digest's length; null: that length is not asked for.
        check(unsafe {
            if self.is_extendable {
                aws_lc_sys::EVP_DigestFinalXOF(self.context.as_ptr(), digest.as_mut_ptr(), digest.len())
            } else {
                aws_lc_sys::EVP_DigestFinal_ex(
                    self.context.as_ptr(),
                    digest.as_mut_ptr(),
                    std::ptr::null_mut(),
                )
            }
        })?;
        Ok(digest)
    }

    /// Its length.
    pub const fn length(&self) -> usize {
        self.length
    }
}

/// The library refuses only what it has no memory for.
fn check(result: std::os::raw::c_int) -> Result {
    if result == 1 { Ok(()) } else { Err(Rv::HOST_MEMORY.into()) }
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
        if mechanism.is_null() && operations.digest.take().is_some() {
            return Ok(());
        }
        if operations.digest.is_some() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Digest, session.slot.profile) }?;
        operations.digest = Some(Digesting::new(&session.slot, mechanism.kind)?);
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
        if operations.digest.as_ref().ok_or(Failure::from(NOT_ACTIVE))?.is_multi_part() {
            return Err(Rv::OPERATION_ACTIVE.into());
        }
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output =
            unsafe { Output::new(digest, digest_length) }.inspect_err(|_| operations.digest = None)?;
        let active = operations.digest.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        if !output.has_room(active.length())? {
            return Ok(());
        }
        let active = operations.digest.take().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: that many bytes.
        output.write(&active.whole(unsafe { bytes(data, data_length) }?)?)
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
        let outcome = unsafe { bytes(part, length) }.and_then(|part| active.update(&session.slot, part));
        if outcome.is_err() {
            operations.digest = None;
        }
        outcome
    })
}

/// C_DigestKey: the HSM computes a digest that a key's value is in.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter("C_DigestKey", |library| {
        let session = library.standard_session(session)?;
        let mut operations = session.operations();
        let active = operations.digest.as_mut().ok_or(Failure::from(NOT_ACTIVE))?;
        let outcome = active.add_key(&session.slot, key);
        if outcome.is_err() {
            operations.digest = None;
        }
        outcome
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
        operations.digest.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output =
            unsafe { Output::new(digest, digest_length) }.inspect_err(|_| operations.digest = None)?;
        let active = operations.digest.as_ref().ok_or(Failure::from(NOT_ACTIVE))?;
        if !output.has_room(active.length())? {
            return Ok(());
        }
        let active = operations.digest.take().ok_or(Failure::from(NOT_ACTIVE))?;
        output.write(&active.finish(&session.slot)?)
    })
}
