//! ML-DSA (FIPS 204): over messages with a context, or over the hash of both that others made (external mu).

use aws_lc_sys::{EVP_MD_CTX, EVP_PKEY, EVP_PKEY_CTX};
use zeroize::Zeroizing;

use super::owned::Owned;
use super::{CryptoError, Result, check, pkey};

/// Bytes of a seed.
pub const SEED_LENGTH: usize = 32;
/// Bytes of mu.
pub const MU_LENGTH: usize = 64;

/// The parameter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlDsaSet {
    /// ML-DSA-44.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

impl MlDsaSet {
    const ALL: [Self; 3] = [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];

    const fn nid(self) -> std::os::raw::c_int {
        match self {
            Self::MlDsa44 => aws_lc_sys::NID_MLDSA44,
            Self::MlDsa65 => aws_lc_sys::NID_MLDSA65,
            Self::MlDsa87 => aws_lc_sys::NID_MLDSA87,
        }
    }

    /// Bytes of a public key.
    pub const fn public_length(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// Bytes of an expanded private key.
    pub const fn private_length(self) -> usize {
        match self {
            Self::MlDsa44 => 2560,
            Self::MlDsa65 => 4032,
            Self::MlDsa87 => 4896,
        }
    }

    /// Bytes of a signature.
    pub const fn signature_length(self) -> usize {
        match self {
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }
}

/// An ML-DSA key, private or public.
#[derive(Debug)]
pub struct MlDsaKey {
    set: MlDsaSet,
    pkey: Owned<EVP_PKEY>,
}

impl MlDsaKey {
    /// A private key from its seed, or from its expanded form.
    pub fn private(set: MlDsaSet, key: &[u8]) -> Result<Self> {
        // SAFETY: the key is valid for its length and is copied; its length is checked.
        let pkey = unsafe {
            Owned::take(aws_lc_sys::EVP_PKEY_pqdsa_new_raw_private_key(set.nid(), key.as_ptr(), key.len()))?
        };
        Ok(Self { set, pkey })
    }

    /// A public key.
    pub fn public(set: MlDsaSet, key: &[u8]) -> Result<Self> {
        // SAFETY: the key is valid for its length and is copied; its length is checked.
        let pkey = unsafe {
            Owned::take(aws_lc_sys::EVP_PKEY_pqdsa_new_raw_public_key(set.nid(), key.as_ptr(), key.len()))?
        };
        Ok(Self { set, pkey })
    }

    /// A private key that the library has read.
    pub(super) fn take(pkey: Owned<EVP_PKEY>) -> Result<Self> {
        // SAFETY: the key is valid.
        let nid = unsafe { aws_lc_sys::EVP_PKEY_pqdsa_get_type(pkey.as_ptr()) };
        let set = MlDsaSet::ALL.into_iter().find(|set| set.nid() == nid).ok_or(CryptoError)?;
        Ok(Self { set, pkey })
    }

    pub(super) const fn pkey(&self) -> &Owned<EVP_PKEY> {
        &self.pkey
    }

    /// Its parameter set.
    pub const fn set(&self) -> MlDsaSet {
        self.set
    }

    /// Its public key.
    pub fn public_key(&self) -> Result<Vec<u8>> {
        pkey::raw_public(&self.pkey, self.set.public_length())
    }

    /// Its seed; refused where only the expanded form is known.
    pub fn seed(&self) -> Result<Zeroizing<Vec<u8>>> {
        pkey::seed(&self.pkey, SEED_LENGTH)
    }

    /// Its expanded private key.
    pub fn expanded(&self) -> Result<Zeroizing<Vec<u8>>> {
        pkey::raw_private(&self.pkey, self.set.private_length())
    }

    /// Signs a message with a context of at most 255 bytes. The signature is hedged: it takes fresh random bytes.
    pub fn sign(&self, message: &[u8], context: &[u8]) -> Result<Vec<u8>> {
        let hashing = self.hashing(aws_lc_sys::EVP_DigestSignInit, context)?;
        self.signed(|signature, length| {
            // SAFETY: the context is initialised; both buffers are valid for their lengths.
            unsafe {
                aws_lc_sys::EVP_DigestSign(
                    hashing.as_ptr(),
                    signature,
                    length,
                    message.as_ptr(),
                    message.len(),
                )
            }
        })
    }

    /// Whether a signature is over a message with this context.
    pub fn verify(&self, message: &[u8], context: &[u8], signature: &[u8]) -> Result<()> {
        let hashing = self.hashing(aws_lc_sys::EVP_DigestVerifyInit, context)?;
        // SAFETY: the context is initialised; both buffers are valid for their lengths.
        check(unsafe {
            aws_lc_sys::EVP_DigestVerify(
                hashing.as_ptr(),
                signature.as_ptr(),
                signature.len(),
                message.as_ptr(),
                message.len(),
            )
        })
    }

    /// Signs mu, hedged too.
    pub fn sign_mu(&self, mu: &[u8; MU_LENGTH]) -> Result<Vec<u8>> {
        let context = self.context(aws_lc_sys::EVP_PKEY_sign_init)?;
        self.signed(|signature, length| {
            // SAFETY: the context is initialised; both buffers are valid for their lengths.
            unsafe { aws_lc_sys::EVP_PKEY_sign(context.as_ptr(), signature, length, mu.as_ptr(), mu.len()) }
        })
    }

    /// Whether a signature is over what mu stands for.
    pub fn verify_mu(&self, mu: &[u8; MU_LENGTH], signature: &[u8]) -> Result<()> {
        let context = self.context(aws_lc_sys::EVP_PKEY_verify_init)?;
        // SAFETY: the context is initialised; both buffers are valid for their lengths.
        check(unsafe {
            aws_lc_sys::EVP_PKEY_verify(
                context.as_ptr(),
                signature.as_ptr(),
                signature.len(),
                mu.as_ptr(),
                mu.len(),
            )
        })
    }

    fn signed(&self, sign: impl FnOnce(*mut u8, *mut usize) -> std::os::raw::c_int) -> Result<Vec<u8>> {
        let mut length = self.set.signature_length();
        let mut signature = vec![0; length];
        check(sign(signature.as_mut_ptr(), &raw mut length))?;
        if length == signature.len() { Ok(signature) } else { Err(CryptoError) }
    }

    fn context(&self, init: Init) -> Result<Owned<EVP_PKEY_CTX>> {
        // SAFETY: the context takes a reference to the key.
        unsafe {
            let context =
                Owned::take(aws_lc_sys::EVP_PKEY_CTX_new(self.pkey.as_ptr(), std::ptr::null_mut()))?;
            check(init(context.as_ptr()))?;
            Ok(context)
        }
    }

    fn hashing(&self, init: HashingInit, context: &[u8]) -> Result<Owned<EVP_MD_CTX>> {
        // SAFETY: the hashing context is fresh and takes a reference to the key; the key context belongs to it. A null hash
        // stands for the one that the key's type has.
        unsafe {
            let hashing = Owned::take(aws_lc_sys::EVP_MD_CTX_new())?;
            let mut key_context = std::ptr::null_mut();
            check(init(
                hashing.as_ptr(),
                &raw mut key_context,
                std::ptr::null(),
                std::ptr::null_mut(),
                self.pkey.as_ptr(),
            ))?;
            check(aws_lc_sys::EVP_PKEY_CTX_set1_signature_context_string(
                key_context,
                context.as_ptr(),
                context.len(),
            ))?;
            Ok(hashing)
        }
    }
}

type Init = unsafe extern "C" fn(*mut EVP_PKEY_CTX) -> std::os::raw::c_int;
type HashingInit = unsafe extern "C" fn(
    *mut EVP_MD_CTX,
    *mut *mut EVP_PKEY_CTX,
    *const aws_lc_sys::EVP_MD,
    *mut aws_lc_sys::ENGINE,
    *mut EVP_PKEY,
) -> std::os::raw::c_int;
