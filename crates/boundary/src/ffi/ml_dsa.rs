//! ML-DSA (FIPS 204) over mu, the hash of key, context and message.

use aws_lc_sys::{EVP_PKEY, EVP_PKEY_CTX};
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

    fn sign_internal(self) -> SignInternal {
        match self {
            Self::MlDsa44 => sign_internal_44,
            Self::MlDsa65 => sign_internal_65,
            Self::MlDsa87 => sign_internal_87,
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
        let length = pkey::public_length(&pkey)?;
        let set = MlDsaSet::ALL.into_iter().find(|set| set.public_length() == length).ok_or(CryptoError)?;
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

    /// Signs mu. The signature is hedged: it takes fresh random bytes.
    pub fn sign_mu(&self, mu: &[u8; MU_LENGTH]) -> Result<Vec<u8>> {
        let context = self.context(aws_lc_sys::EVP_PKEY_sign_init)?;
        self.signed(|signature, length| {
            // SAFETY: the context is initialised; both buffers are valid for their lengths.
            unsafe { aws_lc_sys::EVP_PKEY_sign(context.as_ptr(), signature, length, mu.as_ptr(), mu.len()) }
        })
    }

    /// Signs mu without random bytes, so that the signature is always the same (FIPS 204 section 3.4).
    pub fn sign_mu_deterministically(&self, mu: &[u8; MU_LENGTH]) -> Result<Vec<u8>> {
        let sign = self.set.sign_internal();
        let private = self.expanded()?;
        self.signed(|signature, length| {
            // SAFETY: key, mu and randomness have the lengths that the function works on, the signature that of its set; with
            // mu there is no prefix.
            unsafe {
                sign(
                    private.as_ptr(),
                    signature,
                    length,
                    mu.as_ptr(),
                    mu.len(),
                    std::ptr::null(),
                    0,
                    NO_RANDOMNESS.as_ptr(),
                )
            }
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
}

type Init = unsafe extern "C" fn(*mut EVP_PKEY_CTX) -> std::os::raw::c_int;

/// What stands for the random bytes of a deterministic signature (FIPS 204 algorithm 2).
const NO_RANDOMNESS: [u8; 32] = [0; 32];

type SignInternal = unsafe extern "C" fn(
    *const u8,
    *mut u8,
    *mut usize,
    *const u8,
    usize,
    *const u8,
    usize,
    *const u8,
) -> std::os::raw::c_int;

// The library has these functions (crypto/fipsmodule/ml_dsa/ml_dsa.h) and leaves them out of its public headers. Their
// names begin with its version: another version does not link until they are looked at again (ADR 0131).
macro_rules! sign_internal {
    ($($name:ident is $symbol:literal or $fips:literal,)*) => {
        unsafe extern "C" {$(
            #[cfg_attr(not(feature = "fips"), link_name = $symbol)]
            #[cfg_attr(feature = "fips", link_name = $fips)]
            fn $name(
                private: *const u8,
                signature: *mut u8,
                signature_length: *mut usize,
                mu: *const u8,
                mu_length: usize,
                prefix: *const u8,
                prefix_length: usize,
                randomness: *const u8,
            ) -> std::os::raw::c_int;
        )*}
    };
}

sign_internal! {
    sign_internal_44 is "aws_lc_0_47_0_ml_dsa_extmu_44_sign_internal"
        or "aws_lc_fips_0_14_4_ml_dsa_extmu_44_sign_internal",
    sign_internal_65 is "aws_lc_0_47_0_ml_dsa_extmu_65_sign_internal"
        or "aws_lc_fips_0_14_4_ml_dsa_extmu_65_sign_internal",
    sign_internal_87 is "aws_lc_0_47_0_ml_dsa_extmu_87_sign_internal"
        or "aws_lc_fips_0_14_4_ml_dsa_extmu_87_sign_internal",
}
