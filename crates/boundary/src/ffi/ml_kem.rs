//! ML-KEM (FIPS 203).

use aws_lc_sys::{EVP_PKEY, EVP_PKEY_CTX};
use zeroize::Zeroizing;

use super::owned::Owned;
use super::{CryptoError, Result, check, pkey};

/// Bytes of a seed: d and z.
pub const SEED_LENGTH: usize = 64;
/// Bytes of the secret that comes out.
pub const SECRET_LENGTH: usize = 32;

/// The parameter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlKemSet {
    /// ML-KEM-512.
    MlKem512,
    /// ML-KEM-768.
    MlKem768,
    /// ML-KEM-1024.
    MlKem1024,
}

impl MlKemSet {
    const ALL: [Self; 3] = [Self::MlKem512, Self::MlKem768, Self::MlKem1024];

    const fn nid(self) -> std::os::raw::c_int {
        match self {
            Self::MlKem512 => aws_lc_sys::NID_MLKEM512,
            Self::MlKem768 => aws_lc_sys::NID_MLKEM768,
            Self::MlKem1024 => aws_lc_sys::NID_MLKEM1024,
        }
    }

    /// The rank k of FIPS 203 table 2.
    const fn rank(self) -> usize {
        match self {
            Self::MlKem512 => 2,
            Self::MlKem768 => 3,
            Self::MlKem1024 => 4,
        }
    }

    /// Bytes of an encapsulation key, the public one.
    pub const fn public_length(self) -> usize {
        384 * self.rank() + 32
    }

    /// Bytes of a decapsulation key, the private one.
    pub const fn private_length(self) -> usize {
        768 * self.rank() + 96
    }

    /// Bytes of a ciphertext.
    pub const fn ciphertext_length(self) -> usize {
        match self {
            Self::MlKem512 => 768,
            Self::MlKem768 => 1088,
            Self::MlKem1024 => 1568,
        }
    }
}

/// An ML-KEM key, private or public.
#[derive(Debug)]
pub struct MlKemKey {
    set: MlKemSet,
    pkey: Owned<EVP_PKEY>,
}

impl MlKemKey {
    /// A private key from its seed.
    pub fn from_seed(set: MlKemSet, seed: &[u8; SEED_LENGTH]) -> Result<Self> {
        // SAFETY: no preconditions; the context is ours alone.
        unsafe {
            let context =
                Owned::take(aws_lc_sys::EVP_PKEY_CTX_new_id(aws_lc_sys::EVP_PKEY_KEM, std::ptr::null_mut()))?;
            check(aws_lc_sys::EVP_PKEY_CTX_kem_set_params(context.as_ptr(), set.nid()))?;
            check(aws_lc_sys::EVP_PKEY_keygen_init(context.as_ptr()))?;
            let (mut made, mut length) = (std::ptr::null_mut(), SEED_LENGTH);
            // SAFETY: the seed has the length given; the key is taken over at once.
            check(aws_lc_sys::EVP_PKEY_keygen_deterministic(
                context.as_ptr(),
                &raw mut made,
                seed.as_ptr(),
                &raw mut length,
            ))?;
            Ok(Self { set, pkey: Owned::take(made)? })
        }
    }

    /// A private key from its expanded form, which has the public key in it. Both are checked (FIPS 203 section 7.3).
    pub fn expanded(set: MlKemSet, key: &[u8]) -> Result<Self> {
        if key.len() != set.private_length() {
            return Err(CryptoError);
        }
        let start = 384 * set.rank();
        let public = key.get(start..start + set.public_length()).ok_or(CryptoError)?;
        // SAFETY: both keys are valid for their lengths, which are checked, and are copied.
        let pkey = unsafe {
            Owned::take(aws_lc_sys::EVP_PKEY_kem_new_raw_key(
                set.nid(),
                public.as_ptr(),
                public.len(),
                key.as_ptr(),
                key.len(),
            ))?
        };
        // SAFETY: the key is valid and ours alone.
        check(unsafe { aws_lc_sys::EVP_PKEY_kem_check_key(pkey.as_ptr()) })?;
        Ok(Self { set, pkey })
    }

    /// A public key, checked (FIPS 203 section 7.2).
    pub fn public(set: MlKemSet, key: &[u8]) -> Result<Self> {
        // SAFETY: the key is valid for its length, which is checked, and is copied.
        let pkey = unsafe {
            Owned::take(aws_lc_sys::EVP_PKEY_kem_new_raw_public_key(set.nid(), key.as_ptr(), key.len()))?
        };
        let made = Self { set, pkey };
        // The library checks a key when it encapsulates; the FIPS module has no function that only checks.
        made.encapsulate()?;
        Ok(made)
    }

    /// A private key that the library has read.
    pub(super) fn take(pkey: Owned<EVP_PKEY>) -> Result<Self> {
        let length = pkey::public_length(&pkey)?;
        let set = MlKemSet::ALL.into_iter().find(|set| set.public_length() == length).ok_or(CryptoError)?;
        let read = Self { set, pkey };
        match read.seed() {
            Ok(_) => Ok(read),
            Err(_) => Self::expanded(set, &read.private_key()?),
        }
    }

    pub(super) const fn pkey(&self) -> &Owned<EVP_PKEY> {
        &self.pkey
    }

    /// Its parameter set.
    pub const fn set(&self) -> MlKemSet {
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

    /// Its private key in its expanded form.
    pub fn private_key(&self) -> Result<Zeroizing<Vec<u8>>> {
        pkey::raw_private(&self.pkey, self.set.private_length())
    }

    /// A new secret, and the ciphertext that the private key opens to it.
    pub fn encapsulate(&self) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>)> {
        let context = self.context()?;
        let (mut ciphertext_length, mut secret_length) = (self.set.ciphertext_length(), SECRET_LENGTH);
        let (mut ciphertext, mut secret) =
            (vec![0; ciphertext_length], Zeroizing::new(vec![0; secret_length]));
        // SAFETY: both buffers have the lengths given.
        check(unsafe {
            aws_lc_sys::EVP_PKEY_encapsulate(
                context.as_ptr(),
                ciphertext.as_mut_ptr(),
                &raw mut ciphertext_length,
                secret.as_mut_ptr(),
                &raw mut secret_length,
            )
        })?;
        Ok((secret, ciphertext))
    }

    /// The secret of a ciphertext. One that was altered gives another secret and no error (implicit rejection, FIPS 203
    /// section 6.3); one of a wrong length is refused.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let context = self.context()?;
        let mut length = SECRET_LENGTH;
        let mut secret = Zeroizing::new(vec![0; length]);
        // SAFETY: both buffers have the lengths given.
        check(unsafe {
            aws_lc_sys::EVP_PKEY_decapsulate(
                context.as_ptr(),
                secret.as_mut_ptr(),
                &raw mut length,
                ciphertext.as_ptr(),
                ciphertext.len(),
            )
        })?;
        Ok(secret)
    }

    fn context(&self) -> Result<Owned<EVP_PKEY_CTX>> {
        // SAFETY: the context takes a reference to the key.
        unsafe { Owned::take(aws_lc_sys::EVP_PKEY_CTX_new(self.pkey.as_ptr(), std::ptr::null_mut())) }
    }
}
